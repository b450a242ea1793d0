"""Scores against what is known beyond the examples: a mixture's modes, labels, stacked digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from ganforge.metrics import intervals
from ganforge.metrics.arrays import Examples, Indices, numpy_of
from ganforge.metrics.classifier import class_report, train_classifier
from ganforge.metrics.context import Context, scores
from ganforge.metrics.points import ModeReport, kolmogorov_smirnov_normal, mixture_report
from ganforge.metrics.points import reverse_kl_uniform as kl_uniform
from ganforge.metrics.score import Direction, Score
from ganforge.metrics.stacked import stacked_report

__all__ = ["classes", "modes", "stacked"]


@scores
def modes(c: Context) -> list[Score]:
    """Modes covered, and how well, where the source of the points is known.

    Of all samples; the floors are what a perfect sampler of this size expects.
    """
    mixture = c.given.mixture
    if mixture is None:
        return []
    x, n = c.everything, len(c.everything)
    report = mixture_report(x, mixture.centres, mixture.sigma)

    def row(
        key: str, name: str, read: Callable[[ModeReport], float], floor: float, direction: Direction
    ) -> Score:
        def again(pick: Indices) -> float:
            return read(mixture_report(x[pick], mixture.centres, mixture.sigma))

        interval = intervals.around(read(report), n, again, seed=c.seed, resamples=200)
        return c.score(
            key, name, read(report), floor, direction, interval=interval, raw=True, n=n, split=_SOURCE
        )

    perfect = report.high_quality_perfect
    found = [
        c.score(
            "modes_covered",
            f"modes covered, of {report.modes}",
            report.covered,
            report.modes,
            "higher",
            raw=True,
            n=n,
            split=_SOURCE,
        ),
        row("high_quality", "share of high quality", lambda r: r.high_quality, perfect, "floor"),
        row(
            "reverse_kl", "reverse KL of the modes", lambda r: r.reverse_kl, report.reverse_kl_floor, "lower"
        ),
        row("sigma_ratio", "spread within the modes", lambda r: r.sigma_ratio, 1.0, "floor"),
    ]
    if report.modes == 1:  # it cannot be missed, nor its share be wrong
        found = [score for score in found if score.key not in ("modes_covered", "reverse_kl")]
    if report.modes == 1 and x.shape[1] == 1:
        mean, sigma = np.asarray(mixture.centres).item(), np.asarray(mixture.sigma).item()
        value = kolmogorov_smirnov_normal(x, mean, sigma)
        # Kolmogorov's distribution has the mean √(π/2) ln 2.
        floor = float(np.sqrt(np.pi / 2) * np.log(2) / np.sqrt(n))
        key, name = "kolmogorov_smirnov_normal", "Kolmogorov–Smirnov distance to the normal"
        found.append(c.score(key, name, value, floor, "lower", raw=True, n=n, split=_SOURCE))
    return found


@scores
def classes(c: Context) -> list[Score]:
    """How a referee reads all samples, beside how it reads real examples.

    Without labels of the training examples equal shares are expected.
    """
    given, labels, wanted = c.given, c.given.training_labels, c.given.wanted
    if given.classifier is None and labels is None:
        return []
    classifier = given.classifier or train_classifier(
        c.training,
        cast(Examples, labels),
        held_out=c.held_out,
        held_out_labels=given.held_out_labels,
        seed=c.seed,
    )
    expected = None
    if labels is not None:
        expected = np.bincount(numpy_of(labels).reshape(-1), minlength=classifier.classes)
    predicted = classifier.probabilities(c.everything)
    report = class_report(predicted, expected=expected, wishes=wanted)
    real = class_report(classifier.probabilities(c.real), expected=expected)
    n = len(predicted)
    labelled, sure = predicted.argmax(1), (predicted.max(1) >= 0.9).astype(np.float64)

    def balance(pick: Indices) -> float:
        return class_report(predicted[pick], expected=expected).balance_kl

    def row(
        key: str, name: str, value: float, floor: float, direction: Direction, interval: _Interval
    ) -> Score:
        named = {"referee_accuracy": classifier.accuracy, "hardest_class": report.hardest}
        return c.score(
            key, name, value, floor, direction, interval=interval, raw=True, n=n, split="referee", **named
        )

    around = intervals.around(report.balance_kl, n, balance, seed=c.seed)
    around = (max(around[0], 0.0), around[1])
    # A balanced sampler is off by chance: the bias of the plug-in estimate at this n (Miller 1955).
    by_chance = (classifier.classes - 1) / (2 * n)
    found = [
        row("class_balance", "class balance, KL", report.balance_kl, by_chance, "lower", around),
        row(
            "class_confident",
            "share with a clear class",
            report.confident,
            real.confident,
            "higher",
            c.mean_interval(sure),
        ),
    ]
    if wanted is not None:
        hit = (labelled == numpy_of(wanted).reshape(-1)).astype(np.float64)
        interval = c.mean_interval(hit)
        name = "share read as the class asked for"
        accuracy = classifier.accuracy
        found.insert(0, row("class_accuracy", name, report.agreement, accuracy, "higher", interval))
    return found


@scores
def stacked(c: Context) -> list[Score]:
    """Modes of stacked digits, as a referee reads them.

    Of all samples; the floor of the KL is analytic.
    """
    if c.given.stacked is None:
        return []
    report = stacked_report(c.everything, c.given.stacked)

    def again(pick: Indices) -> float:
        return kl_uniform(np.bincount(report.labels[pick], minlength=report.possible))

    interval = intervals.around(report.kl, report.n, again, seed=c.seed)
    name = f"modes covered, of {report.possible:,}"
    return [
        c.score(
            "stacked_modes",
            name,
            report.modes,
            report.possible,
            "higher",
            raw=True,
            n=report.n,
            split="referee",
        ),
        c.score(
            "stacked_kl",
            "KL of the modes from uniform",
            report.kl,
            report.floor,
            "lower",
            interval=interval,
            raw=True,
            n=report.n,
            split="referee",
        ),
    ]


_Interval = tuple[float, float]
_SOURCE = "known source"
