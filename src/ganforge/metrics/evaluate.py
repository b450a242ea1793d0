"""All scores of one set of samples, with floors measured in the same call."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganforge.core.errors import UsageError, nearest
from ganforge.metrics import intervals
from ganforge.metrics.arrays import Array, Examples, random, tensor_of, thumbnails
from ganforge.metrics.birthday import alike_distance, support_size
from ganforge.metrics.classifier import Classifier, train_classifier
from ganforge.metrics.context import Context, Raw, context_of
from ganforge.metrics.features import Extractor
from ganforge.metrics.frechet import frechet_distance, frechet_influence, moments
from ganforge.metrics.kernel import kernel_distance
from ganforge.metrics.known import class_scores, mode_scores, stacked_scores
from ganforge.metrics.manifold import manifold
from ganforge.metrics.neighbours import memorisation
from ganforge.metrics.paired import paired_scores
from ganforge.metrics.points import Mixture, jensen_shannon, kolmogorov_smirnov
from ganforge.metrics.score import Score
from ganforge.metrics.sliced import project, sorted_distance
from ganforge.metrics.spectrum import power_spectrum, spectrum_gap
from ganforge.metrics.stacked import Referee
from ganforge.metrics.two_sample import two_sample_test

__all__ = ["GROUPS", "evaluate"]

_HEADLINE = 5000  # from so many examples the Fréchet distance stands first


def evaluate(
    samples: Examples,
    training: Examples,
    held_out: Examples | None = None,
    *,
    extractor: Extractor,
    spare: Examples | None = None,
    training_labels: Examples | None = None,
    held_out_labels: Examples | None = None,
    asked: Examples | None = None,
    classifier: Classifier | None = None,
    mixture: Mixture | None = None,
    stacked: Referee | None = None,
    sources: Tensor | None = None,
    targets: Tensor | None = None,
    only: Collection[str] | None = None,
    most: int = 10_000,
    floors: int = 3,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> list[Score]:
    """Score ``samples`` against real examples that the generator has not seen.

    The samples, the held-out examples they are compared with, and the training examples that give the
    floor are cut to one size, because most scores depend on it. Without held-out examples the training
    set is halved: one half is compared with, the other gives the floor. The headline comes first: the
    kernel distance where n is under 5,000, the Fréchet distance from there on.

    Args:
        samples: ``(N, *shape)`` in declared units, of the type of the training examples.
        training, held_out: ``(M, *shape)``.
        extractor: what the distances are measured on (``features``, ``foreign``, ``inception``).
        spare: real examples for the floors, to which the extractor was not fitted, and none of the held-out
            ones; None takes training examples.
        training_labels, held_out_labels: classes ``(M,)``; with them the classes' scores are given.
        asked: the class that each sample was asked to be, ``(N,)``.
        classifier: a referee trained earlier; None trains one where there are labels.
        mixture: the source of the points, where it is known.
        stacked: the referee of stacked digits (``stacked.lenet``).
        sources, targets: of a translation, what each sample was made from, and what it should have become.
        only: names of groups out of ``GROUPS``; None is all that apply.
        most: examples a side used for distances.
        floors: a floor is the mean over so many disjoint real sets, or as many as there are.
        progress: called with what is measured next, in a few words.

    Raises:
        DataError: fewer than ``LEAST`` examples on a side, or shapes differ.
        UsageError: an unknown group.
    """
    wanted = set(GROUPS if only is None else only)
    for name in sorted(wanted - set(GROUPS)):
        raise UsageError(f"no group of scores is called {name!r}.{nearest(name, GROUPS)}")
    tell = progress or _silent
    tell(f"features: {extractor.name}")
    context = context_of(samples, training, held_out, spare, extractor, most, floors, seed)
    scores: list[Score] = []
    for name, measure in _MEASURES.items():
        if name in wanted:
            tell(f"scores: {name.replace('_', ' ')}")
            scores += measure(context)
    if "modes" in wanted and mixture is not None:
        tell("scores: modes")
        scores += mode_scores(context, mixture)
    if "classes" in wanted and (classifier is not None or training_labels is not None):
        tell("scores: classes")
        if classifier is None:
            assert training_labels is not None
            classifier = train_classifier(
                context.training,
                training_labels,
                held_out=context.held_out,
                held_out_labels=held_out_labels,
                seed=seed,
            )
        scores += class_scores(context, classifier, training_labels, asked)
    if "stacked" in wanted and stacked is not None:
        tell("scores: stacked digits")
        scores += stacked_scores(context, stacked)
    if "paired" in wanted and sources is not None:
        tell("scores: paired")
        split = "training" if held_out is None else "held-out"
        scores += paired_scores(tensor_of(samples), sources, targets, split=split, seed=seed)
    return scores


def _silent(words: str) -> None:
    del words


def _distances(c: Context) -> list[Score]:
    kernel = kernel_distance(c.features, c.real_features, seed=c.seed)
    floor = np.mean([kernel_distance(x, c.real_features, seed=c.seed).value for x in c.other_features])
    interval = c.mean_interval(kernel.influence, kernel.value)
    scores = [
        c.score(
            "kernel_distance",
            c.extractor.kernel_name,
            kernel.value,
            float(floor),
            "lower",
            interval=interval,
            subset=kernel.subset,
        )
    ]
    reference = moments(c.real_features)
    value = frechet_distance(moments(c.features), reference)
    floor = np.mean([frechet_distance(moments(x), reference) for x in c.other_features])
    low, high = c.mean_interval(frechet_influence(c.features, reference), value)
    interval = (max(low, 0.0), high)  # a distance is not below 0, and its first-order spread may be
    frechet = c.score(
        "frechet_distance", c.extractor.frechet_name, value, float(floor), "lower", interval=interval
    )
    return [frechet, *scores] if len(c.samples) >= _HEADLINE else [*scores, frechet]


def _manifold(c: Context) -> list[Score]:
    k = min(5, len(c.samples) - 1)
    found = manifold(c.features, c.real_features, k=k)
    floors = [manifold(x, c.real_features, k=k) for x in c.other_features]
    parts = [
        ("precision", found.precision, found.in_real, [x.precision for x in floors]),
        ("recall", found.recall, found.in_samples, [x.recall for x in floors]),
        ("density", found.density, found.crowd, [x.density for x in floors]),
        ("coverage", found.coverage, found.met, [x.coverage for x in floors]),
    ]
    return [
        c.score(name, name, value, float(np.mean(floor)), "higher", interval=c.mean_interval(each), k=k)
        for name, value, each, floor in parts
    ]


def _sliced(c: Context) -> list[Score]:
    def distance(features: Array) -> float:
        return sorted_distance(*project(features, c.real_features, seed=c.seed))

    x, y = project(c.features, c.real_features, seed=c.seed)
    value = sorted_distance(x, y)
    interval = intervals.around(value, len(x), lambda pick: sorted_distance(x[pick], y), seed=c.seed)
    name = f"sliced Wasserstein ({c.extractor.name})"
    floor = float(np.mean([distance(other) for other in c.other_features]))
    interval = (max(interval[0], 0.0), interval[1])
    return [c.score("sliced_wasserstein", name, value, floor, "lower", interval=interval, lines=x.shape[1])]


def _two_sample(c: Context) -> list[Score]:
    found = two_sample_test(c.samples, c.real, seed=c.seed)
    floor = two_sample_test(c.others[0], c.real, seed=c.seed)
    return [
        c.score(
            "two_sample_accuracy",
            "fresh classifier right",
            found.accuracy,
            floor.accuracy,
            "lower",
            interval=c.mean_interval(found.right),
            raw=True,
            n=found.n,
        )
    ]


def _support(c: Context) -> list[Score]:
    alike = alike_distance(c.real_features)
    found = support_size(c.features, alike)
    floor = np.mean([support_size(x, alike).size for x in c.other_features])
    bound = "at least" if found.is_bound else "estimate"
    return [
        c.score(
            "support_size",
            "different samples (birthday paradox)",
            found.size,
            float(floor),
            "higher",
            interval=(found.low, found.high),
            alike_pairs=found.alike,
            reading=bound,
        )
    ]


def _memorised(c: Context) -> list[Score]:
    """On the numbers themselves: copies need no trained eye."""
    if c.held_out is None:
        return []
    few = c.everything[random(c.seed, 0x3E4).permutation(len(c.everything))[:1000]]
    found = memorisation(*(thumbnails(x, c.training) for x in (few, c.training, c.held_out)), seed=c.seed)
    return [
        c.score(
            "memorisation",
            "nearer to training than to held-out examples",
            found.share,
            0.5,
            "floor",
            interval=(found.low, found.high),
            raw=True,
            n=found.n,
            split="training and held-out",
            honest_low=found.honest_low,
            honest_high=found.honest_high,
            exact_copies=found.copies,
        )
    ]


def _spectrum(c: Context) -> list[Score]:
    if c.samples.ndim < 3 or max(c.samples.shape[2:]) < 4:
        return []
    own, real = power_spectrum(c.samples).power, power_spectrum(c.real).power
    value = spectrum_gap(own, real)
    floor = np.mean([spectrum_gap(power_spectrum(other).power, real) for other in c.others])
    interval = intervals.around(value, len(own), lambda pick: spectrum_gap(own[pick], real), seed=c.seed)
    interval = (max(interval[0], 0.0), interval[1])
    return [
        c.score(
            "spectrum_gap", "spectrum gap in dB", value, float(floor), "lower", interval=interval, raw=True
        )
    ]


def _histograms(c: Context) -> list[Score]:
    """Points of one or two coordinates: their histogram, and in 1-D their distribution function."""
    if c.samples.ndim != 2 or c.samples.shape[1] > 2:
        return []
    measures: list[tuple[str, str, Callable[[Raw, Raw], float]]] = [
        ("jensen_shannon", "Jensen–Shannon divergence in bits", jensen_shannon)
    ]
    if c.samples.shape[1] == 1:
        measures.append(("kolmogorov_smirnov", "Kolmogorov–Smirnov distance", kolmogorov_smirnov))
    scores: list[Score] = []
    for key, name, measure in measures:
        value = measure(c.samples, c.real)
        floor = np.mean([measure(other, c.real) for other in c.others])

        def again(pick: NDArray[np.int64], measure: Callable[[Raw, Raw], float] = measure) -> float:
            return measure(c.samples[pick], c.real)

        interval = intervals.around(value, len(c.samples), again, seed=c.seed)
        interval = (max(interval[0], 0.0), min(interval[1], 1.0))
        scores.append(c.score(key, name, value, float(floor), "lower", interval=interval, raw=True))
    return scores


_MEASURES: dict[str, Callable[[Context], list[Score]]] = {
    "distances": _distances,
    "manifold": _manifold,
    "sliced": _sliced,
    "two_sample": _two_sample,
    "support": _support,
    "memorisation": _memorised,
    "spectrum": _spectrum,
    "histograms": _histograms,
}
GROUPS = (*_MEASURES, "modes", "classes", "stacked", "paired")
