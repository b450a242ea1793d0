"""The referee plays any game: it changes the parameters of the player whose turn it is, and no others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, wait
from functools import partial
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn

from ganforge.core.batch import NextBatch, Play, Turn
from ganforge.core.recipe import Player
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.networks.growing import begins
from ganforge.training import foreach
from ganforge.training.optimisers import Optimiser
from ganforge.training.recording import Recordable, Recorder
from ganforge.training.statistics import RunningStatistics
from ganforge.training.tape import Step

if TYPE_CHECKING:
    from ganforge.training.processes import Together

__all__ = ["Game", "Referee"]


class Game(Protocol):
    """Whose turn it is when: see ``ganforge.games``."""

    players: nn.ModuleDict

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play: ...


class Referee:
    """Plays rounds of a game.

    A round may be cut into parts: every part plays the same turns on its own rows, in lock step, and
    their gradients are added up before the player's step. So a batch that does not fit is played in
    parts with the same result.

    Args:
        game: the game.
        players: the optimiser settings of each of the game's players.
        statistics: where notes, losses and gradient norms go.
        precision: the type that network bodies compute in; logits and losses stay in float32.
        recorded: whether rounds of one part are played from recordings, where the game allows it.
        pool: threads that play parts at once. The game must keep nothing of what it plays; the sum of the
            gradients is taken in the order of the parts, so the bits are the same.
        together: processes that play further parts of the same rounds.

    Attributes:
        pool: see above; it may be changed between two rounds.
        waits: whether a step's gradients are looked at before it is made. A processor has them at once; an
            accelerator would be waited for in each turn, so it leaves out by itself what is not finite, and
            counts it.
        unrecorded: why rounds are not played from recordings although that was asked for, or None.
    """

    def __init__(
        self,
        game: Game,
        players: dict[str, Player],
        *,
        statistics: RunningStatistics,
        precision: torch.dtype = torch.float32,
        recorded: bool = False,
        pool: Executor | None = None,
        together: Together | None = None,
    ) -> None:
        assert set(players) == set(game.players), (set(players), set(game.players))
        self.game = game
        self.statistics = statistics
        self.optimisers = {
            name: Optimiser(players[name], list(player.parameters()), begins(player))
            for name, player in game.players.items()
        }
        self._device = next(game.players.parameters()).device
        self.waits = self._device.type == "cpu"
        self._refused = torch.zeros((), device=self._device)
        self._precision = precision
        self.pool = pool
        self._together = together
        self._recorder: Recorder | None = None
        if recorded and isinstance(game, Recordable) and isinstance(game, nn.Module):
            if precision == torch.float32 and self._device.type == "cpu":
                state = [*game.parameters(), *game.buffers()]
                self._recorder = Recorder(self._steps_of_one, game.branch, state)
        self._unrecordable = None
        if recorded and self._recorder is None:
            self._unrecordable = (
                "only games that name their branches, in float32 on the processor, are recorded"
            )

    @property
    def refused(self) -> int:
        """Steps not made because a gradient was not finite. To read it waits for the device."""
        return int(self._refused)

    @refused.setter
    def refused(self, count: int) -> None:
        self._refused.fill_(count)

    @property
    def unrecorded(self) -> str | None:
        return self._unrecordable if self._recorder is None else self._recorder.refusal

    def round(self, next_batches: Sequence[NextBatch], rngs: Sequence[Rng], moment: Moment) -> None:
        """Play one round: batches and random numbers for each part."""
        if self._recorder is not None and len(next_batches) == 1:
            steps = self._recorder.play(next_batches[0], rngs[0], moment)
        else:
            steps = self._steps(next_batches, rngs, moment)
        for step in steps:
            self._make(step, moment)

    def _steps_of_one(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Iterator[Step]:
        return self._steps([next_batch], [rng], moment)

    def _steps(
        self, next_batches: Sequence[NextBatch], rngs: Sequence[Rng], moment: Moment
    ) -> Iterator[Step]:
        """The round as steps: each turn's gradient, for that player's parameters only."""
        plays = [self.game.play(*each, moment) for each in zip(next_batches, rngs, strict=True)]
        while (step := self._step(plays)) is not None:
            yield step

    def _step(self, plays: Sequence[Play]) -> Step | None:
        """The next turn of every part: who steps, and the gradient for that player's parameters only."""
        step: Step | None = None
        for part in self._parts(plays):
            if part is None:
                return None
            if step is None:
                step = part
                continue
            assert step.player == part.player, "the parts of a round fell out of step"
            foreach.add_(step.gradients, part.gradients)
            step.notes.extend(part.notes)
        return step if step is None or self._together is None else self._together.sum(step)

    def _parts(self, plays: Sequence[Play]) -> Iterable[Step | None]:
        """The next turn of each part, in their order, whoever of the pool has played them."""
        turn = partial(self._part, parts=len(plays) * (1 if self._together is None else self._together.count))
        if self.pool is None or len(plays) == 1:
            return map(turn, plays)
        turns = [self.pool.submit(turn, play) for play in plays]
        wait(turns)  # all of them: where one has failed, no other may still use memory
        return [turn.result() for turn in turns]

    def _part(self, play: Play, parts: int) -> Step | None:
        """The next turn of one of so many parts."""
        turn = self._next(play)
        if turn is None:
            return None
        name, loss = turn.player, turn.loss
        assert loss.dim() == 1, f"a turn's loss is per example, (N,), not {tuple(loss.shape)}"
        # Only that player's gradients are computed: the opponent's weights cost nothing. Each example
        # weighs the same: this is the gradient of the mean.
        weights = torch.full(loss.shape, 1.0 / (loss.shape[0] * parts), device=loss.device)
        moving = self.optimisers[name].moving
        # Of a scalar: for one that is none torch imports its symbolic shapes, which takes two seconds.
        gradients = torch.autograd.grad((loss * weights).sum(), moving, materialize_grads=True)
        return Step(name, list(gradients), [(f"{name}_loss", loss), *turn.notes.items()])

    def _next(self, play: Play) -> Turn | None:
        if self._precision == torch.float32:
            return next(play, None)
        # Threads share autocast's cache of weights, and would find it filled or empty by chance.
        cached = self.pool is None
        with torch.autocast(self._device.type, dtype=self._precision, cache_enabled=cached):
            return next(play, None)

    def _make(self, step: Step, moment: Moment) -> None:
        """Change the parameters of whose turn it was, unless a gradient is not finite."""
        name, gradients, notes = step
        norm = foreach.norm(gradients)
        for note, value in notes:
            self.statistics.add(note, value)
        self.statistics.add(f"{name}_gradient", norm)
        if not self.waits:
            skip = (~torch.isfinite(norm)).to(self._refused)
            self.optimisers[name].step(gradients, moment.progress, skip)
            self._refused += skip
        elif math.isfinite(norm.item()):
            self.optimisers[name].step(gradients, moment.progress)
        else:
            self._refused += 1
