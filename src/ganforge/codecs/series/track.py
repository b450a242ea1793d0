"""One column that changes within series, as a network sees it step by step."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ganforge.codecs.rows.block import Block, fit_block
from ganforge.codecs.rows.column import Column
from ganforge.core.fields import flag, mapping, only, real, whole

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Number", "Words", "chosen", "fit_number", "fit_words"]

_HEAVY = 8.0  # kurtosis, above which numbers are seen through an area hyperbolic sine; 3 is normal
_SPIKE = 0.1  # share of one number among many, from which it is a state of its own
_MANY = 20  # different numbers, from which on one can be a spike
_COARSE = 1e-3  # of a deviation, from which a grid can be seen by a discriminator
_DIGITS = 6  # significant ones, that float32 holds in any case
_PLACES = 9  # after the decimal sign, to which numbers are rounded
_ALIKE = 1e-3  # of a deviation, within which all series have one mean
_INSIDE = 0.98  # of a step between two numbers, that is dithered


@dataclass(frozen=True)
class Number:
    """Numbers in model units: a value with mean 0 and deviation 1, then 1 where missing, then 1 at the spike.

    A number x is seen as (x − mean) / deviation, or, where tails are heavy, as that of
    asinh((x − centre) / spread). Numbers on a coarse grid, as whole ones are, lie anywhere within half of a
    step, so that they come back by rounding and a discriminator does not live on the grid.

    Attributes:
        low, high: the smallest and largest number of the training part beside the spike.
        mean, deviation: after the curve.
        curved, centre, spread: whether there is one, and where it bends.
        grid: the step between two numbers, if it is a coarse one; else 0.
        digits: how many significant digits numbers have; 0 where there are more than float32 holds.
        places: how many digits stand after the decimal sign at most; −1 where these are too many.
        gaps: whether numbers can be missing.
        spike: a number that stands there often, to which ``spiked`` points.
        level, size: mean and deviation of every series by itself, where all have the same; else None.
    """

    low: float
    high: float
    mean: float = 0.0
    deviation: float = 1.0
    curved: bool = False
    centre: float = 0.0
    spread: float = 1.0
    grid: float = 0.0
    digits: int = 0
    places: int = -1
    gaps: bool = False
    spiked: bool = False
    spike: float = 0.0
    level: float | None = None
    size: float | None = None

    @property
    def settles(self) -> bool:
        """Whether series have a mean or a deviation in common."""
        return self.level is not None or self.size is not None

    @property
    def width(self) -> int:
        return 1 + self.gaps + self.spiked

    def encode(self, x: Tensor, u: Tensor, gone: Tensor) -> Tensor:
        """Codes ``(N, T)`` float64, dithered by ``u``, to ``(N, width, T)`` float32."""
        import torch

        at = x == self.spike
        x = x + (u.to(x) - 0.5) * (_INSIDE * self.grid)
        if self.curved:
            x = torch.asinh((x - self.centre) / self.spread)
        value = torch.where(gone, 0.0, (x - self.mean) / self.deviation)
        planes = [value]
        if self.gaps:
            planes.append(gone.to(x))
        if self.spiked:
            planes.append((at & ~gone).to(x))
        return torch.stack(planes, 1).float()

    def finish(self, x: Tensor) -> Tensor:
        """A generator's numbers ``(N, width, T)``: states are 0 or 1, and values fit them."""
        import torch

        if self.width == 1:
            return x
        value = x[:, 0]
        states: list[Tensor] = []
        kept = torch.ones_like(value)
        if self.gaps:
            states.append(_hard(x[:, 1]))
            kept = 1.0 - states[0]
        if self.spiked:
            spike = _hard(x[:, -1]) * kept
            value = value * (1.0 - spike) + self._seen(self.spike) * spike
            states.append(spike)
        return torch.stack([value * kept, *states], 1)

    def _seen(self, x: float) -> float:
        x = math.asinh((x - self.centre) / self.spread) if self.curved else x
        return (x - self.mean) / self.deviation

    def settled(self, x: Tensor, alive: Tensor) -> Tensor:
        """Series ``(N, 1, T)`` with the mean and deviation that all have, over ``alive`` ``(N, T)``."""
        value, count = x[:, 0], alive.sum(1, keepdim=True).clamp_min(1.0)
        mean = (value * alive).sum(1, keepdim=True) / count
        own = (value - mean) * alive
        if self.size is not None:
            deviation = (own.square().sum(1, keepdim=True) / count).clamp_min(1e-12).sqrt()
            own = own / deviation * (self.size / self.deviation)
        if self.level is not None:
            mean = (self.level - self.mean) / self.deviation
        return ((own + mean) * alive)[:, None]

    def decode(self, x: Tensor, column: Column) -> np.ndarray:
        """Model units ``(N, width, T)`` to codes ``(N, T)``, within what the training part has."""
        import torch

        value = x[:, 0].double() * self.deviation + self.mean
        if self.curved:
            value = torch.sinh(value) * self.spread + self.centre
        codes = value.numpy()
        if not self.settles:  # a number that is cut off would move the mean that all series have
            codes = codes.clip(self.low, self.high)
        codes = column.grid(_rounded(codes, self.digits, self.places)) + 0.0
        if self.spiked:
            codes = np.where(x[:, -1].numpy() > 0.5, self.spike, codes)
        return np.where(x[:, 1].numpy() > 0.5, column.gap, codes) if self.gaps else codes

    def to_json(self) -> dict[str, Any]:
        return {"sort": "number", **asdict(self)}

    @classmethod
    def from_json(cls, fields: Any, where: str) -> Number:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        flags, numbers = ("curved", "gaps", "spiked"), ("low", "high", "mean", "centre", "spike")
        only(
            fields,
            ["sort", *flags, *numbers, "deviation", "spread", "grid", "digits", "places", "level", "size"],
            where,
        )
        found: dict[str, Any] = {name: flag(fields[name], f"{where}.{name}") for name in flags}
        found |= {name: real(fields[name], f"{where}.{name}") for name in numbers}
        found |= {name: real(fields[name], f"{where}.{name}", 5e-324) for name in ("deviation", "spread")}
        for name in ("level", "size"):
            found[name] = None if fields[name] is None else real(fields[name], f"{where}.{name}")
        found["digits"] = whole(fields["digits"], f"{where}.digits", 0, 9)
        found["places"] = whole(fields["places"], f"{where}.places", -1, 15)
        return cls(**found, grid=real(fields["grid"], f"{where}.grid", 0.0))


