"""A game being played step by step: whole rounds, one player's move, or the stages of slow motion."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from ganforge.core.batch import NextBatch, Play, Turn
from ganforge.core.recipe import Recipe
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.data import Dataset
from ganforge.networks import parameters_count
from ganforge.objectives.adversarial import Objective, Separate
from ganforge.studio.catalogue import SLOW_STAGES
from ganforge.training.engine import Engine
from ganforge.training.referee import Game as Playable
from ganforge.training.referee import Referee
from ganforge.training.rounds import Rounds

__all__ = ["ENGINE", "Game", "Stage", "Who"]

Who = Literal["discriminator", "generator", "both"]
ENGINE = Engine(threads=1, recorded=True)
_SHOWN = 8  # predictions that slow motion shows
_BEFORE = ("generate", "fakes", "reals", "discriminator_loss")  # stages at which the discriminator is to move


class _Only:
    """A game of which only one player's moves are made: the other's turns are played, and left out.

    Turns that are left out move nobody, so what follows sees the players as they were.
    With ``seen`` nobody moves at all: that player's first turn is put there, and play ends.
    """

    def __init__(self, game: Playable, who: str, seen: list[Turn] | None = None) -> None:
        self.players = game.players
        self._game, self._who, self._seen = game, who, seen

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Play:
        for turn in self._game.play(next_batch, rng, moment):
            if turn.player != self._who:
                continue
            if self._seen is not None:
                self._seen.append(turn)
                return
            yield turn


@dataclass(frozen=True)
class Stage:
    """One stage of slow motion.

    Attributes:
        name: one of the catalogue's ``SLOW_STAGES``.
        numbers: what it shows; None where the loss has no such part.
        predictions: of the first few, as the discriminator's output is read.
        samples: the first few fakes in declared units, of points.
    """

    name: str
    numbers: dict[str, float | None]
    predictions: list[float]
    samples: list[list[float]] | None

    def to_json(self, game: Game) -> dict[str, Any]:
        stage = next(one for one in SLOW_STAGES if one.stage == self.name)
        moves = game.recipe.discriminator_moves
        return {
            "stage": self.name,
            "title": stage.title,
            "words": stage.words,
            "lights": list(stage.lights),
            "move": 1,
            "moves": moves,
            "round": game.played,
            "numbers": self.numbers,
            "predictions": self.predictions,
            "samples": self.samples,
        }


@dataclass(frozen=True)
class _Seen:
    """A player's next turn, not made; the fakes ``(N, *shape)`` in it, and their condition."""

    turn: Turn
    fakes: Tensor
    condition: Tensor | None


