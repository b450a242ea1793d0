"""What is asked of the service: JSON of unknown origin to a checked wish."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganforge.core.codec import PNG
from ganforge.core.errors import nearest
from ganforge.core.space import Space
from ganforge.shipping.limits import Limits, Refused
from ganforge.shipping.reading import fields_of_body
from ganforge.shipping.shades import in_bytes

__all__ = ["Form", "Wish", "chosen_class", "fields_of_body", "own_format", "posted_example", "wish"]

Form = Literal["png", "npy", "json", "file"]

_KEYS = ("n", "seed", "start", "truncation", "class", "format", "grid")
_MOST = (1 << 63) - 1


@dataclass(frozen=True)
class Wish:
    """One request for samples ``start … start + n − 1`` of ``seed``.

    Attributes:
        label: the class asked for; None lets the classes take turns.
        form: png (one picture, or a zip of several), npy, json, or file: as its codec writes one, or a zip.
        grid: one picture of all samples, as PNG.
    """

    n: int
    seed: int
    start: int
    truncation: float
    label: int | None
    form: Form
    grid: bool


def wish(fields: dict[str, Any], space: Space, conditions: int, limits: Limits) -> Wish:
    """Raises Refused (422), naming the field, for anything that cannot be given."""
    _only(fields, _KEYS)
    n = _whole(fields, "n", 1, 1, min(limits.samples, max(1, limits.numbers // space.size)))
    form: Any = fields.get("format")
    grid = fields.get("grid", False)
    picture = space.codec.media == PNG
    own = own_format(space)
    if form is None:
        form = "png" if picture or grid else own or "json"
    if form not in ("png", "npy", "json", own):
        known = ", ".join(filter(None, ("png", "npy", own)))
        raise Refused(422, f"format can be {known} or json, not {str(form)[:40]!r}")
    if not isinstance(grid, bool):
        raise Refused(422, "grid can be true or false")
    if grid and form != "png":
        raise Refused(422, f"a grid is a picture: ask for png, not {form}")
    if form == "png" and not picture and not grid:
        raise Refused(
            422, f"{space.describe()} are no pictures: ask for {own or 'npy'} or json, or for a grid"
        )
    truncation = fields.get("truncation", 1.0)
    if not isinstance(truncation, (int, float)) or isinstance(truncation, bool) or not 0 <= truncation <= 1:
        raise Refused(422, "truncation must be a number from 0 to 1")
    return Wish(
        n,
        _whole(fields, "seed", 0, 0, _MOST),
        _whole(fields, "start", 0, 0, 1_000_000_000),
        float(truncation),
        chosen_class(fields.get("class"), space, conditions),
        cast(Form, "file" if form == own else form),
        grid,
    )


def own_format(space: Space) -> str:
    """What a kind that is heard calls its files, ``wav``; empty for others."""
    return space.codec.suffix.removeprefix(".") if space.codec.audible else ""


def chosen_class(label: Any, space: Space, conditions: int) -> int | None:
    """A class by its name or its number. Raises Refused (422)."""
    if label is None:
        return None
    if not conditions:
        raise Refused(422, "this generator was trained without classes; leave class out")
    if isinstance(label, str) and label in space.classes:
        return space.classes.index(label)
    if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < conditions:
        return label
    known = ", ".join(space.classes[:20]) + (" …" if len(space.classes) > 20 else "")
    hint = nearest(str(label)[:100], space.classes)
    raise Refused(422, f"there is no class {str(label)[:100]!r}.{hint} Known: {known}")


def posted_example(fields: dict[str, Any], space: Space) -> Tensor:
    """The example in a body, ``(1, *space.shape)`` in declared units. Raises Refused (422).

    ``picture`` is a PNG in base64 of exactly the space's size; other kinds come as ``numbers``, a flat list.
    """
    _only(fields, ("picture", "numbers", "class"))
    if space.codec.media == PNG and space.channels in (1, 3, 4):
        return torch.from_numpy(_picture(fields.get("picture"), space))[None]
    numbers = fields.get("numbers")
    if not isinstance(numbers, list) or len(cast(list[Any], numbers)) != space.size:
        raise Refused(422, f"numbers must be a list of {space.size:,} for {space.describe()}")
    if not all(
        isinstance(number, (int, float)) and abs(number) < 1e30 for number in cast(list[Any], numbers)
    ):
        raise Refused(422, "numbers must all be finite numbers")
    codec = space.codec
    fine = torch.float64 if codec.dtype == "float64" else torch.float32
    return codec.close(torch.tensor([float(one) for one in numbers], dtype=fine).reshape(1, *codec.shape))


def _picture(text: Any, space: Space) -> np.ndarray:
    """``(C, H, W)`` uint8."""
    if not isinstance(text, str):
        raise Refused(422, "picture must be a PNG in base64")
    height, width = space.spatial
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",)) as image:
            if image.size != (width, height):  # known from the header: nothing large is ever decoded
                size = f"{image.width}×{image.height}"
                raise Refused(422, f"the picture is {size}; this model's are {width}×{height}")
            mode = {1: "L", 3: "RGB", 4: "RGBA"}[space.channels]
            shades = np.array(in_bytes(image, space.value_range).convert(mode), dtype=np.uint8)
    except Refused:
        raise
    except Exception:  # Pillow's readers raise nearly any exception on damaged or hostile files
        raise Refused(422, "picture must be a PNG in base64") from None
    return np.ascontiguousarray(shades.reshape(height, width, space.channels).transpose(2, 0, 1))


def _only(fields: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in fields:
        if name not in known:
            raise Refused(422, f"there is no field {name[:50]!r}.{nearest(name[:50], known)}")


def _whole(fields: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused(422, f"{name} must be a whole number from {least} to {most:,}")
    return value
