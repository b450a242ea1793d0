"""Pictures of a game in numbers: the scene once, then frames, cheap enough for ten a second."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganforge.core.errors import DataError
from ganforge.data.builtin import Modes, modes
from ganforge.metrics.optimal import best_discriminator, mixture_density
from ganforge.metrics.points import Mixture, perfect_high_quality
from ganforge.studio.game import Game
from ganforge.studio.inside import SIDE, Inside
from ganforge.studio.verdict import Onlooker

__all__ = ["LAYERS", "View", "Wanted"]

LAYERS = {
    "line": ("p_g", "d", "best", "map", "generated", "arrows"),
    "plane": ("generated", "heat", "grid", "arrows", "best"),
    "pictures": ("generated", "logits"),
}
_GRID = 200  # places along a line
_REAL = 1_000  # real points shown
_JUDGED = 256  # reals, and fakes, that are judged for every frame …
_LARGE, _FEW = 16_384, 96  # … and of a discriminator with more parameters than this, so many
_WORK = 10e6  # multiplications that a heat map may cost while a game is played at full speed …
_COARSE = 16  # … unless it would have fewer cells a side than this
_SEEN = {"line": 1_024, "plane": 512, "pictures": 36, "numbers": 256}  # samples that are made for a frame
_MAPPED = 25  # latents of the map along a line
_GALLERY = 36
_NOISE = 200  # latents shown, of each the first numbers
_BINS = 12  # a side, for the divergence in the plane
_HELD = 0.1  # of its fair share of the samples: what a mode needs to count as found
_SEEN_AT = 0.01  # of the data's highest density: where there are fewer examples D* is not shown

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Wanted:
    """What the browser wants to see.

    Attributes:
        layers: names out of ``LAYERS``.
        heat: cells a side; grid: lines; generated, arrows: how many.
        networks: whether both networks are shown from the inside, where they are small.
    """

    layers: tuple[str, ...]
    heat: int = 40
    grid: int = 11
    generated: int = 400
    arrows: int = 100
    networks: bool = False


@dataclass
class Frame:
    """Header fields, numbers and arrays of one frame."""

    header: dict[str, Any]
    numbers: dict[str, float | None]
    arrays: dict[str, np.ndarray]


class View:
    """What can be seen of a game.

    Attributes:
        kind: line, plane, pictures, or numbers for what cannot be drawn.
    """

    def __init__(self, game: Game, source: str | None) -> None:
        self.game = game
        self.space = game.dataset.space
        self.onlooker = Onlooker(game)
        self.kind = view if (view := self.space.codec.view) in LAYERS else "numbers"
        self._modes = _known(source)
        values = game.dataset.train.values
        self._real = np.array(values[:_REAL], dtype=values.dtype)
        self._weights = game.parameters()[1]
        self._rows = _JUDGED if self._weights <= _LARGE else _FEW
        self.judged = self.space.to_model(torch.from_numpy(self._real[: self._rows]))
        labels = game.dataset.train.labels
        self._labels = None if labels is None else np.array(labels[: self._rows])
        self.bounds: list[float] = []
        if self.kind in ("line", "plane"):
            self.bounds = _bounds(self._real.astype(np.float64))
        if self.kind == "line":
            self._x = np.linspace(self.bounds[0], self.bounds[1], _GRID)
            self._on_line = self.space.to_model(torch.from_numpy(_f32(self._x)[:, None]))
            many = np.array(values[:20_000], np.float64)[:, 0]
            self._p_data = (
                self._density(many) if self._modes is None else self._known_density(self._x[:, None])
            )
        if self.kind == "plane":
            self._bins = self._binned(np.array(values[:20_000], np.float64))
        self._evenly: dict[int, Tensor] = {}
        self._heat_nodes: tuple[int, Tensor] = (0, torch.empty(0))
        self._z = self.onlooker.latents(_SEEN[self.kind])
        self.inside = Inside.of(self.onlooker, self.bounds) if self.kind in ("line", "plane") else None

    # -- the scene ------------------------------------------------------------------------------------

    def scene(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Header and arrays of what does not change."""
        space = self.space
        header: dict[str, Any] = {
            "type": "scene",
            "view": self.kind,
            "shape": list(space.shape),
            "n": self.game.dataset.train.n,
            "columns": list(space.columns),
            "classes": list(space.classes),
            "modes": None if self._modes is None else len(self._modes.centres),
            "latent": self.game.recipe.latent,
            "goal": {"value": -math.log(4.0), "d": 0.5},
            "heat_means": "relative" if self.onlooker.relative else "probability",
            "layers": list(LAYERS.get(self.kind, ())),
            "bounds": self.bounds,
        }
        noise = {"noise": _f32(self._z[:_NOISE, :_GALLERY].numpy())}
        arrays: dict[str, np.ndarray] = {}
        if self.kind == "line":
            arrays = {"x": _f32(self._x), "p_data": _f32(self._p_data), "real": _f32(self._real)}
        elif self.kind == "plane":
            arrays = {"real": _f32(self._real)}
        elif self.kind == "pictures":
            arrays = {"real": self._real[:_GALLERY]}
        return header, arrays | noise

    # -- frames -----------------------------------------------------------------------------------------

    def frame(self, wanted: Wanted, *, brief: bool = False) -> Frame:
        """The game as it is now. Each network is asked once for all that is shown, and for the arrows.

        Args:
            brief: it is followed by another at once: a large discriminator's heat map has fewer cells, which
                the browser draws smoothly; it is complete in the frame that stays.
        """
        look = self.onlooker
        if brief:
            wanted = replace(wanted, heat=min(wanted.heat, max(_COARSE, int((_WORK / self._weights) ** 0.5))))
        z, lines = self._z, self._lines(wanted)
        made = look.generated(z if lines is None else torch.cat([z, lines]))
        x, warped = made[: len(z)], made[len(z) :]
        nodes = self._nodes(wanted)
        examined = [self.judged, x[: self._rows], *([] if nodes is None else [nodes])]
        with torch.no_grad():
            logits = look.logits(torch.cat(examined), self._conditions(len(examined[1])))
        n, m = len(examined[0]), len(examined[1])
        real, fake = logits[:n], logits[n : n + m]
        look.settle(real, fake)
        frame = Frame({}, self._verdicts(real, fake), {})
        shown = self.space.to_declared(x).numpy()
        if self.kind in ("line", "plane"):
            at_nodes = None if nodes is None else look.probability(logits[n + m :])
            if self.kind == "line":
                self._line(frame, wanted, shown.astype(np.float64), at_nodes)
                if lines is not None:
                    frame.arrays["map_z"] = _f32(lines[:, 0].numpy())
                    frame.arrays["map_x"] = _f32(self.space.to_declared(warped)[:, 0].numpy())
            else:
                self._plane(frame, wanted, shown.astype(np.float64), at_nodes)
                if lines is not None:
                    grid = self.space.to_declared(warped).numpy()
                    frame.arrays["grid"] = _f32(grid.reshape(*[wanted.grid] * self.game.recipe.latent, 2))
            self._points(frame, wanted, x, shown, real)
        elif self.kind == "pictures":
            frame.arrays = {
                "generated": shown[: wanted.generated],
                "logits": _f32(fake[:_GALLERY].numpy()),
                "d": _f32(look.probability(fake[:_GALLERY]).numpy()),
            }
        if self._modes is not None:
            frame.numbers |= _on_modes(shown, self._modes)
        if wanted.networks and self.inside is not None:
            frame.header["networks"], arrays = self.inside.look(self._work_side() if brief else SIDE)
            frame.arrays |= arrays
        return frame

    def _work_side(self) -> int:
        """Of maps that are followed by others at once: as many places as the heat map's work allows."""
        return SIDE if self._weights <= _LARGE else SIDE // 2

    def _conditions(self, fakes: int) -> Tensor | None:
        """Of the judged reals, then of the first fakes."""
        reals, others = self.judged_condition(), self.onlooker.condition(fakes)
        return None if reals is None or others is None else torch.cat([reals, others])

    def _lines(self, wanted: Wanted) -> Tensor | None:
        """Latents of the warped grid, or of the map from the line; None where there is none."""
        recipe = self.game.recipe
        if recipe.latent_bits or recipe.latent > (1 if self.kind == "line" else 2):
            return None
        if self.kind == "line" and "map" in wanted.layers:
            return self._even(_MAPPED)
        return self._even(wanted.grid) if self.kind == "plane" and "grid" in wanted.layers else None

    def _nodes(self, wanted: Wanted) -> Tensor | None:
        """Places where the discriminator is shown, in model units; None where it is not."""
        if self.kind == "line":
            return self._on_line
        if self.kind == "plane" and "heat" in wanted.layers:
            return self._cells(wanted.heat)
        return None

    def judged_condition(self) -> Tensor | None:
        if self.onlooker.condition(1) is None or self._labels is None:
            return None
        return torch.nn.functional.one_hot(torch.from_numpy(self._labels), len(self.space.classes)).float()

    def _verdicts(self, real: Tensor, fake: Tensor) -> dict[str, float | None]:
        look = self.onlooker
        # NumPy needs a third of the time that torch takes for so few numbers.
        p, q = (look.probability(one).numpy().astype(np.float64) for one in (real, fake))
        tiny = 1e-12
        n = min(len(real), len(fake))
        right = np.count_nonzero(real.numpy()[:n] > fake.numpy()[:n])
        value = np.log(np.maximum(p, tiny)).sum() / len(p) + np.log(np.maximum(1 - q, tiny)).sum() / len(q)
        return {
            "value": float(value),
            "d_real": float(p.sum() / len(p)),
            "d_fake": float(q.sum() / len(q)),
            "accuracy_real": None if look.relative else np.count_nonzero(p > 0.5) / len(p),
            "accuracy_fake": None if look.relative else np.count_nonzero(q < 0.5) / len(q),
            "pairs_right": right / n,
        }

    def _line(self, frame: Frame, wanted: Wanted, shown: Array, probabilities: Tensor | None) -> None:
        assert probabilities is not None
        d = probabilities.numpy().astype(np.float64)
        p_g = self._density(shown[:, 0])
        best = best_discriminator(self._p_data, p_g)
        middle = (self._p_data + p_g) / 2
        weight = middle / max(middle.sum(), 1e-12)
        frame.numbers["distance_to_best"] = float(weight @ np.abs(d - best))
        frame.numbers |= _divergences(self._p_data, p_g, len(shown))
        seen = np.maximum(self._p_data, p_g) >= _SEEN_AT * self._p_data.max()
        layers = {"p_g": p_g, "d": d, "best": np.where(seen, best, -1.0)}  # −1: none without examples
        frame.arrays |= {name: _f32(array) for name, array in layers.items() if name in wanted.layers}

    def _plane(self, frame: Frame, wanted: Wanted, shown: Array, probabilities: Tensor | None) -> None:
        frame.numbers |= _divergences(self._bins, self._binned(shown), len(shown))
        frame.header["bounds"] = self.bounds
        if probabilities is not None:
            shades = probabilities.mul(255.0).round_().clamp_(0, 255).byte().numpy()
            frame.arrays["heat"] = shades.reshape(wanted.heat, wanted.heat)
        if "best" in wanted.layers and self._modes is not None:
            frame.arrays["best"] = self._best(shown, wanted.heat)

    def _points(self, frame: Frame, wanted: Wanted, x: Tensor, shown: np.ndarray, real: Tensor) -> None:
        if "generated" in wanted.layers or wanted.networks:
            frame.arrays["generated"] = _f32(shown[: wanted.generated])
        if "arrows" in wanted.layers and wanted.arrows:
            arrows = self.onlooker.advice(x[: wanted.arrows], real)
            longest = float(arrows.norm(dim=1).max())
            frame.header["arrow_norm"] = longest
            frame.arrays["arrows"] = _f32((arrows / longest if longest > 0 else arrows).numpy())

    def _even(self, lines: int) -> Tensor:
        """Latents evenly over the prior's mass, ``(lines, 1)`` or ``(lines², 2)``; made once."""
        recipe = self.game.recipe
        if lines not in self._evenly:
            even = torch.linspace(-1.0, 1.0, lines)
            if recipe.prior == "normal":  # evenly in probability, without the far tails
                even = torch.special.ndtri(torch.linspace(0.02, 0.98, lines))
            self._evenly = {lines: torch.cartesian_prod(*[even] * recipe.latent).reshape(-1, recipe.latent)}
        return self._evenly[lines]

    def _cells(self, side: int) -> Tensor:
        """Cell centres over the bounds in model units, ``(side², 2)``, y slowest."""
        if self._heat_nodes[0] != side:
            x0, x1, y0, y1 = self.bounds
            step = (np.arange(side) + 0.5) / side
            y, x = np.meshgrid(y0 + step * (y1 - y0), x0 + step * (x1 - x0), indexing="ij")
            nodes = torch.from_numpy(_f32(np.stack([x, y], axis=-1).reshape(-1, 2)))
            self._heat_nodes = side, self.space.to_model(nodes)
        return self._heat_nodes[1]

    def _binned(self, points: Array) -> Array:
        """Shares of ``points (N, 2)`` in the cells of a coarse grid over the bounds, ``(cells,)``."""
        low, high = np.array(self.bounds[::2]), np.array(self.bounds[1::2])
        cells = ((points - low) / (high - low) * _BINS).clip(0, _BINS - 1).astype(np.int64)
        return np.bincount(cells[:, 0] * _BINS + cells[:, 1], minlength=_BINS**2) / max(len(points), 1)

    # -- densities ----------------------------------------------------------------------------------------

    def _known_density(self, points: Array) -> Array:
        assert self._modes is not None
        return mixture_density(points, Mixture(self._modes.centres, self._modes.sigma))

    def _density(self, values: Array) -> Array:
        """Density on the line of ``values (N,)``: a fine histogram under a Gaussian of Silverman's width."""
        step = self._x[1] - self._x[0]
        edges = np.append(self._x - step / 2, self._x[-1] + step / 2)
        inside = np.histogram(values, edges)[0] / (len(values) * step)
        low, high = len(values) // 4, 3 * len(values) // 4
        ordered = np.partition(values, (low, high))  # np.quantile takes ten times as long
        deviation, quartiles = values.std(), (ordered[high] - ordered[low]) / 1.34
        width = 0.9 * min(deviation, quartiles or deviation) * len(values) ** -0.2
        reach = int(min(max(4 * width / step, 1), _GRID))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / max(width, 0.3 * step)) ** 2)
        smooth = np.convolve(inside, kernel / kernel.sum(), mode="full")
        return smooth[reach : reach + _GRID]

    def _best(self, shown: Array, side: int) -> np.ndarray:
        """D* over the bounds, ``(side, side)`` uint8: p_data is known, p_g is a smoothed histogram."""
        x0, x1, y0, y1 = self.bounds
        p = self._known_density(self.space.to_declared(self._cells(side)).double().numpy()).reshape(
            side, side
        )
        edges = [np.linspace(y0, y1, side + 1), np.linspace(x0, x1, side + 1)]
        counts = np.histogram2d(shown[:, 1], shown[:, 0], edges)[0]
        area = (x1 - x0) * (y1 - y0) / side**2
        kernel = np.exp(-0.5 * np.arange(-3, 4) ** 2)
        kernel /= kernel.sum()
        for axis in (0, 1):
            counts = np.apply_along_axis(lambda row: np.convolve(row, kernel, mode="same"), axis, counts)
        return np.rint(255 * best_discriminator(p, counts / (len(shown) * area))).astype(np.uint8)


