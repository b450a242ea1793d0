"""Latents drawn towards the middle of their own kind, and samples with the style of another."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganforge.core.errors import UsageError
from ganforge.core.prior import Prior
from ganforge.networks.few_shot import FewShotGenerator
from ganforge.networks.growing import GrowingGenerator
from ganforge.networks.residual import ResidualGenerator

__all__ = ["class_centres", "mixed", "towards"]

_Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]


def class_centres(latents: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The mean latent of each class, ``(classes, L)``; 0 for a class without members.

    For a generator that was trained without classes, its samples labelled by a classifier. One that was
    trained with classes has the prior's centre as the centre of each: plain truncation is per class there.

    Args:
        latents: ``(N, L)``; labels ``(N,)``.
    """
    centres = torch.zeros(classes, latents.shape[1])
    count = torch.zeros(classes, 1)
    centres.index_add_(0, labels, latents.float())
    count.index_add_(0, labels, torch.ones(len(labels), 1))
    return centres / count.clamp_min(1.0)


def towards(prior: Prior, z: Tensor, centre: Tensor, truncation: float) -> Tensor:
    """``centre + truncation · (z − centre)``, ``(N, L)``; random bits stay.

    The truncation trick about a centre of one's own (Karras et al. 2019, appendix B; Mokady et al. 2022 use
    several). A latent near a class's centre is a typical one of its class, where the prior's centre 0 is
    a mixture of all.

    Args:
        centre: ``(L,)`` or ``(N, L)``.
    """
    if not 0.0 <= truncation <= 1.0:
        raise UsageError(f"truncation is {truncation}; it must be from 0 to 1")
    smooth = prior.size - prior.bits
    there = centre + truncation * (z - centre)
    return torch.cat([there[:, :smooth], z[:, smooth:]], 1)


def mixed(network: nn.Module, content: Tensor, style: Tensor, condition: Tensor | None = None) -> Tensor:
    """Samples whose coarse shapes come from ``content (N, L)`` and whose finer making from ``style (N, L)``.

    In three families the latent acts in more than one place, and what the style's pass does in the finer
    places is put into the content's: in growing, and in residual with the option ``styles``, the factors of
    every stage but the coarsest (Karras et al. 2019, section 3.1); in few_shot, the gates that weigh the
    channels of finer grids by what coarse ones hold (Liu et al. 2021, section 4.3).

    Returns samples in model units, ``(N, *space.shape)``.

    Raises:
        UsageError: in this network the latent enters at one place only.
    """
    places: list[nn.Module] = []
    if isinstance(network, (ResidualGenerator, GrowingGenerator)):
        places = list(network.styles)
    elif isinstance(network, FewShotGenerator):
        places = list(network.gates)
    if not places:
        raise UsageError(
            "the latent enters this generator at one place; styles mix in growing, few_shot, and in residual "
            "trained with --set generator.styles=true"
        )
    kept: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept.append(output)

    with torch.no_grad():
        _hooked(network, places, note, style, condition)
        left = iter(kept)
        return _hooked(network, places, lambda module, inputs, output: next(left), content, condition)


def _hooked(
    network: nn.Module, places: list[nn.Module], hook: _Hook, z: Tensor, condition: Tensor | None
) -> Tensor:
    """One pass in which ``hook`` sees, and can replace, what each of the places gives."""
    handles = [place.register_forward_hook(hook) for place in places]
    try:
        return network(z, condition)
    finally:
        for handle in handles:
            handle.remove()
