"""One training by several processes: what each plays, who starts them, and what those do that follow."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganforge.core.errors import GanforgeError, RunError, UsageError
from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.runs.folder import Run
from ganforge.tasks.again import in_units, load_again, source_of
from ganforge.training.engine import Engine
from ganforge.training.parts import coupled
from ganforge.training.processes import Order, Together, place_of, started
from ganforge.training.rounds import Rounds
from ganforge.training.signals import StopRequest

__all__ = ["follow", "joined", "shared"]


def shared(engine: Engine, recipe: Recipe, dataset: Dataset, count: int) -> Engine:
    """How each of ``count`` processes computes: with a share of the cores, and the same number of parts.

    Raises:
        UsageError: the batch cannot be shared out, or a part would not play as it does in the whole batch.
    """
    if count == 1:
        return engine
    parts = engine.parts if engine.parts % count == 0 else count
    if recipe.batch % (parts * recipe.packing):
        raise UsageError(
            f"a batch of {recipe.batch} cannot be shared by {count} processes; take a batch of "
            f"{-(-recipe.batch // (parts * recipe.packing)) * parts * recipe.packing} (--set batch=…), or "
            "another number of processes"
        )
    why = coupled(Rounds(recipe, dataset, replace(engine, parts=1, workers=1, recorded=False)))
    if why:
        raise UsageError(f"this game cannot be shared by processes: {why}; leave --processes out")
    here = int(os.environ.get("LOCAL_WORLD_SIZE", count))
    threads = max((os.cpu_count() or 1) // here, 1) if engine.device.type == "cpu" else engine.threads
    return replace(engine, parts=parts, workers=1, recorded=False, threads=threads)


@contextmanager
def joined(count: int) -> Generator[Together | None]:
    """The processes of this training, of which this is the first; None where it is alone.

    They are there already where torchrun has started them, else they are started.
    """
    if count == 1:
        yield None
        return
    with nullcontext() if place_of()[1] == count else started(count):
        together = Together()
        try:
            yield together
        finally:
            together.end()


def follow() -> int:
    """Play what the first process says, until it ends; gives the exit code."""
    try:
        together = Together()
        with StopRequest() as request:
            _follow(together, request)
        together.close()
    except GanforgeError as error:
        print(f"gan train, process {os.environ['RANK']}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _follow(together: Together, request: StopRequest) -> None:
    dataset: Dataset | None = None
    rounds: Rounds | None = None
    while True:
        order, progress = together.ordered()
        if order == Order.END:
            return
        if order == Order.PLAY:
            assert rounds is not None
            together.exit_code = request.exit_code
            rounds.play(progress)
            rounds.statistics.close()
            continue
        message = together.broadcast()
        engine = Engine.from_json(message["engine"])
        if engine.device.type == "cuda":
            engine = replace(engine, device=torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))))
        engine.apply()
        dataset = dataset or _read(Path(message["run"]), message["data"])
        rounds = Rounds(Recipe.from_json(message["recipe"]), dataset, engine, together)
        rounds.take(message["state"])


def _read(path: Path, data: dict[str, Any]) -> Dataset:
    """The examples of the first process. Raises RunError where they are others here."""
    run = replace(Run.open(path), data=data)
    source, held_out = source_of(run)
    dataset = in_units(load_again(source, run, held_out), run.recipe)
    if dataset.manifest["fingerprint"] != data.get("fingerprint"):
        raise RunError(f"the data at {source} are not those of the first process; put the same ones there")
    return dataset.under(run.space)
