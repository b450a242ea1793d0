"""What others would train: the DCGAN of PyTorch's examples, written from its description.

Radford et al. 2016 with the example's settings: 100 latents, 64 channels at the finest grid, transposed
convolutions 4×4 with batch normalisation, Adam with a rate of 2e-4 and β₁ = .5, binary cross-entropy, batch
64, weights from N(0, .02). The example is for 64×64; each doubling of the side adds a stage to both players,
each halving takes one away. One thread, float32, nothing else.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

__all__ = ["Dcgan"]

_LATENTS, _CHANNELS = 100, 64


def _generator(stages: int) -> nn.Sequential:
    """Latents ``(N, 100, 1, 1)`` to pictures ``(N, 3, S, S)``, S = 4 · 2 ** stages."""
    width = _CHANNELS * 2 ** (stages - 1)
    layers: list[nn.Module] = [nn.ConvTranspose2d(_LATENTS, width, 4, 1, 0, bias=False)]
    for _ in range(stages - 1):
        layers += [nn.BatchNorm2d(width), nn.ReLU(True)]
        layers += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False)]
        width //= 2
    layers += [nn.BatchNorm2d(width), nn.ReLU(True), nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False)]
    return nn.Sequential(*layers, nn.Tanh())


def _discriminator(stages: int) -> nn.Sequential:
    """Pictures ``(N, 3, S, S)`` to logits ``(N, 1, 1, 1)``."""
    width = _CHANNELS
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
    for _ in range(stages - 1):
        layers += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2, True)]
        width *= 2
    return nn.Sequential(*layers, nn.Conv2d(width, 1, 4, 1, 0, bias=False))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class Dcgan:
    """The two players and one step of each.

    Args:
        pictures: ``(N, 3, S, S)`` uint8; S a power of two from 16.
        batch: examples a step; the example's own is 64.
    """

    def __init__(self, pictures: np.ndarray, *, batch: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.pictures, self.batch = torch.from_numpy(pictures), batch
        stages = round(math.log2(pictures.shape[-1] / 4))
        assert pictures.shape[-1] == 4 * 2**stages
        self.generator, self.discriminator = _generator(stages), _discriminator(stages)
        self.generator.apply(_initialise)
        self.discriminator.apply(_initialise)
        rate = {"lr": 2e-4, "betas": (0.5, 0.999)}
        self._step_d = torch.optim.Adam(self.discriminator.parameters(), **rate)
        self._step_g = torch.optim.Adam(self.generator.parameters(), **rate)
        # The sigmoid is in the loss, as float32 wants it.
        self._loss = nn.BCEWithLogitsLoss()
        self._order: list[Tensor] = []
        self.steps = self.shown = 0

    def step(self) -> None:
        """D on reals and on fakes, then G on the same fakes."""
        if not self._order:
            self._order = list(torch.randperm(len(self.pictures)).split(self.batch))[::-1]
        real = self.pictures[self._order.pop()].float() / 127.5 - 1
        fake = self.generator(torch.randn(len(real), _LATENTS, 1, 1))
        self._step_d.zero_grad()
        self._against(real, 1.0).backward()
        self._against(fake.detach(), 0.0).backward()
        self._step_d.step()
        self._step_g.zero_grad()
        self._against(fake, 1.0).backward()
        self._step_g.step()
        self.steps += 1
        self.shown += len(real)

    def _against(self, pictures: Tensor, target: float) -> Tensor:
        said = self.discriminator(pictures).flatten()
        return self._loss(said, torch.full_like(said, target))

    @torch.no_grad()
    def sample(self, n: int) -> np.ndarray:
        """``(n, 3, S, S)`` uint8, 64 at a time, normalised by their own statistics as the example does."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            kept = {name: value.clone() for name, value in self.generator.state_dict().items()}
            parts = [self.generator(torch.randn(64, _LATENTS, 1, 1)) for _ in range(-(-n // 64))]
            self.generator.load_state_dict(kept)  # the running statistics are the training's
        return ((torch.cat(parts)[:n] + 1) * 127.5).round().to(torch.uint8).numpy()

    def save(self, file: Path) -> None:
        save_file({name: value.contiguous() for name, value in self.generator.state_dict().items()}, file)

    def load(self, file: Path) -> None:
        self.generator.load_state_dict(load_file(file))
