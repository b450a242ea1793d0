"""Examples that need no file: handwriting, and points drawn from known distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ganforge.core.errors import DataError, nearest
from ganforge.core.rng import key
from ganforge.data.made import captioned_shapes, moving_digits
from ganforge.data.pixels import fit, fit_array, to_channels
from ganforge.data.raw import Raw, name_classes

__all__ = ["FORMS", "NAMES", "PICTURES", "POINTS", "Modes", "modes", "read_builtin"]

FORMS = ("built in", "drawn")  # of manifests: what a built-in set is, and no file
POINTS = 100_000  # examples of each distribution, as in the protocol of PacGAN (Lin et al. 2018, §4.1)


@dataclass(frozen=True, eq=False)
class Modes:
    """A mixture of equally likely round Gaussians: ``centres (K, D)`` and their common ``sigma``."""

    centres: np.ndarray
    sigma: float


def _ring() -> Modes:
    # linspace to 2π with both ends, as in much published code, would place two of the eight on one spot.
    angles = 2 * math.pi * np.arange(8) / 8
    return Modes(np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01)


def _pair() -> Modes:
    return Modes(np.array([[-1.0, -0.5], [1.0, 0.5]]), 0.25)


def _blobs() -> Modes:
    return Modes(np.array([[-1.0, -0.6], [1.0, -0.6], [0.0, 1.0]]), 0.2)


def _grid() -> Modes:
    side = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])
    return Modes(np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(25, 2), 0.05)


_MODES: dict[str, Callable[[], Modes]] = {
    "gaussian": lambda: Modes(np.array([[4.0]]), 1.25),
    "mixture": lambda: Modes(np.array([[-3.0], [0.0], [4.0]]), 0.5),
    "ring": _ring,
    "grid": _grid,
    "pair": _pair,
    "blobs": _blobs,
}


def modes(name: str) -> Modes:
    """The Gaussians that ``gaussian``, ``mixture``, ``ring``, ``grid``, … is made of; else DataError."""
    if name not in _MODES:
        raise DataError(f"{name!r} has no known modes; {', '.join(_MODES)} have.{nearest(name, _MODES)}")
    return _MODES[name]()


def _from_modes(name: str, rng: np.random.Generator) -> np.ndarray:
    mixture = modes(name)
    centres = mixture.centres[rng.integers(len(mixture.centres), size=POINTS)]
    return centres + mixture.sigma * rng.standard_normal(centres.shape)


def _spirals(rng: np.random.Generator) -> np.ndarray:
    """Two arms of 1.5 turns, evenly along the angle's square root, noise .02."""
    angle = 3 * math.pi * np.sqrt(rng.random(POINTS))
    arm = math.pi * rng.integers(2, size=POINTS)
    radius = angle / (3 * math.pi)
    points = np.stack([radius * np.cos(angle + arm), radius * np.sin(angle + arm)], axis=1)
    return points + 0.02 * rng.standard_normal(points.shape)


def _moons(rng: np.random.Generator) -> np.ndarray:
    """Two half circles that reach into one another, noise .05."""
    angle = math.pi * rng.random(POINTS)
    lower = rng.integers(2, size=POINTS) == 1
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    return np.stack([x, y], axis=1) + 0.05 * rng.standard_normal((POINTS, 2))


def _swissroll(rng: np.random.Generator) -> np.ndarray:
    """The rolled sheet seen from its end, 1.5 to 4.5 π, divided by 10, noise .03."""
    angle = 1.5 * math.pi * (1 + 2 * rng.random(POINTS))
    points = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 10
    return points + 0.03 * rng.standard_normal(points.shape)


def _line(rng: np.random.Generator) -> np.ndarray:
    """A straight line, evenly, noise .03."""
    along = 2 * rng.random(POINTS) - 1
    return np.stack([along, 0.6 * along], axis=1) + 0.03 * rng.standard_normal((POINTS, 2))


