"""What one example is: its kind, its shape, its units, and what a person needs in order to read it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ganforge.core.codec import Codec, Fitted
from ganforge.core.condition import Condition
from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError
from ganforge.core.fields import choice, listed, mapping, only, real, text, whole
from ganforge.core.value_range import ValueRange

if TYPE_CHECKING:
    import torch

__all__ = ["FINE", "Space"]

FINE = (
    256.0  # times that an offset may be as large as its scale, for float32 to hold 65,000 steps a deviation
)

_MANY = 1 << 30  # numbers of one example, classes, columns: more is no data set


@dataclass(frozen=True, kw_only=True)
class Space:
    """The set that examples are drawn from.

    Two kinds of units exist. *Declared units* are a person's: pictures and shapes are ``uint8``
    0…255, sound is ``float32`` −1…1, points are ``float32`` in the data's own coordinates, or ``float64``
    where these lie far from 0 for their spread, as times and places do (:attr:`is_fine`).
    *Model units* are a network's: ``float32``, −1…1 for pictures, shapes and sound, and
    ``(x − offset) / scale`` for points. Units change only in ``data/`` and in a Sampler.

    Attributes:
        kind: the name of its codec: points, pictures, sound, shapes, …
        shape: ``(C, *spatial)`` with 0 to 3 spatial dimensions: points ``(D,)``, sound ``(C, T)``,
            pictures ``(C, H, W)``, shapes ``(C, D, H, W)``.
        offset: for points, one number a coordinate; empty means 0.
        scale: for points, one positive number a coordinate; empty means 1.
        classes: names of the classes, in the order of their indices; empty when there are none.
        columns: for points, the coordinates' names.
        sample_rate: for sound, samples a second.
        condition: what an example says of itself beside its class: labels, numbers or a caption.
        source: of a translation, the space of its inputs; None where examples come from latents.
        value_range: of pictures and shapes, the numbers of the files that 0 and 255 stand for; None where
            the files are plain bytes.
        fitted: what else the codec has learned from the training part.

    Raises:
        DataError: the shape does not fit the kind.
    """

    kind: str
    shape: tuple[int, ...]
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sample_rate: int | None = None
    condition: Condition | None = None
    source: Space | None = None
    value_range: ValueRange | None = None
    fitted: Fitted | None = None

    def __post_init__(self) -> None:
        if self.kind not in CODECS:
            raise DataError(f"unknown kind of example {self.kind!r}; known: {', '.join(CODECS)}")
        numbers = 1 + CODECS[self.kind].dims
        if len(self.shape) != numbers or min(self.shape) < 1:
            raise DataError(f"{self.kind} need a shape of {numbers} positive numbers, not {self.shape}")
        assert len(self.offset) == len(self.scale), "there must be as many offsets as scales"
        for numbers in (self.offset, self.scale):
            assert len(numbers) in (0, self.channels)
            assert not numbers or not self.bounded

    @cached_property
    def codec(self) -> Codec:
        """What its kind of data says of itself, and how its examples become tensors and come back."""
        return CODECS[self.kind](self)

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def spatial(self) -> tuple[int, ...]:
        """Sizes of the spatial dimensions: ``()`` for points, ``(H, W)`` for pictures."""
        return self.shape[1:]

    @property
    def dims(self) -> int:
        """Number of spatial dimensions, 0 to 3."""
        return len(self.shape) - 1

    @property
    def size(self) -> int:
        """How many numbers one example has."""
        return math.prod(self.shape)

    @property
    def bounded(self) -> bool:
        """Whether model units end at −1 and 1, so that what lies outside is cut off."""
        return CODECS[self.kind].limits is not None

    @property
    def is_fine(self) -> bool:
        """Whether float32 in the data's own coordinates would lose what sets points apart."""
        return any(abs(a) > FINE * b for a, b in zip(self.offset, self.scale, strict=False))

    def describe(self) -> str:
        """For a person: ``64×48 RGB``, ``2-D points``, …"""
        return self.codec.describe()

    def to_model(self, x: torch.Tensor, u: torch.Tensor | None = None) -> torch.Tensor:
        """Declared units ``(N, *codec.shape)`` to model units; see ``Codec.encode``."""
        return self.codec.encode(x, u)

    def to_declared(self, x: torch.Tensor) -> torch.Tensor:
        """Model units ``(N, *shape)`` to declared units, rounded and cut off at their limits.

        Points that need it (:attr:`is_fine`) become float64, on the CPU: not every device has it.
        """
        return self.codec.close(self.codec.open(x))

    def to_json(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in dataclass_fields(self)}
        for name in ("condition", "source", "value_range", "fitted"):
            values[name] = values[name] and values[name].to_json()
        return {name: value for name, value in values.items() if value not in ((), None)}

    @classmethod
    def from_json(cls, fields: Any, where: str = "space") -> Space:
        """The inverse of :meth:`to_json`, on plain data of unknown origin.

        Raises ValueError, TypeError or KeyError: a field is missing, unknown, or of the wrong type.
        """
        fields = mapping(fields, where)
        only(fields, [field.name for field in dataclass_fields(cls)], where)
        condition, source, rate = (fields.get(name) for name in ("condition", "source", "sample_rate"))
        values = fields.get("value_range")
        if source is not None and "source" in mapping(source, f"{where}.source"):
            raise ValueError("the space of inputs has no inputs of its own")

        def many(name: str, kind: Callable[[Any, str], Any]) -> tuple[Any, ...]:
            found = listed(fields.get(name, []), f"{where}.{name}", _MANY)
            return tuple(kind(item, f"{where}.{name}") for item in found)

        kind, fitted = choice(fields["kind"], f"{where}.kind", tuple(CODECS)), fields.get("fitted")
        return cls(
            kind=kind,
            shape=many("shape", lambda side, name: whole(side, name, 1, _MANY)),
            offset=many("offset", real),
            scale=many("scale", lambda number, name: real(number, name, least=5e-324)),
            classes=many("classes", lambda name, words: text(name, words, 10_000)),
            columns=many("columns", lambda name, words: text(name, words, 10_000)),
            sample_rate=None if rate is None else whole(rate, f"{where}.sample_rate", 1, 10_000_000),
            condition=None if condition is None else Condition.from_json(condition, f"{where}.condition"),
            source=None if source is None else cls.from_json(source, f"{where}.source"),
            value_range=None if values is None else ValueRange.from_json(values, f"{where}.value_range"),
            fitted=None if fitted is None else CODECS[kind].fitted_from_json(fitted, f"{where}.fitted"),
        )
