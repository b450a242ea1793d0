"""The referee plays any game: it moves the parameters of the player whose turn it is, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from ganforge.core.batch import Deal, Play, Turn
from ganforge.core.draw import Draw
from ganforge.core.recipe import Player
from ganforge.core.schedule import Moment
from ganforge.training import foreach
from ganforge.training.ledger import Ledger
from ganforge.training.optimisers import make_optimiser, set_rates

__all__ = ["Game", "Referee"]


class Game(Protocol):
    """Who moves when: see ``ganforge.games``."""

    players: nn.ModuleDict

    def play(self, deal: Deal, draw: Draw, moment: Moment) -> Play: ...


class Referee:
    """Plays rounds of a game.

    A round may be cut into parts: every part plays the same turns on its own rows, in lock step, and
    their gradients are added up before the player moves. So a batch that does not fit is played in
    parts with the same result.

    Args:
        game: the game.
        players: the optimiser settings of each of the game's players.
        ledger: where notes, losses and gradient norms go.
        precision: the type that network bodies compute in; logits and losses stay in float32.
    """

    def __init__(
        self,
        game: Game,
        players: dict[str, Player],
        *,
        ledger: Ledger,
        precision: torch.dtype = torch.float32,
    ) -> None:
        assert set(players) == set(game.players), (set(players), set(game.players))
        self.game = game
        self.ledger = ledger
        self.settings = players
        self.parameters = {name: list(player.parameters()) for name, player in game.players.items()}
        self.optimisers = {
            name: make_optimiser(players[name], parameters) for name, parameters in self.parameters.items()
        }
        self.refused = 0  # moves not made because a gradient was not finite
        self._device = next(game.players.parameters()).device
        self._precision = precision

    def round(self, deals: Sequence[Deal], draws: Sequence[Draw], moment: Moment) -> None:
        """Play one round: one deal and one draw for each part."""
        plays = [self.game.play(deal, draw, moment) for deal, draw in zip(deals, draws, strict=True)]
        for name, optimiser in self.optimisers.items():
            set_rates(optimiser, self.settings[name], moment.progress)
        while (mover := self._turn(plays)) is not None:
            name, gradients = mover
            self._move(name, gradients)

    def _turn(self, plays: Sequence[Play]) -> tuple[str, list[Tensor]] | None:
        """The next turn of every part: who moves, and the gradient for that player's parameters only."""
        name, gradients = "", []
        for play in plays:
            turn = self._next(play)
            if turn is None:
                return None
            assert turn.loss.dim() == 1, f"a turn's loss is per example, (N,), not {tuple(turn.loss.shape)}"
            assert not name or name == turn.player, "the parts of a round fell out of step"
            name = turn.player
            loss = turn.loss.mean() / len(plays)
            # Only the mover's gradients are computed: the opponent's weights cost nothing.
            part = torch.autograd.grad(loss, self.parameters[name], materialize_grads=True)
            if gradients:
                foreach.add_(gradients, part)
            else:
                gradients = list(part)
            self.ledger.add(f"{name}_loss", turn.loss)
            for note, value in turn.notes.items():
                self.ledger.add(note, value)
        return name, gradients

    def _next(self, play: Play) -> Turn | None:
        if self._precision == torch.float32:
            return next(play, None)
        with torch.autocast(self._device.type, dtype=self._precision):
            return next(play, None)

    def _move(self, name: str, gradients: list[Tensor]) -> None:
        """Step the mover's optimiser, unless a gradient is not finite."""
        norm = foreach.norm(gradients)
        self.ledger.add(f"{name}_gradient", norm)
        for parameter, gradient in zip(self.parameters[name], gradients, strict=True):
            # Fused kernels walk both side by side, so they must lie in memory alike.
            same = gradient.stride() == parameter.stride()
            parameter.grad = gradient if same else torch.empty_like(parameter).copy_(gradient)
        # The norm is read before the update, which on an accelerator waits for it: a move made with
        # numbers that are not finite could not be taken back.
        if torch.isfinite(norm).item():
            self.optimisers[name].step()
            clip = self.settings[name].clip
            if clip is not None:
                with torch.no_grad():
                    foreach.clamp_(self.parameters[name], -clip, clip)
        else:
            self.refused += 1
            self.ledger.add("refused", norm.new_ones(()))
        for parameter in self.parameters[name]:
            parameter.grad = None
