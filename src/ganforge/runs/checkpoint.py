"""Checkpoints: safetensors and JSON in one folder, checksummed, written whole or not at all.

A moment is known by the number of examples that had been shown, which is the folder's name. What is read of
one is read from one folder and compared with its checksums, so that nobody gets the moment of one and the
weights of another.
"""

from __future__ import annotations

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
from ganforge.core.fields import STRANGE, flag, listed, mapping, real, text, whole
from ganforge.runs.files import (
    encoded,
    machine_faults,
    read_sealed,
    sealed,
    sha256,
    write_atomically,
    write_folder,
)

__all__ = [
    "Checkpoint",
    "Opened",
    "damage",
    "fitting",
    "forget_after",
    "moments",
    "newest",
    "path_of",
    "prune",
    "read_checkpoint",
    "set_aside",
    "write_checkpoint",
]

FORMAT = 1
KEEP = 2  # the newest one, and one to fall back to
_ASIDE = "damaged-"
_TENSORS = ".safetensors"
_MOST = 10**18  # examples, rounds


@dataclass(frozen=True)
class Opened:
    """Which weights somebody has opened.

    Attributes:
        nimg: examples shown by then.
        weights: SHA-256 of ``average.safetensors``: the weights that make samples.
        why: why these and no others, in a few words.
    """

    nimg: int
    weights: str
    why: str = "as asked for"

    @property
    def words(self) -> str:
        """The line that every verb prints of the run that it opens."""
        moment = f"the state after {self.nimg:,} examples" if self.nimg else "the state before training"
        return f"{moment}, {self.why}; weights {self.weights[:12]}"


@dataclass(frozen=True)
class Checkpoint:
    """What a training run is at one moment.

    Attributes:
        path: its folder.
        state: progress as plain data: nimg, round, total_nimg, seconds, …
        tensors: file name without suffix to named tensors: ``game``, ``average``, ``optimisers``.
        sha256: file name without suffix to the checksum of the file.
        passed_over: what is wrong with each moment that was wanted and could not be read, a line each.
        why: why this moment was opened and no other, in a few words.
    """

    path: Path
    state: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]]
    sha256: dict[str, str]
    passed_over: tuple[str, ...] = ()
    why: str = "as asked for"

    @property
    def nimg(self) -> int:
        """Examples shown by then."""
        return int(self.state["nimg"])

    @property
    def opened(self) -> Opened:
        return Opened(self.nimg, self.sha256.get("average", ""), self.why)


def path_of(folder: Path, nimg: int) -> Path:
    """Where the checkpoint of this moment is."""
    return folder / f"{nimg:012d}"


def write_checkpoint(folder: Path, *, state: dict[str, Any], tensors: dict[str, dict[str, Tensor]]) -> Path:
    """Write ``folder/<nimg>`` and return it. Raises MachineError; then every former checkpoint is intact.

    A moment that is there already keeps its tensors, and gets the state: what was examined since a save by
    the clock, without another step, belongs to it.
    """
    path = path_of(folder, state["nimg"])
    files = {
        f"{name}{_TENSORS}": safetensors.torch.save(
            {key: value.detach().cpu().contiguous().clone() for key, value in part.items()}
        )
        for name, part in tensors.items()
    }
    checksums = {name.removesuffix(_TENSORS): sha256(content) for name, content in files.items()}
    named = {f"{stem}{_TENSORS}": checksum for stem, checksum in checksums.items()}
    record = {"format": FORMAT, "state": state, "sha256": named}
    files["state.json"] = encoded(sealed(record))
    if path.exists():
        if not damage(path) and _state(path)[1] == checksums:
            write_atomically(path / "state.json", files["state.json"])
            return path
        set_aside(path)
    write_folder(path, files)
    return path


def read_checkpoint(path: Path, only: tuple[str, ...] | None = None) -> Checkpoint:
    """Read and verify one checkpoint. ``only`` names the tensor files wanted.

    Raises:
        RunError: a file is missing, cut or changed; the message names it.
    """
    state, checksums = _state(path)
    tensors: dict[str, dict[str, Tensor]] = {}
    for stem, expected in checksums.items():
        if only is not None and stem not in only:
            continue
        content = _content(path / f"{stem}.safetensors", expected)
        try:
            tensors[stem] = safetensors.torch.load(content)
        except SafetensorError as error:
            raise RunError(f"{path / stem}.safetensors is not a safetensors file ({error})") from None
    missing = [name for name in only or () if name not in checksums]
    if missing:
        raise RunError(f"checkpoint file {path / 'state.json'} is damaged: it names no {missing[0]}")
    return Checkpoint(path, state, tensors, checksums)


def damage(path: Path) -> str:
    """What is wrong with the checkpoint at ``path``, in a line; empty where all its files are as written."""
    try:
        for stem, expected in _state(path)[1].items():
            _content(path / f"{stem}.safetensors", expected)
    except RunError as error:
        return str(error)
    return ""


