"""A run's generator or translator as a file or folder of its own."""

from __future__ import annotations

import copy
import itertools
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

import ganforge
from ganforge.core.declared import FORMATS, Format, GeneratorTraits
from ganforge.core.errors import DamageWarning, GanforgeError, RunError, UsageError, nearest
from ganforge.networks.translating import Translating
from ganforge.runs.checkpoint import Checkpoint, Opened
from ganforge.runs.folder import Moment, Run
from ganforge.runs.inputs import read_inputs, source_space
from ganforge.runs.sampler import GeneratorSampler, sampler_at
from ganforge.runs.translator import NetworkTranslator, Translator, translates, translator_at
from ganforge.shipping import hub
from ganforge.shipping.card import card
from ganforge.shipping.compare import Distance, Loss, Seeded, Translated, measure
from ganforge.shipping.description import Description
from ganforge.shipping.folder import CONFIG, NAMES, open_folder, write_model_folder
from ganforge.shipping.graph import Exportable, Parity, export_onnx, export_program
from ganforge.shipping.onnx_sampler import open_onnx
from ganforge.shipping.opening import Shipped
from ganforge.shipping.weights import Precision, restored, stored

__all__ = ["Exported", "Shipment", "export"]

_LONGEST = 128  # steps of a graph: 16 take half a minute to trace, 512 more than ten


@dataclass(frozen=True)
class Exported:
    """What an export made.

    Attributes:
        opened: which moment and weights of the run it holds.
        path: the file or folder.
        size: bytes, of all files together.
        parity: how far the graph is from the network; None for a folder, whose network is the same.
        loss: what the rounding of the weights cost; None for float32.
        address: on the hub, where it was sent there.
        served: whether ``gan serve`` can open it.
    """

    opened: Opened
    path: Path
    size: int
    parity: Parity | None = None
    loss: Loss | None = None
    address: str = ""
    served: bool = False


def export(
    run: Path | str,
    *,
    to: str = "onnx",
    out: Path | None = None,
    precision: Precision = "float32",
    moment: Moment = "chosen",
    back: bool = False,
    distance: Distance | None = None,
    on_hub: hub.Hub | None = None,
) -> Exported:
    """Export the generator of a run folder.

    Args:
        to: a format (``core.declared.FORMATS``), or ``hub:USER/NAME`` for a folder that is then uploaded.
        out: the file or folder to write; ``RUN/exported/…`` by default. A file is replaced, a folder is
            not; the default folder is numbered.
        precision: how the weights are stored (``weights``).
        moment: which checkpoint (``Run.checkpoint``).
        back: of a translation between two domains, the way back.
        distance: measures what the rounding costs, beside the differences of single samples.
        on_hub: stands in for the hub.

    Raises:
        UsageError: an unknown format, a precision that it does not have, or ``out`` exists.
        RunError: ``run`` is not a run folder, or what was asked for is damaged.
        GanforgeError: the export differs from the network; nothing is kept.
        MachineError: a package is missing, or the disk or the hub refuses.
    """
    form = FORMATS.get("folder" if to.startswith(hub.HUB) else to)
    if form is None:
        known = (*FORMATS, "hub:USER/NAME")
        raise UsageError(f"--to can be {', '.join(known)}, not {to!r}.{nearest(to, known)}")
    if precision not in form.precisions:
        able = " and ".join(name for name, other in FORMATS.items() if precision in other.precisions)
        raise UsageError(f"--precision is for {able}; {form.name} keeps {' and '.join(form.precisions)}")
    name = hub.repository(to) if to.startswith(hub.HUB) else ""
    opened = _run(Path(run))
    found = _to_ship(opened, moment)
    recipe, source = opened.recipe_at(found), found.opened
    made = {"nimg": source.nimg, "weights": source.weights}
    made |= {"ganforge": ganforge.__version__, "torch": torch.__version__}
    if translates(recipe):
        translator = translator_at(opened, found, back=back)
        assert isinstance(translator, NetworkTranslator)
        sampler: Exportable = translator
        description = Description.of_translator(recipe, sampler, **made)
    elif back:
        raise UsageError(f"--back is for translations, and {opened.path} makes samples from latents")
    else:
        sampler = sampler_at(opened, found)
        description = Description.of(recipe, opened.space, **made)
    description = replace(description, precision=precision)
    shipment = Shipment(opened, source, sampler, description, precision, _seen(opened, back), distance)
    made_at = out or _default(opened.path / "exported", form, precision, translates(recipe), back)
    made_there = form.write(shipment, made_at)
    return replace(made_there, address=hub.push(made_at, name, on_hub)) if name else made_there


@dataclass(frozen=True)
class Shipment:
    """What is to be exported.

    Attributes:
        run: where it is from.
        opened: which moment and weights of the run.
        sampler: the generator or translator.
        description: what it is, as files say it.
        precision: how weights are to be stored.
        seen: what is shipped to samples of it, for comparisons.
        distance: measures what the rounding costs.
    """

    run: Run
    opened: Opened
    sampler: Exportable
    description: Description
    precision: Precision
    seen: Callable[[Shipped], Seeded]
    distance: Distance | None

    def lost(self, variant: Callable[[], Shipped]) -> Loss | None:
        """What the rounding of the weights costs; None where nothing is rounded."""
        if self.precision == "float32":
            return None
        return _lost(self.seen, self.sampler, variant(), self.distance)


