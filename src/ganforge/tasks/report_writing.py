"""The end of a training or an evaluation: its report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ganforge.core.errors import GanforgeError, MachineError
from ganforge.data import Dataset
from ganforge.metrics.neighbours import nearest_examples
from ganforge.report import write_report
from ganforge.report.sections import Strip
from ganforge.runs.checkpoint import Checkpoint
from ganforge.runs.folder import Run
from ganforge.runs.sampler import sampler_at
from ganforge.tasks.strips import strips

__all__ = ["Pair", "report", "write_final_report"]

_SHOWN = 12  # samples beside their nearest training examples

Pair = tuple[np.ndarray, np.ndarray, float]
"""A sample, the training example nearest to it, and the distance."""


def write_final_report(run: Run, dataset: Dataset) -> Path | None:
    """Write the report of ``run``, trained on ``dataset``; None where it cannot be written."""
    pairs: list[Pair] = []
    rows: list[Strip] = []
    try:
        found = run.checkpoint(only=("average", "game"))
        rows = strips(run, dataset, found)
        pairs = _pairs(run, dataset, found)
    except (GanforgeError, ValueError) as error:  # a generator that makes no numbers has no neighbours
        run.add_event("report without neighbours", error=repr(error))
    return report(run, pairs, rows)


def report(run: Run, nearest: Sequence[Pair], shown: Sequence[Strip]) -> Path | None:
    """Write the report of ``run``.

    A report is never worth a training: what goes wrong stands in ``events.jsonl``, and None is returned.
    """
    try:
        return write_report(run, nearest=nearest, shown=shown)
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
