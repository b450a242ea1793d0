"""What distances are measured on: extractors, callables with a name.

A distance is named after its extractor, because the same samples have other distances on other features;
only the standard Inception's Fréchet distance is called FID. Extractors read *declared units*: pictures
and shapes as uint8, sound as float −1…1, points as float.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Examples, Indices, numpy_of, random, rows, shrunk, tensor_of, unit
from ganforge.metrics.classifier import Classifier, Reader, seen_shape, train_classifier
from ganforge.metrics.neighbours import nearest_neighbours
from ganforge.metrics.spectrum import power_spectrum

__all__ = [
    "Extractor",
    "colour",
    "groups",
    "learned",
    "measured",
    "module_extractor",
    "raw",
    "referee",
    "resized",
    "shrunk",
    "sketch",
    "standardised",
    "unit",
]

_GROUPED = 2_000  # examples that groups are found on


@dataclass(frozen=True)
class Extractor:
    """Examples ``(N, *shape)`` in declared units to features ``(N, D)`` float64.

    Attributes:
        name: what distances are named after.
        read: one batch ``(n, *shape)`` to ``(n, D)``, or to ``(n, D, *spatial)``, which is averaged.
        resize: what is done to sides before reading, for the protocol; empty for nothing.
        batch: examples read at once; it changes memory and not the features.
        standard: it is the standard Inception, whose Fréchet distance is the FID.
    """

    name: str
    read: Callable[[Tensor], Tensor]
    resize: str = ""
    batch: int = 128
    standard: bool = False

    def __call__(self, examples: Examples) -> Array:
        parts: list[Array] = []
        with torch.inference_mode():
            for start in range(0, len(examples), self.batch):
                found = self.read(tensor_of(examples[start : start + self.batch]))
                found = found.flatten(2).mean(2) if found.ndim > 2 else found
                parts.append(found.double().cpu().numpy())
        if not parts:
            raise DataError("there are no examples to extract features from: give at least one")
        features = np.concatenate(parts)
        if not np.isfinite(features).all():
            raise DataError(f"extractor {self.name} gave features that are not finite on these examples")
        return features

    @property
    def frechet_name(self) -> str:
        return "FID" if self.standard else f"Fréchet distance ({self.name})"

    @property
    def kernel_name(self) -> str:
        return "KID" if self.standard else f"kernel distance ({self.name})"


def raw() -> Extractor:
    """The numbers themselves: points as they are, bytes as −1…1."""
    return Extractor("raw", lambda x: unit(x).flatten(1))


def standardised(training: Examples) -> Extractor:
    """Points ``(N, D)`` brought to mean 0 and deviation 1 a coordinate, as measured on ``training``.

    For columns of different units, where a distance on the numbers themselves would see the largest only.
    """
    mean, scale = _spread(rows(training, "training"))
    return Extractor("standardised", lambda x: (x.double().flatten(1) - mean) / scale)


def measured(name: str, training: Examples, read: Callable[[np.ndarray], np.ndarray]) -> Extractor:
    """What ``read`` tells of examples, ``(n, *shape)`` to ``(n, D)``: mean 0 and deviation 1 on ``training``.

    For kinds whose own numbers say little: of tokens every step may be right, and the whole be nothing.
    """
    mean, scale = _spread(read(numpy_of(training)))
    return Extractor(name, lambda x: (torch.from_numpy(read(numpy_of(x))) - mean) / scale)


def sketch(training: Examples, *, components: int = 64, side: int = 16) -> Extractor:
    """Principal components of thumbnails and the power in each band: features that need no training.

    Components and bands have mean 0 and deviation 1 on the training examples; a component's scale is at
    least a tenth of the first one's, so that noise is not blown up. It sees what is there and how sharp it
    is, and little of how it is drawn: for the quick look while a game is played, not for papers.

    Args:
        training: pictures, sound or shapes ``(M, C, *spatial)`` in declared units, M at least 2.
    """
    x = unit(shrunk(tensor_of(training), side)).flatten(1).double()
    centre = x.mean(0)
    values, axes = _principal(x - centre)
    axes = axes[:components]  # (K, D)
    scale = (values[:components] / len(x) ** 0.5).clamp_min(0.1 * values[0].item() / len(x) ** 0.5 + 1e-9)
    banded = x.ndim and numpy_of(training).ndim > 2 and max(training.shape[2:]) >= 4
    bands = _bands(training) if banded else x[:, :0]
    mean, deviation = bands.mean(0), bands.std(0, correction=0).clamp_min(0.05)

    def read(part: Tensor) -> Tensor:
        seen = (unit(shrunk(part, side)).flatten(1).double() - centre) @ axes.T / scale
        filtered = (_bands(part) if banded else seen[:, :0]) - mean
        return torch.cat([seen, filtered / deviation], dim=1)

    return Extractor(
        f"sketch-{components}",
        read,
        f"averaged to {side}" if max(training.shape[2:], default=0) > side else "",
    )


def _principal(x: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values ``(K,)`` of rows ``(N, D)``, the largest first, and their axes ``(K, D)``."""
    if len(x) <= x.shape[1]:
        _, values, axes = torch.linalg.svd(x, full_matrices=False)
        return values, axes
    # A tenth of the time. It halves the digits of the smallest, which nobody looks at.
    squares, axes = torch.linalg.eigh(x.T @ x)
    return squares.clamp_min(0).sqrt().flip(0), axes.T.flip(0)


