"""Parts that several families share: sizes of stages, the two ways a condition enters, resampling."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as _spectral_norm
from torch.nn.utils.parametrizations import weight_norm as _weight_norm

from ganforge.core.levels import side_halvings

__all__ = [
    "BATCH_NORM",
    "CONV",
    "CONV_TRANSPOSED",
    "Down",
    "Head",
    "LatentInput",
    "Places",
    "Soften",
    "Up",
    "centre_crop",
    "channels_at",
    "halvings",
    "held",
    "leaky",
    "normalise_spectrally",
    "normalise_weights",
    "seeded",
    "sides_at",
    "stagewise",
]

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
CONV_TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_WEIGHTED = (nn.Linear, *CONV.values(), *CONV_TRANSPOSED.values())
_convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_convolve_transposed = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Within it, what modules draw at construction depends on ``seed`` alone.

    The global random state is put back afterwards, so building a network leaves no trace.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # the CPU's alone: torch.manual_seed reseeds every device
        yield


def halvings(spatial: Sequence[int]) -> int:
    """How often a space is halved: until its shortest side is 4 to 7, and once at least."""
    return max(1, side_halvings(min(spatial)))


def sides_at(spatial: Sequence[int], level: int) -> tuple[int, ...]:
    """The grid after ``level`` halvings, each rounded up; level 0 is the finest."""
    return tuple(-(-side // 2**level) for side in spatial)


def channels_at(level: int, *, width: int, growth: float, cap: float, multiple: int = 1) -> int:
    """Channels ``level`` halvings inwards: ``width · min(growth^level, cap)``, to a ``multiple``."""
    return max(multiple, multiple * round(width * min(growth**level, cap) / multiple))


def leaky(x: Tensor) -> Tensor:
    """LeakyReLU of slope 0.2, the field's usual."""
    return F.leaky_relu(x, 0.2)


