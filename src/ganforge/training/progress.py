"""How a run stands by its score: the best moment, whether it still improves, and what the rescue did.

All of it is plain data and kept in the checkpoint, and all of it is decided at examinations, which are at
fixed numbers of examples: so a run with a rescue is as reproducible as one without.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ganforge.health.finding import Finding

__all__ = ["MOST_RESCUES", "RunProgress"]

MOST_RESCUES = 4
# A failure must be seen so often in a row before a run is rolled back for it: once may be chance.
_CONFIRMED = 2


@dataclass
class RunProgress:
    """Attributes:
    best_nimg, best, best_high: the moment of the lowest score after the first step, the score, and the high
        end of its interval; None and infinite before there is one.
    since_best: examinations since.
    past_its_best: the last score is significantly worse than the best: their intervals do not overlap, and
        it is not near its floor, where the best was only lucky.
    worse: at how many examinations in a row that was so.
    worth_keeping: whether the best moment's samples were not bad (``health.measures.bad``).
    suspected: at how many examinations in a row a failure was seen; its name may change.
    growth: the step of growth of the best moment: scores of different sizes are not compared.
    rescues: what was changed, oldest first: ``nimg`` (where it was seen), ``back_to``, ``code``, ``changes``.
    """

    best_nimg: int | None = None
    best: float = math.inf
    best_high: float = math.inf
    since_best: int = 0
    past_its_best: bool = False
    worse: int = 0
    worth_keeping: bool = False
    suspected: int = 0
    growth: int = 0
    rescues: list[dict[str, Any]] = field(default_factory=list)

    def examined(
        self, nimg: int, value: float, low: float, high: float, floor: float = 0.0, *, bad: bool = False
    ) -> bool:
        """Note a score, lower being better; says whether it is the best so far. NaN is no score.

        The state before training is never the best: however good its score, nothing was learnt there.
        """
        if nimg == 0:
            return False
        if self.best_nimg is None or value < self.best:
            self.best_nimg, self.since_best, self.past_its_best, self.worse = nimg, 0, False, 0
            self.worth_keeping = math.isfinite(value) and not bad
            self.best, self.best_high = (value, high) if math.isfinite(value) else (math.inf, math.inf)
            return True
        self.since_best += 1
        self.past_its_best = bool(low > max(self.best_high, 2 * floor))
        self.worse = self.worse + 1 if self.past_its_best else 0
        return False

    def grown(self, growth: int) -> None:
        """Begin anew where examples are larger now than those that the best moment was chosen by."""
        if growth != self.growth:
            self.growth, self.best_nimg, self.best, self.best_high = growth, None, math.inf, math.inf
            self.since_best, self.past_its_best, self.worse, self.suspected = 0, False, 0, 0

    def confirmed(self, findings: Sequence[Finding]) -> Finding | None:
        """The failure to act upon, if there is one: the first that has a remedy, seen twice in a row."""
        failure = next((found for found in findings if found.severity == "failure" and found.changes), None)
        self.suspected = self.suspected + 1 if failure is not None else 0
        return failure if self.suspected >= _CONFIRMED else None

    def rescued(self, nimg: int, back_to: int, finding: Finding) -> None:
        """Note that the run goes back to an earlier moment and on with ``finding.changes``."""
        self.rescues.append(
            {
                "nimg": nimg,
                "back_to": back_to,
                "code": finding.code,
                "changes": finding.changes,
                "before": finding.before,
            }
        )
        self.suspected, self.since_best, self.past_its_best, self.worse = 0, 0, False, 0

    @property
    def rescues_left(self) -> int:
        return MOST_RESCUES - len(self.rescues)

    def to_json(self) -> dict[str, Any]:
        """Plain data; an infinite score becomes None."""
        return {name: None if value == math.inf else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> RunProgress:
        """The inverse of :meth:`to_json`. Raises TypeError for other fields."""
        return cls(**{name: value for name, value in fields.items() if value is not None})
