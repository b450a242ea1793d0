"""Watching a game while it is played: examinations at fixed moments, and what they show so far."""

from __future__ import annotations

import math
from typing import Any

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.data import Dataset
from ganforge.health.history import History
from ganforge.metrics.examination import Examiner
from ganforge.networks.players import condition_size
from ganforge.runs.discriminator import Judge
from ganforge.runs.folder import Run
from ganforge.runs.sampler import GeneratorSampler
from ganforge.training.clock import Alarm, Plan
from ganforge.training.rounds import Rounds

__all__ = ["Watch"]

EXAMINATIONS = 16  # a run, at equal distances
LEAST_NIMG = 4_096  # between two of them
EARLIEST_NIMG = 2_048  # before the first
_EARLY = (5, 6, 7, 8)  # further ones at so many halvings of the budget, for early news of a long run
_LARGE = 64 * 64  # places of a picture, above which fewer samples are looked at
_SHARE = 0.02  # of the time, for examinations where the budget is in minutes


class Watch:
    """Examines a game at fixed moments, and remembers the log lines that diagnosis reads.

    With a budget in examples the moments are a function of it, so that what is decided there can be
    repeated; with one in minutes they follow the clock.

    Args:
        run: whose log it is.
        dataset: the real examples.
        plan: the budget.
    """

    def __init__(self, run: Run, dataset: Dataset, plan: Plan) -> None:
        self.run = run
        self.plan = plan
        self._dataset = dataset
        self._alarm = Alarm(first=4.0, longest=600.0, share=0.15, cost_factor=1 / _SHARE)
        self._examiner: Examiner | None = None
        self._lines = [line for line in run.log() if "examination" in line]

    @property
    def examined_at(self) -> int | None:
        """Examples shown at the last examination."""
        return self._lines[-1]["nimg"] if self._lines else None

    def due(self, nimg: int, step: int) -> bool:
        """Whether an examination is due at ``nimg``, a round of ``step`` examples having been played."""
        if self.plan.budget.minutes is not None:
            return self._alarm.rings()
        return self._marks(nimg) > self._marks(nimg - step)

    def _marks(self, nimg: int) -> int:
        """How many moments of examination there are up to ``nimg``."""
        total = self.plan.total_nimg
        early = (total >> halvings for halvings in _EARLY)
        regular = nimg // max(total // EXAMINATIONS, LEAST_NIMG)
        return regular + sum(EARLIEST_NIMG <= mark <= nimg for mark in early)

    def examine(self, rounds: Rounds, sampler: GeneratorSampler) -> dict[str, Any]:
        """Look at the game now; gives the examination as plain data."""
        if self._examiner is None:
            self._examiner = self.examiner(rounds.recipe, self._dataset)
        return self._examiner(sampler, self.judge(rounds, self._dataset.space)).to_json()

    def since(self, line: dict[str, Any]) -> dict[str, int]:
        """Rounds played and moves refused between the last examination and the moment of ``line``."""
        former = [one for one in self._lines if one["nimg"] < line["nimg"]]
        before = former[-1] if former else {"rounds": 0, "refused": 0}
        return {f"since_{name}": line[name] - before[name] for name in ("rounds", "refused")}

    def examined(self, line: dict[str, Any], cost: float) -> None:
        """Note a log line that holds an examination, which took ``cost`` seconds."""
        self._lines = [former for former in self._lines if former["nimg"] < line["nimg"]] + [line]
        self._alarm.answered(cost)

    def history(self, rounds: Rounds) -> History:
        """What diagnosis reads: the examinations so far."""
        return History.from_records(
            self._lines,
            recipe=rounds.recipe,
            space=self._dataset.space,
            training=self._dataset.train.n,
            held_out=self._dataset.held_out.n,
        )

    @staticmethod
    def examiner(recipe: Recipe, dataset: Dataset) -> Examiner:
        """Who examines games of ``recipe`` on ``dataset``."""
        train, held_out, space = dataset.train, dataset.held_out, dataset.space
        asked = condition_size(recipe, space) > 0
        return Examiner(
            space,
            train.values,
            held_out.values,
            training_labels=train.labels if asked else None,
            held_out_labels=held_out.labels if asked else None,
            n=128 if math.prod(space.spatial) > _LARGE else 512,
            seed=recipe.seed,
        )

    @staticmethod
    def judge(rounds: Rounds, space: Space) -> Judge:
        """The discriminator as it is now."""
        return Judge(
            rounds.game.players["discriminator"],
            space=space,
            packing=rounds.recipe.packing,
            conditions=condition_size(rounds.recipe, space),
        )
