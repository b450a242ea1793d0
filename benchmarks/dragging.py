"""Do dragged points go where they shall? Ten cases of a run, chosen by rule.

python benchmarks/dragging.py RUN --layer 1

Case k is the sample of seed k: the point is where its picture changes most, away from the edge, and the goal
an eighth of the sides from it, in a direction that turns by 137.5° from case to case. Writes before and
after, with the points (red) and goals (blue), to dragged.png.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ganforge.latent.dragging import change_elsewhere, drag
from ganforge.latent.sheets import sheet
from ganforge.tasks.opened_run import OpenedRun
from ganforge.tasks.questions.drag import marked


def cases(opened: OpenedRun, n: int) -> Iterator[tuple[Tensor, Tensor | None, Tensor, Tensor]]:
    """Latent ``(1, L)``, condition, start and goal ``(1, 2)``."""
    height, width = opened.space.spatial
    far = min(height, width) / 8
    margin = round(1.5 * far)
    for seed in range(n):
        z, asked = opened.seeds([seed])
        x = opened.generate(z, asked)[0].float().mean(0)
        slope = torch.zeros_like(x)
        slope[1:-1, 1:-1] = (x[1:-1, 2:] - x[1:-1, :-2]).square() + (x[2:, 1:-1] - x[:-2, 1:-1]).square()
        inner = torch.zeros_like(slope)
        inner[margin:-margin, margin:-margin] = slope[margin:-margin, margin:-margin]
        at = int(inner.argmax())
        start = torch.tensor([[float(at % width), float(at // width)]])
        angle = 2 * math.pi * 0.382 * seed
        yield z, asked, start, (start + far * torch.tensor([[math.cos(angle), math.sin(angle)]])).round()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--layer", type=int, default=None)
    parser.add_argument("--learning-rate", type=float, default=0.06)
    parser.add_argument("--cases", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    opened = OpenedRun(options.run)
    shares, rests, before, after = list[float](), list[float](), list[object](), list[object]()
    began = time.process_time()
    for z, asked, start, goal in cases(opened, options.cases):
        found = drag(
            opened.sampler,
            z,
            start,
            goal,
            condition=asked,
            layer=options.layer,
            learning_rate=options.learning_rate,
        )
        made = opened.generate(found.latents[[0, -1]], None if asked is None else asked.expand(2, -1))
        shares.append(found.share.item())
        rests.append(change_elsewhere(opened.sampler, made, torch.cat([start, goal])))
        for row, at in ((before, 0), (after, -1)):
            row.append(marked(opened, made[at], found.points[at], goal))
        print(
            f"{shares[-1]:5.2f} of the way, {len(found.latents) - 1:3d} steps, elsewhere {rests[-1]:.2f}",
            flush=True,
        )
    half = sum(share >= 0.5 for share in shares)
    seconds = (time.process_time() - began) / len(shares)
    print(f"at least half: {half} of {len(shares)}; elsewhere {sum(rests) / len(rests):.2f}; {seconds:.1f} s")
    sheet([("before", before), ("after", after)], opened.space).save("dragged.png")  # pyright: ignore


if __name__ == "__main__":
    main()
