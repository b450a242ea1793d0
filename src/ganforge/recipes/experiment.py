"""From data to a trained run: what `gan train` and `ganforge.train` do, step by step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganforge.core.errors import RunError, UsageError
from ganforge.core.recipe import Recipe
from ganforge.data import Dataset, load
from ganforge.data.builtin import NAMES
from ganforge.networks import parameters_count
from ganforge.networks.players import build_discriminator, build_generator
from ganforge.recipes import Choice, find, infer
from ganforge.runs.folder import Run
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.loop import Tick, Trainer
from ganforge.training.probe import Finding, choose_device, probe

__all__ = ["Experiment", "default_folder", "prepare", "resume", "train"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Experiment:
    """All that is decided before training starts.

    Attributes:
        dataset: the examples.
        recipe: resolved.
        choice: which recipe, and why.
        budget: how long.
        finding: device, precision, memory format and threads, as measured; None before :meth:`measure`.
    """

    dataset: Dataset
    recipe: Recipe
    choice: Choice
    budget: Budget
    device: torch.device
    finding: Finding | None = None

    def measure(self) -> Experiment:
        """The same, with the fastest way to compute on this machine."""
        return replace(self, finding=probe(self.recipe, self.dataset, device=self.device))

    def lines(self) -> list[tuple[str, str]]:
        """Subject and words: what was decided, each with its reason."""
        recipe, space = self.recipe, self.dataset.space
        players = {
            "generator": build_generator(recipe, space),
            "discriminator": build_discriminator(recipe, space),
        }
        sizes = ", ".join(f"{name} {parameters_count(net):,}" for name, net in players.items())
        penalties = " + ".join(penalty.name for penalty in recipe.penalties)
        lines = [("data", line) for line in self.dataset.scan.lines()]
        lines += [
            ("recipe", f"{self.choice.name}: {self.choice.reason}"),
            ("game", f"{recipe.objective}{' + ' + penalties if penalties else ''}, batch {recipe.batch}"),
            ("weights", sizes),
        ]
        if recipe.conditional and space.classes:
            lines.append(("classes", f"{len(space.classes)}, asked of both players"))
        if recipe.augmentation.policy and (recipe.augmentation.probability or recipe.augmentation.target):
            lines.append(("augment", f"{recipe.augmentation.policy}, on reals and fakes"))
        if self.finding is not None:
            lines.append(("device", self.finding.words))
        lines.append(("budget", self._budget_words()))
        return lines

    def _budget_words(self) -> str:
        if self.finding is None:
            kimg, minutes = self.budget.kimg, self.budget.minutes
            return f"{minutes:g} minutes" if minutes is not None else f"{kimg:g} kimg"
        speed = self.finding.images_per_second
        if self.budget.minutes is not None:
            return f"{self.budget.minutes:g} minutes ≈ {self.budget.minutes * 60 * speed / 1000:,.0f} kimg"
        assert self.budget.kimg is not None
        return f"{self.budget.kimg:g} kimg ≈ {self.budget.kimg * 1000 / speed / 60:.1f} minutes"

    def start(self, out: Path, **options: Any) -> Trainer:
        """Make the run folder and a trainer for it. ``options`` are the Trainer's."""
        engine = self.finding.engine if self.finding is not None else Engine(device=self.device)
        run = Run.create(
            out,
            recipe=self.recipe,
            space=self.dataset.space,
            data=self.dataset.manifest,
            info={
                "engine": engine.to_json(),
                "budget": {"kimg": self.budget.kimg, "minutes": self.budget.minutes},
                "command": sys.argv,
                "why": self.choice.reason,
            },
        )
        return Trainer(run, self.dataset, self.budget, engine, **options)


