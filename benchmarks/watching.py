"""What watching costs: log, pictures, examinations and findings, as a share of the training time.

    python benchmarks/watching.py [--data ring digits FOLDER] [--kimg K] [--size PIXELS]

Trains each as `gan train` does, and adds up the seconds spent in ticks. Bar: under 5 %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from ganforge.tasks.experiment import prepare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["gaussian", "ring", "digits"])
    parser.add_argument("--kimg", type=float, default=None)
    parser.add_argument("--size", type=int, default=None)
    options = parser.parse_args()
    print("| data | recipe | kimg | seconds | watching | share |\n|---|---|---|---|---|---|")
    worst = 0.0
    for source in options.data:
        experiment = prepare(source, kimg=options.kimg, size=options.size).measure()
        with tempfile.TemporaryDirectory() as folder:
            outcome = experiment.start(Path(folder) / "run").train()
        share = outcome.watching / outcome.seconds
        worst = max(worst, share)
        print(
            f"| {Path(source).name} | {experiment.recipe.name} | {outcome.nimg / 1000:,.0f} "
            f"| {outcome.seconds:.1f} | {outcome.watching:.2f} | {100 * share:.1f} % |",
            flush=True,
        )
    return int(worst >= 0.05)


if __name__ == "__main__":
    sys.exit(main())
