"""Which precision, memory format and number of threads are fastest, and whether recordings are: measured.

What else runs on a machine must not decide how a training computes. So ways that play on one thread are
compared by the processor time of a round, of which the least is taken: waiting for a core does not count.
What several cores give is seen by the clock alone, in rounds that alternate with those of one thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import torch

from ganforge.core.errors import out_of_memory
from ganforge.core.recipe import Recipe
from ganforge.core.schedule import Moment
from ganforge.data import Dataset
from ganforge.training.engine import Engine
from ganforge.training.parts import coupled
from ganforge.training.rounds import Rounds

__all__ = ["Finding", "choose_device", "fewer_threads", "probe"]

_SECONDS = 8.0  # that a probe may take at most
_PART, _LEAST = 0.05, 1.0  # of the training that it may take; and seconds, however short that is
_LIGHT = 1 / 60  # of them, that a round of the probe may take, about
_SHORT = 0.05  # seconds; rounds that take longer are arithmetic
_ENOUGH = 0.15  # seconds spent on two ways, after which the least of each is known
_LATE = 0.999  # of the budget: what grows has its whole size then
_FEW = 2  # examples of the first, careful round; with one alone there are no batch statistics
_WORTH = 1.05  # a change must be this much faster to be taken
_WORTH_CORES = 1.2  # the same of a way that takes cores from whatever else the person does
_DEARER = 1.4  # times the processor's time, that parts played at once may take on a busy machine
_MUCH = 1.3  # and of one thread in place of several, once a training has begun
_IDLE = 0.9  # share of a core that a process gets at least where nothing else wants it
_PATIENCE = 3  # times the processor's time, that a probe on a busy machine may take by the clock
_LONGEST_CYCLE = 64  # rounds, after which penalties that are not due each time are taken to repeat


@dataclass(frozen=True)
class Finding:
    """What the probe found.

    Attributes:
        engine: the fastest way of those tried.
        ratio: how many times as fast as float32 on one thread (on an accelerator: as plain float32).
        images_per_second: real examples shown a second, where nothing else takes the processor's time.
        words: the same for a person.
        share: of a core's time that this process got meanwhile; 1 on an idle machine.
    """

    engine: Engine
    ratio: float
    images_per_second: float
    words: str
    share: float = 1.0


def choose_device(name: str | None = None) -> torch.device:
    """The accelerator, where torch sees one that works; else the processor. A name overrides."""
    if name is not None:
        return torch.device(name)
    if torch.accelerator.is_available():
        found = torch.accelerator.current_accelerator()
        assert found is not None
        return found
    return torch.device("cpu")


def probe(
    recipe: Recipe,
    dataset: Dataset,
    *,
    device: torch.device,
    free: bool = False,
    seconds: float = math.inf,
    examples: float = math.inf,
    cores: int | None = None,
) -> Finding:
    """Play a few rounds in each way and keep the fastest. Leaves no trace in any player.

    One thing is changed at a time: memory format, precision, for short rounds whether they are recorded,
    which is in float32, and at last how several cores share a round: parts of the batch that are played at
    once, or threads of each operation. Where the device is ``free`` and its rounds are short, the
    processor is tried as well: it starts a tiny network's many small operations sooner
    (results/accelerator.md).

    Args:
        recipe: what is to be played; of a large batch only a part is.
        dataset: its examples.
        device: where.
        free: whether nobody asked for this device.
        seconds: that it may take, about, 8 at most: of the processor's time, or on an accelerator by the
            clock. What there is no time left to try is not taken; the first round of two examples is always
            played.
        examples: that the training will show: what takes a few seconds is not worth as many of probing.
        cores: of the processor, that a round may use; None leaves it to torch, which takes all there are.
    """
    most = torch.get_num_threads()
    spent = _Spent(device, min(seconds, _SECONDS))
    plain_way = Engine(device=device, threads=1 if device.type == "cpu" and most > 1 else None)
    plain_way.apply()  # what is measured is what the training will use
    best = plain = _lightened(plain_way, recipe, dataset, spent)
    light = plain.recipe
    spent.limit(max(_LEAST, _PART * plain.seconds * examples / (light.batch * recipe.discriminator_moves)))
    if recipe.precision == "bfloat16":  # asked for: not for the probe to refuse
        best = _Way(replace(plain_way, precision=torch.bfloat16), light, dataset)
        best.play()
    changes = list(_changes(recipe, light, dataset, device, plain.seconds))
    for tried, change in enumerate(changes):
        candidate = _tried(replace(best.engine, **change), best, light, dataset, spent, len(changes) - tried)
        if candidate is not None and best.seconds / candidate.seconds > _WORTH:
            best = candidate
    engine, pace = best.engine, best.seconds
    share = best.share
    if plain_way.threads is not None:
        cores = most if cores is None else min(cores, most)
        engine, pace = _shared(best, cores, _in_parts(recipe, plain), dataset, spent)
    engine.apply()
    speed = light.batch * recipe.discriminator_moves / pace
    found = Finding(engine, plain.seconds / pace, speed, _words(engine, plain.seconds / pace, share), share)
    if free and device.type != "cpu" and light.batch == recipe.batch and pace < _SHORT:
        torch.set_num_threads(most)
        here = probe(recipe, dataset, device=torch.device("cpu"), seconds=spent.left)
        if here.images_per_second > _WORTH * speed:
            return replace(here, words=f"{here.words}, sooner done than on {device}")
        torch.set_num_threads(most)
    return found


def fewer_threads(engine: Engine, recipe: Recipe, dataset: Dataset, *, seconds: float) -> Engine:
    """The same engine, with one thread where this is much faster by the clock, as the machine is now.

    On a busy machine the threads of an operation wait for the one that has no core: a lone thread, which
    waits for nobody, is then two to three times as fast, and takes a third of the processor's time.

    Args:
        engine: how a training computes, on several threads of the processor.
        recipe, dataset: what it plays.
        seconds: of the processor's time that it may take to find out, about.
    """
    spent = _Spent(engine.device, seconds)
    one = replace(engine, threads=1)
    try:
        alone = _lightened(one, recipe, dataset, spent)
        together = _Way(engine, alone.recipe, dataset)
        together.play()
        _compare(alone, together, spent, 1)
    except RuntimeError as error:
        if out_of_memory(error):
            return engine
        raise
    finally:
        engine.apply()
    return one if together.clock / alone.clock > _MUCH else engine


# -- what a round takes ---------------------------------------------------------------------------


class _Spent:
    """How much of the time for a probe is used up: of the processor's, on an accelerator by the clock."""

    def __init__(self, device: torch.device, seconds: float) -> None:
        self.now = time.process_time if device.type == "cpu" else time.perf_counter
        self.seconds = seconds
        self._end = self.now() + seconds
        self._latest = time.perf_counter() + _PATIENCE * seconds

    def limit(self, seconds: float) -> None:
        """Take no more than so many from now on."""
        self._end = min(self._end, self.now() + seconds)

    @property
    def left(self) -> float:
        return max(self._end - self.now(), 0.0) if time.perf_counter() < self._latest else 0.0


