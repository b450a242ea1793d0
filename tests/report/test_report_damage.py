"""Hostile words, damaged folders, and folders with next to nothing in them."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganforge.core.space import Space
from ganforge.report import write_report
from ganforge.runs.folder import Run
from tests.report.conftest import PICTURES, MakeRun, finding, picture_file, tick
from tests.report.page_tree import Node, parse

pytestmark = pytest.mark.filterwarnings("ignore::ganforge.core.errors.DamageWarning")

EVIL = (
    """<script>alert(1)</script><img src=x onerror=alert(2)>"'--></style></title></script><!--&lt;${title}"""
)


def page_of(run: Run) -> Node:
    return parse(write_report(run).read_text("utf-8"))


def elements(page: Node) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in page.all():
        found[node.tag] = found.get(node.tag, 0) + 1
    return found


def told_in(words: str) -> dict[str, Any]:
    """Everything that a user's words can reach, with ``words`` in it."""
    classes = (f"{words} 1", f"{words} 2")
    return {
        "space": replace(PICTURES, classes=classes),
        "data": {"source": words, "form": words, "notes": [words], "skipped": 3},
        "info": {
            "command": ["gan", "train", words],
            "why": words,
            "started": words,
            "machine": {"system": words, "cores": 2},
            "engine": {"device": words, "precision": words},
            "torch": words,
        },
    }


def hostile_run(make_run: MakeRun, name: str, words: str) -> Run:
    run = make_run(name, **told_in(words))
    run = replace(run, recipe=replace(run.recipe, name=words))
    found = replace(
        finding(),
        code=words,
        meaning=words,
        remedy=words,
        evidence={words: 1.0},
        changes={f"key {words}": words},
    )
    run.add_event("finding", nimg=1000, finding=found.to_json())
    run.add_event("rescued", nimg=2000, back_to=1000, code=words, changes={words: words})
    run.add_event(words, nimg=3000, field=words, **{words: words})
    run.add_event("finished", nimg=9000, reason=words)
    row = {"key": words, "name": words, "value": 1, "direction": words}
    row["protocol"] = {"n": 5, "split": words, "settings": {words: words}}
    record = {"scores": [row], "classes": [{"name": words}], "lags": words, "notes": [words]}
    (run.path / "scores.json").write_text(json.dumps(record))
    return run


def test_hostile_words_stay_words(make_run: MakeRun):
    evil = page_of(hostile_run(make_run, "evil", EVIL))
    plain = page_of(hostile_run(make_run, "plain", "some harmless words"))
    # The same elements as with harmless words: nothing of it became an element or an attribute.
    assert elements(evil) == elements(plain)
    shown = evil.one("main").text
    assert shown.count("<script>alert(1)</script><img src=x onerror=alert(2)>") > 15
    assert "${title}" in shown
    names = {name for node in evil.all() for name in node.attributes}
    assert names == {name for node in plain.all() for name in node.attributes}
    assert "onerror" not in names


def test_a_hostile_folder_name_stays_words(make_run: MakeRun):
    page = page_of(make_run("<b onclick=alert(1)>x"))
    assert page.one("h1").text == "<b onclick=alert(1)>x"
    assert page.all("b", onclick="alert(1)") == []


def test_characters_that_turn_or_break_a_page_are_replaced(make_run: MakeRun):
    run = replace(make_run(), data={"source": "a\x00b\x1b[31mc\u202egnp.exe\ud800d"})
    text = write_report(run).read_bytes().decode("utf-8")
    assert not set(text) & {"\x00", "\x1b", "\u202e"}
    assert "a\ufffdb\ufffd[31mc\ufffdgnp.exe\ufffdd" in text


def test_the_data_of_the_script_cannot_close_it(make_run: MakeRun):
    run = make_run()
    run.add_event("</script><script>alert(1)", nimg=1000)
    text = write_report(run).read_text()
    assert text.count("</script>") == 2
    numbers = json.loads(parse(text).one("script", type="application/json").text)
    assert numbers["marks"][0][1] == "</script><script>alert(1)"