@dataclass(frozen=True)
class Words:
    """Words in model units: one-hot over the levels, of which missing is one."""

    block: Block

    @property
    def width(self) -> int:
        return self.block.width

    def encode(self, x: Tensor, u: Tensor, gone: Tensor) -> Tensor:
        import torch

        codes = torch.where(gone, math.nan, x)
        flat = self.block.encode(codes.flatten(), u.flatten())
        return flat.view(*x.shape, self.width).transpose(1, 2)

    def finish(self, x: Tensor) -> Tensor:
        return chosen(x)

    def decode(self, x: Tensor, column: Column) -> np.ndarray:
        codes = self.block.decode(x.transpose(1, 2).reshape(-1, self.width)).numpy()
        return np.where(np.isnan(codes), column.gap, codes).reshape(x.shape[0], -1)

    def to_json(self) -> dict[str, Any]:
        return {"sort": "words", "block": self.block.to_json()}

    @classmethod
    def from_json(cls, fields: Any, where: str) -> Words:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, ["sort", "block"], where)
        return cls(Block.from_json(fields["block"], where))


def _hard(x: Tensor) -> Tensor:
    """1 where x > 0, else 0, with the gradient of the logistic function."""
    import torch

    soft = torch.sigmoid(x)
    return (x > 0).to(soft) + (soft - soft.detach())


def chosen(x: Tensor) -> Tensor:
    """Logits ``(N, levels, …)`` to one-hot, with the gradient of the softmax."""
    import torch

    soft = torch.softmax(x, 1)
    return (x == x.amax(1, keepdim=True)).to(soft) + (soft - soft.detach())


