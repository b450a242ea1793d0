"""What a run's log says, as arrays: the only thing that symptoms read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganforge.core.errors import RecipeError, RunError
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.runs.folder import Run

__all__ = ["Array", "Examined", "History", "bounded", "ending"]

Array = NDArray[np.float64]
_FARTHEST = 10**15  # a whole number beyond that is damage


@dataclass(frozen=True)
class Examined:
    """One examination of a run (``metrics.examination``), as it stands in the log.

    Attributes:
        nimg: examples shown by then.
        record: its plain data.
        since: notes of the rounds since the examination before; empty at the first.
        since_rounds, since_refused: those rounds, and the moves among them that were refused.
        progress: share of the budget, 0…1; NaN where the log does not say.
    """

    nimg: int
    record: dict[str, Any]
    since: dict[str, Any] = field(default_factory=dict)
    since_rounds: int = 0
    since_refused: int = 0
    progress: float = math.nan

    @classmethod
    def of(cls, line: dict[str, Any]) -> Examined:
        """From a line of the log that holds an examination."""
        return cls(
            line["nimg"],
            line["examination"],
            _dict(line.get("since")),
            _whole(line.get("since_rounds")),
            _whole(line.get("since_refused")),
            _number(line.get("progress")),
        )

    def by(self, growth: Any) -> Examined:
        """The examination before training by examples of that step of growth; any other as it is."""
        levels = self.levels
        if self.nimg or type(growth) is not int or not 0 <= growth < len(levels):
            return self
        scores = {**_dict(self.record.get("scores")), self.headline: levels[growth]}
        return replace(self, record={**self.record, "scores": scores})

    @property
    def levels(self) -> list[dict[str, float]]:
        """Of examples that grow, ``value`` and ``floor`` of the headline at each size so far, coarsest first;
        NaN where it was not measured."""
        found = self.record.get("levels")
        levels = [_dict(level) for level in found] if isinstance(found, list) else []
        return [{part: _number(level.get(part)) for part in ("value", "floor")} for level in levels]

    @property
    def n(self) -> float:
        """How many samples were compared with as many real examples; NaN where the log does not say."""
        return _number(self.record.get("n"))

    def score(self, key: str, part: str = "value") -> float:
        """``value``, ``floor``, ``low`` or ``high`` of a score; NaN where it was not measured."""
        found = _dict(_dict(self.record.get("scores")).get(key))
        return _number(found.get(part))

    def judged(self, whom: str, part: str = "mean") -> float:
        """What the discriminator says: of ``training``, ``held_out`` or ``fakes``; ``mean``, ``deviation``
        or ``positive`` of its logits. NaN where it was not measured."""
        return _number(_dict(_dict(self.record.get("judged")).get(whom)).get(part))

    def probe(self, name: str) -> float:
        """One of the other numbers; NaN where it was not measured."""
        return _number(_dict(self.record.get("probes")).get(name))

    def note(self, name: str, part: str = "mean") -> float:
        """``mean``, ``deviation`` or ``positive`` of what the rounds since the examination before noted."""
        return _number(_dict(self.since.get(name)).get(part))

    @property
    def headline(self) -> str:
        """Key of the score that the run is judged by; lower is better."""
        key = self.record.get("headline")
        return key if isinstance(key, str) else "kernel_distance"

    @property
    def classes(self) -> dict[str, float]:
        """Share of samples of each class that an independent reader takes for what they were asked to be;
        empty unless somebody measured it."""
        found = _dict(self.record.get("classes"))
        return {str(name): _number(value) for name, value in found.items()}

    @property
    def fingerprint(self) -> Array:
        """Features of the first fixed latents' samples, ``(K,)``; empty where there are none."""
        values = self.record.get("fingerprint")
        return np.array([_number(value) for value in values] if isinstance(values, list) else [])


