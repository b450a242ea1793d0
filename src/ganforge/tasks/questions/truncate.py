"""Samples drawn towards the centre of their class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from ganforge.core.errors import UsageError
from ganforge.core.options import option
from ganforge.latent import sheets, styles
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Truncate"]

_EACH = 50  # samples of each class that are compared


@dataclass(frozen=True)
class Truncate(Question):
    """Draw samples towards the centre of their own class, beside the prior's centre."""

    name = "truncate"
    words = "samples nearer to the middle of their class"

    truncation: Annotated[float, option("T")] = 0.5
    """0 to 1: less is more typical"""
    pool: Annotated[int, option("N")] = 4000
    """samples that the centres are the means of"""

    def ask(self, opened: OpenedRun) -> Answer:
        answer = Answer(opened.folder / self.name)
        if not opened.labelled:
            raise UsageError("centres of classes need the labelled data of the run; name them with --data-at")
        z, conditions = opened.pool(self.pool)
        classes = len(opened.space.classes)
        if conditions is None:
            predicted = opened.probabilities(opened.generate(z)).argmax(1)
            centres = styles.class_centres(z, predicted, classes)
        else:
            predicted, centres = conditions.argmax(1), torch.zeros(classes, opened.prior.size)
        rows: list[sheets.Row] = []
        sure: dict[str, list[float]] = {"as they are": [], "prior's centre": [], "class's centre": []}
        for index, name in enumerate(opened.space.classes):
            own = (predicted == index).nonzero()[:_EACH, 0]
            if not len(own):
                continue
            beside = None if conditions is None else conditions[own]
            latents = (
                z[own],
                opened.prior.truncated(z[own], self.truncation),
                styles.towards(opened.prior, z[own], centres[index], self.truncation),
            )
            cells: list[sheets.Cell] = []
            for kind, some in zip(sure, latents, strict=True):
                made = opened.generate(some, beside)
                sure[kind] += opened.probabilities(made)[:, index].tolist()
                cells += [*made[:5], *[None] * (5 - len(made[:5])), None]
            rows.append((name, cells[:-1]))
        columns = [word for kind in sure for word in (*kind.split(" ", 1), "", "", "", "")]
        answer.picture("sheet.png", sheets.sheet(rows, opened.space, columns=columns[:-1]))
        answer.numbers = {kind: float(np.mean(values)) for kind, values in sure.items()}
        for kind, value in answer.numbers.items():
            answer.say("sure", f"{value:.3f}  of the class, {kind}")
        return answer.done()
