"""From data to a trained run: what `gan train` and `ganforge.train` do, step by step."""

from __future__ import annotations

import inspect
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import accumulate, chain, count
from pathlib import Path
from typing import Any

import torch

from ganforge.codecs.rows.reader import Frame, write_frame
from ganforge.core.declared import DISCRIMINATORS, GAMES, GENERATORS, TRANSLATORS
from ganforge.core.errors import MachineError, RecipeError, RunError, UsageError, nearest
from ganforge.core.fields import STRANGE
from ganforge.core.levels import first_level, levels_of
from ganforge.core.recipe import Player, Recipe, TableFormat
from ganforge.core.space import Space
from ganforge.data import Dataset, load
from ganforge.data.builtin import NAMES
from ganforge.data.degrade import previous
from ganforge.data.layouts import domains_of
from ganforge.data.pairs import pairs_match
from ganforge.networks import parameters_count
from ganforge.networks.players import build_discriminator, build_generator, condition_of
from ganforge.recipes import Choice, find, infer
from ganforge.runs.checkpoint import damage, newest
from ganforge.runs.folder import Run
from ganforge.runs.inputs import read_inputs
from ganforge.tasks.again import data_arguments, in_units, load_again, source_of
from ganforge.tasks.notebook import in_notebook
from ganforge.tasks.report_writing import write_final_report
from ganforge.tasks.sizing import (
    OF_BUDGET,
    affordable,
    check,
    fitted,
    mean_cost,
    mirroring,
    round_down,
    side_for,
)
from ganforge.tasks.together import shared
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.loop import Tick, Trainer
from ganforge.training.probe import Finding, choose_device, probe
from ganforge.training.trackers import tracked

__all__ = ["Experiment", "default_folder", "nothing_left", "prepare", "resume", "train"]

Progress = Callable[[int, int], None]

_TRANSLATION = 4  # times as much work as a duel of pictures of the same size, about
_ANY_PICTURES = Space(kind="pictures", shape=(3, 64, 64))


