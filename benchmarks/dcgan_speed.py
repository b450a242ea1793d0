"""DCGAN-64, batch 128: images a second of our rounds against the PyTorch examples' step, written plainly.

The plain step: float32, torch's own memory format, optimiser and threads; D on reals, D on fakes, two
backward passes, a step; then D on the same fakes for G. Ours: the recipe `dcgan` in the way that the probe
finds. Blocks alternate in one process; medians and their ratio are printed.

    python benchmarks/dcgan_speed.py [--blocks 7]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import numpy as np
import torch
from torch import Tensor, nn

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.data import Dataset, Examples
from ganforge.data.report import Scan
from ganforge.networks import discriminator, generator
from ganforge.recipes import dcgan
from ganforge.training.probe import probe
from ganforge.training.rounds import Rounds

BATCH, LATENT = 128, 100


def dataset(n: int = 1024) -> Dataset:
    """Random pictures: speed does not depend on what they show."""
    space = Space(kind="pictures", shape=(3, 64, 64))
    values = np.random.default_rng(0).integers(0, 256, (n, 3, 64, 64), dtype=np.uint8)
    examples = Examples(values, None, np.arange(n))
    nothing = Examples(values[:0], None, np.arange(0))
    scan: Scan = None  # type: ignore[assignment]  # nobody reads it here
    return Dataset(space, examples, nothing, {}, scan)


class Plain:
    """The step of the PyTorch examples' DCGAN."""

    def __init__(self, data: Dataset) -> None:
        space = data.space
        torch.manual_seed(0)
        self.G = generator("dcgan", space=space, latent=LATENT, width=64, depth=0)
        self.D = discriminator("dcgan", space=space, width=64, depth=0)
        self.optimisers = [
            torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (self.D, self.G)
        ]
        self.loss = nn.BCEWithLogitsLoss()
        self.pictures = torch.from_numpy(data.train.values)

    def play(self) -> None:
        step_D, step_G = self.optimisers
        ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)
        real: Tensor = self.pictures[torch.randint(len(self.pictures), (BATCH,))].float() / 127.5 - 1
        step_D.zero_grad()
        self.loss(self.D(real), ones).backward()
        fake = self.G(torch.randn(BATCH, LATENT))
        self.loss(self.D(fake.detach()), zeros).backward()
        step_D.step()
        step_G.zero_grad()
        self.loss(self.D(fake), ones).backward()
        step_G.step()


def block(play: object, rounds: int) -> float:
    """Images a second over some rounds."""
    began = time.perf_counter()
    for _ in range(rounds):
        play()  # type: ignore[operator]
    return rounds * BATCH / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--blocks", type=int, default=7)
    options = parser.parse_args()
    data = dataset()
    recipe: Recipe = dcgan.recipe(data.space, data.train.n)
    threads = torch.get_num_threads()
    found = probe(recipe, data, device=torch.device("cpu"))
    plain, ours = Plain(data), Rounds(recipe, data, found.engine)
    amx = torch.cpu._is_amx_tile_supported()
    bar = 2.5 if amx else 1.2
    print(f"{time.strftime('%Y-%m-%d')}  torch {torch.__version__}  {threads} threads  {' '.join(sys.argv)}")
    print(f"{torch.backends.cpu.get_cpu_capability()}, {'AMX' if amx else 'no AMX'}; ours: {found.words}\n")
    speeds: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(options.blocks + 1):
        for name, play in (("plain", plain.play), ("ours", ours.play)):
            torch.set_num_threads(found.engine.threads or threads if name == "ours" else threads)
            speed = block(play, 2)
            if number:  # the first is to get warm
                speeds[name].append(speed)
    ratios = [a / b for a, b in zip(speeds["ours"], speeds["plain"], strict=True)]
    print("| | images a second: median | least | most |\n|---|---|---|---|")
    for name, values in speeds.items():
        print(f"| {name} | {statistics.median(values):.0f} | {min(values):.0f} | {max(values):.0f} |")
    ratio = statistics.median(ratios)
    print(f"\nratio: median {ratio:.2f}, {min(ratios):.2f} to {max(ratios):.2f}; bar {bar} on this processor")
    return int(ratio < bar)


if __name__ == "__main__":
    sys.exit(main())
