"""`make demo`: learn handwriting in under a minute, and ask an independent referee about it.

Trains the recipe `digits` on scikit-learn's 1,797 scans as `gan train digits` does, writes a grid and a
film of the fixed latents through time, and prints three figures: how many of 1,000 samples a classifier
trained on the real scans is sure of, how even the digits' shares are, and whether the samples are nearer
to the scans trained on than to those held out.

    python benchmarks/demo.py [--samples 1000] [--kimg 35] [--out runs/demo]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ganforge.cli.screen import Screen
from ganforge.metrics.classifier import class_report, train_classifier
from ganforge.metrics.neighbours import memorisation
from ganforge.runs.made import write_grid
from ganforge.runs.pictures import film
from ganforge.runs.sampler import load
from ganforge.tasks.conclusion import conclude
from ganforge.tasks.experiment import prepare

FILM_SECONDS = 6


@dataclass(frozen=True)
class Figures:
    """What the referee says, each with its bar."""

    referee: float  # accuracy on held-out scans, at least .97
    confident: float  # share of samples it is more than .9 sure of, at least .85
    as_asked: float  # share of samples that are the digit asked for
    least_share: float  # of a digit among the samples, at least .05
    nearer_to_training: float  # share of samples, under .6
    nearer_at_least: float  # the low end of its 95 % interval
    seconds: float  # of training, under 60

    @property
    def met(self) -> bool:
        return (
            self.referee >= 0.97
            and self.confident >= 0.85
            and self.least_share >= 0.05
            and self.nearer_to_training < 0.6
            and self.seconds < 60
        )


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def play(
    out: Path, *, samples: int, kimg: float | None, screen: Screen | None = None
) -> tuple[Path, Figures]:
    """Train, make the pictures, and measure; returns the run folder and the figures."""
    experiment = prepare("digits", kimg=kimg).measure()
    dataset = experiment.dataset
    trainer = experiment.start(out)
    if screen is not None:
        screen.table(experiment.lines())
        with screen.watching(trainer):
            outcome = trainer.train()
    else:
        outcome = trainer.train()
    run = trainer.run
    sampler = load(run.path)
    write_grid(sampler, range(100), run.path / "grid.png")
    frames = [Image.open(path) for path in run.samples]
    film(frames, run.path / "learning.gif", seconds=FILM_SECONDS)
    conclude(run, dataset)
    made = sampler.sample(samples, seed=1).numpy()
    train, held_out = dataset.train, dataset.held_out
    assert train.labels is not None
    referee = train_classifier(
        train.values, train.labels, held_out=held_out.values, held_out_labels=held_out.labels
    )
    asked = [index % sampler.conditions for index in range(samples)]
    report = class_report(referee.probabilities(made), asked=asked)
    near = memorisation(made, train.values, held_out.values)
    figures = Figures(
        referee.accuracy,
        report.confident,
        report.agreement,
        min(report.shares),
        near.share,
        near.low,
        outcome.seconds,
    )
    return run.path, figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--kimg", type=float, default=None, help="the recipe's own by default")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"))
    options = parser.parse_args()
    screen = Screen()
    path, figures = play(options.out, samples=options.samples, kimg=options.kimg, screen=screen)
    screen.table(
        [
            ("", ""),
            ("judged", f"{options.samples:,} samples, by a classifier trained on the real scans"),
            ("referee", f"{percent(figures.referee)} right on held-out scans (bar: 97)"),
            (
                "sure",
                f"{percent(figures.confident)} of samples (bar: 85); as asked {percent(figures.as_asked)}",
            ),
            ("shares", f"the rarest digit has {percent(figures.least_share)} (bar: 5)"),
            (
                "copying",
                f"{percent(figures.nearer_to_training)} nearer to a training scan (honest 50, bar: 60)",
            ),
            ("time", f"{figures.seconds:.0f} s of training (bar: 60)"),
            ("", ""),
            ("grid", str(path / "grid.png")),
            ("film", str(path / "learning.gif")),
            ("report", str(path / "report.html")),
            ("run", str(path)),
            ("next", f".venv/bin/gan sample {path} --class 7 --grid sevens.png"),
            ("next", f".venv/bin/gan evaluate {path}"),
            ("next", f".venv/bin/gan diagnose {path}"),
            ("next", f".venv/bin/gan explore {path} interpolate"),
            ("next", ".venv/bin/gan train FOLDER      your own pictures"),
        ]
    )
    return 0 if figures.met else 1


if __name__ == "__main__":
    sys.exit(main())
