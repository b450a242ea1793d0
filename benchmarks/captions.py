"""Pictures from captions: are the words obeyed?

    python benchmarks/captions.py captioned-shapes --kimg 60
    python benchmarks/captions.py noto_emoji72.zip --size 32 --core-minutes 4

A retrieval probe is trained on real pictures and captions alone: a network that reads a picture's phrases,
so that a caption can be scored. For each sample, made from a held-out caption, it picks the caption out of
ten (its own and nine others of the data); chance is 10 %. The same is asked of held-out real pictures. For
captioned-shapes, the colours are also measured without any network: whether the colour that a caption of
one shape names is nearest to that of the sample's coloured places.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganforge.codecs.plots import png
from ganforge.core.condition import Condition
from ganforge.core.rng import permutation
from ganforge.data import Dataset
from ganforge.metrics.classifier import Reader
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import prepare

_OF = 10  # captions, of which one is right


def unit(pictures: Tensor) -> Tensor:
    return pictures.float() / 127.5 - 1.0


def probe(dataset: Dataset, asks: Condition, *, kimg: float, seed: int) -> Reader:
    """A network from real pictures to logits of their phrases, trained on the training part."""
    rows = dataset.train.conditions(asks)
    assert rows is not None
    pictures, wanted = torch.from_numpy(np.array(dataset.train.values)), torch.from_numpy(np.array(rows))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = Reader(tuple(pictures.shape[1:]), asks.size, width=128)
    optimiser = torch.optim.AdamW(reader.parameters(), lr=2e-3, weight_decay=0.05)
    steps = int(kimg * 1000 / 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    order = np.concatenate(
        [permutation(len(pictures), seed=seed, epoch=e) for e in range(1 + steps * 64 // len(pictures))]
    )
    for step in range(steps):
        pick = torch.from_numpy(order[step * 64 : (step + 1) * 64])
        said = (asks.vectors(wanted[pick]) > 0).float()
        x = unit(pictures[pick])
        x = torch.roll(
            x, (int(pick[0]) % 5 - 2, int(pick[1]) % 5 - 2), (2, 3)
        )  # a little of place is no matter
        loss = F.binary_cross_entropy_with_logits(reader(x), said, reduction="sum") / len(pick)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return reader.eval()


@torch.inference_mode()
def found(reader: Reader, pictures: Tensor, own: Tensor, others: Tensor, seed: int) -> float:
    """Share of pictures whose own phrases ``own (N, C)`` score highest beside nine of ``others (M, C)``."""
    likely = F.logsigmoid(reader(unit(pictures)))
    chance = np.random.default_rng(seed)
    right = 0
    for i in range(len(pictures)):
        different = (others != own[i]).any(1).nonzero().flatten().numpy()
        rest = others[torch.from_numpy(chance.choice(different, _OF - 1, replace=False))]
        captions = torch.cat([own[i : i + 1], rest])
        weights = captions / captions.sum(1, keepdim=True)  # the mean logarithm over a caption's phrases
        right += int((weights @ likely[i]).argmax() == 0)
    return right / len(pictures)


def colours_obeyed(pictures: Tensor, captions: list[str], palette: dict[str, Tensor]) -> tuple[float, int]:
    """Share of single-shape captions whose colour is the nearest to the sample's coloured places."""
    names, values = list(palette), torch.stack(list(palette.values()))
    right = total = 0
    for picture, caption in zip(pictures.float(), captions, strict=True):
        named = [name for name in names if name in caption.lower().split()]
        if len(named) != 1 or "," in caption:
            continue
        flat = picture.flatten(1).T  # (H·W, 3)
        ground = flat[[0, 31, -32, -1]].median(0).values
        far = (flat - ground).norm(dim=1)
        shape = flat[far >= 0.6 * far.max()].median(0).values
        right += names[int((values - shape).norm(dim=1).argmin())] == named[0]
        total += 1
    return right / max(total, 1), total


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("data")
    parser.add_argument("--size", type=int)
    parser.add_argument("--kimg", type=float, help="the budget; 60 where neither this nor minutes are given")
    parser.add_argument("--core-minutes", type=float)
    parser.add_argument("--recipe", default="captions")
    parser.add_argument("--probe-kimg", type=float, default=80.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, help="ask this run instead of training one")
    parser.add_argument("--out", type=Path, default=Path("runs/captions"))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    changes = dict(pair.split("=", 1) for pair in options.set)
    budget = {"core_minutes": options.core_minutes, "kimg": options.kimg}
    if options.core_minutes is None and options.kimg is None:
        budget["kimg"] = 60.0
    about = {"recipe": options.recipe, **budget, "seed": options.seed, "changes": changes}
    experiment = prepare(options.data, size=options.size, rescue=False, **about)
    run = options.run
    if run is None:
        trainer = experiment.measure().start(options.out)
        began = time.process_time()
        outcome = trainer.train()
        if not outcome.finished:
            sys.exit(f"{outcome.reason}: no table")
        run, minutes = trainer.run.path, (time.process_time() - began) / 60
        print(f"{run}: {outcome.nimg / 1000:,.1f} kimg, {minutes:.1f} processor minutes", flush=True)
    dataset, sampler = experiment.dataset, load(run)
    asks = sampler.asks
    assert asks is not None
    rows = dataset.held_out.conditions(asks)
    assert rows is not None
    n = min(500, len(rows))
    own = asks.vectors(torch.from_numpy(np.array(rows)))
    reader = probe(dataset, asks, kimg=options.probe_kimg, seed=options.seed)
    z = sampler.prior.seeded(n, seed=options.seed + 7)
    made = sampler.generate(z, own[:n])
    real = torch.from_numpy(np.array(dataset.held_out.values[:n]))
    other = made[torch.randperm(n, generator=torch.Generator().manual_seed(0))]
    print("\n| pictures | their caption found among ten |\n|---|---|")
    for name, pictures in (("samples", made), ("real, held out", real), ("samples of other captions", other)):
        print(f"| {name} | {100 * found(reader, pictures, own[:n], own, options.seed):.1f} % |")
    if options.data == "captioned-shapes":
        from ganforge.data.made import COLOURS

        captions = [f"a {colour} {shape}" for colour in COLOURS for shape in ("circle", "square", "triangle")]
        captions = [caption for caption in captions for _ in range(20)]
        palette = {name: torch.tensor(value, dtype=torch.float32) for name, value in COLOURS.items()}
        wishes = torch.cat([asks.read(caption) for caption in captions])
        asked = sampler.generate(sampler.prior.seeded(len(captions), seed=99), wishes)
        obeyed, total = colours_obeyed(asked, captions, palette)
        print(f"| colour named is the colour shown ({total} samples) | {100 * obeyed:.1f} % |")
    path = run / "captions.png"
    path.write_bytes(png(sampler.space.codec.show(made[:64].numpy())))
    print(f"sheet: {path}")


if __name__ == "__main__":
    main()
