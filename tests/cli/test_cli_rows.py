"""A table from the command line: trained, sampled with conditions, completed, scored, explored, exported."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import ganforge
from ganforge.codecs.rows.reader import write_frame
from ganforge.runs.folder import Run
from tests import players
from tests.conftest import Call

TINY = ("--set", "generator.width=16", "discriminator.width=16", "batch=32")


def read(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_train_sample_evaluate(gan: Call, tmp_path: Path) -> None:
    write_frame(players.columns(600), tmp_path / "people.csv")
    seen = gan("data", "people.csv")
    assert seen.code == 0
    assert "600 rows · rows of 6 columns" in seen.out
    assert "age: whole number, empty where missing" in seen.out
    dry = gan("train", "people.csv", "--dry-run", "--column", "age=word", "--column", "member=word")
    assert dry.code == 0, dry.err
    assert json.loads(dry.out[dry.out.index("{") :])["table"]["kinds"] == "age=word,member=word"
    started = gan("train", "people.csv", "--kimg", "6", *TINY)
    assert started.code == 0, started.err
    assert "game      completion: relativistic + r1 + r2 + centring + likelihood" in started.out

    made = gan("sample", "runs/people", "--rows", "200", "--out", "new.csv")
    assert made.code == 0, made.err
    assert made.out.endswith("wrote 200 rows to new.csv\n")
    rows = read(tmp_path / "new.csv")
    assert len(rows) == 200
    assert list(rows[0]) == ["age", "paid", "town", "country", "since", "member"]
    assert {row["town"] + row["country"] for row in rows} <= {"UlmDE", "BathUK", "LyonFR"}
    assert any(row["age"] == "" for row in rows)
    assert all(len(row["since"]) == 10 for row in rows)
    gan("sample", "runs/people", "--rows", "200", "--out", "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "new.csv").read_bytes()

    asked = gan("sample", "--rows", "60", "--where", "town=Lyon", "age=30..40", "--out", "some.csv")
    assert asked.code == 0, asked.err
    assert all(row["town"] == "Lyon" and 30 <= int(row["age"]) <= 40 for row in read(tmp_path / "some.csv"))
    assert gan("sample", "--balance", "member", "--rows", "40").code == 0
    assert [row["member"] for row in read(tmp_path / "runs/people/made.csv")].count("yes") == 20
    filled = gan("sample", "--complete", "people.csv", "--out", "full.csv")
    assert filled.code == 0, filled.err
    assert "empty cells filled" in filled.out
    assert all(all(row.values()) for row in read(tmp_path / "full.csv"))
    for words, message in (
        (("--where", "towns=Ulm"), "there is no column 'towns'. Did you mean 'town'"),
        (("--where", "town=Rom"), "town is never 'Rom'"),
        (("--rows", "0"), "cannot make 0 rows"),
        (("--class", "3"), "--class is --where NAME=VALUE here"),
        (("--out", "runs"), "runs is a folder; --out names the file"),
    ):
        refused = gan("sample", "runs/people", *words)
        assert refused.code == 2
        assert message in refused.err
        assert refused.err.count("\n") == 1

    scored = gan("evaluate", "runs/people", "--samples", "300", "--target", "paid")
    assert scored.code == 0, scored.err
    assert "headline  told from real by boosted trees (AUC)" in scored.out
    assert "useful for paid: R²" in scored.out
    assert "rows that break town decides country" in scored.out
    assert "copula" in scored.out
    assert "private" not in scored.out.lower()
    kept = json.loads(Path("runs/people/scores.json").read_text())
    assert kept["headline"] == "told_apart"
    assert gan("evaluate", "runs/people", "--target", "pay").code == 2

    further = gan("train", "--resume", "runs/people", "--kimg", "6.5")
    assert further.code == 0, further.err
    assert Run.open("runs/people").recipe.table.kinds == ""
    assert gan("diagnose", "runs/people").code in (0, 1)
    assert gan("export", "runs/people", "--to", "folder").code == 0


def test_options_of_tables_are_refused_elsewhere(gan: Call, points_run: Path) -> None:
    of_tables, of_some = (
        "is for a run of a table",
        "this run makes points: --continue is for series and music",
    )
    for words, why in (
        (("--rows", "5"), of_tables),
        (("--balance", "x"), of_tables),
        (("--complete", "a.csv"), of_some),
        (("--continue", "a.csv"), of_some),
    ):
        refused = gan("sample", points_run, *words)
        assert refused.code == 2
        assert why in refused.err
    assert gan("evaluate", points_run, "--target", "x").code == 2


def test_numbers_alone_stay_points_and_a_few_rows_too(gan: Call, tmp_path: Path) -> None:
    columns = players.columns(200)
    write_frame({"paid": columns["paid"]}, tmp_path / "numbers.csv")
    assert "1-D points" in gan("data", "numbers.csv").out
    assert "rows of 1 columns" in gan("data", "numbers.csv", "--what", "rows").out
    write_frame(columns, tmp_path / "mixed.csv")
    assert "rows of 6 columns" in gan("data", "mixed.csv").out
    write_frame({name: values[1:9] for name, values in columns.items()}, tmp_path / "few.csv")
    assert "points" in gan("data", "few.csv").out
    refused = gan("data", "few.csv", "--what", "rows")
    assert refused.code == 2
    assert "8 rows; a table needs at least 50" in refused.err


def test_columns_by_name_can_be_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    thin = {"generator__width": 8, "discriminator__width": 8, "batch": 16}
    run = ganforge.train(players.columns(100), kimg=0.1, **thin)
    assert run.path == Path("runs/table")
    assert Path("runs/table.csv").is_file()
    found = ganforge.load(run.path).sample_rows(5)
    assert list(found) == list(players.columns(1))
    again = ganforge.train(players.columns(100), kimg=0.1, **thin)
    assert again.path != run.path
