"""Series from the command line: found, trained, sampled with conditions, scored, looked at, exported."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from ganforge.codecs.rows.reader import write_frame
from ganforge.metrics import series
from tests import players
from tests.conftest import Call

TINY = ("--set", "generator.width=16", "discriminator.width=8", "batch=16")


def series_of(path: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            found[row["shop"]].append(row)
    return found


def test_train_sample_evaluate(gan: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_STEPS", 20)  # what a network tells is proved elsewhere
    write_frame(players.steps(60), tmp_path / "shops.csv")
    seen = gan("data", "shops.csv")
    assert seen.code == 0
    assert "series: 60 series, named by shop" in seen.out
    assert "time: day, a step is 1 day" in seen.out
    started = gan("train", "shops.csv", "--kimg", "1", *TINY)
    assert started.code == 0, started.err
    assert "game      completion: relativistic + r1 + r2 + centring + likelihood" in started.out
    assert list((tmp_path / "runs/shops/samples").glob("*.png"))

    made = gan("sample", "runs/shops", "--rows", "30", "--out", "new.csv")
    assert made.code == 0, made.err
    assert made.out.endswith("wrote 30 series to new.csv\n")
    found = series_of(tmp_path / "new.csv")
    assert list(found) == [f"shop{k:03d}" for k in range(60, 90)]
    for rows in found.values():
        assert list(rows[0]) == list(players.STEP_COLUMNS)
        assert 9 <= len(rows) <= 12
        days = [int(row["day"].removeprefix("2024-01-")) for row in rows]
        assert days == list(range(days[0], days[0] + len(days)))
        assert len({(row["town"], row["large"]) for row in rows}) == 1
        assert {row["state"] for row in rows} <= {"open", "shut"}
    gan("sample", "runs/shops", "--rows", "30", "--out", "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "new.csv").read_bytes()

    asked = gan("sample", "--rows", "20", "--where", "town=Lyon", "steps=10..11", "--out", "some.csv")
    assert asked.code == 0, asked.err
    some = series_of(tmp_path / "some.csv").values()
    assert all(rows[0]["town"] == "Lyon" and len(rows) in (10, 11) for rows in some)

    on = gan("sample", "--continue", "shops.csv", "--ahead", "4", "--out", "on.csv")
    assert on.code == 0, on.err
    assert "4 steps further of 60 series" in on.out
    known, further = series_of(tmp_path / "shops.csv"), series_of(tmp_path / "on.csv")
    assert list(further) == list(known)
    for name, rows in further.items():
        first = int(known[name][-1]["day"].removeprefix("2024-01-")) + 1
        assert [row["day"] for row in rows] == [f"2024-01-{first + t:02d}" for t in range(4)]
        assert all(row["town"] == known[name][0]["town"] for row in rows)
        for number in ("sales", "visits"):
            for row in rows:
                assert float(row[f"{number} low"]) <= float(row[number]) <= float(row[f"{number} high"])
    lines = (tmp_path / "shops.csv").read_text().splitlines()
    (tmp_path / "odd.csv").write_text("\n".join([lines[0], lines[1].replace("Ulm", "Rome"), *lines[2:9]]))
    (tmp_path / "hole.csv").write_text("\n".join([*lines[:3], *lines[4:9]]))

    scored = gan("evaluate", "runs/shops", "--samples", "60")
    assert scored.code == 0, scored.err
    for words in (
        "told from real by boosted trees",
        "told from real by a network",
        "VAR(1)",
        "block bootstrap",
    ):
        assert words in scored.out
    assert "useful for large: accuracy" in scored.out
    assert gan("sample", "--grid", "sheet.png").code == 0
    assert gan("diagnose", "runs/shops").code == 0
    for words, message in (
        (("sample", "--where", "twn=Ulm"), "there is no column 'twn'. Did you mean 'town'"),
        (("sample", "--where", "town=Rome"), "town is never 'Rome'"),
        (("sample", "--complete", "shops.csv"), "not rows of a table"),
        (("sample", "--continue", "odd.csv"), "the training data never had 'Rome'"),
        (("sample", "--continue", "hole.csv"), "the times of shop000 are not 1 day apart"),
        (("sample", "--continue", "shops.csv", "--ahead", "12"), "series of this run have 12 steps: 1 to 11"),
        (("train", "shops.csv", "--entity", "shp"), "there is no column 'shp'. Did you mean 'shop'"),
        (("train", "shops.csv", "--entity", "town"), "two rows of Ulm have the day"),
        (
            ("evaluate", "--target", "sales", "--samples", "16"),
            "there is no attribute 'sales' with a few levels",
        ),
    ):
        refused = gan(*words)
        assert refused.code == 2, words
        assert message in refused.err, refused.err
        assert refused.err.count("\n") == 1


@pytest.mark.slow
def test_made_series_can_be_trained_on(gan: Call, tmp_path: Path) -> None:
    write_frame(players.steps(60), tmp_path / "shops.csv")
    gan("train", "shops.csv", "--kimg", "1", *TINY)
    gan("sample", "--rows", "60", "--out", "new.csv")
    again = gan("train", "new.csv", "--kimg", "1", *TINY)
    assert again.code == 0, again.err
    assert "60 series, named by shop" in again.out


def test_series_of_numbers_alone(gan: Call, tmp_path: Path) -> None:
    """Without words, gaps and spikes no state is chosen at any step: the first step crashed on that."""
    rng = np.random.default_rng(0)
    days, hours = (grid.ravel() for grid in np.mgrid[0:40, 0:8])
    demand = (np.sin(hours / 2) + 0.2 * rng.normal(size=days.size)).round(3)
    write_frame({"day": [f"day{k}" for k in days], "hour": hours, "demand": demand}, tmp_path / "power.csv")
    started = gan("train", "power.csv", "--kimg", "0.1", *TINY)
    assert started.code == 0, started.err
    made = gan("sample", "--rows", "5", "--out", "new.csv")
    assert made.code == 0, made.err
    rows = list(csv.DictReader((tmp_path / "new.csv").read_text().splitlines()))
    assert [row["hour"] for row in rows] == [str(k) for k in range(8)] * 5
    assert all(abs(float(row["demand"])) < 9 for row in rows)
