"""What a training looks like: the pictures in ``samples/``, of the same latents or inputs through time."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL.Image import Image
from torch import nn

from ganforge.codecs.plots import png
from ganforge.core.declared import GAMES
from ganforge.core.prior import Inputs
from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.networks.players import condition_of
from ganforge.runs.files import write_atomically
from ganforge.runs.folder import Run
from ganforge.runs.inputs import Kept, keep_inputs, source_space
from ganforge.runs.pictures import side_by_side
from ganforge.runs.sampler import GeneratorSampler, sampler_of
from ganforge.training.rounds import loader_of

__all__ = ["Preview", "preview_inputs"]

GALLERY = 64  # fixed latents
SCATTER = 2_000  # the same for points
TRIPLES = 24  # input, made, target
FEW = 8  # held-out ones, below which training ones are taken
_INPUTS = 512  # of a translation, which the run keeps


def preview_inputs(recipe: Recipe, dataset: Dataset, *, most: int = _INPUTS) -> Kept | None:
    """Inputs that a translation is looked at by, held out where there are some; None for other games."""
    game = GAMES.find(recipe.game)
    if not game.from_inputs:
        return None
    part = dataset.held_out if dataset.held_out.n >= FEW else dataset.train
    batch = loader_of(part, recipe, dataset.space).at(np.arange(min(part.n, most)))
    rows = part.conditions(condition_of(recipe, dataset.space)) if game.paired else None
    rows = None if rows is None else rows[: len(batch.real)]
    return Kept(batch.real if batch.source is None else batch.source, batch.real, rows)


class Preview:
    """Writes samples by the moving average; of a translation, inputs beside results and targets.

    Attributes:
        inputs: of a translation, which the run keeps; None for other games.
    """

    def __init__(self, run: Run, dataset: Dataset) -> None:
        self.run, self.dataset = run, dataset
        self.inputs = preview_inputs(run.recipe, dataset)
        if self.inputs is not None:
            keep_inputs(run, self.inputs)
        self._written: Path | None = None

    def sampler(self, network: nn.Module, recipe: Recipe) -> GeneratorSampler:
        """Of the generator ``network`` of ``recipe``, from :attr:`inputs` where there are some; it is new."""
        self._written = None
        inputs = None if self.inputs is None else self.inputs.inputs
        return sampler_of(network, recipe, self.run.space, inputs)

    def write(self, sampler: GeneratorSampler, nimg: int) -> Path:
        """``samples/<nimg>.png``, once: until the next round the samples stay the same."""
        path = self.run.path / "samples" / f"{nimg:012d}.png"
        if path != self._written:
            write_atomically(path, png(self._sheet(sampler), quick=True), lasting=False)
            self._written = path
        return path

    def _sheet(self, sampler: GeneratorSampler) -> Image:
        space, seed, kept = self.run.space, self.run.recipe.seed, self.inputs
        if kept is not None:
            numbers = cast(Inputs, sampler.prior).numbers(TRIPLES, seed=seed)
            asks, rows = sampler.asks, kept.rows
            wishes = None if asks is None or rows is None else asks.vectors(torch.from_numpy(rows[numbers]))
            made = sampler.sample(TRIPLES, seed=seed, condition=wishes)
            source = source_space(space).to_declared(kept.inputs[numbers])
            return side_by_side(source, made, space.to_declared(kept.targets[numbers]), space)
        n = GALLERY if space.codec.pictured else SCATTER
        real = None if space.codec.pictured else self.dataset.train.values[:SCATTER]
        return space.codec.show(sampler.sample(n, seed=seed).numpy(), real)
