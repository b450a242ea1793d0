"""From an example back to its latent: by an encoder, by optimisation, or by both, whole or in part.

With a mask it is inpainting, with strokes it is drawing by example, and what cannot be rebuilt is a measure
of how strange the example is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor, nn

from ganforge.core.prior import Prior
from ganforge.core.rng import Rng, key, permutation
from ganforge.core.space import Space
from ganforge.networks.encoder import Encoder
from ganforge.networks.layers import seeded
from ganforge.runs.files import machine_faults, read_sealed, sealed, sha256, write_atomically
from ganforge.runs.sampler import GeneratorSampler

__all__ = ["Inverted", "anomaly_scores", "invert", "legal", "read_encoder", "train_encoder", "write_encoder"]

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Inverted:
    """Examples and the latents that come nearest to them.

    Attributes:
        latents: ``(N, L)``.
        rebuilt: ``(N, *space.shape)`` in declared units: the samples of these latents.
        filled: the examples where the mask is 1, the samples where it is 0.
        error: mean squared difference where the mask is 1, ``(N,)``; bounded examples on a scale of 0 to 1,
            points in standardised units.
    """

    latents: Tensor
    rebuilt: Tensor
    filled: Tensor
    error: Tensor


def train_encoder(
    sampler: GeneratorSampler,
    *,
    real: Tensor | None = None,
    condition: Tensor | None = None,
    rounds: int = 1_000,
    batch: int = 64,
    width: int = 32,
    learning_rate: float = 1e-3,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Encoder:
    """Train an encoder against a frozen generator.

    Half of each batch are samples, whose latents are known: mean squared error of the latent. The other
    half are ``real`` examples, if given (else samples too): mean squared error of the rebuilt example, in
    model units, and a pull of the latent towards the prior's length (in-domain inversion: Zhu et al. 2020,
    section 3.1, without its discriminator).

    Args:
        real: ``(M, *space.shape)`` in declared units.
        condition: ``(M, C)`` of the reals, where the generator takes one.
        rounds: batches; a cosine takes the learning rate to 0.
        progress: called with rounds done and rounds in all.
    """
    space, prior = sampler.space, sampler.prior
    generator = sampler.network
    device = next(generator.parameters()).device
    with seeded(key(seed, 5)):
        encoder = Encoder(space=space, latent=prior.size, condition=sampler.conditions, width=width).to(
            device
        )
    optimiser = torch.optim.Adam(encoder.parameters(), lr=learning_rate, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, rounds)
    half = batch // 2
    order, epoch = torch.empty(0, dtype=torch.int64), 0
    for number in range(rounds):
        rng = Rng(seed, number)
        z = prior(rng, half).to(device)
        conditions = _classes(rng, half, sampler.conditions, device)
        with torch.no_grad():
            made = generator(z, conditions)
        loss = (encoder(made, conditions) - z).square().mean()
        if real is None:
            x, wanted = made, conditions
        else:
            while len(order) < half:
                order = torch.cat([order, torch.from_numpy(permutation(len(real), seed=seed, epoch=epoch))])
                epoch += 1
            picked, order = order[:half], order[half:]
            x = space.to_model(real[picked]).to(device)
            wanted = None if condition is None else condition[picked].to(device)
        found = encoder(x, wanted)
        rebuilt = generator(legal(prior, found), wanted)
        loss = loss + 4.0 * (rebuilt - x).square().mean() + 0.02 * (found.square().mean() - 1.0).relu()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(number + 1, rounds)
    return encoder.eval().requires_grad_(False)


def _classes(rng: Rng, n: int, conditions: int, device: torch.device) -> Tensor | None:
    if not conditions:
        return None
    return F.one_hot(rng.integers(conditions, n), conditions).float().to(device)


def legal(prior: Prior, z: Tensor) -> Tensor:
    """Latents that training could have drawn: random bits rounded (with a straight gradient), cubes kept."""
    smooth = prior.size - prior.bits
    free = z[:, :smooth].clamp(-1.0, 1.0) if prior.kind == "uniform" else z[:, :smooth]
    if not prior.bits:
        return free
    soft = z[:, smooth:].tanh()
    hard = torch.where(soft < 0, -1.0, 1.0)
    return torch.cat([free, soft + (hard - soft).detach()], 1)


def invert(
    sampler: GeneratorSampler,
    examples: Tensor,
    *,
    condition: Tensor | None = None,
    mask: Tensor | None = None,
    encoder: Encoder | None = None,
    steps: int = 150,
    restarts: int = 2,
    learning_rate: float = 0.05,
    prior_weight: float = 2e-3,
    realism: Callable[[Tensor, Tensor | None], Tensor] | None = None,
    realism_weight: float = 1e-2,
    seed: int = 0,
) -> Inverted:
    """Find latents whose samples come near ``examples (N, *space.shape)``, in declared units.

    Adam on latents, from the encoder's answer and from latents of the prior; of all starts the best counts,
    for each example. The loss is the mean squared difference in model units where the mask is 1, and the
    prior's negative logarithm per number, z²/2, times ``prior_weight``; random bits are rounded in every pass
    and their gradient goes straight through.

    Args:
        condition: ``(N, C)`` where the generator takes one.
        mask: ``(N, *space.shape)`` or broadcastable: 1 counts, 0 is unknown.
        encoder: where the first start comes from; it sees the unknown as the middle of samples.
        steps: of Adam; 0 takes the encoder's answer (or the best of the starts) as it is.
        restarts: further starts, from the prior; at least 1 without an encoder.
        realism: a discriminator's log-odds of samples in model units and their conditions, ``(N,)``,
            differentiable; softplus(−log-odds) times ``realism_weight`` is added (Zhu et al. 2016, eq. 4).
            Where much is unknown, it keeps the rest plausible.
    """
    space, prior = sampler.space, sampler.prior
    generator = copy.deepcopy(sampler.network).eval().requires_grad_(False)
    device = next(generator.parameters()).device
    x = space.to_model(examples).to(device)
    known = torch.ones_like(x) if mask is None else mask.to(device, torch.float32).expand_as(x)
    conditions = None if condition is None else condition.to(device)
    smooth = prior.size - prior.bits

    def price(z: Tensor, made: Tensor) -> Tensor:
        """What a latent costs beside its difference, ``(N,)``."""
        cost = prior_weight * 0.5 * z[:, :smooth].square().mean(1) if smooth else z.new_zeros(len(z))
        return cost if realism is None else cost + realism_weight * F.softplus(-realism(made, conditions))

    starts = _starts(sampler, x, known, conditions, encoder, restarts, seed)
    best_z = starts[0]
    best = torch.full((len(x),), torch.inf, device=device)
    for start in starts:
        z, loss = _descend(generator, prior, x, known, conditions, start, steps, learning_rate, price)
        better = loss < best
        best = torch.where(better, loss, best)
        best_z = torch.where(better[:, None], z, best_z)
    with torch.no_grad():
        made = generator(best_z, conditions)
        squares = (known * (made - x).square()).flatten(1).sum(1) / known.flatten(1).sum(1).clamp_min(1.0)
    rebuilt = space.to_declared(made).cpu()
    filled = torch.where(known.cpu() > 0.5, examples.cpu(), rebuilt)
    return Inverted(best_z.cpu(), rebuilt, filled, (squares / (4.0 if space.bounded else 1.0)).cpu())


def _starts(
    sampler: GeneratorSampler,
    x: Tensor,
    known: Tensor,
    conditions: Tensor | None,
    encoder: Encoder | None,
    restarts: int,
    seed: int,
) -> list[Tensor]:
    prior, starts = sampler.prior, list[Tensor]()
    if encoder is not None:
        seen = x
        if not bool((known > 0).all()):
            with torch.no_grad():
                z = prior.seeded(64, seed=key(seed, 6)).to(x.device)
                beside = None if conditions is None else conditions[:1].expand(64, -1)
                middle = sampler.network(z, beside).mean(0, keepdim=True)
            seen = known * x + (1 - known) * middle
        with torch.no_grad():
            starts.append(legal(prior, encoder.to(x.device)(seen, conditions)))
    for number in range(max(restarts, 0 if starts else 1)):
        starts.append(prior.seeded(len(x), seed=key(seed, 7, number)).to(x.device))
    return starts


def _descend(
    generator: nn.Module,
    prior: Prior,
    x: Tensor,
    known: Tensor,
    conditions: Tensor | None,
    start: Tensor,
    steps: int,
    learning_rate: float,
    price: Callable[[Tensor, Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Adam from ``start (N, L)``: the best latents on the way ``(N, L)`` and their losses ``(N,)``."""
    z = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([z], lr=learning_rate, betas=(0.9, 0.99))
    counted = known.flatten(1).sum(1).clamp_min(1.0)
    best_z, best = start.clone(), torch.full((len(x),), torch.inf, device=x.device)
    for number in range(steps + 1):
        allowed = legal(prior, z)
        made = generator(allowed, conditions)
        squares = (known * (made - x).square()).flatten(1).sum(1) / counted
        loss = squares + price(allowed, made)
        with torch.no_grad():
            better = loss < best
            best = torch.where(better, loss, best)
            best_z = torch.where(better[:, None], allowed.detach(), best_z)
        if number == steps:
            break
        for group in optimiser.param_groups:  # the last third slows down
            group["lr"] = learning_rate * min(1.0, 0.1 + 2.7 * (1 - number / steps))
        optimiser.zero_grad(set_to_none=True)
        loss.sum().backward()
        optimiser.step()
    return best_z.detach(), best.detach()


