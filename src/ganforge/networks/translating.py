"""What every translator shares: how a condition enters, its blocks, and what stands around its body.

A translator takes inputs ``(N, *space.source.shape)`` to results ``(N, *space.shape)``. It is convolutional
throughout, so it takes inputs of any other size as well; the result's sides are then the same multiple
of the input's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks.layers import CONV, held, leaky

__all__ = [
    "Conditioned",
    "Enlarge",
    "Normalisation",
    "Translating",
    "TranslationBlock",
    "enlargement",
    "factors",
    "reflected",
]

Normalisation = Literal["none", "instance", "group"]

_GROUP = 8  # channels that share their statistics under the normalisation 'group'
_SHARE = 0.1  # of a learned change: what is to be added is small, and so must be what one step adds
_INTERPOLATION = {1: "linear", 2: "bicubic", 3: "trilinear"}


def enlargement(space: Space) -> int:
    """How many times as long as its source's the sides of a translation's target are.

    Raises:
        RecipeError: the space has no source, one of other dimensions, or one whose sides do not divide
            its own by one whole number.
    """
    source = space.source
    if source is None:
        raise RecipeError("a translator needs inputs; set source, such as source=edges or source=left")
    if source.dims != space.dims or not space.dims:
        raise RecipeError(
            f"no translator goes from {source.describe()} to {space.describe()}; "
            "both must be sound, both pictures or both shapes"
        )
    scale = max(1, round(space.spatial[0] / source.spatial[0]))
    if any(side != scale * other for side, other in zip(space.spatial, source.spatial, strict=True)):
        raise RecipeError(
            f"inputs of {source.describe()} do not fit targets of {space.describe()}; the target's sides "
            "must be a whole multiple of the input's: set size, or bring the inputs to it"
        )
    return scale


def factors(scale: int) -> list[int]:
    """The steps that enlarge by ``scale``: its prime factors, smallest first."""
    found: list[int] = []
    step = 2
    while scale > 1:
        while scale % step == 0:
            found.append(step)
            scale //= step
        step += 1
    return found


def reflected(x: Tensor, sides: Sequence[int]) -> Tensor:
    """``x (N, C, *smaller)`` continued on all sides by its own reflection, ``(N, C, *sides)``."""
    for axis, side in enumerate(sides, start=2):
        n = x.shape[axis]
        if n != side:
            before, period = (side - n) // 2, max(1, 2 * (n - 1))
            order = [n - 1 - abs((place - before) % period - (n - 1)) for place in range(side)]
            x = x.index_select(axis, torch.tensor(order, device=x.device))
    return x


class Conditioned(nn.Module):
    """A normalisation, then each channel scaled and moved by the condition: ``x·(1 + Ac) + Bc``.

    Dumoulin et al. 2017, arXiv 1610.07629, equation 5, with a linear map in place of a table. It stands
    after the normalisation because a condition that came as a constant before it would be taken out.

    Args:
        normalisation: none; instance (Ulyanov et al. 2016, arXiv 1607.08022: each channel of each example
            alone); group (Wu & He 2018: 8 channels of an example together).
    """

    def __init__(self, channels: int, condition: int, normalisation: Normalisation) -> None:
        super().__init__()
        # Instance normalisation as groups of one channel: the same numbers, and faster on a CPU.
        groups = {"none": 0, "instance": channels, "group": max(1, channels // _GROUP)}[normalisation]
        self.normalise = nn.GroupNorm(groups, channels) if groups else None
        self.modulate = nn.Linear(condition, 2 * channels) if condition else None
        if self.modulate is not None:
            nn.init.normal_(self.modulate.weight, std=0.2)
            nn.init.zeros_(self.modulate.bias)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """``(N, channels, *sides)``, ``(N, condition)`` → ``(N, channels, *sides)``."""
        if self.normalise is not None:
            x = self.normalise(x)
        assert (self.modulate is None) == (condition is None), "a condition is needed exactly if declared"
        if self.modulate is None or condition is None:
            return x
        changes = self.modulate(condition)  # (N, 2 · channels)
        scale, shift = changes.reshape(*changes.shape, *(1 for _ in x.shape[2:])).chunk(2, 1)
        return x * (1.0 + scale) + shift


class TranslationBlock(nn.Module):
    """``x + f(x)``: twice normalisation, condition, rectifier and a 3-wide convolution; f is 0 at the start.

    Args:
        blocks: how many blocks the network has; without normalisation the first convolution is scaled by
            ``blocks^(−1/2)`` (Zhang et al. 2019, section 3, rule 2).
    """

    def __init__(
        self, channels: int, dims: int, condition: int, *, normalisation: Normalisation, blocks: int
    ) -> None:
        super().__init__()
        self.entries = nn.ModuleList(Conditioned(channels, condition, normalisation) for _ in range(2))
        self.layers = nn.ModuleList(
            CONV[dims](channels, channels, 3, padding=1, bias=place == 0) for place in range(2)
        )
        first, last = self.layers
        assert isinstance(first.weight, Tensor)
        assert isinstance(first.bias, Tensor)
        assert isinstance(last.weight, Tensor)
        nn.init.kaiming_normal_(first.weight, a=0.2)
        if normalisation == "none":
            first.weight.data.mul_(blocks**-0.5)
        nn.init.zeros_(first.bias)
        nn.init.zeros_(last.weight)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        h = x
        for entry, layer in zip(self.entries, self.layers, strict=True):
            h = layer(leaky(entry(h, condition)))
        return x + h


class Enlarge(nn.Module):
    """Each side ``factor`` times as long: nearest neighbours, then a 3-wide convolution.

    Odena et al. 2016, 'Deconvolution and checkerboard artifacts': a transposed convolution leaves a
    pattern. A 1-wide convolution brings the channels down before, where the grid is small.

    Args:
        gain: how many times as large as its input the result is at the start.
    """

    def __init__(self, before: int, after: int, dims: int, factor: int = 2, *, gain: float = 1.0) -> None:
        super().__init__()
        self.factor = factor
        self.reduce = CONV[dims](before, after, 1, bias=False) if before != after else None
        self.conv = CONV[dims](after, after, 3, padding=1)
        if self.reduce is not None:
            nn.init.kaiming_normal_(self.reduce.weight, nonlinearity="linear")
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="linear")
        self.conv.weight.data.mul_(gain)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, before, *sides)`` → ``(N, after, *factor · sides)``."""
        if self.reduce is not None:
            x = self.reduce(x)
        return self.conv(F.interpolate(x, scale_factor=float(self.factor)))