@pytest.mark.parametrize("kind", ["points", "pictures", "waves", "shapes"])
def test_a_folder_with_nothing_in_it_has_a_page(make_run: MakeRun, kind: Any):
    shape = {"points": (3,), "pictures": (5, 8, 9), "waves": (1, 64), "shapes": (1, 4, 4, 4)}[kind]
    run = make_run(ticks=0, samples=0, space=Space(kind=kind, shape=shape))
    run = replace(run, data={}, info={})
    page = page_of(run)
    assert "There are no pictures of this run." in page.one("section", id="film").text
    assert "The log holds no numbers yet." in page.one("section", id="curves").text
    assert "Not measured yet." in page.one("section", id="scores").text
    assert page.all("input") == []


def test_a_run_of_one_tick_has_dots(make_run: MakeRun):
    run = make_run(ticks=0, samples=1)
    run.add_log(tick(500, examined=True))
    page = page_of(run)
    panels = page.all("figure", class_="panel")
    assert len(panels) == 8
    assert all(panel.all("path", class_="dot") for panel in panels)
    assert page.one("input").attributes["max"] == "0"


def test_a_run_that_diverged_has_a_page(make_run: MakeRun):
    run = make_run(ticks=3)
    wild = tick(4000, examined=True)
    wild["generator_loss"] = {"mean": 1e26, "deviation": None, "positive": 1.0}
    wild["fake_logits"] = {"mean": -3e200, "deviation": 1e300, "positive": 1.0}
    wild["margin"] = None
    run.add_log(wild)
    run.add_log({"nimg": 5000, "generator_loss": {"mean": None, "deviation": None, "positive": 0.0}})
    run.add_event("diverged", nimg=5000, refused=3, of=12, not_finite=["generator_loss"])
    page = page_of(run)
    assert page.one("p", class_="verdict").text.startswith("Failing: not finite. Losses or gradients")
    drawn = [path.attributes["d"] for path in page.all("path") if "d" in path.attributes]
    assert not any("nan" in d or "inf" in d for d in drawn)
    assert (
        "bent" in page.one("figure", id="panel-logits").text
        or "1e" not in page.one("figure", id="panel-logits").text
    )


def _junk(chance: random.Random, depth: int = 0) -> Any:
    leaves: list[Any] = [
        None,
        True,
        -1,
        0,
        1,
        10**400,
        -(10**18),
        1e308,
        -2.5,
        1e-320,
        "",
        "words",
        EVIL,
        math.nan,
    ]
    leaves += [math.inf, [], {}]
    if depth < 2 and chance.random() < 0.4:
        return {chance.choice(["mean", "value", "scores", "x"]): _junk(chance, depth + 1) for _ in range(2)}
    if depth < 2 and chance.random() < 0.2:
        return [_junk(chance, depth + 1) for _ in range(2)]
    return chance.choice(leaves)


def _damaged(value: Any, chance: random.Random) -> Any:
    """``value`` with some of its parts replaced by anything."""
    if chance.random() < 0.12:
        return _junk(chance)
    if isinstance(value, dict):
        return {name: _damaged(item, chance) for name, item in value.items() if chance.random() < 0.95}
    if isinstance(value, list):
        return [_damaged(item, chance) for item in value]
    return value