@dataclass(frozen=True)
class Experiment:
    """All that is decided before training starts.

    Attributes:
        dataset: the examples.
        recipe: resolved.
        choice: which recipe, and why.
        budget: how long.
        device: where it is trained, unless ``measure`` finds a faster one.
        free: whether nobody asked for this device.
        finding: device, precision, memory format and threads, as measured; None before :meth:`measure`.
        rescue: whether a failing run is rolled back and one thing changed.
        patience: examinations without a better score before it stops; None never stops for it.
        changes: what the person changed in the recipe, by dotted keys.
        own: the values that the recipe had there by itself.
        plan: what the budget is enough for, in words.
        began: the budget's clock when preparing began.
        processes: how many train together.
    """

    dataset: Dataset
    recipe: Recipe
    choice: Choice
    budget: Budget
    device: torch.device
    free: bool = False
    finding: Finding | None = None
    rescue: bool = False
    patience: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    own: Mapping[str, Any] = field(default_factory=dict[str, Any])
    plan: tuple[str, ...] = ()
    began: float | None = None
    processes: int = 1

    def measure(self) -> Experiment:
        """The same, with the fastest way to compute on this machine."""
        limit = math.inf if self.budget.seconds is None else 0.02 * self.budget.seconds
        cores = None if self.budget.core_minutes is None and self.processes == 1 else 1
        finding = probe(
            self.recipe,
            self.dataset,
            device=self.device,
            free=self.free,
            seconds=limit,
            examples=self.examples or math.inf,
            cores=cores,
        )
        engine = shared(finding.engine, self.recipe, self.dataset, self.processes)
        speed = finding.images_per_second * self.processes
        measured = replace(self, finding=replace(finding, engine=engine, images_per_second=speed))
        check(self.recipe, self.dataset.space, measured.examples or math.inf, self.budget)
        return measured

    def lines(self) -> list[tuple[str, str]]:
        """Topic and words: what was decided, each with its reason."""
        recipe, space = self.recipe, self.dataset.space
        players = {
            "generator": build_generator(recipe, space),
            "discriminator": build_discriminator(recipe, space),
        }
        sizes = ", ".join(f"{name} {parameters_count(net):,}" for name, net in players.items())
        weighted = [*(penalty.name for penalty in recipe.penalties), *(term.name for term in recipe.terms)]
        lines = [("data", line) for line in self.dataset.scan.lines()]
        lines += [
            ("recipe", f"{self.choice.name}: {self.choice.reason}"),
            ("game", f"{recipe.game}: {' + '.join([recipe.objective, *weighted])}, batch {recipe.batch}"),
            ("weights", sizes),
        ]
        asks = condition_of(recipe, space)
        if asks is not None:
            lines.append(("asked", f"{asks.describe()}, of both players"))
        if recipe.augmentation.policy and (recipe.augmentation.probability or recipe.augmentation.target):
            lines.append(("augment", f"{recipe.augmentation.policy}, on reals and fakes"))
        if self.finding is not None:
            lines.append(("device", self.finding.words))
        if self.processes > 1:
            lines.append(("processes", f"{self.processes}, each with as much of every batch"))
        lines += [("plan", line) for line in self.plan]
        lines.append(("budget", self._budget_words()))
        if self.rescue:
            lines.append(("rescue", "on: a failing run goes back to its best moment and changes one thing"))
        return lines

    def _budget_words(self) -> str:
        examples = self.examples
        if self.finding is None or examples is None:
            return self.budget.words()
        if self.budget.kimg is not None:
            return f"{self.budget.words()} ≈ {_about(examples / self._speed(self.finding))}"
        step = self.recipe.batch * self.recipe.discriminator_moves
        examples = max(examples, step)  # however short the time, one round is played
        most = 1000 * self.recipe.most_kimg
        if 0 < most < examples:
            return (
                f"{self.budget.words()}, of which {round(most):,} examples are enough: beyond that so few are"
                " learnt by heart; more with --set most_kimg=0"
            )
        steps = round_down(examples / step)
        counted = f"{round_down(examples):,} examples in {steps:,} step{'s' * (steps != 1)}"
        return f"{self.budget.words()} ≈ {counted}"

    @property
    def examples(self) -> float | None:
        """How many examples the budget shows, as measured; None where nothing was."""
        if self.budget.kimg is not None:
            return 1000 * self.budget.kimg
        if self.finding is None or self.budget.seconds is None:
            return None
        return OF_BUDGET * self.budget.seconds * self._speed(self.finding)

    def _speed(self, finding: Finding) -> float:
        """Examples a second on the average of the run; it is measured at the whole size."""
        return finding.images_per_second / mean_cost(self.recipe.growth)

    def start(self, out: Path, **options: Any) -> Trainer:
        """Make the run folder and a trainer for it. ``options`` are the Trainer's."""
        engine = (
            shared(Engine(device=self.device), self.recipe, self.dataset, self.processes)
            if self.finding is None
            else self.finding.engine
        )
        run = Run.create(
            out,
            recipe=self.recipe,
            space=self.dataset.space,
            data=self.dataset.manifest,
            info={
                "engine": engine.to_json(),
                "budget": self.budget.to_json(),
                "threads": engine.threads or torch.get_num_threads(),
                "rescue": self.rescue,
                "patience": self.patience,
                "command": sys.argv,
                "why": self.choice.reason,
                "changes": dict(self.changes),
                "own": dict(self.own),
            },
        )
        return Trainer(
            run,
            self.dataset,
            self.budget,
            engine,
            rescue=self.rescue,
            patience=self.patience,
            spent=0.0 if self.began is None else self.budget.now() - self.began,
            **options,
        )


def _about(seconds: float) -> str:
    if seconds < 1.5:
        return "1 second"
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:,.0f} minutes"