class Translating(nn.Module, ABC):
    """What stands around a translator's body: whole grids, the base that it changes, and the bound.

    Args:
        space: of the results; its ``source`` is the space of the inputs.
        grid: the body wants sides that are a multiple of this.
        width: channels of what the body returns.
        kernel: width of the last convolution.
        skip_input: whether the result is the input plus a change that starts at 0. The base is the input's
            last ``space.channels`` channels (of stacked frames: the last frame), or a grey input in each
            channel; larger targets get it by bicubic interpolation.

    Raises:
        RecipeError: input and target do not fit each other.
    """

    def __init__(self, space: Space, *, grid: int, width: int, kernel: int, skip_input: bool) -> None:
        super().__init__()
        self.scale = enlargement(space)
        assert space.source is not None
        self.space, self.grid, self.skip_input = space, grid, skip_input
        if skip_input and 1 < space.source.channels < space.channels:
            raise RecipeError(
                f"skip_input cannot take {space.source.describe()} as the base of {space.describe()}; "
                "set generator.skip_input=false"
            )
        # Reflected, so that no frame of another colour grows along the border of a picture.
        self.output = CONV[space.dims](
            width, space.channels, kernel, padding=kernel // 2, padding_mode="reflect"
        )
        assert self.output.bias is not None
        nn.init.zeros_(self.output.bias)
        if skip_input:
            nn.init.zeros_(self.output.weight)
        else:
            nn.init.kaiming_normal_(self.output.weight, nonlinearity="linear")

    @abstractmethod
    def body(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """``(N, C, *sides)``, multiples of ``grid`` → ``(N, width, *scale · sides)``, rectified."""

    @final
    def forward(self, source: Tensor, condition: Tensor | None = None) -> Tensor:
        """Inputs ``(N, C, *sides)`` in model units to results ``(N, *space.shape[:1], *scale · sides)``.

        Float32 in model units, within −1…1, also under autocast.
        """
        sides = source.shape[2:]
        # At least two places on the coarsest grid, for statistics; and 4 a side, to reflect a 7-wide layer.
        whole = [max(4, 2 * self.grid, -(-side // self.grid) * self.grid) for side in sides]
        made = self.output(self.body(reflected(source, whole), condition)).float()
        for axis, (side, larger) in enumerate(zip(sides, whole, strict=True), start=2):
            if side != larger:
                made = made.narrow(axis, self.scale * ((larger - side) // 2), self.scale * side)
        return held(self._base(source) + _SHARE * made if self.skip_input else made)

    def _base(self, source: Tensor) -> Tensor:
        """The input as ``(N, *space.shape[:1], *scale · sides)``, float32."""
        channels = self.space.channels
        x = source[:, -channels:].float() if source.shape[1] >= channels else source.float()
        if self.scale > 1:
            mode = _INTERPOLATION[self.space.dims]
            x = F.interpolate(x, scale_factor=float(self.scale), mode=mode, align_corners=False)
        return x
