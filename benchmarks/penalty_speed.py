"""The finite-difference penalty against the exact one, on the residual network: rounds a second.

The recipe `residual` on 32×32 colour pictures, width 64, with R1 and R2 by finite differences on every
fourth example (the recipe's) and exactly on all (a gradient of a gradient). Everything else is equal. The
exact one re-uses the logits that the loss needs. Blocks alternate in one process.

    python benchmarks/penalty_speed.py [--blocks 7]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace

import numpy as np
import torch
from dcgan_speed import dataset

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.data import Dataset, Examples
from ganforge.recipes import residual
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds

BAR = 1.8


def pictures() -> Dataset:
    values = np.random.default_rng(0).integers(0, 256, (512, 3, 32, 32), dtype=np.uint8)
    examples = Examples(values, None, np.arange(len(values)))
    return replace(dataset(1), space=Space(kind="pictures", shape=(3, 32, 32)), train=examples)


def exactly(recipe: Recipe) -> Recipe:
    """The same recipe with exact R1 and R2 on the whole batch."""
    penalties = tuple(
        replace(penalty, method="exact", share=1.0) if penalty.method == "finite_difference" else penalty
        for penalty in recipe.penalties
    )
    return replace(recipe, penalties=penalties)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--blocks", type=int, default=7)
    options = parser.parse_args()
    data = pictures()
    wide = {"generator.width": 64, "discriminator.width": 64}
    recipe = residual.recipe(data.space, 50_000).with_changes(wide)
    print(f"{time.strftime('%Y-%m-%d')}  torch {torch.__version__}  {torch.get_num_threads()} threads\n")
    print("| way | exact, rounds a second | finite difference | ratio: median | least | most |")
    print("|---|---|---|---|---|---|")
    missed = False
    for name, engine in (
        ("float32", Engine()),
        ("float32, channels last", Engine(channels_last=True)),
        ("bfloat16, channels last", Engine(channels_last=True, precision=torch.bfloat16)),
    ):
        exact, finite = (Rounds(r, data, engine) for r in (exactly(recipe), recipe))
        times: list[tuple[float, float]] = []
        for number in range(options.blocks + 1):
            pair: list[float] = []
            for rounds in (exact, finite):
                began = time.perf_counter()
                rounds.play()
                pair.append(time.perf_counter() - began)
            if number:
                times.append((pair[0], pair[1]))
        ratios = [a / b for a, b in times]
        ratio = statistics.median(ratios)
        speeds = [1 / statistics.median(column) for column in zip(*times, strict=True)]
        print(
            f"| {name} | {speeds[0]:.2f} | {speeds[1]:.2f} "
            f"| {ratio:.2f} | {min(ratios):.2f} | {max(ratios):.2f} |",
            flush=True,
        )
        missed |= name == "float32, channels last" and ratio < BAR
    print(f"\nbar: {BAR} in one and the same precision and memory format, which is channels last here")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
