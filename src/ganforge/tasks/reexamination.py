"""A fresh, larger look at a run: what `gan diagnose --look` adds to the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganforge.data.cache import cache_folder
from ganforge.health.history import Examined, History
from ganforge.metrics.features import referee
from ganforge.runs.discriminator import judge_at
from ganforge.runs.folder import Run
from ganforge.runs.sampler import GeneratorSampler, sampler_at
from ganforge.tasks.reals import Reals, real_examples
from ganforge.training.watch import Watch

__all__ = ["look"]

_SAMPLES = 2_000  # points or pictures looked at, four times as many as while training
_A_CLASS = 64  # samples of each class that are read


def look(
    run: Run, history: History, *, cache: Path | None = None, say: Callable[[str], None] | None = None
) -> History:
    """``history`` with the newest checkpoint examined once more, and each class read by a referee.

    The examination of the log that is of the same moment is replaced.

    Args:
        cache: folder for decoded data and small networks; see ``data.load``.
        say: told in a line which moment and weights are looked at.

    Raises:
        RunError: no checkpoint can be read, or the data have changed.
        DataError: the data are not there, or are too few.
    """
    found = run.checkpoint("newest", only=("average", "game"))
    if say is not None:
        say(f"opened {found.opened.words}")
    reals = real_examples(run, None, cache)
    sampler, judge = sampler_at(run, found), judge_at(run, found)
    examiner = Watch.examiner(run.recipe, reals.dataset.under(run.space), n=_SAMPLES)
    record: dict[str, Any] = examiner(sampler, judge).to_json()
    labels = reals.fitted_labels
    if sampler.conditions and labels is not None:
        record["classes"] = _classes(run, reals, labels, sampler, cache_folder(cache))
    nimg = found.nimg
    earlier = [seen for seen in history.examined if seen.nimg < nimg]
    same = [seen for seen in history.examined if seen.nimg == nimg]
    # The notes of the rounds are those of the log: they are of training and cannot be had again.
    former = (same or earlier or [Examined(nimg, {})])[-1]
    return replace(history, examined=(*earlier, replace(former, nimg=nimg, record=record)))


def _classes(
    run: Run, reals: Reals, labels: np.ndarray, sampler: GeneratorSampler, cache: Path
) -> dict[str, float]:
    """Share of samples of each class that a small network, trained on real examples, reads as that class."""
    reader = referee(reals.fitted.values, labels, cache=cache)
    shares: dict[str, float] = {}
    for index in np.unique(labels).tolist():
        condition = torch.nn.functional.one_hot(torch.tensor([index]), len(run.space.classes)).float()
        made = sampler.sample(_A_CLASS, seed=index, condition=condition.expand(_A_CLASS, -1))
        predicted = reader.probabilities(made).argmax(1)
        shares[run.space.classes[index]] = float((predicted == index).mean())
    return shares