def prepare(
    data: str | Path,
    *,
    recipe: str | Recipe | None = None,
    size: int | tuple[int, int] | tuple[int, int, int] | None = None,
    fit: str = "crop",
    value_range: tuple[float, float] | None = None,
    minutes: float | None = None,
    kimg: float | None = None,
    core_minutes: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    source: str | None = None,
    condition: str | None = None,
    changes: dict[str, Any] | None = None,
    rescue: bool | None = None,
    patience: int | None = None,
    processes: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Experiment:
    """Read the data and decide everything that was left open.

    Args:
        data: a folder, a file, or a built-in name.
        recipe: a name, a file, or a recipe; None infers one from the data.
        size: pictures' size in pixels, ``side`` or ``(width, height)``; None infers it.
        fit, value_range: see ``data.load``.
        minutes, core_minutes, kimg: the budget, one of the three at most (``training.clock.Budget``); None
            takes the recipe's.
        seed: of everything; None takes the recipe's.
        device: torch's name for it; None takes an accelerator that works, else the processor, which tiny
            networks get in any case where it is faster.
        source: of a translation, where its inputs come from: a folder or file, a side of each picture
            (left, right, top, bottom), or a degradation of the examples (``data.degrade``).
        condition: which of the data's conditions samples can be asked for (``Recipe.condition``).
        changes: dotted keys of the recipe, as in ``{"generator.width": 64}``.
        rescue: whether a failing run is rolled back and one thing changed; None does so where the recipe
            was inferred and left as it is: a recipe that was asked for, or changed, is an experiment.
        patience: stop after so many examinations (of about 16 a run) without a better score; None does not.
        processes: how many train together (``tasks.together``); the caller starts them.
        cache: folder for decoded examples, as of ``data.load``.
        progress: called with examples read and examples in all.

    Raises:
        UsageError: what was asked for cannot be done; the message names the fix.
    """
    budget_given = _budget_of(minutes, core_minutes, kimg)
    began = None if budget_given is None else budget_given.now()
    if patience is not None and patience < 1:
        raise UsageError(f"--patience is {patience}; it must be at least 1")
    _check_processes(processes, core_minutes)
    rescue = recipe is None and not changes if rescue is None else rescue
    if not (isinstance(data, str) and data in NAMES) and (Path(data) / "run.json").is_file():
        raise UsageError(f"{data} is a run folder, not data; to train on: gan train --resume {data}")
    chosen = _device(device)
    choice = _explicit_choice(recipe)
    changes = _with_words(changes or {}, source=source, condition=condition)
    domains = domains_of(data) if recipe is None and "source" not in changes else None
    if domains is not None:
        data, changes["source"] = domains.examples, str(domains.inputs)
    first: dict[str, Any] = {
        "condition": changes.get("condition", "auto"),
        "source": _clips_source(choice, changes),
        "text_encoder": changes.get("text_encoder", ""),
        "table": TableFormat.among(changes),
    }
    how = {"size": size, "fit": fit, "value_range": value_range, "cache": cache, "progress": progress}
    reading = _Reading(data, how, budget_given, chosen)
    dataset = reading.load(first)
    codec, clips = dataset.space.codec, bool(first["source"])
    pictures = codec.picture_files and not clips
    grows = codec.recipe == "growing" and not clips
    grows = grows and recipe in (None, "growing") and "source" not in changes
    if grows and pictures:
        dataset = reading.in_size(dataset, first)
    choice = choice or _inferred(data, dataset, changes, clips=clips)
    resolved = choice.maker(dataset.space, dataset.train.n)
    grows = grows and resolved.name == "growing"
    if grows:
        resolved = fitted(resolved, dataset.space, reading.operations)
        if "mirror" not in changes:
            resolved = _mirrored(resolved, dataset, reading.plan)
    own = {key: resolved.value(key) for key in changes}
    resolved = resolved.with_changes(changes)
    if grows and resolved.growth:
        reading.plan.append(_course(resolved, dataset.space))
    if resolved.source:
        _check_source(resolved)
    if (now := data_arguments(resolved)) != first:
        dataset = reading.load(now)
        if pictures and recipe is None and resolved.source:
            dataset = reading.in_size(dataset, now, share=1 / _TRANSLATION)
    _check_options(resolved, changes)
    _check_settings(resolved)
    if seed is not None:
        resolved = replace(resolved, seed=seed)
    if kimg is not None:
        resolved = replace(resolved, kimg=kimg)
    dataset = in_units(dataset, resolved)
    if domains is not None:
        dataset = replace(dataset, scan=domains.report(dataset.scan))
    if resolved.batch > dataset.train.n:
        raise UsageError(
            f"the batch of {resolved.batch} is larger than the data: {dataset.train.n} examples to train on; "
            f"use a smaller one: --set batch={_smaller_batch(dataset.train.n, resolved.packing)}"
        )
    return Experiment(
        dataset,
        resolved,
        choice,
        budget_given or Budget(kimg=resolved.kimg),
        chosen,
        device is None,
        rescue=rescue,
        patience=patience,
        changes={key: resolved.value(key) for key in changes},
        own=own,
        plan=tuple(reading.plan),
        began=began,
        processes=processes,
    )


@dataclass
class _Reading:
    """How the data are read while an experiment is prepared, and what the budget is enough for.

    Attributes:
        how: options of ``data.load`` that are the person's; what a recipe asks of data comes with each call.
        plan: what the budget is enough for, in words.
    """

    data: str | Path
    how: dict[str, Any]
    budget: Budget | None
    device: torch.device
    plan: list[str] = field(default_factory=list[str])

    @cached_property
    def operations(self) -> float:
        """Operations that the budget is enough for, as measured once."""
        return affordable(self.budget, self.device)

    def load(self, asks: dict[str, Any], **how: Any) -> Dataset:
        return load(self.data, **self.how | how, **asks)

    def in_size(self, dataset: Dataset, asks: dict[str, Any], *, share: float = 1.0) -> Dataset:
        """The data in a size that this share of the operations is enough for, unless one was asked for."""
        high, wide = dataset.space.spatial
        if self.how["size"] is not None:
            return dataset
        sizing = side_for(share * self.operations)
        if min(wide, high) <= sizing.side:
            return dataset
        # Of files of one size that one is said, and not the one that reading them was bounded by.
        name, *others = dataset.scan.sizes or ["×"]
        own_wide, own_high = (wide, high) if others or name == "×" else map(int, name.split("×"))
        self.plan.append(sizing.words(own_wide, own_high, self.budget or Budget(minutes=60)))
        scale = sizing.side / min(wide, high)
        smaller = [4 * max(round(side * scale / 4), 2) for side in (wide, high)]
        return self.load(asks, size=(smaller[0], smaller[1]))


def _explicit_choice(recipe: str | Recipe | None) -> Choice | None:
    """The recipe that was named or given; None where it is to be inferred."""
    if isinstance(recipe, Recipe):
        return Choice(lambda _space, _n: recipe, recipe.name, "given")
    return None if recipe is None else find(recipe)


def _inferred(data: str | Path, dataset: Dataset, changes: dict[str, Any], *, clips: bool) -> Choice:
    """The recipe that the data ask for."""
    table = TableFormat.among(changes)
    return infer(
        dataset.space,
        dataset.train.n,
        builtin=str(data) if str(data) in NAMES else None,
        paired=pairs_match(data, changes["source"], table) if "source" in changes else None,
        clips=clips,
    )


def _with_words(changes: Mapping[str, Any], **options: str | None) -> dict[str, Any]:
    """Changes of a recipe with those that have an option of their own. Raises RecipeError: one is no word."""
    whole = {**changes, **{name: value for name, value in options.items() if value is not None}}
    for name in ("condition", "source", "text_encoder"):
        if not isinstance(whole.get(name, ""), str):
            raise RecipeError(f"{name} is {whole[name]!r}; it must be a word")
    return whole


def _mirrored(recipe: Recipe, dataset: Dataset, plan: list[str]) -> Recipe:
    """The recipe, mirroring where that does no harm; captions may say what is left and what is right."""
    space = dataset.space
    if not space.codec.mirrors or (space.condition is not None and space.condition.kind == "text"):
        return recipe
    found = mirroring(dataset.train.values)
    plan.append(found.words())
    return replace(recipe, mirror=True) if found.allowed else recipe


def _course(recipe: Recipe, space: Space) -> str:
    """At which share of the budget which size is trained."""
    sides = levels_of(space.spatial, recipe.generator.options["patch"])
    sides = sides[first_level(sides) :]
    ends = [*accumulate(recipe.growth), 1.0]
    steps = ", ".join(
        f"{'×'.join(map(str, reversed(own)))} until {end:.0%}" for own, end in zip(sides, ends, strict=True)
    )
    return f"from coarse to fine: {steps} of the budget"


def _budget_of(minutes: float | None, core_minutes: float | None, kimg: float | None) -> Budget | None:
    """The budget that was asked for, if one was. Raises UsageError."""
    given = {"--minutes": minutes, "--core-minutes": core_minutes, "--kimg": kimg}
    given_ones = {name: value for name, value in given.items() if value is not None}
    if len(given_ones) > 1:
        raise UsageError(f"give either {' or '.join(given_ones)}, not both")
    for name, value in given_ones.items():
        if not 0 < value < math.inf:
            raise UsageError(f"{name} is {value:g}; it must be a number above 0")
    return Budget(kimg=kimg, minutes=minutes, core_minutes=core_minutes) if given_ones else None


def _check_processes(processes: int, core_minutes: float | None) -> None:
    if processes < 1:
        raise UsageError(f"--processes is {processes}; it must be at least 1")
    if processes > 1 and core_minutes is not None:
        raise UsageError("--core-minutes counts the time of one process; with --processes give --minutes")


def _clips_source(choice: Choice | None, changes: Mapping[str, Any]) -> str:
    """``previous:K`` where inputs come from earlier frames; empty where they do not.

    It must be known before the data are read: without it an array of grey clips is one of pictures with
    impossible channels.
    """
    source = changes.get("source")
    if source is None and choice is not None:
        try:
            source = choice.maker(_ANY_PICTURES, 10_000).source
        except RecipeError:  # of the user's own, and for other data
            source = ""
    return source if source and previous(source) is not None else ""


def _check_source(recipe: Recipe) -> None:
    if not GAMES.find(recipe.game).from_inputs:
        raise UsageError(
            f"the recipe {recipe.name} makes samples from noise and has no inputs; leave --from out, or name "
            "a recipe of translation: --recipe pix2pix, or cyclegan for two domains"
        )


def _check_options(recipe: Recipe, changes: dict[str, Any]) -> None:
    """Find a misspelt key of a player, which would otherwise be taken for an option of its family."""
    families: dict[str, Mapping[str, Any]] = {
        "generator": TRANSLATORS if GAMES.find(recipe.game).from_inputs else GENERATORS,
        "discriminator": DISCRIMINATORS,
    }
    for dotted in changes:
        role, _, last = dotted.partition(".")
        if role not in families or not last:
            continue
        family = (recipe.generator if role == "generator" else recipe.discriminator).family
        own = families[role].get(family)
        known = [field.name for field in fields(Player)]
        known += [] if own is None else list(inspect.signature(own).parameters)
        if last not in known:
            raise RecipeError(f"unknown recipe key {dotted!r}.{nearest(last, known)}")


def _check_settings(recipe: Recipe) -> None:
    """Raise RecipeError for a setting that the recipe's game does not read."""
    game = GAMES.find(recipe.game)
    for name, silent in game.RARE.items():
        value = getattr(recipe, name)
        if name not in game.settings and value != silent:
            raise RecipeError(
                f"{name} is {value}, and the game {game.name} does not read it; leave it at {silent}"
            )


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
    core_minutes: float | None = None,
    data: str | Path | None = None,
    device: str | None = None,
    accept_changes: bool = False,
    processes: int = 1,
    progress: Progress | None = None,
    **options: Any,
) -> Trainer:
    """A trainer that continues a run folder with nothing else to say.

    Args:
        path: the run folder.
        minutes, core_minutes, kimg: a new budget in all, in place of the run's own.
        data: where the data are now, if they have moved.
        device: torch's name for it; None takes the run's own, or another one where that is not there.
        accept_changes: go on although the data or the recipe are no longer the same.
        processes: how many train on; not those of before, if you like.
        options: the Trainer's.

    Raises:
        RunError: not a run folder, or its data have changed; the message holds the difference.
    """
    run = Run.open(path, accepting=accept_changes)
    budget = _budget(run, minutes, core_minutes, kimg)
    source, held_out = source_of(run)
    source = source if data is None else data
    dataset = in_units(load_again(source, run, held_out, progress=progress), run.recipe)
    difference = _difference(run.data, dataset.manifest)
    if difference and not accept_changes:
        raise RunError(
            f"the data of {path} have changed since it was started: {difference}. Put them back, "
            "name them with --data-at, or accept them: --accept-changes"
        )
    if difference:
        run = replace(run, data=dataset.manifest)
        run.add_event("changes accepted", data=difference)
    if accept_changes and not run.intact:
        run = replace(run, intact=True)
        run.add_event("changes accepted", file=run.file.name)
    now, then = dataset.space, run.space
    if (now.kind, now.shape, now.classes) != (then.kind, then.shape, then.classes):
        raise RunError(
            f"the data are {now.describe()} in {len(now.classes)} classes now, but {path} was trained on "
            f"{then.describe()} in {len(then.classes)}; start a new run: gan train {source}"
        )
    dataset = dataset.under(then)  # units and words that the players know, whatever the new mean is
    try:
        engine = Engine.from_json(run.info["engine"])
        if run.recipe.batch % (engine.parts * run.recipe.packing):
            raise ValueError(f"a batch of {run.recipe.batch} cannot be cut into {engine.parts} parts")
    except (*STRANGE, RuntimeError) as error:
        raise _damaged(run, error) from None
    engine = replace(engine, device=_device(device) if device is not None else _still_there(engine.device))
    _check_processes(processes, budget.core_minutes)
    if processes > 1:
        engine = shared(engine, run.recipe, dataset, processes)
    return Trainer(
        run,
        dataset,
        budget,
        engine,
        accept_changes=accept_changes,
        rescue=bool(run.info.get("rescue", False)),
        patience=run.info.get("patience"),
        **options,
    )


