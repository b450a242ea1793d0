"""Samples as what is sent: a PNG, a zip of them, an array, JSON."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import numpy as np

from ganforge.codecs import plots
from ganforge.core.codec import PNG
from ganforge.core.space import Space
from ganforge.shipping.asking import Wish

__all__ = ["cost", "respond"]


def respond(samples: np.ndarray, wish: Wish, space: Space) -> tuple[bytes, str]:
    """``(n, *space.codec.shape)`` in declared units to a body and its media type."""
    if wish.grid:
        return plots.png(space.codec.show(samples)), "image/png"
    match wish.form:
        case "png" if wish.n == 1:
            return _png(samples[0], space), "image/png"
        case "png":
            return _zip([_png(one, space) for one in samples], ".png", wish), "application/zip"
        case "file" if wish.n == 1:
            return space.codec.file(samples[0]), space.codec.media
        case "file":
            files = [space.codec.file(one) for one in samples]
            return _zip(files, space.codec.suffix, wish), "application/zip"
        case "npy":
            buffer = io.BytesIO()
            np.save(buffer, samples, allow_pickle=False)
            return buffer.getvalue(), "application/x-npy"
        case "json":
            return _json(samples, wish, space), "application/json"


def cost(wish: Wish, space: Space) -> int:
    """Bytes that a request may hold in memory while it is answered, at most about."""
    each = {"png": 3, "npy": 6, "json": 12, "file": 64}[wish.form]
    return 4096 + wish.n * space.size * (40 if wish.grid else each)


def _png(sample: np.ndarray, space: Space) -> bytes:
    return plots.png(space.codec.picture(sample))


def _zip(files: list[bytes], suffix: str, wish: Wish) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:  # a PNG is compressed already
        for i, content in enumerate(files):
            name = f"seed{wish.seed:06d}-{wish.start + i:06d}{suffix}"
            packed.writestr(zipfile.ZipInfo(name), content)  # of no date: the same bytes each time
    return buffer.getvalue()


def _json(samples: np.ndarray, wish: Wish, space: Space) -> bytes:
    """Pictures as PNG in base64, the rest as nested lists."""
    if space.codec.media == PNG:
        listed = [base64.b64encode(_png(sample, space)).decode() for sample in samples]
        coding = "png, base64"
    else:
        listed, coding = samples.tolist(), "numbers"
    record = {
        "seed": wish.seed,
        "start": wish.start,
        "shape": list(space.codec.shape),
        "coding": coding,
        "samples": listed,
    }
    return json.dumps(record, allow_nan=False).encode()
