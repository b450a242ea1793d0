"""Two domains, nothing paired: does a digit stay the digit, and does a photograph come near a painter?

    python benchmarks/exchange.py digits MNIST --kimg 40
    python benchmarks/exchange.py painter titian256.zip flowers128_1k.zip --size 128 --weights mobilenet.npz

digits: MNIST in white on black against other MNIST pictures, inverted and coloured by chance; a referee of
each domain, trained on its own real pictures, reads what was carried over, and what came back. painter: the
kernel distance of MobileNet's features from photographs to the painter's works, before and after; whether
the edges stay (correlation of Sobel magnitudes).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganforge.codecs.plots import png
from ganforge.data import load
from ganforge.metrics.classifier import Classifier, train_classifier
from ganforge.metrics.features import sketch
from ganforge.metrics.foreign import mobilenet_v2
from ganforge.metrics.kernel import kernel_distance
from ganforge.metrics.paired import edge_correlation
from ganforge.runs.pictures import side_by_side
from ganforge.runs.translator import load_translator
from ganforge.tasks.experiment import prepare


def train(data: str | Path, source: str | Path, out: Path, **options: Any) -> Path:
    trainer = prepare(data, source=str(source), rescue=False, **options).measure().start(out)
    began = time.process_time()
    outcome = trainer.train()
    if not outcome.finished:
        sys.exit(f"{outcome.reason}: no table")
    minutes = (time.process_time() - began) / 60
    print(f"{trainer.run.path}: {outcome.nimg / 1000:,.1f} kimg, {minutes:.1f} processor minutes", flush=True)
    return trainer.run.path


def coloured(grey: np.ndarray, seed: int) -> np.ndarray:
    """Dark strokes on a bright ground of a random colour, ``(N, 1, H, W)`` → ``(N, 3, H, W)`` uint8."""
    ground = np.random.default_rng(seed).uniform(0.55, 1.0, (len(grey), 3, 1, 1))
    return (ground * (255.0 - 0.9 * grey)).round().astype(np.uint8)


def share(reader: Classifier, pictures: Tensor, labels: np.ndarray) -> float:
    return float((reader.probabilities(pictures).argmax(1) == labels).mean())


def digits(options: argparse.Namespace) -> None:
    found = load(options.data[0])
    assert found.train.labels is not None
    assert found.held_out.labels is not None
    values = np.asarray(found.train.values)
    half = len(values) // 2
    domains = {"plain": np.repeat(values[:half], 3, axis=1), "coloured": coloured(values[half:], 1)}
    labels = {"plain": found.train.labels[:half], "coloured": found.train.labels[half:]}
    folder: Path = options.out / "domains"
    folder.mkdir(parents=True, exist_ok=True)
    for name, pictures in domains.items():
        np.save(folder / f"{name}.npy", pictures)
    changes = {"mirror": False} | dict(pair.split("=", 1) for pair in options.set)
    about: dict[str, Any] = {"recipe": "cyclegan", "kimg": options.kimg, "seed": options.seed}
    run = train(
        folder / "coloured.npy", folder / "plain.npy", options.out / "digits", changes=changes, **about
    )
    few, answers = np.asarray(found.held_out.values[:1000]), found.held_out.labels[:1000]
    start = torch.from_numpy(np.repeat(few, 3, axis=1))
    other = torch.from_numpy(coloured(few, 2))
    readers = {name: train_classifier(domains[name], labels[name], kimg=60, seed=0) for name in domains}
    there, back = load_translator(run), load_translator(run, back=True)
    carried, returned = there.translate(start), back.translate(other)
    rows = [
        ("plain → coloured", share(readers["coloured"], carried, answers)),
        ("plain → coloured → plain", share(readers["plain"], back.translate(carried), answers)),
        ("coloured → plain", share(readers["plain"], returned, answers)),
        ("coloured → plain → coloured", share(readers["coloured"], there.translate(returned), answers)),
        ("real plain ones", share(readers["plain"], start, answers)),
        ("real coloured ones", share(readers["coloured"], other, answers)),
        ("plain ones, left as they are, read as coloured", share(readers["coloured"], start, answers)),
    ]
    print("\n| 1,000 held-out digits | read as their class |\n|---|---|")
    for name, kept in rows:
        print(f"| {name} | {100 * kept:.1f} % |")
    (options.out / "digits.png").write_bytes(
        png(side_by_side(start[:24], carried[:24], returned[:24], there.space))
    )
    print(f"sheet: {options.out / 'digits.png'} (plain, carried there; another coloured one, brought back)")


def painter(options: argparse.Namespace) -> None:
    paintings, photos = options.data
    changes = dict(pair.split("=", 1) for pair in options.set)
    about: dict[str, Any] = {
        "recipe": "painter",
        "kimg": options.kimg,
        "seed": options.seed,
        "size": options.size,
    }
    run = train(paintings, photos, options.out / "painter", changes=changes, **about)
    side = options.size
    works = np.array(load(paintings, size=side, held_out=0.0).train.values)
    source = torch.from_numpy(np.array(load(photos, size=side).held_out.values))
    made = load_translator(run).translate(source)
    extractor = mobilenet_v2(options.weights) if options.weights else sketch(works)
    reals = extractor(works)
    before, after = (kernel_distance(extractor(x), reals, seed=0).value for x in (source, made))
    floor = kernel_distance(reals[::2], reals[1::2], seed=0).value
    kept = edge_correlation(made, source)
    print(f"\n{len(source)} held-out photographs, {len(works)} paintings; distances on {extractor.name}\n")
    print("| | |\n|---|---|")
    print(f"| photographs to the painter's works | {before:.4g} |")
    print(f"| what is made of them | {after:.4g} ({100 * (1 - after / before):.0f} % less) |")
    print(f"| half of the works to the other half | {floor:.4g} |")
    print(f"| edges kept: correlation | {kept.mean():.3f} (least {kept.min():.3f}) |")
    space = load_translator(run).space
    sheet = side_by_side(source[:24], made[:24], torch.from_numpy(works[:24]), space)
    (options.out / "painter.png").write_bytes(png(sheet))
    print(f"sheet: {options.out / 'painter.png'} (photograph, painted, some painting)")


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("task", choices=("digits", "painter"))
    parser.add_argument("data", nargs="+")
    parser.add_argument("--size", type=int)
    parser.add_argument("--kimg", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/exchange"))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    (digits if options.task == "digits" else painter)(options)


if __name__ == "__main__":
    main()