def _bands(x: Examples) -> Tensor:
    """Logarithm of the power in each band, ``(N, B)``; what is below a grey step counts as none."""
    return torch.from_numpy(np.log10(power_spectrum(x).power + 1e-2))


def _spread(features: Array) -> tuple[Tensor, Tensor]:
    """Mean and deviation ``(D,)`` float64; a constant has deviation 1."""
    deviation = features.std(axis=0)
    scale = np.where(deviation > 1e-6 * max(deviation.max(), 1e-300), deviation, 1.0)
    return torch.from_numpy(features.mean(axis=0)), torch.from_numpy(scale)


def colour(x: Tensor) -> Tensor:
    """Pictures ``(N, C, H, W)`` uint8 as RGB ``(N, 3, H, W)`` float32 0…255; alpha is laid over grey 128.

    Raises:
        DataError: they are not pictures of 1 to 4 channels of bytes.
    """
    if x.ndim != 4 or x.shape[1] > 4 or x.dtype != torch.uint8:
        raise DataError(
            f"this extractor reads pictures (N, 1 to 4, H, W) of bytes, not {tuple(x.shape)} {x.dtype}"
        )
    x = x.float()
    if x.shape[1] in (2, 4):
        alpha = x[:, -1:] / 255.0
        x = x[:, :-1] * alpha + 128.0 * (1.0 - alpha)
    return x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x


def resized(x: Tensor, side: int, *, antialias: bool = True) -> Tensor:
    """Bilinear to ``(N, C, side, side)``; antialiased where it shrinks (Parmar et al. 2022)."""
    return F.interpolate(x, (side, side), mode="bilinear", align_corners=False, antialias=antialias)


def module_extractor(
    module: nn.Module,
    name: str,
    *,
    side: int | None = None,
    mean: tuple[float, ...] = (127.5,),
    deviation: tuple[float, ...] = (127.5,),
    batch: int = 64,
) -> Extractor:
    """Any module of the user's that turns ``(N, 3, side, side)`` into ``(N, D)`` or ``(N, D, h, w)``.

    Args:
        side: pictures are resized to it; None leaves them, and then bytes of any shape or points may come.
        mean, deviation: pictures 0…255 enter as ``(x − mean) / deviation``, one number or one a channel.
    """
    module = module.eval()
    centre, scale = torch.tensor(mean).view(-1, 1, 1), torch.tensor(deviation).view(-1, 1, 1)
    if side is None:
        return Extractor(name, lambda x: module(unit(x)), batch=batch)

    def read(x: Tensor) -> Tensor:
        return module((resized(colour(x), side) - centre) / scale)

    return Extractor(name, read, f"bilinear antialiased to {side}", batch)


def learned(
    examples: Examples,
    labels: Examples | None = None,
    *,
    kimg: float | None = None,
    seed: int = 0,
    cache: Path | None = None,
) -> Extractor:
    """Features of a small network trained on the data at hand (``classifier.Reader``, 64 of them).

    With labels it learns the classes. Without, it learns two things at once: to which of ten groups an
    example belongs (k-means on its numbers), so that it sees what is missing, and whether it was blurred,
    made noisy, its halves exchanged, turned around or faded, so that it sees what is broken.
    Features have mean 0 and deviation 1 on the training examples. Sides are averaged down to 64.

    Args:
        examples: training examples ``(N, *shape)`` in declared units; never the samples.
        kimg: thousands of examples shown; None is 60, but each at most 100 times (and 6 at least).
        cache: a folder in which the network is kept, under a hash of the data and of all settings.
    """
    classes = None if labels is None else numpy_of(labels).reshape(-1).astype(np.int64)
    kept, key = _kept(numpy_of(examples), classes, kimg, seed, cache)
    reader, mean, scale = kept

    def read(batch: Tensor) -> Tensor:
        seen = _as_seen(batch, alone=classes is None)
        return (torch.from_numpy(reader.features(seen)) - mean) / scale

    resize = "averaged to 64" if reader.seen != tuple(examples.shape[1:]) else ""
    return Extractor(f"small-{'groups' if classes is None else 'classes'}-{key[:6]}", read, resize)


def referee(
    examples: Examples,
    labels: Examples,
    *,
    kimg: float | None = None,
    seed: int = 0,
    cache: Path | None = None,
) -> Classifier:
    """The classifier whose features :func:`learned` gives for the same arguments; its accuracy is not known.

    Args are those of :func:`learned`; from the same cache it is the same network.
    """
    classes = numpy_of(labels).reshape(-1).astype(np.int64)
    return _kept(numpy_of(examples), classes, kimg, seed, cache)[0][0]


_Kept = tuple[Classifier, Tensor, Tensor]


