"""From a picture to its latent, by ``latent.inversion``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.options import box, option
from ganforge.latent import inversion, sheets
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Invert"]

_SHOWN = 12


@dataclass(frozen=True)
class Invert(Question):
    """Find the latent of a picture; fill in what is hidden; draw by example; find what is strange.

    An encoder is trained once and kept in RUN/explore. What the generator cannot rebuild is a measure of how
    strange a picture is.
    """

    name = "invert"
    words = "from a picture to its latent; fill in, complete a drawing, find what is strange"

    pictures: Annotated[tuple[Path, ...], option("FILE...")] = ()
    """pictures, or .npy in the data's units; held-out examples by default"""
    classes: Annotated[str | None, option("NAME", name="class")] = None
    """the class of the pictures, where the run has classes"""
    count: Annotated[int, option("N")] = 12
    """held-out examples to invert, where no pictures are given"""
    mask: Annotated[Path | None, option("FILE")] = None
    """a picture that is white where the examples are unknown"""
    hide: Annotated[str | None, option("L,T,R,B")] = None
    """a box that is unknown: left,top,right,bottom in pixels"""
    strokes: Annotated[Path | None, option("FILE")] = None
    """a drawing on a transparent ground, to be completed"""
    steps: Annotated[int, option("N")] = 150
    """of the search; 0 asks the encoder alone"""
    restarts: Annotated[int, option("N")] = 2
    """searches from random latents beside the encoder's"""
    rounds: Annotated[int, option("N")] = 1000
    """of the encoder's training"""

    def ask(self, opened: OpenedRun) -> Answer:
        answer = Answer(opened.folder / self.name)
        labels: Tensor | None = None
        known: Tensor | None = None
        if self.strokes is not None:
            examples, known = _drawing(opened, self.strokes)
        elif self.pictures:
            examples = opened.read(self.pictures)
        else:
            examples, labels = opened.real(self.count)
        conditions = (
            opened.one_class(self.classes, len(examples)) if labels is None else opened.conditions_of(labels)
        )
        if self.mask is not None:
            known = (opened.picture(self.mask, channels=3).float().mean(0, keepdim=True) < 128).float()
        if self.hide is not None:
            known = _box(opened, self.hide)
        if known is not None and not bool(known.any()):
            raise UsageError("everything is hidden; leave something to go by")
        encoder = None if self.strokes is not None else opened.encoder(rounds=self.rounds)
        began = time.perf_counter()
        if known is None:
            found = inversion.invert(
                opened.sampler,
                examples,
                condition=conditions,
                encoder=encoder,
                steps=self.steps,
                restarts=self.restarts,
            )
        else:  # little to go by: more starts, and both players say what is plausible
            opinion = opened.opinion if opened.has_opinion else None

            def realism(made: Tensor, beside: Tensor | None) -> Tensor:
                assert opinion is not None
                return opinion.odds.log_odds(opinion.logits(made, beside))

            found = inversion.invert(
                opened.sampler,
                examples,
                condition=conditions,
                mask=known,
                encoder=encoder,
                steps=2 * self.steps,
                # Strokes are answered in four ways: each answer has starts of its own.
                restarts=2 if self.strokes is not None else max(self.restarts, 4),
                prior_weight=2e-2,
                realism=None if opinion is None else realism,
                realism_weight=1e-2,
            )
        seconds = (time.perf_counter() - began) / len(examples)
        _inverted_sheet(opened, answer, examples, found, known)
        scores = inversion.anomaly_scores(examples, found, space=opened.space)
        answer.numbers = {
            "error": found.error.tolist(),
            "anomaly": scores.tolist(),
            "seconds_each": seconds,
            "hidden": known is not None,
        }
        answer.array("latents.npy", found.latents.numpy())
        scale = "0 to 1 scale" if opened.space.bounded else "in standardised units"
        answer.say(
            "error",
            f"mean squared error {found.error.mean().item():.4f} ({scale}), {seconds:.2f} s an example",
        )
        if labels is not None and opened.labelled:
            shown = found.rebuilt if known is None else found.filled
            same = opened.probabilities(shown).argmax(1) == opened.probabilities(examples).argmax(1)
            answer.numbers["class_kept"] = same.double().mean().item()
            answer.say(
                "class", f"kept in {100 * same.double().mean().item():.0f} %, as a classifier reads them"
            )
        if known is None and len(scores) > 1:
            worst = scores.argsort(descending=True)[:3].tolist()
            words = ", ".join(f"number {i + 1} ({scores[i]:.3f})" for i in worst)
            answer.say("strangest", f"{words}; the median is {scores.median().item():.3f}")
        return answer.done()


def _drawing(opened: OpenedRun, strokes: Path) -> tuple[Tensor, Tensor]:
    """Four copies of a drawing, and where it was drawn on."""
    drawn = opened.picture(strokes, channels=4)
    colours, known = drawn[:3], (drawn[3:] > 127).float()
    if opened.space.channels == 1:
        colours = colours.float().mean(0, keepdim=True).round().byte()
    if opened.space.channels == 4:
        colours = drawn
    if not bool(known.any()):
        raise UsageError(f"{strokes} is transparent everywhere; draw on a transparent ground")
    return colours.expand(4, *colours.shape).clone(), known


def _box(opened: OpenedRun, hide: str) -> Tensor:
    """Where a box of pixels is not, ``(1, H, W)``."""
    if not opened.space.codec.picture_files:
        raise UsageError(f"a box hides parts of pictures; this run is of {opened.space.describe()}")
    left, top, right, bottom = box(hide, "--hide")
    known = torch.ones(1, *opened.space.spatial)
    known[:, top:bottom, left:right] = 0.0
    return known


def _inverted_sheet(
    opened: OpenedRun, answer: Answer, examples: Tensor, found: inversion.Inverted, known: Tensor | None
) -> None:
    space = opened.space
    if not space.codec.pictured:
        answer.picture("sheet.png", space.codec.displacements(examples, found.rebuilt))
        return
    given, made = examples[:_SHOWN], found.rebuilt[:_SHOWN]
    rows: list[sheets.Row] = []
    if known is None:
        gap = given.float() - made.float()
        top = max(float(gap.abs().mean(1).max()), 1e-9)
        left_over: list[sheets.Cell] = [sheets.heat(one, largest=top) for one in gap]
        rows = [("given", list(given)), ("sample", list(made)), ("left over", left_over)]
    else:
        veil = space.to_declared(torch.zeros(given.shape))
        seen = torch.where(known.expand_as(veil) > 0.5, given, veil)
        rows = [("known", list(seen)), ("filled in", list(found.filled[:_SHOWN])), ("sample", list(made))]
        if not bool((given == given[:1]).all()):  # of strokes there is no whole picture
            rows.append(("was", list(given)))
    errors = [f"{error:.4f}" for error in found.error[:_SHOWN].tolist()]
    notes = [errors if name == "sample" else [] for name, _ in rows]
    answer.picture("sheet.png", sheets.sheet(rows, space, notes=notes))
