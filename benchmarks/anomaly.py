"""Anomalies found by the inference game, beside what needs no training.

MNIST, leave one digit out: the recipe `bigan` is trained on nine digits of the training set and asked about
the whole test set, where the tenth digit is the anomaly; ten times. Magnetic tiles: trained on tiles without
a defect, in patches and whole, asked about other such tiles and all defective ones.

    python benchmarks/anomaly.py MNIST                    the ten digits
    python benchmarks/anomaly.py MNIST TILES              and the tiles, a zip or a folder
    python benchmarks/anomaly.py MNIST --digits 0 1 --seed 100

AUROC is the chance that an anomaly scores higher than a normal example. Nothing is fitted to anomalies: signs
are standardised on normal examples that were held out from training.
"""

from __future__ import annotations

import argparse
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.data import Dataset, Examples, Scan
from ganforge.data.idx import read_idx_array
from ganforge.latent.anomaly import SIGNS, Normal, auroc, look, remember
from ganforge.networks.players import Inverse
from ganforge.recipes import bigan
from ganforge.runs.sampler import sampler_of
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds

HELD_OUT = 2_000  # normal examples that signs are standardised on
MEMORY = 10_000  # normal examples that the nearest is sought among
PATCH = 32
DEFECTS = ("MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven")


def train(recipe: Recipe, values: np.ndarray, space: Space) -> Rounds:
    """The recipe's game on ``values (n, *shape)``, to the end of its budget."""
    part = Examples(values, None, np.arange(len(values)))
    scan = Scan(source="", form="", kind=space.kind, count=len(values), shape=space.shape)
    data = Dataset(space, part, replace(part, values=values[:0]), {}, scan)
    rounds = Rounds(recipe, data, Engine(device=torch.device("cpu"), channels_last=True))
    while rounds.nimg < 1000 * recipe.kimg:
        rounds.play(rounds.nimg / (1000 * recipe.kimg))
    return rounds


def scorer(rounds: Rounds, values: np.ndarray, space: Space) -> Callable[[np.ndarray], dict[str, Tensor]]:
    """Examples ``(N, *shape)`` to their signs, by the players as they are now."""
    both = rounds.average.network
    assert isinstance(both, Inverse)
    sampler = sampler_of(both, rounds.recipe, space)
    judge = rounds.game.players["discriminator"]
    encoder = both.encoder
    memory = remember(space, torch.from_numpy(values[:MEMORY]), encoder=encoder)

    def signs(examples: np.ndarray) -> dict[str, Tensor]:
        seen = look(
            sampler,
            torch.from_numpy(examples),
            encoder=encoder,
            judge=judge,
            of_pairs=True,
            memory=memory,
        )
        return seen.signs

    return signs


# --------------------------------------------------------------------------- baselines


def nearest(queries: np.ndarray, known: np.ndarray, *, unit: bool = False) -> Tensor:
    """Squared distance of ``queries (N, …)`` to the nearest of ``known (M, …)``, ``(N,)``; of unit length."""
    q, k = (torch.from_numpy(x).flatten(1).float() / 255 for x in (queries, known))
    if unit:
        q, k = F.normalize(q, dim=1), F.normalize(k, dim=1)
    best = torch.full((len(q),), torch.inf)
    lengths = q.square().sum(1)
    for part in k.split(10_000):
        for start in range(0, len(q), 1_000):
            rows = slice(start, start + 1_000)
            apart = lengths[rows, None] + part.square().sum(1) - 2 * q[rows] @ part.T
            best[rows] = torch.minimum(best[rows], apart.amin(1))
    return best


def principal(queries: np.ndarray, known: np.ndarray, count: int = 16) -> Tensor:
    """What ``count`` principal components of ``known (M, …)`` leave of ``queries (N, …)``, ``(N,)``."""
    q, k = (torch.from_numpy(x).flatten(1).float() / 255 for x in (queries, known))
    mean = k.mean(0)
    _, vectors = torch.linalg.eigh((k - mean).T @ (k - mean))
    basis, away = vectors[:, -count:], q - mean
    return (away - away @ basis @ basis.T).square().sum(1)


# --------------------------------------------------------------------------- MNIST


def _read(folder: Path, pattern: str) -> np.ndarray:
    return read_idx_array(next(iter(sorted(folder.glob(pattern))))).copy()  # torch wants it writable


