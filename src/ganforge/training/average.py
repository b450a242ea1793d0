"""The moving average of the generator: what samples are made from."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ganforge.training import foreach

__all__ = ["MovingAverage"]


class MovingAverage:
    """Exponential moving average of a network's parameters, its half-life counted in examples.

    Buffers are copied. The half-life is ``min(ema_nimg, ema_ramp · nimg)``, so that the first,
    bad parameters are forgotten early (Karras et al. 2020, arXiv 2006.06676, appendix).

    Args:
        network: the network that is followed.
        ema_nimg: half-life in examples; 0 follows without averaging.
        ema_ramp: share of the examples seen so far that the half-life is at most; 0 is no ramp.
    """

    def __init__(self, network: nn.Module, *, ema_nimg: float, ema_ramp: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.ema_nimg = ema_nimg
        self.ema_ramp = ema_ramp
        self._average = list(self.network.parameters())
        self._live = list(network.parameters())
        self._buffers = list(zip(self.network.buffers(), network.buffers(), strict=True))

    def decay(self, nimg: int, step: int) -> float:
        """What remains of the average when ``step`` examples have been shown after ``nimg``."""
        half_life = self.ema_nimg
        if self.ema_ramp > 0:
            half_life = min(half_life, self.ema_ramp * nimg)
        return 0.5 ** (step / half_life) if half_life > 0 else 0.0

    @torch.no_grad()
    def update(self, nimg: int, step: int) -> None:
        """Follow the network after a round of ``step`` examples that began at ``nimg``."""
        foreach.lerp_(self._average, self._live, 1.0 - self.decay(nimg, step))
        for average, live in self._buffers:
            average.copy_(live)
