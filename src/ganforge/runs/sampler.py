"""The finished generator of a run folder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ganforge.core.errors import RunError, UsageError
from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.networks.players import build_generator, condition_size
from ganforge.runs.folder import Moment, Run

__all__ = ["GeneratorSampler", "load", "sampler_of"]

# Samples are always made in batches of this many rows, the last one filled up: the same seed then gives
# the same bits whatever the number asked for, because matrix products differ with the number of rows.
_ROWS = 8
_ROWS_OF_POINTS = 256  # which cost little more than 8


class GeneratorSampler:
    """A Sampler (``core.sampler``) around a generator network.

    Args:
        network: latents ``(N, prior.size)`` and conditions to samples in model units.
        space: what a sample is.
        prior: what latents are drawn from.
        conditions: how many numbers a condition has; 0 for none.
    """

    def __init__(self, network: nn.Module, *, space: Space, prior: Prior, conditions: int = 0) -> None:
        self.network = network.eval()
        self.space = space
        self.prior = prior
        self.conditions = conditions
        self._device = next(network.parameters()).device
        self._rows = _ROWS_OF_POINTS if space.kind == "points" else _ROWS

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        start: int = 0,
        condition: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """Samples ``start … start + n − 1`` of ``seed``, ``(n, *space.shape)`` in declared units, on the CPU.

        Args:
            n: how many; at least 1.
            condition: ``(n, C)`` or ``(1, C)``; None goes through the classes in turn.
            truncation: 0…1: latents are scaled by it, towards the prior's centre, which trades variety
                for typicality (the truncation trick: Brock et al. 2019, section 3.1; Karras et al. 2019,
                appendix B).

        Raises:
            UsageError: n, truncation or the condition's shape is wrong.
        """
        if n < 1:
            raise UsageError(f"cannot make {n} samples; ask for at least 1")
        if not 0.0 <= truncation <= 1.0:
            raise UsageError(f"truncation is {truncation}; it must be from 0 to 1")
        z = self.prior.truncated(self.prior.seeded(n, seed=seed, start=start), truncation)
        if self.conditions and condition is None:
            turn = torch.arange(start, start + n) % self.conditions
            condition = torch.nn.functional.one_hot(turn, self.conditions).float()
        return self.generate(z, condition)

    @torch.inference_mode()
    def generate(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latents ``(N, prior.size)`` to samples ``(N, *space.shape)`` in declared units, on the CPU."""
        condition = self._checked(z, condition)
        samples: list[Tensor] = []
        for first in range(0, len(z), self._rows):
            rows = z[first : first + self._rows]
            asked = None if condition is None else condition[first : first + self._rows]
            missing = self._rows - len(rows)
            if missing:
                rows = torch.cat([rows, rows[-1:].expand(missing, -1)])
                asked = None if asked is None else torch.cat([asked, asked[-1:].expand(missing, -1)])
            made = self.network(rows.to(self._device), None if asked is None else asked.to(self._device))
            samples.append(self.space.to_declared(made)[: self._rows - missing].cpu())
        return torch.cat(samples)

    def _checked(self, z: Tensor, condition: Tensor | None) -> Tensor | None:
        if z.dim() != 2 or z.shape[1] != self.prior.size:
            raise UsageError(f"latents have the shape (N, {self.prior.size}) here, not {tuple(z.shape)}")
        if not self.conditions:
            if condition is not None:
                raise UsageError("this generator takes no condition: it was trained without classes")
            return None
        if condition is None or condition.dim() != 2 or condition.shape[1] != self.conditions:
            shape = None if condition is None else tuple(condition.shape)
            raise UsageError(f"this generator needs a condition of shape (N, {self.conditions}), not {shape}")
        return condition.expand(len(z), -1) if len(condition) == 1 else condition


def sampler_of(network: nn.Module, recipe: Recipe, space: Space) -> GeneratorSampler:
    """A sampler around the generator ``network`` of ``recipe`` for ``space``."""
    return GeneratorSampler(
        network, space=space, prior=Prior.of(recipe), conditions=condition_size(recipe, space)
    )


def load(path: Path | str, *, moment: Moment = "chosen") -> GeneratorSampler:
    """The generator of a run folder.

    Args:
        moment: which checkpoint: the ``newest``, the ``best`` by the score, or as ``chosen`` the newest,
            unless its score is significantly worse than the best one (``Run.checkpoint``).

    Raises:
        RunError: ``path`` is not a run folder, or no checkpoint in it can be read.
    """
    run = Run.open(path)
    found = run.checkpoint(moment, only=("average",))
    recipe = run.recipe_at(found)
    network = build_generator(recipe, run.space)
    try:
        network.load_state_dict(found.tensors["average"])
    except (KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise RunError(f"{found.path} does not fit the recipe in {run.path}/run.json: {reason}") from None
    return sampler_of(network.requires_grad_(False), recipe, run.space)
