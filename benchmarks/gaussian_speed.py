"""How many rounds a second: the recipe gaussian-original, against the plain loop that everybody writes.

The plain loop is fifty lines of PyTorch with the same networks, batch, objective and optimiser settings,
and torch's own choices of everything else. Ours is :class:`Rounds` with all that a training has: dealt
data, seeded chance, the statistics, a check that gradients are finite before each update, the moving average.
The two take turns in one process, so that whatever else the machine does hits both.

Command:   python benchmarks/gaussian_speed.py
Expect:    recorded rounds at least 3 times as fast as the plain loop, on a processor
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch
from torch import nn
from torch.nn.functional import softplus

from ganforge.core.recipe import Player
from ganforge.data import load
from ganforge.recipes import gaussian_original
from ganforge.training.probe import choose_device, probe
from ganforge.training.rounds import Rounds

BAR = 3.0


def plain(width: int, batch: int, player: Player) -> Callable[[], None]:
    """A round of the plain loop."""
    G = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))
    D = nn.Sequential(
        nn.Linear(1, width), nn.Sigmoid(), nn.Linear(width, width), nn.Sigmoid(), nn.Linear(width, 1)
    )
    betas = (player.beta1, player.beta2)
    move_g = torch.optim.Adam(G.parameters(), lr=player.learning_rate, betas=betas)
    move_d = torch.optim.Adam(D.parameters(), lr=player.learning_rate, betas=betas)

    def round_() -> None:
        D.zero_grad()
        real = torch.normal(4.0, 1.25, (batch, 1))
        softplus(-D(real)).mean().backward()
        fake = G(torch.rand(batch, 1)).detach()
        softplus(D(fake)).mean().backward()
        move_d.step()
        G.zero_grad()
        fake = G(torch.rand(batch, 1))
        (-softplus(D(fake)).mean()).backward()
        move_g.step()

    return round_


def main() -> None:
    options = argparse.ArgumentParser(description="rounds a second of gaussian-original and the plain loop")
    options.add_argument("--blocks", type=int, default=9)
    options.add_argument("--rounds", type=int, default=300, help="a block")
    asked = options.parse_args()
    torch.set_flush_denormal(True)
    threads = torch.get_num_threads()
    data = load("gaussian")
    recipe = gaussian_original.recipe(data.space, data.train.n)
    finding = probe(recipe, data, device=choose_device("cpu"))
    print(f"the probe chose: {finding.words}")
    ours = finding.engine.threads or threads
    eager, chosen = (Rounds(recipe, data, replace(finding.engine, recorded=r)) for r in (False, True))
    ways: dict[str, tuple[int, Callable[[], None]]] = {
        "plain loop": (threads, plain(recipe.generator.width, recipe.batch, recipe.generator)),
        "ganforge, eager": (ours, eager.play),
        "ganforge, recorded": (ours, chosen.play),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for block in range(asked.blocks + 1):
        for name, (count, play) in ways.items():
            torch.set_num_threads(count)
            began = time.perf_counter()
            for _ in range(asked.rounds):
                play()
            if block:  # the first warms up
                seconds[name].append((time.perf_counter() - began) / asked.rounds)
    for name, (count, _) in ways.items():
        ratios = sorted(p / s for p, s in zip(seconds["plain loop"], seconds[name], strict=True))
        print(
            f"{name:20} {count} thread(s) {1 / median(seconds[name]):7.0f} rounds/s"
            f"   × {median(ratios):.2f}  ({ratios[0]:.2f} … {ratios[-1]:.2f};"
            f" best against best {min(seconds['plain loop']) / min(seconds[name]):.2f})"
        )
    print(f"the bar is {BAR:g}; on a busy machine, best against best says most")
    assert chosen.referee.unrecorded is None


if __name__ == "__main__":
    main()
