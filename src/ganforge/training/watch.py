"""Watching a game while it is played: examinations at fixed moments, and what they show so far."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganforge.core.declared import GAMES
from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.data import Dataset, Examples
from ganforge.health.history import Examined, History
from ganforge.health.measures import bad
from ganforge.metrics.examination import Examiner
from ganforge.networks.growing import Growing
from ganforge.networks.operations import Operations
from ganforge.networks.players import condition_of, condition_size
from ganforge.runs.discriminator import Judge, judge_of
from ganforge.runs.folder import Run
from ganforge.runs.sampler import GeneratorSampler
from ganforge.training.clock import Plan
from ganforge.training.rounds import Rounds

__all__ = ["Watch"]

EXAMINATIONS = 16  # a run, at equal distances
FEWEST = 6  # with fewer, little can be said
CLOSELY = 2  # times as often, while samples are bad: who is ill is looked after, and who is well left alone
LEAST_NIMG = 2_048  # before the first, and between two of them
_EARLY = (5, 6, 7, 8)  # further ones at so many halvings of the budget, for early news of a long run
_LARGE = 64 * 64  # places of a picture, above which fewer samples are looked at
_SHARE = 0.025  # of the time, for examinations
_QUARTERS = (0.25, 0.5, 0.75)  # of a budget in time: there it is examined in any case …
_BETWEEN = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 3 / 8, 5 / 8, 7 / 8)  # … and here where that costs little
_COARSE = 4_096  # examples of each part that a coarse level's samples are compared with, at most
_WRITING = 2.0  # seconds, for the last picture, the checkpoint and the report
# What a round and an examination cost at least on a quick processor, besides their arithmetic, in seconds.
_ROUND, _LOOK = 4e-4, 0.05
_QUICK, _SLOW = 1e11, 2e10  # operations a second: of rounds, and of single passes over few examples

Coarse = Callable[[Tensor], Tensor]
"""Examples as the players see them to those of a step of growth, in declared units."""


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
        self._cost = 0.0  # seconds, of the last examination, without …
        self._once = 0.0  # … what was measured of the real examples then, once and for all
        self._regular = EXAMINATIONS
        self._examiners: dict[int, Examiner] = {}  # by step of growth
        self._judge: Judge | None = None
        self._lines: list[dict[str, Any]] = []
        self._ill = False  # asked for at every round
        self._know([line for line in run.log() if "examination" in line])

    def _know(self, lines: list[dict[str, Any]]) -> None:
        self._lines = lines
        self._ill = bool(lines) and bad(Examined.of(lines[-1]))

    @property
    def examined_at(self) -> int | None:
        """Examples shown at the last examination."""
        return self._lines[-1]["nimg"] if self._lines else None

    def afford(self, rounds: Rounds) -> None:
        """Have no more examinations than cost a fortieth of the training, or a twentieth of bad samples.

        Both costs are estimated from the operations of a pass through each player: a function of the
        recipe and not of the clock, so that the moments of examination are the same in every run.
        """
        generator, discriminator = self._passes(rounds)
        recipe, total = rounds.recipe, self.plan.total_nimg
        # Forward and backward are three passes; a move of the discriminator sees reals and fakes.
        each = 3 * recipe.discriminator_moves * 2 * discriminator + 3 * (generator + discriminator)
        moves = total / (recipe.batch * recipe.discriminator_moves)
        training = moves * max(_ROUND, recipe.batch * each / _QUICK)
        look = _LOOK + _looked_at(self._dataset.space) * (generator + 3 * discriminator) / _SLOW
        self._regular = int(min(max(_SHARE * training / look, FEWEST), EXAMINATIONS))

    def _passes(self, rounds: Rounds) -> tuple[float, float]:
        """Operations of one example's pass through the generator and through the discriminator."""
        recipe, space, generator = rounds.recipe, self._dataset.space, rounds.average.network
        judge = self._judged(rounds)
        if GAMES.find(recipe.game).from_inputs or judge is None:
            return self._passes_of_a_round(rounds)
        n, conditions = 2 * recipe.packing, condition_size(recipe, space)
        condition = torch.zeros(n, conditions) if conditions else None
        z = Prior.of(recipe).seeded(n, seed=0).to(rounds.engine.device)
        with torch.no_grad(), Operations() as generating:
            fake = generator(z, None if condition is None else condition.to(z.device))
        with Operations() as judging:
            judge.logits(space.to_declared(fake), condition)
        return generating.total / n, judging.total / n

    def _passes_of_a_round(self, rounds: Rounds) -> tuple[float, float]:
        """The same where a game has other passes than a duel: a round's, as if they were a duel's four."""
        with Operations() as playing:  # of the way forward alone, as in a single pass
            rounds.rehearse(2)
        each = playing.total / 2 / rounds.recipe.discriminator_moves / 5
        return each, each

    def due(self, nimg: int, step: int) -> bool:
        """Whether an examination is due at ``nimg``, a round of ``step`` examples having been played."""
        if self.plan.budget.seconds is not None:
            return self._passed(self.plan.progress(nimg)) > self._passed(self._examined_progress)
        return self._marks(nimg) > self._marks(nimg - step)

    def _passed(self, progress: float) -> int:
        """How many moments of examination of a budget in time lie before this share of it."""
        assert self.plan.budget.seconds is not None
        cheap = self._cost * len(_BETWEEN) <= _SHARE * self.plan.budget.seconds
        return sum(progress >= mark for mark in (*_QUARTERS, *(_BETWEEN if cheap else ())))

    @property
    def _examined_progress(self) -> float:
        return self._lines[-1].get("progress", 0.0) if self._lines else 0.0

    def _marks(self, nimg: int) -> int:
        """How many moments of examination there are up to ``nimg``, for one who is as at the last of them."""
        total = self.plan.total_nimg
        early = (total >> halvings for halvings in _EARLY) if self._regular == EXAMINATIONS else ()
        often = min(self._regular * CLOSELY, EXAMINATIONS) if self._ill else self._regular
        regular = nimg // max(total // often, LEAST_NIMG)
        return regular + sum(LEAST_NIMG <= mark <= nimg for mark in early)

    def examine(self, rounds: Rounds, sampler: GeneratorSampler) -> dict[str, Any]:
        """Look at the game now: the examination as plain data, with the sides of a level before the last."""
        part, last = rounds.grows, rounds.levels - 1
        # Before training it is looked at as a whole: what comes later must not be worse than that.
        step = rounds.growth if rounds.nimg else last
        examiner = self._examiner(rounds, step)
        fakes = examiner.samples(sampler)
        seen = examiner(sampler, self._judged(rounds), fakes).to_json()
        if part is None:
            return seen
        # Distances of examples of different sizes are not compared: each size has its own, from the start.
        x = self._dataset.space.to_model(fakes)
        coarser = [
            self._examiner(rounds, each).distance(_declared(part, each, x, self._dataset.space))
            for each in range(step)
        ]
        own = seen.get("scores", {}).get(seen.get("headline"), {})
        seen["levels"] = [*coarser, {name: own[name] for name in ("value", "floor") if name in own}]
        return seen if step == last else {**seen, "sides": list(part.sides[part.first + step])}

    def _examiner(self, rounds: Rounds, step: int) -> Examiner:
        """Who looks at examples of a step of growth; what is known of the real ones is kept."""
        if step not in self._examiners:
            began = time.perf_counter()
            part, space = rounds.grows, self._dataset.space
            coarse = None
            if part is not None and step < rounds.levels - 1:
                coarse = partial(_declared, part, step, space=space)
            self._examiners[step] = self.examiner(rounds.recipe, self._dataset, coarse=coarse)
            self._once += time.perf_counter() - began
        return self._examiners[step]

    def _judged(self, rounds: Rounds) -> Judge | None:
        """The discriminator as it is now."""
        network, recipe = rounds.game.players["discriminator"], rounds.recipe
        if self._judge is None:
            self._judge = judge_of(network, recipe, self._dataset.space)
        else:
            self._judge.follow(GAMES.find(recipe.game).judge(network))
        return self._judge

    def since(self, line: dict[str, Any]) -> dict[str, int]:
        """Rounds played and moves refused between the last examination and the moment of ``line``."""
        former = [one for one in self._lines if one["nimg"] < line["nimg"]]
        before = former[-1] if former else {"rounds": 0, "refused": 0}
        return {f"since_{name}": line[name] - before.get(name, 0) for name in ("rounds", "refused")}

    def examined(self, line: dict[str, Any], cost: float) -> None:
        """Note a log line that holds an examination, which took ``cost`` seconds."""
        self._know([former for former in self._lines if former["nimg"] < line["nimg"]] + [line])
        self._cost, self._once = max(cost - self._once, 0.0), 0.0
        self.plan.closing = self._cost + _WRITING

    def back_to(self, nimg: int) -> None:
        """Forget what was seen later than that."""
        self._know([line for line in self._lines if line["nimg"] <= nimg])

    def history(self, rounds: Rounds, *, finished: bool = False) -> History:
        """What diagnosis reads: the examinations so far."""
        return History.from_records(
            self._lines,
            recipe=rounds.recipe,
            space=self._dataset.space,
            training=self._dataset.train.n,
            held_out=self._dataset.held_out.n,
            finished=finished,
            own=self.run.info.get("own"),
        )

    @staticmethod
    def examiner(
        recipe: Recipe, dataset: Dataset, *, n: int | None = None, coarse: Coarse | None = None
    ) -> Examiner:
        """Who examines games of ``recipe`` on ``dataset``, by ``n`` samples or as many as while training.

        Of a level that is not the last one, real examples are made as coarse as the samples are, by
        ``coarse``: so a score says how well that level has been learned, and not how coarse it is.
        """
        train, held_out, space = dataset.train, dataset.held_out, dataset.space
        if coarse is not None:
            train, held_out = _as_coarse(train, coarse, space), _as_coarse(held_out, coarse, space)
        asks = condition_of(recipe, space)
        return Examiner(
            space,
            train.values,
            held_out.values,
            asks=asks,
            training_rows=train.conditions(asks),
            held_out_rows=held_out.conditions(asks),
            n=n or _looked_at(space),
            seed=recipe.seed,
        )


def _declared(part: Growing, step: int, x: Tensor, space: Space) -> Tensor:
    """Examples as the players see them, as coarse as those of a step of growth, in declared units."""
    return torch.cat([space.to_declared(part.seen(some, part.first + step)) for some in x.split(256)])


def _as_coarse(examples: Examples, coarse: Coarse, space: Space) -> Examples:
    """Some of the examples, as those of a level are."""
    chosen = np.sort(np.random.Generator(np.random.Philox(key=1)).permutation(examples.n)[:_COARSE])
    x = space.to_model(torch.from_numpy(np.array(examples.values[chosen])))
    return replace(
        examples,
        values=coarse(x).numpy() if len(x) else examples.values,
        labels=None if examples.labels is None else examples.labels[chosen],
        rows=None if examples.rows is None else examples.rows[chosen],
    )


def _looked_at(space: Space) -> int:
    """Samples an examination looks at."""
    return 128 if math.prod(space.spatial) > _LARGE else 512