@pytest.mark.parametrize("seed", range(12))
def test_damaged_records_leave_a_page(make_run: MakeRun, seed: int):
    chance = random.Random(seed)
    run = make_run(ticks=0)
    sound = hostile_run(make_run, "waves", "words")
    with open(run.path / "log.jsonl", "ab") as log:
        for i in range(1, 30):
            line = _damaged(tick(1000 * i, examined=i % 2 == 0), chance)
            text = json.dumps(line).encode()
            log.write((text if chance.random() < 0.8 else text[: chance.randrange(len(text))]) + b"\n")
        log.write(b'\xff\xfe\x00 not text\n{"nimg": 3')
    with open(run.path / "events.jsonl", "ab") as log:
        for event in sound.events() * 5:
            log.write(json.dumps(_damaged(event, chance)).encode() + b"\n")
    kept = json.loads((sound.path / "scores.json").read_text())
    (run.path / "scores.json").write_text(json.dumps(_damaged(kept, chance)))
    run = replace(run, data=_dict(_damaged(sound.data, chance)), info=_dict(_damaged(sound.info, chance)))
    page = page_of(run)
    assert [node.attributes["id"] for node in page.all("section")][:3] == ["film", "curves", "findings"]
    for path in page.all("path"):
        assert "nan" not in path.attributes["d"]
        assert "inf" not in path.attributes["d"]
    json.loads(page.one("script", type="application/json").text, parse_constant=pytest.fail)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n cut", None])
def test_pictures_that_cannot_be_read_are_left_out(make_run: MakeRun, content: bytes | None):
    run = make_run(samples=3)
    first, second, _ = run.samples
    second.write_bytes(first.read_bytes()[:200] if content is None else content)
    (run.path / "samples" / "1x.png").write_bytes(b"not ours")
    section = page_of(run).one("section", id="film")
    assert [image.attributes["data-nimg"] for image in section.one("ol").all("img")] == ["0", "2000"]
    assert "1 picture could not be read." in section.text


def test_the_page_is_bounded_however_large_the_pictures(make_run: MakeRun):
    run = make_run(samples=0)
    for i in range(40):
        # Noise cannot be packed: the worst that a picture can be.
        picture_file(run.path / "samples" / f"{i:012d}.png", 320, seed=i, grey=False)
    assert sum(path.stat().st_size for path in run.samples) > 12e6
    noise = np.random.default_rng(0).integers(0, 256, (3, 128, 128), dtype=np.uint8)
    page = write_report(run, nearest=[(noise, noise, 1.0)] * 40)
    assert 1e6 < page.stat().st_size < 8e6
    strip = parse(page.read_text()).one("ol", class_="strip").all("img")
    assert len(strip) == 24
    moments = [int(image.attributes["data-nimg"]) for image in strip]
    assert moments[0] == 0
    assert moments[-1] == 39
    assert {b - a for a, b in pairwise(moments)} == {1, 2}


def test_the_page_is_bounded_however_long_the_records(make_run: MakeRun):
    run = make_run(ticks=0, samples=0)
    lines = [json.dumps(tick(16 * i, examined=True)) for i in range(1, 5001)]
    (run.path / "log.jsonl").write_text("\n".join(lines))
    events = [{"event": "finding", "nimg": i, "finding": finding(f"code-{i}").to_json()} for i in range(5000)]
    (run.path / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    rows = [{"key": f"score-{i}", "value": i, "name": "x" * 5000} for i in range(5000)]
    (run.path / "scores.json").write_text(json.dumps({"scores": rows, "notes": ["y" * 10**6] * 100}))
    run = replace(run, data={"source": "z" * 10**6, "notes": ["n" * 10**6]})
    path = write_report(run)
    assert path.stat().st_size < 2e6
    page = parse(path.read_text())
    assert "5,000 ticks in the log, 5,000 examinations; 400 of them are drawn." in page.text
    assert "4,940 earlier ones are in events.jsonl." in page.text
    numbers = json.loads(page.one("script", type="application/json").text)
    x = numbers["panels"]["losses"]["x"]
    assert (len(x), x[0], x[-1]) == (400, 16, 80_000)


def test_two_pages_of_the_same_run_are_the_same(make_run: MakeRun, tmp_path: Path):
    run = hostile_run(make_run, "again", "words")
    first = write_report(run).read_bytes()
    assert write_report(Run.open(run.path)).read_bytes().count(b"<svg") == first.count(b"<svg")
    assert write_report(run).read_bytes() == first