def digits(
    folder: Path, which: list[int], *, kimg: float, seed: int
) -> Iterator[tuple[int, dict[str, float]]]:
    """Each left-out digit and the AUROC of every score."""
    x, test = (_read(folder, f"{part}-images*")[:, None] for part in ("train", "t10k"))
    y, truth = (_read(folder, f"{part}-labels*") for part in ("train", "t10k"))
    space = Space(kind="pictures", shape=(1, 28, 28))
    baselines: dict[str, dict[int, Tensor]] = {"nearest": {}, "nearest, unit": {}}
    for digit in range(10):
        for name, by in baselines.items():
            by[digit] = nearest(test, x[y == digit], unit=name != "nearest")
    for digit in which:
        began = time.process_time()
        normal = np.flatnonzero(y != digit)
        np.random.default_rng(seed).shuffle(normal)
        held_out, known = x[normal[:HELD_OUT]], x[normal[HELD_OUT:]]
        rounds = train(replace(bigan.recipe(space, len(known)), kimg=kimg, seed=seed), known, space)
        signs = scorer(rounds, known, space)
        found, strange = signs(test), torch.from_numpy(truth == digit)
        scores = {"combined": Normal.of(signs(held_out)).score(found)} | found
        for name, by in baselines.items():
            scores[name] = torch.stack([by[other] for other in range(10) if other != digit]).amin(0)
        scores["principal"] = principal(test, known)
        row = {name: auroc(score, strange) for name, score in scores.items()}
        yield digit, row | {"seconds": time.process_time() - began}


# --------------------------------------------------------------------------- tiles


def tiles(place: Path) -> dict[str, np.ndarray]:
    """Grey pictures ``(N, 128, 128)`` uint8 of each kind."""
    files: list[tuple[str, bytes]] = []
    if place.is_dir():
        files = [(str(path.relative_to(place)), path.read_bytes()) for path in sorted(place.rglob("*.jpg"))]
    else:
        with zipfile.ZipFile(place) as archive:
            files = [
                (name, archive.read(name)) for name in sorted(archive.namelist()) if name.endswith(".jpg")
            ]
    kinds: dict[str, list[np.ndarray]] = {}
    for name, content in files:  # the .png beside each is the defect's mask
        with Image.open(io.BytesIO(content)) as image:
            grey = np.asarray(image.convert("L").resize((128, 128), Image.Resampling.BICUBIC), np.float32)
        # Tiles are lit differently: each gets the same mean.
        made = np.clip(np.rint(grey - grey.mean() + 128), 0, 255).astype(np.uint8)
        kinds.setdefault(Path(name).parent.name, []).append(made)
    return {kind: np.stack(pictures) for kind, pictures in kinds.items()}


def patches(pictures: np.ndarray, step: int = PATCH) -> np.ndarray:
    """``(N, 128, 128)`` → ``(N · K, 1, 32, 32)``, K patches a picture."""
    places = range(0, pictures.shape[1] - PATCH + 1, step)
    cut = [pictures[:, i : i + PATCH, j : j + PATCH] for i in places for j in places]
    return np.ascontiguousarray(np.stack(cut, 1).reshape(-1, 1, PATCH, PATCH))


def whole(pictures: np.ndarray) -> np.ndarray:
    """``(N, 128, 128)`` → ``(N, 1, 32, 32)``, each number the mean of 4×4."""
    small = F.avg_pool2d(torch.from_numpy(pictures[:, None]).float(), 4)
    return small.round().byte().numpy()


def same_tile(pictures: np.ndarray, alike: float = 0.9) -> np.ndarray:
    """A number for each of the pictures ``(N, 128, 128)``, the same where a chain of likeness joins two.

    The same tile was photographed several times, which file names do not tell. A random split would have
    nearly each normal picture's twin among those trained on (correlation .99 in the median), and no
    defective one's: then who knows the tiles by heart seems to know defects.
    """
    x = torch.from_numpy(whole(pictures)).flatten(1).float()
    x = F.normalize(x - x.mean(1, keepdim=True), dim=1)
    close = x @ x.T > alike
    own = torch.arange(len(x))
    while True:  # each takes the lowest number among those that it is like
        lower = torch.where(close, own[None], len(x)).amin(1)
        if torch.equal(lower, own):
            return own.numpy()
        own = lower


