"""Stacked MNIST: three digits in the colour channels make 1,000 modes (Metz et al. 2017; PacGAN).

A referee reads each channel; the scores are the modes found and KL(p ‖ uniform). Both depend on the
number of samples, and a perfect sampler does not score 0: see :func:`stacked_floor`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Examples, Indices, tensor_of
from ganforge.metrics.points import reverse_kl_uniform

__all__ = ["StackedReport", "lenet", "stacked_floor", "stacked_report"]

MNIST_IMBALANCE = 0.0043  # KL in nats of three independent MNIST digits from uniform
_SHAPES = {
    "convnet.c1": (6, 1, 5, 5),
    "convnet.c3": (16, 6, 5, 5),
    "convnet.c5": (120, 16, 5, 5),
    "fc.f6": (84, 120),
    "fc.f7": (10, 84),
}

Referee = Callable[[Tensor], Tensor]
"""Grey pictures ``(N, 1, H, W)`` uint8 to logits ``(N, classes)``."""


@dataclass(frozen=True)
class StackedReport:
    """Attributes:
    modes: triples of digits that occur at least once.
    possible: how many there are, 1,000 for ten digits.
    kl: KL(triples ‖ uniform) in nats.
    floor: what a perfect sampler expects at this n.
    labels: ``(N,)``, the triple of each sample as one number.
    n: samples.
    """

    modes: int
    possible: int
    kl: float
    floor: float
    labels: Indices
    n: int


def stacked_report(pictures: Examples, referee: Referee, *, batch: int = 1024) -> StackedReport:
    """Read ``pictures`` ``(N, 3, H, W)`` uint8 channel by channel.

    Raises:
        DataError: they do not have three channels of bytes.
    """
    x = tensor_of(pictures)
    if x.ndim != 4 or x.shape[1] != 3 or x.dtype != torch.uint8:
        raise DataError(f"stacked digits are (N, 3, H, W) bytes, not {tuple(x.shape)} {x.dtype}")
    digits: list[Tensor] = []
    classes = 0
    with torch.inference_mode():
        for start in range(0, len(x), batch):
            part = x[start : start + batch]
            logits = referee(part.reshape(-1, 1, *part.shape[2:]))
            classes = logits.shape[1]
            digits.append(logits.argmax(1).view(-1, 3))
    triple = torch.cat(digits).numpy()
    labels = (triple[:, 0] * classes + triple[:, 1]) * classes + triple[:, 2]
    counts = np.bincount(labels, minlength=classes**3)
    return StackedReport(
        modes=int((counts > 0).sum()),
        possible=classes**3,
        kl=reverse_kl_uniform(counts),
        floor=stacked_floor(len(x), classes**3),
        labels=labels,
        n=len(x),
    )


def stacked_floor(n: int, modes: int = 1000, imbalance: float = MNIST_IMBALANCE) -> float:
    """Expected KL of ``n`` perfect samples: (modes − 1) / 2n, and MNIST's own imbalance.

    .0235 at 26,000 samples and .0143 at 50,000. The first term is the leading one of the plug-in
    estimate's bias (Miller 1955), good where n is many times ``modes``; it is held at log(modes).
    """
    return min((modes - 1) / (2 * n) + imbalance, math.log(modes))


def lenet(file: Path) -> Referee:
    """LeNet-5 (LeCun et al. 1998) with ReLU and maxima, from a file of its weights, for 28×28 digits.

    Raises:
        DataError: the file is missing, or lacks a layer.
    """
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"there is no file of LeNet weights at {file}: give its path") from error
    except (UnpicklingError, OSError, RuntimeError, ValueError, EOFError) as error:
        raise DataError(f"{file} is not a file of tensors alone, and is not opened") from error
    layers: dict[str, tuple[Tensor, Tensor]] = {}
    for name, shape in _SHAPES.items():
        weight, bias = (found.get(f"{name}.{part}") for part in ("weight", "bias"))
        if not isinstance(weight, Tensor) or not isinstance(bias, Tensor) or tuple(weight.shape) != shape:
            raise DataError(f"{file} lacks the layer {name} of shape {shape}: it is no such LeNet-5")
        layers[name] = (weight.float(), bias.float())

    def referee(x: Tensor) -> Tensor:
        # 32×32, as in the paper, 0…1.
        x = F.interpolate(x.float() / 255.0, (32, 32), mode="bilinear", align_corners=False)
        x = F.max_pool2d(F.conv2d(x, *layers["convnet.c1"]).relu_(), 2)
        x = F.max_pool2d(F.conv2d(x, *layers["convnet.c3"]).relu_(), 2)
        x = F.conv2d(x, *layers["convnet.c5"]).relu_().flatten(1)
        return F.linear(F.linear(x, *layers["fc.f6"]).relu_(), *layers["fc.f7"])

    return referee
