"""Fully connected networks: for points and other small examples, and for the experiments of textbooks."""

from __future__ import annotations

import math
from typing import Literal, cast

import torch
from torch import Tensor, nn

from ganforge.core.declared import DiscriminatorTraits, GeneratorTraits
from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks.layers import Head, LatentInput, normalise_spectrally, stagewise

__all__ = ["Activation", "MlpDiscriminator", "MlpGenerator", "MlpTrunk"]

Activation = Literal["leaky_relu", "silu", "relu", "tanh", "sigmoid"]

_FOURIER_INPUTS = 64  # sinusoids of more inputs than this would drown what they are added to


def _activation(name: Activation) -> nn.Module:
    match name:
        case "leaky_relu":
            return nn.LeakyReLU(0.2)
        case "silu":
            return nn.SiLU()
        case "relu":
            return nn.ReLU()
        case "tanh":
            return nn.Tanh()
        case "sigmoid":
            return nn.Sigmoid()


def _initialise(
    network: nn.Module, last: nn.Linear, embedding: nn.Linear | None, activation: Activation
) -> None:
    """He et al. 2015, eq. 10: keep the size of activations from layer to layer, and biases at 0.

    torch's own start is three to six times smaller for the rectifiers, and a generator of clumps starts
    as one. For tanh and sigmoid torch's own stays.
    """
    if activation in ("tanh", "sigmoid"):
        return
    for module in network.modules():
        if isinstance(module, nn.Linear) and module is not embedding:
            gain = 1.0 if module is last else math.sqrt(2.0)
            nn.init.normal_(module.weight, std=gain / math.sqrt(module.in_features))
            nn.init.zeros_(module.bias)


class _Fourier(nn.Module):
    """Append ``sin 2ᵏπx`` and ``cos 2ᵏπx`` for k = 0 … octaves − 1 to each input ``x``.

    Tancik et al. 2020, 'Fourier Features Let Networks Learn High Frequency Functions': a network whose
    inputs are smooth cannot tell narrow modes apart.
    """

    frequencies: Tensor

    def __init__(self, octaves: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(octaves), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, D)`` → ``(N, D · (1 + 2·octaves))``."""
        angles = (x[:, :, None] * self.frequencies).flatten(1)
        return torch.cat((x, angles.sin(), angles.cos()), 1)


class _ResidualLayer(nn.Module):
    def __init__(self, width: int, activation: Activation) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.activation = _activation(activation)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.activation(self.linear(h))


class MlpTrunk(nn.Module):
    """``(N, inputs)`` → the activations ``(N, width)`` of each of ``depth`` hidden layers.

    Attributes:
        linears: the linear map of each hidden layer.
    """

    def __init__(
        self, *, inputs: int, width: int, depth: int, activation: Activation, fourier: int, residual: bool
    ) -> None:
        super().__init__()
        if fourier and inputs > _FOURIER_INPUTS:
            raise RecipeError(
                f"fourier is for at most {_FOURIER_INPUTS} inputs, and here are {inputs}; set fourier to 0"
            )
        if depth < 1:
            raise RecipeError(f"depth is {depth}; an mlp needs at least 1 hidden layer")
        self.size = width
        first: list[nn.Module] = [nn.Flatten()]
        if fourier:
            first.append(_Fourier(fourier))
            inputs *= 1 + 2 * fourier
        self.layers = nn.ModuleList(
            [nn.Sequential(*first, nn.Linear(inputs, width), _activation(activation))]
        )
        for _ in range(depth - 1):
            plain = nn.Sequential(nn.Linear(width, width), _activation(activation))
            self.layers.append(_ResidualLayer(width, activation) if residual else plain)

    @property
    def linears(self) -> list[nn.Linear]:
        return [module for module in self.modules() if isinstance(module, nn.Linear)]

    def inside(self, x: Tensor) -> tuple[Tensor, ...]:
        """What enters the first linear map, ``(N, inputs)``, then what :meth:`forward` gives."""
        first = cast(nn.Sequential, self.layers[0])
        return (first[:-2](x), *self(x))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return stagewise(self.layers, x)


class MlpGenerator(nn.Module, GeneratorTraits):
    """Latent to sample through ``depth`` hidden layers of ``width`` units.

    Args:
        activation: of the hidden layers; the seed of many a tutorial is ``tanh`` with depth 2.
        fourier: octaves of sinusoids that are appended to the latent; 0 is none.
        residual: whether hidden layers after the first add to their input.
    """

    name = "mlp"
    words = "fully connected layers, for points and small examples"
    dims = (0, 1, 2, 3)
    smallest = 1
    usual_rate = 0.001

    def __init__(
        self,
        *,
        space: Space,
        latent: int,
        condition: int = 0,
        width: int,
        depth: int,
        activation: Activation = "leaky_relu",
        fourier: int = 0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.space = space
        self.input = LatentInput(latent, condition)
        self.trunk = MlpTrunk(
            inputs=self.input.size,
            width=width,
            depth=depth,
            activation=activation,
            fourier=fourier,
            residual=residual,
        )
        self.output = nn.Linear(width, space.size)
        _initialise(self, self.output, self.input.embed, activation)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self._sample(self.trunk(self.input(z, condition))[-1], z)

    def _sample(self, h: Tensor, z: Tensor) -> Tensor:
        x = self.output(h).float()
        return self.space.codec.finish(x.unflatten(1, self.space.shape), z, torch.tanh)

    @property
    def linears(self) -> list[nn.Linear]:
        """Linear maps between the layers that :meth:`inside` gives, in order."""
        return [*self.trunk.linears, self.output]

    def inside(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, ...]:
        """What enters, the hidden layers, and the sample: each ``(N, units)``."""
        layers = self.trunk.inside(self.input(z, condition))
        return (*layers, self._sample(layers[-1], z).flatten(1))


class MlpDiscriminator(nn.Module, DiscriminatorTraits):
    """Sample, flattened, to logit through ``depth`` hidden layers of ``width`` units.

    Args:
        activation, residual: as in :class:`MlpGenerator`.
        fourier: octaves of sinusoids that are appended to the sample's numbers; 0 is none.
        spectral_norm: whether each weight is divided by its largest singular value.
    """

    name = "mlp"
    words = "fully connected layers, for points and small examples"
    dims = (0, 1, 2, 3)
    smallest = 1
    usual_rate = 0.001

    def __init__(
        self,
        *,
        space: Space,
        condition: int = 0,
        width: int,
        depth: int,
        activation: Activation = "leaky_relu",
        fourier: int = 0,
        residual: bool = False,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        self.trunk = MlpTrunk(
            inputs=space.size,
            width=width,
            depth=depth,
            activation=activation,
            fourier=fourier,
            residual=residual,
        )
        self.head = Head(width, condition)
        _initialise(self, self.head.linear, self.head.embed, activation)
        self.examples_are_independent = not spectral_norm
        if spectral_norm:
            normalise_spectrally(self)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.trunk(x)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.head(self.trunk(x)[-1], condition)

    @property
    def linears(self) -> list[nn.Linear]:
        """Linear maps between the layers that :meth:`inside` gives; a condition adds to the last."""
        return [*self.trunk.linears, self.head.linear]

    def inside(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, ...]:
        """What enters, the hidden layers, and the logit: each ``(N, units)``."""
        layers = self.trunk.inside(x)
        return (*layers, self.head(layers[-1], condition)[:, None])
