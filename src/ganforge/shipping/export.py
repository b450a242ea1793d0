"""A run's generator as a file or folder of its own."""

from __future__ import annotations

import copy
import itertools
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import torch

import ganforge
from ganforge.core.errors import GanforgeError, RunError, UsageError, nearest
from ganforge.runs.folder import Moment, Run
from ganforge.runs.sampler import GeneratorSampler
from ganforge.runs.sampler import load as load_run
from ganforge.shipping import hub
from ganforge.shipping.card import card
from ganforge.shipping.compare import Distance, Loss, measure
from ganforge.shipping.description import Description
from ganforge.shipping.folder import CONFIG, NAMES, open_folder, write_model_folder
from ganforge.shipping.graph import Parity, export_onnx, export_program
from ganforge.shipping.onnx_sampler import open_onnx
from ganforge.shipping.weights import Precision, restored, stored

__all__ = ["FORMATS", "Exported", "export"]

FORMATS = ("onnx", "torch", "folder")


@dataclass(frozen=True)
class Exported:
    """What an export made.

    Attributes:
        path: the file or folder.
        size: bytes, of all files together.
        parity: how far the graph is from the network; None for a folder, whose network is the same.
        loss: what the rounding of the weights cost; None for float32.
        address: on the hub, where it was sent there.
    """

    path: Path
    size: int
    parity: Parity | None = None
    loss: Loss | None = None
    address: str = ""


def export(
    run: Path | str,
    *,
    to: str = "onnx",
    out: Path | None = None,
    precision: Precision = "float32",
    moment: Moment = "chosen",
    distance: Distance | None = None,
    on_hub: hub.Hub | None = None,
) -> Exported:
    """Export the generator of a run folder.

    Args:
        to: ``onnx``, ``torch``, ``folder``, or ``hub:USER/NAME`` for a folder that is then uploaded.
        out: the file or folder to write; ``RUN/exported/…`` by default. A file is replaced, a folder is
            not; the default folder is numbered.
        precision: how the weights are stored (``weights``).
        moment: which checkpoint (``runs.sampler.load``).
        distance: measures what the rounding costs, beside the differences of single samples.
        on_hub: stands in for the hub.

    Raises:
        UsageError: an unknown format, a precision that it does not have, or ``out`` exists.
        RunError: ``run`` is not a run folder.
        GanforgeError: the export differs from the network; nothing is kept.
        MachineError: a package is missing, or the disk or the hub refuses.
    """
    kind = "folder" if to.startswith(hub.HUB) else to
    if kind not in FORMATS:
        known = (*FORMATS, "hub:USER/NAME")
        raise UsageError(f"--to can be {', '.join(known)}, not {to!r}.{nearest(to, known)}")
    if kind == "torch" and precision != "float32":
        raise UsageError("--precision is for onnx and folder; torch's exported program keeps float32")
    name = hub.repository(to) if to.startswith(hub.HUB) else ""
    opened = _run(Path(run))
    found = opened.checkpoint(moment, only=())
    recipe, nimg = opened.recipe_at(found), int(found.state["nimg"])
    sampler = load_run(opened.path, moment=moment)
    made = {"nimg": nimg, "ganforge": ganforge.__version__, "torch": torch.__version__}
    description = replace(Description.of(recipe, opened.space, **made), precision=precision)
    path = out or _default(opened.path / "exported", kind, precision)
    match kind:
        case "onnx":
            parity = export_onnx(sampler, replace(description, body=None), path)
            loss = None if precision == "float32" else measure(sampler, open_onnx(path), distance=distance)
            return Exported(path, path.stat().st_size, parity, loss)
        case "torch":
            parity = export_program(sampler, path)
            return Exported(path, path.stat().st_size, parity)
        case _:
            loss = None
            if precision != "float32":
                loss = measure(sampler, _rounded(sampler, precision), distance=distance)
            words = card(opened, description, nimg=nimg, loss=loss)
            write_model_folder(path, sampler, description, card=words)
            _check(path, _rounded(sampler, precision))
            size = sum((path / file).stat().st_size for file in NAMES)
            return Exported(path, size, None, loss, hub.push(path, name, on_hub) if name else "")


def _run(path: Path) -> Run:
    if (path / CONFIG).is_file() and not (path / "run.json").is_file():
        raise RunError(f"{path} is a model folder already; export from the run that it came from")
    return Run.open(path)


def _default(folder: Path, kind: str, precision: Precision) -> Path:
    """Where an export goes that was given no place: a file by its precision, or the next free folder."""
    suffix = "" if precision == "float32" else f"-{precision}"
    if kind != "folder":
        return folder / f"generator{suffix}.{'onnx' if kind == 'onnx' else 'pt2'}"
    names = (f"model{suffix}{'' if number == 1 else f'-{number}'}" for number in itertools.count(1))
    return next(folder / name for name in names if not (folder / name).exists())


def _rounded(sampler: GeneratorSampler, precision: Precision) -> GeneratorSampler:
    """The same generator with weights as they come back from a file."""
    network = copy.deepcopy(sampler.network)
    network.load_state_dict(restored(stored(dict(network.state_dict()), precision)))
    return GeneratorSampler(network, space=sampler.space, prior=sampler.prior, conditions=sampler.conditions)


def _check(path: Path, expected: GeneratorSampler) -> None:
    """Open what was written; raise GanforgeError, and keep nothing, unless it makes the same samples."""
    found = open_folder(path).sample(7, seed=1)
    if not torch.equal(found, expected.sample(7, seed=1)):
        shutil.rmtree(path)
        largest = (found.double() - expected.sample(7, seed=1).double()).abs().max()
        raise GanforgeError(
            f"{path} was not kept: its samples differ by up to {largest:.3g}; please report it"
        )