def anomaly_scores(
    examples: Tensor,
    inverted: Inverted,
    *,
    space: Space,
    features: Callable[[Tensor], Tensor] | None = None,
    feature_weight: float = 1.0,
) -> Tensor:
    """How badly each example is rebuilt, ``(N,)``; more is stranger (f-AnoGAN: Schlegl et al. 2019, eq. 5).

    The mean squared difference in model units, and the mean squared difference of ``features`` (declared
    units to ``(N, F)``, such as a discriminator's) times ``feature_weight``, if given.
    """
    difference = space.to_model(examples) - space.to_model(inverted.rebuilt)
    score = difference.square().flatten(1).mean(1)
    if features is not None:
        gap = features(examples) - features(inverted.rebuilt)
        score = score + feature_weight * gap.square().flatten(1).mean(1)
    return score


def write_encoder(folder: Path, encoder: Encoder, *, checkpoint: str, rounds: int, width: int) -> None:
    """Write ``encoder.safetensors`` and ``.json``; ``checkpoint`` names the generator it belongs to."""
    content = safetensors.torch.save({k: v.cpu().contiguous() for k, v in encoder.state_dict().items()})
    record = {
        "format": FORMAT,
        "sha256": sha256(content),
        "checkpoint": checkpoint,
        "rounds": rounds,
        "width": width,
    }
    with machine_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "encoder.safetensors", content)
    write_atomically(folder / "encoder.json", sealed(record))


def read_encoder(folder: Path, sampler: GeneratorSampler, *, checkpoint: str, rounds: int) -> Encoder | None:
    """What :func:`write_encoder` wrote.

    None where it is missing, damaged, of another generator, or trained for fewer rounds.
    """
    try:
        record, sound = read_sealed(folder / "encoder.json")
        content = (folder / "encoder.safetensors").read_bytes()
        fits = sound is not False and record["format"] == FORMAT and record["sha256"] == sha256(content)
        if not fits or record["checkpoint"] != checkpoint or record["rounds"] < rounds:
            return None
        encoder = Encoder(
            space=sampler.space,
            latent=sampler.prior.size,
            condition=sampler.conditions,
            width=int(record["width"]),
        )
        encoder.load_state_dict(safetensors.torch.load(content))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError):
        return None
    return encoder.eval().requires_grad_(False)
