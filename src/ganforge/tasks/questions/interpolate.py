"""Walks between samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from PIL import Image
from torch import Tensor

from ganforge.codecs import plots
from ganforge.core.errors import UsageError
from ganforge.core.options import option, seeds
from ganforge.latent import sheets
from ganforge.latent.inversion import invert
from ganforge.latent.paths import Way, between, bilinear, path_length
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Interpolate"]

_FRAMES_PER_SECOND = 20


@dataclass(frozen=True)
class Interpolate(Question):
    """Walk between samples, or between pictures of your own.

    Writes a strip for each step of the walk, a sheet between the first four ends and a film, and says how
    smooth the generator is.
    """

    name = "interpolate"
    words = "walk between samples, or between pictures of your own"

    seeds: Annotated[str, option("LIST")] = "0-7"
    """ends of the walk: numbers and ranges, as in 0-7 or 3,7,20"""
    pictures: Annotated[tuple[Path, ...], option("FILE...")] = ()
    """pictures to walk between, in place of seeds"""
    classes: Annotated[str | None, option("NAME", name="class")] = None
    """the class of the pictures, where the run has classes"""
    way: Annotated[Literal["spherical", "linear"], option()] = "spherical"
    """along great circles, or straight"""
    frames: Annotated[int, option("N")] = 9
    """steps of a strip"""
    seconds: Annotated[float, option("S")] = 6.0
    """length of the film; 0 writes none"""
    pairs: Annotated[int, option("N")] = 100
    """random walks that the smoothness is measured on; 0 leaves it out"""

    def ask(self, opened: OpenedRun) -> Answer:
        numbers = seeds(self.seeds)
        answer = Answer(opened.folder / self.name)
        if len(self.pictures) == 1 or (not self.pictures and len(numbers) < 2):
            raise UsageError("a walk needs two ends: give two --seeds or two --pictures, or more")
        if self.frames < 3:
            raise UsageError(f"--frames is {self.frames}; a walk needs 3 or more")
        examples: Tensor | None = None
        if self.pictures:
            examples = opened.read(self.pictures)
            conditions = opened.one_class(self.classes, len(examples))
            found = invert(opened.sampler, examples, condition=conditions, encoder=opened.encoder())
            z = found.latents
            answer.numbers["inversion_error"] = found.error.tolist()
            answer.say("ends", f"inverted with a mean squared error of {found.error.mean().item():.4f}")
        else:
            z, conditions = opened.seeds(numbers)
        t = torch.linspace(0, 1, self.frames)
        walks: list[Tensor] = []
        for i in range(len(z) - 1):
            pair = torch.tensor([i, i + 1])
            walks.append(
                _walk(opened, z[pair], None if conditions is None else conditions[pair], t, self.way)
            )
        if not opened.space.codec.pictured:
            real = opened.real(2_000)[0].numpy() if opened.has_data else None
            answer.picture("strip.png", opened.space.codec.show(torch.cat(walks).numpy(), real=real))
        else:
            rows: list[sheets.Row] = []
            for i, walk in enumerate(walks):  # pictures stand beside what they were inverted to
                given = [] if examples is None else [examples[i : i + 1], examples[i + 1 : i + 2]]
                rows.append((str(i + 1), list(torch.cat([*given[:1], walk, *given[1:]]))))
            answer.picture("strip.png", sheets.sheet(rows, opened.space))
            if len(z) >= 4:
                answer.picture("grid.png", _corners(opened, z[:4], conditions, self.frames, self.way))
            if self.seconds > 0:
                _film(opened, answer, z, conditions, self.way, self.seconds)
        if self.pairs > 1:
            _smoothness(opened, answer, self.way, self.pairs)
        return answer.done()


def _walk(opened: OpenedRun, z: Tensor, conditions: Tensor | None, t: Tensor, way: Way) -> Tensor:
    """Samples on the way between two latents ``(2, L)``; conditions fade along a straight line."""
    path = between(opened.prior, z[:1], z[1:], t, way=way)[0]
    fade = None if conditions is None else torch.lerp(conditions[0], conditions[1], t[:, None])
    return opened.generate(path, fade)


def _corners(opened: OpenedRun, z: Tensor, conditions: Tensor | None, side: int, way: Way) -> Image.Image:
    fade = None
    if conditions is not None:
        down, across = (torch.linspace(0, 1, side).reshape(shape) for shape in ((-1, 1, 1), (1, -1, 1)))
        left, right = (
            torch.lerp(conditions[0], conditions[2], down),
            torch.lerp(conditions[1], conditions[3], down),
        )
        fade = torch.lerp(left, right, across).flatten(0, 1)
    made = opened.generate(bilinear(opened.prior, z, side, side, way=way), fade)
    return plots.grid([opened.space.codec.picture(x.numpy()) for x in made], columns=side)


def _film(
    opened: OpenedRun, answer: Answer, z: Tensor, conditions: Tensor | None, way: Way, seconds: float
) -> None:
    """From each end to the next, and from the last back to the first."""
    count = max(2, round(_FRAMES_PER_SECOND * seconds / len(z)))
    t = torch.arange(count) / count
    order = [torch.tensor([i, (i + 1) % len(z)]) for i in range(len(z))]
    frames = torch.cat(
        [_walk(opened, z[pair], None if conditions is None else conditions[pair], t, way) for pair in order]
    )
    factor = max(1, 256 // max(opened.space.spatial))
    stills = [opened.space.codec.picture(x.numpy()) for x in frames]
    big = [s.resize((s.width * factor, s.height * factor), Image.Resampling.NEAREST) for s in stills]
    answer.film("walk.gif", big, seconds)


def _smoothness(opened: OpenedRun, answer: Answer, way: Way, pairs: int) -> None:
    """The path length and, with labels, how sure a classifier is on the way."""
    beside = opened.pool(1)[1]  # one class for all

    def samples(z: Tensor) -> Tensor:
        with torch.no_grad():
            return opened.network(z, None if beside is None else beside.expand(len(z), -1))

    def read(z: Tensor) -> Tensor:
        x = samples(z)
        if not opened.labelled:
            return x
        # Not rounded to whole levels: the difference of near samples would be lost.
        return torch.from_numpy(opened.classifier.features(opened.space.codec.open(x)))

    kind = "a classifier's features" if opened.labelled else "the numbers themselves, in model units"
    found = path_length(read, opened.prior, pairs=pairs, way=way)
    answer.numbers["path_length"] = vars(found) | {"features": kind}
    answer.say("length", f"perceptual path length {found.value:.4g} ± {found.error:.2g}, in {kind}")
    if not opened.labelled:
        return
    z, conditions = opened.pool(2 * pairs, seed=0x1A7)
    t = torch.linspace(0, 1, 9)
    path = between(opened.prior, z[:pairs], z[pairs:], t, way=way).flatten(0, 1)
    fade = None
    if conditions is not None:
        fade = torch.lerp(conditions[:pairs, None], conditions[pairs:, None], t[:, None]).flatten(0, 1)
    sure = opened.probabilities(opened.generate(path, fade)).amax(1).reshape(pairs, 9)
    answer.numbers["confidence"] = {
        "median": sure.median().item(),
        "middle": sure[:, 4].median().item(),
        "weakest": sure.amin(1).median().item(),
        "share_at_least_.8": (sure >= 0.8).double().mean().item(),
    }
    answer.say(
        "sure",
        f"a classifier is {sure.median().item():.2f} sure along {pairs} walks (median), "
        f"{sure[:, 4].median().item():.2f} in the middle, {sure.amin(1).median().item():.2f} at the weakest",
    )
