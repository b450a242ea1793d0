"""The real examples that a run is compared with: its own, or others of its space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganforge.core.errors import DataError, RunError
from ganforge.core.space import Space
from ganforge.data import Dataset, Examples
from ganforge.metrics.arrays import Indices, random
from ganforge.metrics.context import LEAST
from ganforge.runs.folder import Run
from ganforge.tasks.again import load_again, source_of

__all__ = ["FEW", "Reals", "real_examples"]

FEW = 50  # real examples, below which scores are hints
_FITTED = 20_000  # examples that an extractor is fitted to at most: memory, not quality
_COMPARED = 10_000  # examples that a floor is measured on at most
_FLOORS = 3  # so many disjoint sets for a floor, where a quarter of the training part is enough for them


@dataclass(frozen=True)
class Reals:
    """The real examples of an evaluation.

    Attributes:
        dataset: both parts, with classes as the run counts them.
        own: these are what the run was trained on and what was set aside from it.
        labelled: labels can be used.
        halved: too few are held out: the training part is halved instead.
        fitted: training examples that extractors and referees are fitted to.
        spare: others of them, for the floors: a network knows what it was fitted to from what it has not
            seen, and a floor from those would be too high. None where all are needed.
        notes: what a reader of the scores should know.
    """

    dataset: Dataset
    own: bool
    labelled: bool
    halved: bool
    fitted: Examples
    spare: Examples | None
    notes: tuple[str, ...]

    @property
    def labels(self) -> Indices | None:
        return self.dataset.train.labels if self.labelled else None

    @property
    def fitted_labels(self) -> Indices | None:
        """Labels of ``fitted``, where there are at least two classes."""
        labels = self.fitted.labels if self.labelled else None
        return None if labels is None or len(np.unique(labels)) < 2 else labels

    @property
    def held_out_labels(self) -> Indices | None:
        return self.dataset.held_out.labels if self.labelled else None


def real_examples(
    run: Run,
    against: str | Path | None = None,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Reals:
    """The data of ``run``, or with ``against`` those, wherever they come from.

    Args:
        cache, progress: see ``data.load``.

    Raises:
        RunError: the run's data have changed, or ``run.json`` is damaged.
        DataError: the data are not there, are of another shape, or are too few.
    """
    source, share = source_of(run)
    former = str(run.data.get("fingerprint"))
    notes: list[str] = []
    if against is None:
        try:
            dataset = _loaded(run, source, share, cache, progress)
        except DataError as error:
            if isinstance(source, Path) and not source.exists():
                raise DataError(
                    f"the data of {run.path} are no longer at {source}; say where: --against DATA"
                ) from None
            raise error
        if dataset.manifest["fingerprint"] != former:
            raise RunError(
                f"the data of {run.path} have changed since it was trained: {former[:8]} → "
                f"{dataset.manifest['fingerprint'][:8]}; put them back, or compare with them as they are: "
                f"--against {source}"
            )
        own = True
    else:
        dataset = _loaded(run, against, share, cache, progress)
        own = dataset.manifest["fingerprint"] == former
        if not own:  # none of it was seen: a third is compared with, the others give floor and features
            dataset = _loaded(run, against, 1 / 3, cache, progress)
            notes.append(
                f"compared with {against}, which is not what the run was trained on: a third of it is "
                "compared with, the rest gives the best possible score; memorisation cannot be measured"
            )
            notes += dataset.scan.warnings
    dataset, labelled = _in_classes(run.space, dataset, notes)
    held, halved = dataset.held_out.n, dataset.held_out.n < LEAST
    if halved and dataset.train.n < 2 * LEAST:
        raise DataError(
            f"scores need at least {2 * LEAST} examples; {dataset.manifest['source']} has "
            f"{dataset.train.n + held}: give more, or compare with others: --against DATA"
        )
    if halved:
        notes.append(
            f"only {held} examples are held out: samples are compared with half of the training examples "
            "instead, so that overfitting and memorisation cannot be seen"
        )
    size = dataset.train.n // 2 if halved else held
    if size < FEW:
        notes.append(f"{size} real examples to compare with are few: read the scores as hints")
    fitted, spare = (dataset.train, None) if halved else _apart(dataset)
    return Reals(dataset, own, labelled, halved, fitted, spare, tuple(notes))


def _apart(dataset: Dataset) -> tuple[Examples, Examples]:
    """Training examples to fit extractors to, and others for the floors: the same ones in every call."""
    n, size = dataset.train.n, min(dataset.held_out.n, _COMPARED)
    spare = min(max(size, min(_FLOORS * size, n // 4)), n // 2)
    order = random(0, 0xF100).permutation(n)
    return _rows(dataset.train, order[spare:][:_FITTED]), _rows(dataset.train, order[:spare])


def _rows(part: Examples, pick: Indices) -> Examples:
    pick = np.sort(pick)  # what may be a memory map is read in the order of its file
    labels = None if part.labels is None else part.labels[pick]
    return Examples(np.asarray(part.values[pick]), labels, part.origin[pick])


def _loaded(
    run: Run,
    source: str | Path,
    share: float,
    cache: Path | None,
    progress: Callable[[int, int], None] | None,
) -> Dataset:
    """Examples as the run's players know them. Raises DataError where they are of another shape."""
    dataset = load_again(source, run, share, cache=cache, progress=progress)
    now, space = dataset.space, run.space
    if (now.kind, now.shape) != (space.kind, space.shape):
        raise DataError(
            f"{source} holds {now.describe()}, and the run makes {space.describe()}: name data of its kind"
        )
    return dataset


def _in_classes(space: Space, dataset: Dataset, notes: list[str]) -> tuple[Dataset, bool]:
    """Labels as the run counts its classes, and whether they can be used."""
    now = dataset.space.classes
    if not now or not space.classes or dataset.train.labels is None:
        return dataset, False
    if now != space.classes:
        notes.append("the classes are not those of the run: they are left out")
        return dataset, False
    return dataset, len(np.unique(dataset.train.labels)) > 1