def _kept(
    x: np.ndarray, labels: Indices | None, kimg: float | None, seed: int, cache: Path | None
) -> tuple[_Kept, str]:
    """The small network with its features' mean and deviation, from the cache or trained; and its key."""
    kind = "groups" if labels is None else "classes"
    kimg = min(60.0, max(6.0, 0.1 * len(x))) if kimg is None else kimg
    settings = {"kind": kind, "kimg": kimg, "seed": seed, "shape": x.shape, "type": str(x.dtype), "form": 1}
    digest = hashlib.sha256(json.dumps(settings).encode())
    digest.update(np.ascontiguousarray(x).tobytes())
    digest.update(b"" if labels is None else labels.tobytes())
    key = digest.hexdigest()[:16]
    file = None if cache is None else cache / f"features-{key}.safetensors"
    alone = labels is None
    kept = None if file is None else _load_reader(file, tuple(_as_seen(x[:1], alone=alone).shape[1:]))
    if kept is None:
        data, target = _tasks(x, seed) if labels is None else (x, labels)
        reader = train_classifier(data, target, kimg=kimg, seed=seed)
        kept = (reader, *_spread(reader.features(_as_seen(x[:10_000], alone=alone))))
        if file is not None:
            _save_reader(file, *kept)
    return kept, key


def _as_seen(x: Examples, *, alone: bool) -> Tensor:
    """Examples as the network was shown them: where damage was done, that was to −1…1, no side above 64."""
    x = tensor_of(x)
    return unit(shrunk(x, 64)) if alone else x


def _tasks(x: np.ndarray, seed: int, most: int = 20_000_000) -> tuple[np.ndarray, np.ndarray]:
    """Examples and, for every five of them, one damaged in each of five ways; and what each is, ``(2N,)``."""
    chance = random(seed, 0x7A5C)
    some = chance.permutation(len(x))[: max(200, most // max(x[0].size, 1))]  # memory: so many numbers
    clean = _as_seen(x[some], alone=True).numpy()
    axes = tuple(range(clean.ndim - 1, 0, -1)) if clean.ndim == 2 else tuple(range(2, clean.ndim))
    spread = clean.std(axis=0) if clean.ndim == 2 else clean.std()
    if clean.ndim == 2:  # points have no neighbours to blur or turn: move, mirror, break the dependence
        blurred = clean.mean(0) + 0.7 * (clean - clean.mean(0))
        turned = 2 * clean.mean(0) - clean
        exchanged = np.stack([chance.permutation(column) for column in clean.T], axis=1)
    else:
        blurred = np.mean([np.roll(clean, step, axis) for axis in axes for step in (-1, 0, 1)], axis=0)
        turned = np.flip(clean, axes)
        exchanged = np.roll(clean, [clean.shape[axis] // 2 for axis in axes], axes)
    noisy = clean + 0.3 * spread * chance.standard_normal(clean.shape)
    faded = clean.mean(0) + 0.6 * (clean - clean.mean(0))
    few = max(1, len(clean) // 5)
    damaged = [
        kind[at * few : (at + 1) * few] for at, kind in enumerate((blurred, noisy, exchanged, turned, faded))
    ]
    flat = clean.reshape(len(clean), -1)
    group = groups(flat, flat[:_GROUPED][chance.permutation(min(len(flat), _GROUPED))[: min(10, len(clean))]])
    target = np.repeat(np.arange(len(damaged)) + group.max() + 1, [len(part) for part in damaged])
    return np.concatenate([clean, *damaged]).astype(np.float32), np.concatenate([group, target])


def groups(points: Array, centres: Array, rounds: int = 20) -> Indices:
    """Lloyd's k-means of ``(N, D)`` from ``centres`` ``(K, D)``, seen on at most 2,000: each row's group."""
    some = points[:_GROUPED]
    for _ in range(rounds):
        near = nearest_neighbours(some, centres).index[:, 0]
        # A centre that lost all its examples stays where it is.
        centres = np.stack(
            [some[near == at].mean(0) if (near == at).any() else centre for at, centre in enumerate(centres)]
        )
    return nearest_neighbours(points, centres).index[:, 0]


def _save_reader(file: Path, reader: Classifier, mean: Tensor, scale: Tensor) -> None:
    """Write beside, then rename: a reader of the cache never sees half a file."""
    tensors = dict(reader.network.state_dict())
    tensors |= {"offset": reader.offset, "scale": reader.scale}
    tensors |= {"feature_mean": mean, "feature_scale": scale}
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as handle:
        handle.write(save({name: value.contiguous() for name, value in tensors.items()}))
    os.replace(handle.name, file)


def _load_reader(file: Path, shape: tuple[int, ...]) -> _Kept | None:
    """The cached network, or None where there is none or it cannot be read: it is then trained anew."""
    try:
        tensors = load(file.read_bytes())
        offset, scale = tensors.pop("offset"), tensors.pop("scale")
        feature_mean, feature_scale = tensors.pop("feature_mean"), tensors.pop("feature_scale")
        classes, width = tensors["head.weight"].shape
        network = Reader(seen_shape(shape), classes, width=width)
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError):
        return None
    network = network.eval().requires_grad_(False)
    return Classifier(network, shape, classes, float("nan"), offset, scale), feature_mean, feature_scale
