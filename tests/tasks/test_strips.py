"""The rows of examples that a report shows: what is said below each is what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ganforge.runs.discriminator import load_judge
from ganforge.runs.folder import Run
from ganforge.runs.made import condition_from, write_files
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import prepare
from ganforge.tasks.strips import strips
from tests import players


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    trainer = prepare("digits", recipe=players.recipe(kimg=0.2)).start(
        tmp_path_factory.mktemp("runs") / "digits"
    )
    assert trainer.train().finished
    return trainer.run


def test_rows_are_what_they_are_said_to_be(run: Run, tmp_path: Path) -> None:
    dataset = prepare("digits", recipe=run.recipe).dataset
    rows = {strip.title: strip for strip in strips(run, dataset, run.checkpoint())}
    assert list(rows) == [
        "Real",
        "Made",
        "Truncation 0.7",
        "Truncation 0.4",
        "Interpolation",
        "Most real",
        "Least real",
    ]
    known = {example.tobytes() for example in dataset.train.values}
    assert all(example.tobytes() in known for example, _ in rows["Real"].examples)
    # Seed 3 is what `gan sample --seeds 3` writes.
    sampler = load(run.path)
    shown, told = rows["Made"].examples[3]
    assert told == "seed 3 · 3"
    (file,) = write_files(sampler, [3], tmp_path, condition=condition_from(sampler, **{"class": "3"}))
    assert file.read_bytes() == run.space.codec.file(shown)
    walk = rows["Interpolation"].examples
    assert [words for _, words in walk if words] == ["seed 2", "seed 3"]
    assert np.abs(walk[0][0].astype(int) - rows["Made"].examples[2][0]).max() <= 1
    best = rows["Most real"].examples[0]
    logit = load_judge(run.path).logits
    classes = sampler.in_turn(range(64))
    assert classes is not None
    number = int(best[1].split(" ")[1])
    found = logit(
        sampler.generate(sampler.prior.seeded(1, seed=number), classes[[number]]), classes[[number]]
    )
    assert best[1] == f"seed {number} · {number % 10}: {found.item():.2f}"
    least = float(rows["Least real"].examples[0][1].split(":")[1])
    assert least < found.item()


def test_rows_of_a_table_are_those_that_sample_writes(tmp_path: Path) -> None:
    words = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(64))
    (tmp_path / "few.csv").write_text(f"size,kind\n{words}")
    trainer = prepare(tmp_path / "few.csv", kimg=0.05).start(tmp_path / "few")
    assert trainer.train().finished
    run = trainer.run
    made, others = strips(run, None, run.checkpoint(), {"again": run})
    assert (made.title, others.title) == ("Made", "Made by again")
    heads, *rows = made.cells
    file = load(run.path).file_maker().file(8, where={}, balance="", seed=0).decode()
    assert list(heads) == run.space.codec.heads()
    assert [line.split(",") for line in file.splitlines()[1:]] == [list(row) for row in rows]


def test_points_have_no_rows(tmp_path: Path) -> None:
    experiment = prepare("moons", recipe=players.recipe(kimg=0.05))
    trainer = experiment.start(tmp_path / "moons")
    assert trainer.train().finished
    assert strips(trainer.run, experiment.dataset, trainer.run.checkpoint()) == []
