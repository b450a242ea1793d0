"""Files of tensors that show by themselves whether they are as they were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ganforge.core.errors import RunError

__all__ = ["read_tensors", "with_checksum"]


def _sha256(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def with_checksum(tensors: Mapping[str, Tensor]) -> bytes:
    """A safetensors file of ``tensors``, with their checksum among its metadata."""
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    return safetensors.torch.save(plain, {"sha256": _sha256(plain)})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """What :func:`with_checksum` made. Raises RunError where it cannot be read, or is damaged."""
    try:
        content = path.read_bytes()
        tensors = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        known = header.get("__metadata__", {}).get("sha256")
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror})") from None
    except (SafetensorError, ValueError, AttributeError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error})") from None
    if known is not None and known != _sha256(tensors):
        raise RunError(f"{path} is damaged: its checksum does not match")
    return tensors
