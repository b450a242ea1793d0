"""A network as a graph that runs without ganforge: ONNX, and torch's own exported program.

Of a generator both take ``latents (N, L)`` float32, of a translator ``source (N, C, *sides)`` float32 in
declared units (pictures and shapes 0…255, sound −1…1); and ``conditions (N, C)`` where it has some. N is
free, and so are the sides, as multiples of the network's grid. Both give ``samples`` float32 in declared
units before rounding: pictures and shapes 0…255, sound −1…1, points in the data's own coordinates, which are
float64 where they lie far from 0 for their spread. Bytes are left to the caller: every runtime has float32. A
file is written only after it was run beside the network itself.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import logging
import math
import os
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganforge.core.errors import GanforgeError, MachineError
from ganforge.core.rng import seeded_numbers
from ganforge.core.space import Space
from ganforge.runs.files import machine_faults
from ganforge.runs.sampler import GeneratorSampler
from ganforge.runs.translator import NetworkTranslator
from ganforge.shipping.description import Description
from ganforge.shipping.onnx_sampler import (
    CONDITIONS,
    LATENTS,
    METADATA,
    SAMPLES,
    SOURCE,
    UNSEALED,
    open_onnx,
    sealed,
)
from ganforge.shipping.weights import Precision, quantised, rounds

__all__ = ["BATCHES", "TOLERANCE", "Exportable", "Parity", "export_onnx", "export_program"]

BATCHES = (1, 2, 7)
_MANY_NODES = 2_000  # of a graph, from which only the runtime makes it simpler
_LONGEST = 1 << 15  # side of an input that a graph allows
TOLERANCE = 1e-4  # in model units, where pictures and sound go from −1 to 1

Exportable = GeneratorSampler | NetworkTranslator
Runner = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class Parity:
    """How far an exported graph is from the network it was made from.

    Attributes:
        difference: the largest one of any number of any sample, in model units.
        batches: the batch sizes at which both were run.
        sides: of a translator, the sizes of the inputs at which both were run.
    """

    difference: float
    batches: tuple[int, ...] = BATCHES
    sides: tuple[tuple[int, ...], ...] = field(default=())


class _Shipped(nn.Module):
    """A network that takes inputs, and gives samples, in declared units before rounding."""

    def __init__(self, network: nn.Module, space: Space) -> None:
        super().__init__()
        self.network = network
        self.space = space

    def forward(self, given: Tensor, conditions: Tensor | None = None) -> Tensor:
        source = self.space.source
        if source is not None:
            given = given / source.codec.unit(given) + source.codec.empty
        made, limits = self.space.codec.open(self.network(given, conditions)), self.space.codec.limits
        return made if limits is None else made.clamp(*limits)


def export_onnx(made: Exportable, description: Description, path: Path) -> Parity:
    """Write an ONNX file that describes itself, after onnxruntime has run it beside the network.

    With another precision than float32 in the description it is the graph in full that is compared; what
    the rounding of the weights loses is for ``compare.measure`` to say.

    Raises:
        GanforgeError: the graph differs from the network by more than ``TOLERANCE``; nothing is kept.
        MachineError: onnx, onnxscript or onnxruntime is not installed, or the disk refuses.
    """
    onnx = _onnx()
    shipped = _Shipped(made.network, made.space).eval()
    given = LATENTS if isinstance(made, GeneratorSampler) else SOURCE
    with _quiet():
        program: Any = torch.onnx.export(
            shipped,
            _example(made, 2),
            dynamo=True,
            dynamic_shapes=_dynamic(made),
            input_names=[given, CONDITIONS] if made.conditions else [given],
            output_names=[SAMPLES],
            external_data=False,
            optimize=False,
            verbose=False,
        )
        if len(program.model.graph) <= _MANY_NODES:  # its time grows with their square
            program.optimize()
    model = program.model_proto
    _strip(model)
    onnx.helper.set_model_props(model, {METADATA: _words(description), **UNSEALED})
    with _kept_if_right(path) as temporary:
        temporary.write_bytes(sealed(model.SerializeToString()))
        opened = open_onnx(temporary)
        parity = _compared(made, shipped, opened.declared, path)
        if description.precision != "float32":
            _round_weights(onnx, model, description.precision)
            temporary.write_bytes(sealed(model.SerializeToString()))
            open_onnx(temporary)
    return parity


def export_program(made: Exportable, path: Path) -> Parity:
    """Write torch's exported program (``.pt2``), after the file was read back and run beside the network.

    ``torch.export.load(path).module()(latents)`` runs it, and runs what stands in it: open only those
    that you made yourself. ``ganforge.load`` opens none.

    Raises:
        GanforgeError: it differs from the network by more than ``TOLERANCE``; nothing is kept.
        MachineError: the disk refuses.
    """
    shipped = _Shipped(made.network, made.space).eval()
    with _kept_if_right(path) as temporary, _quiet():
        program = torch.export.export(shipped, _example(made, 2), dynamic_shapes=_dynamic(made))
        torch.export.save(program, temporary)
        module = torch.export.load(temporary).module()

        def run(z: Tensor, condition: Tensor | None) -> Tensor:
            return module(z) if condition is None else module(z, condition)

        return _compared(made, shipped, run, path)


def _sides(translator: NetworkTranslator) -> tuple[tuple[int, ...], ...]:
    """The training's size in whole grids, and another one that is no square."""
    grid, least = translator.grid, translator.least
    first = tuple(max(least, -(-side // grid) * grid) for side in translator.source.spatial)
    return first, tuple(side + (i + 1) * grid for i, side in enumerate(first))


def _example(made: Exportable, n: int, sides: tuple[int, ...] = ()) -> tuple[Tensor, ...]:
    """``n`` inputs, and conditions that are no whole classes, so that their arithmetic is compared too."""
    if isinstance(made, GeneratorSampler):
        given = made.prior.seeded(n, seed=20)
    else:
        shape = (made.source.channels, *(sides or _sides(made)[0]))
        given = seeded_numbers(n, math.prod(shape), seed=20, kind="uniform").reshape(n, *shape)
        given = made.source.codec.open(given)
    if not made.conditions:
        return (given,)
    return given, seeded_numbers(n, made.conditions, seed=21, kind="uniform").abs_()


def _dynamic(made: Exportable) -> tuple[dict[int, Any], ...]:
    batch = torch.export.Dim("N", min=1)
    free: dict[int, Any] = {0: batch}
    if isinstance(made, NetworkTranslator):
        for axis in range(made.source.dims):
            # In whole grids: what lies between, ganforge fills up by reflection and cuts off again.
            steps = torch.export.Dim("HWD"[axis], min=made.least // made.grid, max=_LONGEST // made.grid)
            free[2 + axis] = made.grid * steps
    return (free, {0: batch}) if made.conditions else (free,)


def _trials(made: Exportable) -> list[tuple[int, tuple[int, ...]]]:
    """Batch and sides at which a graph is run beside its network."""
    if isinstance(made, GeneratorSampler):
        return [(n, ()) for n in BATCHES]
    first, second = _sides(made)
    return [*((n, first) for n in BATCHES), (2, second)]


@torch.no_grad()
def _compared(made: Exportable, shipped: _Shipped, run: Runner, path: Path) -> Parity:
    """Raise GanforgeError unless ``run`` gives what the network gives, at each batch size and size."""
    space, worst = made.space, 0.0
    for n, sides in _trials(made):
        given, *rest = _example(made, n, sides)
        condition = rest[0] if rest else None
        expected, found = shipped(given, condition), run(given, condition)
        if expected.shape != found.shape:
            raise GanforgeError(
                f"{path} was not kept: it makes {tuple(found.shape)} where the network makes "
                f"{tuple(expected.shape)}; please report it with the recipe"
            )
        difference = ((found - expected) / space.codec.unit(found)).abs().max().item()
        worst = max(worst, difference)
        if not difference <= TOLERANCE:  # also where it is no number
            raise GanforgeError(
                f"{path} was not kept: at batch {n} the largest difference to the network is "
                f"{difference:.3g}, more than {TOLERANCE:g}; please report it with the recipe"
            )
    return Parity(worst, sides=_sides(made) if isinstance(made, NetworkTranslator) else ())


def _ends(space: Space) -> str:
    low, high = space.codec.limits or (-math.inf, math.inf)
    return f"{low:g} to {high:g}".replace("-", "−")


def _words(description: Description) -> str:
    """The description as JSON; of a translator with what its graph takes and gives."""
    fields = description.to_json()
    if description.prior is None:
        source = description.space.source
        assert source is not None
        range_in, range_out = (_ends(space) for space in (source, description.space))
        fields["graph"] = {
            SOURCE: f"(N, {source.channels}, sides), float32, {range_in}",
            SAMPLES: f"(N, {description.space.channels}, sides), float32, {range_out} before rounding",
            "sides": f"multiples of {description.grid}, at least {max(4, 2 * description.grid)}",
        }
    return json.dumps(fields, ensure_ascii=False)


@contextlib.contextmanager
def _kept_if_right(path: Path) -> Generator[Path]:
    """A temporary file in the folder of ``path``, moved there at the end, or removed on any error."""
    temporary = path.parent / f".tmp-{os.getpid()}-{path.name}"
    with machine_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """The exporter's progress, its warnings about itself and its logs, away from the user's screen."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _strip(model: Any) -> None:
    """Remove what the exporter notes for its own developers: names of files and lines of this machine."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.input,
        *graph.output,
        *graph.value_info,
    ):
        del part.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
    graph.doc_string = model.doc_string = ""


def _round_weights(onnx: Any, model: Any, precision: Precision) -> None:
    """Replace each matrix and filter by its rounded form and the operators that give it back in float32.

    They have constant inputs: a runtime computes them once, when it opens the file.
    """
    graph, found = model.graph, list[Any]()
    kept = list[Any]()
    for initial in graph.initializer:
        weight = torch.from_numpy(onnx.numpy_helper.to_array(initial).copy())
        if not rounds(weight):
            kept.append(initial)
            continue
        name, small = initial.name, f"{initial.name}.{precision}"
        if precision == "bfloat16":
            whole = weight.to(torch.bfloat16).view(torch.int16).numpy().tobytes()
            kept.append(
                onnx.helper.make_tensor(small, onnx.TensorProto.BFLOAT16, weight.shape, whole, raw=True)
            )
            found.append(onnx.helper.make_node("Cast", [small], [name], to=onnx.TensorProto.FLOAT))
        else:
            quantity, scale = quantised(weight)
            kept.append(onnx.numpy_helper.from_array(quantity.numpy(), small))
            kept.append(onnx.numpy_helper.from_array(scale.numpy(), f"{name}.scale"))
            cast = onnx.helper.make_node("Cast", [small], [f"{name}.cast"], to=onnx.TensorProto.FLOAT)
            found += [cast, onnx.helper.make_node("Mul", [f"{name}.cast", f"{name}.scale"], [name])]
    nodes = [*found, *graph.node]
    del graph.initializer[:], graph.node[:], graph.value_info[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)


def _onnx() -> Any:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            raise MachineError("ONNX needs more packages: pip install 'ganforge[export]'")
    import onnx

    return onnx
