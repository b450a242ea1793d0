"""A game examined now and then, and what is wrong with it in words: the same findings as in a training."""

from __future__ import annotations

import copy
import time
from typing import Any

from ganforge.health.diagnosis import diagnose
from ganforge.health.history import History
from ganforge.metrics.examination import Examiner
from ganforge.runs.discriminator import judge_of
from ganforge.runs.sampler import sampler_of
from ganforge.studio.game import Game
from ganforge.studio.timeline import Timeline
from ganforge.training.watch import Watch

__all__ = ["Checkup"]

_MOMENTS = 16  # of examination in a budget
_LEAST_NIMG = 2_048
_SHARE = 0.08  # of the time, for examinations


class Checkup:
    """Examines one game at equal distances of examples, unless that takes too much of the time.

    It looks at the generator that plays, which is the one that is seen, and not at its moving average.

    The moments depend on the clock on a slow machine; the game itself never does.

    Args:
        share: of the time, that examinations may take.

    Attributes:
        at: examples shown when it looked last, or None.
    """

    def __init__(self, game: Game, share: float = _SHARE) -> None:
        self._share = share
        self._examiner: Examiner | None = None
        self._every = max(game.total // _MOMENTS, _LEAST_NIMG)
        self._next = 0
        self.at: int | None = None
        self._not_before = 0.0

    def due(self, game: Game) -> bool:
        return game.rounds.nimg >= self._next and time.monotonic() >= self._not_before

    def back_to(self, nimg: int) -> None:
        self._next = (nimg // self._every + 1) * self._every

    def examine(self, game: Game, timeline: Timeline) -> dict[str, Any]:
        """Look at the game now; gives the message ``findings``."""
        began = time.monotonic()
        rounds, space = game.rounds, game.dataset.space
        if self._examiner is None:
            self._examiner = Watch.examiner(game.recipe, game.dataset)
            began = time.monotonic()  # that is done once
        sampler = sampler_of(copy.deepcopy(game.generator), game.recipe, space)
        seen = self._examiner(sampler, judge_of(game.discriminator, game.recipe, space)).to_json()
        rounds.statistics.close()
        before = timeline.lines[-1] if timeline.lines else {"rounds": 0, "refused": 0}
        timeline.examined(
            {
                "nimg": rounds.nimg,
                "rounds": rounds.rounds,
                "progress": game.progress,
                "refused": rounds.referee.refused,
                "examination": seen,
                "since": rounds.statistics.close_longer(),
                "since_rounds": rounds.rounds - before["rounds"],
                "since_refused": rounds.referee.refused - before["refused"],
            }
        )
        self.at = rounds.nimg
        found = self.findings(game, timeline)
        self._next = (rounds.nimg // self._every + 1) * self._every
        self._not_before = time.monotonic() + (time.monotonic() - began) / self._share
        return {**found, "scores": seen["scores"], "judged": seen["judged"]}

    def findings(self, game: Game, timeline: Timeline) -> dict[str, Any]:
        """What the examinations so far say."""
        history = History.from_records(
            timeline.lines,
            recipe=game.recipe,
            space=game.dataset.space,
            training=game.dataset.train.n,
            held_out=game.dataset.held_out.n,
        )
        diagnosis = diagnose(history)
        listed = [{**finding.to_json(), "page": finding.page} for finding in diagnosis.findings]
        return {
            "type": "findings",
            "nimg": game.rounds.nimg,
            "findings": listed,
            "verdict": diagnosis.verdict.words,
        }
