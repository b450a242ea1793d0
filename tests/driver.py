"""A training as a process to be killed: ``python -m tests.driver FOLDER CASE SECONDS-BETWEEN-SAVES``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch

from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.runs.folder import Run
from ganforge.training.clock import Budget
from ganforge.training.loop import Trainer
from tests import players
from tests.translations import thin

__all__ = ["CASES", "kimg_of", "main"]


def _points() -> tuple[Recipe, Dataset, float]:
    player = players.recipe().generator
    return players.recipe(generator=player, discriminator=player), players.points(), 60.0


def _thin(name: str, data: Dataset, kimg: float) -> tuple[Recipe, Dataset, float]:
    return thin(name, data), data, kimg


CASES: dict[str, Callable[[], tuple[Recipe, Dataset, float]]] = {
    "points": _points,
    "duel": lambda: (
        players.picture_recipe("residual", conditional=True),
        players.pictures(classes=3),
        3.0,
    ),
    "translation": lambda: _thin("pix2pix", players.translated(), 1.2),
    "exchange": lambda: _thin("cyclegan", players.translated(), 0.45),
    "captions": lambda: _thin("captions", players.captioned(), 1.2),
}


def kimg_of(case: str) -> float:
    return CASES[case]()[2]


def main(folder: Path, case: str = "points", save_seconds: float = 0.05) -> None:
    torch.set_num_threads(1)
    recipe, data, kimg = CASES[case]()
    recipe = recipe.with_changes({"kimg": kimg})
    if folder.exists():
        run = Run.open(folder)
    else:
        run = Run.create(folder, recipe=recipe, space=data.space, data=data.manifest)
    ticks = recipe.batch * recipe.discriminator_moves * 4
    trainer = Trainer(run, data, Budget(kimg=kimg), save_seconds=save_seconds, tick_nimg=ticks)
    print("ready", flush=True)
    trainer.train()
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
