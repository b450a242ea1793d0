"""What a shipped network is, in words that travel with it: a folder's config.json, an ONNX file's metadata.

Whoever opens such words reads them from a stranger. So every field is checked for its type and bounded in
its size before anything is built from it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ganforge.core.condition import Condition
from ganforge.core.errors import RunError, UsageError
from ganforge.core.fields import STRANGE, choice, mapping, only, text, whole
from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
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
_NAME = 200  # characters of a class or a column
_GRID = 4096
_WIDEST = 65_536
_DEEPEST = 64


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
        except STRANGE as error:
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
    only(fields, known, "the description")
    space = _space(fields["space"])
    if translator != (space.source is not None):
        raise ValueError("inputs and outputs of a translator are needed, and of nothing else")
    conditions = whole(fields["conditions"], "conditions", 0, _MANY)
    named = (len(space.classes), 0 if space.condition is None else space.condition.size)
    if conditions and conditions not in named:
        raise ValueError(f"{conditions} conditions do not fit {len(space.classes)} classes")
    made = {
        text(name, "made"): value if isinstance(value, int) else text(value, f"made.{name}")
        for name, value in mapping(fields.get("made", {}), "made").items()
    }
    return cls(
        space=space,
        prior=None if translator else _prior(mapping(fields["prior"], "prior")),
        conditions=conditions,
        grid=whole(fields["grid"], "grid", 1, _GRID) if translator else 0,
        body=_body(mapping(fields["generator"], "generator")) if "generator" in fields else None,
        precision=cast(Precision, choice(fields["precision"], "precision", PRECISIONS)),
        made=made,
    )


def _prior(fields: dict[str, Any]) -> Prior:
    only(fields, ("size", "kind", "bits"), "prior")
    size = whole(fields["size"], "prior.size", 1, _WIDEST)
    kind = choice(fields["kind"], "prior.kind", ("normal", "uniform"))
    return Prior(size, cast(Any, kind), whole(fields["bits"], "prior.bits", 0, size))


def _body(fields: dict[str, Any]) -> Body:
    only(fields, ("family", "width", "depth", "options"), "generator")
    options = mapping(fields["options"], "generator.options")
    for name, value in options.items():
        number = isinstance(value, (int, float)) and math.isfinite(value) and abs(value) <= _WIDEST
        if not number and not (isinstance(value, str) and len(value) <= 100):
            raise ValueError(f"generator option {name[:50]!r} is neither a small number nor a word")
    return Body(
        family=text(fields["family"], "generator.family"),
        width=whole(fields["width"], "generator.width", 1, _WIDEST),
        depth=whole(fields["depth"], "generator.depth", 0, _DEEPEST),
        options=options,
    )


def _space(fields: Any) -> Space:
    """The space, within what a model may need: nobody knows who wrote it."""
    space = Space.from_json(fields)
    for one in filter(None, (space, space.source)):
        if len(one.shape) > 4 or max(one.shape) > _SIDE or math.prod(one.shape) > _SIZE:
            raise ValueError(
                f"a sample of shape {one.shape[:5]} is too large; at most {_SIZE:,} numbers are read"
            )
        known = one.condition
        lists = (one.classes, one.columns, () if known is None else known.names)
        if max(map(len, lists)) > _MANY:
            raise ValueError(f"the space has more than {_MANY:,} classes, columns or conditions")
        if any(len(name) > _NAME for name in (*one.classes, *one.columns)):
            raise ValueError(f"the space has a name of more than {_NAME} characters")
    return space
