"""How much could each player still gain by moving alone? (Grnarova et al. 2018, arXiv 1811.05512.)

For a value V that the discriminator raises and the generator lowers, the duality gap is

    DG(G, D) = max V(G, D′) − min V(G′, D)  over D′ and G′,

which is 0 exactly at an equilibrium. The players here are found by a number of steps from copies, on one
part of the data, and V is measured on another part: finite steps find less than there is to gain, so the
number is a *lower* estimate.

Two values are used, in nats and both at most 0. Where the discriminator has a level it is that of the
first game (Goodfellow et al. 2014, equation 1), V = −sp(−D(x)) − sp(D(G(z))), −log 4 at equilibrium. Where
the level is free (relativistic and Wasserstein objectives) only differences mean anything:
V = −sp(−(D(x) − D(G(z)))), −log 2 at equilibrium.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganforge.core.errors import DataError
from ganforge.core.prior import Prior
from ganforge.core.rng import Rng, key
from ganforge.metrics import intervals
from ganforge.metrics.arrays import random
from ganforge.metrics.score import plain

__all__ = ["DualityGap", "duality_gap"]

LEAST = 32  # real examples in all: half are played with, half are measured on
_LOOKS = 10  # times that a copy is looked at; the best one counts

Turn = Literal["discriminator", "generator"]


@dataclass(frozen=True)
class DualityGap:
    """Attributes:
    value: the gap in nats, a lower estimate; 0 is best.
    interval: bootstrap interval of 95 % over the examples that it is measured on.
    discriminator_gain: what the discriminator could still gain alone, V(G, D′) − V(G, D).
    generator_gain: what the generator could still gain alone, V(G, D) − V(G′, D).
    now: V(G, D).
    at_equilibrium: V where nobody can gain: −log 4 or −log 2.
    form: which value: "levelled" or "paired".
    steps: that each copy was moved at most.
    n: real examples, and as many fakes, that it was measured on.
    """

    value: float
    interval: tuple[float, float]
    discriminator_gain: float
    generator_gain: float
    now: float
    at_equilibrium: float
    form: Literal["levelled", "paired"]
    steps: int
    n: int

    def to_json(self) -> dict[str, Any]:
        return plain(asdict(self)) | {"estimate": "lower"}


@dataclass(frozen=True)
class _Side:
    """Real examples of one part in model units, and their conditions."""

    real: Tensor
    condition: Tensor | None

    def rows(self, pick: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.real[pick], None if self.condition is None else self.condition[pick]


@dataclass(frozen=True)
class _Table:
    """What stays the same while copies play."""

    prior: Prior
    paired: bool
    packing: int
    batch: int

    def value(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        real: Tensor,
        condition: Tensor | None,
        z: Tensor,
    ) -> Tensor:
        """V of each example, or of each pack of them, ``(N // packing,)``."""
        fake = generator(z, condition)
        r, f = (_flat(discriminator(x, condition)) for x in (real, fake))
        return -softplus(f - r) if self.paired else -softplus(-r) - softplus(f)


def duality_gap(
    generator: nn.Module,
    discriminator: nn.Module,
    prior: Prior,
    real: Tensor,
    *,
    condition: Tensor | None = None,
    level_is_free: bool,
    packing: int = 1,
    steps: int = 200,
    batch: int = 64,
    learning_rates: tuple[float, float] = (1e-3, 1e-3),
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> DualityGap:
    """Estimate the gap of a pair of players, which are not changed.

    Args:
        generator: latents ``(N, prior.size)`` and conditions to samples in model units.
        discriminator: samples in model units and conditions to logits.
        real: held-out examples ``(N, *shape)`` in model units.
        condition: ``(N, C)``, or None.
        level_is_free: of the objective that the pair was trained with.
        packing: examples judged together.
        steps: of Adam (β 0 and .99) that each copy is moved; more find more.
        learning_rates: of the discriminator's and of the generator's copy.
        progress: called with steps done and steps in all, of both copies.

    Raises:
        DataError: fewer than ``LEAST`` examples, or than 4 packs.
    """
    least = max(LEAST, 4 * packing)
    if len(real) < least:
        raise DataError(f"a duality gap needs at least {least} held-out examples; there are {len(real)}")
    order = torch.from_numpy(random(seed, 0xD0A1).permutation(len(real)))
    cut = [len(real) * share // 8 // packing * packing for share in (3, 2)]  # play, choose; the rest measures
    cut = [max(size, packing) for size in cut]
    rest = (len(real) - sum(cut)) // packing * packing
    parts = torch.split(order[: sum(cut) + rest], [*cut, rest])
    play, choose, measure = (
        _Side(real[part], None if condition is None else condition[part]) for part in parts
    )
    table = _Table(prior, level_is_free, packing, min(batch, cut[0]) // packing * packing)
    tell = progress or _silent
    best: dict[Turn, nn.Module] = {}
    for index, player in enumerate(("discriminator", "generator")):
        best[player] = _improved(
            player,
            generator,
            discriminator,
            table,
            play,
            choose,
            steps=steps,
            learning_rate=learning_rates[index],
            seed=key(seed, index),
            progress=lambda done, index=index: tell(index * steps + done, 2 * steps),
        )
    now = _measured(table, generator, discriminator, measure, seed)
    raised = _measured(table, generator, best["discriminator"], measure, seed)
    lowered = _measured(table, best["generator"], discriminator, measure, seed)
    each = (raised - lowered).numpy()
    return DualityGap(
        value=float(each.mean()),
        interval=intervals.of_mean(each, seed=seed),
        discriminator_gain=float((raised - now).mean()),
        generator_gain=float((now - lowered).mean()),
        now=float(now.mean()),
        at_equilibrium=-float(torch.log(torch.tensor(2.0 if level_is_free else 4.0, dtype=torch.float64))),
        form="paired" if level_is_free else "levelled",
        steps=steps,
        n=len(measure.real),
    )


def _improved(
    player: Turn,
    generator: nn.Module,
    discriminator: nn.Module,
    table: _Table,
    play: _Side,
    choose: _Side,
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    progress: Callable[[int], None],
) -> nn.Module:
    """A copy of ``player`` that has moved alone: the best of the looks taken at it.

    The best is chosen on examples of their own, because what is measured later must not be chosen for; and
    the first one stays unless another is better by more than the error of that difference.
    """
    mover, other = (discriminator, generator) if player == "discriminator" else (generator, discriminator)
    mover, other = copy.deepcopy(mover).requires_grad_(True), copy.deepcopy(other).requires_grad_(False)
    G, D = (other, mover) if player == "discriminator" else (mover, other)
    sign = -1.0 if player == "discriminator" else 1.0
    optimiser = torch.optim.Adam(mover.parameters(), lr=learning_rate, betas=(0.0, 0.99))
    rng = Rng(seed)
    first = sign * _measured(table, G, D, choose, seed)
    best, kept = 0.0, copy.deepcopy(mover)
    every = max(1, steps // _LOOKS)
    for step in range(1, steps + 1):
        rng.move_to(step)
        pick = rng.integers(len(play.real), table.batch)
        loss = sign * table.value(G, D, *play.rows(pick), table.prior(rng, table.batch)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % every == 0 or step == steps:
            gain = first - sign * _measured(table, G, D, choose, seed)  # of each example
            found = gain.mean().item() - gain.std().item() / len(gain) ** 0.5
            if found > best:  # False where it is not finite
                best, kept = found, copy.deepcopy(mover)
        progress(step)
    return kept


@torch.no_grad()
def _measured(
    table: _Table, generator: nn.Module, discriminator: nn.Module, side: _Side, seed: int
) -> Tensor:
    """V of each example of a part, ``(n,)`` float64, with latents fixed by the seed."""
    z = table.prior.seeded(len(side.real), seed=key(seed, 0xE4A1) & 0x7FFFFFFF)
    values: list[Tensor] = []
    for start in range(0, len(z), table.batch):
        pick = torch.arange(start, min(start + table.batch, len(z)))
        values.append(table.value(generator, discriminator, *side.rows(pick), z[pick]).double())
    return torch.cat(values)


def _flat(logits: Tensor) -> Tensor:
    return logits.float() if logits.dim() == 1 else logits.flatten(1).mean(1).float()


def _silent(done: int, total: int) -> None:
    del done, total
