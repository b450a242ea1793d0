"""How messages are written: JSON of finite numbers, and binary ones with a header and arrays."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

__all__ = ["Inbox", "binary", "finite", "post", "text"]

_TYPES = {"float32": "f32", "uint8": "u8", "int32": "i32"}
_LONGEST = 64 << 20
_WRITER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def finite(value: Any) -> Any:
    """Plain data with None for numbers that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): finite(item) for name, item in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in cast(Sequence[Any], value)]
    return value


def text(message: Mapping[str, Any]) -> bytes:
    """A message as JSON."""
    try:
        return _WRITER.encode(message).encode()
    except ValueError:  # seldom: looking through everything takes longer than writing it
        return _WRITER.encode(finite(message)).encode()


def binary(
    header: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray] | None = None,
    pictures: Sequence[bytes] = (),
) -> bytes:
    """A header, then what it names, each at a multiple of 8 bytes so that a browser need not copy.

    Arrays are float32, uint8 or int32; pictures are PNG, and may be followed by wav or webp files.
    """
    parts: list[bytes] = []
    offset = 0

    def add(part: bytes) -> int:
        nonlocal offset
        start = offset
        padded = part + b"\0" * (-len(part) % 8)
        parts.append(padded)
        offset += len(padded)
        return start

    described: dict[str, Any] = {}
    for name, array in (arrays or {}).items():
        flat = np.ascontiguousarray(array)
        described[name] = {
            "type": _TYPES[flat.dtype.name],
            "shape": list(flat.shape),
            "offset": add(flat.tobytes()),
        }
    shown = [{"offset": add(one), "length": len(one), "media": _media(one)} for one in pictures]
    head = text({**header, "arrays": described, **({"pictures": shown} if pictures else {})})
    head += b" " * (-(4 + len(head)) % 8)
    return b"".join([struct.pack("<I", len(head)), head, *parts])


def _media(content: bytes) -> str:
    if not content.startswith(b"RIFF"):
        return "image/png"
    return "image/webp" if content[8:12] == b"WEBP" else "audio/wav"


def post(handle: int, header: Mapping[str, Any], body: bytes = b"") -> None:
    """Write one message into a pipe: the lengths of both parts, then the parts."""
    head = text(header)
    message = memoryview(struct.pack("<II", len(head), len(body)) + head + body)
    while message:
        message = message[os.write(handle, message) :]


class Inbox:
    """Bytes of a pipe, as they come, to the messages that :func:`post` wrote."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, some: bytes) -> list[tuple[dict[str, Any], bytes]]:
        """The messages that are complete by now. Raises ValueError where the pipe holds something else."""
        self._bytes += some
        found: list[tuple[dict[str, Any], bytes]] = []
        while len(self._bytes) >= 8:
            head, body = struct.unpack_from("<II", self._bytes)
            if head + body > _LONGEST:
                raise ValueError("this is no message of the studio's")
            if len(self._bytes) < 8 + head + body:
                break
            header = json.loads(bytes(self._bytes[8 : 8 + head]))
            found.append((header, bytes(self._bytes[8 + head : 8 + head + body])))
            del self._bytes[: 8 + head + body]
        return found