def _check_length(what: Shipment) -> None:
    """Raise UsageError where a graph would have so many steps that nobody waits for it."""
    network = what.sampler.network
    steps = network.unrolled if isinstance(network, GeneratorTraits) else 1
    if steps > _LONGEST:
        raise UsageError(
            f"this generator writes {steps:,} steps one from another, and a graph of them takes hours to make"
            f" (at most {_LONGEST} are tried); --to folder ships it as it is, and gan serve opens that"
        )


def _onnx(what: Shipment, path: Path) -> Exported:
    _check_length(what)
    parity = export_onnx(what.sampler, replace(what.description, body=None), path)
    loss = what.lost(lambda: open_onnx(path))
    return Exported(what.opened, path, path.stat().st_size, parity, loss, served=True)


def _torch(what: Shipment, path: Path) -> Exported:
    _check_length(what)
    parity = export_program(what.sampler, path)
    return Exported(what.opened, path, path.stat().st_size, parity)


def _folder(what: Shipment, path: Path) -> Exported:
    loss = what.lost(lambda: _rounded(what.sampler, what.precision))
    words = card(what.run, what.description, opened=what.opened, loss=loss)
    write_model_folder(path, what.sampler, what.description, card=words)
    _check(path, what.seen, _rounded(what.sampler, what.precision))
    size = sum((path / file).stat().st_size for file in NAMES)
    return Exported(what.opened, path, size, None, loss, served=True)


_ROUNDED = ("float32", "bfloat16", "int8")
ONNX = Format("onnx", "a graph with its weights, for any runtime", _onnx, ".onnx", _ROUNDED)
TORCH = Format("torch", "a program of torch.export", _torch, ".pt2")
FOLDER = Format("folder", "weights, what they are, and a model card", _folder, "", _ROUNDED)


def _run(path: Path) -> Run:
    if (path / CONFIG).is_file() and not (path / "run.json").is_file():
        raise RunError(f"{path} is a model folder already; export from the run that it came from")
    return Run.open(path)


def _to_ship(run: Run, moment: Moment) -> Checkpoint:
    """The checkpoint of that moment. Raises RunError where another would take its place, unless it is named.

    What is shipped goes on without the run, and nobody would ever know.
    """
    if not run.intact:
        raise RunError(
            f"{run.file} is not as ganforge wrote it, and nothing is shipped from it; put it back, or accept "
            f"what you changed: gan train --resume {run.path} --accept-changes"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamageWarning)  # it is the error
        found = run.checkpoint(moment, only=("average",))
    if found.passed_over:
        raise RunError(
            f"{'; '.join(found.passed_over)}. Nothing is shipped from another state unasked: to ship that of "
            f"{found.nimg:,} examples, --moment {found.nimg}; gan train --resume {run.path} trains it anew"
        )
    return found


def _seen(run: Run, back: bool) -> Callable[[Shipped], Seeded]:
    """A way to get samples of what is shipped: a translator's are made of the inputs that the run keeps."""
    kept = read_inputs(run)
    if kept is None:
        return lambda made: _sampling(made)
    source = run.space if back else source_space(run.space)
    inputs = source.to_declared(kept.targets if back else kept.inputs)

    def seen(made: Shipped) -> Seeded:
        assert isinstance(made, Translator)
        return Translated(made, inputs)

    return seen


def _sampling(made: Shipped) -> Seeded:
    assert not isinstance(made, Translator)
    return made


def _lost(
    seen: Callable[[Shipped], Seeded], full: Exportable, variant: Shipped, distance: Distance | None
) -> Loss:
    """What the rounding costs; of translators on 64 inputs, because each takes its time."""
    n = 64 if isinstance(full, Translator) else 256
    return measure(seen(full), seen(variant), distance=distance, n=n)


def _default(folder: Path, form: Format, precision: Precision, translator: bool, back: bool) -> Path:
    """Where an export goes that was given no place: a file by its precision, or the next free folder."""
    suffix = ("-back" if back else "") + ("" if precision == "float32" else f"-{precision}")
    if form.suffix:
        return folder / f"{'translator' if translator else 'generator'}{suffix}{form.suffix}"
    names = (f"model{suffix}{'' if number == 1 else f'-{number}'}" for number in itertools.count(1))
    return next(folder / name for name in names if not (folder / name).exists())


def _rounded(sampler: Exportable, precision: Precision) -> Exportable:
    """The same with weights as they come back from a file."""
    network = copy.deepcopy(sampler.network)
    network.load_state_dict(restored(stored(dict(network.state_dict()), precision)))
    if isinstance(sampler, NetworkTranslator):
        assert isinstance(network, Translating)
        return NetworkTranslator(network, space=sampler.space, asks=sampler.asks)
    return GeneratorSampler(network, space=sampler.space, prior=sampler.prior, conditions=sampler.conditions)


def _check(path: Path, seen: Callable[[Shipped], Seeded], expected: Exportable) -> None:
    """Open what was written; raise GanforgeError, and keep nothing, unless it makes the same samples."""
    found, right = (seen(made).sample(7, seed=1) for made in (open_folder(path), expected))
    if not torch.equal(found, right):
        shutil.rmtree(path)
        largest = (found.double() - right.double()).abs().max()
        raise GanforgeError(
            f"{path} was not kept: its samples differ by up to {largest:.3g}; please report it"
        )
