"""Both players of a small game from the inside: what each unit responds to, and the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganforge.networks.mlp import MlpDiscriminator, MlpGenerator
from ganforge.studio.verdict import Onlooker

__all__ = ["SIDE", "UNITS", "Inside"]

SIDE = 16  # places a side of a unit's map over a plane
_ALONG = 48  # and along a line
UNITS = 8  # of each layer that are shown: its first ones
_REACH = 2.5  # deviations of normal noise over which the generator's units are mapped


@dataclass(frozen=True)
class Inside:
    """Fully connected players, looked at over their input spaces.

    A generator's units are mapped over its first two numbers of noise, or over its only one; further numbers
    are 0. A discriminator's are mapped over the data.

    Attributes:
        bounds: of the data, declared units: x0, x1 and, of a plane, y0, y1.
    """

    onlooker: Onlooker
    bounds: list[float]

    @classmethod
    def of(cls, onlooker: Onlooker, bounds: list[float]) -> Inside | None:
        """None where a player is of another kind than fully connected layers."""
        game = onlooker.game
        plain = isinstance(game.generator, MlpGenerator) and isinstance(game.discriminator, MlpDiscriminator)
        return cls(onlooker, bounds) if plain else None

    @torch.no_grad()
    def look(self, side: int = SIDE) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Header field ``networks`` and its arrays, by player.

        ``<player>_maps`` is ``(units, side, side)``, row 0 the lowest, or ``(units, places)`` along a line:
        activations of all shown units, layer after layer; ``<player>_weights (n,)``: for each layer after
        the first ``(shown, shown before)``, row by row.

        Args:
            side: places a side over a plane.
        """
        look, game = self.onlooker, self.onlooker.game
        generator, discriminator = look.network(game.generator), look.network(game.discriminator)
        assert isinstance(generator, MlpGenerator)
        assert isinstance(discriminator, MlpDiscriminator)
        size = game.recipe.latent
        reach = _REACH if game.recipe.prior == "normal" else 1.0
        over = [-reach, reach] * min(size, 2)
        places = _places(over, side)
        z = torch.zeros(len(places), size)
        if game.noise:
            z[:, : places.shape[1]] = places
        made = generator.inside(z, _first(look.condition(1), len(z)))
        made = (*made[:-1], look.space.to_declared(made[-1].unflatten(1, look.space.shape)).flatten(1))
        x = look.space.to_model(_places(self.bounds, side))
        judged = discriminator.inside(x, _first(look.condition(1), len(x)))
        header: dict[str, Any] = {}
        arrays: dict[str, np.ndarray] = {}
        for name, network, layers, bounds in (
            ("generator", generator, made, over),
            ("discriminator", discriminator, judged, self.bounds),
        ):
            shown = [layer[:, :UNITS] for layer in layers]
            shape = (side, side) if len(bounds) == 4 else (_ALONG,)
            units = [layer.shape[1] for layer in layers]
            header[name] = {"units": units, "shown": [one.shape[1] for one in shown], "bounds": bounds}
            arrays[f"{name}_maps"] = torch.cat(shown, 1).T.reshape(-1, *shape).float().numpy()
            weights = [
                linear.weight[: after.shape[1], : before.shape[1]].flatten()
                for linear, before, after in zip(network.linears, shown, shown[1:], strict=False)
            ]
            arrays[f"{name}_weights"] = torch.cat(weights).float().numpy()
        return header, arrays


def _places(bounds: list[float], side: int) -> Tensor:
    """Cell centres over the bounds, ``(side², 2)`` with y slowest, or ``(places, 1)``."""
    if len(bounds) == 2:
        return _centres(bounds[0], bounds[1], _ALONG)[:, None]
    x, y = _centres(bounds[0], bounds[1], side), _centres(bounds[2], bounds[3], side)
    return torch.cartesian_prod(y, x).flip(1)


def _centres(low: float, high: float, n: int) -> Tensor:
    return low + (torch.arange(n) + 0.5) / n * (high - low)


def _first(condition: Tensor | None, n: int) -> Tensor | None:
    """The first sample's condition, for all."""
    return None if condition is None else condition.expand(n, -1)
