"""The model folder: a network on its own, to be opened on another machine without the training code.

::

    model/
      config.json         what it is: space, prior, network; the checksum of the weights
      model.safetensors   the weights of the generator's moving average
      README.md           the model card

A folder may come from a stranger. Nothing in it is run, no file is read but these by their fixed names,
and before a weight is read the network that the configuration describes is laid out without memory and
compared with the file's own list of tensors: sizes that do not agree, or that no model has, are refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ganforge.core.errors import GanforgeError, RunError, UsageError
from ganforge.networks import generator, translator
from ganforge.networks.translating import Translating
from ganforge.runs.files import encoded, sealed, unsealed, write_folder
from ganforge.runs.sampler import GeneratorSampler
from ganforge.runs.translator import NetworkTranslator
from ganforge.shipping.description import Description, fields_of
from ganforge.shipping.weights import SCALE, restored, rounds, stored

__all__ = ["CONFIG", "NAMES", "WEIGHTS", "open_folder", "write_model_folder"]

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
NAMES = (CONFIG, WEIGHTS, CARD)

_HEADER = 1_000_000  # bytes; some 100 a tensor
_PARAMETERS = 2_000_000_000
_TYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "I8": torch.int8, "I64": torch.int64}


def write_model_folder(
    path: Path, sampler: GeneratorSampler | NetworkTranslator, description: Description, *, card: str
) -> None:
    """Write the folder whole or not at all, with weights in the description's precision.

    Raises:
        UsageError: ``path`` exists.
        MachineError: the disk is full or refuses.
    """
    if path.exists():
        raise UsageError(f"{path} exists already, and nothing is overwritten: choose another --out")
    weights = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in sampler.network.state_dict().items()
    }
    content = safetensors.torch.save(stored(weights, description.precision))
    config = {**description.to_json(), "sha256": hashlib.sha256(content).hexdigest()}
    texts = {CONFIG: sealed(config), CARD: card}
    write_folder(path, {WEIGHTS: content, **{name: encoded(text) for name, text in texts.items()}})


def open_folder(path: Path) -> GeneratorSampler | NetworkTranslator:
    """The generator or translator of a model folder.

    Raises:
        RunError: it is damaged, or is not what it says.
    """
    fields = fields_of(_read(path / CONFIG, 1_000_000), str(path / CONFIG))
    sound, expected = unsealed(fields), fields.pop("sha256", None)
    description = Description.from_json(fields, str(path / CONFIG))
    file = path / WEIGHTS
    laid_out = _layout(description, path)
    if not file.is_file():
        raise RunError(f"there is no {file}; a model folder has {', '.join(NAMES)}")
    _compare(_header(file), laid_out, description, file)
    size = sum(_bytes(value.shape, value.dtype) for value in laid_out.values()) + _HEADER + 8
    content = _read(file, size)
    if hashlib.sha256(content).hexdigest() != expected:
        raise RunError(f"{file} is damaged: its checksum is not the one in {CONFIG}; get the folder again")
    try:
        weights = restored(safetensors.torch.load(content))
        network = _network(description)
        network.load_state_dict(weights)
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise RunError(f"{file} cannot be read ({' '.join(str(error).split())[:200]})") from None
    if sound is False:
        raise RunError(f"{path / CONFIG} is damaged: its checksum does not match; get the folder again")
    network.requires_grad_(False)
    if description.prior is None:
        assert isinstance(network, Translating)
        return NetworkTranslator(network, space=description.space, asks=description.asks)
    return GeneratorSampler(
        network,
        space=description.space,
        prior=description.prior,
        conditions=description.conditions,
    )


def _read(file: Path, most: int) -> bytes:
    """At most so many bytes of a plain file."""
    try:
        if not file.is_file():
            raise RunError(f"there is no {file}; a model folder has {', '.join(NAMES)}")
        if file.stat().st_size > most:
            raise RunError(
                f"{file} has {file.stat().st_size:,} bytes, and what it should hold has at most {most:,}"
            )
        return file.read_bytes()
    except OSError as error:
        raise RunError(f"{file} cannot be read ({error.strerror})") from None


def _network(description: Description) -> nn.Module:
    body = description.body
    assert body is not None
    if description.prior is None:
        return translator(
            body.family,
            space=description.space,
            condition=description.conditions,
            width=body.width,
            depth=body.depth,
            options=body.options,
        )
    return generator(
        body.family,
        space=description.space,
        latent=description.prior.size,
        condition=description.conditions,
        width=body.width,
        depth=body.depth,
        options=body.options,
    )


def _layout(description: Description, path: Path) -> dict[str, Tensor]:
    """The network's tensors by name, without memory. Raises RunError where it cannot be, or is too large."""
    if description.body is None:
        raise RunError(f"{path / CONFIG} does not say what network the weights belong to")
    try:
        with torch.device("meta"):
            found = dict(_network(description).state_dict())
    except (GanforgeError, ValueError, TypeError, ArithmeticError, RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"{path / CONFIG} describes a network that cannot be built ({reason})") from None
    if sum(value.numel() for value in found.values()) > _PARAMETERS:
        raise RunError(f"{path / CONFIG} describes a network of more than {_PARAMETERS:,} parameters")
    return found


def _header(file: Path) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
    """Type and shape of each tensor, read before anything else of the file is."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if not 2 <= length <= min(_HEADER, size - 8):
                raise RunError(f"{file} is no safetensors file: its header would have {length:,} bytes")
            text = opened.read(length)
    except OSError as error:
        raise RunError(f"{file} cannot be read ({error.strerror})") from None
    found: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {}
    try:
        listed = cast(dict[str, Any], json.loads(text))
        for name, entry in listed.items():
            if name != "__metadata__":
                found[name] = (_TYPES[entry["dtype"]], tuple(entry["shape"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(
            f"{file} is no safetensors file ({type(error).__name__}: {str(error)[:100]})"
        ) from None
    return found


def _compare(
    found: dict[str, tuple[torch.dtype, tuple[int, ...]]],
    laid_out: dict[str, Tensor],
    description: Description,
    file: Path,
) -> None:
    """Raise RunError unless the file lists the tensors that the network needs, and no others."""
    expected: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {}
    for name, value in laid_out.items():
        expected[name] = (value.dtype, tuple(value.shape))
        if description.precision != "float32" and rounds(value):
            kind = torch.bfloat16 if description.precision == "bfloat16" else torch.int8
            expected[name] = (kind, tuple(value.shape))
            scale = found.get(name + SCALE)
            if kind == torch.int8 and scale is not None and scale in _scales(tuple(value.shape)):
                expected[name + SCALE] = scale
            elif kind == torch.int8:
                raise RunError(f"{file} does not fit its {CONFIG}: {name} has no scale")
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            what = "is missing" if name not in found else "is another one than the network has"
            raise RunError(f"{file} does not fit its {CONFIG}: the tensor {name[:100]!r} {what}")


def _scales(shape: tuple[int, ...]) -> list[tuple[torch.dtype, tuple[int, ...]]]:
    """What the scales of a weight may be: one a channel, the channels counted by the first or second axis."""
    return [
        (torch.float32, tuple(side if i == axis else 1 for i, side in enumerate(shape))) for axis in (0, 1)
    ]


def _bytes(shape: torch.Size, dtype: torch.dtype) -> int:
    return math.prod(shape) * dtype.itemsize
