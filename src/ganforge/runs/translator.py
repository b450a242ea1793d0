"""A finished translation: the generator of a run that leads from pictures to pictures, without its judge."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.condition import Condition
from ganforge.core.declared import GAMES
from ganforge.core.errors import RunError, UsageError
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.networks.players import TwoDirections, build_generator, condition_of
from ganforge.networks.translating import Translating, enlargement, reflected
from ganforge.runs.checkpoint import Checkpoint, Opened, fitting
from ganforge.runs.folder import Moment, Run
from ganforge.runs.inputs import source_space
from ganforge.runs.tiling import Axis, as_of, plan, tiled

__all__ = ["TILE", "NetworkTranslator", "Translator"]
__all__ += ["load_translator", "translates", "translator_at", "translator_of"]

TILE = 1024  # pixels a side of the result, beyond which it is made of tiles


class Translator(ABC):
    """From examples of one space to those of another, in declared units.

    Attributes:
        space: of the results; ``space.source`` is that of the inputs, in the size of the training.
        asks: what a result can be asked to be, or None.
        grid: the network halves what it sees in steps of this.
        opened: of a run folder, which moment and weights these are; None otherwise.
    """

    opened: Opened | None = None

    def __init__(self, *, space: Space, asks: Condition | None, grid: int) -> None:
        self.space = space
        self.asks = asks
        self.grid = grid
        self.scale = enlargement(space)

    @property
    def source(self) -> Space:
        """What inputs are, in the size of the training."""
        assert self.space.source is not None
        return self.space.source

    @property
    def conditions(self) -> int:
        """How many numbers a condition has; 0 for none."""
        return 0 if self.asks is None else self.asks.size

    @property
    def least(self) -> int:
        """The fewest places a side that the network itself works on; smaller inputs are continued."""
        return max(4, 2 * self.grid)

    @final
    def translate(
        self, pictures: Tensor, condition: Tensor | None = None, *, back: bool = False, tile: int = TILE
    ) -> Tensor:
        """Inputs ``(N, C, *sides)`` to results ``(N, C', *scale · sides)``, declared units, on the CPU.

        Sides can be any: those of the training, or others. A result depends on its input alone, not on its
        company, and is the same bits each time.

        Args:
            pictures: of ``source.channels``: uint8 for pictures and shapes, float32 for sound.
            condition: ``(N, C)`` or ``(1, C)``; needed where ``asks`` is something.
            back: the other way round, from examples of ``space`` to those of ``source``.
            tile: where a side of the result is longer, it is made of overlapping tiles of that length
                (``runs.tiling``), so that memory stays bounded.

        Raises:
            UsageError: a shape does not fit, a condition is missing, or there is no way back.
        """
        if back:
            return self.turned().translate(pictures, condition, tile=tile)
        conditions = self._checked(pictures, condition)
        if tile < 64:
            raise UsageError(f"tiles of {tile} pixels are too small; use 64 or more")
        if not len(pictures):
            return self.space.to_declared(torch.empty(0, self.space.channels, *self.results(pictures)))
        rows = (
            self._one(pictures[i : i + 1], None if conditions is None else conditions[i : i + 1], tile)
            for i in range(len(pictures))
        )
        return torch.cat(list(rows))

    def turned(self) -> Translator:
        """The way back. Raises UsageError where none was trained."""
        raise UsageError(
            "there is no way back here; recipes with two domains train one (cyclegan, painter), and a run "
            "folder keeps both"
        )

    def results(self, pictures: Tensor) -> tuple[int, ...]:
        """The sides of what inputs ``(N, C, *sides)`` become."""
        return tuple(self.scale * side for side in pictures.shape[2:])

    def tiles(self, sides: Sequence[int], *, tile: int = TILE) -> int:
        """In how many tiles an input of these sides is translated: 1 is whole."""
        return math.prod(len(axis.starts) for axis in self._cut(sides, tile)[1])

    @property
    def goes_back(self) -> bool:
        """Whether there is a way back."""
        return False

    @abstractmethod
    def run_network(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Inputs ``(N, C, *sides)`` in model units to results in model units, float32, on the CPU.

        Sides are multiples of ``grid`` and at least ``least``.
        """

    def _in_tiles(self, x: Tensor, condition: Tensor | None, axes: list[Axis]) -> Tensor:
        """:meth:`run_network` of ``x (1, C, *sides)``, by these tiles."""
        return tiled(
            lambda part: self.run_network(part, condition),
            x,
            axes,
            scale=self.scale,
            channels=self.space.channels,
        )

    def _one(self, picture: Tensor, condition: Tensor | None, tile: int) -> Tensor:
        """``(1, C, *sides)`` to ``(1, C', *scale · sides)``, both declared."""
        x = self.source.to_model(picture)
        sides = x.shape[2:]
        whole, axes = self._cut(sides, tile)
        x = reflected(x, whole)
        alone = all(len(axis.starts) == 1 for axis in axes)
        made = self.run_network(x, condition) if alone else self._in_tiles(x, condition, axes)
        for axis, (side, larger) in enumerate(zip(sides, whole, strict=True), start=2):
            if side != larger:
                made = made.narrow(axis, self.scale * ((larger - side) // 2), self.scale * side)
        return self.space.to_declared(made)

    def _cut(self, sides: Sequence[int], tile: int) -> tuple[list[int], list[Axis]]:
        """An input's sides brought to the grid, and how each is cut."""
        grid = self.grid
        whole = [max(self.least, -(-side // grid) * grid) for side in sides]
        largest = max(tile // self.scale // grid, 16) * grid
        overlap = largest // 4 // grid * grid
        return whole, [plan(side, largest=largest, overlap=overlap, grid=grid) for side in whole]

    def _checked(self, x: Tensor, condition: Tensor | None) -> Tensor | None:
        source = self.source
        if x.dim() != 2 + source.dims or x.shape[1] != source.channels or 0 in x.shape[2:]:
            shape = ", ".join(["N", str(source.channels), *"HWD"[: source.dims]])
            raise UsageError(f"inputs have the shape ({shape}) here, not {tuple(x.shape)}")
        kind = source.codec.dtype
        if x.dtype != getattr(torch, kind):
            raise UsageError(f"inputs are {kind} here, in declared units, not {x.dtype}")
        if self.asks is None:
            if condition is not None:
                raise UsageError("this translation takes no condition: it was trained without one")
            return None
        if condition is None:
            raise UsageError(f"this translation was trained with {self.asks.describe()}: say which is wanted")
        if condition.dim() != 2 or condition.shape[1] != self.conditions or len(condition) not in (1, len(x)):
            raise UsageError(
                f"this translation needs a condition of shape (N, {self.conditions}), "
                f"not {tuple(condition.shape)}"
            )
        return condition.expand(len(x), -1)


@final
class NetworkTranslator(Translator):
    """A Translator around a network.

    Args:
        network: inputs in model units and conditions to results in model units.
        space: of the results, with its source.
        asks: what a result can be asked to be, or None.
        back: the network of the direction back, or None.
    """

    def __init__(
        self, network: Translating, *, space: Space, asks: Condition | None, back: Translating | None = None
    ) -> None:
        super().__init__(space=space, asks=asks, grid=network.grid)
        self.network = network.eval()
        self._back = back
        self._device = next(network.parameters()).device

    @property
    def goes_back(self) -> bool:
        return self._back is not None

    def turned(self) -> Translator:
        if self._back is None:
            return super().turned()
        there = replace(self.source, source=replace(self.space, source=None))
        return NetworkTranslator(self._back, space=there, asks=self.asks, back=self.network)

    @torch.inference_mode()
    def run_network(self, x: Tensor, condition: Tensor | None) -> Tensor:
        conditions = None if condition is None else condition.to(self._device)
        return self.network(x.to(self._device), conditions).cpu()

    def _in_tiles(self, x: Tensor, condition: Tensor | None, axes: list[Axis]) -> Tensor:
        longest = max(x.shape[2:])
        most = max(axis.tile for axis in axes)
        to = [max(self.least, side * most // longest // self.grid * self.grid) for side in x.shape[2:]]

        def look() -> None:
            # Averages over areas keep the mean, and no pattern appears that was not there.
            self.run_network(F.interpolate(x, size=to, mode="area"), condition)

        with as_of(self.network, look):
            return super()._in_tiles(x, condition, axes)


def translates(recipe: Recipe) -> bool:
    """Whether the generator of ``recipe`` starts from examples, not from latents."""
    return GAMES.find(recipe.game).from_inputs


def translator_of(network: nn.Module, recipe: Recipe, space: Space) -> NetworkTranslator:
    """A translator around the generator player ``network`` of ``recipe`` for ``space``."""
    assert translates(recipe)
    if isinstance(network, TwoDirections):
        there, back = network.there, network.back
        assert isinstance(there, Translating)
        assert isinstance(back, Translating)
        return NetworkTranslator(there, space=space, asks=None, back=back)
    assert isinstance(network, Translating)
    # With one translator between the classes of a domain, inputs are of the space of the results.
    space = replace(space, source=replace(source_space(space), source=None))
    return NetworkTranslator(network, space=space, asks=condition_of(recipe, space))


def load_translator(path: Path | str, *, back: bool = False, moment: Moment = "chosen") -> Translator:
    """The translation that a run folder has learned.

    Args:
        back: of two domains, the way back.
        moment: which checkpoint (``runs.sampler.load``).

    Raises:
        RunError: ``path`` is not a run folder, or its generator starts from latents.
        UsageError: there is no way back.
    """
    run = Run.open(path)
    return translator_at(run, run.checkpoint(moment, only=("average",)), back=back)


def translator_at(run: Run, found: Checkpoint, *, back: bool = False) -> Translator:
    """The translation of ``run`` at the moment ``found``, of which ``average`` has been read.

    Raises RunError, UsageError as :func:`load_translator`.
    """
    if not translates(run.recipe):
        raise RunError(
            f"{run.path} makes {run.space.describe()} from latents and translates nothing; train a "
            "translation: gan train PICTURES --from INPUTS"
        )
    recipe = run.recipe_at(found)
    with fitting(found, run.file):
        network = build_generator(recipe, run.space)
        network.load_state_dict(found.tensors["average"])
    translator: Translator = translator_of(network.requires_grad_(False), recipe, run.space)
    translator = translator.turned() if back else translator
    translator.opened = found.opened
    return translator
