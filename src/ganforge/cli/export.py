"""`gan export RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional

from ganforge.cli.options import parse, run_or_last
from ganforge.core.errors import UsageError
from ganforge.core.options import option

if TYPE_CHECKING:
    from torch import Tensor

    from ganforge.core.space import Space
    from ganforge.shipping.compare import Distance
    from ganforge.shipping.export import Exported

__all__ = ["Export", "main"]


@dataclass(frozen=True)
class Export:
    """Export a trained generator or translation, without its discriminator, to a file or folder of its own.

    An ONNX file or a torch program is kept only if it gives what the network gives. A model folder has
    the weights, what they are, and a model card.
    """

    run: Annotated[Positional[Path | None], option("RUN")] = None
    """a run folder; the last one under runs/ by default"""
    to: Annotated[str, option("FORMAT")] = "onnx"
    """onnx, torch, folder, one of a plugin, or hub:USER/NAME for a folder that is uploaded"""
    out: Annotated[Path | None, option("PATH")] = None
    """the file or folder to write; RUN/exported/... by default"""
    precision: Annotated[Literal["float32", "bfloat16", "int8"], option("KIND")] = "float32"
    """how weights are stored: float32, bfloat16 (half the size) or int8 (a quarter)"""
    back: Annotated[bool, option()] = False
    """of a translation between two domains, the way back"""
    best: Annotated[bool, option()] = False
    """the checkpoint with the best score, in place of the newest"""
    moment: Annotated[int | None, option("N")] = None
    """the checkpoint after so many examples: a folder's name under RUN/checkpoints"""


def main(arguments: list[str]) -> int:
    options = parse(Export, "export", arguments)
    from ganforge.runs.folder import Run
    from ganforge.shipping.export import export

    if options.best and options.moment is not None:
        raise UsageError("give either --best or --moment")
    run = run_or_last(options.run)
    distance = None if options.precision == "float32" else _kernel_distance(Run.open(run).space)
    made = export(
        run,
        to=options.to,
        out=options.out,
        precision=options.precision,
        moment="best" if options.best else "chosen" if options.moment is None else options.moment,
        back=options.back,
        distance=distance,
    )
    _print(made)
    return 0


def _kernel_distance(space: Space) -> Distance:
    """Of samples in declared units: on a sketch of pictures, on what the kind declares of others."""
    from ganforge.metrics.choice import named_extractor
    from ganforge.metrics.features import sketch
    from ganforge.metrics.kernel import kernel_distance

    def distance(samples: Tensor, reference: Tensor) -> float:
        extractor = (
            named_extractor(space.codec.extractor, reference) if space.codec.small else sketch(reference)
        )
        return kernel_distance(extractor(samples), extractor(reference)).value

    return distance


def _print(made: Exported) -> None:
    print(f"opened    {made.opened.words}")
    if made.parity is not None:
        batches = ", ".join(str(n) for n in made.parity.batches)
        largest = f"largest difference {made.parity.difference:.2g}"
        sizes = " and ".join("×".join(str(side) for side in reversed(one)) for one in made.parity.sides)
        sizes = f" and inputs of {sizes}" if sizes else ""
        print(f"checked   beside the network at batch {batches}{sizes}: {largest}")
    if made.loss is not None:
        print(f"precision {made.loss.words()}")
    size = f"{made.size / 1e6:.2f} MB"
    print(f"wrote     {made.path}   {size}")
    if made.address:
        print(f"sent      {made.address}   private: its page has the switch")
    if made.served:
        print(f"next      gan serve {made.path}")
