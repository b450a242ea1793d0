"""Inception-v3 as the FID uses it, from weights that the user has.

Architecture: Szegedy et al., arXiv 1512.00567, figures 5 to 7 and table 1. The 2015 network behind the
FID (Heusel et al. 2017) differs in three places: averages leave the padding out, the last block pools by
its maximum, and there are 1,008 classes. Parameters have the names of the standard file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import urllib.request
from pathlib import Path
from pickle import UnpicklingError

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ganforge.core.errors import DataError, MachineError
from ganforge.metrics.features import Extractor, colour, resized

__all__ = ["STANDARD_FILE", "fetch_standard", "inception", "inception_features", "inception_shapes"]

STANDARD_FILE = "pt_inception-2015-12-05-6726825d.pth"
_SOURCE = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/" + STANDARD_FILE
_NORMS = ("weight", "bias", "running_mean", "running_var")
_STANDARD_SHA256 = "6726825d"  # the file's name ends in the first digits of its checksum


def inception(file: Path) -> Extractor:
    """2,048 features, the last average pool; pictures are resized to 299 as the standard file expects.

    Only with the standard file, known by its checksum, are the distances called FID and KID.

    Args:
        file: the standard file, or the same parameters as safetensors.

    Raises:
        DataError: the file is missing, is not plain tensors, or lacks a parameter.
    """
    weights = _weights(file)
    standard = _is_standard(file)

    def read(x: Tensor) -> Tensor:
        # The reference resizes without antialiasing; 0…255 enters as −1…1.
        return inception_features(weights, resized(colour(x), 299, antialias=False) / 127.5 - 1.0)

    return Extractor("inception-v3", read, "bilinear to 299", batch=32, standard=standard)


def _is_standard(file: Path) -> bool:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest().startswith(_STANDARD_SHA256)


def fetch_standard(folder: Path, *, source: str = _SOURCE) -> Path:
    """The standard file in ``folder``, fetched where it is not there (95 MB); nothing else ever fetches it.

    It is kept only if its checksum is right.

    Raises:
        MachineError: it cannot be fetched, or is not the standard file.
    """
    file = folder / STANDARD_FILE
    if file.is_file() and _is_standard(file):
        return file
    beside = folder / f".fetching-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(source, timeout=30) as answer, beside.open("wb") as handle:
            shutil.copyfileobj(answer, handle)
        if not _is_standard(beside):
            raise MachineError(f"what {source} gave is not {STANDARD_FILE}: its checksum is wrong")
        os.replace(beside, file)
    except OSError as error:
        raise MachineError(
            f"{source} could not be fetched ({error}); fetch it elsewhere, and give --weights FILE"
        ) from None
    finally:
        beside.unlink(missing_ok=True)
    return file


def inception_shapes() -> dict[str, tuple[int, int, int, int]]:
    """Kernels by name, ``(out, in, height, width)``, without the classifier: 21,785,568 parameters."""
    shapes = {
        "Conv2d_1a_3x3": (32, 3, 3, 3),
        "Conv2d_2a_3x3": (32, 32, 3, 3),
        "Conv2d_2b_3x3": (64, 32, 3, 3),
        "Conv2d_3b_1x1": (80, 64, 1, 1),
        "Conv2d_4a_3x3": (192, 80, 3, 3),
    }

    def chain(block: str, branch: str, channels: int, *kernels: tuple[int, int, int]) -> None:
        """Kernels (out, height, width) one after another: branch_1, branch_2 … , or branch alone."""
        for index, (out, height, width) in enumerate(kernels, start=1):
            name = branch if len(kernels) == 1 else f"{branch}_{index}"
            shapes[f"{block}.{name}"] = (out, channels, height, width)
            channels = out

    for block, channels, pooled in (("Mixed_5b", 192, 32), ("Mixed_5c", 256, 64), ("Mixed_5d", 288, 64)):
        chain(block, "branch1x1", channels, (64, 1, 1))
        chain(block, "branch5x5", channels, (48, 1, 1), (64, 5, 5))
        chain(block, "branch3x3dbl", channels, (64, 1, 1), (96, 3, 3), (96, 3, 3))
        chain(block, "branch_pool", channels, (pooled, 1, 1))
    chain("Mixed_6a", "branch3x3", 288, (384, 3, 3))
    chain("Mixed_6a", "branch3x3dbl", 288, (64, 1, 1), (96, 3, 3), (96, 3, 3))
    for block, c in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        chain(block, "branch1x1", 768, (192, 1, 1))
        chain(block, "branch7x7", 768, (c, 1, 1), (c, 1, 7), (192, 7, 1))
        chain(block, "branch7x7dbl", 768, (c, 1, 1), (c, 7, 1), (c, 1, 7), (c, 7, 1), (192, 1, 7))
        chain(block, "branch_pool", 768, (192, 1, 1))
    chain("Mixed_7a", "branch3x3", 768, (192, 1, 1), (320, 3, 3))
    chain("Mixed_7a", "branch7x7x3", 768, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3))
    for block, channels in (("Mixed_7b", 1280), ("Mixed_7c", 2048)):
        chain(block, "branch1x1", channels, (320, 1, 1))
        chain(block, "branch_pool", channels, (192, 1, 1))
        shapes[f"{block}.branch3x3_1"] = (384, channels, 1, 1)
        chain(block, "branch3x3dbl", channels, (448, 1, 1), (384, 3, 3))
        for branch in ("branch3x3_2", "branch3x3dbl_3"):
            shapes[f"{block}.{branch}a"] = (384, 384, 1, 3)
            shapes[f"{block}.{branch}b"] = (384, 384, 3, 1)
    return shapes


def inception_features(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Pictures ``(N, 3, 299, 299)`` in −1…1 to ``(N, 2048)``."""

    def layer(x: Tensor, name: str, *, stride: int = 1, same: bool = True) -> Tensor:
        """Convolution, batch normalisation with the stored statistics, ReLU."""
        kernel = weights[f"{name}.conv.weight"]
        pad = (kernel.shape[2] // 2, kernel.shape[3] // 2) if same else 0
        x = F.conv2d(x, kernel, stride=stride, padding=pad)
        gain, shift, mean, variance = (weights[f"{name}.bn.{part}"] for part in _NORMS)
        return F.batch_norm(x, mean, variance, gain, shift, eps=1e-3).relu_()

    def along(x: Tensor, branch: str, links: int, *, shrink: bool = False) -> Tensor:
        """A chain of layers; with ``shrink`` the last has stride 2 and no padding."""
        for link in range(1, links + 1):
            last = shrink and link == links
            x = layer(x, f"{branch}_{link}", stride=2 if last else 1, same=not last)
        return x

    def averaged(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)

    x = layer(x, "Conv2d_1a_3x3", stride=2, same=False)
    x = layer(layer(x, "Conv2d_2a_3x3", same=False), "Conv2d_2b_3x3")
    x = F.max_pool2d(x, 3, 2)
    x = layer(layer(x, "Conv2d_3b_1x1"), "Conv2d_4a_3x3", same=False)
    x = F.max_pool2d(x, 3, 2)
    for block in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):  # figure 5
        parts = [layer(x, f"{block}.branch1x1"), along(x, f"{block}.branch5x5", 2)]
        x = torch.cat(
            [*parts, along(x, f"{block}.branch3x3dbl", 3), layer(averaged(x), f"{block}.branch_pool")], 1
        )
    parts = [layer(x, "Mixed_6a.branch3x3", stride=2, same=False)]
    x = torch.cat([*parts, along(x, "Mixed_6a.branch3x3dbl", 3, shrink=True), F.max_pool2d(x, 3, 2)], 1)
    for block in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):  # figure 6, n = 7
        parts = [layer(x, f"{block}.branch1x1"), along(x, f"{block}.branch7x7", 3)]
        x = torch.cat(
            [*parts, along(x, f"{block}.branch7x7dbl", 5), layer(averaged(x), f"{block}.branch_pool")], 1
        )
    parts = [along(x, f"Mixed_7a.branch{name}", n, shrink=True) for name, n in (("3x3", 2), ("7x7x3", 4))]
    x = torch.cat([*parts, F.max_pool2d(x, 3, 2)], 1)
    for block in ("Mixed_7b", "Mixed_7c"):  # figure 7
        pooled = averaged(x) if block == "Mixed_7b" else F.max_pool2d(x, 3, 1, padding=1)
        short, long = layer(x, f"{block}.branch3x3_1"), along(x, f"{block}.branch3x3dbl", 2)
        parts = [layer(x, f"{block}.branch1x1")]
        parts += [layer(short, f"{block}.branch3x3_2{end}") for end in "ab"]
        parts += [layer(long, f"{block}.branch3x3dbl_3{end}") for end in "ab"]
        x = torch.cat([*parts, layer(pooled, f"{block}.branch_pool")], 1)
    return x.mean((2, 3))


def _weights(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            found = load_file(file)
        else:
            found = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"there is no file of Inception weights at {file}: give its path") from error
    except (SafetensorError, UnpicklingError, OSError, RuntimeError, ValueError, EOFError) as error:
        raise DataError(
            f"{file} is not a file of tensors alone, and is not opened: get {STANDARD_FILE}"
        ) from error
    weights: dict[str, Tensor] = {}
    for name, shape in inception_shapes().items():
        for part, wanted in (("conv.weight", shape), *((f"bn.{part}", shape[:1]) for part in _NORMS)):
            tensor = found.get(f"{name}.{part}") if isinstance(found, dict) else None
            if not isinstance(tensor, Tensor) or tuple(tensor.shape) != wanted:
                raise DataError(f"{file} lacks {name}.{part} of shape {wanted}: get {STANDARD_FILE}")
            weights[f"{name}.{part}"] = tensor.float()
    return weights
