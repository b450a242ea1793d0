"""Logits of places on a scale from other places on it: what counts is how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Relations"]

_LOUD = 4.0  # times that a weight counts: a thousand steps of Adam carry it far enough


class Relations(nn.Module):
    """Log-linear ties between notes, the same in every key.

    A place gains a weight for its distance to what each other voice has at the same step and to what every
    voice had at the step before, and a weight for its distance, within the octave, to each pitch class that
    has sounded (Hadjeres, Sakellariou and Pachet 2016, arXiv 1609.05152). How much each tie counts depends on
    the network's memory.

    Args:
        width: of the memory.
        spans: of each group its channels among the states.
        degrees: of the groups that lie on the scale the place of each state, −1 of none
            (``core.sequential``).
        octave: places after which the scale repeats itself.
    """

    def __init__(
        self, width: int, spans: list[slice], degrees: Mapping[int, tuple[int, ...]], octave: int
    ) -> None:
        super().__init__()
        self.octave = octave
        self.groups = list(degrees)
        first = {k: next(i for i, place in enumerate(places) if place >= 0) for k, places in degrees.items()}
        self.low = min(degrees[k][i] for k, i in first.items())
        high = max(max(places) for places in degrees.values())
        self.range = high - self.low + 1
        self.spans = {k: slice(spans[k].start + first[k], spans[k].stop) for k in self.groups}
        self.skipped = first
        self.start = {k: degrees[k][first[k]] - self.low for k in self.groups}
        self.ties, self.keys, self.gates = nn.ParameterList(), nn.ParameterList(), nn.ModuleList()
        for at in range(len(self.groups)):
            sources = at + len(self.groups)
            self.ties.append(nn.Parameter(torch.zeros(sources, 2 * self.range - 1)))
            self.keys.append(nn.Parameter(torch.zeros(2, octave)))
            gate = nn.Linear(width, sources + 2)
            with torch.no_grad():
                gate.weight.zero_()
                gate.bias.fill_(1.0)
            self.gates.append(gate)
        places = torch.arange(self.range)
        self.register_buffer("apart", places - places[:, None] + self.range - 1, persistent=False)
        classes = torch.arange(octave)
        self.register_buffer("within", (places - classes[:, None]) % octave, persistent=False)

    def canvas(self, states: Tensor, k: int) -> Tensor:
        """States ``(…, S)`` to where group ``k`` is on the whole scale, ``(…, range)``."""
        own = states[..., self.spans[k]]
        return F.pad(own, (self.start[k], self.range - self.start[k] - own.shape[-1]))

    def classes(self, states: Tensor) -> Tensor:
        """Of states ``(…, S)`` how many groups have each pitch class, ``(…, octave)``."""
        total = torch.stack([self.canvas(states, k) for k in self.groups]).sum(0)
        total = F.pad(total, (0, -self.range % self.octave))
        return total.unflatten(-1, (-1, self.octave)).sum(-2)

    def forward(self, k: int, h: Tensor, now: Tensor, before: Tensor, notes: Tensor) -> Tensor:
        """What is added to the logits of group ``k``, ``(…, size)``.

        Args:
            h: the memory, ``(…, width)``.
            now: the states of this step in the groups before ``k``, ``(…, B)``.
            before: all states of the step before, ``(…, S)``.
            notes: sums of :meth:`classes` over all steps before, ``(…, octave)``.
        """
        at = self.groups.index(k)
        there = [self.canvas(now, j) for j in self.groups[:at]]
        there += [self.canvas(before, j) for j in self.groups]
        gates = self.gates[at](h)[..., None]
        sources = torch.stack(there, -2) * gates[..., :-2, :]
        ties = self.ties[at][:, self.apart]  # (sources, range, range)
        found = sources.flatten(-2) @ ties.flatten(0, 1)
        shares = notes / notes.sum(-1, keepdim=True).clamp_min(1.0)
        known = torch.stack([shares, notes.clamp(max=1.0)], -2) * gates[..., -2:, :]
        found = found + known.flatten(-2) @ self.keys[at][:, self.within].flatten(0, 1)
        own = self.spans[k]
        found = found[..., self.start[k] : self.start[k] + own.stop - own.start]
        return _LOUD * F.pad(found, (self.skipped[k], 0))
