"""What the defaults rest on: one thing changed at a time, over seeds, at equal examples.

    python benchmarks/ablations.py [--question penalty|gamma|pairing|latent|moves] [--data ring digits FOLDER]
                                   [--seeds 5] [--kimg K] [--size 28]

Each run is scored as training scores it (``metrics.examination``): the distance to held-out examples (sliced
Wasserstein for points, kernel distance for pictures), recall and coverage, of the moving average at the end.
Where there are classes, a classifier trained on the real examples says which share of samples is the class
that was asked for. Figures are means over the seeds, with the deviation from seed to seed; the seconds are
the median's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.metrics.classifier import Classifier, class_report, train_classifier
from ganforge.networks.players import condition_size
from ganforge.runs.discriminator import judge_of
from ganforge.runs.sampler import sampler_of
from ganforge.tasks.experiment import prepare
from ganforge.training.clock import Budget, Plan
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds
from ganforge.training.watch import Watch

_JUDGED = 1_000


def _gammas(recipe: Recipe, factor: float, **fields: Any) -> dict[str, Any]:
    """Changes that multiply the weights of r1 and r2, and set further fields of both."""
    changes: dict[str, Any] = {}
    for penalty in recipe.penalties:
        if penalty.name in ("r1", "r2"):
            own = f"penalties.{penalty.name}"
            changes[f"{own}.weight"] = factor * penalty.weight
            if penalty.weight_final is not None:
                changes[f"{own}.weight_final"] = factor * penalty.weight_final
            changes |= {f"{own}.{name}": value for name, value in fields.items()}
    return changes


def variants(question: str, recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Name to changes of the recipe; ``recipe`` itself is one of them."""
    if question == "penalty":
        exact = {"method": "exact", "share": 1.0}
        return {
            "finite difference, a quarter": _gammas(
                recipe, 1.0, method="finite_difference", sigma=0.01, share=0.25
            ),
            "finite difference, all": _gammas(recipe, 1.0, method="finite_difference", sigma=0.01, share=1.0),
            "exact": _gammas(recipe, 1.0, **exact),
        }
    if question == "gamma":
        return {f"gamma x {factor:g}": _gammas(recipe, factor) for factor in (0.1, 0.3, 1.0, 3.0, 10.0)}
    if question == "pairing":
        return {name: {"objective": name} for name in ("relativistic", "non_saturating", "hinge")}
    if question == "latent":
        return {
            "first stage only": {"generator.styles": False},
            "every stage": {"generator.styles": True},
        }
    assert question == "moves", question
    return {f"{moves} of the discriminator": {"discriminator_moves": moves} for moves in (1, 2)}


QUESTIONS = ("penalty", "gamma", "pairing", "latent", "moves")


@dataclass(frozen=True)
class Result:
    """One run's end."""

    distance: float
    recall: float
    coverage: float
    as_asked: float
    seconds: float


def play(recipe: Recipe, dataset: Dataset, kimg: float, referee: Classifier | None) -> Result:
    """Train without a folder, and score the end."""
    engine = Engine(threads=torch.get_num_threads(), recorded=dataset.space.channels <= 2)
    rounds = Rounds(recipe, dataset, engine)
    plan = Plan(Budget(kimg=kimg))
    began = time.perf_counter()
    while not plan.done(rounds.nimg):
        rounds.play(plan.progress(rounds.nimg))
    seconds = time.perf_counter() - began
    sampler = sampler_of(rounds.average.network, recipe, dataset.space)
    judge = judge_of(rounds.game.players["discriminator"], recipe, dataset.space)
    seen = Watch.examiner(recipe, dataset)(sampler, judge)
    as_asked = float("nan")
    if referee is not None and condition_size(recipe, dataset.space):
        asked = [index % sampler.conditions for index in range(_JUDGED)]
        as_asked = class_report(
            referee.probabilities(sampler.sample(_JUDGED, seed=1).numpy()), wishes=asked
        ).agreement
    score = {key: found["value"] for key, found in seen.scores.items()}
    return Result(score[seen.headline], score["recall"], score["coverage"], as_asked, seconds)


def table(question: str, source: str, options: argparse.Namespace) -> None:
    """Play every variant with every seed, and print a line each."""
    experiment = prepare(source, recipe=options.recipe, size=options.size)
    dataset = experiment.dataset
    kimg = options.kimg or experiment.recipe.kimg
    train, held_out = dataset.train, dataset.held_out
    referee = None
    if train.labels is not None:
        referee = train_classifier(
            train.values, train.labels, held_out=held_out.values, held_out_labels=held_out.labels
        )
    what = f"{question}, on {Path(source).name}"
    print(f"\n{what}: {experiment.recipe.name}, {kimg:g} kimg, {options.seeds} seeds")
    print("| variant | distance | recall | coverage | as asked | seconds |\n|---|---|---|---|---|---|")
    for name, changes in variants(question, experiment.recipe).items():
        results: list[Result] = []
        for seed in range(options.seeds):
            recipe = experiment.recipe.with_changes({**changes, "seed": seed, "kimg": kimg})
            results.append(play(recipe, dataset, kimg, referee))
        print(f"| {name} | " + " | ".join(_figures(results)) + " |", flush=True)


def _figures(results: list[Result]) -> list[str]:
    def spread(field: str, factor: float = 1.0) -> str:
        values = [factor * getattr(result, field) for result in results]
        if any(np.isnan(values)):
            return "–"
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        return f"{statistics.fmean(values):.3g} ± {deviation:.2g}"

    seconds = statistics.median(result.seconds for result in results)
    shares = [spread(field) for field in ("distance", "recall", "coverage", "as_asked")]
    return [*shares, f"{seconds:.0f}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--question", choices=QUESTIONS, nargs="+", default=list(QUESTIONS))
    parser.add_argument("--data", nargs="+", default=["ring", "digits"])
    parser.add_argument("--recipe", default=None)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kimg", type=float, default=None)
    parser.add_argument("--size", type=int, default=None)
    options = parser.parse_args()
    for source in options.data:
        for question in options.question:
            table(question, source, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