def _damaged(run: Run, error: Exception) -> RunError:
    return RunError(f"{run.file} is damaged ({type(error).__name__}: {error})")


def _budget(run: Run, minutes: float | None, core_minutes: float | None, kimg: float | None) -> Budget:
    """What was asked for now, else what the run was started with."""
    wanted = _budget_of(minutes, core_minutes, kimg)
    if wanted is not None:
        return wanted
    try:
        return Budget(**run.info["budget"])
    except (KeyError, TypeError, AssertionError) as error:
        raise _damaged(run, error) from None


def nothing_left(
    path: Path,
    *,
    minutes: float | None = None,
    core_minutes: float | None = None,
    kimg: float | None = None,
    accept_changes: bool = False,
) -> str | None:
    """A line that says so, where a resume of the run at ``path`` would have nothing to do; else None.

    Args are those of :func:`resume`. Raises RunError where it is not a run folder.
    """
    run = Run.open(path, accepting=accept_changes)
    budget = _budget(run, minutes, core_minutes, kimg)
    found, _ = newest(run.checkpoints, only=())
    if found is None or damage(found.path) or (accept_changes and not run.intact):
        return None
    try:
        read_inputs(run)
    except RunError:  # a resume writes them anew
        return None
    try:
        done_kimg, done_minutes = found.state["nimg"] / 1000, found.state["seconds"] / 60
    except (KeyError, TypeError) as error:
        raise RunError(f"{found.path} is damaged ({type(error).__name__}: {error})") from None
    if budget.kimg is not None and done_kimg >= budget.kimg:
        return (
            f"{path} is done: {done_kimg:,.1f} of {budget.kimg:g} kimg; "
            f"to train on: --kimg {2 * budget.kimg:g}"
        )
    limit = budget.core_minutes if budget.minutes is None else budget.minutes
    # A training ends a little before its budget does, so that there is time to look at it.
    closing_minutes = found.state.get("closing", 0.0) / 60
    if limit is not None and done_minutes >= limit - closing_minutes - 1e-6:
        option = "--minutes" if budget.core_minutes is None else "--core-minutes"
        return f"{path} is done: {done_minutes:.1f} of {budget.words()}; to train on: {option} {2 * limit:g}"
    return None