def _content(file: Path, expected: str) -> bytes:
    """The bytes of a file with this checksum. Raises RunError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise RunError(f"checkpoint file {file} cannot be read ({error.strerror})") from None
    if sha256(content) != expected:
        raise RunError(f"checkpoint file {file} is damaged: its checksum does not match")
    return content


def _state(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The state, and name without suffix and checksum of each file beside it. Raises RunError."""
    file = path / "state.json"
    try:
        record, sound = read_sealed(file)
        if record["format"] != FORMAT:
            version = str(record["format"])[:20]
            raise RunError(
                f"checkpoint {path} has format {version}; this ganforge reads {FORMAT}: upgrade it"
            )
        if not sound:
            raise RunError(f"checkpoint file {file} is damaged: its checksum does not match")
        state = mapping(record["state"], "state")
        checksums = {
            text(name, "the name of a file"): text(checksum, "a checksum")
            for name, checksum in mapping(record["sha256"], "sha256").items()
        }
        _check(state, path)
        stems = {name.removesuffix(_TENSORS): checksum for name, checksum in checksums.items()}
        if not all(stem.isidentifier() for stem in stems):
            raise ValueError("it names a file of another kind")
    except OSError as error:
        raise RunError(f"checkpoint file {file} cannot be read ({error.strerror})") from None
    except RunError:
        raise
    except STRANGE as error:
        raise RunError(f"checkpoint file {file} is damaged ({error})") from None
    return state, stems


def _check(state: dict[str, Any], path: Path) -> None:
    """Raise ValueError or TypeError unless every field has the type and the range that it must have."""
    for name in ("nimg", "round", "total_nimg", "refused"):
        if name in state or name == "nimg":
            whole(state.get(name), f"state.{name}", 0, _MOST)
    for name in ("recipe", "standing", "noted"):
        mapping(state.get(name, {}), f"state.{name}")
    real(state.get("seconds", 0.0), "state.seconds", least=0.0)
    real(state.get("closing", 0.0), "state.closing", least=0.0)
    for name, sums in state.get("noted", {}).items():
        numbers = [_number(value, f"state.noted.{name}") for value in listed(sums, f"state.noted.{name}", 4)]
        if len(numbers) != 4:
            raise ValueError(f"state.noted.{name} must have four numbers")
    standing = state.get("standing", {})
    for name in ("best_nimg", "since_best", "worse", "suspected", "growth"):
        if standing.get(name) is not None:
            whole(standing[name], f"state.standing.{name}", 0, _MOST)
    for name in ("best", "best_high"):
        if standing.get(name) is not None:
            _number(standing[name], f"state.standing.{name}")
    for name in ("past_its_best", "worth_keeping"):
        flag(standing.get(name, False), f"state.standing.{name}")
    for rescue in listed(standing.get("rescues", []), "state.standing.rescues"):
        mapping(mapping(rescue, "a rescue")["changes"], "the changes of a rescue")
    if path.name != path_of(path.parent, state["nimg"]).name:
        raise ValueError(f"the folder is named after another moment than the {state['nimg']} of its state")


def _number(value: Any, where: str) -> float:
    """A number, also one that is not finite: a training that diverges has such sums."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{where} must be a number")
    return value


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


def _folders(folder: Path) -> list[Path]:
    """Finished checkpoints, newest first."""
    if not folder.is_dir():
        return []
    named = [path for path in folder.iterdir() if path.name.isdecimal() and path.name.isascii()]
    return sorted(named, key=lambda path: int(path.name), reverse=True)


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


def set_aside(path: Path) -> None:
    """Take a damaged checkpoint out of the way, so that its moment can be written anew: ``damaged-…``."""
    aside = path.with_name(f"{_ASIDE}{path.name}")
    with machine_faults(path):
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)


def prune(folder: Path, keep: int = KEEP, *, best: int | None = None) -> None:
    """Delete all checkpoints but the newest ``keep`` and that of ``best`` nimg.

    What a kill left half-written goes too, and what was set aside, once training has come as far again.
    """
    known = _folders(folder)
    stale = [path for path in known[keep:] if best is None or path != path_of(folder, best)]
    newest = known[0].name if known else ""
    aside = [path for path in folder.glob(f"{_ASIDE}*") if path.name.removeprefix(_ASIDE) <= newest]
    for path in [*stale, *aside, *folder.glob(".tmp-*")]:
        shutil.rmtree(path, ignore_errors=True)


def forget_after(folder: Path, nimg: int) -> None:
    """Delete the checkpoints of later moments: the newest is then one of ``nimg`` or before."""
    for path in _folders(folder):
        if int(path.name) > nimg:
            shutil.rmtree(path, ignore_errors=True)
