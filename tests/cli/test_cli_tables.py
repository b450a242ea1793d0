"""Tables on the command line: what was found is said, options override it, and a run reads them so again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from ganforge.runs.folder import Run
from ganforge.tasks.again import load_again
from tests.conftest import Call

TINY = ("--set", "generator.width=8", "discriminator.width=8", "batch=32")


def european(path: Path, columns: str = "breite;höhe") -> None:
    rows = np.random.default_rng(0).normal(5, 1, (300, len(columns.split(";"))))
    lines = [";".join(f"{x:.4f}" for x in row).replace(".", ",") for row in rows]
    path.write_text("\n".join([columns, *lines]) + "\n", "latin-1")


def test_what_is_found_is_said_and_options_override_it(gan: Call, tmp_path: Path) -> None:
    european(tmp_path / "t.csv")
    found = gan("data", "t.csv")
    assert found.code == 0
    assert "300 points · 2-D points" in found.out
    said = "table: columns parted by ';', decimal comma, Windows-1252, names in line 1"
    assert said in " ".join(found.out.split())
    one = gan("data", "t.csv", "--columns", "höhe", "--json")
    assert json.loads(one.out)["shape"] == [1]
    assert any("not used: column 'breite'" in line for line in json.loads(one.out)["warnings"])
    wrong = gan("data", "t.csv", "--separator", "tab")
    assert wrong.code == 2
    assert re.search(r"no column holds numbers, .*parted|one column.*--separator", wrong.err)
    for option, value in (
        ("--separator", "ab"),
        ("--decimal", "dot"),
        ("--header", "-1"),
        ("--columns", "z"),
    ):
        refused = gan("data", "t.csv", option, value)
        assert refused.code == 2
        assert refused.err.count("\n") == 1


def test_a_run_reads_its_table_as_it_was_told(gan: Call, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 9, (300, 3))
    (tmp_path / "t.csv").write_text("".join(f"{a},{b},{c}\n" for a, b, c in rows))
    started = gan("train", "t.csv", "--columns", "3,1", "--header", "0", "--kimg", "0.2", *TINY)
    assert started.code == 0, started.err
    run = Run.open("runs/t")
    assert (run.recipe.table.columns, run.recipe.table.header) == ("3,1", 0)
    dataset = load_again("t.csv", run, 0.0)
    order = np.argsort(dataset.train.origin)
    assert (dataset.train.values[order] == rows[:, [2, 0]]).all()
    again = gan("train", "--resume", "runs/t", "--kimg", "0.4")
    assert again.code == 0, again.err
    told = gan("train", "--resume", "runs/t", "--kimg", "0.6", "--separator", "tab")
    assert told.code == 2
    assert "--separator cannot go with --resume" in told.err


def test_columns_and_classes_are_found_again_by_name(gan: Call, tmp_path: Path) -> None:
    european(tmp_path / "t.csv")
    assert gan("train", "t.csv", "--kimg", "0.2", *TINY).code == 0
    run = Run.open("runs/t")
    assert run.space.columns == ("breite", "höhe")
    former = load_again("t.csv", run, 0.0)
    lines = (tmp_path / "t.csv").read_text("latin-1").splitlines()
    turned = [
        "höhe;nr;breite",
        *(f"{b};{i * i};{a}" for i, (a, b) in enumerate(x.split(";") for x in lines[1:])),
    ]
    (tmp_path / "other.csv").write_text("\n".join(turned) + "\n", "utf-8")
    dataset = load_again("other.csv", run, 0.0)
    assert dataset.space.columns == ("breite", "höhe")
    assert (dataset.train.values == former.train.values).all()
    evaluated = gan("evaluate", "runs/t", "--against", "other.csv", "--samples", "300", "--only", "distances")
    assert evaluated.code == 0, evaluated.err
    (tmp_path / "other.csv").write_text("\n".join(turned).replace("breite", "laenge") + "\n", "utf-8")
    refused = gan("evaluate", "runs/t", "--against", "other.csv")
    assert refused.code == 2
    assert "there is no column 'breite'" in refused.err
