"""Points of a sample dragged to where they shall be, by moving its latent.

DragGAN: Pan et al. 2023, arXiv 2305.10973. Two steps take turns (section 3.2): *motion supervision* moves the
latent so that the generator's features around each point come one pixel nearer to its goal, and *point
tracking* finds the point again by the features that it had at first. Coordinates are pixels of the sample, x
to the right and y down; the middle of the first pixel is 0, 0.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.errors import UsageError
from ganforge.latent.inversion import legal
from ganforge.runs.sampler import GeneratorSampler

__all__ = ["Dragged", "change_elsewhere", "drag", "feature_grids"]

_CHANNELS = 16  # of a feature map: fewer are pictures
_LEAST = 4  # sides of the coarsest map
_MOVED = 1 / 24  # of the sides: radius around a point whose features are moved
_BESIDE = 32  # samples that say how far two are apart
_SEARCHED = 1 / 16  # of the sides: how far around its last place a point is looked for


@dataclass(frozen=True, eq=False)
class Dragged:
    """What became of a sample.

    Attributes:
        latents: on the way, the first is where it began, ``(S, L)``.
        points: where the points were found with each of them, ``(S, P, 2)``.
        share: of the wanted distance that each point has come nearer, ``(P,)``; 1 is all of it.
        grid: sides ``(h, w)`` of the features that led.
    """

    latents: Tensor
    points: Tensor
    share: Tensor
    grid: tuple[int, int]


def feature_grids(
    network: nn.Module, z: Tensor, condition: Tensor | None = None
) -> dict[tuple[int, int], nn.Module]:
    """The grids ``(h, w)`` of a generator of pictures, coarsest first, each with the module that gives its
    last features; what has few channels is a picture and left out."""
    found: dict[tuple[int, int], nn.Module] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[1] >= _CHANNELS:
            height, width = output.shape[2:]
            if module is not network and min(height, width) >= _LEAST:
                found[height, width] = module

    hooks = [module.register_forward_hook(note) for module in network.modules()]
    try:
        with torch.no_grad():
            network(z[:1], None if condition is None else condition[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return dict(sorted(found.items()))


def drag(
    sampler: GeneratorSampler,
    z: Tensor,
    start: Tensor,
    goal: Tensor,
    *,
    condition: Tensor | None = None,
    within: Tensor | None = None,
    layer: int | None = None,
    steps: int = 150,
    learning_rate: float = 0.06,
    outside_weight: float = 20.0,
    progress: Callable[[int, int], None] | None = None,
) -> Dragged:
    """Move the latent ``z (1, L)`` until the points ``start (P, 2)`` of its sample are at ``goal (P, 2)``.

    The loss is eq. 1 of the paper, on features divided by their mean size; tracking is eq. 2. The paper moves
    W+; here the latent itself is moved, and a normal one grows no longer than it was: it stays as likely.

    Args:
        condition: ``(1, C)`` where the generator takes one.
        within: ``(H, W)``, 1 where the sample may change; the rest is held (the paper's mask); None is all.
        layer: which of :func:`feature_grids` leads, from 0, the coarsest; None takes the finest of at most
            half the sample's sides, as the paper does.
        steps: at most; it ends where all points are within a pixel of their goals.
        learning_rate: how far a step goes, as a root mean square over the latent's numbers.
        progress: called with the step and ``steps``.

    Raises:
        UsageError: the generator makes no pictures, has no features on a grid, or a point is outside.
    """
    space, prior = sampler.space, sampler.prior
    network = copy.deepcopy(sampler.network).eval().requires_grad_(False)
    if space.dims != 2 or not space.codec.picture_files:
        raise UsageError(f"points are dragged in pictures; this is of {space.describe()}")
    sides = space.spatial
    for point in (*start.tolist(), *goal.tolist()):
        if not (0 <= point[0] <= sides[1] - 1 and 0 <= point[1] <= sides[0] - 1):
            place = ",".join(f"{number:g}" for number in point)
            raise UsageError(
                f"the point {place} is outside: x goes from 0 to {sides[1] - 1}, y to {sides[0] - 1}"
            )
    grids = feature_grids(network, z, condition)
    grid = _leading(list(grids), sides, layer)
    seen: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen.append(output)

    def features(latent: Tensor) -> Tensor:
        """``(C, H, W)``, as large as the sample."""
        seen.clear()
        network(legal(prior, latent), condition)
        return F.interpolate(seen[0].float(), size=list(sides), mode="bilinear", align_corners=False)[0]

    hook = grids[grid].register_forward_hook(note)
    moved, searched = (
        max(least, round(min(sides) * share)) for least, share in ((1, _MOVED), (2, _SEARCHED))
    )
    try:
        with torch.no_grad():
            first = features(z)
        size = first.abs().mean().clamp_min(1e-9)
        wanted = _read(first, start)  # (P, C)
        latent, length = z.clone().requires_grad_(True), z.norm()
        points, goal = start.float(), goal.float()
        latents, places = list[Tensor](), list[Tensor]()
        for step in range(steps + 1):
            now = features(latent)
            points = _tracked(now.detach(), points, wanted, searched) if step else points
            latents.append(legal(prior, latent).detach().clone())
            places.append(points)
            missing = goal - points
            distance = missing.norm(dim=1, keepdim=True)
            if step == steps or bool((distance < 1.0).all()):
                break
            around = points[:, None] + _disc(moved)  # (P, K, 2)
            there = around + (missing / distance.clamp_min(1.0))[:, None]
            loss = (_read(now.detach(), around) - _read(now, there)).abs().mean() / size
            if within is not None:
                outside = (now - first).abs().mean(0) * (1.0 - within.float())
                loss = loss + outside_weight * outside.mean() / size
            (slope,) = torch.autograd.grad(loss, latent)
            with torch.no_grad():
                # One measure for all numbers: Adam's own for each moves those that have no part in the point.
                latent.sub_(learning_rate * slope.numel() ** 0.5 * slope / slope.norm().clamp_min(1e-12))
                if prior.kind == "normal":  # as likely as it was
                    latent.mul_((length / latent.norm()).clamp_max(1.0))
            if progress is not None:
                progress(step + 1, steps)
    finally:
        hook.remove()
    way = (goal - start).norm(dim=1).clamp_min(1e-9)
    share = 1.0 - (goal - points).norm(dim=1) / way
    return Dragged(torch.cat(latents), torch.stack(places), share, grid)


def change_elsewhere(sampler: GeneratorSampler, ends: Tensor, points: Tensor) -> float:
    """How far a sample changed away from ``points (P, 2)``, as a share of the mean difference of two samples.

    Args:
        ends: before and after, ``(2, C, H, W)`` in declared units. Away is a quarter of the sides and more.
    """
    height, width = sampler.space.spatial
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    place = torch.stack([x, y], 2).float()
    away = (place[:, :, None] - points).norm(dim=3).amin(2) >= min(height, width) / 4
    some = sampler.generate(sampler.prior.seeded(_BESIDE, seed=0), sampler.in_turn(range(_BESIDE))).float()
    apart = (some[1:] - some[:-1]).abs().mean(1)[:, away].mean()
    return ((ends[1].float() - ends[0].float()).abs().mean(0)[away].mean() / apart.clamp_min(1e-9)).item()


def _leading(grids: list[tuple[int, int]], sides: tuple[int, ...], layer: int | None) -> tuple[int, int]:
    """Raises UsageError where there is none, or none of that number."""
    if not grids:
        raise UsageError("this generator has no features on a grid; a convolutional one has")
    if layer is None:
        return next((grid for grid in reversed(grids) if 2 * grid[0] <= sides[0]), grids[0])
    if not 0 <= layer < len(grids):
        listed = ", ".join(f"{number}: {height}×{width}" for number, (height, width) in enumerate(grids))
        raise UsageError(f"there is no layer {layer}; there is {listed}")
    return grids[layer]


def _disc(radius: int) -> Tensor:
    """Whole steps within ``radius``, ``(K, 2)``."""
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32)
    square = torch.cartesian_prod(steps, steps)
    return square[square.norm(dim=1) <= radius]


def _read(features: Tensor, points: Tensor) -> Tensor:
    """``(C, H, W)`` at ``points (..., 2)``: ``(..., C)``; between pixels it is linear."""
    height, width = features.shape[1:]
    scale = torch.tensor([max(width - 1, 1), max(height - 1, 1)], dtype=torch.float32)
    grid = (2.0 * points / scale - 1.0).reshape(1, 1, -1, 2)
    found = F.grid_sample(features[None], grid, padding_mode="border", align_corners=True)
    return found[0, :, 0].T.reshape(*points.shape[:-1], features.shape[0])


def _tracked(features: Tensor, points: Tensor, wanted: Tensor, radius: int) -> Tensor:
    """Where within ``radius`` of each point the features are most like ``wanted (P, C)``: eq. 2."""
    height, width = features.shape[1:]
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32)
    around = points[:, None] + torch.cartesian_prod(steps, steps).flip(1)  # (P, K, 2)
    limit = torch.tensor([width - 1.0, height - 1.0])
    around = around.clamp(min=torch.zeros(2), max=limit)
    gap = (_read(features, around) - wanted[:, None]).abs().sum(2)
    return around[torch.arange(len(points)), gap.argmin(1)]
