"""Inputs of a translation that are made from their own targets: greyed, cut, blurred, sketched, shrunk; of
sounds: noisy, of a lower rate, or known by their levels in bands alone.

Each is a pure function of pictures or waves in model units and of :class:`Chance`, which depends on the seed
and on the position alone, so that nothing is stored and a resume sees the same inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ganforge.core.errors import DataError, nearest
from ganforge.core.rng import key
from ganforge.core.space import Space

__all__ = ["DEGRADATIONS", "SIDES", "Chance", "Degradation", "degradation", "is_degradation", "previous"]

SIDES = ("left", "right", "top", "bottom")
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in data.pixels
_INK = 0.12  # share of the pixels that scribbles are drawn from: the strongest edges
_SPREAD = 20.0  # decibels between the noisiest and the cleanest input
_KEPT = 0.35  # share of a scribble's length that is rubbed out


class Chance:
    """Random numbers of examples ``position, position + 1, …``: row i depends on (seed, position + i) alone.

    A batch may therefore be cut into parts in any way. Numbers on different kinds of devices differ.
    """

    def __init__(self, seed: int, position: int = 0, *, device: torch.device | str = "cpu") -> None:
        self.seed = seed
        self.position = position
        self.device = torch.device(device)
        self._calls = 0

    def normal(self, n: int, *shape: int) -> Tensor:
        """Standard normal, ``(n, *shape)``, float32."""
        return torch.stack([torch.randn(*shape, generator=g, device=self.device) for g in self._rows(n)])

    def uniform(self, n: int, *shape: int) -> Tensor:
        """Uniform on [0, 1), ``(n, *shape)``, float32."""
        return torch.stack([torch.rand(*shape, generator=g, device=self.device) for g in self._rows(n)])

    def _rows(self, n: int) -> list[torch.Generator]:
        """A generator for each row; a second call of one chance gives other numbers."""
        self._calls += 1
        generators = [torch.Generator(self.device) for _ in range(n)]
        for i, generator in enumerate(generators):
            generator.manual_seed(key(self.seed, self.position + i, self._calls))
        return generators


_Apply = Callable[[Tensor, Chance, float, Space], Tensor]  # of examples, chance, the number, their space


@dataclass(frozen=True)
class Degradation:
    """One way to make an input of each picture.

    Attributes:
        name: see ``DEGRADATIONS``.
        amount: its number: a factor, a share, a deviation, decibels or pixels; 0 where it has none.
        waves: the space of what it is made from, where these are waves; their length may differ.
    """

    name: str
    amount: float
    waves: Space | None = None

    @property
    def _way(self) -> _Way:
        return (_WAYS if self.waves is None else _WAYS_OF_SOUNDS)[self.name]

    @property
    def text(self) -> str:
        """As a person writes it: ``low-resolution:4``."""
        return f"{self.name}:{self.amount:g}" if self._way.default else self.name

    def space(self, target: Space) -> Space:
        """The space of the inputs that are made from pictures of ``target``.

        Raises:
            DataError: they cannot be made of such examples.
        """
        if self.waves is not None:
            return replace(target, source=None, classes=(), condition=None)
        if not target.codec.picture_files:
            raise DataError(f"{self.name} is made from pictures, and the examples are {target.kind}")
        channels, height, width = target.shape
        if self.name == "low-resolution":
            factor = int(self.amount)
            if height % factor or width % factor or min(height, width) // factor < 2:
                raise DataError(
                    f"pictures of {width}×{height} cannot be made {factor} times smaller;"
                    f" give --size a multiple of {factor}"
                )
            shape = (channels, height // factor, width // factor)
        elif self.name in ("grey", "edges", "scribbles"):
            if self.name == "grey" and channels < 3:
                raise DataError("the pictures are grey already; source=grey needs pictures in colour")
            shape = (1, height, width)
        elif self.name in ("hole", "holes"):
            shape = (channels + 1, height, width)
        else:
            shape = target.shape
        drawn = self.name in ("edges", "scribbles")  # whose inputs are no shades of the data
        return Space(kind="pictures", shape=shape, value_range=None if drawn else target.value_range)

    def apply(self, real: Tensor, chance: Chance) -> Tensor:
        """Examples ``(N, C, *sides)`` in model units to inputs ``(N, *space.shape)``, on the same device."""
        space = replace(self.waves or Space(kind="pictures", shape=(1, 1, 1)), shape=tuple(real.shape[1:]))
        if not len(real):
            return real.new_empty(0, *self.space(space).shape)
        return self._way.apply(real, chance, self.amount, space)


def degradation(text: str, space: Space | None = None) -> Degradation:
    """Read ``NAME`` or ``NAME:NUMBER``.

    Args:
        space: of what inputs are made from; None where that is not known yet.

    Raises:
        DataError: there is none of that name (the nearest is named), or its number does not fit.
    """
    name, colon, number = text.partition(":")
    if not is_degradation(text):
        known = [*DEGRADATIONS, *SIDES, "previous"]
        hint = nearest(name, known) if len(text) < 200 else ""
        raise DataError(
            f"there is no source {text[:200]!r}: neither a path nor one of {', '.join(known)}.{hint}"
        )
    waves = space if space is not None and space.codec.audible and space.dims == 1 else None
    ways = _WAYS | _WAYS_OF_SOUNDS if space is None else _WAYS if waves is None else _WAYS_OF_SOUNDS
    way = ways.get(name)
    if way is None:
        assert space is not None
        of = "sounds" if name in _WAYS_OF_SOUNDS else "pictures"
        raise DataError(f"{name} is made from {of}, and the examples are {space.kind}")
    if not colon:
        return Degradation(name, way.default, waves)
    try:
        amount = float(number)
    except ValueError:
        amount = math.nan
    if space is None and name in _WAYS_OF_SOUNDS and name in _WAYS:
        return Degradation(name, amount)  # which of both fits is seen when the examples are there
    if not way.default:
        raise DataError(f"{name} takes no number; write source={name}")
    if not way.fits(amount):
        raise DataError(f"source={text} does not fit: {name} takes {way.words}, as in {name}:{way.default:g}")
    return Degradation(name, amount, waves)


def is_degradation(text: str) -> bool:
    """Whether ``text`` begins with the name of one; its number may still be wrong."""
    return text.partition(":")[0] in DEGRADATIONS


def previous(text: str) -> int | None:
    """How many frames ``previous:K`` asks for; None where the text is something else.

    Raises:
        DataError: K is no whole number from 1 to 64.
    """
    name, _, number = text.partition(":")
    if name != "previous":
        return None
    if not number:
        return 1
    if not number.isdecimal() or not 1 <= int(number) <= 64:
        raise DataError(f"source={text} does not fit: previous takes a number of frames, as in previous:2")
    return int(number)


# --- the ways; pictures (N, C, H, W) in −1…1 ---


def _luma(real: Tensor) -> Tensor:
    """Brightness ``(N, 1, H, W)``; what is transparent lies over white."""
    if real.shape[1] in (2, 4):
        cover = (real[:, -1:] + 1) / 2
        real = real[:, :-1] * cover + (1 - cover)
    if real.shape[1] != 3:
        return real.mean(1, keepdim=True)
    weights = real.new_tensor(_LUMA).view(1, 3, 1, 1)
    return (real * weights).sum(1, keepdim=True)


def _grey(real: Tensor, chance: Chance, amount: float, space: Space) -> Tensor:
    return _luma(real)


def _magnitude(grey: Tensor) -> Tensor:
    """Sobel's gradient magnitude (Sobel and Feldman 1968) of ``(N, 1, H, W)``, as large as its input."""
    across = grey.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    kernels = torch.stack([across, across.T])[:, None]
    slopes = F.conv2d(F.pad(grey, (1, 1, 1, 1), mode="replicate"), kernels)
    return slopes.square().sum(1, keepdim=True).sqrt()


