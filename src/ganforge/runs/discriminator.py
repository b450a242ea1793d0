"""The discriminator of a run, as whoever comes after training meets it: examples in, logits out."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ganforge.core.declared import GAMES
from ganforge.core.errors import UsageError
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.networks.players import build_discriminator, condition_size
from ganforge.networks.protocols import Discriminator
from ganforge.runs.checkpoint import Checkpoint, fitting
from ganforge.runs.folder import Moment, Run

__all__ = ["Judge", "discriminator_at", "judge_at", "judge_of", "load_judge"]

_ROWS = 64  # examples judged at once, in whole packs …
_NUMBERS = 2**15  # … or as many small ones as have so many numbers, which is quicker by a third


class Judge:
    """A discriminator that is asked and no longer trained.

    A logit above the objective's level means 'real'; where the level is free (relativistic and
    Wasserstein objectives), only differences of logits mean something.

    Args:
        network: samples in model units ``(N, *shape)`` and conditions to logits. It is not changed.
        space: what an example is.
        packing: examples that are judged together.
        conditions: how many numbers a condition has; 0 for none.
    """

    def __init__(self, network: nn.Module, *, space: Space, packing: int = 1, conditions: int = 0) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.space = space
        self.packing = packing
        self.conditions = conditions
        # Batch statistics of training belong to batches of one kind, reals or fakes; the running ones
        # mix both kinds, and would shift every logit.
        self.network.train(not cast(Discriminator, self.network).examples_are_independent)
        self._device = next(self.network.parameters()).device

    def follow(self, network: nn.Module) -> None:
        """Judge as ``network``, which is of the same form, does now: sooner done than a new judge."""
        self.network.load_state_dict(network.state_dict())

    @torch.no_grad()
    def logits(self, examples: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits ``(N // packing,)``, one for each pack of ``examples`` ``(N, *space.shape)``.

        Examples are in declared units; the rows of an incomplete last pack are left out. ``condition``
        is ``(N, C)`` where the discriminator takes one. Raises UsageError where it does not fit.
        """
        if (condition is None) != (self.conditions == 0):
            raise UsageError(f"this discriminator takes {self.conditions or 'no'} conditions")
        whole = len(examples) // self.packing * self.packing
        rows = max(_ROWS, _NUMBERS // self.space.size)
        step = max(rows // self.packing, 1) * self.packing
        parts: list[Tensor] = []
        for start in range(0, whole, step):
            x = self.space.to_model(examples[start : min(start + step, whole)]).to(self._device)
            conditions = None
            if condition is not None:
                conditions = condition[start : min(start + step, whole)].to(self._device)
            logits = cast(Tensor, self.network(x, conditions)).float()
            parts.append(logits.flatten(1).mean(1) if logits.dim() > 1 else logits)
        return torch.cat(parts).cpu() if parts else torch.empty(0)


def judge_of(network: nn.Module, recipe: Recipe, space: Space) -> Judge | None:
    """A judge around the discriminator ``network`` of ``recipe`` for ``space``, as it is now.

    None where the game has no discriminator of single examples: that of ``translation`` judges an example
    upon its input, that of ``inference`` one with its latent.
    """
    game = GAMES.find(recipe.game)
    if game.judged_with:
        return None
    network = game.judge(network)
    return Judge(network, space=space, packing=recipe.packing, conditions=condition_size(recipe, space))


def discriminator_at(run: Run, found: Checkpoint) -> nn.Module:
    """The discriminator of ``run`` at the moment ``found``, of which ``game`` has been read, as a network.

    Raises RunError where it does not fit the run's recipe.
    """
    own = "players.discriminator."
    with fitting(found, run.file):
        network = build_discriminator(run.recipe_at(found), run.space)
        state = found.tensors["game"]
        network.load_state_dict(
            {name.removeprefix(own): value for name, value in state.items() if name.startswith(own)}
        )
    return network


def load_judge(path: Path | str, *, moment: Moment = "chosen") -> Judge:
    """The discriminator of a run folder at a ``moment`` (``Run.checkpoint``).

    Raises:
        RunError: ``path`` is not a run folder, or no checkpoint in it can be read.
        UsageError: its discriminator does not judge single examples.
    """
    run = Run.open(path)
    return judge_at(run, run.checkpoint(moment, only=("game",)))


def judge_at(run: Run, found: Checkpoint) -> Judge:
    """The discriminator of ``run`` at the moment ``found``, of which ``game`` has been read.

    Whoever asks it about a generator's samples takes both of one ``found``. Raises as :func:`load_judge`.
    """
    recipe = run.recipe_at(found)
    judge = judge_of(discriminator_at(run, found), recipe, run.space)
    if judge is None:
        raise UsageError(f"the discriminator of the game {recipe.game} judges pairs, and no example alone")
    return judge
