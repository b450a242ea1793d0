"""Every example of the page on extending is run: all of them together, as a person would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from ganforge.core.declared import EVERY
from tests import processes

PAGE = Path(__file__).parents[2] / "docs/how-to/extend.md"
RUN = """
import json, sys
from pathlib import Path
import torch
import ganforge
from ganforge.cli import main
from ganforge.core.declared import EVERY, TERMS
from ganforge.data import load
from ganforge.objectives.terms import Generated
for file in sorted(Path("mine").glob("*.py")):
    ganforge.plugin(file)
own = [sort.sort for sort in EVERY if any("plugin" in sort.origin(name).__name__ for name in sort)]
print("SORTS", json.dumps(own))
made = Generated(torch.tensor([[0.0, 3.0]]), torch.zeros(1, 2))
print("TERM", TERMS["huber"].of(made).item())
print("MATLAB", load(Path("cells.mat")).space.describe())
settings = ["generator.options={}", "objective=tilted", "game=seesaw", "generator.family=sine"]
settings += ["generator.frequency=4", "batch=64", 'penalties=[{"name": "drift", "weight": 0.001}]']
codes = [main(["train", "pay.amounts", "--out", "run", "--kimg", "1", "--quiet", "--set", *settings])]
codes += [main(["evaluate", "run", "--only", "spread", "--samples", "100"]), main(["diagnose", "run"])]
codes += [main(["explore", "run", "extremes", "--samples", "50", "--shown", "3"])]
codes += [main(["export", "run", "--to", "numbers"]), main(["recipes"])]
print("CODES", codes)
"""


def examples() -> dict[str, str]:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return {block.split()[1]: block for block in blocks if block.startswith("# ")}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("extend")
    (folder / "mine").mkdir()
    for name, text in examples().items():
        (folder / "mine" / name).write_text(text)
    rng = np.random.default_rng(0)
    np.savetxt(folder / "pay.amounts", rng.lognormal(3, 1, (300, 2)))
    savemat(folder / "cells.mat", {"X": rng.integers(0, 256, (20, 8, 8), dtype=np.uint8)})
    ran = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=folder,
        capture_output=True,
        text=True,
        env=processes.environment(),
    )
    assert ran.returncode == 0, ran.stderr
    return folder, ran.stdout


def test_there_is_an_example_of_every_sort(ran: tuple[Path, str]):
    found = re.search(r"SORTS (.*)", ran[1])
    assert found is not None
    assert set(json.loads(found[1])) == {sort.sort for sort in EVERY} - {
        "discriminator family",
        "translator family",
    }


def test_each_does_what_the_page_says(ran: tuple[Path, str]):
    folder, said = ran
    assert "TERM 1.25" in said  # ½·0² and 3 − ½, halved
    assert "MATLAB 8×8 grey" in said
    assert "gan serve" not in said
    assert "CODES [0, 0, 0, 0, 0, 0]" in said
    recipe = json.loads((folder / "run/run.json").read_text())["recipe"]
    assert (recipe["game"], recipe["objective"], recipe["generator"]["family"]) == (
        "seesaw",
        "tilted",
        "sine",
    )
    assert [penalty["name"] for penalty in recipe["penalties"]] == ["drift"]
    scores = json.loads((folder / "run/scores.json").read_text())["scores"]
    assert [score["key"] for score in scores] == ["spread_gap"]
    assert "notice: brief-training" in said
    assert "mine/brief.py" in said
    assert np.load(folder / "run/explore/extremes/extremes.npy").shape == (6, 2)
    assert (np.load(folder / "run/explore/extremes/extremes.npy") > 0).all()  # amounts are
    with np.load(folder / "run/exported/generator.npz") as weights:
        assert "output.weight" in weights
    for name in ("tilted", "seesaw", "extremes", "brief-training"):
        assert re.search(rf"\b{name}\b", said.split("wrote")[-1]), name
