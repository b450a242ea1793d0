"""What a shipped network is, in words that travel with it: a folder's config.json, an ONNX file's metadata.

Whoever opens such words reads them from a stranger. So every field is checked for its type and bounded in
its size before anything is built from it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any, cast, get_args

from ganforge.core.condition import Condition, ConditionKind
from ganforge.core.errors import RunError, UsageError, nearest
from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.core.value_range import ValueRange
from ganforge.networks.players import condition_size
from ganforge.runs.translator import NetworkTranslator
from ganforge.shipping.weights import PRECISIONS, Precision

__all__ = ["FORMAT", "Body", "Description", "fields_of"]

FORMAT = 1
GENERATOR, TRANSLATOR = "ganforge generator", "ganforge translator"

_LONGEST = 1_000_000  # characters of a description
_SIDE = 16_384
_SIZE = 1 << 26  # numbers of one sample: 4,096 × 4,096 RGBA
_MANY = 10_000  # classes, columns, numbers of a condition
_GRID = 4096
_WIDEST = 65_536
_DEEPEST = 64

_STRANGE = (ValueError, TypeError, KeyError, AttributeError, AssertionError, ArithmeticError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class Body:
    """What a network is built from (``ganforge.networks``: ``generator``, or ``translator``)."""

    family: str
    width: int
    depth: int
    options: dict[str, bool | int | float | str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"family": self.family, "width": self.width, "depth": self.depth, "options": self.options}


@dataclass(frozen=True, kw_only=True)
class Description:
    """A shipped generator, or translator.

    Attributes:
        space: what a sample is; of a translator, ``space.source`` is what its inputs are.
        prior: what latents are drawn from; None for a translator.
        grid: of a translator, sides that a graph takes are multiples of this; 0 for a generator.
        conditions: how many numbers a condition has; 0 for none.
        body: what the network is built from; None where a graph stands for it.
        precision: how the weights are stored: float32, bfloat16 or int8. All compute in float32.
        made: where it came from, for people: recipe, nimg, versions. Nothing is decided by it.
    """

    space: Space
    prior: Prior | None
    conditions: int
    grid: int = 0
    body: Body | None = None
    precision: Precision = "float32"
    made: dict[str, str | int] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe, space: Space, **made: str | int) -> Description:
        """Of a run's generator."""
        player = recipe.generator
        body = Body(family=player.family, width=player.width, depth=player.depth, options=player.options)
        return cls(
            space=space,
            prior=Prior.of(recipe),
            conditions=condition_size(recipe, space),
            body=body,
            made={"recipe": recipe.name, **made},
        )

    @classmethod
    def of_translator(cls, recipe: Recipe, translator: NetworkTranslator, **made: str | int) -> Description:
        """Of a run's translator, one way."""
        return replace(
            cls.of(recipe, translator.space, **made),
            prior=None,
            conditions=translator.conditions,
            grid=translator.grid,
        )

    @property
    def asks(self) -> Condition | None:
        """What samples can be asked to be, or None."""
        if not self.conditions:
            return None
        found = self.space.condition
        if found is not None and found.size == self.conditions:
            return found
        return Condition.of_classes(self.space.classes)

    def to_json(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "format": FORMAT,
            "what": GENERATOR,
            "space": self.space.to_json(),
            "conditions": self.conditions,
            "precision": self.precision,
            "made": self.made,
        }
        if self.prior is None:
            fields |= {"what": TRANSLATOR, "grid": self.grid}
        else:
            prior = {"size": self.prior.size, "kind": self.prior.kind, "bits": self.prior.bits}
            fields |= {"prior": prior}
        return fields if self.body is None else {**fields, "generator": self.body.to_json()}

    @classmethod
    def from_json(cls, fields: dict[str, Any], where: str) -> Description:
        """The inverse of :meth:`to_json`, on words of unknown origin; ``where`` is named in errors.

        Raises:
            RunError: a field is missing, unknown, of the wrong type, or beyond what any model needs.
        """
        if fields.get("what") not in (GENERATOR, TRANSLATOR):
            raise RunError(f"{where} does not describe a generator; gan export RUN makes one that does")
        if fields.get("format") != FORMAT:
            version = str(fields.get("format"))[:20]
            raise RunError(f"{where} has format {version}; this ganforge reads {FORMAT}: upgrade it")
        try:
            return _read(cls, fields)
        except UsageError as error:
            raise RunError(f"{where} cannot be used: {str(error)[:300]}") from None
        except _STRANGE as error:
            raise RunError(f"{where} cannot be used ({type(error).__name__}: {str(error)[:200]})") from None


