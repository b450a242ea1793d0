"""The scores of a run: what `gan evaluate` does, step by step."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ganforge.codecs import plots
from ganforge.core.declared import GAMES
from ganforge.core.errors import DataError, RunError, UsageError
from ganforge.core.prior import Inputs
from ganforge.data import Dataset
from ganforge.data.builtin import modes
from ganforge.data.cache import cache_folder
from ganforge.metrics.arrays import Array, Examples, Indices, random
from ganforge.metrics.by_class import ClassLine, class_lines, lagging
from ganforge.metrics.choice import named_extractor
from ganforge.metrics.classifier import Classifier
from ganforge.metrics.context import LEAST, Scored
from ganforge.metrics.evaluate import evaluate, groups_of
from ganforge.metrics.features import Extractor, referee
from ganforge.metrics.neighbours import nearest_examples
from ganforge.metrics.optimal_picture import draw
from ganforge.metrics.points import Mixture
from ganforge.metrics.score import Score, plain
from ganforge.metrics.stacked import lenet
from ganforge.report.sections import Strip
from ganforge.runs.checkpoint import Opened
from ganforge.runs.files import sealed, write_atomically
from ganforge.runs.folder import Run
from ganforge.runs.inputs import source_space
from ganforge.runs.sampler import sampler_at, sampler_of_inputs
from ganforge.tasks.instrument import PICTURE, Instrument, examine_discriminator
from ganforge.tasks.reals import Reals, real_examples
from ganforge.tasks.report_writing import Pair, report
from ganforge.tasks.strips import strips
from ganforge.training.preview import preview_inputs

__all__ = ["Evaluation", "EvaluationOptions", "Nearest", "evaluate_run", "keep"]

FORMAT = 1
_MOST = 10_000
_SURE = 0.8  # accuracy of a referee, below which what it says of classes is a hint
_AUDITED = 16  # samples shown beside their nearest training examples
_ROWS = 512  # samples made between two calls of progress

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Nearest:
    """The training examples nearest to the first samples, for the eye and for the report.

    Attributes:
        training: ``(K,)`` indices into the training part (``Dataset.train``).
        origin: ``(K,)`` numbers of those examples in their source (row, or file in sorted order).
        distance: ``(K,)`` from sample i to it; of pictures at most 32 a side in −1…1, of points in
            units of each column's deviation.
        held_out: median distance from a held-out example to its nearest training example; NaN without.
        asked: ``(K,)`` classes that the samples were asked to be; empty without. With the evaluation's seed
            they make the samples anew.
    """

    training: tuple[int, ...]
    origin: tuple[int, ...]
    distance: tuple[float, ...]
    held_out: float
    asked: tuple[int, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """What `gan evaluate` finds.

    Attributes:
        run: the folder.
        opened: which moment and weights were scored.
        samples: how many were made.
        seed: of the samples and of every other choice made by chance.
        extractor: what distances are measured on.
        data: ``source``, ``fingerprint``, ``training``, ``compared`` (with) and ``own`` (the run's own data).
        scores: the headline first.
        classes: a line for each class, where there are labels.
        lags: which class lags, in a sentence; empty without classes.
        nearest: of the first samples; None where the data are not the run's own.
        instrument: the discriminator as an instrument, where that was asked for.
        notes: what a reader should know, and what could not be measured and why.
        pairs: the first samples, each with the training example nearest to it, for the report.
        strips: rows of examples and samples, for the report.
    """

    run: Path
    opened: Opened
    samples: int
    seed: int
    extractor: str
    data: dict[str, Any]
    scores: tuple[Score, ...]
    classes: tuple[ClassLine, ...] = ()
    lags: str = ""
    nearest: Nearest | None = None
    instrument: Instrument | None = None
    notes: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = field(default=(), repr=False, compare=False)
    strips: tuple[Strip, ...] = field(default=(), repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Plain data: what stands in ``scores.json``."""
        return plain(
            {
                "format": FORMAT,
                "nimg": self.opened.nimg,
                "weights": self.opened.weights,
                "samples": self.samples,
                "seed": self.seed,
                "extractor": self.extractor,
                "data": self.data,
                "headline": self.scores[0].key if self.scores else None,
                "scores": [score.to_json() for score in self.scores],
                "classes": [line.to_json() for line in self.classes],
                "lags": self.lags,
                "nearest": None if self.nearest is None else asdict(self.nearest),
                "discriminator": None if self.instrument is None else self.instrument.to_json(),
                "notes": list(self.notes),
            }
        )


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How a run is scored.

    Attributes:
        against: where the run's data are now, or other data of the same space to compare with; None is
            the run's own data, where they were.
        samples: how many to make; None makes 10,000 points, or as many pictures as are held out, from
            1,000 to 10,000.
        extractor: what distances are measured on: a name (``metrics.choice``), a file ending in .py, or an
            Extractor of your own; None takes standardised columns of points, and for the rest a small
            network that is trained on the data and cached.
        weights: the extractor's file.
        only: names of groups of scores (``core.declared.SCORES``).
        stacked: LeNet weights that read stacked digits.
        discriminator: also calibrate the discriminator, and in 1-D and 2-D compare it with the best one.
        duality_steps: also estimate the duality gap, with so many steps a copy; 0 does not.
        target: of a table, the column that made rows shall be useful for; None takes the last one with a
            few words.
        seed: the same seed gives the same numbers.
        cache: folder for decoded data and small networks; see ``data.load``.

    Raises UsageError for too few samples.
    """

    against: str | Path | None = None
    samples: int | None = None
    extractor: str | Extractor | None = None
    weights: Path | None = None
    only: Collection[str] | None = None
    stacked: Path | None = None
    discriminator: bool = False
    duality_steps: int = 0
    target: str | None = None
    seed: int = 0
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.samples is not None and self.samples < LEAST:
            raise UsageError(f"--samples is {self.samples}; scores need at least {LEAST}")


def evaluate_run(
    path: Path | str,
    options: EvaluationOptions | None = None,
    *,
    write: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Score the run in the folder ``path``, and :func:`keep` the scores there.

    Args:
        write: whether they are kept; else that is the caller's to do.
        progress: called with what is being done, in a few words.

    Raises:
        RunError: not a run folder, or its data have changed.
        DataError: the data are not there, are of another shape, or are too few.
        UsageError: a name, a number or a file of weights is wrong.
        MachineError: they cannot be written.
    """
    tell = progress or _silent
    found = _Evaluating(Run.open(path), options or EvaluationOptions(), tell).found()
    if write:
        tell("writing")
        keep(found)
    return found


class _Evaluating:
    """One call of :func:`evaluate_run`: the run at one moment, its samples, and what they are compared with.

    Attributes:
        given: inputs that a translation is scored by, with their targets; None for other games.
        n: how many samples.
        wanted: the class that each sample is asked to be, ``(n,)``; None without.
        samples: ``(n, *shape)`` in declared units.
    """

    def __init__(self, run: Run, options: EvaluationOptions, tell: Progress) -> None:
        self.run, self.options, self.tell = run, options, tell
        tell("reading the data")
        self.opened = run.checkpoint(only=("average", "game"))  # once: what is scored is what is shown
        self.sampler = sampler_at(run, self.opened)
        self.reals = real_examples(
            run,
            options.against,
            options.cache,
            lambda done, total: tell(f"reading the data: {done:,} of {total:,}"),
        )
        self.n = options.samples if options.samples is not None else _how_many(self.reals.dataset)
        self.given = preview_inputs(run.recipe, self.reals.dataset.under(run.space), most=_MOST)
        if self.given is not None:  # each input once
            self.sampler = sampler_of_inputs(self.sampler, self.given.inputs)
            self.n = self.n if options.samples is not None else min(self.n, len(self.given.inputs))
        rows, asks = self._conditions(), self.sampler.asks
        self.wanted = rows[:, 0] if rows is not None and asks is not None and asks.kind == "class" else None
        self.samples = self._generate(rows)

    def found(self) -> Evaluation:
        """All that was asked for, in order."""
        run, options, reals, tell = self.run, self.options, self.reals, self.tell
        folder = cache_folder(options.cache)
        tell("a small network for the features (once for these data)")
        measured = self._extractor(folder)
        groups = groups_of(run.space.codec.facts())
        if options.target is not None and not any(group.takes_target for group in groups.values()):
            raise UsageError("--target is for tables and series; leave it out")
        only = set(groups if options.only is None else options.only)
        if not reals.own:
            only.discard("memorisation")  # of what the run was not trained on nothing can be memorised
        judge = _referee(reals, only, folder, tell)
        given = self._scored(measured, judge, only)
        found = Evaluation(
            run=run.path,
            opened=self.opened.opened,
            samples=self.n,
            seed=options.seed,
            extractor=measured.name,
            data=_references_json(reals),
            scores=tuple(evaluate(given)),
            notes=(*reals.notes, *given.notes),
        )
        if judge is not None:
            if judge.accuracy < _SURE:
                hint = (
                    f"the referee reads {judge.accuracy:.0%} of real examples rightly: its classes are hints"
                )
                found = replace(found, notes=(*found.notes, hint))
            tell("classes")
            lines = _classes(reals, judge, measured, self.samples, self.wanted)
            found = replace(found, classes=lines, lags=lagging(lines))
        if reals.own and (options.only is None or "memorisation" in only):
            tell("nearest training examples")
            found = replace(found, nearest=_nearest(reals, self.samples, self.wanted))
        if options.discriminator or options.duality_steps:
            found = replace(found, instrument=self._instrument())
        rows = strips(run, reals.dataset, self.opened) if reals.own else []
        return replace(found, pairs=_pairs(found, reals, self.samples), strips=tuple(rows))

    def _scored(self, extractor: Extractor, judge: Classifier | None, only: set[str]) -> Scored:
        options, reals, codec = self.options, self.reals, self.run.space.codec
        sources, targets = self._beside()
        return Scored(
            self.samples,
            reals.dataset.train.values,
            None if reals.halved else reals.dataset.held_out.values,
            extractor=extractor,
            spare=None if reals.spare is None else reals.spare.values,
            training_labels=reals.labels if judge is not None else None,
            wanted=None if judge is None else self.wanted,
            classifier=judge,
            mixture=_mixture(reals.dataset),
            stacked=None if options.stacked is None else lenet(options.stacked),
            of_frames=codec.of_frames,
            facts=codec.facts(),
            target=options.target,
            sources=sources,
            targets=targets,
            only=only,
            most=max(_MOST, self.n),
            seed=options.seed,
            progress=self.tell,
        )

    def _instrument(self) -> Instrument:
        return examine_discriminator(
            self.run,
            self.opened,
            self.sampler,
            self.samples,
            self.wanted,
            self.reals.dataset.held_out.values,
            self.reals.held_out_labels,
            mixture=_mixture(self.reals.dataset),
            calibrated=self.options.discriminator,
            duality_steps=self.options.duality_steps,
            seed=self.options.seed,
            progress=self.tell,
        )

    def _beside(self) -> tuple[Tensor | None, Tensor | None]:
        """What each sample was made from, and what it should have become, in declared units."""
        if self.given is None or not isinstance(self.sampler.prior, Inputs):
            return None, None
        numbers = self.sampler.prior.numbers(self.n, seed=self.options.seed)
        sources = source_space(self.run.space).to_declared(self.given.inputs[numbers])
        paired = GAMES.find(self.run.recipe.game).paired
        return sources, self.run.space.to_declared(self.given.targets[numbers]) if paired else None

    def _conditions(self) -> Indices | None:
        """What each sample is asked to be, ``(n, K)`` as the sampler's condition reads it, as the data say"""
        asks, seed = self.sampler.asks, self.options.seed
        if asks is None:
            return None
        if (
            self.given is not None and self.given.rows is not None
        ):  # what a translation's inputs should become
            return self.given.rows[cast(Inputs, self.sampler.prior).numbers(self.n, seed=seed)]
        known = self.reals.dataset.under(self.run.space).train
        rows = known.conditions(asks) if self.reals.labelled or asks.kind != "class" else None
        if rows is None:
            rows = np.arange(asks.size)[:, None] if asks.kind == "class" else np.array(asks.examples)
        order = random(seed, 0xA5C).permutation(len(rows))
        return rows[np.resize(order, self.n)]

    def _generate(self, rows: Indices | None) -> Tensor:
        """``(n, *shape)`` samples. Raises RunError where they are not finite."""
        asks, seed = self.sampler.asks, self.options.seed
        condition = None if asks is None or rows is None else asks.vectors(torch.from_numpy(rows))
        parts: list[Tensor] = []
        for start in range(0, self.n, _ROWS):
            self.tell(f"samples: {start:,} of {self.n:,}")
            count = min(_ROWS, self.n - start)
            some = None if condition is None else condition[start : start + count]
            parts.append(self.sampler.sample(count, seed=seed, start=start, condition=some))
        made = torch.cat(parts)
        if made.is_floating_point() and not bool(torch.isfinite(made).all()):
            raise RunError(
                f"{self.run.path} makes numbers that are not finite, which have no score: its training has "
                "come apart; look at its log, and train anew with a smaller learning rate"
            )
        return made

    def _extractor(self, cache: Path) -> Extractor:
        wish, weights, reals = self.options.extractor, self.options.weights, self.reals
        if isinstance(wish, Extractor):
            return wish
        if wish is None:
            wish = self.run.space.codec.extractor
            if weights is not None:
                raise UsageError("--weights belongs to an extractor: name it, as in --extractor inception")
        return named_extractor(wish, reals.fitted.values, reals.fitted_labels, weights=weights, cache=cache)


def keep(found: Evaluation) -> dict[str, Path]:
    """Write what was found into its run folder: ``scores``, ``report`` and ``picture``, by name.

    A report that cannot be written is left out. Raises MachineError where the scores cannot.
    """
    run = Run.open(found.run)
    files = {"scores": run.path / "scores.json"}
    write_atomically(files["scores"], sealed(found.to_json()) + "\n")
    best = None if found.instrument is None else found.instrument.optimal
    if best is not None:
        files["picture"] = run.path / PICTURE
        write_atomically(files["picture"], plots.png(draw(best)))
    page = report(run, found.pairs, found.strips)
    return files if page is None else files | {"report": page}


def _pairs(found: Evaluation, reals: Reals, made: Tensor) -> tuple[Pair, ...]:
    """The first samples, each with the training example nearest to it."""
    if found.nearest is None:
        return ()
    known = reals.dataset.train.values
    return tuple(
        (made[i].numpy(), np.array(known[at]), far)
        for i, (at, far) in enumerate(zip(found.nearest.training, found.nearest.distance, strict=True))
    )


def _silent(words: str) -> None:
    del words


def _how_many(dataset: Dataset) -> int:
    if dataset.space.codec.small:
        return _MOST
    return min(max(dataset.held_out.n, 1_000), _MOST)


def _referee(reals: Reals, wanted: set[str], cache: Path, tell: Progress) -> Classifier | None:
    """A classifier of the run's classes, its accuracy measured on held-out examples."""
    labels = reals.fitted_labels
    if labels is None or "classes" not in wanted:
        return None
    tell("a referee for the classes")
    judge = referee(reals.fitted.values, labels, cache=cache)
    held = reals.dataset.held_out
    if held.n == 0 or reals.held_out_labels is None:
        return judge
    predicted = judge.probabilities(held.values).argmax(1)
    return replace(judge, accuracy=float((predicted == reals.held_out_labels).mean()))


def _mixture(dataset: Dataset) -> Mixture | None:
    """Where built-in points come from, if that is a known mixture."""
    if dataset.manifest["form"] != "built in":
        return None
    try:
        known = modes(dataset.manifest["source"])
    except DataError:
        return None
    return Mixture(known.centres, known.sigma)


def _classes(
    reals: Reals, judge: Classifier, extractor: Extractor, made: Tensor, wanted: Indices | None
) -> tuple[ClassLine, ...]:
    """A line for each class, from at most as many real examples as distances are measured on."""
    train, labels = reals.dataset.train, reals.labels
    assert labels is not None
    half = train.n // 2
    if reals.halved or reals.held_out_labels is None:
        real, real_labels, other = train.values[:half], labels[:half], train.values[half:]
    else:
        real, real_labels = reals.dataset.held_out.values, reals.held_out_labels
        other = train.values if reals.spare is None else reals.spare.values
    n = min(len(made), len(real), len(other), 5_000)

    def features(x: Examples) -> Array:
        return extractor(x[:n])

    return class_lines(
        reals.dataset.space.classes if judge.classes == len(reals.dataset.space.classes) else _numbers(judge),
        predicted=judge.probabilities(made).argmax(1),
        wanted=wanted,
        training_labels=labels,
        real_predicted=judge.probabilities(real[:n]).argmax(1),
        real_labels=real_labels[:n],
        features=features(made),
        real_features=features(real),
        other_features=features(other),
    )


def _numbers(judge: Classifier) -> tuple[str, ...]:
    return tuple(str(number) for number in range(judge.classes))


def _nearest(reals: Reals, made: Tensor, wanted: Indices | None) -> Nearest:
    train, held = reals.dataset.train, reals.dataset.held_out
    others = [made[:_AUDITED], held.values[:500]] if held.n else [made[:_AUDITED]]
    (distance, index), *apart = nearest_examples(train.values, *others)
    return Nearest(
        training=tuple(int(at) for at in index),
        origin=tuple(int(number) for number in train.origin[index]),
        distance=tuple(float(value) for value in distance),
        held_out=float(np.median(apart[0][0])) if apart else float("nan"),
        asked=() if wanted is None else tuple(int(number) for number in wanted[:_AUDITED]),
    )


def _references_json(reals: Reals) -> dict[str, Any]:
    """What was compared with, as plain data."""
    dataset = reals.dataset
    return {
        "source": dataset.manifest["source"],
        "fingerprint": dataset.manifest["fingerprint"],
        "training": dataset.train.n,
        "compared": dataset.train.n // 2 if reals.halved else dataset.held_out.n,
        "split": "training" if reals.halved else "held-out",
        "own": reals.own,
    }
