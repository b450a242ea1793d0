"""What a report shows of a finished generator: rows of examples, real and made, with their seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from ganforge.core.errors import GanforgeError
from ganforge.core.prior import Inputs
from ganforge.data import Dataset
from ganforge.latent.paths import between
from ganforge.report.sections import Strip
from ganforge.runs.checkpoint import Checkpoint
from ganforge.runs.discriminator import judge_at
from ganforge.runs.folder import Run
from ganforge.runs.made import latents
from ganforge.runs.sampler import GeneratorSampler, sampler_at

__all__ = ["strips"]

_LONG = 8  # examples in a row
_WALKS = 2
_TRUNCATIONS = (0.7, 0.4)
_JUDGED = 64  # samples, of which the best and the worst by the discriminator are shown


def strips(run: Run, dataset: Dataset, found: Checkpoint) -> list[Strip]:
    """Rows of examples of ``dataset`` and of samples of ``run`` at the moment ``found``.

    Generator and discriminator are of that one moment: ``average`` and ``game`` of it have been read.
    Samples are those of ``gan sample --seeds`` with the same numbers. A translation, whose samples are made
    from inputs, has neither truncation nor walks here; kinds that are not shown one by one have no rows.
    """
    if not run.space.codec.pictured:
        return []
    return list(_rows(run, dataset, found))


def _rows(run: Run, dataset: Dataset, found: Checkpoint) -> Iterator[Strip]:
    sampler = sampler_at(run, found)
    train = dataset.train
    real = np.linspace(0, train.n - 1, min(_LONG, train.n)).round().astype(int)
    named = [""] * len(real)
    if train.labels is not None and run.space.classes:
        named = [run.space.classes[int(train.labels[at])] for at in real]
    yield Strip("Real", "examples of the training part", _told([train.values[at] for at in real], named))
    numbers = range(_LONG)
    if isinstance(sampler.prior, Inputs):
        made = sampler.sample(_LONG, seed=run.recipe.seed).numpy()
        yield Strip("Made", "from inputs that were held out", _told(made, [""] * _LONG))
        return
    captions = [f"seed {seed}{_asked(sampler, seed)}" for seed in numbers]
    z, wishes = latents(sampler, numbers, 1.0), sampler.in_turn(numbers)
    yield Strip("Made", "samples as they come", _told(sampler.generate(z, wishes).numpy(), captions))
    for share in _TRUNCATIONS:
        drawn = sampler.generate(sampler.truncated(z, share), wishes).numpy()
        words = "the same seeds nearer to the middle: more typical, less varied"
        yield Strip(f"Truncation {share:g}", words, _told(drawn, captions))
    for walk in range(_WALKS):
        ends = z[2 * walk], z[2 * walk + 1]
        steps = between(sampler.prior, ends[0][None], ends[1][None], torch.linspace(0, 1, _LONG))[0]
        wish = None if wishes is None else wishes[2 * walk][None]
        told = [f"seed {2 * walk}", *[""] * (_LONG - 2), f"seed {2 * walk + 1}"]
        words = "a walk between two seeds" + _asked(sampler, 2 * walk)
        yield Strip("Interpolation", words, _told(sampler.generate(steps, wish).numpy(), told))
    yield from _judged(run, found, sampler)


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
        told = [f"seed {at}: {logits[at].item():.2f}" for at in some]
        yield Strip(title, words, _told([made[at].numpy() for at in some], told))


def _asked(sampler: GeneratorSampler, number: int) -> str:
    """The class that the sample of this number is asked to be; empty where none is."""
    asks = sampler.asks
    return f" · {asks.names[number % asks.size]}" if asks is not None and asks.kind == "class" else ""


def _told(
    examples: Sequence[np.ndarray] | np.ndarray, captions: Sequence[str]
) -> tuple[tuple[np.ndarray, str], ...]:
    return tuple(zip(examples, captions, strict=True))