def fit_number(series: np.ndarray, there: np.ndarray, column: Column, *, gaps: bool) -> Number:
    """Of the numbers ``(N, T)`` of the training part.

    Args:
        there: ``(N, T)``, at which steps one stands.
        gaps: whether any are missing.
    """
    codes = series[there]
    values, counts = np.unique(codes, return_counts=True) if len(codes) else (np.zeros(1), np.ones(1))
    codes = codes if len(codes) else values
    most = int(counts.argmax())
    spiked = bool(len(values) >= _MANY and counts[most] >= _SPIKE * len(codes))
    grid = 0.0
    if column.kind == "whole":
        grid = 1.0
    elif column.kind == "number" and column.decimals[1] >= 0:
        grid = 10.0 ** -column.decimals[1]
    mean, deviation = float(codes.mean()), float(codes.std())
    grid = grid if grid > _COARSE * deviation else 0.0
    digits, places = _digits(values)
    rest = values[values != values[most]] if spiked else values
    found = Number(
        low=float(rest[0]),
        high=float(rest[-1]),
        grid=grid,
        digits=digits,
        places=places,
        gaps=gaps,
        spiked=spiked,
        spike=float(values[most]) if spiked else 0.0,
    )
    if deviation <= 0:
        return replace(found, mean=mean)
    if ((codes - mean) ** 4).mean() / deviation**4 > _HEAVY:
        low, centre, high = np.quantile(codes, [0.25, 0.5, 0.75]).tolist()
        spread = (high - low) / 1.349 or float(np.abs(codes - centre).mean()) or deviation
        bent = np.arcsinh((codes - centre) / spread)
        return replace(
            found,
            curved=True,
            centre=float(centre),
            spread=float(spread),
            mean=float(bent.mean()),
            deviation=float(bent.std()),
        )
    found = replace(found, mean=mean, deviation=deviation)
    return found if found.width > 1 else _settled(found, series, there)


def _settled(found: Number, series: np.ndarray, there: np.ndarray) -> Number:
    """With mean and deviation of every series by itself, where all have the same but for rounding."""
    count = np.maximum(there.sum(1), 1)
    means = np.where(there, series, 0.0).sum(1) / count
    sizes = np.sqrt((np.where(there, series - means[:, None], 0.0) ** 2).sum(1) / count)
    near = _ALIKE * found.deviation
    level = float(means.mean()) if np.ptp(means) < near else None
    size = float(sizes.mean()) if np.ptp(sizes) < near and sizes.min() > 0 else None
    return replace(found, level=level, size=size)


def _digits(values: np.ndarray) -> tuple[int, int]:
    """Significant digits of the numbers ``(M,)``, and those after the decimal sign."""
    some = values[:: max(len(values) // 20_000, 1)].tolist()
    shown = [f"{abs(x):.12e}".partition("e") for x in some]
    digits = [len(body.replace(".", "").rstrip("0")) for body, _, _ in shown]
    places = [n - 1 - int(power) for n, (_, _, power) in zip(digits, shown, strict=True) if n]
    most, last = max(digits), max([0, *places])
    return most if most <= _DIGITS else 0, last if last <= _PLACES else -1


def _rounded(x: np.ndarray, digits: int, places: int) -> np.ndarray:
    """Numbers with so many digits, each the float nearest to its decimal."""
    if places >= 0:
        x = x.round(places)
    if not digits:
        return x
    with np.errstate(divide="ignore"):
        power = digits - 1 - np.floor(np.log10(np.abs(x)))
    power = np.where(np.isfinite(power), power, 0.0).clip(-300, 300)
    up, down = 10.0 ** np.maximum(power, 0.0), 10.0 ** np.maximum(-power, 0.0)
    return np.round(x * up / down) * down / up


def fit_words(codes: np.ndarray) -> Words:
    """Of codes ``(M,)`` with NaN where one is missing."""
    return Words(fit_block(codes, ordered=False))
