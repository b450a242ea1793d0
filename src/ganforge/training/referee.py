"""The referee plays any game: it moves the parameters of the player whose turn it is, and no others."""

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
from ganforge.training.tape import Move

if TYPE_CHECKING:
    from ganforge.training.processes import Together

__all__ = ["Game", "Referee"]


class Game(Protocol):
    """Who moves when: see ``ganforge.games``."""

    players: nn.ModuleDict

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play: ...


class Referee:
    """Plays rounds of a game.

    A round may be cut into parts: every part plays the same turns on its own rows, in lock step, and
    their gradients are added up before the player moves. So a batch that does not fit is played in
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
        refused: moves not made because a gradient was not finite.
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
        self.refused = 0
        self._device = next(game.players.parameters()).device
        self._precision = precision
        self.pool = pool
        self._together = together
        self._recorder: Recorder | None = None
        if recorded and isinstance(game, Recordable) and isinstance(game, nn.Module):
            if precision == torch.float32 and self._device.type == "cpu":
                state = [*game.parameters(), *game.buffers()]
                self._recorder = Recorder(self._moves_of_one, game.branch, state)
        self._unrecordable = None
        if recorded and self._recorder is None:
            self._unrecordable = (
                "only games that name their branches, in float32 on the processor, are recorded"
            )

    @property
    def unrecorded(self) -> str | None:
        return self._unrecordable if self._recorder is None else self._recorder.refusal

    def round(self, next_batches: Sequence[NextBatch], rngs: Sequence[Rng], moment: Moment) -> None:
        """Play one round: batches and random numbers for each part."""
        if self._recorder is not None and len(next_batches) == 1:
            moves = self._recorder.play(next_batches[0], rngs[0], moment)
        else:
            moves = self._moves(next_batches, rngs, moment)
        for move in moves:
            self._make(move, moment)

    def _moves_of_one(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Iterator[Move]:
        return self._moves([next_batch], [rng], moment)

    def _moves(
        self, next_batches: Sequence[NextBatch], rngs: Sequence[Rng], moment: Moment
    ) -> Iterator[Move]:
        """The round as moves: each turn's gradient, for the mover's parameters only."""
        plays = [self.game.play(*each, moment) for each in zip(next_batches, rngs, strict=True)]
        while (move := self._move(plays)) is not None:
            yield move

    def _move(self, plays: Sequence[Play]) -> Move | None:
        """The next turn of every part: who moves, and the gradient for that player's parameters only."""
        move: Move | None = None
        for part in self._parts(plays):
            if part is None:
                return None
            if move is None:
                move = part
                continue
            assert move.player == part.player, "the parts of a round fell out of step"
            foreach.add_(move.gradients, part.gradients)
            move.notes.extend(part.notes)
        return move if move is None or self._together is None else self._together.sum(move)

    def _parts(self, plays: Sequence[Play]) -> Iterable[Move | None]:
        """The next turn of each part, in their order, whoever of the pool has played them."""
        turn = partial(self._part, parts=len(plays) * (1 if self._together is None else self._together.count))
        if self.pool is None or len(plays) == 1:
            return map(turn, plays)
        turns = [self.pool.submit(turn, play) for play in plays]
        wait(turns)  # all of them: where one has failed, no other may still use memory
        return [turn.result() for turn in turns]

    def _part(self, play: Play, parts: int) -> Move | None:
        """The next turn of one of so many parts."""
        turn = self._next(play)
        if turn is None:
            return None
        name, loss = turn.player, turn.loss
        assert loss.dim() == 1, f"a turn's loss is per example, (N,), not {tuple(loss.shape)}"
        # Only the mover's gradients are computed: the opponent's weights cost nothing. Each example
        # weighs the same: this is the gradient of the mean.
        weights = torch.full(loss.shape, 1.0 / (loss.shape[0] * parts), device=loss.device)
        moving = self.optimisers[name].moving
        # Of a scalar: for one that is none torch imports its symbolic shapes, which takes two seconds.
        gradients = torch.autograd.grad((loss * weights).sum(), moving, materialize_grads=True)
        return Move(name, list(gradients), [(f"{name}_loss", loss), *turn.notes.items()])

    def _next(self, play: Play) -> Turn | None:
        if self._precision == torch.float32:
            return next(play, None)
        # Threads share autocast's cache of weights, and would find it filled or empty by chance.
        cached = self.pool is None
        with torch.autocast(self._device.type, dtype=self._precision, cache_enabled=cached):
            return next(play, None)

    def _make(self, move: Move, moment: Moment) -> None:
        """Move the mover's parameters, unless a gradient is not finite."""
        name, gradients, notes = move
        norm = foreach.norm(gradients)
        for note, value in notes:
            self.statistics.add(note, value)
        self.statistics.add(f"{name}_gradient", norm)
        # The norm is read before the update, which on an accelerator waits for it: a move made with
        # numbers that are not finite could not be taken back.
        if math.isfinite(norm.item()):
            self.optimisers[name].step(gradients, moment.progress)
        else:
            self.refused += 1
