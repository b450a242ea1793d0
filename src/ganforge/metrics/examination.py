"""A quick look at a game from outside: what is logged while it is played, and what diagnosis reads.

It is cheap enough to be repeated: a few hundred samples, features that need no training, and everything
about the real examples measured once. The full scores are those of ``metrics.evaluate``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ganforge.core.condition import Condition
from ganforge.core.sampler import Sampler
from ganforge.core.space import Space
from ganforge.metrics import intervals
from ganforge.metrics.arrays import Array, Indices, numpy_of, random, tensor_of, thumbnails
from ganforge.metrics.birthday import alike_distance, support_size
from ganforge.metrics.choice import named_extractor
from ganforge.metrics.clips import motion
from ganforge.metrics.context import LEAST, Raw
from ganforge.metrics.features import sketch
from ganforge.metrics.kernel import KernelReference
from ganforge.metrics.manifold import Balls
from ganforge.metrics.neighbours import Memorisation, References, memorisation
from ganforge.metrics.regions import Regions
from ganforge.metrics.score import plain
from ganforge.metrics.sliced import project, sorted_distance
from ganforge.metrics.spectrum import power_spectrum
from ganforge.metrics.within import PAIRS, Within

__all__ = ["Examination", "Examiner"]

_NEIGHBOURS = 5
_AUDITED = 2_048  # examples a side that the memorisation audit looks at
_KEPT = 2_000_000  # numbers of them that are kept prepared: 32 MB a side
_SIDE = 16  # numbers a side of what it compares
_LINES = 32  # that points are projected on
_FIXED = 4  # samples of fixed latents whose features are kept
_NUMBERS = 8  # features kept of each
_TWINS = 2 * LEAST  # samples beyond the first of each condition, below which their deviation is chance
_SEEDS = (0x71, 0x72)  # of two samples of each condition
_BANDS = 16  # of the frequencies along an axis
_LEAST_POWER = 1e-3  # below it there is rounding only; units squared


class Judging(Protocol):
    """``runs.discriminator.Judge``, or anything that gives logits ``(N // packing,)``."""

    packing: int

    def logits(self, examples: Tensor, condition: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True)
class Examination:
    """What was seen.

    Attributes:
        n: samples looked at.
        extractor: what features are of.
        headline: key of the score that a run is judged by while it is played; lower is better.
        split: the real examples compared with: held-out or training.
        scores: key to ``value``, ``floor``, ``low`` and ``high``: kernel_distance, precision, recall,
            density, coverage, missed (share of the real examples in regions that samples leave out),
            support_size, memorisation, and of points sliced_wasserstein. Empty where there are too few
            examples.
        judged: what the discriminator says of ``training``, ``held_out`` and ``fakes``: ``mean``,
            ``deviation`` and ``positive`` (share above 0) of the logits.
        probes: ``told_training``, ``told_held_out``: probability that a real example of that part has a
            higher logit than a fake; ``spread``: mean distance between fakes over that between real
            ones; ``within``: deviation among fakes that were asked for the same, over that among real
            examples that say the same, which is estimated where each says something of its own
            (``metrics.within``); ``shortcut``: accuracy of a linear test on mean, deviation and
            spectrum, on examples that it was not fitted to; ``copies``: share of samples at distance 0 from
            a training example; ``motion``: of clips, how much frames change, over that of real ones; and
            what the kind of data sees by itself (``Codec.faults``).
        fingerprint: features of the first fixed latents' samples, ``(32,)``.
    """

    n: int
    extractor: str
    headline: str
    split: str
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    judged: dict[str, dict[str, float]] = field(default_factory=dict)
    probes: dict[str, float] = field(default_factory=dict)
    fingerprint: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data of four significant digits; what is not finite becomes None."""
        return plain(
            {
                "n": self.n,
                "extractor": self.extractor,
                "headline": self.headline,
                "split": self.split,
                "scores": {key: _short(score) for key, score in self.scores.items()},
                "judged": {whom: _short(numbers) for whom, numbers in self.judged.items()},
                "probes": _short(self.probes),
                "fingerprint": [float(f"{value:.4g}") for value in self.fingerprint],
            }
        )


def _short(numbers: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in numbers.items()}


class Examiner:
    """Looks at generators of one data set; what is known of the real examples is measured once.

    Args:
        space: what an example is.
        training, held_out: ``(M, *shape)`` in declared units; held_out may be empty.
        asks: what the players are asked for, or None.
        training_rows, held_out_rows: what each example says of itself, ``(M, K)`` as ``asks`` reads it.
        n: samples an examination looks at, and at most as many real examples.
        seed: of every choice made by chance.
    """

    def __init__(
        self,
        space: Space,
        training: Raw,
        held_out: Raw,
        *,
        asks: Condition | None = None,
        training_rows: Raw | None = None,
        held_out_rows: Raw | None = None,
        n: int = 512,
        seed: int = 0,
    ) -> None:
        chance = random(seed, 0xE8A)
        order = chance.permutation(len(training))
        few = min(n, len(training))
        self.space = space
        self.seed = seed
        self.n = n
        self._training = _rows(training, order[:few])
        self._training_condition = _conditions(asks, training_rows, order[:few])
        apart = len(held_out) >= LEAST
        pick = chance.permutation(len(held_out))[:n]
        self._held_out = _rows(held_out, pick) if apart else None
        self._held_out_condition = _conditions(asks, held_out_rows, pick) if apart else None
        self.split = "held-out" if apart else "training"
        self._headline = space.codec.headline
        self.extractor = (
            named_extractor(space.codec.extractor, training)
            if space.codec.small
            else sketch(_rows(training, order[:4096]))
        )
        self._compare(training, held_out, order, apart)
        self._same, self._within = _same(self._condition), float("nan")
        same = _same(self._training_condition)
        if same is not None:  # of the training examples: there are more of them
            self._within = _within(self.extractor(self._training), same)
        self._repeats: Within | None = None
        if self._training_condition is not None and (same is None or self._same is None):
            self._twice = self._training_condition[:PAIRS]
            if len(self._twice) >= _TWINS:
                features = self.extractor(self._training[:PAIRS])
                self._repeats = Within(numpy_of(self._twice), features)

    def _compare(self, training: Raw, held_out: Raw, order: Indices, apart: bool) -> None:
        """Fix the real side of every comparison, and its floors."""
        real = self._held_out if self._held_out is not None else self._training
        condition = self._held_out_condition if self._held_out is not None else self._training_condition
        # Real examples that are not among those compared with: they give the floor.
        rest = order if apart else order[len(real) :]
        self._size = min(len(real), len(rest), self.n)
        self._motion = float(motion(real).mean()) if self.space.codec.of_frames else 0.0
        self._real, self._condition = (
            real[: self._size],
            None if condition is None else condition[: self._size],
        )
        self._audit = _Audit(training[np.sort(order[:_AUDITED])], held_out[:_AUDITED]) if apart else None
        if self._size < 2 * LEAST:
            self._size = 0
            self._condition = self._training_condition
            return
        self._features = self.extractor(self._real)
        other = self.extractor(_rows(training, rest[: self._size]))
        self._kernel = KernelReference(self._features, self._size, seed=self.seed)
        self._balls = Balls(self._features, min(_NEIGHBOURS, self._size - 1))
        self._plain = _plain_numbers(self._real) if self._real.ndim > 2 else None
        self._alike = alike_distance(self._features)
        self._between = _spread(self._features)
        self._regions = Regions(self._features, self._balls.compare(other).met, self.seed)
        self._floors = {key: score["value"] for key, score in self._scores(other).items()}

    def samples(self, sampler: Sampler) -> Tensor:
        """Those that are looked at, ``(n, *shape)`` in declared units."""
        n = self._size or len(self._training)
        return sampler.sample(n, seed=self.seed + 0x5EE, condition=self._condition)

    def distance(self, fakes: Tensor) -> dict[str, float]:
        """The headline of some samples: ``value`` and the best possible one, ``floor``; empty without any."""
        if not self._size or not bool(torch.isfinite(fakes.float()).all()):
            return {}
        features = self.extractor(fakes)
        if self._headline == "sliced_wasserstein":
            value = _sliced(features, self._features, self.seed)["value"]
        else:
            value = self._kernel.distance(features).value
        return _short({"value": value, "floor": self._floors[self._headline]})

    def __call__(self, sampler: Sampler, judge: Judging | None, fakes: Tensor | None = None) -> Examination:
        """Look at the samples of ``sampler``, and at what ``judge``, if there is one, makes of them.

        ``fakes`` are its :meth:`samples`, where these are there already.
        """
        fakes = self.samples(sampler) if fakes is None else fakes
        fixed = sampler.sample(_FIXED, seed=self.seed)
        seen = Examination(len(fakes), self.extractor.name, self._headline, self.split)
        logits: dict[str, Tensor] = {}
        if judge is not None:
            logits["fakes"] = judge.logits(fakes, self._condition)
            logits["training"] = judge.logits(tensor_of(self._training), self._training_condition)
        if judge is not None and self._held_out is not None:
            logits["held_out"] = judge.logits(tensor_of(self._held_out), self._held_out_condition)
        seen.judged.update({whom: _moments(values) for whom, values in logits.items()})
        for whom in ("training", "held_out"):
            if whom in logits:
                seen.probes[f"told_{whom}"] = _above(logits[whom], logits["fakes"])
        finite = bool(torch.isfinite(fakes.float()).all()) and bool(torch.isfinite(fixed.float()).all())
        if finite:
            seen = replace(seen, fingerprint=tuple(self.extractor(fixed)[:, :_NUMBERS].ravel().tolist()))
            seen.probes.update(self.space.codec.faults(numpy_of(fakes), self._training))
        if finite and self._same is not None and self._within > 0:
            seen.probes["within"] = _within(self.extractor(fakes), self._same) / self._within
        elif finite and self._repeats is not None:
            both = [
                sampler.sample(len(self._twice), seed=self.seed + at, condition=self._twice) for at in _SEEDS
            ]
            if all(bool(torch.isfinite(some.float()).all()) for some in both):
                seen.probes["within"] = self._repeats(*map(self.extractor, both))
        if finite and self._size:
            features = self.extractor(fakes)
            for key, score in self._scores(features).items():
                seen.scores[key] = {**score, "floor": self._floors.get(key, float("nan"))}
            seen.probes["spread"] = _spread(features) / max(self._between, 1e-12)
            seen.probes["shortcut"] = self._shortcut(numpy_of(fakes))
            if self._motion > 0:
                seen.probes["motion"] = float(motion(numpy_of(fakes)).mean()) / self._motion
            if self._audit is not None:
                found = self._audit(fakes, self.seed)
                seen.scores["memorisation"] = {
                    "value": found.share,
                    "low": found.low,
                    "high": found.high,
                    "floor": 0.5,
                    "honest_low": found.honest_low,
                    "honest_high": found.honest_high,
                }
                seen.probes["copies"] = found.copies
        return seen

    def _shortcut(self, fakes: Raw) -> float:
        if self._plain is None:
            return float("nan")
        return _linear_accuracy(_plain_numbers(fakes), self._plain, self.seed)

    def _scores(self, features: Array) -> dict[str, dict[str, float]]:
        """Scores of ``features`` against the real ones, with intervals."""
        real, seed = self._features, self.seed
        kernel = self._kernel.distance(features)
        low, high = intervals.of_mean(kernel.influence, seed=seed, resamples=100)
        scores = {
            "kernel_distance": {"value": kernel.value, "low": kernel.value + low, "high": kernel.value + high}
        }
        near = self._balls.compare(features)
        parts = (
            ("precision", near.in_real),
            ("recall", near.in_samples),
            ("density", near.crowd),
            ("coverage", near.met),
        )
        for key, each in parts:
            low, high = intervals.of_mean(each, seed=seed, resamples=100)
            scores[key] = {"value": float(each.mean()), "low": low, "high": high}
        missed = self._regions.missed(near.met)
        if np.isfinite(missed):
            scores["missed"] = {"value": missed}
        if self._headline == "sliced_wasserstein":
            scores["sliced_wasserstein"] = _sliced(features, real, seed)
        support = support_size(features, self._alike)
        scores["support_size"] = {"value": support.size, "low": support.low, "high": support.high}
        return scores


class _Audit:
    """Are samples nearer to training examples than to held-out ones?"""

    def __init__(self, training: Raw, held_out: Raw) -> None:
        self._training = training  # thumbnails of points are in its units
        self._known = [_searched(thumbnails(part, training, side=_SIDE)) for part in (training, held_out)]

    def __call__(self, fakes: Tensor, seed: int) -> Memorisation:
        x = thumbnails(fakes, self._training, side=_SIDE)
        return memorisation(x, *self._known, seed=seed, resamples=50)


def _searched(x: Raw) -> References | Raw:
    """Prepared for many searches, unless that takes much memory."""
    return References(x) if x.size <= _KEPT else x


def _rows(x: Raw, pick: Indices) -> Raw:
    """Rows of what may be a memory map, read in the order of the file."""
    order = np.argsort(pick)
    out = np.empty((len(pick), *x.shape[1:]), dtype=x.dtype)
    out[order] = x[np.asarray(pick)[order]]
    return out


def _conditions(asks: Condition | None, rows: Raw | None, pick: Indices) -> Tensor | None:
    if asks is None or rows is None:
        return None
    return asks.vectors(torch.from_numpy(rows[pick]))


def _moments(logits: Tensor) -> dict[str, float]:
    if not len(logits):
        return {}
    values = logits.double()
    return {
        "mean": values.mean().item(),
        "deviation": values.std(correction=0).item(),
        "positive": (values > 0).double().mean().item(),
    }


def _above(a: Tensor, b: Tensor) -> float:
    """P(a > b) + ½ P(a = b) over all pairs: the area under the ROC curve; NaN where some are not numbers."""
    if not len(a) or not len(b) or bool(a.isnan().any() | b.isnan().any()):
        return float("nan")
    each, order = a.double().contiguous(), b.double().sort().values
    beaten = torch.searchsorted(order, each).sum() + torch.searchsorted(order, each, right=True).sum()
    return beaten.item() / (2 * len(a) * len(b))


def _sliced(features: Array, real: Array, seed: int) -> dict[str, float]:
    x, y = project(features, real, lines=_LINES, seed=seed)
    y = np.sort(y, axis=0)  # so that it is sorted sooner
    value = sorted_distance(x, y)
    low, high = intervals.around(
        value, len(x), lambda pick: sorted_distance(x[pick], y), seed=seed, resamples=20
    )
    return {"value": value, "low": max(low, 0.0), "high": high}


def _spread(features: Array) -> float:
    """Mean distance between two rows of ``(N, D)``, by one random pairing."""
    order = random(len(features), 0x5B).permutation(len(features))
    half = len(order) // 2
    difference = features[order[:half]] - features[order[half : 2 * half]]
    return float(np.sqrt((difference**2).sum(1)).mean())


def _same(condition: Tensor | None) -> Indices | None:
    """Which rows of ``(N, C)`` say the same: a number each, ``(N,)``; None where hardly two of them do."""
    if condition is None:
        return None
    _, same = torch.unique(condition, dim=0, return_inverse=True)
    return same.numpy() if len(same) - int(same.max()) - 1 >= _TWINS else None


def _within(features: Array, same: Indices) -> float:
    """Deviation of ``(N, D)`` around the mean of those of the same number: the root of the mean square."""
    number = np.bincount(same)
    means = np.stack([np.bincount(same, column) for column in features.T], axis=1) / number[:, None]
    left = features - means[same]
    return float(np.sqrt((left**2).sum() / (len(features) - len(number)) / features.shape[1]))


def _linear_accuracy(a: Array, b: Array, seed: int) -> float:
    """Accuracy on held-back halves of the least-squares line on the plain numbers of fakes and reals."""
    chance = random(seed, 0x5C)
    a, b = a[chance.permutation(len(a))], b[chance.permutation(len(b))]
    half = len(a) // 2
    x = np.concatenate([a[:half], b[:half]])
    y = np.repeat([-1.0, 1.0], half)
    centre, scale = x.mean(0), x.std(0) + 1e-9
    x = (x - centre) / scale
    weights = np.linalg.solve(x.T @ x + 0.1 * len(x) * np.eye(x.shape[1]), x.T @ y)
    right = [((a[half:] - centre) / scale @ weights) < 0, ((b[half:] - centre) / scale @ weights) > 0]
    return float(np.concatenate(right).mean())


def _plain_numbers(x: Raw) -> Array:
    """Mean and deviation of each channel, and logarithms of the power in each band, ``(N, K)``.

    Bands of all directions together, and of each axis by itself: what comes of doubling pixels, of a codec's
    blocks or of interlaced lines stands on the axes, and a ring mixes it with what does not.
    """
    flat = x.reshape(len(x), x.shape[1], -1).astype(np.float64)
    numbers = [flat.mean(2), flat.std(2)]
    if max(x.shape[2:]) >= 4:
        numbers.append(np.log10(power_spectrum(x).power + _LEAST_POWER))
        numbers += [_along(x, axis) for axis in range(2, x.ndim) if x.shape[axis] >= 4]
    return np.concatenate(numbers, axis=1)


def _along(x: Raw, axis: int) -> Array:
    """Logarithms of the power in at most 16 bands of the frequencies along one axis, ``(N, K)``."""
    squares = np.abs(np.fft.rfft(x.astype(np.float32), axis=axis, norm="ortho")) ** 2
    others = tuple(at for at in range(1, x.ndim) if at != axis)
    power = squares.mean(axis=others)[:, 1:]  # without the mean of each line
    bands = np.array_split(np.arange(power.shape[1]), min(_BANDS, power.shape[1]))
    return np.log10(np.stack([power[:, band].mean(1) for band in bands], axis=1) + _LEAST_POWER)