def _known(source: str | None) -> Modes | None:
    try:
        return None if source is None else modes(source)
    except DataError:
        return None


def _on_modes(points: np.ndarray, known: Modes) -> dict[str, float | None]:
    """``metrics.points.mixture_report`` in short, without what takes it long."""
    squares = ((points[:, None].astype(np.float64) - known.centres) ** 2).sum(-1)  # (n, K)
    nearest = squares.argmin(1)
    good = squares[np.arange(len(points)), nearest] <= (3 * known.sigma) ** 2
    held = np.bincount(nearest[good], minlength=len(known.centres))
    return {
        # More than passers-by: points on their way from one mode to the next pass through others.
        "modes_covered": float(np.count_nonzero(held >= _HELD * len(points) / len(known.centres))),
        "good_share": float(good.mean()),
        "good_share_perfect": _perfect(points.shape[1]),
    }


@cache
def _perfect(dimensions: int) -> float:
    return perfect_high_quality(dimensions, 3.0)


def _bounds(points: Array) -> list[float]:
    """Where the examples are, with a margin; coordinates of like ranges get one scale."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = np.maximum(high - low, 1e-6)
    if reach.max() < 3 * reach.min():
        reach = np.full_like(reach, reach.max())
    middle, half = (low + high) / 2, 0.65 * reach
    return np.stack([middle - half, middle + half], axis=1).ravel().tolist()


def _divergences(p: Array, q: Array, n: int) -> dict[str, float | None]:
    """Of two histograms or densities on one grid, in bits: ``js``, and ``kl`` of ``q`` from the data ``p``.

    For ``kl`` one sample more, beside the ``n`` of ``q``, is spread over the whole grid: it would be infinite
    wherever ``q`` has none.
    """
    p, q = p / max(p.sum(), 1e-12), q / max(q.sum(), 1e-12)
    middle = (p + q) / 2

    def against(one: Array, other: Array) -> float:
        held = one > 0
        return float((one[held] * np.log2(one[held] / other[held])).sum())

    js = 0.5 * (against(p, middle) + against(q, middle))
    return {"js": js, "kl": against(p, (n * q + 1 / len(q)) / (n + 1))}


def _f32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)
