"""What a discriminator thinks of examples, as a function that can be differentiated, and as a probability."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.logistic import fit_logistic
from ganforge.networks.layers import BATCH_NORM
from ganforge.networks.protocols import Discriminator
from ganforge.runs.discriminator import Judge

__all__ = ["Odds", "Opinion", "middle", "odds_of"]


@dataclass(frozen=True)
class Odds:
    """From logits to the odds of being real: log-odds slope · (logit − level).

    Attributes:
        level: the logit that means one half.
        slope: what a logit counts.
        how: in words, for whoever reads the probability.
    """

    level: float = 0.0
    slope: float = 1.0
    how: str = "raw: the sigmoid of the logit"

    def log_odds(self, logits: Tensor) -> Tensor:
        return self.slope * (logits - self.level)

    def probability(self, logits: Tensor) -> Tensor:
        return torch.sigmoid(self.log_odds(logits))


def odds_of(real: Tensor, fake: Tensor) -> Odds:
    """Fit σ(a · logit + b) to reals that training has not seen ``(N,)`` and as many fakes ``(M,)``.

    Platt 1999, with his targets (N + 1) / (N + 2) and 1 / (M + 2), which keep the slope finite where a
    threshold tells all apart; each side counts one half, so that even odds are assumed beforehand. The slope
    is never negative: a discriminator that prefers fakes tells nothing.
    """
    n, m = len(real), len(fake)
    assert n > 0
    assert m > 0
    x = torch.cat([real, fake]).double()
    centre, spread = x.mean(), x.std().clamp_min(1e-6)
    rows = torch.stack([(x - centre) / spread, torch.ones_like(x)], 1).numpy()  # (N + M, 2)
    target = np.repeat([(n + 1) / (n + 2), 1 / (m + 2)], [n, m])
    weight = np.repeat([0.5 / n, 0.5 / m], [n, m])
    a, b = fit_logistic(rows, target, weight, np.full(2, 1e-9)).weights.tolist()
    slope = max(a / spread.item(), 1e-6)
    level = centre.item() - b / slope
    return Odds(level, slope, f"calibrated on {n:,} held-out examples and {m:,} generated ones")


def middle(real: Tensor | None, fake: Tensor) -> Odds:
    """For objectives whose level is free (relativistic, Wasserstein), where nothing better is at hand.

    The level is halfway between the medians of reals and fakes, or the fakes' median without reals.
    """
    level = fake.median().item()
    if real is None or not len(real):
        return Odds(level, 1.0, "not calibrated: the sigmoid of the logit above the fakes' median")
    level = (level + real.median().item()) / 2
    return Odds(level, 1.0, "not calibrated: the sigmoid of the logit above the middle level")


class Opinion:
    """The discriminator of a run, differentiable, for one example at a time.

    Where the network judges examples in company (packing, batch statistics), every example is judged in
    the same company, which gets no gradient.

    Args:
        judge: see ``runs.discriminator``.
        odds: how logits become probabilities.
        company: ``(K, *space.shape)`` in declared units: examples to be judged beside; samples of the
            generator where probabilities of samples are asked for. Needed for packing and batch statistics.
        condition: ``(K, C)`` of the company.
    """

    def __init__(
        self,
        judge: Judge,
        odds: Odds | None = None,
        *,
        company: Tensor | None = None,
        condition: Tensor | None = None,
    ) -> None:
        self.network = copy.deepcopy(judge.network).eval().requires_grad_(False)
        self.space, self.packing, self.conditions = judge.space, judge.packing, judge.conditions
        self.odds = odds or Odds()
        self._device = next(self.network.parameters()).device
        batches = [m for m in self.network.modules() if isinstance(m, tuple(BATCH_NORM.values()))]
        for module in batches:
            module.train()  # the running statistics mix reals and fakes
            module.momentum = 0.0
        self.alone = not batches and judge.packing == 1
        places = judge.packing - 1 if not batches else max(31, judge.packing - 1)
        places += -(places + 1) % judge.packing
        if self.alone:
            self._company, self._beside = None, None
            return
        if company is None or len(company) < places:
            raise UsageError(f"this discriminator judges in company; give at least {places} more examples")
        self._company = self.space.to_model(company[:places]).to(self._device)
        self._beside = None if condition is None else condition[:places].to(self._device)

    def logits(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, *space.shape)`` in model units → ``(N,)``; differentiable by ``x``.

        ``condition`` is ``(N, C)`` where the discriminator takes one; else UsageError.
        """
        if (condition is None) != (self.conditions == 0):
            raise UsageError(f"this discriminator takes {self.conditions or 'no'} conditions")
        x = x.to(self._device)
        condition = None if condition is None else condition.to(self._device)
        if self.alone:
            return self._each(self.network(x, condition))
        assert self._company is not None
        found: list[Tensor] = []
        for i in range(len(x)):
            beside = None
            if condition is not None:
                assert self._beside is not None
                beside = torch.cat([condition[i : i + 1], self._beside])
            found.append(self._each(self.network(torch.cat([x[i : i + 1], self._company]), beside))[:1])
        return torch.cat(found)

    def probability(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, *space.shape)`` in model units → the probability of being real, ``(N,)``."""
        return self.odds.probability(self.logits(x, condition))

    def _each(self, logits: Tensor) -> Tensor:
        return logits.float().flatten(1).mean(1) if logits.dim() > 1 else logits.float()

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The stages' activations of ``x (N, *space.shape)`` in model units."""
        return cast(Discriminator, self.network).features(x.to(self._device))