def _device(name: str | None) -> torch.device:
    """The device called ``name``, tried out; by default the fastest one that is there.

    Raises UsageError for a name that torch does not know, MachineError for a device that does not work.
    """
    if name is None:
        return choose_device()
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"there is no kind of device {name!r}; give cpu, cuda, mps or xpu") from None
    if not _works(device):
        raise MachineError(f"there is no {name} here that works; leave --device out to take what there is")
    return device


def _works(device: torch.device) -> bool:
    if device.type == "meta":
        return False
    try:
        return torch.ones(2, device=device).sum().item() == 2.0
    except (RuntimeError, AssertionError, NotImplementedError):  # torch built without it, or no driver
        return False


def _still_there(device: torch.device) -> torch.device:
    """The device that a run was started on, or another one where this machine has none."""
    return device if _works(device) else choose_device()


def _difference(former: dict[str, Any], now: dict[str, Any]) -> str:
    """What differs between two manifests, in words; empty where the fingerprints agree."""
    if former.get("fingerprint") == now["fingerprint"]:
        return ""
    if not former.get("fingerprint"):
        return "its run.json does not say which examples it had"
    parts = [
        f"{name} {former[name]} → {now[name]}"
        for name in sorted(set(former) & set(now))
        if former[name] != now[name] and isinstance(former[name], (int, float, str)) and name != "fingerprint"
    ]
    return ", ".join(parts) or "the same files with other content"


