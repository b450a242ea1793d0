"""Tables written in many ways give the same numbers; damaged ones give numbers or one line, and soon."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganforge.core.errors import DataError
from ganforge.data import scan
from ganforge.data.matching import match
from ganforge.data.tables import read_table

QUICK, ALL = 60, 500
COUNTS = [QUICK, pytest.param(ALL, marks=pytest.mark.slow)]

NOISE = [",", ";", "\t", "|", " ", '"', "'", "\n", "\r", "\r\n", "#", "%", "-", ".", "e", "NaN", "\0", "\x1b"]
NOISE += ["\ufeff", "é", "日本", "\u2028", "\x85", "1e999", "0x1F", "=1+1", "(", "1,5", "sep=;", "\x1a", "_"]


def _written(rng: random.Random, values: np.ndarray) -> tuple[bytes, str]:
    """``values`` as some program writes them, and how."""
    width = values.shape[1]
    decimal = rng.choice(".,")
    mark = rng.choice(";\t|" if decimal == "," else ",;\t|") if width > 1 else ";"
    places = rng.choice([1, 2, 4])
    cells = [[f"{x:.{places}f}".replace(".", decimal) for x in row] for row in values.round(places)]
    lines = [mark.join(row) for row in cells]
    names = [f"m{i}" for i in range(width)]
    head = rng.choice(["names", "none", "quoted", "numbered"])
    if width == 1 and decimal == ",":  # else only a person can tell one column from two
        head = "names"
    index = head != "none" and width > 1 and rng.random() < 0.3
    if index:
        lines = [f"{i}{mark}{line}" for i, line in enumerate(lines)]
    if head == "numbered":
        names = [str(i) for i in range(width)]
    if head == "quoted":
        names = [f'"m{i}{mark}\n(cm)"' for i in range(width)]
    if head != "none":
        lines.insert(0, mark.join(([""] if index else []) + names))
    if rng.random() < 0.3:
        lines.insert(0, "# written by an instrument")
    if rng.random() < 0.2:
        lines = [line + mark for line in lines] if width > 1 else lines
    if rng.random() < 0.2:
        lines.insert(rng.randrange(len(lines)), "")
    end = rng.choice(["\n", "\r\n", "\r"])
    if head == "quoted":
        lines = [line.replace("\n", end) for line in lines]
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
    text = end.join(lines) + rng.choice(["", end, end + end])
    return text.encode(
        encoding
    ), f"{mark!r} {decimal} {places} {head} {index} {end!r} {encoding}\n{text[:200]}"


@pytest.mark.parametrize("count", COUNTS)
def test_the_same_numbers_however_they_are_written(tmp_path: Path, count: int) -> None:
    path = tmp_path / "t.csv"
    for seed in range(count):
        rng = random.Random(seed)
        numbers = np.random.default_rng(seed)
        values = numbers.normal(
            0, numbers.choice([1, 30, 400]), (rng.choice([12, 40]), rng.choice([1, 2, 3, 5]))
        )
        content, how = _written(rng, values)
        path.write_bytes(content)
        places = int(how.split()[2])
        found = read_table(path)
        assert found.values.shape == values.shape, (seed, how)
        assert np.allclose(found.values, values.round(places), rtol=1e-6, atol=1e-6), (seed, how)


def _damaged(rng: random.Random, content: bytes) -> bytes:
    """A few characters, lines or bytes of a file changed."""
    for _ in range(rng.choice([1, 1, 2, 5])):
        where = rng.randrange(len(content) + 1)
        match rng.randrange(6):
            case 0:
                content = content[:where] + rng.choice(NOISE).encode() + content[where:]
            case 1:
                content = content[:where] + content[where + rng.choice([1, 3, 40]) :]
            case 2:
                content = content[:where]
            case 3:
                content = content[:where] + rng.randbytes(rng.choice([1, 2, 30])) + content[where + 1 :]
            case 4:
                lines = content.split(b"\n")
                i = rng.randrange(len(lines))
                lines[i:i] = [lines[rng.randrange(len(lines))]] * rng.choice([0, 1, 3])
                content = b"\n".join(lines)
            case _:
                old, new = rng.sample([b",", b";", b"\t", b".", b" ", b"\n", b'"', b"1"], 2)
                content = content.replace(old, new, rng.choice([1, 5, 10_000]))
    return content


def _soon(act: Callable[[], object], about: object) -> None:
    """It ends within ten seconds, well or with one line."""
    begun = time.process_time()
    said = ""
    try:
        act()
    except DataError as error:
        said = str(error)
    assert "\n" not in said, about
    assert len(said) < 900, about
    assert time.process_time() - begun < 10, about


@pytest.mark.parametrize("count", COUNTS)
def test_damaged_tables_cost_one_line_and_no_time(tmp_path: Path, count: int) -> None:
    path = tmp_path / "t.csv"
    for seed in range(count):
        rng = random.Random(seed)
        values = np.random.default_rng(seed).normal(5, 2, (rng.choice([3, 20, 200]), rng.choice([1, 2, 4])))
        path.write_bytes(_damaged(rng, _written(rng, values)[0]))

        def read() -> None:
            found = read_table(path)
            assert np.isfinite(found.values).all()
            assert len(found.values) >= 2
            assert len(set(found.columns)) == len(found.columns)
            assert len(found.columns) in (0, found.values.shape[1])

        _soon(read, seed)


@pytest.mark.parametrize("count", [20, pytest.param(ALL, marks=pytest.mark.slow)])
def test_damaged_facts_cost_one_line_and_no_time(
    make_folder: Callable[..., Path], cache: Path, count: int
) -> None:
    folder = make_folder(12, size=(8, 8))
    rows = [f"{i:04}.png,{'ab'[i % 2]},{i / 3:.2f},a thing called {i}" for i in range(12)]
    table = ("file,label,size,words\n" + "\n".join(rows) + "\n").encode()
    facts = ("{" + ",".join(f'"{i:04}.png": ["a", {i}]' for i in range(12)) + "}").encode()
    for seed in range(count):
        rng = random.Random(seed)
        for name, content in (("labels.csv", table), ("other.json", facts)):
            (folder / name).write_bytes(_damaged(rng, content))
        _soon(lambda: scan(folder, cache=cache), seed)


def test_damaged_names_never_fail() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        sides = [
            [
                "".join(rng.choices("ab01_/\\.é\u0301 %\udce4\ud800", k=rng.randrange(9)))
                for _ in range(rng.randrange(12))
            ]
            for _ in range(2)
        ]
        found = match(*sides)
        firsts, seconds = [a for a, _ in found.pairs], [b for _, b in found.pairs]
        assert len(set(firsts)) == len(firsts)
        assert len(set(seconds)) == len(seconds)
        assert set(firsts) | set(found.alone) == set(sides[0])
        assert set(seconds) | set(found.others) == set(sides[1])