_CURVES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "spirals": _spirals,
    "moons": _moons,
    "swissroll": _swissroll,
    "line": _line,
}
PICTURES = ("digits", "captioned-shapes", "moving-digits", "photo-crops")  # the others are points
_MADE = {"captioned-shapes": captioned_shapes, "moving-digits": moving_digits}
# A new name goes to the end: what is drawn depends on the place.
NAMES: tuple[str, ...] = (
    *("digits", "gaussian", "mixture", "ring", "grid", "spirals", "moons", "swissroll"),
    *("line", "pair", "blobs", "captioned-shapes", "moving-digits", "photo-crops"),
)


def read_builtin(name: str, *, seed: int, size: tuple[int, int] | None, channels: int | None) -> Raw:
    """Make a built-in set. What is drawn depends on ``seed``; digits do not.

    Raises:
        DataError: a size or channels are asked for points.
    """
    assert name in NAMES
    if name == "digits":
        return _digits(size, channels)
    if name == "photo-crops":
        return _photo_crops(seed, size, channels)
    if name in _MADE:
        return _MADE[name](seed, size, channels)
    if size is not None or channels is not None:
        raise DataError(f"{name} is made of points; size and channels are for pictures only")
    rng = np.random.Generator(np.random.Philox(key=key(seed, NAMES.index(name))))
    points = _from_modes(name, rng) if name in _MODES else _CURVES[name](rng)
    values = points.astype(np.float32)
    columns = ("x", "y")[: values.shape[1]]
    return Raw(kind="points", form="built in", values=values, shape=values.shape[1:], columns=columns)


def _digits(size: tuple[int, int] | None, channels: int | None) -> Raw:
    """1,797 scans of handwritten digits, 8×8 (UCI, Alpaydin and Kaynak 1998), 0…16 to 0…255."""
    from sklearn.datasets import load_digits  # slow to import, and needed here only

    scans, target = load_digits(return_X_y=True)
    values = np.rint(np.asarray(scans) * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    labels, classes = name_classes(np.asarray(target))
    sizes = {"8×8": len(values)}
    if size is not None:
        values = fit_array(values, size)
    values = to_channels(values, channels or 1)
    return Raw(
        kind="pictures",
        form="built in",
        values=values,
        shape=values.shape[1:],
        labels=labels,
        classes=classes,
        sizes=sizes,
        modes={"uint8": len(values)},
    )


CROPS, _CROP_SIDE = 2_000, 32
_CROPPED = (200, 400)  # pixels of the photographs, 640×427, that a crop's side has: from, to


def _photo_crops(seed: int, size: tuple[int, int] | None, channels: int | None) -> Raw:
    """2,000 square crops of scikit-learn's two photographs in colour, a flower and a pagoda, as two classes.

    A crop lies anywhere and is between half and nearly all of its photograph high. Both photographs are
    under CC BY 2.0: china.jpg by danielbuechele, flower.jpg by vultilion.
    """
    from sklearn.datasets import load_sample_images  # slow to import, and needed here only

    samples = load_sample_images()
    names = {"china.jpg": "pagoda", "flower.jpg": "flower"}
    captions = [names[Path(name).name] for name in samples.filenames]
    photos = [Image.fromarray(photo) for photo in samples.images]
    rng = np.random.Generator(np.random.Philox(key=key(seed, NAMES.index("photo-crops"))))
    target = size or (_CROP_SIDE, _CROP_SIDE)
    which = rng.integers(len(photos), size=CROPS)
    values = np.empty((CROPS, 3, target[1], target[0]), np.uint8)
    for crop, photo in zip(values, (photos[one] for one in which), strict=True):
        side = int(rng.integers(_CROPPED[0], _CROPPED[1] + 1))
        left, top = (int(rng.integers(0, whole - side + 1)) for whole in photo.size)
        cut = fit(photo.crop((left, top, left + side, top + side)), target)
        crop[:] = np.asarray(cut).transpose(2, 0, 1)
    values = to_channels(values, channels or 3)
    labels, classes = name_classes(np.array([captions[one] for one in which]))
    return Raw(
        kind="pictures",
        form="drawn",
        values=values,
        shape=values.shape[1:],
        labels=labels,
        classes=classes,
        sizes={f"{target[0]}×{target[1]}": CROPS},
        modes={"uint8": CROPS},
    )
