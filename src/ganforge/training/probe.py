"""Which precision, memory format and number of threads are fastest, and whether recordings are: measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

import torch

from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds

__all__ = ["Finding", "choose_device", "probe"]

_SECONDS = 1.2  # spent on measuring one way, at most, once it is warm
_LEAST = 0.1  # and at least
_SHORT = 0.05  # rounds that take longer are arithmetic; generous, for the machine may be busy
_LATE = 0.999  # of the budget: what grows has its whole size then
_FEW = 4  # examples of the first, careful round
_LIGHT = 0.35  # seconds that a round of the probe may take, about
_WORTH = 1.05  # a change must be this much faster to be taken


@dataclass(frozen=True)
class Finding:
    """What the probe found.

    Attributes:
        engine: the fastest way of those tried.
        ratio: how many times as fast as float32 with torch's own choices.
        images_per_second: real examples shown a second.
        words: the same for a person.
    """

    engine: Engine
    ratio: float
    images_per_second: float
    words: str


def choose_device(name: str | None = None) -> torch.device:
    """The accelerator, where torch sees one that works; else the processor. A name overrides."""
    if name is not None:
        return torch.device(name)
    if torch.accelerator.is_available():
        found = torch.accelerator.current_accelerator()
        assert found is not None
        return found
    return torch.device("cpu")


def probe(recipe: Recipe, dataset: Dataset, *, device: torch.device, free: bool = False) -> Finding:
    """Play a few rounds in each way and keep the fastest. Takes seconds; leaves no trace in any player.

    One thing is changed at a time: memory format, precision, threads, and for short rounds whether they
    are recorded, which is in float32. Where the device is ``free`` and its rounds are short, the processor
    is tried as well: it starts a tiny network's many small operations sooner (results/accelerator.md).
    """
    threads = torch.get_num_threads()
    recipe = _lighter(recipe, dataset, device)
    best = plain_way = Engine(device=device)
    plain_way.apply()  # what is measured is what the training will use
    if recipe.precision == "bfloat16":  # asked for: not for the probe to refuse
        best = replace(best, precision=torch.bfloat16)
    plain = _seconds(plain_way, recipe, dataset)
    pace = plain if best == plain_way else _seconds(best, recipe, dataset)
    for change in _changes(recipe, dataset, device, pace):
        candidate = replace(best, **change)
        seconds = _seconds(candidate, recipe, dataset)
        if pace / seconds > _WORTH:
            best, pace = candidate, seconds
    torch.set_num_threads(threads if best.threads is None else best.threads)
    ratio = plain / pace
    examples = recipe.batch * recipe.discriminator_moves / pace
    changes = _words(best)
    gain = f" ({ratio:.1f}× plain float32 on this network)" if best != plain_way and ratio > 1 else ""
    how = ", ".join([_describe(device), *(changes or ["float32"])])
    found = Finding(best, ratio, examples, how + gain)
    if free and device.type != "cpu" and pace < _SHORT:
        here = probe(recipe, dataset, device=torch.device("cpu"))
        if here.images_per_second > _WORTH * examples:
            return replace(here, words=f"{here.words}, sooner done than on {device}")
        torch.set_num_threads(threads)
    return found


def _lighter(recipe: Recipe, dataset: Dataset, device: torch.device) -> Recipe:
    """The same game with so few examples a round that a round takes about a third of a second.

    What is fastest for a part of a large batch is fastest for the batch, and nobody should wait for it.
    """
    few = min(recipe.batch, _FEW * recipe.packing)
    light = replace(recipe, batch=few)
    rounds = Rounds(light, dataset, Engine(device=device))
    began = time.perf_counter()
    rounds.play(_LATE)
    _wait(device)
    room = _LIGHT / (time.perf_counter() - began)
    if room * few >= recipe.batch:
        return recipe
    return replace(recipe, batch=few * max(1, int(room)))


def _changes(
    recipe: Recipe, dataset: Dataset, device: torch.device, pace: float
) -> Iterator[dict[str, object]]:
    if dataset.space.dims == 2:
        yield {"channels_last": True}
    if recipe.precision == "auto" and dataset.space.dims > 0:
        yield {"precision": torch.bfloat16}
    if device.type == "cpu" and torch.get_num_threads() > 1 and pace < _SHORT:
        yield {"threads": 1}
    if device.type == "cpu" and recipe.precision != "bfloat16" and pace < _SHORT:
        yield {"recorded": True, "precision": torch.float32}


def _words(engine: Engine) -> list[str]:
    """In what, beside threads, an engine differs from torch's own choices."""
    words = {
        "channels last": engine.channels_last,
        "bfloat16": engine.precision == torch.bfloat16,
        "recorded rounds": engine.recorded,
    }
    return [word for word, chosen in words.items() if chosen]


def _seconds(engine: Engine, recipe: Recipe, dataset: Dataset) -> float:
    """Median seconds of a round played in this way."""
    torch.set_num_threads(engine.threads or torch.get_num_threads())
    rounds = Rounds(recipe, dataset, engine)
    began = time.perf_counter()
    rounds.play(_LATE)
    _wait(engine.device)
    warm = time.perf_counter() - began
    if warm > 2 * _LIGHT:  # even few examples are this much work: what is paid once hardly counts
        return warm
    times: list[float] = []
    while (sum(times) < _SECONDS - warm / 4 and len(times) < 40) or len(times) < 2 or sum(times) < _LEAST:
        began = time.perf_counter()
        rounds.play(_LATE)
        _wait(engine.device)
        times.append(time.perf_counter() - began)
    return median(times)


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def _describe(device: torch.device) -> str:
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' * (threads != 1)}"
    return str(device)
