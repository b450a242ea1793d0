"""`make demo`: learn handwriting and small pictures in colour in about a minute, and ask a referee about it.

Trains the recipe `digits` on scikit-learn's 1,797 scans as `gan train digits` does, writes a grid and a
film of the fixed latents through time, and prints three figures: how many of 1,000 samples a classifier
trained on the real scans is sure of, how even the digits' shares are, and whether the samples are nearer
to the scans trained on than to those held out. Then it trains on crops of two photographs, as
`gan train photo-crops` does, and writes a grid of them.

Seconds are processor time: what else the machine does costs nothing. A missed bar is reported; only where the
classifier does not take the samples for digits does the program fail.

    python benchmarks/demo.py [--samples 1000] [--kimg 35] [--photo-kimg 12] [--out runs/demo]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ganforge.cli.screen import Screen
from ganforge.metrics.classifier import class_report, train_classifier
from ganforge.metrics.neighbours import memorisation
from ganforge.runs.folder import Run
from ganforge.runs.made import write_grid
from ganforge.runs.pictures import film
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import Experiment, prepare
from ganforge.tasks.report_writing import write_final_report

FILM_SECONDS = 6


@dataclass(frozen=True)
class Figures:
    """What the referee says."""

    referee: float  # accuracy on held-out scans
    confident: float  # share of samples that it is more than .9 sure of
    as_asked: float  # share of samples that are the digit asked for
    least_share: float  # of a digit among the samples
    nearer_to_training: float  # share of samples
    nearer_at_least: float  # the low end of its 95 % interval
    seconds: float  # of the processor's time, for the training

    @property
    def are_digits(self) -> bool:
        """Whether a referee that can tell takes the samples for digits."""
        return self.referee >= 0.97 and self.confident >= 0.85

    @property
    def missed(self) -> list[str]:
        """The bars that were missed, in words."""
        bars = {
            "referee": self.referee >= 0.97,
            "sure": self.confident >= 0.85,
            "shares": self.least_share >= 0.05,
            "copying": self.nearer_to_training < 0.6,
            "time": self.seconds < 60,
        }
        return [name for name, met in bars.items() if not met]


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def trained(experiment: Experiment, out: Path, screen: Screen | None) -> Run:
    """Train an experiment to its end, on the screen where there is one."""
    trainer = experiment.start(out)
    if screen is None:
        trainer.train()
    else:
        screen.table(experiment.lines())
        with screen.watching(trainer):
            trainer.train()
    return trainer.run


def photos(out: Path, *, kimg: float, screen: Screen | None = None) -> Path:
    """Train on the built-in crops as anybody's pictures are trained on, and make a grid; returns the run."""
    experiment = prepare("photo-crops", kimg=kimg).measure()
    run = trained(experiment, out, screen)
    write_grid(load(run.path), range(64), run.path / "grid.png")
    write_final_report(run, experiment.dataset)
    return run.path


def play(
    out: Path, *, samples: int, kimg: float | None, screen: Screen | None = None
) -> tuple[Path, Figures]:
    """Train, make the pictures, and measure; returns the run folder and the figures."""
    began = time.process_time()
    experiment = prepare("digits", kimg=kimg).measure()
    dataset = experiment.dataset
    run = trained(experiment, out, screen)
    seconds = time.process_time() - began
    sampler = load(run.path)
    write_grid(sampler, range(100), run.path / "grid.png")
    frames = [Image.open(path) for path in run.samples]
    film(frames, run.path / "learning.gif", seconds=FILM_SECONDS)
    write_final_report(run, dataset)
    made = sampler.sample(samples, seed=1).numpy()
    train, held_out = dataset.train, dataset.held_out
    assert train.labels is not None
    referee = train_classifier(
        train.values, train.labels, held_out=held_out.values, held_out_labels=held_out.labels
    )
    asked = [index % sampler.conditions for index in range(samples)]
    report = class_report(referee.probabilities(made), wishes=asked)
    near = memorisation(made, train.values, held_out.values)
    figures = Figures(
        referee.accuracy,
        report.confident,
        report.agreement,
        min(report.shares),
        near.share,
        near.low,
        seconds,
    )
    return run.path, figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--kimg", type=float, default=None, help="the recipe's own by default")
    parser.add_argument("--photo-kimg", type=float, default=12.0, help="thousands of crops shown")
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
            ("time", f"{figures.seconds:.0f} s of the processor's time (bar: 60)"),
            ("missed", ", ".join(figures.missed) or "no bar"),
            ("", ""),
            ("grid", str(path / "grid.png")),
            ("film", str(path / "learning.gif")),
            ("report", str(path / "report.html")),
            ("run", str(path)),
            ("next", f".venv/bin/gan sample {path} --class 7 --grid sevens.png"),
            ("next", f".venv/bin/gan evaluate {path}"),
            ("next", f".venv/bin/gan diagnose {path}"),
            ("next", f".venv/bin/gan explore {path} interpolate"),
            ("", ""),
        ]
    )
    pictures = photos(
        options.out.with_name(f"{options.out.name}-photos"), kimg=options.photo_kimg, screen=screen
    )
    screen.table(
        [
            ("", ""),
            ("photos", "crops of china.jpg (danielbuechele) and flower.jpg (vultilion), CC BY 2.0"),
            ("grid", str(pictures / "grid.png")),
            ("run", str(pictures)),
            ("next", ".venv/bin/gan train FOLDER      your own pictures"),
        ]
    )
    return 0 if figures.are_digits else 1


if __name__ == "__main__":
    sys.exit(main())
