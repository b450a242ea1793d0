"""Small runs that lead from pictures to pictures, for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganforge import recipes
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.data import Dataset
from ganforge.networks import seeded, translator
from ganforge.networks.translating import Translating
from ganforge.runs.folder import Run
from ganforge.runs.translator import NetworkTranslator
from ganforge.training.clock import Budget
from ganforge.training.loop import Trainer
from tests import players

__all__ = ["clean", "photo", "space", "thin", "trained", "translating", "untrained"]


def space(shape: tuple[int, int, int] = (3, 16, 16), source: tuple[int, int, int] | None = None) -> Space:
    return Space(kind="pictures", shape=shape, source=Space(kind="pictures", shape=source or shape))


def translating(
    family: str = "translator",
    of: Space | None = None,
    *,
    width: int = 8,
    depth: int = 1,
    condition: int = 0,
    **options: Any,
) -> Translating:
    """A network that was never trained, away from its start, where every change is nought."""
    with seeded(11):
        network = translator(
            family, space=of or space(), condition=condition, width=width, depth=depth, options=options
        )
    numbers = torch.Generator().manual_seed(4)
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=numbers)
    assert isinstance(network, Translating)
    return network.requires_grad_(False)


def untrained(family: str = "translator", of: Space | None = None, **more: Any) -> NetworkTranslator:
    of = of or space()
    return NetworkTranslator(translating(family, of, **more), space=of, asks=None)


def photo(height: int, width: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    """A picture ``(1, C, H, W)`` uint8 with smooth parts and edges."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        np.sin(x / rng.uniform(5, 40) + rng.uniform(0, 6)) * np.cos(y / rng.uniform(5, 40))
        + (x * rng.uniform(-1, 1) > y * rng.uniform(-1, 1) + rng.uniform(0, 20))
        for _ in range(channels)
    ]
    waves = [(wave - wave.min()) / (np.ptp(wave) + 1e-9) for wave in waves]
    return torch.from_numpy((255 * np.stack(waves)[None]).astype(np.uint8))


def thin(name: str, data: Dataset, **changes: Any) -> Recipe:
    """A recipe of the package with small players."""
    recipe = recipes.find(name).maker(data.space, data.train.n)
    small = {
        role: replace(getattr(recipe, role), width=8, depth=1) for role in ("generator", "discriminator")
    }
    return replace(recipe, **small, batch=6, precision="float32", mirror=False, **changes)


def trained(name: str, folder: Path, data: Dataset, **changes: Any) -> Path:
    """A run of a few rounds."""
    recipe = thin(name, data, kimg=0.03, **changes)
    run = Run.create(folder, recipe=recipe, space=data.space, data=data.manifest, info={})
    assert Trainer(run, data, Budget(kimg=0.03)).train().finished
    return run.path


def clean(shape: tuple[int, int, int] = (3, 16, 16), source: tuple[int, int, int] | None = None) -> Dataset:
    """Pictures whose inputs are made from them when they are dealt."""
    data = players.pictures(20, shape)
    return replace(data, space=replace(data.space, source=Space(kind="pictures", shape=source or shape)))
