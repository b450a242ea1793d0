"""The inputs that a run of a translation keeps, so that its folder can show by itself what it does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ganforge.core.declared import GAMES
from ganforge.core.errors import RunError
from ganforge.core.space import Space
from ganforge.runs.files import write_atomically
from ganforge.runs.folder import Run
from ganforge.runs.tensors import read_tensors, with_checksum

__all__ = ["Kept", "keep_inputs", "read_inputs", "source_space"]

_FILE = "inputs.safetensors"
_BYTES = 8 << 20  # that are kept of them, and at least _LEAST
_LEAST, _MOST = 8, 256


@dataclass(frozen=True)
class Kept:
    """Inputs of a translation, and what they should become.

    Attributes:
        inputs: ``(K, *source.shape)`` in model units.
        targets: ``(K, *space.shape)`` in model units; of two domains, just as many of the other one.
        rows: ``(K, …)``, what the targets say of themselves, as the run's condition reads it: what the inputs
            should be asked to become. None without a condition, without targets, and in the run folder.
    """

    inputs: Tensor
    targets: Tensor
    rows: np.ndarray | None = None


def source_space(space: Space) -> Space:
    """The space of a run's inputs: with one translator between classes it is the examples' own."""
    return space if space.source is None else space.source


def keep_inputs(run: Run, kept: Kept) -> None:
    """Write the first of ``kept`` into the run folder, in declared units, unless some can be read there."""
    path = run.path / _FILE
    with suppress(RunError):
        read_inputs(run)
        return
    source = source_space(run.space)
    each = source.size + run.space.size
    n = min(max(_BYTES // each, _LEAST), _MOST)
    tensors = {
        "inputs": source.to_declared(kept.inputs[:n].cpu()).contiguous(),
        "targets": run.space.to_declared(kept.targets[:n].cpu()).contiguous(),
    }
    write_atomically(path, with_checksum(tensors))


def read_inputs(run: Run) -> Kept | None:
    """What :func:`keep_inputs` wrote; None for a run that makes samples from latents.

    Raises RunError where it is missing or damaged.
    """
    if not GAMES.find(run.recipe.game).from_inputs:
        return None
    path, source = run.path / _FILE, source_space(run.space)
    try:
        tensors = read_tensors(path)
        inputs, targets = tensors["inputs"], tensors["targets"]
    except (RunError, KeyError) as error:
        what = f"{path} has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise RunError(f"{what}; gan train --resume {run.path} writes it anew") from None
    for name, found, space in (("inputs", inputs, source), ("targets", targets, run.space)):
        if tuple(found.shape[1:]) != space.shape or not len(found):
            raise RunError(
                f"{path} does not fit {run.file}: its {name} are {tuple(found.shape)}; "
                f"gan train --resume {run.path} writes it anew"
            )
    return Kept(source.to_model(inputs), run.space.to_model(targets))
