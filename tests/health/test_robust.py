"""Damaged logs, short runs, few examples, and the pages: a clear answer, never a crash."""

from __future__ import annotations

import copy
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from ganforge.core.declared import SYMPTOMS
from ganforge.health.diagnosis import diagnose
from ganforge.health.finding import Finding
from ganforge.health.history import Examined, History
from ganforge.tasks.experiment import prepare
from tests import players
from tests.health.conftest import POINTS, history, line

PAGES = Path(__file__).resolve().parents[2] / "docs" / "findings"


def of(records: list[Any]) -> History:
    recipe = players.recipe(kimg=16.0)
    return History.from_records(records, recipe=recipe, space=POINTS, training=40, held_out=10)


def test_an_empty_log_is_no_news():
    found = diagnose(of([]))
    assert (found.exit_code, found.nimg) == (0, 0)
    assert [finding.code for finding in found.findings] == ["too-early"]
    assert found.verdict == ("undecided: too early", "notice")


@pytest.mark.parametrize("n", range(1, 5))
def test_a_short_log_has_an_answer(n: int):
    assert diagnose(of([line(i) for i in range(n)])).exit_code == 0


def test_ticks_without_examinations_are_too_early():
    found = diagnose(of([{"nimg": 100 * i, "rounds": i, "margin": {"mean": 0.1}} for i in range(1, 50)]))
    assert [finding.code for finding in found.findings] == ["too-early"]


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [leaf for key, item in items for leaf in _leaves(item, (*path, key))]


def test_a_damaged_log_never_crashes():
    """Any part of any line missing or replaced by nonsense."""
    chance = random.Random(7)
    whole = [line(i) for i in range(10)]
    nonsense = (None, math.nan, math.inf, "x", [], {}, True, -1, 10**400, [None], {"mean": "x"})
    for _ in range(150):
        records: list[Any] = copy.deepcopy(whole)
        for _ in range(chance.randint(1, 6)):
            record = chance.choice(records)
            path = chance.choice(_leaves(record)[1:])
            here: Any = record
            try:
                for step in path[:-1]:
                    here = here[step]
                here[path[-1]] = chance.choice(nonsense)
            except (KeyError, IndexError, TypeError):
                continue  # what was to be damaged has been destroyed before
        found = diagnose(of(records))
        assert found.exit_code in (0, 5, 6)
        json.dumps(found.to_json(), allow_nan=False)


def test_numbers_that_are_none_are_not_finite():
    def broken(record: dict[str, Any], i: int) -> None:
        if i == 16:
            record["since"]["generator_loss"]["mean"] = None

    assert diagnose(history(broken)).findings[0].code == "not-finite"


def test_a_few_refused_moves_are_a_notice():
    def refused(record: dict[str, Any], i: int) -> None:
        if i == 3:
            record["since_refused"] = 1

    found = diagnose(history(refused))
    assert found.healthy
    assert [f.severity for f in found.findings if f.code == "not-finite"] == ["notice"]


def test_fields_of_a_line():
    seen = Examined.of(line(2))
    assert seen.note("margin") == 0.4
    assert math.isnan(seen.note("margin", "median"))
    assert math.isnan(seen.note("nobody"))
    assert (seen.since_rounds, seen.progress, seen.headline) == (60, 0.125, "sliced_wasserstein")
    assert Examined(0, {}).headline == "kernel_distance"
    assert Examined(0, {"classes": {"7": 0.5}}).classes == {"7": 0.5}


def test_a_history_as_it_stood():
    whole = history()
    earlier = whole.before(3)
    assert (len(earlier.examined), earlier.nimg) == (14, 13_000)
    assert whole.before(1).examined == whole.examined[:-1]


def test_every_code_has_a_page_and_every_page_a_code():
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    assert pages == set(SYMPTOMS)
    for code in SYMPTOMS:
        text = (PAGES / f"{code}.md").read_text()
        heads = [head for head in text.splitlines() if head.startswith("#")]
        assert heads == [
            f"# {code}",
            "## What you see",
            "## Why it happens",
            "## How it is measured",
            "## What helps",
            "## How sure we are",
        ]
    index = (PAGES / "README.md").read_text()
    assert all(f"({code}.md)" in index for code in SYMPTOMS)


def test_a_command_can_be_typed():
    finding = Finding(
        code="x",
        severity="failure",
        nimg=0,
        evidence={},
        meaning="",
        changes={"batch": 8, "generator.learning_rate": 1e-4, "penalties": [{"name": "r1", "weight": 0.1}]},
    )
    assert finding.command() == (
        '--set batch=8 generator.learning_rate=0.0001 \'penalties=[{"name":"r1","weight":0.1}]\''
    )
    assert Finding.from_json(json.loads(json.dumps(finding.to_json()))) == finding


def test_a_real_run_is_read_back(tmp_path: Path):
    """A generator that cannot move, played for a few seconds, is named from its folder alone."""
    changes = {
        "generator.learning_rate": 1e-9,
        "generator.learning_rate_final": None,
        "batch": 128,
        "discriminator.learning_rate": 3e-3,
    }
    tiny = players.recipe(kimg=29.0).with_changes(changes)
    trainer = prepare("ring", recipe=tiny, device="cpu").start(tmp_path / "run")
    trainer.train()
    read = History.of(trainer.run)
    found = diagnose(read)
    assert len(read.examined) >= 6
    assert all(seen.since_rounds for seen in read.examined[1:])
    assert found.findings[0].code == "generator-too-weak"
    assert found.findings[0].changes["generator.learning_rate"] == pytest.approx(3e-3)
