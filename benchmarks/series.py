"""Series: told from real by two referees, useful, and how they depend on time, beside two opponents.

Protocol: three csv of series (vowels: 270 utterances of 7 to 29 steps and 12 features; motions: 40
recordings of 100 steps and 6 features; power: 67 days of 24 hours), each with a column that says which
series are the training part. `gan train FILE.csv --core-minutes M` on these, without that column, with no
option but the budget and the seed; then as many series are made as the test part has. The scorer is
``ganforge.metrics.series_scores`` on the test part: boosted trees on window features and a 1-D network,
which learn on one half and are judged on the other, both ways. *real* is the training part in the place of
made series. VAR(1) is a vector autoregression; the block bootstrap is put together from stretches of
training series, so it is a copy.

Bar: told from real ≤ .80 by both referees; class accuracy ≥ .9 of real; error of the autocorrelation ≤ half
of VAR(1)'s. Medians over the seeds are printed last.

    python benchmarks/series.py [--minutes 15] [--seeds 0] [--data FOLDER] [--only vowels motions power]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch

import ganforge
from ganforge.codecs.series.reader import read_series
from ganforge.core.recipe import FOUND
from ganforge.metrics.score import Score
from ganforge.metrics.series_scores import series_scores
from ganforge.runs.sampler import load
from ganforge.runs.series import SeriesMaker

DATA = Path(__file__).parents[2] / "shared" / "data" / "series"


def parts(file: Path, folder: Path) -> list[Path]:
    """The training and the test part as files without the column ``part``."""
    with gzip.open(file, "rt") as text:
        head, *rows = csv.reader(text)
    at = head.index("part")
    found: list[Path] = []
    for part in ("train", "test"):
        found.append(folder / f"{part}.csv")
        with open(found[-1], "w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(head[:at] + head[at + 1 :])
            writer.writerows(row[:at] + row[at + 1 :] for row in rows if row[at] == part)
    return found


def padded(codes: np.ndarray, steps: int) -> np.ndarray:
    """``(N, K, T)`` with so many steps; what is the same at every step stays so."""
    more = steps - codes.shape[2]
    return codes if more <= 0 else np.concatenate([codes, np.repeat(codes[:, :, -1:], more, 2)], 2)


def _as_known(real: np.ndarray, known: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Words of the test part's attributes get the codes that they have in the training part."""
    for k, i in enumerate(own["constants"]):
        words, others = (about["columns"][i]["levels"] for about in (own, known))
        if words:
            codes = np.array([others.index(word) for word in words], float)
            real[:, 2 + k] = codes[real[:, 2 + k].astype(int)]


def score(name: str, file: Path, minutes: float, seed: int) -> list[Score]:
    folder = Path(tempfile.mkdtemp())
    train, test = parts(file, folder)
    began = time.process_time()
    run = ganforge.train(train, out=folder / "run", core_minutes=minutes, seed=seed)
    spent = (time.process_time() - began) / 60
    maker = load(run.path).file_maker()
    assert isinstance(maker, SeriesMaker)
    raws = [read_series(path, FOUND, sure=True) for path in (train, test)]
    known, real = (raw.values for raw in raws if raw is not None)
    _as_known(real, *(raw.about for raw in raws if raw is not None))
    began = time.process_time()
    made = maker.series(len(real), seed=seed + 1)
    print(
        f"\n## {name}, seed {seed}: {minutes:g} core minutes asked, {spent:.1f} spent, {len(known):,} series"
    )
    print(f"to train on, {len(real):,} held out; as many made in {time.process_time() - began:.1f} s\n")
    steps = max(known.shape[2], real.shape[2])
    made, known, real = (padded(x, steps) for x in (made, known, real))
    scores, _ = series_scores(made, known, real, maker.codec.facts(), split="held-out", seed=seed)
    print("| score | made | real | VAR(1) | block bootstrap |\n|---|---|---|---|---|")
    for one in scores:
        others = [one.protocol.settings.get(who, "") for who in ("VAR(1)", "block bootstrap")]
        print(f"| {one.name} | {one.value:.3f} | {one.floor:.3f} | {others[0]} | {others[1]} |")
    sys.stdout.flush()
    return scores


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", nargs="+", default=["vowels", "motions", "power"])
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"ganforge {ganforge.__version__}, torch {torch.__version__}, scikit-learn {sklearn.__version__},")
    print(f"{platform.machine()}, one thread")
    for name in options.only:
        all_scores = [
            score(name, options.data / f"{name}.csv.gz", options.minutes, seed) for seed in options.seeds
        ]
        print(f"\n### {name}: medians of {len(options.seeds)} seeds\n")
        for one in zip(*all_scores, strict=True):
            value, floor = (float(np.median([getattr(x, part) for x in one])) for part in ("value", "floor"))
            var = float(np.median([float(x.protocol.settings["VAR(1)"]) for x in one]))
            print(f"- {one[0].name}: {value:.3f} (real {floor:.3f}, VAR(1) {var:.3f})")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
