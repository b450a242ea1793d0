"""Rows of tables: told from real, useful, and what they repeat, beside two opponents without a game.

Protocol: Adult (UCI, 32,561 rows) with 10,000 rows held out by chance, and three tables of scikit-learn
(wine, breast cancer, diabetes) with a third held out. `gan train FILE.csv --core-minutes M` on the training
rows, with no option but the budget and the seed; as many rows are made as are held out. The scorer is
``ganforge.metrics.table_scores`` on the held-out rows: boosted trees that learn on one half and are judged on
the other, both ways. *real* is training rows in the place of made ones. Conditions: 20 random subsets of
columns, each as one made row has them, 500 rows; and rows of ``income=>50K`` against real ones.

Bar on Adult: told from real ≤ .70; useful for income AUC ≥ .89 and F1 ≥ .64; rare words ≥ .8; broken rules ≤
.01; no more copies than held-out rows have; nearer to training rows ≤ .53. Elsewhere: ahead of copula and
independent columns in both.

    python benchmarks/tables.py [--minutes 15] [--seeds 0] [--adult FILE] [--only adult]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn import datasets

import ganforge
from ganforge.codecs.rows.codec import with_gaps
from ganforge.codecs.rows.reader import read_rows, write_frame
from ganforge.core.recipe import TableFormat
from ganforge.metrics import tables
from ganforge.metrics.table_scores import table_scores
from ganforge.runs.sampler import load

ADULT = Path(__file__).parents[2] / "shared" / "data" / "adult.csv.gz"


def adult(file: Path, seed: int) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Training and held-out rows as columns of cells."""
    with gzip.open(file, "rt") as text:
        head, *rows = (row for row in csv.reader(text, skipinitialspace=True) if row)
    order = np.random.default_rng(seed).permutation(len(rows))
    parts = [[rows[i] for i in order[10_000:]], [rows[i] for i in order[:10_000]]]
    train, held = ({name: [row[k] for row in part] for k, name in enumerate(head)} for part in parts)
    return train, held


def of_sklearn(name: str, seed: int) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    found: Any = getattr(datasets, f"load_{name}")()
    columns = {str(column): found.data[:, k].tolist() for k, column in enumerate(found.feature_names)}
    names = getattr(found, "target_names", None)
    target = (
        found.target.tolist()
        if names is None or name == "diabetes"
        else [str(names[i]) for i in found.target]
    )
    columns["target"] = target
    order = np.random.default_rng(seed).permutation(len(target))
    cut = len(target) // 3
    held, train = (
        {k: [v[i] for i in part] for k, v in columns.items()} for part in (order[:cut], order[cut:])
    )
    return train, held


def score(
    name: str, train: dict[str, list[Any]], held: dict[str, list[Any]], minutes: float, seed: int
) -> Path:
    folder = Path(tempfile.mkdtemp())
    write_frame(train, folder / "train.csv")
    began = time.process_time()
    run = ganforge.train(
        folder / "train.csv", out=folder / "run", core_minutes=minutes, seed=seed, table__what="rows"
    )
    spent = (time.process_time() - began) / 60
    sampler = load(run.path)
    maker = sampler.rows_maker()
    columns = maker.codec.fitted.modelled
    n = len(next(iter(held.values())))
    # Held-out cells as the run's own codes.
    places = [{word: i for i, word in enumerate(column.levels)} for column in columns]
    real = np.array(
        [
            [
                column.gap if cell in ("", column.missing) else _code(column, place, cell)
                for column, place in zip(columns, places, strict=True)
                for cell in [_cell(held[column.name][i])]
            ]
            for i in range(n)
        ]
    )
    known = read_rows(folder / "train.csv", TableFormat(what="rows")).values
    began = time.process_time()
    made = maker.rows(n, seed=seed + 1)
    print(
        f"\n## {name}, seed {seed}: {minutes:g} core minutes asked, {spent:.1f} spent, {len(known):,} rows to"
    )
    print(f"train on, {n:,} held out; {n:,} rows made in {time.process_time() - began:.1f} s\n")
    scores, notes = table_scores(made, known, real, maker.codec.facts(), split="held-out", seed=seed)
    print("| score | made | real | copula | independent |\n|---|---|---|---|---|")
    for one in scores:
        others = [one.protocol.settings.get(who, "") for who in ("copula", "independent")]
        print(f"| {one.name} | {one.value:.3f} | {one.floor:.3f} | {others[0]} | {others[1]} |")
    for note in notes:
        print(f"\n{note}")
    _conditions(maker, real, seed)
    sys.stdout.flush()


def _cell(value: Any) -> str:
    return str(value)


def _code(column: Any, place: dict[str, int], cell: str) -> float:
    found = column.code(cell) if column.ordered else place.get(cell)
    return column.gap if found is None else float(found)


def _conditions(maker: Any, real: np.ndarray, seed: int) -> None:
    columns = maker.codec.fitted.modelled
    rng = np.random.default_rng(seed)
    rows = maker.rows(200, seed=seed)
    obeyed = asked = 0
    for _ in range(20):
        row = rows[rng.integers(len(rows))]
        which = rng.permutation(len(columns))[: rng.integers(1, len(columns))].tolist()
        # An order that was mended may have made a number that the data do not have.
        known = {i: block.values for i, block in maker.fitted.blocks.items()}
        which = [i for i in which if i not in known or row[i] in known[i] or row[i] == columns[i].gap]
        cells = {columns[i].name: columns[i].cells(row[[i]])[0] for i in which}
        made = maker.rows(500, where=cells, seed=seed)
        asked += 500
        obeyed += int(np.all([made[:, i] == row[i] for i in which], axis=0).sum())
    print(f"\n20 random subsets of columns: {obeyed:,} of {asked:,} rows are as they were asked for")
    last = columns[-1]
    if last.kind == "yes-no":
        word = last.levels[-1]
        made = maker.rows(3_000, where={last.name: word}, seed=seed)
        some = real[real[:, -1] == len(last.levels) - 1]
        words = [not column.ordered for column in columns]
        area = tables.told_apart(with_gaps(columns, some), with_gaps(columns, made), words)
        print(f"\nrows of {last.name}={word} told from {len(some):,} real ones: {area:.3f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--adult", type=Path, default=ADULT)
    parser.add_argument("--only", nargs="+", default=["adult", "wine", "breast_cancer", "diabetes"])
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"ganforge {ganforge.__version__}, torch {torch.__version__}, scikit-learn {sklearn.__version__},")
    print(f"{platform.machine()}, one thread")
    for seed in options.seeds:
        for name in options.only:
            parts = adult(options.adult, seed) if name == "adult" else of_sklearn(name, seed)
            score(name, *parts, options.minutes if name == "adult" else min(options.minutes, 1.0), seed)


if __name__ == "__main__":
    main()
