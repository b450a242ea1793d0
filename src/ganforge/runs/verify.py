"""Is a run folder as it was written? What ``gan check`` does: every file is read, and nothing is changed."""

from __future__ import annotations

import json
import tokenize
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ganforge.core.errors import DamageWarning, GanforgeError, RunError
from ganforge.networks.players import build_discriminator, build_generator
from ganforge.runs import checkpoint
from ganforge.runs.files import damaged_lines, read_sealed, sha256
from ganforge.runs.folder import Run, is_held
from ganforge.runs.inputs import read_inputs
from ganforge.runs.plugins import PluginError, kept_from_json
from ganforge.runs.tensors import read_tensors

__all__ = ["Fault", "Verification", "verify"]

_OWN = {
    *("run.json", "log.jsonl", "events.jsonl", "scores.json", "report.html", "inputs.safetensors"),
    *("checkpoints", "samples", "made", "explore", "exported", "translated", "plugins", "discriminator.png"),
    *(".lock", ".held"),
}


_UNREADABLE = (ValueError, SyntaxError, EOFError, Image.DecompressionBombError, tokenize.TokenError)
"""What Pillow and numpy raise over files that are damaged."""


_SHIPPED = ("config.json", "model.safetensors")  # of a model folder


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file.

    Attributes:
        file: which.
        what: what is wrong with it.
        fix: what to do.
        grave: whether something is lost or wrong; else it is only worth knowing.
    """

    file: Path
    what: str
    fix: str
    grave: bool = True


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what is wrong.

    Attributes:
        files: how many were read.
        moments: checkpoints that are sound, newest first.
        faults: the grave ones first.
    """

    files: int
    moments: tuple[int, ...]
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing grave was found."""
        return not any(fault.grave for fault in self.faults)


def verify(path: Path | str) -> Verification:
    """Read every file of the run folder ``path`` and compare it with its checksum and its form.

    Raises:
        RunError: there is no such folder, it never was a run folder, or a plugin is not allowed.
    """
    path = Path(path)
    if not (path / "run.json").exists() and not (path / "checkpoints").is_dir():
        Run.open(path)  # says what is missing
    found = _Search(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamageWarning)  # each becomes a fault here
        found.search()
    faults = sorted(found.faults, key=lambda fault: not fault.grave)
    return Verification(found.files, tuple(found.moments), tuple(faults))


class _Search:
    """One look through a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = 0
        self.moments: list[int] = []
        self.faults: list[Fault] = []
        self.run: Run | None = None

    def search(self) -> None:
        self._run()
        self._checkpoints()
        for name in ("log.jsonl", "events.jsonl"):
            self._log(self.path / name)
        self._scores()
        if self.run is not None and (self.path / "checkpoints").is_dir():
            again = f"gan train --resume {self.path} writes it anew"
            self._try(self.path / "inputs.safetensors", again, lambda _: read_inputs(self._known))
        for name in ("discriminator.png", "report.html"):
            if (self.path / name).exists():
                self._check_product(self.path / name)
        for folder in ("samples", "made", "explore", "translated"):
            for file in sorted((self.path / folder).rglob("*")):
                if file.is_file() and not file.name.startswith(".tmp-"):
                    self._check_product(file)
        shipped = (self.path / "exported").rglob
        for folder in sorted({file.parent for name in _SHIPPED for file in shipped(name)}):
            self._shipped(folder)
        self._strays()

    @property
    def _known(self) -> Run:
        assert self.run is not None
        return self.run

    def _fault(self, file: Path, what: str, fix: str, *, grave: bool = True) -> None:
        self.faults.append(Fault(file.relative_to(self.path), " ".join(what.split())[:500], fix, grave))

    def _try(self, file: Path, fix: str, read: Callable[[Path], object]) -> Any:
        """Read a file that is there; what goes wrong is its fault."""
        self.files += file.is_file()
        try:
            return read(file)
        except PluginError:  # nothing is wrong with the file
            raise
        except GanforgeError as error:
            self._fault(file, str(error), fix)
        except OSError as error:
            self._fault(file, f"it cannot be read ({error.strerror or error})", fix)
        except _UNREADABLE as error:
            self._fault(file, f"it is damaged ({error})", fix)
        return None

    # -- what the run is -------------------------------------------------------------------------------

    def _run(self) -> None:
        file = self.path / "run.json"
        lost = "put it back from a copy; without it the run cannot be opened"
        self.run = self._try(file, lost, lambda _: Run.open(self.path))
        if self.run is not None and not self.run.intact:
            what = "it is not as ganforge wrote it: its checksum does not match"
            fix = f"put it back, or accept what you changed: gan train --resume {self.path} --accept-changes"
            self._fault(file, what, fix)
        for kept in [] if self.run is None else kept_from_json(self.run.info.get("plugins", []), "plugins"):
            self.files += 1
            if what := kept.fault(self.path):
                self._fault(self.path / kept.file, what, "put it back: the run was trained with it")

    def _log(self, file: Path) -> None:
        self.files += file.is_file()
        try:
            for number, what in damaged_lines(file):
                fix = "nothing needs to be done: the line is left out; delete it, and nobody is told again"
                self._fault(file, f"line {number}: {what}", fix)
            empty = not file.exists() or not file.read_bytes().strip()
        except OSError as error:
            self._fault(file, f"it cannot be read ({error.strerror})", "see who may read it")
            return
        if file.name == "log.jsonl" and empty and self.moments:
            self._fault(
                file, "it is gone or holds nothing", "nothing brings it back; a resume goes on with it"
            )

    def _scores(self) -> None:
        file = self.path / "scores.json"
        if not file.exists():
            return
        fix = f"gan evaluate {self.path} measures anew"
        found = self._try(file, fix, read_sealed)
        if found is not None and found[1] is False:
            self._fault(file, "its checksum does not match", fix)
        elif found is not None and not isinstance(found[0].get("scores"), list):
            self._fault(file, "it holds no scores", fix)
        elif found is not None and self.moments and found[0].get("nimg") not in self.moments:
            self._fault(file, "it is of a moment that is no longer kept", fix, grave=False)

    # -- checkpoints -----------------------------------------------------------------------------------

    def _checkpoints(self) -> None:
        folder = self.path / "checkpoints"
        for moment in checkpoint.moments(folder):
            path = checkpoint.path_of(folder, moment)
            faults = list(self._checkpoint(path))
            if not path.exists():
                continue  # a training that goes on has deleted it meanwhile
            for file, what in faults:
                fix = f"gan train --resume {self.path} goes on from the one before, and writes it anew"
                self._fault(file, what, fix)
            if not faults:
                self.moments.append(moment)
        if not self.moments:
            fix = "nothing can be made from this run: train it anew, or put a checkpoint back from a copy"
            self._fault(folder, "there is no checkpoint that can be read", fix)
        for aside in sorted(folder.glob("damaged-*")):
            what = "a damaged checkpoint that a resume has set aside"
            fix = "nothing: it goes when training has come as far again"
            self._fault(aside, what, fix, grave=False)
        self._best(folder)

    def _checkpoint(self, path: Path) -> Iterator[tuple[Path, str]]:
        """Each damaged file of a checkpoint, and what is wrong with it."""
        self.files += 1
        try:
            state = checkpoint.read_checkpoint(path, only=())
        except RunError as error:
            yield path / "state.json", str(error)
            return
        if set(state.sha256) != {"game", "average", "optimisers"}:
            yield path / "state.json", f"it names {', '.join(sorted(state.sha256)) or 'no files'}"
        for stem in state.sha256:
            file = path / f"{stem}.safetensors"
            self.files += 1
            try:
                found = checkpoint.read_checkpoint(path, only=(stem,))
            except RunError as error:
                yield file, str(error)
                continue
            broken = [name for name, value in found.tensors[stem].items() if not _finite(value)]
            if broken:
                yield file, f"{broken[0]} has numbers that are not finite"
            if stem != "optimisers" and self.run is not None:
                try:
                    _fits(self.run, found, stem)
                except GanforgeError as error:
                    yield file, str(error)
        known = {"state.json", *(f"{stem}.safetensors" for stem in state.sha256)}
        for other in sorted(path.iterdir()) if path.is_dir() else []:
            if other.name not in known:
                self._fault(other, "it is no file of a checkpoint", "delete it", grave=False)

    def _best(self, folder: Path) -> None:
        """The moment that the newest checkpoint calls the best must be there."""
        if not self.moments:
            return
        newest = checkpoint.read_checkpoint(checkpoint.path_of(folder, self.moments[0]), only=())
        best = newest.state.get("standing", {}).get("best_nimg")
        path = checkpoint.path_of(folder, best or 0)
        if best is not None and not path.exists():
            what = "the moment with the best score is missing"
            self._fault(path, what, "nothing brings it back; --best takes the newest", grave=False)

    # -- what was made of it ---------------------------------------------------------------------------

    def _check_product(self, file: Path) -> None:
        """A picture, a table, tensors: whatever can be read again must be."""
        fix = "delete it; nothing else needs it"
        match file.suffix:
            case ".png" | ".gif" | ".webp" | ".jpg" | ".jpeg":
                self._try(file, fix, _picture)
            case ".safetensors":
                self._try(file, "delete it; it is made anew when it is needed", read_tensors)
            case ".json":
                found = self._try(file, fix, _json)
                if found is False:
                    self._fault(file, "its checksum does not match", "delete it; it is made anew")
            case ".npy":
                self._try(file, fix, lambda path: np.load(path, allow_pickle=False))
            case ".html":
                self._try(file, f"gan evaluate {self.path} writes it anew", _page)
            case _:
                self.files += 1

    def _shipped(self, folder: Path) -> None:
        file = folder / "config.json"
        if not file.exists():
            self._fault(file, "it is not there", f"gan export {self.path} again")
            return
        found = self._try(file, f"gan export {self.path}", _json)
        if found is False:
            self._fault(file, "its checksum does not match", f"gan export {self.path} again")
        weights = folder / "model.safetensors"
        expected = json.loads(file.read_bytes()).get("sha256") if found is not None else None
        if found is not None and expected is None:
            what = "it is no description of a model: it names no weights"
            self._fault(file, what, f"gan export {self.path} again")
        if expected is not None:
            damaged = self._try(weights, "export again", lambda path: _other(path, expected))
            if damaged:
                self._fault(weights, "its checksum is not the one in config.json", "export again")

    def _strays(self) -> None:
        training = is_held(self.path)
        for stray in sorted(self.path.rglob(".tmp-*")):
            if not training and not any(part.startswith(".tmp-") for part in stray.parent.parts):
                what = "a process that was killed left it half-written"
                self._fault(stray, what, "delete it; a resume does", grave=False)
        for other in sorted(self.path.iterdir()):
            if other.name not in _OWN and not other.name.startswith(".tmp-"):
                self._fault(other, "it is no file of a run folder", "nothing: it is left alone", grave=False)