def fields_of(text: str | bytes, where: str) -> dict[str, Any]:
    """JSON text of unknown origin to a mapping. Raises RunError."""
    if len(text) > _LONGEST:
        raise RunError(f"{where} is {len(text):,} characters long; a description has at most {_LONGEST:,}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{where} is not JSON ({str(error)[:100]})") from None
    if not isinstance(found, dict):
        raise RunError(f"{where} is not a JSON object")
    return cast(dict[str, Any], found)


def _read(cls: type[Description], fields: dict[str, Any]) -> Description:
    translator = fields["what"] == TRANSLATOR
    own = ("grid", "graph") if translator else ("prior",)
    known = ("format", "what", "space", *own, "conditions", "precision", "made", "generator")
    _only(fields, known, "the description")
    space = _space(_mapping(fields["space"], "space"))
    if translator != (space.source is not None):
        raise ValueError("inputs and outputs of a translator are needed, and of nothing else")
    conditions = _whole(fields["conditions"], "conditions", 0, _MANY)
    named = (len(space.classes), 0 if space.condition is None else space.condition.size)
    if conditions and conditions not in named:
        raise ValueError(f"{conditions} conditions do not fit {len(space.classes)} classes")
    made = {
        _text(name, "made"): value if isinstance(value, int) else _text(value, f"made.{name}")
        for name, value in _mapping(fields.get("made", {}), "made").items()
    }
    return cls(
        space=space,
        prior=None if translator else _prior(_mapping(fields["prior"], "prior")),
        conditions=conditions,
        grid=_whole(fields["grid"], "grid", 1, _GRID) if translator else 0,
        body=_body(_mapping(fields["generator"], "generator")) if "generator" in fields else None,
        precision=cast(Precision, _choice(fields["precision"], "precision", PRECISIONS)),
        made=made,
    )


def _prior(fields: dict[str, Any]) -> Prior:
    _only(fields, ("size", "kind", "bits"), "prior")
    size = _whole(fields["size"], "prior.size", 1, _WIDEST)
    kind = _choice(fields["kind"], "prior.kind", ("normal", "uniform"))
    return Prior(size, cast(Any, kind), _whole(fields["bits"], "prior.bits", 0, size))


def _body(fields: dict[str, Any]) -> Body:
    _only(fields, ("family", "width", "depth", "options"), "generator")
    options = _mapping(fields["options"], "generator.options")
    for name, value in options.items():
        number = isinstance(value, (int, float)) and math.isfinite(value) and abs(value) <= _WIDEST
        if not number and not (isinstance(value, str) and len(value) <= 100):
            raise ValueError(f"generator option {name[:50]!r} is neither a small number nor a word")
    return Body(
        family=_text(fields["family"], "generator.family"),
        width=_whole(fields["width"], "generator.width", 1, _WIDEST),
        depth=_whole(fields["depth"], "generator.depth", 0, _DEEPEST),
        options=options,
    )


