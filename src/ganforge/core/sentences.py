"""What a text means, as numbers: by a sentence encoder that the user has named.

It is any model of the package sentence-transformers: the name of one on its hub, or a local folder. Only a
name is ever kept in a run. A model's own code is not run, and its weights must be safetensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ganforge.core.errors import MachineError, UsageError

__all__ = ["encode"]


def encode(encoder: str, texts: Sequence[str]) -> np.ndarray:
    """Texts to vectors of length 1, ``(n, d)`` float32.

    Args:
        encoder: a name on the hub, or a folder.

    Raises:
        MachineError: sentence-transformers is not installed.
        UsageError: there is no such encoder.
    """
    found = _model(encoder).encode(list(texts), convert_to_numpy=True, show_progress_bar=False)
    vectors = np.asarray(found, np.float32).reshape(len(texts), -1)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


@lru_cache(maxsize=2)
def _model(encoder: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer  # pyright: ignore
    except ImportError:
        raise MachineError("text_encoder needs one more package: pip install 'ganforge[text]'") from None
    try:
        return SentenceTransformer(
            encoder, device="cpu", trust_remote_code=False, model_kwargs={"use_safetensors": True}
        )
    except Exception as error:  # what a model's files can do wrong has no common kind
        said = " ".join(str(error).split())[:200]
        raise UsageError(
            f"the text encoder {encoder!r} cannot be loaded ({said}); give a folder of a "
            "sentence-transformers model, or a name on its hub"
        ) from None
