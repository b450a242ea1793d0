"""The discriminator of a run as an instrument: calibrated, beside the best one, and the duality gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganforge.core.declared import OBJECTIVES
from ganforge.core.errors import DataError
from ganforge.metrics.arrays import Array, Indices, tensor_of
from ganforge.metrics.calibration import Calibration, calibrate
from ganforge.metrics.duality import DualityGap, duality_gap
from ganforge.metrics.optimal import Optimal, optimal
from ganforge.metrics.points import Mixture
from ganforge.runs.checkpoint import Checkpoint
from ganforge.runs.discriminator import Judge, judge_at
from ganforge.runs.folder import Run
from ganforge.runs.sampler import GeneratorSampler

__all__ = ["PICTURE", "Instrument", "examine_discriminator", "one_hot"]

PICTURE = "discriminator.png"  # of ``optimal``, in the run folder
_MOST = 5_000  # examples of each side that are judged


@dataclass(frozen=True)
class Instrument:
    """What the discriminator says, and how far it can be believed.

    Attributes:
        calibration: of its logits on held-out examples; None where that cannot be measured.
        optimal: beside the best discriminator; None but for points of 1 or 2 coordinates.
        duality: None where that was not asked for, or cannot be measured.
        notes: what could not be measured, and why.
    """

    calibration: Calibration | None = None
    optimal: Optimal | None = None
    duality: DualityGap | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "calibration": None if self.calibration is None else self.calibration.to_json(),
            "optimal": None if self.optimal is None else self.optimal.to_json(),
            "duality_gap": None if self.duality is None else self.duality.to_json(),
            "picture": None if self.optimal is None else PICTURE,
            "notes": list(self.notes),
        }


def one_hot(labels: Indices | None, classes: int) -> Tensor | None:
    """Conditions ``(N, classes)`` that ask for ``labels`` ``(N,)``; None for None."""
    if labels is None or not classes:
        return None
    return torch.nn.functional.one_hot(torch.from_numpy(np.ascontiguousarray(labels)), classes).float()


def examine_discriminator(
    run: Run,
    opened: Checkpoint,
    sampler: GeneratorSampler,
    samples: Tensor,
    wanted: Indices | None,
    held_out: NDArray[Any],
    held_out_labels: Indices | None,
    *,
    mixture: Mixture | None = None,
    calibrated: bool = True,
    duality_steps: int = 0,
    seed: int = 0,
    progress: Callable[[str], None],
) -> Instrument:
    """Judge the judge. What the data do not allow is left out, with the reason in ``notes``.

    Args:
        opened: the moment, of which ``game`` has been read.
        samples: of the run, ``(N, *shape)`` in declared units, asked to be ``wanted`` ``(N,)`` or None.
        held_out: real examples ``(M, *shape)`` in declared units that no player has seen, and their labels.
        mixture: where they come from, if that is known.
        calibrated: calibrate, and compare with the best discriminator where there are 1 or 2 coordinates.
        duality_steps: steps of each copy for the duality gap; 0 leaves it out.

    Raises:
        RunError: the run has no discriminator that can be read.
    """
    progress("the discriminator")
    judge = judge_at(run, opened)
    n = min(_MOST, len(held_out), len(samples))
    condition = one_hot(None if held_out_labels is None else held_out_labels[:n], judge.conditions)
    if judge.conditions and condition is None:
        words = (
            "the discriminator must be told the classes of what it judges, and these data have none of them"
        )
        return Instrument(notes=(words,))
    real, fake = tensor_of(held_out[:n]), samples[:n]
    fake_condition = one_hot(None if wanted is None else wanted[:n], judge.conditions)
    found = Instrument()
    if calibrated:
        found = _calibrated(judge, (real, condition), (fake, fake_condition), found, seed)
        found = _beside_the_best(run, judge, real, fake, found, mixture, seed, progress)
    if duality_steps:
        found = _gap(run, sampler, judge, real, condition, found, duality_steps, seed, progress)
    return found


_Side = tuple[Tensor, Tensor | None]


def _calibrated(judge: Judge, real: _Side, fake: _Side, found: Instrument, seed: int) -> Instrument:
    try:
        calibration = calibrate(judge.logits(*real), judge.logits(*fake), seed=seed)
    except DataError as error:
        return _with(found, note=str(error))
    return _with(found, calibration=calibration)


def _beside_the_best(
    run: Run,
    judge: Judge,
    real: Tensor,
    fake: Tensor,
    found: Instrument,
    mixture: Mixture | None,
    seed: int,
    progress: Callable[[str], None],
) -> Instrument:
    calibration = found.calibration
    if calibration is None or run.space.codec.view not in ("line", "plane"):
        return found
    if judge.packing > 1 or judge.conditions:
        what = "several examples together" if judge.packing > 1 else "examples of a given class"
        return _with(found, note=f"it judges {what}: it cannot be drawn beside the best discriminator")
    progress("the best discriminator")

    def logits(points: Array) -> Array:
        return judge.logits(torch.from_numpy(points).float()).double().numpy()

    try:
        best = optimal(
            real,
            fake,
            lambda points: calibration.probability(logits(points)),
            lambda points: np.exp(-np.logaddexp(0.0, -logits(points))),
            mixture=mixture,
            seed=seed,
        )
    except DataError as error:
        return _with(found, note=str(error))
    return _with(found, optimal=best)


def _gap(
    run: Run,
    sampler: GeneratorSampler,
    judge: Judge,
    real: Tensor,
    condition: Tensor | None,
    found: Instrument,
    steps: int,
    seed: int,
    progress: Callable[[str], None],
) -> Instrument:
    recipe = run.recipe
    try:
        gap = duality_gap(
            sampler.network,
            judge.network,
            sampler.prior,
            run.space.to_model(real),
            condition=condition,
            level_is_free=OBJECTIVES.find(recipe.objective).level is None,
            packing=recipe.packing,
            steps=steps,
            learning_rates=(recipe.discriminator.learning_rate, recipe.generator.learning_rate),
            seed=seed,
            progress=lambda done, total: progress(f"duality gap: step {done:,} of {total:,}"),
        )
    except DataError as error:
        return _with(found, note=str(error))
    return _with(found, duality=gap)


def _with(found: Instrument, *, note: str | None = None, **parts: Any) -> Instrument:
    now = vars(found) | parts
    if note is not None:
        now["notes"] = (*found.notes, note)
    return Instrument(**now)
