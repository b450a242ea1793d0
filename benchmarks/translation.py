"""Translations against baselines without a game: labels to photos, enlarging, filling, colouring, and others.

Each task is trained twice for the same processor time, by its recipe and by absolute distance alone (the same
network, no discriminator), and scored on held-out pictures beside what needs no training at all.

    python benchmarks/translation.py facades facades_128pairs.zip --size 64 --kimg 20
    python benchmarks/translation.py super-resolution celeba64_10k.zip --weights mobilenet_v2_quant.npz
    python benchmarks/translation.py next-frame MNIST        a folder of its files: moving MNIST is made

Rows: PSNR and SSIM (nearness to the one target), sharpness (1 is the target's), and the kernel distance of
MobileNet's features to those of real pictures (whether the pictures look real; named after its extractor).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganforge.codecs.plots import png
from ganforge.core.space import Space
from ganforge.data import load as load_data
from ganforge.data.made import bouncing
from ganforge.metrics.features import Extractor, sketch
from ganforge.metrics.foreign import mobilenet_v2
from ganforge.metrics.kernel import kernel_distance
from ganforge.metrics.paired import feature_distance, psnr, sharpness, ssim
from ganforge.runs.inputs import Kept, source_space
from ganforge.runs.pictures import side_by_side
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import Experiment, prepare
from ganforge.training.clock import Budget
from ganforge.training.rounds import preview_inputs

_SEEN = 512  # held-out pictures, at most


@dataclass(frozen=True)
class Task:
    """A recipe, its inputs where the recipe has none, and the baseline that needs no training."""

    recipe: str
    source: str | None
    baseline: str
    without: Callable[[Tensor, Space], Tensor]


def enlarged(source: Tensor, space: Space) -> Tensor:
    """Bicubic, as any viewer does."""
    return F.interpolate(source, size=space.spatial, mode="bicubic", antialias=False).clamp(-1, 1)


def itself(source: Tensor, space: Space) -> Tensor:
    """The input in the channels of the target: the last frame, the picture without its mask."""
    x = source[:, -space.channels :]
    return x.expand(-1, space.channels, -1, -1) if x.shape[1] == 1 else x


TASKS = {
    "facades": Task("pix2pix", "right", "the input itself", itself),
    "super-resolution": Task("super-resolution", None, "bicubic", enlarged),
    "inpainting": Task("inpainting", None, "the hole left grey", itself),
    "colourisation": Task("colourisation", None, "left grey", itself),
    "scribbles": Task("scribbles", None, "the input itself", itself),
    "next-frame": Task("next-frame", "previous:3", "the last frame again", itself),
}


def moving(mnist: Path, scratch: Path) -> str:
    """Clips of two digits that bounce in 64×64 (Srivastava et al. 2015, section 3.1), as a file."""
    file = scratch / "moving-mnist.npy"
    if not file.is_file():
        digits = np.asarray(load_data(mnist, held_out=0.0).train.values[:, 0])
        scratch.mkdir(parents=True, exist_ok=True)
        np.save(file, bouncing(digits, clips=1_000, frames=10, side=64, seed=0))
    return str(file)


def prepared(task: Task, data: str, *, alone: bool, **options: Any) -> Experiment:
    """The experiment by the recipe, or by absolute distance alone."""
    changes = dict(options.pop("changes"))
    if alone:
        changes = {key: value for key, value in changes.items() if not key.startswith("terms")}
        changes |= {"adversarial_weight": 0.0, "terms": ({"name": "l1", "weight": 10.0},)}
    options |= {"recipe": task.recipe, "source": task.source, "changes": changes, "rescue": False}
    return prepare(data, **options)


def trained(experiment: Experiment, out: Path) -> tuple[Path, float]:
    """Train; gives the run, and the processor seconds that it took."""
    trainer = experiment.measure().start(out)
    began = time.process_time()
    outcome = trainer.train()
    seconds = time.process_time() - began
    if not outcome.finished:
        sys.exit(f"{outcome.reason}: no table")
    print(
        f"{trainer.run.path}: {outcome.nimg / 1000:,.1f} kimg, {seconds / 60:.1f} processor minutes",
        flush=True,
    )
    return trainer.run.path, seconds


def pace(experiment: Experiment) -> float:
    """Processor seconds for a thousand examples: one run less a shorter one, so starting is free."""
    spent: list[float] = []
    for kimg in (0.5, 2.0):
        with tempfile.TemporaryDirectory() as scratch:
            short = replace(experiment, budget=Budget(kimg=kimg)).measure().start(Path(scratch) / "run")
            began = time.process_time()
            short.train()
            spent.append(time.process_time() - began)
    return (spent[1] - spent[0]) / 1.5


def made_by(run: Path, kept: Kept) -> Tensor:
    """What the run makes of the inputs, uint8, by the newest moment: a budget's end is part of the recipe."""
    sampler = load(run, moment="newest")
    return sampler.generate(kept.inputs.flatten(1))


