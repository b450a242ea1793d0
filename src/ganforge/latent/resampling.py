"""Samples that the discriminator helps to choose: by rejection, or by a walk through the latents.

Both need a calibrated discriminator: its log-odds then estimate log p_data / p_generator. Both change the
generator's distribution, so neither happens unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.prior import Prior
from ganforge.core.rng import Rng, key

__all__ = ["Rejected", "Walked", "acceptance", "langevin", "rejection"]

_BATCH = 512


@dataclass(frozen=True, eq=False)
class Rejected:
    """Latents that were kept.

    Attributes:
        latents: ``(N, L)``.
        tried: how many were drawn for them, those that set the bound not counted.
        accepted: share of the draws that was kept, 0…1.
        bound: the largest log-odds seen, the M of the method.
    """

    latents: Tensor
    tried: int
    accepted: float
    bound: float


def acceptance(log_odds: Tensor, bound: float, *, shift: float = 0.0) -> Tensor:
    """Chance that a sample is kept, ``(N,)`` (Azadi et al. 2019, eq. 8).

    σ(F − γ) with F = d − M − log(1 − exp(d − M − ε)), where d is the log-odds and M its bound. For γ = 0 it
    is exp(d − M): exact rejection sampling.

    Args:
        shift: γ; more than 0 keeps fewer, less than 0 keeps more than the exact method.
    """
    return torch.sigmoid(_f(log_odds, bound) - shift)


def _f(log_odds: Tensor, bound: float) -> Tensor:
    gap = (log_odds.double() - bound).clamp_max(-1e-9)  # ε: the best sample's chance has a logarithm
    return gap - torch.log(-torch.expm1(gap))


def rejection(
    log_odds: Callable[[Tensor], Tensor],
    prior: Prior,
    n: int,
    *,
    percentile: float | None = None,
    burn_in: int = 10_000,
    most: int = 200,
    seed: int = 0,
) -> Rejected:
    """``n`` latents by discriminator rejection sampling (Azadi et al. 2019, algorithm 1).

    Args:
        log_odds: latents ``(N, L)`` to the calibrated log-odds of their samples, ``(N,)``.
        percentile: γ is this percentile of F in the burn-in, 0…100 (the paper takes 80 or 95 of a batch;
            it keeps more than the exact method); None is γ = 0.
        burn_in: samples that set the bound M first; it goes on rising with what is seen.
        most: draws for each latent wanted, at most.

    Raises:
        UsageError: it would take more than ``most`` draws for each.
    """
    first = _all(log_odds, prior.seeded(burn_in, seed=key(seed, 8)))
    bound = first.max().item()
    # γ is fixed by the burn-in, so that a sample's chance does not depend on its batch.
    shift = 0.0 if percentile is None else torch.quantile(_f(first, bound), percentile / 100).item()
    expected = acceptance(first, bound, shift=shift).mean().item()
    kept: list[Tensor] = []
    count, tried = 0, 0
    while count < n:
        if expected * most < 1 or tried >= most * max(n, _BATCH):
            raise UsageError(
                f"the discriminator would keep fewer than 1 of {most} samples; keep more with --percentile 80"
            )
        z = prior.seeded(_BATCH, seed=key(seed, 9), start=tried)
        d = log_odds(z).cpu()
        bound = max(bound, d.max().item())
        toss = (Prior(1, "uniform").seeded(_BATCH, seed=key(seed, 10), start=tried)[:, 0] + 1) / 2
        keep = toss < acceptance(d, bound, shift=shift)
        kept.append(z[keep])
        count, tried = count + int(keep.sum()), tried + _BATCH
    return Rejected(torch.cat(kept)[:n], tried, count / tried, bound)


def _all(read: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    return torch.cat([read(part).cpu() for part in z.split(_BATCH)])


@dataclass(frozen=True, eq=False)
class Walked:
    """Latents after a walk.

    Attributes:
        latents: ``(N, L)``.
        accepted: share of the steps that were taken, 0…1.
        energy: mean energy before and after.
    """

    latents: Tensor
    accepted: float
    energy: tuple[float, float]


def langevin(
    log_odds: Callable[[Tensor], Tensor],
    prior: Prior,
    start: Tensor,
    *,
    steps: int = 100,
    step: float = 0.05,
    adjusted: bool = True,
    seed: int = 0,
) -> Walked:
    """Discriminator-driven latent sampling (Che et al. 2020, algorithm 1).

    Langevin's walk z ← z − ε/2 ∇E(z) + √ε n on the energy E(z) = |z|²/2 − d(G(z)); for a uniform prior the
    first term is 0 within the cube, and steps out of it are not taken. Beyond the paper: steps are accepted
    by Metropolis and Hastings' rule, which makes the walk exact at any ε, and random bits take part by
    tossing one of them a step, accepted by the same rule.

    Args:
        log_odds: latents ``(N, L)`` to the calibrated log-odds of their samples ``(N,)``, differentiable.
        start: ``(N, L)``, from the prior.
        steps: of the walk.
        step: ε.
        adjusted: False takes every smooth step, as the paper does.
    """
    rng = Rng(key(seed, 11))
    smooth = prior.size - prior.bits
    z = start.clone()
    energy, gradient = _energy(log_odds, prior, z)
    began = energy.mean().item()
    taken = 0.0
    for _ in range(steps):
        if smooth:
            noise = rng.normal(len(z), smooth)
            there = z.clone()
            there[:, :smooth] += -0.5 * step * gradient[:, :smooth] + step**0.5 * noise
            then, slope = _energy(log_odds, prior, there)
            forth = -noise.square().sum(1) / 2
            back = (z - there + 0.5 * step * slope)[:, :smooth].square().sum(1) / (-2 * step)
            ratio = energy - then + back - forth
            inside = then.isfinite()
            accept = inside & (rng.uniform(len(z)).log() < ratio) if adjusted else inside
            taken += accept.double().mean().item() / steps
            z = torch.where(accept[:, None], there, z)
            gradient = torch.where(accept[:, None], slope, gradient)
            energy = torch.where(accept, then, energy)
        if prior.bits:
            which = smooth + rng.integers(prior.bits, len(z))
            tossed = z.clone()
            tossed[torch.arange(len(z)), which] *= -1
            then, slope = _energy(log_odds, prior, tossed)
            accept = rng.uniform(len(z)).log() < energy - then
            z = torch.where(accept[:, None], tossed, z)
            gradient = torch.where(accept[:, None], slope, gradient)
            energy = torch.where(accept, then, energy)
    return Walked(z, taken, (began, energy.mean().item()))


def _energy(log_odds: Callable[[Tensor], Tensor], prior: Prior, z: Tensor) -> tuple[Tensor, Tensor]:
    """E(z) ``(N,)`` and its gradient ``(N, L)``; infinite outside a uniform prior's cube."""
    smooth = prior.size - prior.bits
    with torch.enable_grad():
        inputs = z.detach().clone().requires_grad_(True)
        energy = -log_odds(inputs).cpu()
        if prior.kind == "normal":
            energy = energy + inputs[:, :smooth].square().sum(1) / 2
        (gradient,) = torch.autograd.grad(energy.sum(), inputs)
    energy = energy.detach()
    if prior.kind == "uniform":
        outside = (z[:, :smooth].abs() > 1).any(1)
        energy = torch.where(outside, torch.inf, energy)
    return energy, gradient
