"""Checkpoints: safetensors and JSON in one folder, checksummed, written whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from ganforge.core.errors import RunError
from ganforge.runs.files import sha256, write_folder

__all__ = [
    "Checkpoint",
    "fitting",
    "forget_after",
    "moments",
    "newest",
    "path_of",
    "prune",
    "read_checkpoint",
    "write_checkpoint",
]

FORMAT = 1
KEEP = 2  # the newest one, and one to fall back to


@dataclass(frozen=True)
class Checkpoint:
    """What a training run is at one moment.

    Attributes:
        path: its folder.
        state: progress as plain data: nimg, round, total_nimg, seconds, …
        tensors: file name without suffix to named tensors: ``game``, ``average``, ``optimisers``.
    """

    path: Path
    state: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]]


def path_of(folder: Path, nimg: int) -> Path:
    """Where the checkpoint of this moment is."""
    return folder / f"{nimg:012d}"


def write_checkpoint(folder: Path, *, state: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> Path:
    """Write ``folder/<nimg>`` and return it. Raises MachineError; then every former checkpoint is intact."""
    path = path_of(folder, state["nimg"])
    if path.exists():  # the same moment, saved twice: as at Ctrl-C just after the clock
        return path
    files = {
        f"{name}.safetensors": safetensors.torch.save(
            {key: value.detach().cpu().contiguous().clone() for key, value in named.items()}
        )
        for name, named in tensors.items()
    }
    checksums = {name: sha256(content) for name, content in files.items()}
    record = {"format": FORMAT, "state": state, "sha256": checksums}
    files["state.json"] = json.dumps({**record, "own_sha256": _own(record)}, indent=1).encode()
    write_folder(path, files)
    return path


def read_checkpoint(path: Path, only: tuple[str, ...] | None = None) -> Checkpoint:
    """Read and verify one checkpoint. ``only`` names the tensor files wanted.

    Raises:
        RunError: a file is missing, cut or changed; the message names it.
    """
    file = path / "state.json"
    try:
        record = json.loads(file.read_text())
        own = record.pop("own_sha256")
        version, state, checksums = record["format"], dict(record["state"]), dict(record["sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"checkpoint file {file} is damaged ({error})") from None
    if version != FORMAT:
        raise RunError(f"checkpoint {path} has format {version}; this ganforge reads {FORMAT}: upgrade it")
    if own != _own(record):
        raise RunError(f"checkpoint file {file} is damaged: its checksum does not match")
    if not isinstance(state.get("nimg"), int):
        raise RunError(f"checkpoint file {file} is damaged: it does not say how far it came")
    tensors: dict[str, dict[str, Tensor]] = {}
    for name, expected in checksums.items():
        stem = name.removesuffix(".safetensors")
        if not stem.isidentifier():
            raise RunError(f"checkpoint file {file} is damaged: it names a file {name!r}")
        if only is not None and stem not in only:
            continue
        try:
            content = (path / name).read_bytes()
        except OSError as error:
            raise RunError(f"checkpoint file {path / name} cannot be read ({error.strerror})") from None
        if sha256(content) != expected:
            raise RunError(f"checkpoint file {path / name} is damaged: its checksum does not match")
        try:
            tensors[stem] = safetensors.torch.load(content)
        except SafetensorError as error:
            raise RunError(f"checkpoint file {path / name} is not a safetensors file ({error})") from None
    return Checkpoint(path, state, tensors)


@contextmanager
def fitting(found: Checkpoint, recipe: Path) -> Generator[None]:
    """Turn what goes wrong where ``found`` is put into players of another kind into a RunError.

    ``recipe`` is the file with the recipe that they were built by.
    """
    try:
        yield
    except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = " ".join(str(error).split())[:300]
        raise RunError(f"{found.path} does not fit the recipe in {recipe}: {reason}") from None


def _own(record: dict[str, Any]) -> str:
    """The checksum of ``state.json``'s own content."""
    return sha256(json.dumps(record, sort_keys=True).encode())


def _folders(folder: Path) -> list[Path]:
    """Finished checkpoints, newest first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.name.isdigit()), reverse=True)


def moments(folder: Path) -> list[int]:
    """Examples seen at each finished checkpoint, newest first."""
    return [int(path.name) for path in _folders(folder)]


def newest(folder: Path, only: tuple[str, ...] | None = None) -> tuple[Checkpoint | None, list[str]]:
    """The newest valid checkpoint, and a line for each damaged one that was passed over."""
    passed_over: list[str] = []
    for path in _folders(folder):
        try:
            return read_checkpoint(path, only), passed_over
        except RunError as error:
            passed_over.append(str(error))
    return None, passed_over


def prune(folder: Path, keep: int = KEEP, *, best: int | None = None) -> None:
    """Delete all checkpoints but the newest ``keep`` and that of ``best`` nimg, and what a kill left."""
    stale = [path for path in _folders(folder)[keep:] if best is None or path != path_of(folder, best)]
    for path in [*stale, *folder.glob(".tmp-*")]:
        shutil.rmtree(path, ignore_errors=True)


def forget_after(folder: Path, nimg: int) -> None:
    """Delete the checkpoints of later moments: the newest is then one of ``nimg`` or before."""
    for path in _folders(folder):
        if int(path.name) > nimg:
            shutil.rmtree(path, ignore_errors=True)