def prepare(
    data: str | Path,
    *,
    recipe: str | Recipe | None = None,
    size: int | tuple[int, int] | None = None,
    minutes: float | None = None,
    kimg: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    changes: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Experiment:
    """Read the data and decide everything that was left open.

    Args:
        data: a folder, a file, or a built-in name.
        recipe: a name, a file, or a recipe; None infers one from the data.
        size: pictures' size in pixels, ``side`` or ``(width, height)``; None infers it.
        minutes, kimg: the budget, one of the two at most; None takes the recipe's.
        seed: of everything; None takes the recipe's.
        device: torch's name for it; None takes an accelerator that works, else the processor.
        changes: dotted keys of the recipe, as in ``{"generator.width": 64}``.
        progress: called with examples read and examples in all.

    Raises:
        UsageError: what was asked for cannot be done; the message names the fix.
    """
    if minutes is not None and kimg is not None:
        raise UsageError("give either --minutes or --kimg, not both")
    for name, value in (("--minutes", minutes), ("--kimg", kimg)):
        if value is not None and not value > 0:
            raise UsageError(f"{name} is {value:g}; it must be more than 0")
    changes = dict(changes or {})
    asked = recipe if isinstance(recipe, str) else None
    choice = find(asked) if asked is not None else None
    dataset = load(data, size=size, progress=progress)
    space, n = dataset.space, dataset.train.n
    if isinstance(recipe, Recipe):
        given = recipe
        choice = Choice(lambda _space, _n: given, recipe.name, "given")
    elif choice is None:
        choice = infer(space, n, builtin=str(data) if str(data) in NAMES else None)
    resolved = choice.maker(space, n).with_changes(changes)
    if seed is not None:
        resolved = replace(resolved, seed=seed)
    if kimg is not None:
        resolved = replace(resolved, kimg=kimg)
    dataset = _in_units(dataset, resolved)
    if resolved.batch > n:
        raise UsageError(
            f"the batch of {resolved.batch} is larger than the data: {n} examples to train on; "
            f"use a smaller one: --set batch={_smaller_batch(n, resolved.packing)}"
        )
    budget = Budget(minutes=minutes) if minutes is not None else Budget(kimg=resolved.kimg)
    return Experiment(dataset, resolved, choice, budget, choose_device(device))


def _in_units(dataset: Dataset, recipe: Recipe) -> Dataset:
    """Points in the units that the recipe wants: standardised, or as they are."""
    if recipe.standardise:
        return dataset
    return replace(dataset, space=replace(dataset.space, offset=(), scale=()))


def _smaller_batch(n: int, packing: int) -> int:
    batch = 1
    while batch * 2 <= n:
        batch *= 2
    return max(batch // packing, 1) * packing


def resume(
    path: Path,
    *,
    minutes: float | None = None,
    kimg: float | None = None,
    data: str | Path | None = None,
    accept_changes: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Trainer:
    """A trainer that continues a run folder with nothing else to say.

    Args:
        path: the run folder.
        minutes, kimg: a new budget in all, in place of the run's own.
        data: where the data are now, if they have moved.
        accept_changes: go on although the data are no longer the same.
        options: the Trainer's.

    Raises:
        RunError: not a run folder, or its data have changed; the message holds the difference.
    """
    run = Run.open(path)
    former = run.data
    spatial = run.space.spatial
    dataset = load(
        data if data is not None else former["source"],
        size=(spatial[1], spatial[0]) if run.space.kind == "pictures" else None,
        channels=run.space.channels if run.space.kind == "pictures" else None,
        held_out=former["held_out_share"],
        progress=progress,
    )
    dataset = _in_units(dataset, run.recipe)
    difference = _difference(former, dataset.manifest)
    if difference and not accept_changes:
        raise RunError(
            f"the data of {path} have changed since it was started: {difference}. Put them back, "
            "name them with --data, or accept them: --accept-changes"
        )
    if dataset.space != run.space:
        raise RunError(
            f"the data are {dataset.space.describe()} now, but {path} was trained on {run.space.describe()}"
        )
    if minutes is not None or kimg is not None:
        budget = Budget(kimg=kimg, minutes=minutes)
    else:
        budget = Budget(**run.info["budget"])
    return Trainer(run, dataset, budget, Engine.from_json(run.info["engine"]), **options)


def _difference(former: dict[str, Any], now: dict[str, Any]) -> str:
    """What differs between two manifests, in words; empty where the fingerprints agree."""
    if former["fingerprint"] == now["fingerprint"]:
        return ""
    parts = [
        f"{name} {former[name]} → {now[name]}"
        for name in sorted(set(former) & set(now))
        if former[name] != now[name] and isinstance(former[name], (int, float, str)) and name != "fingerprint"
    ]
    return ", ".join(parts) or "the same files with other content"


def train(
    data: str | Path,
    *,
    recipe: str | Recipe | None = None,
    out: str | Path | None = None,
    size: int | tuple[int, int] | None = None,
    minutes: float | None = None,
    kimg: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    on_tick: Callable[[Tick], None] | None = None,
    **overrides: Any,
) -> Run:
    """Train on ``data`` and return the run: what `gan train DATA` does.

    Args are those of :func:`prepare`; ``out`` is the run folder (default ``runs/NAME``, numbered where
    taken); ``overrides`` replace recipe keys, with two underscores for the dot:
    ``generator__width=64``.

    Raises:
        GanforgeError: see ``ganforge.core.errors``.
    """
    experiment = prepare(
        data,
        recipe=recipe,
        size=size,
        minutes=minutes,
        kimg=kimg,
        seed=seed,
        device=device,
        changes={name.replace("__", "."): value for name, value in overrides.items()},
    ).measure()
    folder = Path(out) if out is not None else default_folder(data)
    options: dict[str, Any] = {} if on_tick is None else {"on_tick": on_tick}
    trainer = experiment.start(folder, **options)
    trainer.train()
    return trainer.run


def default_folder(data: str | Path) -> Path:
    """``runs/NAME``, after the data's own name."""
    name = Path(data).name.split(".")[0] or Path(data).resolve().name
    return Path("runs") / (name or "run")
