"""DCGAN-64, one sample at a time: the exported ONNX file against the network itself.

The bar: ONNX is no slower at batch 1, and p95 is printed. Blocks alternate in one process, on as many threads
each; medians over the blocks count. Sizes and the cost of rounded weights are printed beside them.

    python benchmarks/export_speed.py [--blocks 9] [--calls 40]
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.networks import generator, seeded
from ganforge.runs.sampler import GeneratorSampler
from ganforge.shipping.compare import measure
from ganforge.shipping.description import Body, Description
from ganforge.shipping.graph import export_onnx
from ganforge.shipping.onnx_sampler import open_onnx
from ganforge.shipping.weights import PRECISIONS

SPACE, LATENT = Space(kind="pictures", shape=(3, 64, 64)), 100


def block(call: Callable[[torch.Tensor], object], calls: int, batch: int) -> list[float]:
    """Milliseconds of each call."""
    spent: list[float] = []
    for i in range(calls):
        z = torch.randn(batch, LATENT, generator=torch.Generator().manual_seed(i))
        began = time.perf_counter()
        call(z)
        spent.append(1e3 * (time.perf_counter() - began))
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--calls", type=int, default=40)
    options = parser.parse_args()
    body = Body(family="dcgan", width=64, depth=0)
    with seeded(0):
        network = generator("dcgan", space=SPACE, latent=LATENT, width=64, depth=0).requires_grad_(False)
    sampler = GeneratorSampler(network, space=SPACE, prior=Prior(LATENT))
    description = Description(space=SPACE, prior=Prior(LATENT), conditions=0, body=body)
    threads = torch.get_num_threads()
    print(
        f"{time.strftime('%Y-%m-%d')}  torch {torch.__version__}  {threads} threads  {' '.join(sys.argv)}\n"
    )

    @torch.inference_mode()
    def eager(z: torch.Tensor) -> object:
        return SPACE.to_declared(network(z))

    ways: dict[str, Callable[[torch.Tensor], object]] = {"eager": eager}
    print("| stored as | MB | difference to the network | same latents differ: mean, most (0–255) |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for precision in PRECISIONS:
            path = Path(folder) / f"{precision}.onnx"
            parity = export_onnx(sampler, dataclasses.replace(description, precision=precision), path)
            opened = open_onnx(path)
            lost = measure(sampler, opened, n=32)
            size = path.stat().st_size / 1e6
            apart = f"{lost.mean:.3g}, {lost.largest:.3g}"
            print(f"| {precision} | {size:.1f} | {parity.difference:.1e} | {apart} |")
            ways[f"ONNX {precision}"] = opened.generate
    ratios: dict[int, float] = {}
    for batch in (1, 8):
        spent: dict[str, list[list[float]]] = {name: [] for name in ways}
        for number in range(options.blocks + 1):
            for name, call in ways.items():
                found = block(call, options.calls // batch + 4, batch)
                if number:  # the first is to get warm
                    spent[name].append(found)
        print(f"\nbatch {batch}\n\n| | median ms | p95 ms | least ms |\n|---|---|---|---|")
        for name, blocks in spent.items():
            every = np.concatenate(blocks)
            print(f"| {name} | {np.median(every):.2f} | {np.percentile(every, 95):.2f} | {every.min():.2f} |")
        medians = {name: [float(np.median(one)) for one in blocks] for name, blocks in spent.items()}
        pairs = zip(medians["eager"], medians["ONNX float32"], strict=True)
        ratios[batch] = statistics.median(eager / onnx for eager, onnx in pairs)
        print(f"\neager / ONNX, median of the blocks: {ratios[batch]:.2f}")
    print(f"\nbar: at least 1 at batch 1: {'held' if ratios[1] >= 1 else 'MISSED'}")
    return int(ratios[1] < 1)


if __name__ == "__main__":
    sys.exit(main())
