"""Pictures by class: are they of the class that was asked for, and do they differ within it?

Trains the default recipe (or another) on labelled pictures for some minutes, and judges 2,000 samples, as
many of each class. *As asked*: read as its class by a referee that was trained on the training part, beside
what it gets right of held-out pictures. *Recall*, *coverage*: in sketches (`metrics.features.sketch`) against
held-out pictures; the floor is what as many training pictures get. *Spread*: mean distance of two samples
of a class over that between two held-out pictures of it; the mean over the classes, and the least.

    python benchmarks/conditional.py MNIST fashion.npz                 12 minutes each
    python benchmarks/conditional.py MNIST --minutes 3 --set generator.loudness=1 --seeds 3
    python benchmarks/conditional.py --run RUN MNIST                   judges a run that is there
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganforge.data import Dataset
from ganforge.data import load as load_data
from ganforge.metrics.classifier import Classifier, train_classifier
from ganforge.metrics.features import sketch
from ganforge.metrics.manifold import Manifold, manifold
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import prepare

SAMPLES = 2_000
SKETCHED = 4_000  # training pictures that a sketch's components come from


@dataclass(frozen=True)
class Reading:
    """What was found of some pictures.

    Attributes:
        asked: share that the referee reads as their class.
        manifold: against held-out pictures.
        spread: of each class, ``(classes,)``; 1 is that of held-out pictures.
    """

    asked: float
    manifold: Manifold
    spread: Tensor


def distances(pictures: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Mean distance of two pictures of each class, at most 200 of it, ``(classes,)``."""
    found = [pictures[labels == one][:200].flatten(1).float() for one in range(classes)]
    return torch.stack([torch.pdist(one).mean() for one in found])


class Bench:
    """The measures on one data set."""

    def __init__(self, data: Dataset) -> None:
        train, held_out = data.train, data.held_out
        if train.labels is None or held_out.labels is None:
            sys.exit("the pictures must have classes")
        self.classes = len(data.space.classes)
        self.referee: Classifier = train_classifier(
            train.values, train.labels, held_out=held_out.values, held_out_labels=held_out.labels
        )
        self.n = min(SAMPLES, held_out.n)
        self.features = sketch(np.array(train.values[:SKETCHED]))
        self.real = self.features(np.array(held_out.values[: self.n]))
        self.apart = distances(
            torch.from_numpy(np.array(held_out.values)),
            torch.from_numpy(np.array(held_out.labels)),
            self.classes,
        )
        self.floor = self.read(
            torch.from_numpy(np.array(train.values[-self.n :])),
            torch.from_numpy(np.array(train.labels[-self.n :])),
        )

    def read(self, pictures: Tensor, labels: Tensor) -> Reading:
        told = torch.from_numpy(self.referee.probabilities(pictures).argmax(1))
        return Reading(
            float((told == labels).double().mean()),
            manifold(self.features(pictures), self.real),
            distances(pictures, labels, self.classes) / self.apart,
        )

    def made(self, run: Path) -> Reading:
        """What a run's samples are, equally many of each class."""
        sampler = load(run)
        labels = torch.arange(self.n) % self.classes
        condition = torch.eye(self.classes)[labels]
        return self.read(sampler.sample(self.n, seed=1, condition=condition), labels)


def row(words: str, kimg: float, reading: Reading) -> str:
    seen = reading.manifold
    return (
        f"| {words} | {kimg:,.0f} | {100 * reading.asked:.1f} % | {seen.precision:.3f} | {seen.recall:.3f} "
        f"| {seen.coverage:.3f} | {reading.spread.mean():.2f} ({reading.spread.min():.2f}) |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="+", help="labelled pictures, as `gan train` reads them")
    parser.add_argument("--minutes", type=float, default=None, help="12 where no --kimg is given")
    parser.add_argument("--kimg", type=float, default=None)
    parser.add_argument("--recipe", default=None, help="the default for pictures where none is given")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--run", type=Path, default=None, help="judge this run, and train nothing")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    minutes = 12.0 if options.minutes is None and options.kimg is None else options.minutes
    changes = dict(pair.split("=", 1) for pair in options.set)
    print(f"{time.strftime('%Y-%m-%d')}  torch {torch.__version__}, {torch.get_num_threads()} threads")
    for data in options.data:
        bench = Bench(load_data(data))
        name = Path(data).name
        print(
            f"\n{name}: the referee reads {100 * bench.referee.accuracy:.1f} % of held-out pictures right\n"
        )
        print("| | kimg | as asked | precision | recall | coverage | spread (least) |")
        print("|---|---|---|---|---|---|---|")
        print(row("training pictures: the floor", 0.0, bench.floor), flush=True)
        if options.run is not None:
            print(row(f"{name}, {options.run.name}", 0.0, bench.made(options.run)), flush=True)
            continue
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                experiment = prepare(
                    data,
                    recipe=options.recipe,
                    seed=seed,
                    minutes=minutes,
                    kimg=options.kimg,
                    changes=changes,
                )
                trainer = experiment.measure().start(Path(folder) / "run")
                outcome = trainer.train()
                if not outcome.finished:
                    sys.exit(f"{outcome.reason}: no table")
                print(
                    row(f"{name}, seed {seed}", outcome.nimg / 1000, bench.made(trainer.run.path)), flush=True
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