class _Held(torch.autograd.Function):
    """Cut off at ±1; what would push further out is no gradient, and what would bring back in is."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(-1.0, 1.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        (gradient,) = gradients
        # A step goes against the gradient: above 1 a negative one leads further out.
        outwards = ((x > 1.0) & (gradient < 0.0)) | ((x < -1.0) & (gradient > 0.0))
        return gradient.masked_fill(outwards, 0.0)


def held(x: Tensor) -> Tensor:
    """``x`` within −1…1, for the output of a generator of a bounded space.

    Unlike tanh it reaches the ends, as real pictures do, and what is held at an end can always leave it.
    """
    return cast(Tensor, _Held.apply(x)) if torch.is_grad_enabled() else x.clamp(-1.0, 1.0)


def centre_crop(x: Tensor, spatial: Sequence[int]) -> Tensor:
    """The middle ``(N, C, *spatial)`` of a larger ``x``."""
    for i, side in enumerate(spatial):
        if x.shape[i + 2] != side:
            x = x.narrow(i + 2, (x.shape[i + 2] - side) // 2, side)
    return x


def _directed(network: nn.Module) -> Generator[tuple[nn.Module, bool]]:
    """Each linear map and convolution, and whether its weight was all zeros: then it has a direction now.

    Fix-up initialisation leaves such weights. A network without memory, whose weights come from a file,
    has nothing to look at.
    """
    for module in list(network.modules()):
        if isinstance(module, _WEIGHTED):
            silent = not module.weight.is_meta and not module.weight.detach().any()
            if silent:
                nn.init.kaiming_normal_(module.weight, a=0.2)
            yield module, silent


def normalise_spectrally(network: nn.Module) -> None:
    """Divide the weight of each linear map and convolution by its largest singular value.

    Miyato et al. 2018, eq. 8, one power iteration each forward pass. A weight of zeros, which has no
    direction, gets one.
    """
    for module, _ in _directed(network):
        _spectral_norm(module)


def normalise_weights(network: nn.Module) -> None:
    """Make each weight of each linear map and convolution a direction times a length, for each output.

    Salimans & Kingma 2016, arXiv 1602.07868, equation 2. The network is the same function at the start;
    moves that push a weight ever further sideways lengthen what is divided by, and so become smaller
    turns. A weight of zeros gets a direction of length 0.
    """
    for module, silent in _directed(network):
        _weight_norm(module)  # registers original0, the lengths, and original1, what is divided
        if silent:
            parts = module.get_submodule("parametrizations.weight")
            nn.init.zeros_(cast(Tensor, parts.original0))


class LatentInput(nn.Module):
    """What enters a generator: the latent, followed by a linear embedding of the condition.

    Args:
        latent: numbers in ``z``.
        condition: numbers in a condition; 0 is none.
        loudness: deviation of the embedding's weights at the start; at 1, a class is as loud as a latent.
    """

    def __init__(self, latent: int, condition: int, *, loudness: float = 1.0) -> None:
        super().__init__()
        self.size = 2 * latent if condition else latent
        self.embed = nn.Linear(condition, latent, bias=False) if condition else None
        if self.embed is not None:
            nn.init.normal_(self.embed.weight, std=loudness)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """``(N, latent)``, ``(N, condition)`` → ``(N, size)``."""
        assert (self.embed is None) == (condition is None), "a condition is needed exactly if declared"
        if self.embed is None or condition is None:
            return z
        return torch.cat((z, self.embed(condition)), 1)


class Head(nn.Module):
    """Features to logits, with the condition by projection: ``w·φ + b + ⟨φ, E c⟩``.

    Miyato & Koyama 2018, 'cGANs with Projection Discriminator'. It is computed as products and a sum,
    which autocast leaves in float32: in bfloat16, logits near 10 come in steps of 0.06.
    """

    def __init__(self, features: int, condition: int, *, bias: bool = True) -> None:
        super().__init__()
        self.has_bias = bias
        self.linear = nn.Linear(features, 1, bias=bias)
        self.embed = nn.Linear(condition, features, bias=False) if condition else None
        if self.embed is not None:
            limit = features**-0.5  # as the linear map's own weights
            nn.init.uniform_(self.embed.weight, -limit, limit)

    def forward(self, phi: Tensor, condition: Tensor | None) -> Tensor:
        """``(N, features)``, ``(N, condition)`` → ``(N,)`` float32."""
        assert (self.embed is None) == (condition is None), "a condition is needed exactly if declared"
        if self.embed is None and not torch.is_autocast_enabled(phi.device.type):
            return self.linear(phi).squeeze(1)  # one operation, which counts in the smallest networks
        weight = self.linear.weight.float()  # (1, features)
        if self.embed is not None and condition is not None:
            weight = weight + self.embed(condition).float()  # (N, features)
        logits = (phi.float() * weight).sum(1)
        return logits + self.linear.bias.float() if self.has_bias else logits


_Kernel = tuple[int | tuple[int, ...], int | tuple[int, ...], int | tuple[int, ...]]
"""Size, stride and padding of a convolution, each for all sides or for every side."""


class Places(nn.Module):
    """Stages of convolutions, and a logit at each place; the condition by projection, as in :class:`Head`.

    Args:
        channels: of what is judged, of ``dims`` sides.
        condition: numbers in a condition; 0 is none.
        width: channels of the first stage; they double inwards, up to eightfold.
        stages: of each; ``last``: of the layer that gives the logits.
        instance: whether each stage but the first is normalised, as groups of one channel.
    """

    def __init__(
        self,
        channels: int,
        dims: int,
        *,
        condition: int,
        width: int,
        stages: Sequence[_Kernel],
        last: _Kernel,
        instance: bool = False,
    ) -> None:
        super().__init__()
        conv: Any = CONV[dims]
        self.stages = nn.ModuleList()
        wide = channels
        for level, (size, stride, padding) in enumerate(stages):
            before, wide = wide, channels_at(level, width=width, growth=2, cap=8)
            layer = conv(before, wide, size, stride=stride, padding=padding)
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)
            norm = [nn.GroupNorm(wide, wide)] if instance and level else []
            self.stages.append(nn.Sequential(layer, *norm, nn.LeakyReLU(0.2)))
        size, stride, padding = last
        self.verdict = conv(wide, 1, size, stride=stride, padding=padding)
        nn.init.kaiming_normal_(self.verdict.weight, nonlinearity="linear")
        self.embed = nn.Linear(condition, wide, bias=False) if condition else None
        if self.embed is not None:
            nn.init.normal_(self.embed.weight, std=wide**-0.5)

    def features(self, x: Tensor) -> list[Tensor]:
        """The activations of each stage."""
        found: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """``(N, C, *sides)`` → ``(N, 1, *grid)`` float32."""
        assert (self.embed is None) == (condition is None), "a condition is needed exactly if declared"
        phi = self.features(x)[-1]
        with torch.autocast(x.device.type, enabled=False):  # logits in bfloat16 come in coarse steps
            phi = phi.float()
            logits = self.verdict(phi)
            if self.embed is not None and condition is not None:
                direction = self.embed(condition.float())  # (N, wide)
                direction = direction.reshape(*direction.shape, *(1 for _ in phi.shape[2:]))
                logits = logits + (phi * direction).sum(1, keepdim=True)
        return logits


def _binomial(channels: int, filtered: Sequence[bool]) -> Tensor:
    """The filter ``[1, 2, 1] / 4`` along axes that are filtered, for each channel alone.

    ``(channels, 1, 3, …)``; along the others it changes nothing.
    """
    kernel = torch.ones(())
    for along in filtered:
        kernel = kernel[..., None] * torch.tensor([0.25, 0.5, 0.25] if along else [0.0, 1.0, 0.0])
    return kernel.expand(channels, 1, *kernel.shape).clone()


class Down(nn.Module):
    """Halve each side, rounded up, after the filter ``[1, 2, 1] / 4``; or those alone that ``along`` names.

    A depthwise convolution is 3 to 5 times as fast as pooling on a CPU, but only in float32: bfloat16
    has no fast kernel for its gradient there. So it stays in float32 under autocast too.
    """

    kernel: Tensor

    def __init__(self, channels: int, dims: int, along: Sequence[bool] = ()) -> None:
        super().__init__()
        self.along = tuple(along) or (True,) * dims
        self.register_buffer("kernel", _binomial(channels, self.along), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, *sides)`` → ``(N, C, *⌈sides / 2⌉)``."""
        if torch.is_autocast_enabled(x.device.type):
            with torch.autocast(x.device.type, enabled=False):
                return self._filter(x.float())
        return self._filter(x)

    def _filter(self, x: Tensor) -> Tensor:
        stride = [1 + halved for halved in self.along]
        return _convolve[len(stride)](x, self.kernel, stride=stride, padding=1, groups=x.shape[1])


