"""All scores at once: directions, floors, names, and what they say of planted failures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from ganforge.core.declared import SCORES
from ganforge.core.errors import DataError, UsageError
from ganforge.metrics.context import Scored
from ganforge.metrics.evaluate import evaluate
from ganforge.metrics.features import learned, raw
from ganforge.metrics.points import Mixture
from ganforge.metrics.score import Protocol, Score
from tests.metrics.conftest import by_key

GENERAL = ("distances", "manifold", "sliced", "support", "memorisation", "spectrum")


def test_honest_samples_are_at_every_floor(honest):
    assert set(honest) == {
        "kernel_distance",
        "frechet_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "sliced_wasserstein",
        "two_sample_accuracy",
        "support_size",
        "memorisation",
        "spectrum_gap",
        "class_accuracy",
        "class_balance",
        "class_confident",
    }
    for key in (
        "precision",
        "recall",
        "coverage",
        "two_sample_accuracy",
        "class_accuracy",
        "class_confident",
    ):
        assert honest[key].gap == pytest.approx(0.0, abs=0.08), key
    assert honest["memorisation"].gap < 0.12
    assert honest["frechet_distance"].value < 2 * honest["frechet_distance"].floor
    assert abs(honest["kernel_distance"].value) < 0.1
    low, high = honest["kernel_distance"].interval
    assert low < 0 < high


def test_every_score_carries_its_protocol_and_its_interval_holds_it(honest):
    for score in honest.values():
        assert score.protocol.n > 0
        assert score.protocol.split
        assert math.isfinite(score.floor)
        low, high = score.interval
        assert low <= score.value <= high, score.key
    assert honest["kernel_distance"].protocol.n == 397
    assert honest["kernel_distance"].protocol.split == "held-out"
    assert honest["kernel_distance"].name.startswith("kernel distance (small-classes-")


def test_the_headline_of_small_data_is_the_kernel_distance(honest):
    assert next(iter(honest)) == "kernel_distance"


def test_collapse_loses_recall_coverage_and_support_while_precision_stays(digits, measure, honest):
    found = measure(np.repeat(digits.fresh[:10], 40, axis=0), only=GENERAL)
    assert found["recall"].value < 0.05
    assert found["precision"].value > 0.8
    assert found["coverage"].value < 0.5 * found["coverage"].floor
    assert found["support_size"].value < 15 < found["support_size"].floor
    for key in ("kernel_distance", "frechet_distance", "sliced_wasserstein"):
        assert found[key].gap > 5 * abs(honest[key].gap), key


def test_copies_look_perfect_everywhere_but_in_memorisation(digits, measure):
    found = measure(digits.training[:400], only=GENERAL)
    assert found["memorisation"].value == 1.0
    assert found["memorisation"].value > found["memorisation"].protocol.settings["honest_high"]
    assert found["memorisation"].protocol.settings["exact_copies"] == 1.0
    assert found["precision"].value > 0.9
    assert found["coverage"].value > 0.9


def test_noise_loses_precision_and_is_told_apart(chance, measure):
    noise = chance.integers(0, 256, (400, 1, 8, 8)).astype(np.uint8)
    found = measure(noise, only=("manifold", "two_sample", "spectrum", "distances"))
    assert found["precision"].value < 0.2
    assert found["two_sample_accuracy"].value > 0.95
    assert found["spectrum_gap"].value > 10 * found["spectrum_gap"].floor
    for score in found.values():
        assert score.gap > 0, score.key


def test_wrong_classes_and_missing_classes_are_named(digits, measure):
    some = digits.fresh[digits.fresh_labels != 3]
    asked = np.roll(digits.fresh_labels[digits.fresh_labels != 3], 1)
    own = {"classifier": None, "held_out_labels": digits.held_out_labels}  # one is trained
    scores = measure(some, wanted=asked, only=("classes",), **own)
    assert scores["class_accuracy"].value < 0.4
    assert scores["class_accuracy"].floor > 0.95
    assert scores["class_balance"].value > 4 * scores["class_balance"].floor


def test_the_same_seed_gives_the_same_numbers_and_order_does_not_matter(digits, measure):
    a, b = (measure(digits.fresh, only=GENERAL) for _ in range(2))
    assert {k: s.to_json() for k, s in a.items()} == {k: s.to_json() for k, s in b.items()}
    c = measure(torch.from_numpy(digits.fresh[::-1].copy()), only=GENERAL)
    for key, score in a.items():
        assert c[key].value == pytest.approx(score.value, rel=1e-3, abs=1e-6), key


def test_a_perfect_sampler_of_the_ring(chance, ring):
    def draw(n):
        return (ring[chance.integers(8, size=n)] + 0.01 * chance.standard_normal((n, 2))).astype(np.float32)

    scores = by_key(
        evaluate(
            Scored(
                draw(10_000),
                draw(5000),
                draw(500),
                extractor=raw(),
                mixture=Mixture(ring, 0.01),
                only=("modes", "histograms", "distances"),
            )
        )
    )
    assert scores["modes_covered"].value == scores["modes_covered"].floor == 8
    assert scores["high_quality"].value == pytest.approx(0.98889, abs=0.0045)
    assert scores["high_quality"].floor == pytest.approx(0.98889, abs=1e-5)
    assert scores["sigma_ratio"].value == pytest.approx(1.0, abs=0.02)
    assert scores["reverse_kl"].value < 0.002
    assert scores["jensen_shannon"].value < 2 * scores["jensen_shannon"].floor
    assert scores["modes_covered"].protocol.n == 10_000
    assert "two_sample_accuracy" not in scores


def test_points_on_a_line_against_their_normal(chance):
    x = [4 + 1.25 * chance.standard_normal((n, 1)) for n in (2000, 2000, 400)]
    source = Mixture(np.array([[4.0]]), 1.25)
    found = by_key(
        evaluate(Scored(*x, extractor=raw(), mixture=source, only=("modes", "histograms", "spectrum")))
    )
    assert found["kolmogorov_smirnov_normal"].value < 0.04
    # The mean of Kolmogorov's distribution is .8687.
    assert found["kolmogorov_smirnov_normal"].floor == pytest.approx(0.8687 / math.sqrt(2000), rel=1e-3)
    assert found["kolmogorov_smirnov"].value < 0.12
    assert "spectrum_gap" not in found
    off = by_key(
        evaluate(Scored(x[0] + 1, *x[1:], extractor=raw(), mixture=source, only=("modes", "histograms")))
    )
    assert off["kolmogorov_smirnov_normal"].value > 0.2


def test_a_read_only_map_of_a_file_can_be_scored(digits, tmp_path):
    np.save(tmp_path / "cache.npy", digits.training)
    training = np.load(tmp_path / "cache.npy", mmap_mode="r")
    labels = digits.training_labels.copy()
    labels.flags.writeable = False
    extractor = learned(training, labels, kimg=0.2)
    groups = ("distances", "memorisation", "spectrum", "two_sample", "sliced", "support", "manifold")
    scores = evaluate(Scored(digits.fresh[:50], training, training[:60], extractor=extractor, only=groups))
    assert len(scores) == 11


def test_without_held_out_examples_the_training_set_is_halved(digits):
    found = by_key(
        evaluate(Scored(digits.fresh, digits.training, extractor=raw(), only=("distances", "memorisation")))
    )
    assert found["kernel_distance"].protocol.split == "training"
    assert found["kernel_distance"].protocol.n == 397
    assert "memorisation" not in found


def test_a_handful_of_examples_has_scores_and_fewer_an_answer(digits):
    few = evaluate(Scored(digits.fresh[:9], digits.training[:20], digits.held_out[:8], extractor=raw()))
    assert by_key(few)["precision"].protocol.n == 8
    with pytest.raises(DataError, match="at least 8"):
        evaluate(Scored(digits.fresh[:9], digits.training[:20], digits.held_out[:7], extractor=raw()))


def test_users_mistakes_have_an_answer(digits):
    with pytest.raises(DataError, match="shape"):
        evaluate(Scored(digits.fresh[:, :, :4], digits.training, digits.held_out, extractor=raw()))
    with pytest.raises(UsageError, match="Did you mean 'manifold'"):
        evaluate(Scored(digits.fresh, digits.training, digits.held_out, extractor=raw(), only=("manifolds",)))
    assert "stacked" in SCORES


def test_stacked_digits_get_their_analytic_floor(chance):
    pictures = 25 * chance.integers(10, size=(2000, 3, 4, 4)).astype(np.uint8)

    def referee(x):
        return torch.nn.functional.one_hot((x[:, 0, 0, 0].float() / 25).round().long(), 10).float()

    found = by_key(
        evaluate(
            Scored(
                pictures,
                pictures[:500],
                pictures[500:600],
                extractor=raw(),
                stacked=referee,
                only=("stacked",),
            )
        )
    )
    assert found["stacked_modes"].floor == 1000
    assert found["stacked_kl"].floor == pytest.approx(999 / 4000 + 0.0043)
    assert found["stacked_kl"].value == pytest.approx(999 / 4000, rel=0.25)


def test_lines_and_json_for_people_and_files():
    protocol = Protocol(extractor="raw", n=1234, split="held-out", resize="", settings={"k": 5})
    score = Score(
        key="recall",
        name="recall",
        value=0.0814,
        interval=(0.07, math.inf),
        floor=0.97,
        direction="higher",
        protocol=protocol,
    )
    assert (
        score.line()
        == "recall  .0814 [.07, ∞]  best possible .97  higher is better  (n 1,234 · held-out · k 5)"
    )
    assert score.gap == pytest.approx(0.8886)
    plain = json.loads(json.dumps(score.to_json(), allow_nan=False))
    assert plain["interval"] == [0.07, None]
    assert plain["protocol"]["settings"] == {"k": 5}