def _finite(value: torch.Tensor) -> bool:
    return not value.is_floating_point() or bool(torch.isfinite(value).all())


def _fits(run: Run, found: checkpoint.Checkpoint, stem: str) -> None:
    """Raise RunError unless the tensors are those of the run's players."""
    recipe = run.recipe_at(found)
    expected: dict[str, torch.Size] = {}
    with checkpoint.fitting(found, run.file), torch.device("meta"):
        makers = {"generator": build_generator, "discriminator": build_discriminator}
        for player, make in makers.items() if stem == "game" else [("", build_generator)]:
            prefix = f"players.{player}." if player else ""
            for name, value in make(recipe, run.space).state_dict().items():
                expected[prefix + name] = value.shape
    tensors = found.tensors[stem]
    for name, shape in expected.items():
        if name not in tensors or tensors[name].shape != shape:
            raise RunError(f"its {name} does not fit the recipe in {run.file}")


def _picture(file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        content = file.read_bytes()
        with Image.open(BytesIO(content)) as image:
            image.verify()  # checksums, which loading does not look at
        with Image.open(BytesIO(content)) as image:
            for frame in range(getattr(image, "n_frames", 1)):
                image.seek(frame)
                image.load()


def _json(file: Path) -> bool | None:
    """Whether its checksum matches; None where it has none."""
    return read_sealed(file)[1]


def _page(file: Path) -> None:
    if not file.read_bytes().decode("utf-8").rstrip().endswith("</html>"):
        raise ValueError("it has no end")


def _other(file: Path, expected: str) -> bool:
    return sha256(file.read_bytes()) != expected
