"""Scores of clips: single frames, how they change, and how things move through them.

A kernel distance that keeps each example's pairing with itself (the V-statistic of Gretton et al. 2012,
equation 5) is above 0 between equal sets, too, the less so the more examples there are: its best possible
value says how much. On 16 components of deviation 1, clips that stand still are twice as far from real ones,
in such values, as on 64: benchmarks/results/clips.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganforge.metrics.arrays import Array, random, tensor_of, unit
from ganforge.metrics.context import Context, Raw, scores
from ganforge.metrics.score import Score

__all__ = ["Seen", "clips", "discrepancy", "gaussian_clips", "motion", "shuffled", "still_clips"]

_COMPONENTS = 16  # of what is compared
_AXES = 64  # of the Gaussian that clips are held against
_ROWS = 1_500  # parts of clips a side
_FITTED = 2_000  # examples that components are taken from
_MOST = 500  # clips a side


class Seen:
    """Parts of clips as features: principal components of the training clips' parts, of mean 0 and deviation
    1 there.

    Args:
        parts: clips ``(N, C, T, H, W)``, −1 to 1, to their parts ``(N, places, numbers)``.
        training: clips ``(M, C, T, H, W)`` in declared units.
    """

    def __init__(self, parts: Callable[[Tensor], Tensor], training: Raw, seed: int = 0) -> None:
        self._parts = parts
        chosen = random(seed, 0xC11).permutation(len(training))[:_MOST]
        flat = self._read(training[np.sort(chosen)], _FITTED).double()
        self._centre = flat.mean(0)
        _, values, axes = torch.linalg.svd(flat - self._centre, full_matrices=False)
        kept = min(_COMPONENTS, len(values))
        scale = (values[:kept] / len(flat) ** 0.5).clamp_min(1e-6)
        self._axes = axes[:kept] / scale[:, None]

    def _read(self, x: Raw, rows: int) -> Tensor:
        """At most about so many parts, at places evenly apart."""
        blocks: list[Tensor] = []
        for at in range(0, len(x), 64):
            found = self._parts(unit(tensor_of(x[at : at + 64])))
            places = np.linspace(0, found.shape[1] - 1, min(found.shape[1], max(1, rows // len(x))))
            blocks.append(found[:, torch.from_numpy(np.unique(places.round().astype(np.int64)))])
        return torch.cat(blocks).flatten(0, 1)

    def __call__(self, x: Raw) -> Array:
        """Features ``(parts, D)``."""
        return ((self._read(x, _ROWS).double() - self._centre) @ self._axes.T).numpy()


def _frames(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


def _differences(x: Tensor) -> Tensor:
    return _frames(x.diff(dim=2))


def _slices(x: Tensor) -> Tensor:
    """Time against width, along single rows: what moves is a slanted line there."""
    return x.transpose(1, 3).flatten(2)


def discrepancy(x: Array, y: Array) -> float:
    """Squared discrepancy of ``(N, D)`` and ``(M, D)`` under a cubic kernel, pairs with itself kept."""

    def kernel(u: Array, v: Array) -> float:
        return float(((u @ v.T / u.shape[1] + 1.0) ** 3).mean())

    return kernel(x, x) + kernel(y, y) - 2 * kernel(x, y)


def motion(x: Raw) -> Array:
    """Mean absolute difference of neighbouring frames of each clip, in declared units, ``(N,)``."""
    parts = [
        tensor_of(x[at : at + 64]).float().diff(dim=2).abs().flatten(1).mean(1) for at in range(0, len(x), 64)
    ]
    return torch.cat(parts).double().numpy()


def shuffled(x: Raw, seed: int) -> Raw:
    """Each clip's frames in an order by chance: the control that time is seen at all."""
    rng = random(seed, 0x5F)
    return np.stack([clip[:, rng.permutation(clip.shape[1])] for clip in x])


def still_clips(training: Raw, n: int, seed: int) -> Raw:
    """Clips that stand still on a frame of a training clip: the first opponent without a game."""
    rng = random(seed, 0x571)
    which, at = rng.integers(len(training), size=n), rng.integers(training.shape[2], size=n)
    return np.stack(
        [np.repeat(training[i][:, t : t + 1], training.shape[2], 1) for i, t in zip(which, at, strict=True)]
    )


def gaussian_clips(training: Raw, n: int, seed: int) -> Raw:
    """Clips of one Gaussian over principal components of whole clips: the second."""
    rng = random(seed, 0x6A0)
    some = training[np.sort(rng.permutation(len(training))[:_FITTED])]
    x = some.reshape(len(some), -1).astype(np.float32)
    mean = x.mean(0)
    left = torch.from_numpy(x - mean)
    values, vectors = torch.linalg.eigh(left.double() @ left.double().T)  # fewer clips than numbers
    values, vectors = values[-_AXES:].clamp_min(0.0), vectors[:, -_AXES:]
    # A component's axis is Xᵀv / √λ, and its deviation √(λ / n).
    weights = rng.standard_normal((n, len(values))) / np.sqrt(len(x))
    drawn = torch.from_numpy(weights).float() @ (vectors.T.float() @ left) + torch.from_numpy(mean)
    return drawn.round().clamp(0, 255).byte().numpy().reshape(n, *some.shape[1:])


@scores
def clips(c: Context) -> list[Score]:
    """Whether frames, their differences and slices through time are as those of real clips."""
    if not c.given.of_frames:
        return []
    made, real, other = (x[:_MOST] for x in (c.samples, c.real, c.others[0]))
    rivals = {
        "shuffled": shuffled(other, c.seed),
        "still": still_clips(c.training, len(made), c.seed),
        "gaussian": gaussian_clips(c.training, len(made), c.seed),
    }
    looks = {"frame": _frames, "difference": _differences, "slice": _slices}
    names = {
        "frame": "kernel distance of frames",
        "difference": "kernel distance of frame differences",
        "slice": "kernel distance of x-t slices",
    }
    found: list[Score] = []
    for key, parts in looks.items():
        seen = Seen(parts, c.training, c.seed)
        distance = partial(discrepancy, seen(real))
        controls: dict[str, Any] = {name: float(f"{distance(seen(x)):.4g}") for name, x in rivals.items()}
        found.append(
            c.score(
                f"{key}_distance",
                names[key],
                distance(seen(made)),
                distance(seen(other)),
                "lower",
                raw=True,
                n=len(made),
                **controls,
            )
        )
    own, known = motion(made), motion(real).mean()
    if known > 0:
        share = float(motion(other).mean() / known)
        low, high = c.mean_interval(own / known)
        found.append(
            c.score(
                "motion",
                "motion, beside real clips",
                own.mean() / known,
                share,
                "floor",
                interval=(low, high),
                raw=True,
                n=len(made),
            )
        )
    return found
