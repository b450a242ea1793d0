"""How long an exported translation takes for one picture: the translator of the recipe painter at 128×128.

The bar: at most 40 ms a picture on two cores, by onnxruntime. What it was trained on does not matter
for its speed, so it is not trained here. Larger pictures are measured beside it, up to one that is made of
tiles. Where others work on the machine, the processor's own time is nearer to the truth than the clock's.

    python benchmarks/translate_speed.py [--seconds 10] [--threads 2] [--longest 2048]
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ganforge.core.space import Space
from ganforge.networks import parameters_count, seeded, translator
from ganforge.networks.translating import Translating
from ganforge.recipes import find
from ganforge.runs.translator import NetworkTranslator
from ganforge.shipping import load
from ganforge.shipping.description import Description
from ganforge.shipping.graph import export_onnx

BAR_MS = 40.0
SIDES = (64, 128, 256, 512, 1024, 2048)


def painter(side: int) -> NetworkTranslator:
    """The recipe's translator at its start."""
    pictures = Space(kind="pictures", shape=(3, side, side))
    space = Space(kind="pictures", shape=(3, side, side), source=pictures)
    player = find("painter").maker(space, 1_000).generator
    with seeded(0):
        network = translator(
            player.family, space=space, width=player.width, depth=player.depth, options=player.options
        )
    assert isinstance(network, Translating)
    print(
        f"{player.family}, width {player.width}, depth {player.depth}: {parameters_count(network):,} weights"
    )
    return NetworkTranslator(network.requires_grad_(False), space=space, asks=None)


def spent(make: Callable[[], object], seconds: float) -> tuple[list[float], float]:
    """Milliseconds of each call, after three that warm up, at least five; and the processor's of one."""
    for _ in range(3):
        make()
    found: list[float] = []
    until, worked = time.monotonic() + seconds, time.process_time()
    while time.monotonic() < until or len(found) < 5:
        began = time.perf_counter()
        make()
        found.append(1e3 * (time.perf_counter() - began))
    return found, 1e3 * (time.process_time() - worked) / len(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--longest", type=int, default=2048)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"{time.strftime('%Y-%m-%d')}  {platform.processor() or platform.machine()}, {os.cpu_count()} cores,",
        end=" ",
    )
    print(f"{options.threads} threads, load {os.getloadavg()[0]:.1f} when it began")
    network = painter(128)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "painter.onnx"
        words = Description(space=network.space, prior=None, conditions=0, grid=network.grid)
        parity = export_onnx(network, words, path)
        print(
            f"{path.stat().st_size / 1e6:.2f} MB; largest difference to the network {parity.difference:.1g}"
        )
        graph = load(path)
    print("\n| picture | engine | p50 ms | p95 ms | least ms | processor ms | n |")
    print("|---|---|---|---|---|---|---|")
    bar, worked = 0.0, 0.0
    for side in (side for side in SIDES if side <= options.longest):
        x = torch.randint(256, (1, 3, side, side), dtype=torch.uint8)
        for engine, made in (("onnxruntime", graph), ("torch", network)):
            found, work = spent(
                lambda made=made, x=x: made.translate(x), options.seconds if side <= 256 else 1.0
            )
            half, most = (float(np.percentile(found, share)) for share in (50, 95))
            times = " | ".join(f"{one:.1f}" for one in (half, most, min(found), work))
            print(f"| {side}×{side} | {engine} | {times} | {len(found)} |", flush=True)
            if (side, engine) == (128, "onnxruntime"):
                bar, worked = half, work
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"\nlargest memory of the process {peak:,.0f} MB")
    print(f"of the processor's time: {worked:.1f} ms")
    print(f"bar: {bar:.1f} ms of at most {BAR_MS:.0f}: {'held' if bar <= BAR_MS else 'MISSED'}")
    return 0 if bar <= BAR_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