class Game:
    """A recipe played on a data set, with one's hand on the brake.

    Attributes:
        rounds: the players, the data, and where they stand.
        total: examples of the budget that schedules refer to; play goes on beyond.
        stage: the last stage of slow motion in an unfinished round, or None.
        alone: steps that one player has made by itself: the batches go on with them as with a round.
        altered: the round at which its settings were last changed; 0 where they are those of its beginning.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, *, noise: bool = True) -> None:
        ENGINE.apply()
        self.recipe, self.dataset, self.noise = recipe, dataset, noise
        self.rounds = Rounds(recipe, dataset, ENGINE)
        self.total = max(int(recipe.kimg * 1000), 1)
        self.stage: str | None = None
        self.alone = self.altered = 0
        self._seen: _Seen | None = None
        if not noise:
            for network in (self.generator, self.rounds.average.network):
                network.register_forward_pre_hook(_hush)

    @property
    def generator(self) -> nn.Module:
        return self.rounds.game.players["generator"]

    @property
    def discriminator(self) -> nn.Module:
        return self.rounds.game.players["discriminator"]

    @property
    def objective(self) -> Objective:
        return self.rounds.game.objective

    @property
    def progress(self) -> float:
        return min(self.rounds.nimg / self.total, 1.0)

    @property
    def played(self) -> int:
        """Whole rounds, in which both players have moved."""
        return self.rounds.rounds - self.alone

    @property
    def unlike_script(self) -> str | None:
        """What was done by hand that no script of its settings does; None where nothing was."""
        done: list[str] = []
        if self.altered:
            done.append(f"the settings were changed at round {self.altered:,}")
        if self.alone:
            done.append("one player made steps by itself")
        return ", and ".join(done) or None

    def parameters(self) -> tuple[int, int]:
        return parameters_count(self.generator), parameters_count(self.discriminator)

    # -- moves ----------------------------------------------------------------------------------------

    def round(self) -> None:
        """One whole round; where slow motion is in the midst of one, the rest of it."""
        if self.stage is None:
            self.rounds.play(self.progress)
        else:
            self.finish()

    def step(self, who: Who) -> None:
        """One move of a player alone (of the discriminator: its turns of a round), or a round of both."""
        self.finish()
        if who == "both":
            self.round()
        else:
            with self._played_by(who):
                self.rounds.play(self.progress)
            self.alone += 1

    def finish(self) -> None:
        """Complete a round that slow motion has begun."""
        if self.stage is None:
            return
        if self.stage in _BEFORE:
            self._update_discriminator()
        self._update_generator()
        self.stage, self._seen = None, None

    def slow(self) -> Stage:
        """The next stage of slow motion; after the last one a new round begins."""
        match self.stage:
            case None:
                self._seen = self._look("discriminator")
                return self._stage("generate", {})
            case "generate":
                return self._stage("fakes", self._part(fake=True))
            case "fakes":
                return self._stage("reals", self._part(fake=False))
            case "reals":
                return self._stage("discriminator_loss", self._loss())
            case "discriminator_loss":
                numbers = self._step(self.discriminator)
                self._update_discriminator()
                return self._stage("update_discriminator", numbers)
            case "update_discriminator":
                self._seen = self._look("generator")
                return self._stage("judge", {})
            case "judge":
                return self._stage("generator_loss", self._loss())
            case _:
                numbers = self._step(self.generator)
                self._update_generator()
                stage = self._stage("update_generator", numbers)
                self.stage, self._seen = None, None
                return stage

    # -- how --------------------------------------------------------------------------------------------

    @contextmanager
    def _played_by(self, who: str, seen: list[Turn] | None = None) -> Generator[None]:
        """Rounds in which only ``who`` moves, with the same optimisers and the same books."""
        whole = self.rounds.referee
        players = {"generator": self.recipe.generator, "discriminator": self.recipe.discriminator}
        part = Referee(_Only(self.rounds.game, who, seen), players, statistics=self.rounds.statistics)
        part.optimisers = whole.optimisers
        part.refused = whole.refused
        self.rounds.referee = part
        try:
            yield
        finally:
            whole.refused = part.refused
            self.rounds.referee = whole

    def _held(self) -> tuple[int, int, list[Tensor], list[Tensor]]:
        average = list(self.rounds.average.network.state_dict().values())
        buffers = list(self.rounds.game.buffers())
        return (
            self.rounds.nimg,
            self.rounds.rounds,
            [a.clone() for a in average],
            [b.clone() for b in buffers],
        )

    @torch.no_grad()
    def _put_back(self, held: tuple[int, int, list[Tensor], list[Tensor]], *, buffers: bool) -> None:
        """Where the round began: it has not been counted yet, nor has the average followed."""
        self.rounds.nimg, self.rounds.rounds = held[:2]
        for now, then in zip(self.rounds.average.network.state_dict().values(), held[2], strict=True):
            now.copy_(then)
        if buffers:
            for now, then in zip(self.rounds.game.buffers(), held[3], strict=True):
                now.copy_(then)

    def _look(self, who: str) -> _Seen:
        """Play up to the first turn of ``who``, and put everything back."""
        made: list[tuple[Tensor, Tensor | None]] = []

        def note(_: nn.Module, given: tuple[Any, ...], fakes: Tensor) -> None:
            made.append((fakes.detach(), given[1] if len(given) > 1 else None))

        hook = self.generator.register_forward_hook(note)
        held, turns = self._held(), list[Turn]()
        try:
            with self._played_by(who, turns):
                self.rounds.play(self.progress)
        finally:
            hook.remove()
            self._put_back(held, buffers=True)
        return _Seen(turns[0], *made[-1])

    def _update_discriminator(self) -> None:
        """Its moves of this round; the round is not over yet."""
        held = self._held()
        with self._played_by("discriminator"):
            self.rounds.play(self.progress)
        self._put_back(held, buffers=False)

    def _update_generator(self) -> None:
        """Its move, which ends the round."""
        with self._played_by("generator"):
            self.rounds.play(self.progress)

    def _loss(self) -> dict[str, float | None]:
        """Of the turn that is looked at."""
        assert self._seen is not None
        return {"loss": self._seen.turn.loss.mean().item()}

    def _step(self, player: nn.Module) -> dict[str, float | None]:
        """Loss and gradient of the turn that is looked at, by the player that is to move."""
        assert self._seen is not None
        gradient = _gradient(player, self._seen.turn.loss.mean())
        return {**self._loss(), "gradient": _norm(gradient)}

    def _part(self, *, fake: bool) -> dict[str, float | None]:
        """What the discriminator's verdict on one side adds to its loss and to its gradient."""
        assert self._seen is not None
        turn = self._seen.turn
        logits = turn.notes["fake_logits" if fake else "real_logits"]
        (towards,) = torch.autograd.grad(
            turn.loss.mean(), logits, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        loss: float | None = None
        if isinstance(self.objective, Separate):
            term = self.objective.of_fakes if fake else self.objective.of_reals
            loss = term(logits.detach()).mean().item()
        numbers: dict[str, float | None] = {
            "loss": loss,
            "gradient": _norm(_gradient(self.discriminator, logits, towards)),
        }
        if not fake:
            whole = self.objective.discriminator(turn.notes["real_logits"], turn.notes["fake_logits"])
            numbers["penalty"] = (turn.loss - whole).mean().item()
        return numbers

    def _stage(self, name: str, numbers: dict[str, float | None]) -> Stage:
        self.stage = name
        assert self._seen is not None
        turn, fakes, condition = self._seen.turn, self._seen.fakes, self._seen.condition
        if name in _BEFORE:
            logits = turn.notes["real_logits" if name == "reals" else "fake_logits"]
            logits = logits.detach().flatten()[:_SHOWN]
        else:  # what it says of these fakes now
            n = _SHOWN * self.recipe.packing
            logits = _judged(self.discriminator, fakes[:n], None if condition is None else condition[:n])
        predictions = [] if name == "generate" else self.objective.probability(logits).tolist()
        space = self.dataset.space
        samples = space.to_declared(fakes[:_SHOWN]).tolist() if space.codec.small else None
        return Stage(name, numbers, predictions, samples)


def _hush(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The generator does not hear its latents."""
    z, *rest = inputs
    return (torch.zeros_like(z), *rest)


def _gradient(player: nn.Module, value: Tensor, weights: Tensor | None = None) -> list[Tensor]:
    """Of ``value``, by each of a player's parameters."""
    parameters = list(player.parameters())
    return list(torch.autograd.grad(value, parameters, weights, retain_graph=True, materialize_grads=True))


def _norm(gradients: list[Tensor]) -> float:
    return math.sqrt(sum(float(one.square().sum()) for one in gradients))


@torch.no_grad()
def _judged(network: nn.Module, x: Tensor, condition: Tensor | None) -> Tensor:
    was = network.training
    network.eval()
    try:
        return cast(Tensor, network(x, condition)).flatten()[:_SHOWN]
    finally:
        network.train(was)
