"""One of two processes that play rounds of many games together: ``python -m tests.driver_together FOLDER``.

Each writes what its players are after each case as FOLDER/RANK.json.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.training.engine import Engine
from ganforge.training.parts import coupled
from ganforge.training.processes import Together
from ganforge.training.rounds import Rounds
from tests import players
from tests.training.test_golden_traces import CASES

__all__ = ["BROKEN", "ROUNDS", "after", "cases", "main"]

ROUNDS = 6
BROKEN = "numbers that are none, in one process"


def cases() -> dict[str, tuple[Recipe, Dataset]]:
    """Every game's, of which each part plays as it does in the whole batch."""
    made = {name: make() for name, make in CASES.items()}
    made["growing, by class"] = (
        players.picture_recipe("growing", growth=(0.4, 0.3), conditional=True),
        players.pictures(80, shape=(3, 64, 64), classes=3),
    )
    return {
        name: (recipe, data)
        for name, (recipe, data) in made.items()
        if recipe.batch % (2 * recipe.packing) == 0 and not coupled(Rounds(recipe, data, Engine()))
    }


def after(rounds: Rounds) -> dict[str, object]:
    """What is left of some rounds: the players' bits, refused moves, and what was noted."""
    digest = hashlib.sha256()
    for part in rounds.tensors().values():
        for name, value in sorted(part.items()):
            digest.update(name.encode() + value.contiguous().numpy().tobytes())
    return {"bits": digest.hexdigest(), "refused": rounds.referee.refused, "noted": rounds.statistics.close()}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    together = Together()
    found: dict[str, object] = {}
    for name, (recipe, data) in cases().items():
        rounds = Rounds(recipe, data, Engine(parts=2), together)
        for number in range(ROUNDS):
            rounds.play(number / ROUNDS)
        found[name] = after(rounds)
    recipe, data = players.recipe(), players.points()
    if together.rank == 1:
        values = data.train.values.copy()
        values[:] = float("nan")
        data = replace(data, train=replace(data.train, values=values))
    rounds = Rounds(recipe, data, Engine(parts=2), together)
    for _ in range(2):
        rounds.play()
    found[BROKEN] = {**after(rounds), "noted": None}
    (folder / f"{together.rank}.json").write_text(json.dumps(found))
    together.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
