"""Extractors from ImageNet weights in npz files: MobileNetV2 and SqueezeNet 1.0, in plain float32 torch.

The files are given by an explicit path and are read without pickle. MobileNetV2 comes as quantised bytes
with its list of operations, SqueezeNet as half-precision arrays named after the paper's modules.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganforge.core.errors import DataError
from ganforge.metrics.features import Extractor, colour, resized

__all__ = ["mobilenet_v2", "mobilenet_v2_logits", "same_padding", "squeezenet", "squeezenet_logits"]

_CAFFE_MEAN = (104.0, 117.0, 123.0)  # blue, green, red, of the data that SqueezeNet was trained on


def mobilenet_v2(file: Path, side: int = 224) -> Extractor:
    """MobileNetV2 1.0 (Sandler et al. 2018): 1,280 features, the last average pool.

    Args:
        side: what pictures are resized to; 224 is what it was trained on.

    Raises:
        DataError: the file is missing, or not such a file.
    """
    network = _MobileNet(file, side)
    # Of larger batches the layers' outputs leave the processor's cache, and reading takes twice as long.
    name = "mobilenet-v2" if side == 224 else f"mobilenet-v2 at {side}"
    batch = max(1, 8 * 224**2 // side**2)
    return Extractor(name, network.features, f"bilinear antialiased to {side}", batch=batch)


def mobilenet_v2_logits(file: Path, pictures: Tensor) -> Tensor:
    """``(N, 1001)`` logits of pictures ``(N, C, H, W)`` uint8: a check that the file is read rightly."""
    with torch.inference_mode():
        return _MobileNet(file).logits(pictures)


def squeezenet(file: Path) -> Extractor:
    """SqueezeNet 1.0 at 227 (Iandola et al. 2016, table 1): 512 features, fire9 averaged.

    Raises:
        DataError: the file is missing, or not such a file.
    """
    weights = _squeezenet_weights(file)
    return Extractor("squeezenet", lambda x: _fires(weights, x), "bilinear antialiased to 227", batch=8)


def squeezenet_logits(file: Path, pictures: Tensor) -> Tensor:
    """``(N, 1000)`` logits of pictures ``(N, C, H, W)`` uint8."""
    weights = _squeezenet_weights(file)
    with torch.inference_mode():
        last = F.conv2d(_fires(weights, pictures), weights["conv10.w"], weights["conv10.b"])
        return last.relu().mean((2, 3))


class _MobileNet:
    """The operations of the file, run in order; weights are (byte − zero) · scale."""

    def __init__(self, file: Path, side: int = 224) -> None:
        self.side = side
        arrays = _arrays(file)
        try:
            self.meta: dict[str, Any] = json.loads(bytes(arrays["meta"]).decode())
            self.operations = [op for op in self.meta["ops"] if op["op"] not in ("RESHAPE", "SOFTMAX")]
            self.weights = {op["i"]: self._weight(arrays, op) for op in self.operations if "wscale" in op}
        except (KeyError, ValueError) as error:
            raise DataError(f"{file} is no MobileNetV2 file of operations and bytes: {error}") from error

    def _weight(self, arrays: dict[str, np.ndarray], op: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """The kernel as torch has it, ``(out, in / groups, h, w)``, and the bias."""
        kernel = (arrays[f"w{op['i']}"].astype(np.float32) - op["wzero"]) * op["wscale"]
        bias = arrays[f"b{op['i']}"].astype(np.float32) * op["bscale"]
        # An ordinary kernel is (out, h, w, in); a depthwise one (1, h, w, out).
        order = (3, 0, 1, 2) if op["op"] == "DEPTHWISE_CONV_2D" else (0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(kernel.transpose(order))), torch.from_numpy(bias)

    def features(self, pictures: Tensor) -> Tensor:
        return self._run(pictures, "AVERAGE_POOL_2D")

    def logits(self, pictures: Tensor) -> Tensor:
        return self._run(pictures, None).flatten(1)

    def _run(self, pictures: Tensor, until: str | None) -> Tensor:
        x = (_of_side(pictures, self.side) - self.meta["input_zero"]) * self.meta["input_scale"]
        held = {self.meta["input"]: x}
        for op in self.operations:
            x = held[op["in"]]
            if op["op"] == "ADD":
                x = x + held[op["in2"]]
            elif op["op"] == "AVERAGE_POOL_2D":
                x = x.mean((2, 3), keepdim=True)
            else:
                x = self._convolve(x, op)
            held[op["out"]] = x
            if op["op"] == until:
                break
        return x

    def _convolve(self, x: Tensor, op: dict[str, Any]) -> Tensor:
        kernel, bias = self.weights[op["i"]]
        stride, side = op["stride"], kernel.shape[-1]
        padding, (before, after) = 0, same_padding(x.shape[2], side, stride)  # rows are as long as columns
        if before == after:
            padding = before  # by the convolution itself: a padded copy costs as much as a small convolution
        else:
            x = F.pad(x, [before, after, before, after])
        groups = len(kernel) if op["op"] == "DEPTHWISE_CONV_2D" else 1
        x = F.conv2d(x, kernel, bias, stride=stride, padding=padding, groups=groups)
        return x.clamp_(op["lo"], op["hi"])


def _of_side(pictures: Tensor, side: int) -> Tensor:
    """RGB 0…255 ``(N, 3, side, side)``, channels last in memory: both networks are twice as fast so."""
    return resized(colour(pictures), side).contiguous(memory_format=torch.channels_last)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME, before and after: ⌈size / stride⌉ outputs, and the odd pixel comes after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _squeezenet_weights(file: Path) -> dict[str, Tensor]:
    arrays = _arrays(file)
    if "conv1.w" not in arrays or "fire9.expand3.b" not in arrays:
        raise DataError(f"{file} is no SqueezeNet 1.0 file: it lacks conv1.w and fire9.expand3.b")
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}


def _fires(weights: dict[str, Tensor], pictures: Tensor) -> Tensor:
    """Pictures ``(N, C, H, W)`` uint8 to fire9's ``(N, 512, 13, 13)``."""
    x = _of_side(pictures, 227).flip(1) - torch.tensor(_CAFFE_MEAN).view(3, 1, 1)

    def convolve(x: Tensor, name: str, **options: int) -> Tensor:
        return F.conv2d(x, weights[f"{name}.w"], weights[f"{name}.b"], **options).relu_()

    x = convolve(x, "conv1", stride=2)
    for fire in range(2, 10):
        if fire in (2, 5, 9):  # after conv1, fire4 and fire8
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        squeezed = convolve(x, f"fire{fire}.squeeze")
        narrow = convolve(squeezed, f"fire{fire}.expand1")
        wide = convolve(squeezed, f"fire{fire}.expand3", padding=1)
        x = torch.cat([narrow, wide], 1)
    return x


def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise DataError(f"there is no file of weights at {file}: give its path") from error
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} is no npz archive of plain arrays: {error}") from error
