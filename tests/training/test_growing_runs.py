"""A run that grows is examined at the size that it has, and judged by what it has now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganforge.health.history import History
from ganforge.runs.folder import Run
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.loop import Trainer
from ganforge.training.progress import RunProgress
from ganforge.training.rounds import Rounds
from tests import players


def test_scores_of_one_size_are_not_compared_with_those_of_another() -> None:
    progress = RunProgress()
    assert progress.examined(100, 0.2, 0.19, 0.21)
    progress.grown(0)
    assert progress.best == 0.2
    progress.grown(1)
    assert progress.examined(200, 5.0, 4.9, 5.1)
    assert (progress.best_nimg, progress.best, progress.worse) == (200, 5.0, 0)
    assert RunProgress.from_json(progress.to_json()).growth == 1


def test_a_growing_run_is_examined_at_its_size_and_forgets_what_it_said_of_coarser_ones(
    tmp_path: Path,
) -> None:
    recipe = players.picture_recipe("growing", growth=(0.4, 0.3))
    data = players.pictures(560, shape=(3, 64, 64))
    run = Run.create(tmp_path / "run", recipe=recipe, space=data.space, data=data.manifest)
    trainer = Trainer(run, data, Budget(kimg=0.48), Engine(), tick_nimg=16)
    looks: list[int] = []
    examine = trainer.watch.examine
    trainer.watch.due = lambda nimg, step: nimg % 64 == 0  # type: ignore[method-assign]

    def noted(rounds: Rounds, sampler: Any) -> dict[str, Any]:
        found = examine(rounds, sampler)
        looks.append(len(found["levels"]))
        return found

    trainer.watch.examine = noted  # type: ignore[method-assign]
    assert trainer.train().finished
    assert looks == [3, 1, 1, 1, 2, 2, 3, 3, 3]  # sizes, before training all of them
    lines = list(run.log())
    sides = [line["examination"].get("sides") for line in lines if "examination" in line]
    assert sides == [None, *[[16, 16]] * 3, *[[32, 32]] * 2, *[None] * 3]
    history = History.from_records(lines, recipe=recipe, space=data.space, training=560, held_out=0)
    assert {tick["growth"] for tick in history.ticks if tick["nimg"]} == {2}
    assert history.examined[0].nimg == 0
    first = next(line["examination"] for line in lines if "examination" in line)
    young = [line for line in lines if line.get("growth", 0) < 2]
    coarse = History.from_records(young, recipe=recipe, space=data.space, training=560, held_out=0)
    for seen, level in ((history, 2), (coarse, 1)):
        assert seen.examined[0].score("kernel_distance") == first["levels"][level]["value"]
    assert first["levels"][2]["value"] == first["scores"]["kernel_distance"]["value"]
    last = [line["examination"] for line in lines if "examination" in line][-1]
    assert last["levels"][2]["value"] == last["scores"]["kernel_distance"]["value"]
    assert trainer.run_progress.growth == 2


def test_what_levels_cost_is_known_and_stays_known_where_a_training_goes_on_in_smaller_parts(
    tmp_path: Path,
) -> None:
    recipe = players.picture_recipe("growing", growth=(0.4, 0.3))
    data = players.pictures(80, shape=(3, 64, 64))
    run = Run.create(tmp_path / "run", recipe=recipe, space=data.space, data=data.manifest)
    trainer = Trainer(run, data, Budget(kimg=0.064), Engine())
    played: list[int] = []
    play = trainer.rounds.play

    def too_large(progress: float) -> None:
        played.append(trainer.nimg)
        if len(played) == 2:
            raise RuntimeError("not enough memory: you tried to allocate 9 bytes.")
        play(progress)

    trainer.rounds.play = too_large  # type: ignore[method-assign]
    assert trainer.train().finished
    assert trainer.engine.parts == 2
    ends, costs = zip(*trainer.plan.costs, strict=True)
    assert ends == (0.4, 0.7, 1.0)
    assert 0 < costs[0] < costs[2]
