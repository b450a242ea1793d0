"""The bell curve: does the generator find a mean of 4 and a deviation of 1.25 that it never sees?

Five seeds of the original objective and of the modern one, 100,000 samples each: mean, deviation, and the
Kolmogorov-Smirnov distance to the true distribution.

    python benchmarks/gaussian.py [--seeds 5]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch

from ganforge.metrics.points import kolmogorov_smirnov_normal
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import prepare

MEAN, DEVIATION = 4.0, 1.25


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}  torch {torch.__version__}  {' '.join(sys.argv)}\n")
    print("| recipe | seed | mean | deviation | KS distance | seconds |\n|---|---|---|---|---|---|")
    missed = False
    for recipe in ("gaussian-original", "gaussian"):
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                experiment = prepare("gaussian", recipe=recipe, seed=seed, device="cpu").measure()
                trainer = experiment.start(Path(folder) / "run")
                outcome = trainer.train()
                if not outcome.finished:
                    sys.exit(f"{outcome.reason}: no table")
                samples = load(trainer.run.path).sample(100_000, seed=100 + seed).numpy()
            distance = kolmogorov_smirnov_normal(samples, MEAN, DEVIATION)
            mean, deviation = float(samples.mean()), float(samples.std())
            print(
                f"| {recipe} | {seed} | {mean:.3f} | {deviation:.3f} | {distance:.4f} "
                f"| {outcome.seconds:.0f} |",
                flush=True,
            )
            if recipe == "gaussian":
                missed |= abs(mean - MEAN) > 0.05 or abs(deviation - DEVIATION) > 0.08 or distance > 0.03
    print(
        "\nbars (gaussian): mean within .05, deviation within .08, KS at most .03:",
        "MISSED" if missed else "met",
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
