"""What `gan explore` finds in digits that were trained for minutes on a processor, against its bars.

Trains an unconditional generator on MNIST (12 minutes) and a short run on `grid` (20 seconds), or takes the
runs that are named, and asks each question. The classifier that judges is trained on the labelled data.

    python benchmarks/explore_mnist.py MNIST                      train, then ask
    python benchmarks/explore_mnist.py MNIST --run RUN --grid RUN   ask runs that are there
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganforge.core.recipe import Penalty, Player, Recipe
from ganforge.tasks.answer import Question
from ganforge.tasks.experiment import prepare
from ganforge.tasks.opened_run import OpenedRun
from ganforge.tasks.questions.arithmetic import Arithmetic
from ganforge.tasks.questions.directions import Directions
from ganforge.tasks.questions.features import Features
from ganforge.tasks.questions.feedback import Feedback
from ganforge.tasks.questions.interpolate import Interpolate
from ganforge.tasks.questions.invert import Invert
from ganforge.tasks.questions.resample import Resample
from ganforge.tasks.questions.truncate import Truncate

_ATTRIBUTES = ("light", "contrast", "slant", "wide", "tall")


def recipe() -> Recipe:
    """Without classes and with variety: small DCGAN players, and no batch statistics in the discriminator."""
    player = Player(
        family="dcgan",
        width=48,
        depth=0,
        learning_rate=5e-4,
        learning_rate_final=5e-5,
        beta1=0.0,
        beta2=0.9,
        beta2_final=0.99,
    )
    judge = replace(player, width=32, depth=1, options={"normalisation": "none"})
    r1 = Penalty(name="r1", weight=0.3, weight_final=0.03, method="finite_difference", sigma=0.01, share=0.25)
    return Recipe(
        name="explore-mnist",
        generator=player,
        discriminator=judge,
        latent=64,
        objective="relativistic",
        penalties=(r1, replace(r1, name="r2"), Penalty(name="centring", weight=0.01)),
        conditional=False,
        batch=64,
        ema_nimg=10_000,
    )


def train(data: str, out: Path, **options: Any) -> Path:
    trainer = prepare(data, **options).measure().start(out)
    outcome = trainer.train()
    if not outcome.finished:
        sys.exit(f"{outcome.reason}: no table")
    print(f"trained {trainer.run.path} on {outcome.nimg / 1000:,.0f} kimg in {outcome.seconds:.0f} s\n")
    return trainer.run.path


def timed(question: Question, opened: OpenedRun) -> dict[str, Any]:
    began = time.perf_counter()
    answer = question.ask(opened)
    print(f"\n{question.name}, {time.perf_counter() - began:.0f} s")
    for name, words in answer.lines:
        if name != "wrote":
            print(f"  {name}: {words}")
    return answer.numbers


def digits(opened: OpenedRun) -> list[tuple[str, str, str, bool]]:
    """Question, figure, bar and whether it is met, for a run on MNIST."""
    rows: list[tuple[str, str, str, bool]] = []
    sure = timed(Interpolate(pairs=100), opened)["confidence"]["median"]
    rows.append(("confidence along 100 walks, median", f"{sure:.3f}", "≥ .8", sure >= 0.8))
    found = timed(Directions(), opened)["directions"]
    fitted = {one["name"]: one for one in found if one["kind"] == "supervised"}
    for name in _ATTRIBUTES:
        there, back = fitted[name]["flips"], fitted[name]["returns"]
        figure = f"{100 * there:.0f} % get it, {100 * back:.0f} % lose it"
        rows.append((f"direction of {name}", figure, "≥ 80 %", min(there, back) >= 0.8))
    classes = [fitted[name] for name in opened.space.classes if name in fitted]
    there = [one["flips"] for one in classes]
    back = [one["returns"] for one in classes]
    figure = (
        f"{100 * sum(there) / len(there):.0f} % get it (worst {100 * min(there):.0f}), "
        f"{100 * sum(back) / len(back):.0f} % lose it"
    )
    rows.append(("directions of the ten classes, mean", figure, "–", True))
    numbers = timed(Invert(count=100), opened)
    error = sum(numbers["error"]) / 100
    kept, seconds = numbers["class_kept"], numbers["seconds_each"]
    rows.append(("inversion keeps the class", f"{100 * kept:.0f} %", "≥ 90 %", kept >= 0.9))
    rows.append(("inversion, mean squared error", f"{error:.4f}", "≤ .02", error <= 0.02))
    rows.append(("inversion, seconds a picture", f"{seconds:.2f}", "≤ 1", seconds <= 1))
    rose = timed(Feedback(seeds="0-199", steps=10), opened)["rose"]
    rows.append(("following the advice raises the chance", f"{100 * rose:.1f} %", "≥ 95 %", rose >= 0.95))
    probe = timed(Features(labels=100, draws=5), opened)
    learned, untrained, numbers_alone = (
        probe[name]["accuracy"]
        for name in ("the discriminator", "the same, untrained", "the numbers themselves")
    )
    rows.append(
        (
            "probe on 100 labels: learned, untrained, pixels",
            f"{100 * learned:.1f}, {100 * untrained:.1f}, {100 * numbers_alone:.1f} %",
            "learned is best",
            learned > max(untrained, numbers_alone),
        )
    )
    timed(Arithmetic(a="7/slant+", b="7/slant-", c="3/slant-"), opened)
    timed(Truncate(), opened)
    timed(Invert(count=10, hide="0,14,28,28"), opened)
    timed(Resample(), opened)
    return rows


def points(opened: OpenedRun, name: str) -> list[tuple[str, str, str, bool]]:
    """The same for a run on `grid`: what resampling gains."""
    found = timed(Resample(), opened)
    before = found["as they come"]
    rows: list[tuple[str, str, str, bool]] = []
    for method in ("rejection", "langevin"):
        after = found[method]
        better = after["high_quality"] > before["high_quality"] and after["covered"] == 25
        rows.append(
            (
                f"{name}: good samples by {method}",
                f"{100 * before['high_quality']:.1f} → {100 * after['high_quality']:.1f} %, "
                f"{after['covered']:.0f} modes",
                "more, 25 modes",
                better,
            )
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", help="the folder of MNIST's IDX files")
    parser.add_argument("--minutes", type=float, default=12.0, help="of training on MNIST")
    parser.add_argument("--run", type=Path, help="a run on MNIST without classes, in place of training one")
    parser.add_argument("--grid", type=Path, help="a run on grid, in place of training one")
    options = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}  torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    with tempfile.TemporaryDirectory() as folder:
        run, grid = options.run, options.grid
        if run is None:
            run = train(options.data, Path(folder) / "mnist", recipe=recipe(), minutes=options.minutes)
        if grid is None:
            grid = train("grid", Path(folder) / "grid", kimg=800)
        opened = OpenedRun(run, data=options.data, say=print)
        if opened.sampler.conditions or not opened.labelled:
            sys.exit(f"{run} must be without classes, on data that have labels")
        rows = digits(opened) + points(OpenedRun(grid, say=print), "grid")
    print("\n| question | figure | bar | |\n|---|---|---|---|")
    for question, figure, bar, met in rows:
        word = "" if bar == "–" else "met" if met else "**missed**"
        print(f"| {question} | {figure} | {bar} | {word} |")
    return 0 if all(row[3] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