def row(name: str, made: Tensor, target: Tensor, extractor: Extractor, reals: Any) -> str:
    features = extractor(made)
    distance = kernel_distance(features, reals, seed=0).value
    own = feature_distance(torch.from_numpy(features), torch.from_numpy(extractor(target))).mean()
    numbers = [f"{psnr(made, target).clamp(max=99).mean():.2f}", f"{ssim(made, target).mean():.3f}"]
    numbers += [f"{sharpness(made, target).mean():.2f}", f"{distance:.4g}", f"{own:.3f}"]
    return f"| {name} | {' | '.join(numbers)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("data")
    parser.add_argument("--size", type=int)
    parser.add_argument("--kimg", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path, help="mobilenet_v2_quant.npz; else a sketch")
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    task = TASKS[options.task]
    changes = dict(pair.split("=", 1) for pair in options.set)
    about = {"size": options.size, "seed": options.seed, "changes": changes}
    data: str = options.data
    if options.task == "next-frame" and Path(data).is_dir() and any(Path(data).glob("*idx3*")):
        data = moving(Path(data), options.out / "scratch")
    game = prepared(task, data, alone=False, kimg=options.kimg, **about)
    run, seconds = trained(game, options.out / options.task)
    alone = prepared(task, data, alone=True, **about)
    kimg = seconds / pace(alone)
    alone = prepared(task, data, alone=True, kimg=kimg, **about)
    plain, _ = trained(alone, options.out / f"{options.task}-l1")
    kept = preview_inputs(game.recipe, game.dataset)
    assert kept is not None
    space = load(run).space
    target = space.to_declared(kept.targets)
    half = len(target) // 2
    extractor = mobilenet_v2(options.weights) if options.weights else sketch(target.numpy())
    reals = extractor(target)
    made = {
        name: made_by(path, kept) for name, path in ((task.recipe, run), ("absolute distance alone", plain))
    }
    print(f"\n{len(target)} held-out pictures, {space.describe()}; distances on {extractor.name}\n")
    print("| | PSNR | SSIM | sharpness | kernel distance | own target, share of another's |")
    print("|---|---|---|---|---|---|")
    for name, pictures in made.items():
        print(row(name, pictures, target, extractor, reals))
    print(row(task.baseline, space.to_declared(task.without(kept.inputs, space)), target, extractor, reals))
    floor = kernel_distance(reals[:half], reals[half:], seed=0).value
    print(f"| real against real (halves) | – | – | – | {floor:.4g} | – |")
    source = source_space(space).to_declared(kept.inputs)
    for name, pictures in made.items():
        sheet = side_by_side(source[:24], pictures[:24], target[:24], space)
        path = options.out / f"{options.task}-{name.split()[0]}.png"
        path.write_bytes(png(sheet))
        print(f"sheet: {path}")


if __name__ == "__main__":
    main()
