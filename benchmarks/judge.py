"""How near samples come to real pictures, by features that no training here may use.

    python benchmarks/judge.py REALS SAMPLES [--size 64] [--features mobilenet squeezenet]

REALS is a set's name (see SETS), or a folder, zip or array of pictures. SAMPLES is a run folder, which is
then asked for what it needs; an .npy of bytes (N, H, W, C) or (N, C, H, W); an .npz with these as `samples`
and perhaps the class each was asked for as `asked`; or a folder or zip of pictures. One line of JSON is
printed. Every figure stands beside its best possible value, `…_best`: what one half of the real pictures
scores against the other.

The real pictures are cut into two halves by chance. 5,000 samples are compared with as many real pictures of
one half; where the halves are smaller than 2,500, each is compared with samples of its own, and figures are
means of the two. All pictures are brought to the side of the training, then to what the network reads:

- mobilenet: MobileNetV2's 1,280 features of pictures as they are, or of 64×64 where they are smaller.
  Enlarged to the 224 pixels of its training (mobilenet224) it is ten times slower, and sees of young samples
  only that they are drawn otherwise: everything is equally far away, and nothing is covered.
- squeezenet: SqueezeNet's 512 features at 227 pixels, a judge of another kind.

- `frechet`: Fréchet distance of the features. Few pictures bias it upwards, and the best possible value too.
- `kernel`: kernel distance of the features, times 1,000; unbiased: of small sets, read this one.
- `thumbnails`: Fréchet distance of the 192 bytes of 8×8 thumbnails, in thousands: colours and layout.
- `precision`, `recall`, `density`, `coverage` of the features, k = 5, among 1,000 and 1,000, for they change
  with the size of the sets: means over the thousands that there are.
- `as_asked`: share of samples that a classifier, trained on the real ones, takes for the class asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganforge.core.errors import GanforgeError
from ganforge.data import Dataset
from ganforge.data import load as load_data
from ganforge.data.cache import cache_folder
from ganforge.metrics.arrays import Array, random, tensor_of
from ganforge.metrics.classifier import Classifier, train_classifier
from ganforge.metrics.features import Extractor, colour, resized
from ganforge.metrics.foreign import mobilenet_v2, squeezenet
from ganforge.metrics.frechet import frechet_distance, moments
from ganforge.metrics.kernel import kernel_distance
from ganforge.metrics.manifold import manifold
from ganforge.runs.sampler import GeneratorSampler
from ganforge.runs.sampler import load as load_sampler

SHARED = Path(os.environ.get("GANFORGE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
SETS = {  # name: file in SHARED, side of the pictures judged, whether samples are asked for by class
    "celeba64": ("celeba64_10k.zip", 64, False),
    "flowers": ("flowers128_1k.zip", 64, True),
    "titian": ("titian256.zip", 64, False),
    "emoji": ("noto_emoji72.zip", 64, False),
    "tiles": ("crawl_tiles32.zip", 32, True),
    "cifar": ("cifar10_7k.npz", 32, True),
    "mnist": ("mnist", 28, True),
    "fashion": ("fashion_mnist_20k.npz", 28, True),
}
_MOBILENET, _SQUEEZENET = "mobilenet_v2_quant.npz", "squeezenet_v1.0_dc.npz"
FEATURES: dict[str, Callable[[Path, int], Extractor]] = {  # of the folder of weights and the side judged at
    "mobilenet": lambda folder, side: mobilenet_v2(folder / _MOBILENET, max(side, 64)),
    "mobilenet224": lambda folder, side: mobilenet_v2(folder / _MOBILENET),
    "squeezenet": lambda folder, side: squeezenet(folder / _SQUEEZENET),
}
MOST = 5_000  # samples
_BALLS = 1_000  # samples among which neighbours are counted
_ROWS = 256  # pictures brought to size at once


def extractor_of(features: str, size: int) -> Extractor:
    """The network of a name in FEATURES. Raises DataError where its weights are not in SHARED."""
    return FEATURES[features](SHARED / "weights", size)


def source(name: str, size: int | None = None) -> tuple[Path, int]:
    """Where a set lies and the side that its pictures are judged at: of a name in SETS, or of any path."""
    file, side, _ = SETS.get(name, (name, 64, False))
    return (SHARED / file if name in SETS else Path(file)), size or side


def by_class(name: str) -> bool:
    """Whether samples of this set shall be asked for by class, and be what was asked."""
    return SETS.get(name, (name, 64, False))[2]


def pictures_of(dataset: Dataset) -> tuple[np.ndarray, np.ndarray | None]:
    """All pictures of a set, ``(N, C, H, W)`` uint8, and their classes ``(N,)`` where they have some."""
    parts = (dataset.train, dataset.held_out)
    values = np.concatenate([part.values for part in parts])
    labels = [part.labels for part in parts if part.labels is not None]
    return values, np.concatenate(labels) if len(labels) == 2 else None


def brought(pictures: np.ndarray | Tensor, size: int) -> np.ndarray:
    """Bytes ``(N, C, H, W)`` to RGB bytes ``(N, 3, size, size)``: alpha over grey, bilinear, antialiased."""
    parts: list[np.ndarray] = []
    for start in range(0, len(pictures), _ROWS):
        part = colour(tensor_of(pictures[start : start + _ROWS]))
        part = part if part.shape[2:] == (size, size) else resized(part, size)
        parts.append(part.round().clamp(0, 255).to(torch.uint8).numpy())
    return np.concatenate(parts)


@dataclass(frozen=True)
class Seen:
    """Features ``(n, D)`` and thumbnails ``(n, 192)`` of some pictures."""

    features: Array
    thumbnails: Array

    @classmethod
    def of(cls, pictures: np.ndarray, extractor: Extractor) -> Seen:
        small = F.interpolate(torch.from_numpy(pictures).float(), size=(8, 8), mode="area")
        return cls(extractor(pictures), small.flatten(1).double().numpy())


def compared(some: Seen, real: Seen) -> dict[str, float]:
    """Every figure of ``some`` against ``real``, which are as many."""
    parts = max(1, len(some.features) // _BALLS)
    blocks = zip(np.array_split(some.features, parts), np.array_split(real.features, parts), strict=True)
    found = [manifold(samples, reals, k=5) for samples, reals in blocks]
    return {
        "frechet": frechet_distance(moments(some.features), moments(real.features)),
        "kernel": 1000 * kernel_distance(some.features, real.features, seed=0).value,
        "thumbnails": frechet_distance(moments(some.thumbnails), moments(real.thumbnails)) / 1000,
        "precision": float(np.mean([one.precision for one in found])),
        "recall": float(np.mean([one.recall for one in found])),
        "density": float(np.mean([one.density for one in found])),
        "coverage": float(np.mean([one.coverage for one in found])),
    }


class Judge:
    """Real pictures prepared once, for many sets of samples.

    Args:
        pictures: real ones, ``(N, C, H, W)`` uint8.
        size: side that everything is brought to first.
        extractor: what it looks with; see :func:`extractor_of`.
        classifier: who says which class a sample is; None where nothing is asked for.
        most: samples compared, at most.

    Attributes:
        n: how many samples are compared with each half.
        needed: how many samples a judgement reads.
        best: the figures of one half of the real pictures against the other.
    """

    def __init__(
        self,
        pictures: np.ndarray,
        *,
        size: int,
        extractor: Extractor,
        classifier: Classifier | None = None,
        most: int = MOST,
    ) -> None:
        self.size, self.classifier, self.extractor = size, classifier, extractor
        self.n = min(most, len(pictures) // 2)
        self._halves = 2 if 2 * self.n <= most else 1
        self.needed = self.n * self._halves
        order = random(0, 0x1D6E).permutation(len(pictures))
        self._real = [self._prepared(pictures[order[at * self.n :][: self.n]]) for at in range(2)]
        self.best = compared(self._real[1], self._real[0])

    def __call__(self, samples: np.ndarray, asked: np.ndarray | None = None) -> dict[str, Any]:
        """The figures of ``samples`` ``(M, C, H, W)`` uint8, M at least ``needed``, and their best values."""
        if len(samples) < self.needed:
            raise SystemExit(f"{len(samples):,} samples are too few here: give {self.needed:,}")
        chosen = brought(samples[: self.needed], self.size)
        parts = [
            compared(Seen.of(chosen[at * self.n :][: self.n], self.extractor), self._real[at])
            for at in range(self._halves)
        ]
        found: dict[str, Any] = {"features": self.extractor.name, "samples": self.needed, "size": self.size}
        for name in parts[0]:
            found[name] = round(float(np.mean([part[name] for part in parts])), 4)
            found[f"{name}_best"] = round(self.best[name], 4)
        if self.classifier is not None and asked is not None:
            told = self.classifier.probabilities(np.asarray(samples)).argmax(1)
            found["as_asked"] = round(float((told == asked).mean()), 4)
            found["as_asked_best"] = round(self.classifier.accuracy, 4)
        return found

    def _prepared(self, pictures: np.ndarray) -> Seen:
        small = brought(pictures, self.size)
        return _remembered(self._key(small), lambda: Seen.of(small, self.extractor))

    def _key(self, pictures: np.ndarray) -> str:
        about = f"2 {self.extractor.name} {self.size} {pictures.shape}".encode()
        return hashlib.sha256(about + pictures.tobytes()).hexdigest()[:24]


def _remembered(key: str, make: Callable[[], Seen]) -> Seen:
    """Features of real pictures from the cache, else made and kept: they cost minutes, and never change."""
    file = cache_folder() / f"judge-{key}.npz"
    if file.is_file():
        with np.load(file) as kept:
            return Seen(kept["features"], kept["thumbnails"])
    seen = make()
    scratch = file.with_suffix(f".{os.getpid()}.npz")
    np.savez(scratch, features=seen.features, thumbnails=seen.thumbnails)
    scratch.replace(file)
    return seen


def classifier_of(dataset: Dataset) -> Classifier:
    """A small classifier trained on the training part, its accuracy measured on the held-out part."""
    train, held_out = dataset.train, dataset.held_out
    kept = (train.values, train.labels, held_out.values, held_out.labels)
    examples, labels, others, other_labels = (np.asarray(part) for part in kept)
    return train_classifier(examples, labels, held_out=others, held_out_labels=other_labels, kimg=150.0)


def samples_of(sampler: GeneratorSampler, dataset: Dataset, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """``n`` samples, and the classes asked for where there are some: each as often as in the data."""
    asks = sampler.asks
    rows = dataset.train.conditions(asks)
    if asks is None or rows is None:
        return np.concatenate(
            [sampler.sample(min(_ROWS, n - at), seed=1, start=at).numpy() for at in range(0, n, _ROWS)]
        ), None
    rows = rows[np.resize(random(1, 0xA5C).permutation(len(rows)), n)]
    vectors = asks.vectors(torch.from_numpy(rows))
    parts = [
        sampler.sample(min(_ROWS, n - at), seed=1, start=at, condition=vectors[at : at + _ROWS]).numpy()
        for at in range(0, n, _ROWS)
    ]
    return np.concatenate(parts), rows[:, 0] if asks.kind == "class" else None


def read_samples(path: Path, dataset: Dataset, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Samples ``(N, C, H, W)`` uint8 from what the module's docstring lists, and the classes asked for."""
    if (path / "run.json").is_file():
        return samples_of(load_sampler(path), dataset, n)
    if path.suffix not in (".npy", ".npz"):
        return pictures_of(load_data(path))[0], None
    asked = None
    values = np.load(path, allow_pickle=False)
    if path.suffix == ".npz":
        asked = values["asked"] if "asked" in values.files else None
        values = values["samples"]
    if values.ndim == 4 and values.shape[1] > 4 >= values.shape[-1]:
        values = values.transpose(0, 3, 1, 2)
    return values, asked


def judged(name: str, size: int | None, features: str, most: int = MOST) -> tuple[Judge, Dataset]:
    """The judge of a set, and the set as it is trained on at the judge's size."""
    path, side = source(name, size)
    dataset = load_data(path, size=side)
    labelled = by_class(name) and dataset.train.labels is not None
    classifier = classifier_of(dataset) if labelled else None
    values, _ = pictures_of(dataset)
    extractor = extractor_of(features, side)
    return Judge(values, size=side, extractor=extractor, classifier=classifier, most=most), dataset


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reals")
    parser.add_argument("samples", type=Path)
    parser.add_argument("--size", type=int, help="side that all is brought to; 64 where nothing is known")
    parser.add_argument("--features", nargs="+", choices=FEATURES, default=["mobilenet"])
    parser.add_argument("--most", type=int, default=MOST, help="samples compared, at most")
    options = parser.parse_args(arguments)
    made = None
    for features in options.features:
        try:
            judge, dataset = judged(options.reals, options.size, features, options.most)
            made = made or read_samples(options.samples, dataset, judge.needed)
        except GanforgeError as error:
            sys.exit(str(error))
        print(json.dumps({"set": options.reals, "of": str(options.samples)} | judge(*made)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
