"""Coarse shapes of some samples with the finer making of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ganforge.core.options import option, seeds
from ganforge.latent import sheets, styles
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

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

    def ask(self, opened: OpenedRun) -> Answer:
        content, style = seeds(self.content), seeds(self.style)
        answer = Answer(opened.folder / self.name)
        zc, cc = opened.seeds(content)
        zs, cs = opened.seeds(style)
        tops = opened.generate(zs, cs)
        rows: list[sheets.Row] = [("", [None, *tops])]
        moved: list[Tensor] = []
        for i, seed in enumerate(content):
            beside = None if cc is None else cc[i : i + 1].expand(len(zs), -1)
            made = styles.mixed(opened.sampler.network, zc[i : i + 1].expand(len(zs), -1), zs, beside)
            own = opened.generate(zc[i : i + 1], None if cc is None else cc[i : i + 1])
            shown = opened.space.to_declared(made).cpu()
            rows.append((f"{seed}", [own[0], *shown]))
            moved.append(
                (shown.float() - own.float()).abs().mean() / (tops.float() - own.float()).abs().mean()
            )
        answer.picture("sheet.png", sheets.sheet(rows, opened.space, columns=["", *(f"{s}" for s in style)]))
        share = float(torch.stack(moved).mean())
        few = "; so little is hard to see: train longer, or with more stages" if share < _SEEN else ""
        answer.say("style", f"changes {100 * share:.0f} % of what sets two samples apart{few}")
        answer.numbers = {"content": content, "style": style, "changed": share}
        return answer.done()