def _edges(real: Tensor, chance: Chance, amount: float, space: Space) -> Tensor:
    """Dark lines on white, as a person draws; a picture's strongest edge is black unless it is faint."""
    strength = _magnitude(_luma(real))
    top = strength.amax((1, 2, 3), keepdim=True).clamp(min=0.1)  # a flat picture's noise is no edge
    return 1 - 2 * strength / top


def _scribbles(real: Tensor, chance: Chance, amount: float, space: Space) -> Tensor:
    """A few thick black lines on white: strong edges of a smoothed picture, broken here and there."""
    side = min(real.shape[2:])
    strength = _magnitude(_smooth(_luma(real), side / 48))
    bar = torch.quantile(strength.flatten(1), 1 - _INK, dim=1).clamp(min=0.02).view(-1, 1, 1, 1)
    line = (strength > bar).float()
    cells = max(2, side // 8)
    worn = F.interpolate(chance.uniform(len(real), 1, cells, cells), real.shape[2:], mode="bilinear")
    line = line * (worn > _KEPT)
    line = F.max_pool2d(line, 3, stride=1, padding=1)  # a pixel thicker on each side
    # Smoothed and cut again at a half: crumbs go, corners become round; the rest is the pen's soft rim.
    ink = _smooth(line, side / 64)
    return 1 - 2 * ((ink - 0.35) / 0.3).clamp(0, 1)


def _smooth(pictures: Tensor, deviation: float) -> Tensor:
    """Gaussian smoothing with that deviation in pixels, the rim repeated outwards."""
    reach = min(max(1, math.ceil(3 * deviation)), *(side - 1 for side in pictures.shape[2:]))
    place = torch.arange(-reach, reach + 1, device=pictures.device, dtype=pictures.dtype)
    weights = torch.exp(-0.5 * (place / max(deviation, 1e-3)).square())
    weights /= weights.sum()
    channels = pictures.shape[1]
    padded = F.pad(pictures, (reach, reach, reach, reach), mode="replicate")
    down = F.conv2d(padded, weights.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return F.conv2d(down, weights.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)


def _low_resolution(real: Tensor, chance: Chance, factor: float, space: Space) -> Tensor:
    return F.avg_pool2d(real, int(factor))


def _with_hole(real: Tensor, inside: Tensor) -> Tensor:
    """A channel that is 1 where ``inside`` ``(N, 1, H, W)`` holds, else −1, then the picture, grey (0) there.

    The picture comes last, as the last of several frames does: what a translator adds to, if it adds.
    """
    return torch.cat([inside.to(real.dtype) * 2 - 1, real.masked_fill(inside, 0.0)], dim=1)


def _hole(real: Tensor, chance: Chance, share: float, space: Space) -> Tensor:
    """A hole in the centre, ``share`` of each side."""
    height, width = real.shape[2:]
    tall, wide = max(1, round(share * height)), max(1, round(share * width))
    top, left = (height - tall) // 2, (width - wide) // 2
    inside = torch.zeros(len(real), 1, height, width, dtype=torch.bool, device=real.device)
    inside[:, :, top : top + tall, left : left + wide] = True
    return _with_hole(real, inside)


def _holes(real: Tensor, chance: Chance, share: float, space: Space) -> Tensor:
    """A hole anywhere, each side from half of ``share`` to all of it."""
    height, width = real.shape[2:]
    toss = chance.uniform(len(real), 4).to(real.device)
    size = share * (0.5 + 0.5 * toss[:, :2])
    start = toss[:, 2:] * (1 - size)

    def within(length: int, axis: int) -> Tensor:
        place = (torch.arange(length, device=real.device) + 0.5) / length
        return (place >= start[:, axis, None]) & (place < (start + size)[:, axis, None])

    inside = within(height, 0)[:, None, :, None] & within(width, 1)[:, None, None, :]
    return _with_hole(real, inside)


def _noise(real: Tensor, chance: Chance, deviation: float, space: Space) -> Tensor:
    """Normal noise of that deviation, cut off where a file would cut it off."""
    noise = chance.normal(len(real), *real.shape[1:]).to(real.device)
    return (real + noise * deviation).clamp(-1, 1)


def _blur(real: Tensor, chance: Chance, deviation: float, space: Space) -> Tensor:
    return _smooth(real, deviation)


# --- of waves (N, C, T) in −1…1 ---


def _hiss(real: Tensor, chance: Chance, least: float, space: Space) -> Tensor:
    """White noise at a signal-to-noise ratio from ``least`` to 20 decibels more, each as likely.

    The ratio is to the mean power of the example; of one that is nearly silent, to −40 dB.
    """
    noise = chance.normal(len(real), *real.shape[1:]).to(real.device)
    ratio = least + _SPREAD * chance.uniform(len(real), 1, 1).to(real.device)
    power = real.square().mean((1, 2), keepdim=True).clamp_min(1e-4)
    return (real + noise * (power * 10 ** (-ratio / 10)).sqrt()).clamp(-1, 1)


def _low_rate(real: Tensor, chance: Chance, factor: float, space: Space) -> Tensor:
    """As a recording of a ``factor`` of the rate is after it was brought back to it: as long, and duller."""
    from scipy.signal import resample_poly

    few = resample_poly(real.cpu().numpy(), 1, int(factor), axis=2)
    back = torch.from_numpy(resample_poly(few, int(factor), 1, axis=2)[..., : real.shape[2]])
    return back.to(real).clamp(-1, 1)


def _from_mels(real: Tensor, chance: Chance, mels: float, space: Space) -> Tensor:
    """What is heard of levels in mels alone, every 16 ms, with phases that fit (Griffin and Lim 1984)."""
    codec: Any = space.codec
    return codec.from_levels(real, int(mels))


@dataclass(frozen=True)
class _Way:
    """``default`` is 0 for what takes no number; ``words`` says what numbers fit."""

    apply: _Apply
    default: float = 0.0
    words: str = ""
    fits: Callable[[float], bool] = lambda amount: False


_WAYS = {
    "grey": _Way(_grey),
    "edges": _Way(_edges),
    "scribbles": _Way(_scribbles),
    "low-resolution": _Way(_low_resolution, 4.0, "2, 4 or 8", lambda amount: amount in (2, 4, 8)),
    "hole": _Way(_hole, 0.5, "a share above 0 and below 1 of the side", lambda amount: 0 < amount < 1),
    "holes": _Way(_holes, 0.5, "a share above 0 and below 1 of the side", lambda amount: 0 < amount < 1),
    "noise": _Way(
        _noise,
        0.2,
        "a deviation above 0 and up to 2, where black is −1 and white 1",
        lambda amount: 0 < amount <= 2,
    ),
    "blur": _Way(_blur, 2.0, "a deviation above 0 in pixels", lambda amount: 0 < amount <= 32),
}
_WAYS_OF_SOUNDS = {
    "noise": _Way(
        _hiss,
        5.0,
        "the least signal-to-noise ratio in decibels, from -20 to 40 (the most is 20 more)",
        lambda amount: -20 <= amount <= 40,
    ),
    "low-rate": _Way(_low_rate, 2.0, "2, 3 or 4", lambda amount: amount in (2, 3, 4)),
    "mel": _Way(_from_mels, 32.0, "16 to 128 bands", lambda amount: 16 <= amount <= 128 and amount % 1 == 0),
}
DEGRADATIONS = tuple(_WAYS | _WAYS_OF_SOUNDS)