@dataclass
class _Way:
    """One way to compute, and what its rounds take.

    Penalties that are due in some rounds only give rounds of several kinds, which are timed apart: ``taken``
    holds for each kind what every play took, of the processor's time and by the clock.
    """

    engine: Engine
    recipe: Recipe
    dataset: Dataset
    taken: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rounds = Rounds(self.recipe, self.dataset, self.engine)
        self._kinds = _kinds(self.rounds)

    def play(self) -> None:
        """One round of each kind."""
        if self.engine.threads is not None:
            torch.set_num_threads(self.engine.threads)
        for kind in self._kinds:
            self.rounds.rounds = kind
            began = time.process_time(), time.perf_counter()
            self.rounds.play(_LATE)
            if self.engine.device.type != "cpu":
                torch.accelerator.synchronize(self.engine.device)
            taken = time.process_time() - began[0], time.perf_counter() - began[1]
            self.taken.setdefault(kind, []).append(taken)

    @property
    def seconds(self) -> float:
        """What a round takes at least: of the processor's time, or on an accelerator by the clock."""
        which = 0 if self.engine.device.type == "cpu" else 1
        return self._mean({kind: _least(taken, which) for kind, taken in self._times.items()})

    @property
    def clock(self) -> float:
        """What a round takes by the clock, as a rule."""
        return self._mean({kind: median(one[1] for one in taken) for kind, taken in self._times.items()})

    @property
    def share(self) -> float:
        """Of a core's time that this process got, playing."""
        times = [one for taken in self._times.values() for one in taken]
        processor, clock = (sum(one[which] for one in times) for which in (0, 1))
        return min(processor / clock, 1.0) or 1.0  # none was seen to pass: nothing is known of others

    @property
    def _times(self) -> dict[int, list[tuple[float, float]]]:
        """Without the first play, the warm-up, where there are others."""
        return {kind: taken[1:] or taken for kind, taken in self.taken.items()}

    def _mean(self, of_kind: dict[int, float]) -> float:
        return sum(of_kind[kind] * count for kind, count in self._kinds.items()) / sum(self._kinds.values())


def _least(taken: list[tuple[float, float]], which: int) -> float:
    """The least of some times, above 0.

    A process with a limit on its processor's time is told that time in steps of milliseconds, and may see
    none pass in a short round: then the mean is taken, or the clock's.
    """
    times = [one[which] for one in taken]
    return min(times) or sum(times) / len(times) or min(one[1] for one in taken)


def _kinds(rounds: Rounds) -> dict[int, int]:
    """The number of a round of each kind, and how many of that kind there are until all comes again."""
    cycle = math.lcm(rounds.game.rhythm, *(penalty.every for penalty in rounds.recipe.penalties))
    first: dict[object, int] = {}
    count: dict[int, int] = {}
    for number in range(min(cycle, _LONGEST_CYCLE)):
        kind = first.setdefault(rounds.game.branch(Moment(0, number, _LATE)), number)
        count[kind] = count.get(kind, 0) + 1
    return count


