"""What a report shows of a finished generator: rows of examples, real and made, with their seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from ganforge.core.errors import GanforgeError
from ganforge.core.prior import Inputs
from ganforge.core.space import Space
from ganforge.data import Dataset
from ganforge.latent.paths import between
from ganforge.report.sections import Strip
from ganforge.runs.checkpoint import Checkpoint
from ganforge.runs.discriminator import judge_at
from ganforge.runs.folder import Run
from ganforge.runs.made import latents
from ganforge.runs.sampler import GeneratorSampler, load, sampler_at

__all__ = ["strips"]

_LONG = 8  # examples in a row
_WALKS = 2
_TRUNCATIONS = (0.7, 0.4)
_JUDGED = 64  # samples, of which the best and the worst by the discriminator are shown


def strips(
    run: Run, dataset: Dataset | None, found: Checkpoint, others: Mapping[str, Run] | None = None
) -> list[Strip]:
    """Rows of examples of ``dataset`` and of samples of ``run`` at the moment ``found``.

    Generator and discriminator are of that one moment: ``average`` and ``game`` of it have been read.
    Samples are those of ``gan sample --seeds`` with the same numbers. A translation, whose samples are made
    from inputs, has neither truncation nor walks here; points have no rows.

    Args:
        dataset: None where it is gone: then there are no real examples.
        others: runs whose samples of the same seeds stand below those of this one, by their names.
    """
    if run.space.codec.view == "table":
        return _tables(run, dataset, found, others or {})
    return list(_rows(run, dataset, found, others or {})) if run.space.codec.pictured else []


def _tables(run: Run, dataset: Dataset | None, found: Checkpoint, others: Mapping[str, Run]) -> list[Strip]:
    """Rows of a table; those of a run as ``gan sample --rows`` begins with them."""

    def rows(title: str, words: str, space: Space, codes: np.ndarray) -> Strip:
        cells = zip(*space.codec.cells(codes), strict=True)
        return Strip(title, words, cells=[space.codec.heads(), *map(list, cells)])

    shown: list[Strip] = []
    if dataset is not None:
        real = np.array(dataset.train.values[:_LONG])
        shown.append(rows("Real", "rows of the training part", run.space, real))
    samplers = {"Made": sampler_at(run, found)}
    samplers |= {f"Made by {name}": load(other.path) for name, other in others.items()}
    for title, sampler in samplers.items():
        made = sampler.rows_maker().rows(_LONG, seed=0)
        shown.append(rows(title, "rows as they come, of seed 0", sampler.space, made))
    return shown


def _rows(run: Run, dataset: Dataset | None, found: Checkpoint, others: Mapping[str, Run]) -> Iterator[Strip]:
    sampler = sampler_at(run, found)
    if dataset is not None:
        train = dataset.train
        real = np.linspace(0, train.n - 1, min(_LONG, train.n)).round().astype(int)
        named = [""] * len(real)
        if train.labels is not None and run.space.classes:
            named = [run.space.classes[int(train.labels[at])] for at in real]
        yield Strip("Real", "examples of the training part", _named([train.values[at] for at in real], named))
    numbers = range(_LONG)
    if isinstance(sampler.prior, Inputs):
        samplers = {"Made": sampler} | {f"Made by {name}": load(other.path) for name, other in others.items()}
        for title, one in samplers.items():
            made = one.sample(_LONG, seed=run.recipe.seed).numpy()
            yield Strip(title, "from inputs that were held out", _named(made, [""] * _LONG), one.space)
        return
    z, wishes = latents(sampler, numbers, 1.0), sampler.in_turn(numbers)
    yield _of_seeds("Made", "samples as they come", sampler)
    for name, other in others.items():
        yield _of_seeds(f"Made by {name}", "the same seeds of the run beside it", load(other.path))
    for share in _TRUNCATIONS:
        drawn = sampler.generate(sampler.truncated(z, share), wishes).numpy()
        words = "the same seeds nearer to the middle: more typical, less varied"
        yield Strip(f"Truncation {share:g}", words, _named(drawn, _captions(sampler)))
    for walk in range(_WALKS):
        ends = z[2 * walk], z[2 * walk + 1]
        steps = between(sampler.prior, ends[0][None], ends[1][None], torch.linspace(0, 1, _LONG))[0]
        wish = None if wishes is None else wishes[2 * walk][None]
        captions = [f"seed {2 * walk}", *[""] * (_LONG - 2), f"seed {2 * walk + 1}"]
        words = "a walk between two seeds" + _wish(sampler, 2 * walk).replace(" · ", ", both asked to be ")
        yield Strip("Interpolation", words, _named(sampler.generate(steps, wish).numpy(), captions))
    yield from _judged(run, found, sampler)


def _of_seeds(title: str, words: str, sampler: GeneratorSampler) -> Strip:
    """The samples of the first seeds."""
    numbers = range(_LONG)
    made = sampler.generate(latents(sampler, numbers, 1.0), sampler.in_turn(numbers)).numpy()
    return Strip(title, words, _named(made, _captions(sampler)), sampler.space)


def _captions(sampler: GeneratorSampler) -> list[str]:
    return [f"seed {seed}{_wish(sampler, seed)}" for seed in range(_LONG)]


def _judged(run: Run, found: Checkpoint, sampler: GeneratorSampler) -> Iterator[Strip]:
    """The samples that the discriminator takes for the most and the least real."""
    try:
        judge = judge_at(run, found)
    except GanforgeError:  # it judges pairs, or does not fit: then there is no opinion of a sample
        return
    numbers = range(_JUDGED)
    wishes = sampler.in_turn(numbers)
    made = sampler.generate(latents(sampler, numbers, 1.0), wishes)
    logits = judge.logits(made, wishes)
    order = logits.argsort(descending=True).tolist()
    for title, some in (("Most real", order[:_LONG]), ("Least real", order[::-1][:_LONG])):
        words = f"to the discriminator, of {_JUDGED} samples; logits below"
        captions = [f"seed {at}{_wish(sampler, at)}: {logits[at].item():.2f}" for at in some]
        yield Strip(title, words, _named([made[at].numpy() for at in some], captions))


def _wish(sampler: GeneratorSampler, number: int) -> str:
    """The class that the sample of this number is asked to be; empty where none is."""
    asks = sampler.asks
    return f" · {asks.names[number % asks.size]}" if asks is not None and asks.kind == "class" else ""


def _named(
    examples: Sequence[np.ndarray] | np.ndarray, captions: Sequence[str]
) -> tuple[tuple[np.ndarray, str], ...]:
    return tuple(zip(examples, captions, strict=True))