def in_three(group: np.ndarray, seed: int) -> list[np.ndarray]:
    """Rows to train on (about 60 %), held out (10 %) and to test on (30 %), whole groups each."""
    order = np.unique(group)
    np.random.default_rng(seed).shuffle(order)
    sizes = np.array([(group == one).sum() for one in order])
    share = np.cumsum(sizes) / len(group) - sizes / len(group) / 2  # of each group's middle
    part = np.digitize(share, [0.6, 0.7])
    return [np.flatnonzero(np.isin(group, order[part == i])) for i in range(3)]


def highest(scores: Tensor, n: int) -> Tensor:
    """A tile is as strange as its strangest part: ``(n · K,)`` → ``(n,)``."""
    return scores.reshape(n, -1).amax(1)


def defects(place: Path, view: str, *, kimg: float, seed: int) -> dict[str, dict[str, float]]:
    """AUROC of every score for each kind of defect, and for all of them; seen in patches or whole."""
    kinds = tiles(place)
    free = kinds["MT_Free"]
    known, held_out, normal = (free[rows] for rows in in_three(same_tile(free), seed))
    print(f"\n{len(known)} tiles to train on, {len(held_out)} held out, {len(normal)} normal ones to test on")
    space = Space(kind="pictures", shape=(1, PATCH, PATCH))
    see = patches if view == "patches" else whole
    training = patches(known, PATCH // 2) if view == "patches" else whole(known)
    np.random.default_rng(seed).shuffle(training)
    recipe = replace(bigan.recipe(space, len(training)), kimg=kimg, seed=seed, mirror=view == "whole")
    rounds = train(recipe, training, space)
    signs = scorer(rounds, training, space)
    measure = Normal.of(signs(see(held_out)))

    def scores(pictures: np.ndarray) -> dict[str, Tensor]:
        seen = see(pictures)
        found = signs(seen)
        each = {"combined": measure.score(found)} | found
        each |= {"nearest": nearest(seen, training[:20_000]), "principal": principal(seen, training)}
        made = {name: highest(score, len(pictures)) for name, score in each.items()}
        small = [F.avg_pool2d(torch.from_numpy(x[:, None]).float(), 2).numpy() for x in (pictures, known)]
        return made | {"nearest at 64": nearest(*small)}

    good = scores(normal)
    bad = {kind: scores(kinds[kind]) for kind in DEFECTS if kind in kinds}
    bad["all defects"] = {name: torch.cat([one[name] for one in bad.values()]) for name in good}
    return {
        kind: {
            name: auroc(
                torch.cat([found[name], good[name]]),
                torch.arange(len(found[name]) + len(normal)) < len(found[name]),
            )
            for name in good
        }
        for kind, found in bad.items()
    }


# --------------------------------------------------------------------------- tables


def line(name: str, row: dict[str, float], columns: list[str]) -> str:
    return f"| {name} | " + " | ".join(f"{row[column]:.3f}" for column in columns) + " |"


def head(first: str, columns: list[str]) -> str:
    return f"\n| {first} | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("mnist", type=Path, help="the folder of MNIST's IDX files")
    parser.add_argument("tiles", type=Path, nargs="?", help="the magnetic tiles, a zip or a folder")
    parser.add_argument("--digits", type=int, nargs="*", default=list(range(10)))
    parser.add_argument("--views", nargs="*", default=["patches", "whole"], choices=["patches", "whole"])
    parser.add_argument("--kimg", type=float, default=120, help="of each training")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    columns = ["combined", *SIGNS, "nearest", "nearest, unit", "principal"]
    rows: list[dict[str, float]] = []
    if options.digits:
        print(head("left out", columns), flush=True)
    for digit, row in digits(options.mnist, options.digits, kimg=options.kimg, seed=options.seed):
        rows.append(row)
        print(line(str(digit), row, columns), flush=True)
    if rows:
        mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        print(line("mean", mean, columns))
        print(f"\n{mean['seconds']:.0f} seconds of one thread a digit", flush=True)
    for view in options.views if options.tiles is not None else []:
        columns = ["combined", *SIGNS, "nearest", "principal", "nearest at 64"]
        # There are 571 whole tiles: half the budget shows each often enough.
        kimg = options.kimg if view == "patches" else options.kimg / 2
        found = defects(options.tiles, view, kimg=kimg, seed=options.seed)
        print(head(f"defect, {view}", columns))
        for kind, row in found.items():
            print(line(kind, row, columns), flush=True)
    return 0 if not rows or float(np.mean([row["combined"] for row in rows])) >= 0.8 else 1


if __name__ == "__main__":
    raise SystemExit(main())
