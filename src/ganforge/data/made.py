"""Sets that are drawn on the spot, so that what a picture shows is known: captioned shapes, moving digits."""

from __future__ import annotations

import numpy as np

from ganforge.core.rng import key
from ganforge.data.pixels import fit_array, to_channels
from ganforge.data.raw import Raw, Stated

__all__ = ["COLOURS", "SHAPES", "bouncing", "captioned_shapes", "draw_shapes", "moving_digits"]

SIDE = 32  # pixels
PICTURES = 8_000
CLIPS, FRAMES = 1_000, 12
SHAPES = ("circle", "square", "triangle", "cross")
COLOURS = {
    "red": (225, 40, 40),
    "green": (40, 180, 70),
    "blue": (50, 90, 235),
    "yellow": (240, 215, 50),
    "white": (245, 245, 245),
    "purple": (165, 60, 200),
}
_GROUND = 24  # grey, darker than every colour
_DIGIT = 12  # pixels


def captioned_shapes(seed: int, size: tuple[int, int] | None, channels: int | None) -> Raw:
    """8,000 RGB pictures of one or two shapes of six colours, with captions: a red circle, a blue square."""
    values, captions = draw_shapes(PICTURES, seed=seed)
    sizes = {f"{SIDE}×{SIDE}": len(values)}
    values = to_channels(values if size is None else fit_array(values, size), channels or 3)
    return Raw(
        kind="pictures",
        form="drawn",
        values=values,
        shape=values.shape[1:],
        stated=Stated(kind="text", texts=[(text,) for text in captions]),
        sizes=sizes,
        modes={"uint8": len(values)},
    )


def draw_shapes(n: int, *, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Pictures ``(n, 3, 32, 32)`` uint8, smooth at their edges, and what they show from left to right.

    Half of them have one shape, anywhere; the others have two, side by side.
    """
    rng = np.random.Generator(np.random.Philox(key=key(seed, 101)))
    two = rng.random(n) < 0.5
    shapes = rng.integers(len(SHAPES), size=(n, 2))
    colours = rng.integers(len(COLOURS), size=(n, 2))
    toss = rng.random((n, 2, 4))
    radius = np.where(two[:, None], 4.5 + 2 * toss[..., 0], 6 + 4 * toss[..., 0])
    room = SIDE - 2 * radius - 2
    side_by_side = np.array([7, 23]) + 2 * toss[..., 1]
    across = np.where(two[:, None], side_by_side, 1 + radius + room * toss[..., 1])
    down = 1 + radius + room * toss[..., 2]
    inks = np.array(list(COLOURS.values()), np.float32)[colours]  # (n, 2, 3)
    inks *= (0.9 + 0.1 * toss[..., 3, None]).astype(np.float32)
    pictures = np.full((n, 3, SIDE, SIDE), _GROUND, np.uint8)
    for first in range(0, n, 256):  # a piece that stays in the processor's cache
        some = slice(first, first + 256)
        drawn = pictures[some].astype(np.float32)
        for k in range(2):
            cover = _cover(shapes[some, k], across[some, k], down[some, k], radius[some, k])
            if k:
                cover *= two[some, None, None]
            drawn += cover[:, None] * (inks[some, k, :, None, None] - drawn)
        pictures[some] = np.rint(drawn)
    names = [f"a {colour} {shape}" for shape in SHAPES for colour in COLOURS]
    number = shapes * len(COLOURS) + colours
    captions = [
        ", ".join(names[i] for i in row[: 1 + second]) for row, second in zip(number, two, strict=True)
    ]
    return pictures, captions


def _cover(shape: np.ndarray, across: np.ndarray, down: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The share of each pixel that lies in a shape ``(n, 32, 32)``, by its signed distance to the edge."""
    centre = np.arange(SIDE, dtype=np.float32) + 0.5
    x = centre[None, None, :] - across[:, None, None].astype(np.float32)
    y = centre[None, :, None] - down[:, None, None].astype(np.float32)
    r = radius[:, None, None].astype(np.float32)
    ways = (
        lambda x, y, r: np.hypot(x, y) - r,
        lambda x, y, r: np.maximum(abs(x), abs(y)) - 0.85 * r,
        # Two slopes that meet at the top, and a base.
        lambda x, y, r: np.maximum(0.894 * abs(x) - 0.447 * (y + r), y - 0.8 * r),
        lambda x, y, r: np.minimum(
            np.maximum(abs(x) - 0.33 * r, abs(y) - r), np.maximum(abs(x) - r, abs(y) - 0.33 * r)
        ),
    )
    distance = np.empty((len(shape), SIDE, SIDE), np.float32)
    for number, way in enumerate(ways):
        some = shape == number
        distance[some] = way(x[some], y[some], r[some])
    return np.clip(0.5 - distance, 0, 1)


def moving_digits(seed: int, size: tuple[int, int] | None, channels: int | None) -> Raw:
    """1,000 clips of 12 grey frames of 32×32: two handwritten digits that bounce off the edges.

    As moving MNIST (Srivastava et al. 2015, section 3.1), of scikit-learn's digits, enlarged to 12 pixels.
    """
    from sklearn.datasets import load_digits  # slow to import, and needed here only

    scans, _ = load_digits(return_X_y=True)
    small = np.rint(np.asarray(scans) * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    digits = fit_array(small, (_DIGIT, _DIGIT))[:, 0]
    frames = bouncing(digits, clips=CLIPS, frames=FRAMES, side=SIDE, seed=seed)
    values = frames.reshape(-1, 1, SIDE, SIDE)
    sizes = {f"{SIDE}×{SIDE}": len(values)}
    values = to_channels(values if size is None else fit_array(values, size), channels or 1)
    return Raw(
        kind="pictures",
        form="drawn",
        values=values,
        shape=values.shape[1:],
        clips=np.repeat(np.arange(CLIPS), FRAMES),
        sizes=sizes,
        modes={"uint8": len(values)},
        notes=(f"{CLIPS:,} clips of {FRAMES} frames",),
    )


def bouncing(digits: np.ndarray, *, clips: int, frames: int, side: int, seed: int) -> np.ndarray:
    """Clips of two pictures of ``digits`` (N, K, K) that bounce off the edges, 1.5 to 3 pixels a frame.

    Gives ``(clips, frames, side, side)`` uint8; where both lie, the brighter is seen.
    """
    room = side - digits.shape[1]
    rng = np.random.Generator(np.random.Philox(key=key(seed, 102)))
    which = rng.integers(len(digits), size=(clips, 2))
    start = rng.random((clips, 2, 2)) * room
    angle = 2 * np.pi * rng.random((clips, 2))
    speed = (1.5 + 1.5 * rng.random((clips, 2)))[..., None]
    step = speed * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    made = np.zeros((clips, frames, side, side), np.uint8)
    for t in range(frames):
        # A path that is mirrored at both edges: a triangular wave of the straight one.
        place = np.rint(room - abs((start + t * step) % (2 * room) - room)).astype(int)
        for clip in range(clips):
            for k in range(2):
                top, left = place[clip, k]
                part = made[clip, t, top : top + digits.shape[1], left : left + digits.shape[2]]
                np.maximum(part, digits[which[clip, k]], out=part)
    return made