def train(
    data: str | Path | Mapping[str, Iterable[Any]] | Frame,
    *,
    recipe: str | Recipe | None = None,
    out: str | Path | None = None,
    size: int | tuple[int, int] | tuple[int, int, int] | None = None,
    fit: str = "crop",
    value_range: tuple[float, float] | None = None,
    minutes: float | None = None,
    kimg: float | None = None,
    core_minutes: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    rescue: bool | None = None,
    patience: int | None = None,
    on_tick: Callable[[Tick], None] | None = None,
    log: Sequence[str] = (),
    **overrides: Any,
) -> Run:
    """Train on ``data`` and return the run: what `gan train DATA` does.

    Args are those of :func:`prepare`; ``out`` is the run folder (default ``runs/NAME``, numbered where
    taken); ``on_tick`` is called whenever the log is written, and may raise ``ganforge.StopTraining``;
    ``log`` names trackers (``training.trackers``); ``overrides`` replace recipe keys, with two underscores
    for the dot: ``generator__width=64``. Columns of values by name, or a dataframe, are kept as a csv file
    beside the run folder and read from there.

    Raises:
        GanforgeError: see ``ganforge.core.errors``.
    """
    if not isinstance(data, str | Path):
        # A run names its data by their place, so that it can be resumed and scored.
        first = Path("runs/table") if out is None else Path(out)
        endings = chain([""], (f"-{k}" for k in count(2)))
        files = (first.with_name(f"{first.name}{ending}.csv") for ending in endings)
        kept = next(file for file in files if not file.exists())
        write_frame(data, kept)
        data = kept
    experiment = prepare(
        data,
        recipe=recipe,
        size=size,
        fit=fit,
        value_range=value_range,
        minutes=minutes,
        kimg=kimg,
        core_minutes=core_minutes,
        seed=seed,
        device=device,
        rescue=rescue,
        patience=patience,
        changes={name.replace("__", "."): value for name, value in overrides.items()},
    ).measure()
    folder = Path(out) if out is not None else default_folder(data)
    on_tick = on_tick or in_notebook()
    options: dict[str, Any] = {} if on_tick is None else {"on_tick": on_tick}
    trainer = experiment.start(folder, **options)
    with tracked(trainer, log):
        trainer.train()
    write_final_report(trainer.run, trainer.dataset)
    return trainer.run


def default_folder(data: str | Path) -> Path:
    """``runs/NAME``, after the data's own name; beside the data where this would lie in them."""
    name = Path(data).name.split(".")[0] or Path(data).resolve().name
    runs, whole = Path("runs"), Path(data).resolve()
    if str(data) not in NAMES and whole.is_dir() and runs.resolve().is_relative_to(whole):
        beside = whole.parent
        # Where nothing can be written beside the data it stays: run folders are never read as data.
        runs = Path(os.path.relpath(beside / runs)) if os.access(beside, os.W_OK) else runs
    return runs / (name or "run")
