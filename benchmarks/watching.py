"""What watching costs: log, pictures, examinations and findings, as a share of the training.

    python benchmarks/watching.py [--data ring digits FOLDER] [--kimg K] [--size PIXELS] [--repeat N]

Trains each as `gan train` does, and adds up what goes into ticks, checkpoints aside: as seconds, and as
seconds of the processor, which hardly depend on who else works on the machine. The median of the repeats is
told. Bar: under 5 % of the processor's time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ganforge.tasks.experiment import Experiment, prepare
from ganforge.training.loop import Trainer


class Processor:
    """Seconds of the processor in a trainer's ticks, the checkpoints within them aside."""

    def __init__(self, trainer: Trainer) -> None:
        self.ticks = self.saves = 0.0
        self._ticking = False
        tick, save = trainer.tick, trainer.save

        def timed_tick(*, examine: bool = False) -> None:
            self._ticking = True
            self.ticks += _seconds(lambda: tick(examine=examine))
            self._ticking = False

        def timed_save() -> None:
            seconds = _seconds(save)
            self.saves += seconds if self._ticking else 0.0

        trainer.tick, trainer.save = timed_tick, timed_save  # type: ignore[method-assign]


def _seconds(call: Callable[[], None]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def measure(experiment: Experiment) -> tuple[float, float, float, float]:
    """Seconds of a training and the share of watching, by the clock and by the processor."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = experiment.start(Path(folder) / "run")
        processor, began = Processor(trainer), time.process_time()
        outcome = trainer.train()
        spent = time.process_time() - began
    watching = processor.ticks - processor.saves
    return outcome.seconds, outcome.watching / outcome.seconds, spent, watching / spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["gaussian", "ring", "digits"])
    parser.add_argument("--kimg", type=float, default=None)
    parser.add_argument("--size", type=int, default=None)
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    print("| data | played on | seconds | share | of the processor | share | of each |")
    print("|---|---|---|---|---|---|---|")
    worst = 0.0
    for source in options.data:
        experiment = prepare(source, kimg=options.kimg, size=options.size).measure()
        finding = experiment.finding
        assert finding is not None
        runs = [measure(experiment) for _ in range(options.repeat)]
        seconds, share, spent, of_it = (statistics.median(column) for column in zip(*runs, strict=True))
        worst = max(worst, of_it)
        each = " ".join(f"{100 * run[3]:.1f}" for run in runs)
        print(
            f"| {Path(source).name} | {finding.words} | {seconds:.1f} | {100 * share:.1f} % "
            f"| {spent:.1f} | {100 * of_it:.1f} % | {each} |",
            flush=True,
        )
    return int(worst >= 0.05)


if __name__ == "__main__":
    sys.exit(main())
