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

    python benchmarks/tables.py [--minutes 15] [--seeds 0] [--adult FILE] [--only adult FILE.csv …]

Beside others: ``--parts FOLDER`` writes the training and the held-out rows of a table and a seed, and
``--made FILE`` scores rows that somebody has made of the training rows.
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
from typing import Any, cast

import numpy as np
import sklearn
import torch
from sklearn import datasets

import ganforge
from ganforge.codecs.rows.codec import Rows, with_gaps
from ganforge.codecs.rows.reader import read_rows, write_frame
from ganforge.core.recipe import TableFormat
from ganforge.core.space import Space
from ganforge.metrics import tables
from ganforge.metrics.table_scores import table_scores
from ganforge.runs.rows import RowsMaker
from ganforge.runs.sampler import load

Columns = dict[str, list[Any]]

ADULT = Path(__file__).parents[2] / "shared" / "data" / "adult.csv.gz"


def of_file(file: Path, seed: int) -> tuple[Columns, Columns]:
    """Training and held-out rows as columns of cells; at most 10,000 rows and a third are held out."""
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", newline="") as text:
        head, *rows = (row for row in csv.reader(text, skipinitialspace=True) if row)
    return _parts({name: [row[k] for row in rows] for k, name in enumerate(head)}, seed)


def of_sklearn(name: str, seed: int) -> tuple[Columns, Columns]:
    found: Any = getattr(datasets, f"load_{name}")()
    columns = {str(column): found.data[:, k].tolist() for k, column in enumerate(found.feature_names)}
    names = getattr(found, "target_names", None)
    target = (
        found.target.tolist()
        if names is None or name == "diabetes"
        else [str(names[i]) for i in found.target]
    )
    columns["target"] = target
    return _parts(columns, seed)