def _lightened(engine: Engine, recipe: Recipe, dataset: Dataset, spent: _Spent) -> _Way:
    """The same game with so few examples a round that there is time to play it often, once played.

    What is fastest for a part of a large batch is fastest for the batch, and nobody should wait for it.
    """
    few = _FEW * recipe.packing * engine.parts
    batch = min(recipe.batch, few)
    while True:
        way = _Way(engine, recipe if batch == recipe.batch else replace(recipe, batch=batch), dataset)
        way.play()
        if way.seconds < spent.left / 2:  # what is paid once, in the first round, is no measure
            way.play()
        room = int(_LIGHT * spent.seconds / way.seconds)
        if batch == recipe.batch:
            return way
        if room < 2:
            # Where a round costs the same whatever its batch, a few examples would say that all are dear.
            if 4 * way.seconds > spent.left / 2:
                return way
            batch = min(4 * batch, recipe.batch)
            continue
        batch = min(room * batch // (4 * few) * 4 * few or room * few, recipe.batch)


def _compare(one: _Way, other: _Way, spent: _Spent, shares: int) -> None:
    """Play two ways in turn until it is known what each takes, or a share of the time left is used up."""
    allowed, began = spent.left / shares, spent.now()
    for turn in range(1, 41):
        one.play()
        other.play()
        used = spent.now() - began
        if used * (turn + 1) / turn > allowed or (used > _ENOUGH and turn >= 3):
            return


def _tried(
    engine: Engine, best: _Way, light: Recipe, dataset: Dataset, spent: _Spent, shares: int
) -> _Way | None:
    """This way, compared with the best so far; None where there is neither time nor memory to try it."""
    if 5 * best.seconds > spent.left:
        return None
    try:
        way = _Way(engine, light, dataset)
        way.play()
        _compare(best, way, spent, shares)
    except RuntimeError as error:
        if out_of_memory(error):
            return None
        raise
    return way


def _in_parts(recipe: Recipe, way: _Way) -> list[int]:
    """Into how many parts a batch may be cut that are played at once, to the gradient of the whole batch."""
    if coupled(way.rounds):
        return []
    return [n for n in (2, 4, 8) if not any(one.batch % (n * recipe.packing) for one in (recipe, way.recipe))]


def _shared(
    alone: _Way, cores: int, parts: list[int], dataset: Dataset, spent: _Spent
) -> tuple[Engine, float]:
    """How several cores should share a round, and what it then takes.

    Parts that are played at once wait for each other once in a turn. Threads do so in each operation: on a
    busy machine, where one of them has no core, that makes a round many times as long, so they are tried on
    an idle one only.
    """
    engine, pace, idle = alone.engine, alone.seconds, alone.share > _IDLE
    ways = [] if engine.recorded else [n for n in parts if n <= cores]
    tried = [replace(engine, parts=n, workers=n, threads=cores // n if idle else 1) for n in ways]
    if idle:
        if 5 * pace > spent.left and cores > 1:  # rounds that long are arithmetic, which can be shared
            return replace(engine, threads=cores), pace / cores
        tried += [replace(engine, threads=cores >> halvings) for halvings in range(cores.bit_length() - 1)]
    for number, other in enumerate(tried):
        way = _tried(other, alone, alone.recipe, dataset, spent, len(tried) - number)
        if way is None or (not idle and way.seconds > _DEARER * alone.seconds):
            continue
        taken = way.clock if idle else alone.seconds * way.clock / alone.clock
        alike = engine is not alone.engine and other.workers == engine.workers
        if pace / taken > (_WORTH if alike else _WORTH_CORES):
            engine, pace = other, taken
    return engine, pace


def _changes(
    recipe: Recipe, light: Recipe, dataset: Dataset, device: torch.device, pace: float
) -> Iterator[dict[str, object]]:
    if dataset.space.dims == 2:
        yield {"channels_last": True}
    if recipe.precision == "auto" and dataset.space.dims > 0:
        yield {"precision": torch.bfloat16}
    if device.type == "cpu" and recipe.precision != "bfloat16" and light == recipe and pace < _SHORT:
        yield {"recorded": True, "precision": torch.float32}


def _words(engine: Engine, ratio: float, share: float) -> str:
    """In what an engine differs from plain float32, what that gives, and how busy the machine was."""
    differs = {
        "channels last": engine.channels_last,
        "bfloat16": engine.precision == torch.bfloat16,
        "recorded rounds": engine.recorded,
    }
    changes: Sequence[str] = [word for word, chosen in differs.items() if chosen]
    where = str(engine.device)
    if engine.device.type == "cpu":
        threads = engine.workers * (engine.threads or torch.get_num_threads())
        where = f"CPU, {threads} thread{'s' * (threads != 1)}"
        if engine.workers > 1:
            where += f" for {engine.workers} parts of a batch at once"
        if share <= _IDLE:
            where += f" (the machine is busy: this process got {100 * share:.0f} % of a core)"
    plain = "plain float32" if engine.device.type != "cpu" else "float32 on one thread"
    gain = f" ({ratio:.1f}× {plain} on this network)" if ratio > _WORTH else ""
    return ", ".join([where, *(changes or ["float32"])]) + gain
