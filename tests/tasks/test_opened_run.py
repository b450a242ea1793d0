"""What is made of a run when questions are asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.core.declared import OBJECTIVES
from ganforge.tasks.experiment import prepare
from ganforge.tasks.opened_run import OpenedRun
from tests import players


@pytest.mark.parametrize("objective", ["hinge", "least_squares", "relativistic", "wasserstein", "began"])
def test_without_data_an_opinion_is_undecided_where_the_objective_is(objective: str, tmp_path: Path):
    tiny = players.recipe(kimg=0.05, objective=objective)
    trainer = prepare("moons", recipe=tiny).start(tmp_path / "run")
    assert trainer.train().finished
    opened = OpenedRun(tmp_path / "run", data="nowhere.zip")
    assert not opened.has_data
    odds = opened.opinion.odds
    level = OBJECTIVES[objective].level
    assert ("median" in odds.how) == (level is None)
    assert level is None or odds.level == level
