"""The end of a training or an evaluation: its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ganforge.core.errors import GanforgeError, MachineError, UsageError
from ganforge.data import Dataset
from ganforge.metrics.neighbours import nearest_examples
from ganforge.report import write_report
from ganforge.report.sections import Strip
from ganforge.runs.checkpoint import Checkpoint
from ganforge.runs.folder import Run
from ganforge.runs.sampler import sampler_at
from ganforge.tasks.strips import strips

__all__ = ["Pair", "compared", "report", "write_final_report"]

_SHOWN = 12  # samples beside their nearest training examples
_BESIDE = 3  # runs in one comparison: there are colours for four

Pair = tuple[np.ndarray, np.ndarray, float]
"""A sample, the training example nearest to it, and the distance."""


def write_final_report(
    run: Run, dataset: Dataset | None, others: Mapping[str, Run] | None = None
) -> Path | None:
    """Write the report of ``run``, trained on ``dataset``; None where it cannot be written.

    Args:
        dataset: None where it is gone: then nothing real is shown.
        others: runs that it is compared with, by their names.
    """
    pairs: list[Pair] = []
    rows: list[Strip] = []
    try:
        found = run.checkpoint(only=("average", "game"))
        rows = strips(run, dataset, found, others)
        pairs = [] if dataset is None else _pairs(run, dataset, found)
    except (GanforgeError, ValueError) as error:  # a generator that makes no numbers has no neighbours
        run.add_event("report without neighbours", error=repr(error))
    return report(run, pairs, rows, others)


def compared(run: Run, paths: Sequence[Path]) -> dict[str, Run]:
    """The runs at ``paths`` by names that tell them apart, to be compared with ``run``.

    Raises UsageError where one is of another kind of data, or they are too many; RunError where one is none.
    """
    if len(paths) > _BESIDE:
        raise UsageError(f"--beside takes at most {_BESIDE} runs, not {len(paths)}")
    others = [Run.open(path) for path in paths]
    for other in others:
        if other.path.resolve() == run.path.resolve():
            raise UsageError(f"{other.path} is the run itself; --beside names another one")
        if other.space.kind != run.space.kind:
            raise UsageError(f"{other.path} is of {other.space.kind} and {run.path} of {run.space.kind}")
    taken = [one.path.resolve().name for one in (run, *others)]
    return {
        name if taken.count(name) == 1 else str(other.path): other
        for name, other in zip(taken[1:], others, strict=True)
    }


def report(
    run: Run, nearest: Sequence[Pair], strips: Sequence[Strip], others: Mapping[str, Run] | None = None
) -> Path | None:
    """Write the report of ``run``.

    A report is never worth a training: what goes wrong stands in ``events.jsonl``, and None is returned.
    """
    try:
        return write_report(run, nearest=nearest, strips=strips, others=others)
    except (GanforgeError, OSError, ValueError, ArithmeticError) as error:
        with suppress(MachineError):  # the disk that refused the report
            run.add_event("report failed", error=repr(error))
        return None


def _pairs(run: Run, dataset: Dataset, found: Checkpoint) -> list[Pair]:
    if not run.space.codec.pictured:
        return []
    made = sampler_at(run, found).sample(_SHOWN, seed=run.recipe.seed).numpy()
    real = dataset.train.values
    ((distance, index),) = nearest_examples(real, made)
    return [(sample, real[at], float(far)) for sample, at, far in zip(made, index, distance, strict=True)]
