"""What several symptoms ask of a history: is the score bad, does it improve, do samples still change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ganforge.core.declared import OBJECTIVES
from ganforge.health.history import Examined, History

__all__ = [
    "DEAD",
    "ENOUGH",
    "FEWEST",
    "YOUNG",
    "above_its_floor",
    "accuracy",
    "at_size",
    "bad",
    "ended",
    "finite",
    "headline",
    "improving",
    "late",
    "late_steps",
    "latest",
    "left_of_gradient",
    "near",
    "never_fooled",
    "played",
    "progress",
    "ratio",
    "reach",
    "right_share",
    "settled",
    "steps",
    "swinging",
    "trained",
    "travelled",
    "window",
]

FEWEST = 3  # examinations after the first step, with fewer of which nothing is said of causes
YOUNG = 250  # rounds: until then convolutions of healthy runs lag behind, told apart in 98 %
ENOUGH = 100  # examples; among fewer the scores are so rough that nothing good is earned
NEVER = 0.99  # share of pairs told apart; healthy runs fall below it after some hundred rounds
DEAD = 1e-5  # of the generator's largest gradient: nobody says anything any more
NEAR = 0.2  # of the first score
LONG_STEP = 0.33  # deviations of the real features; healthy runs of the zoo settle below .3


def finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def trained(history: History) -> tuple[Examined, ...]:
    """The examinations after the first move."""
    return tuple(seen for seen in history.examined if seen.nimg > 0)


def played(history: History) -> int:
    """Rounds played until the last examination, at the size of now (:func:`at_size`)."""
    return sum(seen.since_rounds for seen in history.examined)


def at_size(history: History) -> str:
    """Of a training that grows, at which size steps and examinations are counted; empty for any other."""
    if not history.grown or not history.examined:
        return ""
    return " at this size" if "sides" in history.examined[-1].record else " at the whole size"


def late(history: History, n: int = 3) -> tuple[Examined, ...]:
    """The last ``n`` examinations after the first move; empty where there are fewer."""
    seen = trained(history)
    return seen[-n:] if len(seen) >= n else ()


def latest(history: History) -> tuple[Examined, ...]:
    """The last two examinations after the first step, or the only one."""
    return trained(history)[-2:]


def ended(history: History) -> bool:
    """Whether the training is over: what there is now is the result, and nothing will mend it."""
    return history.finished or (bool(history.examined) and progress(history) >= 0.999)


def settled(history: History) -> bool:
    """Whether a run can be judged by its samples: it is over, or half of it is and they get no better."""
    late_enough = len(trained(history)) >= FEWEST and progress(history) >= 0.5 and played(history) >= YOUNG
    return ended(history) or (late_enough and not improving(history))


def window(seen: Sequence[Examined], read: Callable[[Examined], float]) -> list[float]:
    """A number of each examination; empty unless all of them have it."""
    values = [read(one) for one in seen]
    return values if values and all(math.isfinite(value) for value in values) else []


def progress(history: History) -> float:
    """Share of the budget that was used, 0…1."""
    if history.examined and math.isfinite(history.examined[-1].progress):
        return history.examined[-1].progress
    return min(history.nimg / max(history.recipe.kimg * 1000, 1.0), 1.0)


def headline(seen: Examined, part: str = "value") -> float:
    return seen.score(seen.headline, part)


def ratio(seen: Examined, key: str, part: str = "value") -> float:
    """A score over its floor; NaN where either is missing or the floor is 0 or less."""
    floor = seen.score(key, "floor")
    return seen.score(key, part) / floor if floor > 0 else math.nan


def reach(seen: Examined, key: str) -> float:
    """The most that a score can be by its interval, as a share of the best possible; NaN without either."""
    high = ratio(seen, key, "high")
    return high if math.isfinite(high) else ratio(seen, key)


def bad(seen: Examined, share: float = 0.5) -> bool:
    """Whether samples cover less than ``share`` of what as many real examples cover, or are not real-like.

    False where it was not measured: nothing is claimed without numbers.
    """
    covered, alike = ratio(seen, "coverage"), ratio(seen, "precision")
    return covered < share or alike < share


def above_its_floor(seen: Examined) -> bool:
    """Whether the score is plainly worse than that of real examples, by more than chance."""
    return headline(seen, "low") > 1.5 * max(headline(seen, "floor"), 0.0)


def near(history: History) -> bool:
    """Whether the samples came a good way from those of the first, random parameters towards real ones."""
    return headline(history.examined[-1]) < NEAR * headline(history.examined[0])


def right_share(seen: Examined) -> float:
    """P(a real example that was not trained on has a higher logit than a fake): ½ is undecided."""
    value = seen.probe("told_held_out")
    return value if math.isfinite(value) else seen.probe("told_training")


def never_fooled(history: History) -> bool:
    """Whether hardly a sample passed for real at any of the last eight examinations.

    Then a score that gets better is of no account: what the discriminator goes by is not what scores see, or
    the generator creeps.
    """
    apart = window(late(history, 8), right_share)
    return bool(apart) and min(apart) > NEVER


def accuracy(seen: Examined, objective: str) -> tuple[float, float]:
    """Shares of reals called real and of fakes called fake in training; NaN where the level is free."""
    level = OBJECTIVES.find(objective).level
    if level is None:
        return math.nan, math.nan
    if level == 0.0:
        return seen.note("real_logits", "positive"), 1.0 - seen.note("fake_logits", "positive")
    # Only the share above 0 is noted: where the level is another, the normal with the same moments says.
    real, fake = (_above(seen, whom, level) for whom in ("real_logits", "fake_logits"))
    return real, 1.0 - fake


def _above(seen: Examined, whom: str, level: float) -> float:
    mean, deviation = seen.note(whom), seen.note(whom, "deviation")
    return 0.5 * math.erfc((level - mean) / max(deviation, 1e-9) / math.sqrt(2.0))


def improving(history: History, by: float = 0.15) -> bool:
    """Whether the score was lately better than before, or coverage higher: then it is too early to judge.

    The better of the last two headlines is compared with the median of the four before, which must be
    beaten by ``by``, and with the best so far, which must nearly be reached: to come back from something
    worse is no news. Coverage must have risen by a quarter of ``by``, in shares of its floor.
    """
    if len(history.examined) < 4:
        return True
    scores = [headline(one) for one in history.examined]
    if _better(scores, by) or _falls(scores[-6:]):
        return True
    covered = [ratio(one, "coverage") for one in history.examined]
    old, new = finite(covered[-6:-2]), finite(covered[-2:])
    if not old or not new:
        return False
    return max(new) > float(np.median(old)) + by / 4 and max(new) > 0.9 * max(finite(covered[:-2]))


def _better(scores: list[float], by: float) -> bool:
    old, new, ever = finite(scores[-6:-2]), finite(scores[-2:]), finite(scores[:-2])
    if not old or not new:
        return False
    return min(new) < (1 - by) * float(np.median(old)) and min(new) < 1.1 * min(ever)


def _falls(values: list[float]) -> bool:
    """Whether each is below the one before, and the last by a tenth below the first."""
    return len(values) == 6 and values[-1] < 0.9 * values[0] and all(b < a for a, b in pairwise(values))


def left_of_gradient(history: History) -> tuple[float, float]:
    """The norm of the generator's gradient, the larger of the last two, and over the largest; NaN without."""
    norms = finite(one.note("generator_gradient") for one in trained(history))
    now = window(late(history, 2), lambda one: one.note("generator_gradient"))
    return (max(now), max(now) / max(max(norms), 1e-30)) if now else (math.nan, math.nan)


