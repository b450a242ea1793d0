"""All scores of one set of samples, with floors measured in the same call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganforge.core.declared import SCORES, ScoreGroup
from ganforge.core.errors import UsageError, nearest
from ganforge.metrics import intervals
from ganforge.metrics.arrays import Array, random, thumbnails
from ganforge.metrics.birthday import alike_distance, support_size
from ganforge.metrics.context import Context, Raw, Scored, context_of, scores
from ganforge.metrics.frechet import frechet_distance, frechet_influence, moments
from ganforge.metrics.kernel import kernel_distance
from ganforge.metrics.manifold import manifold as neighbourhoods
from ganforge.metrics.neighbours import memorisation as audit
from ganforge.metrics.points import jensen_shannon, kolmogorov_smirnov
from ganforge.metrics.score import Score
from ganforge.metrics.sliced import project, sorted_distance
from ganforge.metrics.spectrum import power_spectrum, spectrum_gap
from ganforge.metrics.two_sample import two_sample_test

__all__ = ["evaluate", "groups_of"]

_HEADLINE = 5000  # from so many examples the Fréchet distance stands first


def evaluate(given: Scored) -> list[Score]:
    """Score samples against real examples that the generator has not seen.

    The samples, the held-out examples they are compared with, and the training examples that give the
    floor are cut to one size, because most scores depend on it. Without held-out examples the training
    set is halved: one half is compared with, the other gives the floor. The headline comes first: the
    kernel distance where n is under 5,000, the Fréchet distance from there on.

    Raises:
        DataError: fewer than ``LEAST`` examples on a side, or shapes differ.
        UsageError: an unknown group.
    """
    wanted = set(groups_of(given.facts) if given.only is None else given.only)
    for name in sorted(wanted - set(SCORES)):
        raise UsageError(f"no group of scores is called {name!r}.{nearest(name, SCORES)}")
    tell = given.progress or _silent
    tell(f"features: {given.extractor.name}")
    context = context_of(given)
    found: list[Score] = []
    for name, group in SCORES.items():
        if name in wanted and (group.facts is None or group.suits(given.facts)):
            tell(f"scores: {name.replace('_', ' ')}")
            found += group.of(context)
    return found


def groups_of(facts: Any) -> dict[str, ScoreGroup]:
    """The groups of scores of a kind whose codec says ``facts`` of its examples (``Codec.facts``)."""
    own = {name: group for name, group in SCORES.items() if group.suits(facts)}
    return own or {name: group for name, group in SCORES.items() if group.facts is None}


def _silent(words: str) -> None:
    del words


@scores
def distances(c: Context) -> list[Score]:
    """How far the samples are from real examples as a whole."""
    kernel = kernel_distance(c.features, c.real_features, seed=c.seed)
    floor = np.mean([kernel_distance(x, c.real_features, seed=c.seed).value for x in c.other_features])
    interval = c.mean_interval(kernel.influence, kernel.value)
    found = [
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
    return [frechet, *found] if len(c.samples) >= _HEADLINE else [*found, frechet]


@scores
def manifold(c: Context) -> list[Score]:
    """Samples that look real, and real examples that samples come near to."""
    k = min(5, len(c.samples) - 1)
    found = neighbourhoods(c.features, c.real_features, k=k)
    floors = [neighbourhoods(x, c.real_features, k=k) for x in c.other_features]
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


@scores
def sliced(c: Context) -> list[Score]:
    """How far samples would have to be moved along lines."""

    def distance(features: Array) -> float:
        return sorted_distance(*project(features, c.real_features, seed=c.seed))

    x, y = project(c.features, c.real_features, seed=c.seed)
    value = sorted_distance(x, y)
    interval = intervals.around(value, len(x), lambda pick: sorted_distance(x[pick], y), seed=c.seed)
    name = f"sliced Wasserstein ({c.extractor.name})"
    floor = float(np.mean([distance(other) for other in c.other_features]))
    interval = (max(interval[0], 0.0), interval[1])
    return [c.score("sliced_wasserstein", name, value, floor, "lower", interval=interval, lines=x.shape[1])]


@scores
def two_sample(c: Context) -> list[Score]:
    """Whether a fresh classifier tells samples from real examples."""
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


@scores
def support(c: Context) -> list[Score]:
    """How many different samples there seem to be."""
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


@scores
def memorisation(c: Context) -> list[Score]:
    """Whether samples are nearer to training than to held-out examples.

    On the numbers themselves: copies need no trained eye.
    """
    if c.held_out is None:
        return []
    few = c.everything[random(c.seed, 0x3E4).permutation(len(c.everything))[:1000]]
    found = audit(*(thumbnails(x, c.training) for x in (few, c.training, c.held_out)), seed=c.seed)
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


@scores
def spectrum(c: Context) -> list[Score]:
    """Whether fine and coarse detail have their right strength."""
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


@scores
def histograms(c: Context) -> list[Score]:
    """Points of one or two coordinates: their histogram, and in 1-D their distribution function."""
    if c.samples.ndim != 2 or c.samples.shape[1] > 2:
        return []
    measures: list[tuple[str, str, Callable[[Raw, Raw], float]]] = [
        ("jensen_shannon", "Jensen–Shannon divergence in bits", jensen_shannon)
    ]
    if c.samples.shape[1] == 1:
        measures.append(("kolmogorov_smirnov", "Kolmogorov–Smirnov distance", kolmogorov_smirnov))
    found: list[Score] = []
    for key, name, measure in measures:
        value = measure(c.samples, c.real)
        floor = np.mean([measure(other, c.real) for other in c.others])

        def again(pick: NDArray[np.int64], measure: Callable[[Raw, Raw], float] = measure) -> float:
            return measure(c.samples[pick], c.real)

        interval = intervals.around(value, len(c.samples), again, seed=c.seed)
        interval = (max(interval[0], 0.0), min(interval[1], 1.0))
        found.append(c.score(key, name, value, float(floor), "lower", interval=interval, raw=True))
    return found