def _parts(columns: Columns, seed: int) -> tuple[Columns, Columns]:
    n = len(next(iter(columns.values())))
    order = np.random.default_rng(seed).permutation(n)
    cut = min(n // 3, 10_000)
    held, train = (
        {k: [v[i] for i in part] for k, v in columns.items()} for part in (order[:cut], order[cut:])
    )
    return train, held


def score(name: str, parts: tuple[Columns, Columns], minutes: float, seed: int) -> None:
    """Train as a person would, and print all scores."""
    folder = Path(tempfile.mkdtemp())
    file = folder / "train.csv"
    write_frame(parts[0], file)
    began = time.process_time()
    run = ganforge.train(file, out=folder / "run", core_minutes=minutes, seed=seed, table__what="rows")
    spent = (time.process_time() - began) / 60
    maker = load(run.path).rows_maker()
    n = len(next(iter(parts[1].values())))
    began = time.process_time()
    made = maker.rows(n, seed=seed + 1)
    took = time.process_time() - began
    print(f"\n## {name}, seed {seed}: {minutes:g} core minutes asked, {spent:.1f} spent; {n:,} rows made in")
    print(f"{took:.1f} s")
    real = codes(maker.codec, parts[1])
    _scores(maker.codec, made, read_rows(file, TableFormat(what="rows")).values, real, seed)
    _conditions(maker, real, seed)
    sys.stdout.flush()


def score_file(name: str, parts: tuple[Columns, Columns], made: Path, seed: int) -> None:
    """Print the scores of rows that somebody else has made of the same training rows."""
    file = Path(tempfile.mkdtemp()) / "train.csv"
    write_frame(parts[0], file)
    raw = read_rows(file, TableFormat(what="rows"))
    space = Space(shape=raw.shape, kind="rows")
    codec = cast(Rows, space.codec.fit(raw.values, raw.about, standardise=True).codec)
    with made.open(newline="") as text:
        head, *rows = csv.reader(text)
    print(f"\n## {name}, seed {seed}: {len(rows):,} rows of {made.name}")
    columns = {name: [row[k] for row in rows] for k, name in enumerate(head)}
    known, real = codes(codec, parts[0]), codes(codec, parts[1])
    _scores(codec, codes(codec, columns)[: len(real)], known, real, seed)
    sys.stdout.flush()


def codes(codec: Rows, cells: Columns) -> np.ndarray:
    """Columns of cells as the codec's own codes ``(N, K)``; a word that it does not know is missing."""
    found: list[list[float]] = []
    for column in codec.fitted.modelled:
        place: dict[str, float] = {word: float(i) for i, word in enumerate(column.levels)}
        written = [str(cell) for cell in cells[column.name]]
        read = [column.code(cell) if column.ordered else place.get(cell) for cell in written]
        found.append([column.gap if code is None else code for code in read])
    return np.array(found).T


def _scores(codec: Rows, made: np.ndarray, known: np.ndarray, real: np.ndarray, seed: int) -> None:
    print(f"{len(known):,} rows to train on, {len(real):,} held out\n")
    scores, notes = table_scores(made, known, real, codec.facts(), split="held-out", seed=seed)
    print("| score | made | real | copula | independent |\n|---|---|---|---|---|")
    for one in scores:
        others = [one.protocol.settings.get(who, "") for who in ("copula", "independent")]
        print(f"| {one.name} | {one.value:.3f} | {one.floor:.3f} | {others[0]} | {others[1]} |")
    for note in notes:
        print(f"\n{note}")


def _conditions(maker: RowsMaker, real: np.ndarray, seed: int) -> None:
    columns = maker.codec.fitted.modelled
    rng = np.random.default_rng(seed)
    rows = maker.rows(200, seed=seed)
    # An order that was mended may have made a number that the data do not have.
    known = {i: block.values for i, block in maker.fitted.blocks.items() if not block.smooth}
    obeyed = asked = 0
    while asked < 20 * 500:
        row = rows[rng.integers(len(rows))]
        which = rng.permutation(len(columns))[: rng.integers(1, len(columns))].tolist()
        which = [i for i in which if i not in known or row[i] in known[i] or row[i] == columns[i].gap]
        if not which:
            continue
        cells = {columns[i].name: columns[i].cells(row[[i]])[0] for i in which}
        made = maker.rows(500, where=cells, seed=seed)
        asked += 500
        follows = np.all([made[:, i] == row[i] for i in which], axis=0)
        obeyed += int(follows.sum())
        if not follows.all():
            print(f"\nnot followed in {(~follows).sum()} of 500 rows: {cells}")
    print(f"\n20 random subsets of columns: {obeyed:,} of {asked:,} rows are as they were asked for")
    last = columns[-1]
    if last.kind == "yes-no":
        word = last.levels[-1]
        made = maker.rows(3_000, where={last.name: word}, seed=seed)
        some = real[real[:, -1] == len(last.levels) - 1]
        words = [not column.ordered for column in columns]
        area = tables.rows_auc(with_gaps(columns, some), with_gaps(columns, made), words)
        print(f"\nrows of {last.name}={word} told from {len(some):,} real ones: {area:.3f}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--adult", type=Path, default=ADULT)
    parser.add_argument(
        "--only",
        nargs="+",
        default=["adult", "wine", "breast_cancer", "diabetes"],
        help="of these, or csv files",
    )
    parser.add_argument("--made", type=Path, help="score this csv, and train nothing")
    parser.add_argument("--parts", type=Path, help="write train.csv and held.csv here, and train nothing")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"ganforge {ganforge.__version__}, torch {torch.__version__}, scikit-learn {sklearn.__version__},")
    print(f"{platform.machine()}, one thread")
    for seed in options.seeds:
        for name in options.only:
            file = options.adult if name == "adult" else Path(name)
            parts = of_file(file, seed) if file.is_file() else of_sklearn(name, seed)
            if options.parts:
                write_frame(parts[0], options.parts / "train.csv")
                write_frame(parts[1], options.parts / "held.csv")
            elif options.made:
                score_file(name, parts, options.made, seed)
            else:
                score(name, parts, options.minutes if name == "adult" else min(options.minutes, 1.0), seed)


if __name__ == "__main__":
    main()
