"""Stacked MNIST: how many of 1,000 modes are reached, how evenly, and after how many minutes?

Protocol: PacGAN (Lin et al. 2018, section 4.2): 128,000 pictures of three random digits of MNIST's training
set, one a channel; 26,000 samples; a classifier, here a LeNet-5, reads each channel. Modes are triples that
occur; KL is from uniform, and a perfect sampler's is .0235 at 26,000 samples: (1000 - 1) / 2n, and MNIST's
own .0043. The curve is of the moving average at moments of the training, and is measured when that is over:
looking costs no time.

    python benchmarks/stacked_mnist.py --mnist FOLDER --referee lenet5.pth                     an hour
    python benchmarks/stacked_mnist.py --mnist FOLDER --referee lenet5.pth --minutes 3 --triples 20000
    python benchmarks/stacked_mnist.py --mnist FOLDER --referee lenet5.pth --kimg 2000 --device cuda
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ganforge.cli.screen import Screen
from ganforge.core.sampler import Sampler
from ganforge.data import load as load_data
from ganforge.metrics.stacked import Referee, StackedReport, lenet, stacked_report
from ganforge.runs.sampler import load, sampler_of
from ganforge.tasks.experiment import prepare
from ganforge.training.loop import Tick

SAMPLES = 26_000
BAR_MODES, BAR_KL = 1_000, 0.05
AT_ONCE = 1_000  # samples made and read at once


@dataclass(frozen=True)
class Moment:
    """The generator's weights at one moment of the training."""

    nimg: int
    seconds: float
    weights: dict[str, torch.Tensor]


def stacked(mnist: Path, scratch: Path, triples: int) -> Path:
    """The pictures as a file ``(triples, 28, 28, 3)`` uint8, made where it is not there."""
    file = scratch / f"stacked-{triples}.npy"
    if file.is_file():
        return file
    digits = load_data(mnist, held_out=0.0).train.values[:, 0]  # (60000, 28, 28)
    chance = np.random.Generator(np.random.Philox(key=0x57AC))
    scratch.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(f".{os.getpid()}.npy")
    whole = np.lib.format.open_memmap(temporary, "w+", np.uint8, (triples, *digits.shape[1:], 3))
    for start in range(0, triples, 4096):
        pick = chance.integers(len(digits), size=(len(whole[start : start + 4096]), 3))
        whole[start : start + 4096] = digits[pick].transpose(0, 2, 3, 1)
    whole.flush()
    os.replace(temporary, file)
    return file


def read(sampler: Sampler, referee: Referee, n: int, screen: Screen) -> StackedReport:
    """``n`` samples, read by the referee."""
    with screen.busy(f"{n:,} samples"):
        made = [
            sampler.sample(min(AT_ONCE, n - start), seed=1, start=start) for start in range(0, n, AT_ONCE)
        ]
        return stacked_report(torch.cat(made), referee)


def row(words: str, minutes: float, kimg: float, report: StackedReport) -> str:
    return (
        f"| {words} | {minutes:.1f} | {kimg:,.0f} | {report.n:,} | {report.modes:,} | {report.kl:.4f} "
        f"| {report.floor:.4f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mnist", type=Path, required=True, help="a folder of MNIST's IDX files")
    parser.add_argument("--referee", type=Path, required=True, help="LeNet-5 weights")
    parser.add_argument("--minutes", type=float, default=None, help="60 where no --kimg is given")
    parser.add_argument("--kimg", type=float, default=None)
    parser.add_argument("--triples", type=int, default=128_000)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--looks", type=int, default=8, help="points of the curve")
    parser.add_argument("--look-samples", type=int, default=10_000, help="samples at each of them")
    parser.add_argument("--recipe", default=None, help="the default for pictures where none is given")
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--scratch", type=Path, default=Path("runs/scratch"), help="for the pictures")
    parser.add_argument("--out", type=Path, default=Path("runs/stacked"))
    options = parser.parse_args()
    screen = Screen()
    referee = lenet(options.referee)
    with screen.busy("stacking digits"):
        file = stacked(options.mnist, options.scratch, options.triples)
    minutes = 60.0 if options.minutes is None and options.kimg is None else options.minutes
    experiment = prepare(
        file,
        recipe=options.recipe,
        minutes=minutes,
        kimg=options.kimg,
        seed=options.seed,
        device=options.device,
        changes=dict(pair.split("=", 1) for pair in options.set),
    ).measure()
    screen.table(experiment.lines())
    trainer = experiment.start(options.out)
    moments: list[Moment] = []

    with screen.watching(trainer):
        shown = trainer.on_tick

        def on_tick(tick: Tick) -> None:
            shown(tick)
            # A plan in examples that follows the clock is a guess at first: then the clock itself counts.
            done = tick.nimg / tick.total_nimg if minutes is None else tick.seconds / (60 * minutes)
            if done >= (len(moments) + 1) / options.looks * 0.999:
                state = trainer.rounds.average.network.state_dict()
                weights = {name: value.detach().cpu().clone() for name, value in state.items()}
                moments.append(Moment(tick.nimg, tick.seconds, weights))

        trainer.on_tick = on_tick
        outcome = trainer.train()

    print(f"\n{time.strftime('%Y-%m-%d')}  torch {torch.__version__}  {' '.join(sys.argv)}")
    print(f"{experiment.recipe.name}: {outcome.reason}\n")
    print("| | minutes | kimg | samples | modes of 1,000 | KL | floor |\n|---|---|---|---|---|---|---|")
    real = torch.from_numpy(np.array(experiment.dataset.train.values[: options.samples]))
    print(row("real triples", 0.0, 0.0, stacked_report(real, referee)), flush=True)
    network = copy.deepcopy(trainer.rounds.average.network).cpu()
    for moment in moments:
        network.load_state_dict(moment.weights)
        sampler = sampler_of(network.eval(), experiment.recipe, experiment.dataset.space)
        report = read(sampler, referee, options.look_samples, screen)
        print(row("on the way", moment.seconds / 60, moment.nimg / 1000, report), flush=True)
    final = read(load(trainer.run.path), referee, options.samples, screen)
    print(row("the run", outcome.seconds / 60, outcome.nimg / 1000, final))
    met = final.modes >= BAR_MODES and final.kl <= BAR_KL
    verdict = "met" if met else "MISSED"
    print(f"\nbar: {BAR_MODES:,} modes and KL at most {BAR_KL} at {SAMPLES:,} samples: {verdict}")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
