"""Coarse shapes of some samples with the finer making of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ganforge.core.options import option, seeds
from ganforge.latent import sheets, styles
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.subject import Subject

__all__ = ["Mix"]

_SEEN = 0.1  # share of two samples' difference, below which a style is hardly seen


@dataclass(frozen=True)
class Mix(Question):
    """Give the coarse shapes of some samples the finer making of others.

    For generators where the latent enters at several places: few_shot, and residual with its styles.
    """

    name = "mix"
    words = "the coarse shapes of some samples with the finer making of others"

    content: Annotated[str, option("LIST")] = "0-4"
    """seeds of the shapes"""
    style: Annotated[str, option("LIST")] = "100-104"
    """seeds of the finer making"""

    def ask(self, subject: Subject) -> Answer:
        content, style = seeds(self.content), seeds(self.style)
        answer = Answer(subject.folder / self.name)
        zc, cc = subject.seeds(content)
        zs, cs = subject.seeds(style)
        tops = subject.generate(zs, cs)
        rows: list[sheets.Row] = [("", [None, *tops])]
        moved: list[Tensor] = []
        for i, seed in enumerate(content):
            beside = None if cc is None else cc[i : i + 1].expand(len(zs), -1)
            made = styles.mixed(subject.sampler.network, zc[i : i + 1].expand(len(zs), -1), zs, beside)
            own = subject.generate(zc[i : i + 1], None if cc is None else cc[i : i + 1])
            shown = subject.space.to_declared(made).cpu()
            rows.append((f"{seed}", [own[0], *shown]))
            moved.append(
                (shown.float() - own.float()).abs().mean() / (tops.float() - own.float()).abs().mean()
            )
        answer.picture("sheet.png", sheets.sheet(rows, subject.space, columns=["", *(f"{s}" for s in style)]))
        share = float(torch.stack(moved).mean())
        few = "; so little is hard to see: train longer, or with more stages" if share < _SEEN else ""
        answer.say("style", f"changes {100 * share:.0f} % of what sets two samples apart{few}")
        answer.numbers = {"content": content, "style": style, "changed": share}
        return answer.done()
