"""Pictures that a page carries in itself: chosen, shrunk until they fit, and written as data URIs."""

from __future__ import annotations

import base64
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from ganforge.core.errors import DamageWarning

__all__ = ["FRAMES", "Frame", "data_uri", "embedded", "fitted", "frames_of", "spread"]

FRAMES = 24  # pictures through time, at most
_FILM_BYTES = 4_500_000  # of all of them together, before base64 makes four bytes of three
_SIDE = 1024  # pixels of the longer side of a picture that has to be encoded anew
_TRIES = ((1.0, 85), (1.0, 70), (0.7, 70), (0.5, 60), (0.25, 50), (0.12, 40))  # (scale, WebP quality)


@dataclass(frozen=True)
class Frame:
    """One picture of the fixed latents.

    Attributes:
        nimg: examples shown by then.
        source: the picture as a data URI.
        width, height: in pixels, as it is embedded.
    """

    nimg: int
    source: str
    width: int
    height: int


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` of the indices below ``count``, evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def frames_of(paths: Sequence[Path], *, most: int = FRAMES) -> tuple[list[Frame], int]:
    """Pictures through time from files named after their nimg, oldest first, and how many cannot be read."""
    named = [path for path in paths if re.fullmatch(r"[0-9]{1,18}", path.stem)]
    chosen = [named[i] for i in spread(len(named), most)]
    found: list[Frame] = []
    for path in chosen:
        frame = _frame(path, _FILM_BYTES // max(1, len(chosen)))
        if frame is not None:
            found.append(frame)
    return found, len(chosen) - len(found)


def embedded(path: Path, limit: int) -> str | None:
    """The picture in the file ``path``, a PNG, as a data URI of at most about ``limit`` bytes of picture."""
    found = _read(path, limit)
    return None if found is None else found[0]


def _frame(path: Path, limit: int) -> Frame | None:
    found = _read(path, limit)
    return None if found is None else Frame(int(path.stem), *found)


def _read(path: Path, limit: int) -> tuple[str, int, int] | None:
    """The picture in at most ``limit`` bytes, its width and height; None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            content = path.read_bytes()
            with Image.open(BytesIO(content), formats=["PNG"]) as image:
                image.verify()  # checksums, which loading does not look at
            with Image.open(BytesIO(content), formats=["PNG"]) as image:
                image.load()
    except FileNotFoundError:
        return None
    # What Pillow raises for files that are cut, damaged or huge.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        warnings.warn(f"{path} is damaged, and left out of the report", DamageWarning, stacklevel=2)
        return None
    if len(content) <= limit:
        return data_uri(content, "png"), image.width, image.height
    encoded, width, height = fitted(image, limit)
    return data_uri(encoded, "webp"), width, height


def fitted(image: Image.Image, limit: int) -> tuple[bytes, int, int]:
    """``image`` as WebP in at most ``limit`` bytes where that can be had, with its width and height."""
    whole = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    base = min(1.0, _SIDE / max(whole.size))
    content, size = b"", whole.size
    for scale, quality in _TRIES:
        size = (max(1, round(whole.width * base * scale)), max(1, round(whole.height * base * scale)))
        small = whole if size == whole.size else whole.resize(size, Image.Resampling.LANCZOS)
        buffer = BytesIO()
        small.save(buffer, "WEBP", quality=quality, method=3)
        content = buffer.getvalue()
        if len(content) <= limit:
            break
    return content, size[0], size[1]


def data_uri(content: bytes, form: str, *, sort: str = "image") -> str:
    """The bytes of a picture, or of another sort of media, as an address that holds them."""
    return f"data:{sort}/{form};base64,{base64.b64encode(content).decode()}"
