"""A GAN on one page: a training step from batch to update, and the loop around it.

    python examples/minimal.py          eight clumps of points on a circle: half a minute on one core

``step`` is what a round of ``gan train`` does, bit for bit, in the game duel with the objective relativistic
and the penalties r1 and r2 (R3GAN, arXiv 2501.05441); tests/training/test_minimal.py holds the two together.
"""

from copy import deepcopy

import torch
from torch import nn
from torch.nn.functional import softplus


def step(G, D, adam_G, adam_D, average, real, z, *, gamma, decay):
    """One round: the discriminator's step, the generator's step, and the moving average.

    ``G``: latents ``z (N, L)`` to samples ``(N, *shape)``. ``D``: samples to logits ``(N,)``, high is real.
    ``gamma``: weight of R1 and R2. ``average`` follows ``G`` and keeps the share ``decay`` of itself.
    """
    # The discriminator's turn. No gradient reaches the generator: its fakes are detached.
    fake = G(z)
    x, y = real.detach().requires_grad_(), fake.detach().requires_grad_()
    r, f = D(torch.cat([x, y])).chunk(2)
    loss = softplus(f - r)  # which of the two is real? arXiv 1807.00734, RpGAN
    slopes = torch.autograd.grad(r.sum() + f.sum(), (x, y), create_graph=True)
    at_real, at_fake = (slope.flatten(1).square().sum(1) for slope in slopes)
    loss = loss + 0.5 * gamma * (at_real + at_fake)  # R1 and R2: arXiv 1801.04406, equation 9
    update(adam_D, loss)
    # The generator's turn: the same fakes, now with their graph, through the discriminator as it is now.
    with torch.no_grad():
        r = D(real)
    update(adam_G, softplus(r - D(fake)))
    torch._foreach_lerp_(list(average.parameters()), list(G.parameters()), 1.0 - decay)


def update(optimiser, loss):
    """Move the parameters of this optimiser, and no others, down the mean of a loss per example ``(N,)``."""
    moving = [p for group in optimiser.param_groups for p in group["params"]]
    for p, gradient in zip(moving, torch.autograd.grad(loss.mean(), moving), strict=True):
        p.grad = gradient
    optimiser.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    centres = torch.tensor([(3, 0), (2, 2), (0, 3), (-2, 2), (-3, 0), (-2, -2), (0, -3), (2, -2)]) / 3.0
    G = nn.Sequential(nn.Linear(10, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 2))
    D = nn.Sequential(nn.Linear(2, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 1))
    D.append(nn.Flatten(0))
    adams = [torch.optim.Adam(network.parameters(), 1e-3, betas=(0.0, 0.9), fused=True) for network in (G, D)]
    average = deepcopy(G).requires_grad_(False)
    for i in range(1, 4_001):
        real = centres[torch.randint(8, (256,))] + 0.1 * torch.randn(256, 2)
        step(G, D, *adams, average, real, torch.randn(256, 10), gamma=0.02, decay=0.99)
        if i % 500 == 0:
            near = torch.cdist(average(torch.randn(4_000, 10)), centres).min(1)
            shares = near.indices.bincount(minlength=8).tolist()
            print(f"step {i:,}: {(near.values < 0.3).float().mean():.0%} are near a clump, in each {shares}")