def steps(history: History) -> list[float]:
    """How far the fixed latents' samples moved between examinations, in deviations of the real features.

    The root of the mean square over the fingerprint; where it is missing the step is left out.
    """
    prints = [seen.fingerprint for seen in history.examined]
    pairs = [(a, b) for a, b in pairwise(prints) if a.size and a.size == b.size]
    return finite(float(np.sqrt(np.mean((b - a) ** 2))) for a, b in pairs)


def late_steps(history: History) -> list[float]:
    """The last five of :func:`steps`, without those of the first 40 % of the examples: they are long."""
    seen = tuple(one for one in history.examined if one.nimg >= 0.4 * history.nimg)
    return steps(replace(history, examined=seen))[-5:]


def swinging(history: History) -> bool:
    """Whether the same latents' samples are still thrown about from examination to examination."""
    way = late_steps(history)
    # In the first half noise, rates and the moving average are still on their way down.
    most = LONG_STEP if progress(history) >= 0.6 else 1.5 * LONG_STEP
    return len(way) >= 3 and float(np.median(way)) > most


def travelled(history: History) -> float:
    """How far the fixed latents' samples are from where they began; NaN where it is not known."""
    prints = [seen.fingerprint for seen in history.examined if seen.fingerprint.size]
    if len(prints) < 2 or prints[0].size != prints[-1].size:
        return math.nan
    return float(np.sqrt(np.mean((prints[-1] - prints[0]) ** 2)))