class Soften(nn.Module):
    """The filter ``[1, 2, 1] / 4`` on each side; edges are repeated.

    It takes away what alternates from pixel to pixel: the pattern that is left where neighbouring pixels come
    from different weights (Odena et al. 2016, 'Deconvolution and checkerboard artifacts').
    """

    kernel: Tensor

    def __init__(self, channels: int, dims: int) -> None:
        super().__init__()
        self.dims = dims
        self.register_buffer("kernel", _binomial(channels, [True] * dims), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, *sides)`` → the same, float32."""
        with torch.autocast(x.device.type, enabled=False):
            x = F.pad(x.float(), (1, 1) * self.dims, mode="replicate")
            return _convolve[self.dims](x, self.kernel, groups=x.shape[1])


class Up(nn.Module):
    """Double each side, interpolating with ``[1, 2, 1] / 2``: the transpose of :class:`Down`.

    Args:
        channels: of what comes in.
        sides: of what goes out; each is twice what comes in, or one less.
        along: which of the sides are doubled; the others stay. Empty doubles all.
    """

    kernel: Tensor

    def __init__(self, channels: int, sides: tuple[int, ...], along: Sequence[bool] = ()) -> None:
        super().__init__()
        self.sides, self.along = sides, tuple(along) or (True,) * len(sides)
        kernel = _binomial(channels, self.along) * 2 ** sum(self.along)
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, *⌈sides / 2⌉)`` → ``(N, C, *sides)``."""
        if torch.is_autocast_enabled(x.device.type):
            with torch.autocast(x.device.type, enabled=False):
                return self._filter(x.float())
        return self._filter(x)

    def _filter(self, x: Tensor) -> Tensor:
        extra = [(1 - side % 2) * on for side, on in zip(self.sides, self.along, strict=True)]
        stride = [1 + doubled for doubled in self.along]
        transposed = _convolve_transposed[len(self.sides)]
        return transposed(x, self.kernel, stride=stride, padding=1, output_padding=extra, groups=x.shape[1])


def stagewise(stages: nn.ModuleList, x: Tensor) -> tuple[Tensor, ...]:
    """What each stage gives of what the one before it gave."""
    found: list[Tensor] = []
    for stage in stages:
        x = stage(x)
        found.append(x)
    return tuple(found)
