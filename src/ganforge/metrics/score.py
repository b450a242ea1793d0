"""A number that carries what is needed to read it: its floor, its interval, its protocol, its direction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeVar

__all__ = ["Direction", "Protocol", "Score", "opposed", "plain", "short"]

Direction = Literal["higher", "lower", "floor"]
_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a score was measured; two numbers may be compared only where this agrees.

    Attributes:
        extractor: what was measured on.
        n: samples used (and, where two sets are compared, as many real examples).
        split: the real examples compared with: held-out, training, or none.
        resize: what was done to sides; empty for nothing.
        seed: of every choice made by chance.
        settings: what else the score depends on, by name.
    """

    extractor: str
    n: int
    split: str
    resize: str = ""
    seed: int = 0
    settings: dict[str, float | int | str] = field(default_factory=dict)

    def line(self) -> str:
        more = [f"{name} {short(value)}" for name, value in self.settings.items()]
        return " · ".join(part for part in (f"n {self.n:,}", self.split, self.resize, *more) if part)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One score.

    Attributes:
        key: its name in files: ``kernel_distance``, ``recall``, …
        name: its name for people; distances are named after their extractor.
        value: the score. NaN where it cannot be said.
        interval: bootstrap interval of 95 % over the samples, or None where there is none.
        floor: the same score of real examples against real ones, measured in the same call at the same
            n, or what a perfect sampler expects where that is known exactly.
        direction: which way is better; ``floor`` where being near the floor is.
        protocol: see :class:`Protocol`.
    """

    key: str
    name: str
    value: float
    interval: tuple[float, float] | None
    floor: float
    direction: Direction
    protocol: Protocol

    @property
    def gap(self) -> float:
        """How far the value is on the worse side of the floor, in its own units; below 0 it is better."""
        if self.direction == "floor":
            return abs(self.value - self.floor)
        return self.value - self.floor if self.direction == "lower" else self.floor - self.value

    def line(self) -> str:
        """For the terminal: ``kernel distance (raw)  .081 [.075, .087]  floor .004  lower is better  …``."""
        interval = "" if self.interval is None else f" [{', '.join(short(end) for end in self.interval)}]"
        better = (
            "nearest the best possible is best"
            if self.direction == "floor"
            else f"{self.direction} is better"
        )
        return (
            f"{self.name}  {short(self.value)}{interval}  best possible {short(self.floor)}  {better}"
            f"  ({self.protocol.line()})"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data; numbers that are not finite become None, because JSON has none of them."""
        return plain(asdict(self))


def opposed(
    key: str,
    name: str,
    of: Callable[[_Made], float],
    made: _Made,
    opponents: Mapping[str, _Made],
    *,
    floor: float,
    direction: Direction,
    protocol: Protocol,
    interval: tuple[float, float] | None = None,
) -> Score:
    """The score ``of`` what was made, with that of each opponent without a game in its protocol."""
    beside: dict[str, float | int | str] = {who: round(of(theirs), 4) for who, theirs in opponents.items()}
    return Score(
        key=key,
        name=name,
        value=of(made),
        interval=interval,
        floor=floor,
        direction=direction,
        protocol=replace(protocol, settings=beside),
    )


def short(value: float | int | str) -> str:
    """Three significant digits, without the leading 0: .0814, 12.3, 4,560."""
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return str(value).replace("inf", "∞")
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    if "e" in text:
        return text
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def plain(value: Any) -> Any:
    """Plain data for JSON, which has no numbers that are not finite: they become None."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
