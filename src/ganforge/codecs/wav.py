"""Waves as wav files."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["wav"]


def wav(samples: np.ndarray, rate: int) -> bytes:
    """A mono file of 16 bits, of samples ``(T,)`` from −1 to 1."""
    import numpy as np

    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.rint(samples * 32_767.0).astype("<i2").tobytes())
    return buffer.getvalue()
