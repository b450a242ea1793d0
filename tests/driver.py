"""A training that saves all the time, as a process to be killed: ``python -m tests.driver FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from ganforge.runs.folder import Run
from ganforge.training.clock import Budget
from ganforge.training.loop import Trainer
from tests import players

__all__ = ["KIMG", "main"]

KIMG = 60.0


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    data = players.points()
    player = players.recipe().generator
    recipe = players.recipe(generator=player, discriminator=player, kimg=KIMG)
    if folder.exists():
        run = Run.open(folder)
    else:
        run = Run.create(folder, recipe=recipe, space=data.space, data=data.manifest)
    trainer = Trainer(run, data, Budget(kimg=KIMG), save_seconds=0.05)
    print("ready", flush=True)
    trainer.train()
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
