"""A picture that is sent to be translated: bytes of unknown origin to what the network takes."""

from __future__ import annotations

import base64
import binascii
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ganforge.codecs import plots
from ganforge.core.errors import UsageError, nearest
from ganforge.runs.translator import Translator
from ganforge.shipping.limits import Limits, Refused
from ganforge.shipping.reading import fields_of_body
from ganforge.shipping.shades import in_bytes

__all__ = ["CONDITION_FIELDS", "MEDIA", "Posted", "most_numbers", "posted", "translated"]

MEDIA = (b"application/json", b"image/png", b"image/jpeg")
CONDITION_FIELDS = {"class": "class", "text": "text", "labels": "where", "numbers": "where"}


@dataclass(frozen=True)
class Posted:
    """One request.

    Attributes:
        translator: the one asked for: there, or back.
        picture: ``(1, C, H, W)`` uint8.
        condition: ``(1, C)``, or None.
    """

    translator: Translator
    picture: Tensor
    condition: Tensor | None


def most_numbers(limits: Limits) -> int:
    """Of one result: a network takes its time for them."""
    return limits.numbers // 4


def posted(body: bytes, translator: Translator, limits: Limits) -> Posted:
    """A body to a request that can be answered. Raises Refused (422), naming what is wrong.

    It is a PNG or JPEG, or a JSON object with ``picture`` (the same in base64), and perhaps ``back`` and what
    the result shall be.
    """
    if not body.lstrip().startswith(b"{"):
        return Posted(translator, _picture(body, translator, limits), _condition(translator, {}))
    fields = fields_of_body(body)
    asks = translator.asks
    known = ("picture", "back") + (() if asks is None else (CONDITION_FIELDS[asks.kind],))
    for name in fields:
        if name not in known:
            raise Refused(422, f"there is no field {name[:50]!r}.{nearest(name[:50], known)}")
    if not isinstance(fields.get("back", False), bool):
        raise Refused(422, "back can be true or false")
    try:
        translator = translator.turned() if fields.get("back") else translator
        content = base64.b64decode(fields.get("picture", ""), validate=True)
    except UsageError as error:
        raise Refused(422, str(error)) from None
    except (binascii.Error, ValueError, TypeError):
        raise Refused(422, "picture must be a PNG or JPEG in base64") from None
    return Posted(translator, _picture(content, translator, limits), _condition(translator, fields))


def translated(request: Posted) -> bytes:
    """The result as a PNG."""
    made = request.translator.translate(request.picture, request.condition)[0]
    return plots.png(request.translator.space.codec.picture(made.numpy()))


def _condition(translator: Translator, fields: dict[str, Any]) -> Tensor | None:
    asks = translator.asks
    if asks is None:
        return None
    name = CONDITION_FIELDS[asks.kind]
    said = fields.get(name)
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    if not isinstance(said, str) or len(said) > 2_000:
        known = "" if asks.kind == "text" else f": {', '.join(asks.names[:20])}"
        raise Refused(422, f"say with {name}, a text, what the result shall be{known}")
    try:
        return asks.read(said)
    except UsageError as error:
        raise Refused(422, str(error)[:300]) from None


def _picture(content: bytes, translator: Translator, limits: Limits) -> Tensor:
    channels, makes = translator.source.channels, translator.space.channels
    if channels > 4:
        raise Refused(422, f"this model's inputs have {channels} channels, and a picture has at most 4")
    most = most_numbers(limits) // (max(channels, makes * translator.scale**2))
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            if image.width * image.height > most:  # known from the header: nothing large is ever decoded
                side = math.isqrt(most)
                size = f"{image.width}×{image.height}"
                raise Refused(422, f"the picture is {size}; at most {most:,} pixels, as in {side}×{side}")
            upright = ImageOps.exif_transpose(image)
            whole = in_bytes(upright, translator.source.value_range).convert("RGBA")
    except Refused:
        raise
    except Exception:  # Pillow's readers raise nearly any exception on damaged or hostile files
        raise Refused(422, "the picture must be a PNG or JPEG") from None
    if channels == makes + 1:  # a picture and its hole, which is where it is transparent
        return _with_hole(whole, makes)
    if channels != 4:
        paper = Image.new("RGBA", whole.size, (255, 255, 255, 255))
        whole = Image.alpha_composite(paper, whole).convert({1: "L", 3: "RGB"}[channels])
    return _tensor(whole)


def _with_hole(whole: Image.Image, channels: int) -> Tensor:
    hole = _tensor(whole.getchannel("A")) < 128
    if not hole.any():
        raise Refused(422, "this model fills holes: make what it shall fill transparent, and send a PNG")
    picture = _tensor(whole.convert("L" if channels == 1 else "RGB"))
    return torch.cat([hole.byte() * 255, picture.masked_fill(hole, 128)], 1)


def _tensor(image: Image.Image) -> Tensor:
    """``(1, C, H, W)`` uint8."""
    shades = np.array(image, dtype=np.uint8)
    planar = shades[None] if shades.ndim == 2 else shades.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planar))[None]
