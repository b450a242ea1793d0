"""The end of a training or an evaluation: its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganforge.core.errors import GanforgeError
from ganforge.data import Dataset
from ganforge.metrics.arrays import thumbnails
from ganforge.metrics.neighbours import nearest_by_parts
from ganforge.report import write_report
from ganforge.runs.folder import Run
from ganforge.runs.sampler import load

__all__ = ["conclude"]

_SHOWN = 12  # samples beside their nearest training examples

Pair = tuple[np.ndarray, np.ndarray, float]


def conclude(run: Run, dataset: Dataset) -> Path | None:
    """Write the report of ``run``, trained on ``dataset``; None where it cannot be written.

    A report is never worth a training: what goes wrong stands in ``events.jsonl``.
    """
    try:
        return write_report(run, nearest=_pairs(run, dataset))
    except (GanforgeError, OSError, ValueError, ArithmeticError) as error:
        run.add_event("report failed", error=repr(error))
        return None


def _pairs(run: Run, dataset: Dataset) -> list[Pair]:
    """The first samples, each with the training example nearest to it and the distance."""
    if run.space.kind == "points":
        return []
    made = load(run.path).sample(_SHOWN, seed=run.recipe.seed).numpy()
    real = dataset.train.values
    distance, index = nearest_by_parts(thumbnails(made, real), thumbnails(real, real))
    return [(sample, real[at], float(far)) for sample, at, far in zip(made, index, distance, strict=True)]
