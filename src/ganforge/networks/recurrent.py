"""Players of series: one writes a series step by step, the other judges whole ones by convolutions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.columns import Columnar
from ganforge.core.declared import DiscriminatorTraits, GeneratorTraits
from ganforge.core.errors import RecipeError
from ganforge.core.rng import Rng
from ganforge.core.sequential import Sequential
from ganforge.core.space import Space
from ganforge.networks.columns import ColumnsGenerator, Foreseen
from ganforge.networks.layers import Head, leaky
from ganforge.networks.residual import ResidualTrunk
from ganforge.networks.scale import Relations

__all__ = ["RecurrentDiscriminator", "RecurrentGenerator"]

_ORDER = 2  # earlier steps that are seen as they are, beside the network's memory
_SMALLEST, _LARGEST = -7.0, 2.0  # log deviations of a step's numbers
_CERTAIN = 30.0  # logits, by which what is held is likelier than all else
_FARTHEST = 8.0  # deviations from a feature's mean, that a number may lie


@dataclass(frozen=True)
class Foretold:
    """What the generator expects of each step that follows real ones, and of what lasts.

    Attributes:
        states: logits ``(N, T, S)``.
        shares: log shares of the components ``(N, T, M)``; of no numbers M is 0.
        means, spreads: of each component, ``(N, T, M, V)``; spreads are log deviations.
        table: what is foretold of what lasts; None where nothing differs.
    """

    states: Tensor
    shares: Tensor
    means: Tensor
    spreads: Tensor
    table: Foreseen | None


class _OfSeries:
    """What both players say of themselves."""

    @classmethod
    def allows(cls, space: Space) -> bool:
        return isinstance(space.codec, Sequential)


class RecurrentGenerator(_OfSeries, nn.Module, GeneratorTraits):
    """A latent, and what is given of a series, to a whole one.

    What lasts through a series is written first, as a row of a table (``columns``). Then each step follows
    from the last two, from a memory of all before (a gated recurrent unit: Cho et al. 2014, arXiv 1406.1078)
    and from what is known ahead, such as its place: first its states, then its numbers from a mixture of
    normal distributions (Bishop 1994, 'Mixture Density Networks'), each with a full covariance. All chance is
    in the latent, so what is written can be followed back by its gradient.

    Args:
        condition: numbers that every step is told, of what the whole example shall be.
        width: of the memory.
        depth: of the layers of what lasts.
        components: of the mixture.
        jitter: deviation of the normal noise on what the network is taught to go on from, so that it
            forgives its own errors.
        chained: whether the groups of states of a step are written one after another, each from those before
            it, and not all at once.
        related: whether states on a scale are likelier by how far they lie from each other (``scale``).
        judged_every: the discriminator plays in one round of so many: whole examples are dear to write.
    """

    name = "recurrent"
    words = "a recurrent network that writes a series step by step, from any beginning that is given"
    dims = (1,)
    usual_rate = 2e-3

    def __init__(
        self,
        *,
        space: Space,
        latent: int,
        condition: int = 0,
        width: int,
        depth: int,
        components: int = 4,
        jitter: float = 0.05,
        chained: bool = False,
        related: bool = False,
        judged_every: int = 1,
    ) -> None:
        super().__init__()
        self.codec = codec = cast(Sequential, space.codec)
        self.steps = space.shape[1]
        self.lasting = codec.lasting
        self.front = latent - codec.chances
        table = codec.table
        self.head: ColumnsGenerator | None = None
        least = 1 if table is None else cast(Columnar, table.codec).chances + 1
        if self.front < least:
            raise RecipeError(
                f"latent is {latent}; these series need at least {codec.chances + least:,} numbers of chance:"
                f" --set latent={codec.chances + least + 15}"
            )
        if components < 1:
            raise RecipeError(f"generator.components is {components}; it must be at least 1")
        if judged_every < 1:
            raise RecipeError(f"generator.judged_every is {judged_every}; it must be at least 1")
        self.judged_every = judged_every
        if table is not None:
            self.head = ColumnsGenerator(space=table, latent=self.front, width=width, depth=depth)
        self.blocks = 0 if self.head is None else self.head.blocks
        self.numbers = list(codec.numbers)
        self.states = [i for group in codec.choices for i in group]
        self.groups = [[self.states.index(i) for i in group] for group in codec.choices]
        ends = list(accumulate(map(len, self.groups)))
        self.spans = [slice(end - len(group), end) for end, group in zip(ends, self.groups, strict=True)]
        self.unrolled = self.steps * (max(len(self.groups), 1) if chained else 1)
        self.held = dict(codec.held)
        self.components, self.jitter = components, jitter
        changing = space.shape[0] - self.lasting
        values = len(self.numbers)
        with torch.no_grad():  # how many numbers are known ahead of a step
            ahead = codec.context(torch.zeros(1, self.lasting)).shape[1]
        # Both the memory's entrance and the way around it see what stands before and what is known ahead.
        self.before = nn.Linear(_ORDER * changing, 2 * width)
        self.ahead = nn.Linear(ahead + self.lasting + 1 + condition, 2 * width)
        self.memory = nn.GRU(width, width, batch_first=True)
        self.deep = nn.Linear(width, width)
        self.of_states = nn.Linear(width, len(self.states)) if self.states and not chained else None
        self.chain = _Chain(width, [len(group) for group in self.groups]) if self.states and chained else None
        self.relations: Relations | None = None
        if related and not (chained and codec.degrees):
            raise RecipeError("generator.related is for chained states on a scale, such as pitches")
        if related:
            self.relations = Relations(width, self.spans, codec.degrees, codec.octave)
        if not values:
            return
        self.of_numbers = nn.Linear(width + len(self.states), components * (1 + 2 * values))
        self.onward = nn.Linear(_ORDER * values, values)
        self.beside = nn.Parameter(torch.zeros(components, values, values))  # below the diagonal alone
        with torch.no_grad():  # at the start each number stays about as it was
            self.of_numbers.weight.mul_(0.3)
            self.onward.weight.zero_()
            self.onward.weight[:, :values] = 0.9 * torch.eye(values)

    # -- one step ----------------------------------------------------------------------------------------

    def _pasts(self, x: Tensor) -> Tensor:
        """Series ``(N, T, C)`` to what stands before each step, the last first, ``(N, T, 2C)``."""
        return torch.cat([F.pad(x, (0, 0, k, 0))[:, : x.shape[1]] for k in range(1, _ORDER + 1)], 2)

    def _ahead(self, lasting: Tensor, alive: Tensor, mask: Tensor) -> Tensor:
        """``(N, lasting)`` to what is made of all that is known of each step ahead, ``(N, T, 2 width)``."""
        context = torch.cat([self.codec.context(lasting), alive], 1).transpose(1, 2)
        known = torch.cat([lasting, mask[:, self.blocks + self.steps :]], 1)
        return self.ahead(torch.cat([context, known[:, None].expand(-1, self.steps, -1)], 2))

    def _seen(self, past: Tensor, ahead: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
        """What is made of the past ``(N, t, 2C)``, ``(N, t, width)``, and the memory after it."""
        entering, around = (self.before(past) + ahead).chunk(2, 2)
        h, after = self.memory(F.silu(entering), memory)
        h = F.silu(h + around)
        return h + F.silu(self.deep(h)), after

    def _states(self, h: Tensor, states: Tensor, past: Tensor) -> Tensor:
        """Logits of the states beside the true ones, ``(N, t, S)`` both."""
        if self.chain is None:
            found = h.new_zeros(*h.shape[:2], 0) if self.of_states is None else self.of_states(h).float()
            return self._holding(found, states, past) if self.held else found
        parts = [self.chain(k, h, states[..., : span.start]).float() for k, span in enumerate(self.spans)]
        if self.relations is not None:
            classes = self.relations.classes(states)
            before = classes.cumsum(1) - classes
            for k in self.relations.groups:
                now = states[..., : self.spans[k].start]
                parts[k] = parts[k] + self.relations(k, h, now, self._before(past), before).float()
        return self._holding(torch.cat(parts, 2), states, past)

    def _before(self, past: Tensor) -> Tensor:
        """The states of the step before ``(…, S)``, of what stands before a step ``(…, 2C)``."""
        return past[..., self.states]

    def _holding(self, logits: Tensor, states: Tensor, past: Tensor) -> Tensor:
        """Logits ``(N, t, S)`` that say what was before, where a group is held."""
        parts = [logits[..., span] for span in self.spans]
        for k, flag in self.held.items():
            stays = past[..., self._of_states(k)]
            parts[k] = parts[k] + (_CERTAIN * (1.0 - states[..., self.spans[flag]])) * stays
        return torch.cat(parts, 2)

    def _of_states(self, k: int) -> slice:
        """Places of the states of a group that is held, among the channels that change."""
        span = self.spans[k]
        return slice(self.states[span.start], self.states[span.stop - 1] + 1)

    def _numbers(self, h: Tensor, states: Tensor, past: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log shares, means and log deviations of the components, beside states ``(N, t, S)``."""
        values = len(self.numbers)
        if not values:
            none = h.new_zeros(*h.shape[:2], 0)
            return none, none[..., None], none[..., None]
        changing = past.shape[2] // _ORDER
        out = self.of_numbers(torch.cat([h, states], 2)).float()
        out = out.unflatten(2, (self.components, 1 + 2 * values))
        before = torch.cat([past[:, :, k * changing :][:, :, self.numbers] for k in range(_ORDER)], 2)
        means = out[..., 1 : 1 + values] + self.onward(before)[:, :, None]
        spreads = (out[..., 1 + values :] - 1.0).clamp(_SMALLEST, _LARGEST)
        return out[..., 0].log_softmax(2), means, spreads

    # -- as a completion (``games.completion``) ----------------------------------------------------------

    def masks(self, rng: Rng, n: int) -> Tensor:
        """What is given of ``n`` series, ``(n, blocks + T)``: of half of them some of what lasts and no step,
        of the others all that lasts and a beginning."""
        some = (rng.uniform(n, max(self.blocks, 1)) < rng.uniform(n, 1)).float()[:, : self.blocks]
        begun = (rng.uniform(n, 1) < 0.5).float()
        ends = rng.uniform(n, 1) * self.steps
        steps = (torch.arange(self.steps, device=ends.device) < ends).float() * begun
        return torch.cat([torch.maximum(some, begun.expand_as(some)), steps], 1)

    def logits(self, z: Tensor, given: Tensor, mask: Tensor) -> Foretold:
        """What follows each real step of ``given`` ``(N, C, T)``; latents are the noise on what is seen."""
        lasting = given[:, : self.lasting, 0]
        x = given[:, self.lasting :].transpose(1, 2)
        noise = z[:, self.front :].unflatten(1, (self.steps, -1))[:, :, : x.shape[2]]
        past = self._pasts(x + self.jitter * noise) if self.jitter else self._pasts(x)
        h, _ = self._seen(past, self._ahead(lasting, self.codec.alive(lasting), mask), None)
        table = None
        if self.head is not None:
            table = self.head.logits(z[:, : self.front], lasting, mask[:, : self.blocks])
        states = x[:, :, self.states]
        # What is held is held exactly: noise on the past is for what the network reads alone.
        return Foretold(self._states(h, states, self._pasts(x)), *self._numbers(h, states, past), table)

    def likelihood(self, found: Foretold, real: Tensor, mask: Tensor) -> Tensor:
        """Minus the log likelihood of ``real`` ``(N, C, T)``, the mean over numbers and states, ``(N,)``."""
        x = real[:, self.lasting :].transpose(1, 2)
        alive = self.codec.alive(real[:, : self.lasting, 0])[:, 0]
        loss = x.new_zeros(x.shape[:2])
        states = x[:, :, self.states]
        there = torch.ones_like(x[:, :, self.numbers])
        for group in self.groups:
            own, truth = found.states[:, :, group], states[:, :, group]
            if len(group) == 1:
                loss = loss + F.binary_cross_entropy_with_logits(own, truth, reduction="none")[:, :, 0]
            else:
                loss = loss - (truth * own.log_softmax(2)).sum(2)
        for k, number in enumerate(self.numbers):  # nothing is known of a number where a state stands for it
            own = [i for i, state in enumerate(self.states) if self._owner(state) == number]
            if own:
                there[:, :, k] = 1.0 - states[:, :, own].sum(2).clamp(max=1.0)
        each = len(self.numbers) + len(self.groups)
        if not self.numbers:
            return (loss * alive).sum(1) / alive.sum(1).clamp_min(1.0) / each
        apart = (x[:, :, None, self.numbers] - found.means) * torch.exp(-found.spreads) * there[:, :, None]
        apart = apart + torch.einsum("mij,ntmj->ntmi", torch.tril(self.beside, -1), apart) * there[:, :, None]
        logs = -0.5 * apart.square() - (found.spreads + 0.5 * math.log(2.0 * math.pi)) * there[:, :, None]
        loss = loss - torch.logsumexp(found.shares + logs.sum(3), 2)
        loss = (loss * alive).sum(1) / alive.sum(1).clamp_min(1.0) / each
        if self.head is not None and found.table is not None:
            lasting = real[:, : self.lasting, 0]
            loss = loss + self.head.likelihood(found.table, lasting, mask[:, : self.blocks])
        return loss

    def _owner(self, state: int) -> int:
        """The number that a lone state goes with: the last one before it."""
        alone = any(group == (state,) for group in self.codec.choices)
        return max((i for i in self.numbers if i < state), default=-1) if alone else -1

    def fill(self, found: Foretold, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Whole series: what is given, and the rest."""
        del found  # each step follows from those that are made, not from real ones
        return self.complete(z, given, mask)

    def complete(self, z: Tensor, given: Tensor, mask: Tensor, held: Tensor | None = None) -> Tensor:
        """Series ``(N, C, T)`` with what is in the mask ``(N, blocks + T)`` as ``given``.

        Of a network with a condition, that stands after the mask. States that are ``held`` ``(N, S)``, such
        as those of a whole voice, are as given at every step; what is written after them hears them.
        """
        lasting = given[:, : self.lasting, 0]
        if self.head is not None:
            lasting = self.head.complete(z[:, : self.front], lasting, mask[:, : self.blocks])
        alive = self.codec.alive(lasting)
        ahead = self._ahead(lasting, alive, mask)
        kept = mask[:, self.blocks : self.blocks + self.steps, None]
        real = given[:, self.lasting :].transpose(1, 2)
        chance = z[:, self.front :].unflatten(1, (self.steps, -1))
        apart = chance[:, :, None, :0]
        if self.numbers:
            root = _inverse(self.beside)
            apart = torch.einsum("mij,ntj->ntmi", root, chance[:, :, : len(self.numbers)])
        level = (0.5 + 0.5 * torch.erf(chance[:, :, len(self.numbers) :] / math.sqrt(2.0))).clamp(
            1e-6, 1.0 - 1e-6
        )
        noise = self._noise(level[:, :, 1:])
        nothing = real.new_zeros(z.shape[0], real.shape[2])
        row = [nothing] * _ORDER
        memory: Tensor | None = None
        before = nothing[:, :0]
        for t in range(self.steps):
            past = torch.cat(row[: -_ORDER - 1 : -1], 1)[:, None]
            h, memory = self._seen(past, ahead[:, t : t + 1], memory)
            if self.relations is not None:
                classes = self.relations.classes(row[-1][:, self.states])
                before = classes if t == 0 else before + classes
            kept_states = None if held is None else (held, real[:, t, self.states])
            made = self._step(h, past, before, apart[:, t], level[:, t, :1], noise[:, t], kept_states)
            if self.states:
                made = self.codec.stepped(made[:, :, None], alive[:, :, t : t + 1])[:, :, 0]
            else:
                made = made * alive[:, 0, t : t + 1]
            row.append(torch.lerp(made, real[:, t], kept[:, t]))
        whole = torch.cat([lasting[:, :, None].expand(-1, -1, self.steps), torch.stack(row[_ORDER:], 2)], 1)
        return torch.lerp(self.codec.settled(whole), whole, kept.amax(1, keepdim=True))

    def _noise(self, level: Tensor) -> Tensor:
        """Uniform chance ``(N, T, S)`` to what is added to logits: Gumbel, or of a lone state logistic."""
        lone = torch.tensor(
            [len(g) == 1 for g in self.groups for _ in g], dtype=torch.bool, device=level.device
        )
        log = torch.log(level)
        return torch.where(lone, log - torch.log1p(-level), -torch.log(-log))

    def _step(
        self,
        h: Tensor,
        past: Tensor,
        before: Tensor,
        apart: Tensor,
        level: Tensor,
        noise: Tensor,
        kept: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """One step ``(N, C)``, before it is settled.

        Args:
            before: how often each pitch class has been there, ``(N, octave)``; of no scale nothing.
            apart: ``(N, M, V)``, how far the numbers lie from each component's means, in deviations.
            level: ``(N, 1)`` uniform chance of the component.
            noise: ``(N, S)``, on the states' logits.
            kept: which states are given, 0 or 1, and as what, ``(N, S)`` both.
        """
        states = h.new_zeros(h.shape[0], 0)
        logits = h.new_zeros(h.shape[0], len(self.states))
        if self.of_states is not None:
            logits = self.of_states(h)[:, 0].float()
        parts: list[Tensor] = []
        for k, span in enumerate(self.spans):
            own = logits[:, span] if self.chain is None else self.chain(k, h[:, 0], states).float()
            if self.relations is not None and k in self.relations.groups:
                own = own + self.relations(k, h[:, 0], states, self._before(past[:, 0]), before).float()
            if k in self.held:
                stays = past[:, 0, self._of_states(k)]
                own = own + (_CERTAIN * (1.0 - parts[self.held[k]])) * stays
            noisy = own + noise[:, span]
            if noisy.shape[1] == 1:
                soft = torch.sigmoid(noisy)
                hot = (noisy > 0).to(soft) + (soft - soft.detach())
            else:
                soft = torch.softmax(noisy, 1)
                hot = (noisy == noisy.amax(1, keepdim=True)).to(soft) + (soft - soft.detach())
            if kept is not None:
                hot = torch.lerp(hot, kept[1][:, span], kept[0][:, span])
            parts.append(hot)
            states = torch.cat([states, hot], 1)
        if not self.numbers:
            return states
        shares, means, spreads = (part[:, 0] for part in self._numbers(h, states[:, None], past))
        # The component is chosen by the likelihood's shares; only its numbers pass a gradient on.
        below = shares.detach().exp().cumsum(1)[:, :-1] < level
        one = F.one_hot(below.sum(1), self.components).to(means)[:, :, None]
        numbers = ((means + torch.exp(spreads) * apart) * one).sum(1).clamp(-_FARTHEST, _FARTHEST)
        if not self.states:
            return numbers
        order = [*self.numbers, *self.states]
        return torch.cat([numbers, states], 1)[:, [order.index(i) for i in range(len(order))]]

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        nothing = z.new_zeros(z.shape[0], self.codec.space.shape[0], self.steps)
        mask = z.new_zeros(z.shape[0], self.blocks + self.steps)
        return self.complete(z, nothing, mask if condition is None else torch.cat([mask, condition], 1))


class _Chain(nn.Module):
    """Logits of groups of states, each from those before it, those of several by a layer of its own."""

    def __init__(self, width: int, sizes: list[int]) -> None:
        super().__init__()
        inside = max(width // 2, 1)
        self.enter, self.leave = nn.ModuleList(), nn.ModuleList()
        for k, size in enumerate(sizes):
            known = width + sum(sizes[:k])
            self.enter.append(
                nn.Sequential(nn.Linear(known, inside), nn.SiLU()) if size > 1 else nn.Identity()
            )
            self.leave.append(nn.Linear(inside if size > 1 else known, size))

    def forward(self, k: int, h: Tensor, before: Tensor) -> Tensor:
        """Of group ``k``, from ``h (…, width)`` and the states before it ``(…, B)``, ``(…, size)``."""
        return self.leave[k](self.enter[k](torch.cat([h, before], -1)))


def _inverse(below: Tensor) -> Tensor:
    """(I + N)⁻¹ ``(M, V, V)`` of what stands below the diagonal: (I − N)(I + N²)(I + N⁴)…, until Nᵏ is 0."""
    size = below.shape[-1]
    unit = torch.eye(size, device=below.device)
    power = -torch.tril(below, -1)
    found, known = unit + power, 2
    while known < size:
        power = power @ power
        found, known = found @ (unit + power), 2 * known
    return found


class RecurrentDiscriminator(_OfSeries, nn.Module, DiscriminatorTraits):
    """Whole series, and what of them was given, to logits: residual blocks of 1-D convolutions."""

    name = "recurrent"
    words = "residual blocks over time that judge whole series and know what was given of them"
    dims = (1,)
    usual_rate = 5e-4
    examples_are_independent = True

    def __init__(self, *, space: Space, condition: int = 0, width: int, depth: int) -> None:
        super().__init__()
        codec = cast(Sequential, space.codec)
        table = codec.table
        self.conditions = condition
        self.blocks = 0 if table is None else len(cast(Columnar, table.codec).slices)
        self.steps = space.shape[1]
        inner = replace(space, shape=(space.shape[0] + self.blocks + 1 + condition, self.steps))
        self.trunk = ResidualTrunk(
            space=inner, width=width, depth=max(depth, 1), block="dense", growth=1.5, cap=2.0
        )
        self.basis = nn.Parameter(torch.randn(self.trunk.channels, *self.trunk.sides))
        self.scale = self.basis[0].numel() ** -0.5
        self.head = Head(self.trunk.channels, 0)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.trunk(self._beside(x, None))

    def _beside(self, x: Tensor, mask: Tensor | None) -> Tensor:
        parts = self.blocks + self.steps
        if mask is None:
            mask = x.new_zeros(len(x), parts + self.conditions)
        elif mask.shape[1] == self.conditions:  # nothing was given
            mask = torch.cat([x.new_zeros(len(x), parts), mask], 1)
        lasting = torch.cat([mask[:, : self.blocks], mask[:, parts:]], 1)
        return torch.cat(
            [x, lasting[:, :, None].expand(-1, -1, self.steps), mask[:, None, self.blocks : parts]], 1
        )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``condition`` is the mask ``(N, blocks + T)`` of what was given. The condition of a network that
        has one stands after it, or alone; without a mask nothing was given."""
        last = leaky(self.trunk(self._beside(x, condition))[-1].float())
        return self.head((last * self.basis).flatten(2).sum(2) * self.scale, None)
