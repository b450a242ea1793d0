"""The scores of a run: from its own data, from data that moved, changed, or are others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.core.errors import DamageWarning, DataError, RunError, UsageError
from ganforge.metrics.features import Extractor
from ganforge.runs.files import read_sealed
from ganforge.runs.folder import Run
from ganforge.tasks import evaluation
from ganforge.tasks.evaluation import EvaluationOptions, evaluate_run
from ganforge.tasks.experiment import prepare
from tests import players

QUICK = ("distances", "manifold", "memorisation")


def trained(data: str | Path, out: Path, **changes: object) -> Path:
    trainer = prepare(data, recipe=players.recipe(kimg=0.1, **changes)).start(out)
    assert trainer.train().finished
    return trainer.run.path


@pytest.fixture(scope="module")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("digits", tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture(scope="module")
def ring_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("ring", tmp_path_factory.mktemp("runs") / "ring")


def table(path: Path, n: int, seed: int = 0) -> Path:
    values = np.random.default_rng(seed).standard_normal((n, 2)) * (1, 50) + (3, 0)
    np.savetxt(path, values, delimiter=",", header="a,b", comments="")
    return path


@pytest.fixture
def table_run(tmp_path: Path) -> Path:
    return trained(table(tmp_path / "points.csv", 600), tmp_path / "run")


def numbers(found):
    return json.dumps(found.to_json()["scores"])


def by_key(found):
    return {score.key: score for score in found.scores}


def test_all_scores_of_pictures_with_classes(digits_run: Path):
    told: list[str] = []
    found = evaluate_run(digits_run, EvaluationOptions(samples=300), progress=told.append)
    scores = by_key(found)
    assert next(iter(scores)) == found.to_json()["headline"] == "kernel_distance"
    assert {"class_accuracy", "class_balance", "memorisation", "spectrum_gap", "coverage"} <= set(scores)
    assert scores["kernel_distance"].name.startswith("kernel distance (small-classes-")
    assert scores["kernel_distance"].gap > 0.2  # a generator of 100 examples' training
    assert abs(scores["kernel_distance"].floor) < 0.15
    for key in ("precision", "recall", "coverage"):
        assert scores[key].floor > 0.85, key
    assert scores["class_accuracy"].value < 0.5 < 0.9 < scores["class_accuracy"].floor
    assert [line.name for line in found.classes] == [str(digit) for digit in range(10)]
    assert " lags: " in found.lags
    assert found.opened.nimg == 112
    assert (found.samples, found.seed, found.data["own"]) == (300, 0, True)
    assert found.instrument is None
    assert "reading the data" in told
    assert "scores: manifold" in told
    kept, sound = read_sealed(digits_run / "scores.json")
    assert sound
    assert kept == json.loads(json.dumps(found.to_json()))
    assert not list(digits_run.glob(".tmp-*"))


def test_the_same_seed_gives_the_same_numbers_in_batches_of_any_size(
    digits_run: Path, monkeypatch: pytest.MonkeyPatch
):
    first = evaluate_run(digits_run, EvaluationOptions(samples=200, only=QUICK), write=False)
    monkeypatch.setattr(evaluation, "_ROWS", 48)
    again = evaluate_run(digits_run, EvaluationOptions(samples=200, only=QUICK), write=False)
    assert numbers(first) == numbers(again)
    assert numbers(first) != numbers(
        evaluate_run(digits_run, EvaluationOptions(samples=200, only=QUICK, seed=1), write=False)
    )


def test_classes_are_asked_for_in_their_real_shares(digits_run: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[torch.Tensor] = []

    def sample(self, n, *, seed=0, start=0, condition=None, truncation=1.0):
        asked.append(condition)
        return torch.zeros(n, 1, 8, 8, dtype=torch.uint8)

    monkeypatch.setattr("ganforge.runs.sampler.GeneratorSampler.sample", sample)
    labels = prepare("digits").dataset.train.labels
    assert labels is not None
    evaluate_run(digits_run, EvaluationOptions(samples=len(labels), only=["spectrum"]), write=False)
    np.testing.assert_array_equal(torch.cat(asked).sum(0).numpy(), np.bincount(labels))


def test_copies_of_the_training_set_are_found_with_their_numbers(
    digits_run: Path, monkeypatch: pytest.MonkeyPatch
):
    data = prepare("digits").dataset
    copies = torch.from_numpy(np.asarray(data.train.values[5:305]))

    def sample(self, n, *, start=0, **rest):
        return copies[start : start + n]

    monkeypatch.setattr("ganforge.runs.sampler.GeneratorSampler.sample", sample)
    found = evaluate_run(digits_run, EvaluationOptions(samples=300, only=["memorisation"]), write=False)
    assert by_key(found)["memorisation"].value > 0.95
    assert found.nearest is not None
    assert found.nearest.distance == (0.0,) * 16
    assert found.nearest.training == tuple(range(5, 21))
    assert found.nearest.origin == tuple(int(number) for number in data.train.origin[5:21])
    assert found.nearest.held_out > 0.5


def test_a_known_mixture_and_the_discriminator_of_points(ring_run: Path):
    found = evaluate_run(
        ring_run,
        EvaluationOptions(samples=1000, only=["modes", "histograms"], discriminator=True, duality_steps=4),
    )
    scores = by_key(found)
    assert scores["modes_covered"].floor == 8
    assert scores["high_quality"].floor == pytest.approx(0.98889, abs=1e-5)
    assert found.extractor == "standardised"
    instrument = found.instrument
    assert instrument is not None
    assert instrument.calibration is not None
    assert instrument.calibration.n == 500
    assert instrument.optimal is not None
    assert instrument.optimal.density == "known mixture"
    assert instrument.duality is not None
    assert instrument.duality.form == "paired"  # the recipe is relativistic
    with Image.open(ring_run / "discriminator.png") as picture:
        picture.verify()
    kept = json.loads((ring_run / "scores.json").read_text())["discriminator"]
    assert kept["calibration"]["bins"][0]["low"] == 0
    assert kept["optimal"]["distance"] == instrument.optimal.distance
    assert kept["duality_gap"]["estimate"] == "lower"


def test_the_discriminator_of_classes_is_calibrated_and_not_drawn(digits_run: Path):
    found = evaluate_run(digits_run, EvaluationOptions(samples=200, only=[], discriminator=True), write=False)
    assert found.scores == ()
    assert found.instrument is not None
    assert found.instrument.calibration is not None
    assert found.instrument.optimal is None
    assert not (digits_run / "discriminator.png").exists()


def test_data_that_moved_are_named_and_found(table_run: Path, tmp_path: Path):
    here = evaluate_run(table_run, EvaluationOptions(samples=200, only=QUICK), write=False)
    assert here.extractor == "standardised"  # columns of any units
    shutil.move(tmp_path / "points.csv", tmp_path / "moved.csv")
    with pytest.raises(DataError, match=r"no longer at \S*points.csv; say where: --against DATA"):
        evaluate_run(table_run)
    there = evaluate_run(
        table_run, EvaluationOptions(against=tmp_path / "moved.csv", samples=200, only=QUICK), write=False
    )
    assert there.data["own"]
    assert numbers(here) == numbers(there)


def test_data_that_changed_are_refused_and_can_be_compared_with(table_run: Path, tmp_path: Path):
    table(tmp_path / "points.csv", 600, seed=1)
    with pytest.raises(RunError, match=r"have changed since it was trained.*--against \S*points.csv"):
        evaluate_run(table_run)
    found = evaluate_run(
        table_run, EvaluationOptions(against=tmp_path / "points.csv", samples=200), write=False
    )
    assert not found.data["own"]
    assert found.nearest is None
    assert "memorisation" not in by_key(found)
    assert "not what the run was trained on" in found.notes[0]
    assert by_key(found)["kernel_distance"].protocol.n == 200
    with pytest.raises(DataError, match=r"1-D points, and the run makes 2-D points"):
        evaluate_run(table_run, EvaluationOptions(against="gaussian"))
    with pytest.raises(DataError, match=r"name data of its kind"):
        evaluate_run(table_run, EvaluationOptions(against="digits"))


def test_other_data_of_the_same_space_with_other_classes(digits_run: Path, tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("3", "cat"):
        (tmp_path / "some" / name).mkdir(parents=True)
        for i in range(40):
            grey = rng.integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(grey).save(tmp_path / "some" / name / f"{i}.png")
    found = evaluate_run(
        digits_run,
        EvaluationOptions(against=tmp_path / "some", samples=40, only=["distances", "classes"]),
        write=False,
    )
    assert any("classes are not those of the run" in note for note in found.notes)
    assert "class_balance" not in by_key(found)
    assert by_key(found)["kernel_distance"].protocol.n == pytest.approx(27, abs=1)


def test_few_examples_have_a_clear_answer(tmp_path: Path):
    run = trained(table(tmp_path / "few.csv", 40), tmp_path / "run")
    found = evaluate_run(run, EvaluationOptions(samples=50, discriminator=True, duality_steps=3))
    assert by_key(found)["precision"].protocol.split == "training"
    assert by_key(found)["precision"].protocol.n == 18
    assert "only 4 examples are held out" in found.notes[0]
    assert "read the scores as hints" in found.notes[1]
    assert found.instrument is not None
    assert "at least 16 held-out examples" in found.instrument.notes[0]
    assert "at least 32 held-out examples" in found.instrument.notes[1]
    tiny = trained(table(tmp_path / "tiny.csv", 14), tmp_path / "run2", batch=8)
    with pytest.raises(DataError, match=r"at least 16 examples; \S*tiny.csv has 14"):
        evaluate_run(tiny)


def test_numbers_that_are_not_finite_have_an_answer(ring_run: Path, monkeypatch: pytest.MonkeyPatch):
    def sample(self, n, **rest):
        return torch.full((n, 2), torch.nan)

    monkeypatch.setattr("ganforge.runs.sampler.GeneratorSampler.sample", sample)
    with pytest.raises(RunError, match="makes numbers that are not finite"):
        evaluate_run(ring_run)


def test_ones_own_extractor_and_mistakes_with_extractors(ring_run: Path, digits_run: Path):
    own = Extractor("sum", lambda x: x.sum(1, keepdim=True))
    found = evaluate_run(
        ring_run, EvaluationOptions(samples=50, extractor=own, only=["distances"]), write=False
    )
    assert found.scores[0].name == "kernel distance (sum)"
    with pytest.raises(UsageError, match="--weights belongs to an extractor"):
        evaluate_run(digits_run, EvaluationOptions(samples=20, weights=Path("weights.pth")))
    with pytest.raises(DataError, match="there is no file of Inception weights"):
        evaluate_run(
            digits_run, EvaluationOptions(samples=20, extractor="inception", weights=Path("absent.pth"))
        )
    with pytest.raises(UsageError, match=r"foreign\.py cannot be used .*of bytes"):
        evaluate_run(ring_run, EvaluationOptions(samples=20, extractor=str(foreign(ring_run))))
    with pytest.raises(UsageError, match="--samples is 7"):
        evaluate_run(ring_run, EvaluationOptions(samples=7))


def foreign(folder: Path) -> Path:
    file = folder / "foreign.py"
    file.write_text("from ganforge.metrics.features import colour\nfeatures = colour\n")
    return file


def test_a_damaged_record_has_an_answer(ring_run: Path, tmp_path: Path):
    shutil.copytree(ring_run, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    del record["data"]["held_out_share"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    changed = pytest.warns(DamageWarning, match="its checksum does not match")
    with changed, pytest.raises(RunError, match=r"run\.json is damaged"):
        evaluate_run(tmp_path / "run")
    with pytest.raises(RunError, match="is not a run folder"):
        evaluate_run(tmp_path)


def test_a_run_after_its_first_tick_can_be_scored(tmp_path: Path):
    run = trained("ring", tmp_path / "run", batch=32)
    assert len(Run.open(run).log()) >= 1
    assert evaluate_run(run, EvaluationOptions(samples=30, only=["distances"])).scores
