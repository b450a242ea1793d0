"""Whether a batch can be cut into parts whose gradients add up to that of the whole."""

from __future__ import annotations

import torch
from torch import nn

from ganforge.core.declared import OBJECTIVES, PENALTIES
from ganforge.training.rounds import Rounds

__all__ = ["coupled"]


def coupled(rounds: Rounds) -> str:
    """Why a part would not play as it does within the whole batch; empty where it does.

    Examples must not know of each other, and the game must keep nothing of what it plays: which of two parts
    came first would then be chance. One round of a copy is played to see that.
    """
    recipe, game = rounds.recipe, rounds.game
    if OBJECTIVES.find(recipe.objective).batchwise:
        return f"the objective {recipe.objective} compares examples of the whole batch"
    for penalty in recipe.penalties:
        if PENALTIES.find(penalty.name).batchwise:
            return f"the penalty {penalty.name} measures the whole batch"
    if game.couples:
        return game.couples
    dependent = next((module for module in game.modules() if not _independent(module)), None)
    if dependent is not None:
        return f"{type(dependent).__name__} keeps statistics of what it has seen"
    before = {name: buffer.clone() for name, buffer in game.named_buffers()}
    # A few examples show it, and fit where the whole batch may not.
    after = dict(rounds.rehearse(2 * recipe.packing).named_buffers())
    moved = next((name for name, buffer in before.items() if not torch.equal(buffer, after[name])), None)
    return "" if moved is None else f"the game keeps what it has seen ({moved}), and every part changes that"


def _independent(module: nn.Module) -> bool:
    statistics = isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d))
    return not statistics and getattr(module, "examples_are_independent", True)
