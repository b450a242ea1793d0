"""A point of a sample, dragged to where it shall be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.options import box, option
from ganforge.latent import dragging, sheets
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Drag"]

_SHOWN = 7  # moments on the way


@dataclass(frozen=True)
class Drag(Question):
    """Drag points of a sample to where they shall be, by moving its latent.

    Points are pixels x,y from the left and the top, the first is 0,0. The strip shows the way, with the point
    (red) and its goal (blue).
    """

    name = "drag"
    words = "drag a point of a sample to where it shall be"

    starts: Annotated[tuple[str, ...], option("X,Y...", name="from")] = ()
    """the points, as in 12,20; several move together"""
    goals: Annotated[tuple[str, ...], option("X,Y...", name="to")] = ()
    """where each shall be"""
    seed: Annotated[int, option("N")] = 0
    """of the sample"""
    classes: Annotated[str | None, option("NAME", name="class")] = None
    """its class, where the run has classes; by default that of gan sample --seeds"""
    within: Annotated[str | None, option("L,T,R,B")] = None
    """a box outside of which nothing shall change: left,top,right,bottom in pixels"""
    layer: Annotated[int | None, option("N")] = None
    """whose features lead, from 0, the coarsest; by default the finest of half the picture's sides"""
    steps: Annotated[int, option("N")] = 150
    """of the search, at most"""
    seconds: Annotated[float, option("S")] = 3.0
    """length of the film; 0 writes none"""

    def ask(self, opened: OpenedRun) -> Answer:
        start, goal = _points(self.starts, "--from"), _points(self.goals, "--to")
        if len(start) != len(goal):
            raise UsageError(f"--from has {len(start)} points and --to has {len(goal)}; each needs its goal")
        answer = Answer(opened.folder / self.name)
        z, conditions = opened.seeds([self.seed])
        if self.classes is not None:
            conditions = opened.one_class(self.classes, 1)
        found = dragging.drag(
            opened.sampler,
            z,
            start,
            goal,
            condition=conditions,
            within=None if self.within is None else _inside(opened, self.within),
            layer=self.layer,
            steps=self.steps,
        )
        made = opened.generate(
            found.latents, None if conditions is None else conditions.expand(len(found.latents), -1)
        )
        moments = torch.linspace(0, len(made) - 1, min(_SHOWN, len(made))).round().int().tolist()
        stills = [marked(opened, x, at, goal) for x, at in zip(made, found.points, strict=True)]
        row: list[sheets.Cell] = [stills[at] for at in moments]
        answer.picture("strip.png", sheets.sheet([("", row)], opened.space))
        for name, at in (("before", 0), ("after", -1)):
            answer.picture(f"{name}.png", opened.space.codec.picture(made[at].numpy()))
        if self.seconds > 0:
            answer.film("drag.gif", stills, self.seconds)
        answer.array("latents.npy", found.latents.numpy())
        rest = dragging.change_elsewhere(opened.sampler, made[[0, -1]], torch.cat([start, goal]))
        answer.numbers = {
            "from": start.tolist(),
            "to": goal.tolist(),
            "reached": found.points[-1].tolist(),
            "share": found.share.tolist(),
            "steps": len(made) - 1,
            "grid": list(found.grid),
            "rest": rest,
        }
        for one, end, share in zip(
            start.tolist(), found.points[-1].tolist(), found.share.tolist(), strict=True
        ):
            answer.say(
                "point", f"{_point_text(one)} → {_point_text(end)}: {100 * share:.0f} % of the wanted way"
            )
        height, width = found.grid
        answer.say("way", f"{len(made) - 1} steps, led by features on a grid of {height}×{width}")
        answer.say("rest", f"elsewhere it changed by {100 * rest:.0f} % of what sets two samples apart")
        return answer.done()


def _points(said: Sequence[str], name: str) -> Tensor:
    """``(P, 2)``."""
    try:
        points = [[float(number) for number in one.split(",")] for one in said]
        assert points
        assert all(len(one) == 2 for one in points)
    except (ValueError, AssertionError):
        given = " ".join(said) or "nothing"
        raise UsageError(f"{name} takes points x,y in pixels, as in 12,20, not {given}") from None
    return torch.tensor(points)


def _inside(opened: OpenedRun, within: str) -> Tensor:
    """1 in a box, ``(H, W)``."""
    left, top, right, bottom = box(within, "--within")
    inside = torch.zeros(*opened.space.spatial[-2:])
    inside[top:bottom, left:right] = 1.0
    return inside


def _point_text(point: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in point)


def marked(opened: OpenedRun, sample: Tensor, points: Tensor, goals: Tensor) -> Image.Image:
    """The sample, enlarged, with rings around the points (red) and their goals (blue)."""
    picture = opened.space.codec.picture(sample.numpy()).convert("RGB")
    times = max(1, 256 // max(picture.size))
    picture = picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(picture)
    for some, colour in ((goals, "#2a7fff"), (points, "#e02020")):
        for x, y in ((some + 0.5) * times).tolist():
            draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline=colour, width=2)
    return picture