def _space(fields: dict[str, Any]) -> Space:
    known = ("kind", "shape", "offset", "scale", "classes", "columns", "sample_rate", "condition", "source")
    _only(fields, (*known, "value_range"), "space")
    condition, source, values = fields.get("condition"), fields.get("source"), fields.get("value_range")
    if source is not None and "source" in _mapping(source, "space.source"):
        raise ValueError("the space of inputs has no inputs of its own")
    shape = tuple(_whole(side, "space.shape", 1, _SIDE) for side in _listed(fields["shape"], "space.shape"))
    if len(shape) > 4 or math.prod(shape) > _SIZE:
        raise ValueError(f"a sample of shape {shape[:5]} is too large; at most {_SIZE:,} numbers are read")
    rate = fields.get("sample_rate")
    return Space(
        kind=cast(Any, _text(fields["kind"], "space.kind")),
        shape=shape,
        offset=tuple(_real(number, "space.offset") for number in _listed(fields.get("offset", []), "offset")),
        scale=tuple(_real(number, "space.scale") for number in _listed(fields.get("scale", []), "scale")),
        classes=tuple(_text(name, "space.classes") for name in _listed(fields.get("classes", []), "classes")),
        columns=tuple(_text(name, "space.columns") for name in _listed(fields.get("columns", []), "columns")),
        sample_rate=None if rate is None else _whole(rate, "space.sample_rate", 1, 10_000_000),
        condition=None if condition is None else _condition(_mapping(condition, "space.condition")),
        source=None if source is None else _space(source),
        value_range=None if values is None else _value_range(_mapping(values, "space.value_range")),
    )


def _value_range(fields: dict[str, Any]) -> ValueRange:
    where = "space.value_range"
    _only(fields, ("low", "high", "deep"), where)
    if not isinstance(fields["deep"], bool):
        raise TypeError(f"{where}.deep must be true or false")
    return ValueRange(_real(fields["low"], where), _real(fields["high"], where), fields["deep"])


def _condition(fields: dict[str, Any]) -> Condition:
    where = "space.condition"
    _only(fields, ("kind", "names", "mean", "deviation", "examples", "captions", "encoder"), where)

    def numbers(value: Any) -> tuple[float, ...]:
        return tuple(_real(number, where) for number in _listed(value, where))

    def texts(name: str) -> tuple[str, ...]:
        return tuple(_text(text, f"{where}.{name}", 2_000) for text in _listed(fields.get(name, []), where))

    kind = _choice(fields["kind"], f"{where}.kind", get_args(ConditionKind))
    found = Condition(
        kind=cast(ConditionKind, kind),
        names=texts("names"),
        mean=numbers(fields.get("mean", [])),
        deviation=numbers(fields.get("deviation", [])),
        examples=tuple(numbers(row) for row in _listed(fields.get("examples", []), where)),
        captions=texts("captions"),
        encoder=_text(fields.get("encoder", ""), f"{where}.encoder", 200),
    )
    top = found.size - 1 if found.kind in ("class", "text") and not found.encoder else math.inf
    if any(number > top for row in found.examples for number in row) or 0 in found.deviation:
        raise ValueError(f"{where} names what it does not have")
    if kind != "class" and not (found.examples and len({len(row) for row in found.examples}) == 1):
        raise ValueError(f"{where} needs examples, all of one length")
    return found


def _only(fields: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in fields:
        if name not in known:
            raise ValueError(f"{where} has an unknown field {name[:50]!r}.{nearest(name, known)}")


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{where} must be a mapping")
    return cast(dict[str, Any], value)


def _listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or len(cast(list[Any], value)) > _MANY:
        raise TypeError(f"{where} must be a list of at most {_MANY:,}")
    return cast(list[Any], value)


def _whole(value: Any, where: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{where} must be a whole number from {least} to {most:,}")
    return value


def _real(value: Any, where: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{where} must be numbers")
    return float(value)


def _text(value: Any, where: str, longest: int = 200) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise TypeError(f"{where} must be text of at most {longest:,} characters")
    return value


def _choice(value: Any, where: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(f"{where} can be {', '.join(choices)}")
    return cast(str, value)
