"""A game being played: the players, their data, and where they stand. No clock, no files."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch
from ganforge.core.declared import GAMES
from ganforge.core.recipe import Recipe
from ganforge.core.rng import Rng, key
from ganforge.core.schedule import Moment
from ganforge.core.space import Space
from ganforge.data import Dataset, Examples, Loader
from ganforge.games import build_game
from ganforge.networks.growing import Growing, growing, levels
from ganforge.networks.players import condition_of
from ganforge.training.average import MovingAverage
from ganforge.training.engine import Engine
from ganforge.training.referee import Referee
from ganforge.training.statistics import RunningStatistics

if TYPE_CHECKING:
    from ganforge.training.processes import Together

__all__ = ["Rounds", "loader_of"]

_REHEARSED = (
    8  # examples at most that a round is played with to see what it costs: they fit where a batch may not
)


def loader_of(
    examples: Examples,
    recipe: Recipe,
    space: Space,
    *,
    device: torch.device | str = "cpu",
    mirror: bool = False,
) -> Loader:
    """A loader of ``examples`` as the players of ``recipe`` get them."""
    asks = condition_of(recipe, space)
    by_class = asks is not None and asks is not space.condition
    return Loader(
        replace(
            examples,
            labels=examples.labels if by_class else None,
            rows=None if asks is None or by_class else examples.rows,
        ),
        space,
        seed=recipe.seed,
        device=device,
        mirror=mirror,
        source=recipe.source,
        paired=GAMES.find(recipe.game).paired,
    )


class Rounds:
    """Plays the rounds of a recipe on a data set, one after the other.

    A round is a function of the tensors in :meth:`tensors`, the recipe's seed, ``nimg``, ``rounds`` and
    the progress that it is given, and of nothing else: that is why a resume continues bit for bit.

    Attributes:
        nimg: real examples shown to the discriminator's moves so far.
        rounds: rounds played so far.
        growth: the step of growth of what is played now; 0 where nothing grows.
        game, referee, average, statistics: see their modules.
    """

    def __init__(
        self, recipe: Recipe, dataset: Dataset, engine: Engine, together: Together | None = None
    ) -> None:
        self.recipe = recipe
        self.engine = engine
        self.nimg = 0
        self.rounds = 0
        self.game = engine.place(build_game(recipe, dataset.space))
        self._levels = levels(self.game)
        self.statistics = RunningStatistics()
        self.referee = Referee(
            self.game,
            {"generator": recipe.generator, "discriminator": recipe.discriminator},
            statistics=self.statistics,
            precision=engine.precision,
            recorded=engine.recorded,
            pool=engine.pool(),
            together=together,
        )
        rank, count = (0, 1) if together is None else (together.rank, together.count)
        assert engine.parts % count == 0, (engine.parts, count)
        own = engine.parts // count
        self._own = range(rank * own, (rank + 1) * own)  # the parts that this process plays
        self.average = MovingAverage(
            self.game.players["generator"], ema_nimg=recipe.ema_nimg, ema_ramp=recipe.ema_ramp
        )
        self._grow(self._grown(0.0))
        # What examples say of themselves is given only to players that have a place for it.
        self._loader = loader_of(
            dataset.train, recipe, dataset.space, device=engine.device, mirror=recipe.mirror
        )
        self._loading = Lock()
        self._rngs = [
            Rng(key(recipe.seed, 3), part=part, parts=engine.parts, device=engine.device)
            for part in self._own
        ]

    def play(self, progress: float = 0.0) -> None:
        """One round, at this share of the budget, 0…1."""
        recipe = self.recipe
        if self.growth < self._grown(progress):
            self._grow(self._grown(progress))
        moment = Moment(self.nimg, self.rounds, progress)
        rows = recipe.batch // self.engine.parts
        next_batches = [self._next_batch(part * rows, rows) for part in self._own]
        self.referee.round(next_batches, [rng.move_to(self.nimg) for rng in self._rngs], moment)
        step = recipe.batch * recipe.discriminator_moves
        self.average.update(self.nimg, step)
        self.nimg += step
        self.rounds += 1

    def _grown(self, progress: float) -> int:
        """The step of growth at this share of the budget: the last one when all shares are used up."""
        ends = list(accumulate(self.recipe.growth))
        return max(self._levels - 1 - sum(progress < end for end in ends), 0)

    def _grow(self, step: int) -> None:
        """Let all that grows make and judge examples of this step from now on; nothing it gives jumps."""
        self.growth = step
        for part in (*growing(self.game), *growing(self.average.network)):
            part.grow(step)
        for optimiser in self.referee.optimisers.values():
            optimiser.grow(step)

    @property
    def grows(self) -> Growing | None:
        """Whoever knows how examples of each level look, where there are several."""
        part = next(iter(growing(self.average.network)), None)
        return part if self.levels > 1 else None

    @property
    def levels(self) -> int:
        """How many sizes of examples are trained one after the other."""
        return self._levels if self.recipe.growth else 1

    def go_on_with(self, engine: Engine) -> None:
        """Compute so from now on; only threads and workers may be others."""
        self.engine, self.referee.pool = engine, engine.pool()

    def costs(self) -> tuple[tuple[float, float], ...]:
        """Until which share of the budget each step of growth lasts, and how long a round takes then.

        In processor seconds of a round's way forward: only their ratios mean something.
        """
        ends = (*accumulate(self.recipe.growth), 1.0)
        if len(ends) == 1:
            return ((1.0, 1.0),)

        def seconds(step: int) -> float:
            began = time.process_time()
            self.rehearse(few, step)
            return time.process_time() - began

        packing = self.recipe.packing
        few = min(_REHEARSED, self.recipe.batch // self.engine.parts) // packing * packing or packing
        taken = [min(seconds(self._grown(end - 1e-9)) for _ in range(2)) for end in ends]
        # A process with a limit on its processor's time sees that time in steps: then nothing is known.
        return tuple(zip(ends, taken if all(taken) else [1.0] * len(ends), strict=True))

    def rehearse(self, n: int, step: int | None = None) -> nn.Module:
        """Play a round of ``n`` examples with a copy of the game, to see what it costs, or does: the copy.

        ``step`` is that of growth; None takes the present one.
        """
        game = copy.deepcopy(self.game)
        if step is not None:
            for part in growing(game):
                part.grow(step)
        rng = Rng(0, device=self.engine.device)
        for _ in game.play(lambda: self.engine.shape(self._loader.batch_at(0, n)), rng, Moment(0, 0, 0.0)):
            pass
        return game

    def _next_batch(self, offset: int, rows: int) -> Callable[[], Batch]:
        """A part's batches: the k-th is ``rows`` rows from ``offset`` of the k-th batch after nimg."""
        position = self.nimg + offset

        def next_batch() -> Batch:
            nonlocal position
            with self._loading:  # parts that are played at once share one order of an epoch
                batch = self._loader.batch_at(position, rows)
            position += self.recipe.batch
            return self.engine.shape(batch)

        return next_batch

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """All that a checkpoint needs: the game's players and buffers, the average, the optimisers."""
        optimisers = {
            f"{player}.{name}": value
            for player, optimiser in self.referee.optimisers.items()
            for name, value in optimiser.tensors().items()
        }
        return {
            "game": dict(self.game.state_dict()),
            "average": dict(self.average.network.state_dict()),
            "optimisers": optimisers,
        }

    def state(self) -> dict[str, Any]:
        """All that another process needs to play on from here: :meth:`take` is its inverse."""
        return {"nimg": self.nimg, "rounds": self.rounds, "tensors": self.tensors()}

    def take(self, state: dict[str, Any]) -> None:
        self.load(state["tensors"])
        self.nimg, self.rounds = state["nimg"], state["rounds"]

    def load(self, tensors: dict[str, dict[str, Tensor]], *, anew: tuple[str, ...] = ()) -> None:
        """The inverse of :meth:`tensors`. Raises KeyError or RuntimeError where they do not fit.

        ``anew`` names the game's parts that a rescue has changed, as in ``penalties.``: their buffers stay
        as they are here.
        """
        state = dict(tensors["game"])
        if anew:
            state = {name: value for name, value in state.items() if not name.startswith(anew)}
            state |= {name: value for name, value in self.game.state_dict().items() if name.startswith(anew)}
        self.game.load_state_dict(state)
        self.average.network.load_state_dict(tensors["average"])
        self._grow(max((part.level - part.first for part in growing(self.game)), default=0))
        for player, optimiser in self.referee.optimisers.items():
            own = f"{player}."
            optimiser.load(
                {
                    label.removeprefix(own): value
                    for label, value in tensors["optimisers"].items()
                    if label.startswith(own)
                }
            )