@dataclass(frozen=True)
class History:
    """A run so far.

    Attributes:
        recipe: what was played.
        space: what an example is.
        training, held_out: how many examples there are of each.
        ticks: lines of ``log.jsonl``, oldest first.
        examined: the examinations among them.
        finished: whether the training has come to its end.
        diverged: where it stopped by itself because of numbers that are none, moves that were refused among
            the last, and those moves; else None.
        own: values that the recipe had by itself, under the dotted keys that the person changed.
    """

    recipe: Recipe
    space: Space
    training: int
    held_out: int
    ticks: tuple[dict[str, Any], ...]
    examined: tuple[Examined, ...]
    finished: bool = False
    diverged: tuple[int, int] | None = None
    own: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> History:
        """Read ``run``'s log. Damaged lines are passed over; an empty log is an empty history.

        The recipe is the one that is played now: where a rescue has changed it, the changed one.
        """
        end = ending(run.events())
        try:
            recipe = run.recipe_at(run.checkpoint("newest", only=()))
        except (RunError, RecipeError):
            recipe = run.recipe
        return cls.from_records(
            run.log(),
            recipe=recipe,
            space=run.space,
            training=_whole(run.data.get("train")),
            held_out=_whole(run.data.get("held_out")),
            finished=end.get("event") == "finished",
            diverged=(_whole(end.get("refused")), _whole(end.get("of")))
            if end.get("event") == "diverged"
            else None,
            own=_dict(run.info.get("own")),
        )

    @classmethod
    def from_records(
        cls,
        records: list[dict[str, Any]],
        *,
        recipe: Recipe,
        space: Space,
        training: int,
        held_out: int,
        finished: bool = False,
        diverged: tuple[int, int] | None = None,
        own: dict[str, Any] | None = None,
    ) -> History:
        """From lines of a log. A line without an ``nimg`` that can be is passed over.

        So are lines of coarser examples than those of now: what was measured on them says nothing of these.
        The one before training stays, with what was measured then on examples of the size of now.
        """
        known = map(bounded, records)
        ticks = tuple(record for record in known if type(record.get("nimg")) is int and record["nimg"] >= 0)
        growth = next((tick["growth"] for tick in reversed(ticks) if "growth" in tick), None)
        ticks = tuple(tick for tick in ticks if tick.get("growth", growth) == growth or tick["nimg"] == 0)
        examined = tuple(
            Examined.of(record).by(growth) for record in ticks if isinstance(record.get("examination"), dict)
        )
        return cls(recipe, space, training, held_out, ticks, examined, finished, diverged, own or {})

    def before(self, looks: int) -> History:
        """The run as it stood ``looks`` examinations ago."""
        nimg = self.examined[-1 - looks].nimg
        ticks = tuple(tick for tick in self.ticks if tick["nimg"] <= nimg)
        return replace(self, ticks=ticks, examined=self.examined[:-looks], finished=False, diverged=None)

    @property
    def nimg(self) -> int:
        """Examples shown so far."""
        return int(self.ticks[-1]["nimg"]) if self.ticks else 0

    @property
    def grown(self) -> bool:
        """Whether examples were coarser before training than they are now."""
        steps = [tick["growth"] for tick in self.ticks if "growth" in tick]
        return bool(steps) and steps[0] != steps[-1]

    def series(self, name: str, part: str = "mean") -> Array:
        """``mean``, ``deviation`` or ``positive`` (share above 0) of a note, one value a tick.

        Names are those of the log: ``real_logits``, ``fake_logits``, ``margin``, and of each player
        ``generator_loss``, ``generator_gradient``, …. NaN where a tick does not have it.
        """
        return np.array([_number(_dict(tick.get(name)).get(part)) for tick in self.ticks])

    def plain(self, name: str) -> Array:
        """A number that stands in each line by itself: ``nimg``, ``seconds``, ``refused``, ``rounds``."""
        return np.array([_number(tick.get(name)) for tick in self.ticks])


def bounded(value: Any) -> Any:
    """The same plain data, with None for whole numbers that no arithmetic here could hold."""
    if isinstance(value, dict):
        return {name: bounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [bounded(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _FARTHEST:
        return None
    return value


def ending(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The event by which a training ended: finished, interrupted or diverged; empty where it goes on."""
    for event in reversed(events):
        if event.get("event") in ("finished", "interrupted", "diverged"):
            return event
        if event.get("event") in ("resumed", "rescued"):
            break
    return {}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any, missing: float = math.nan) -> float:
    return missing if isinstance(value, bool) or not isinstance(value, (int, float)) else float(value)


def _whole(value: Any) -> int:
    value = bounded(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
