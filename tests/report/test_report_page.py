"""``report.html``: what is on it, and that it loads nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganforge.core.errors import MachineError
from ganforge.core.space import Space
from ganforge.health.diagnosis import Diagnosis
from ganforge.metrics.score import Protocol, Score
from ganforge.report import write_report
from ganforge.report.sections import Strip
from ganforge.runs.folder import Run
from tests.report.conftest import MakeRun, finding, tick
from tests.report.page_tree import Node, parse

SECTIONS = ["film", "curves", "findings", "scores", "made", "next"]


def page_of(run: Run, **options: object) -> Node:
    return parse(write_report(run, **options).read_text())  # type: ignore[arg-type]


def score(key: str = "kernel_distance", value: float = 0.02) -> Score:
    protocol = Protocol(extractor="raw", n=500, split="held-out", settings={"subset": 100})
    interval = (value - 0.01, value + 0.01)
    return Score(
        key=key,
        name=f"{key} (raw)",
        value=value,
        interval=interval,
        floor=0.015,
        direction="lower",
        protocol=protocol,
    )


def test_the_parts_stand_in_order(make_run: MakeRun):
    run = make_run()
    path = write_report(run)
    assert path == run.path / "report.html"
    assert list(run.path.glob(".tmp-*")) == []
    page = parse(path.read_text())
    assert [node.attributes["id"] for node in page.all("section")] == SECTIONS
    assert page.one("h1").text == "run"
    assert page.one("title").text == "run · ganforge report"
    assert page.one("html").attributes["lang"] == "en"
    made = page.one("section", id="made").text
    assert "pets (folder) · 90 examples to train on, 10 held out · 8×8 grey · 2 classes: cat, dog" in made
    assert "3 files skipped" in made
    assert "tiny: few pictures · seed 3" in made
    assert "gan train pets --kimg 9" in made
    assert "Best look kernel distance .0814 (best possible .004) at 3.0 kimg" in made
    assert "9.0 kimg in 90 s" in made or "9.0 kimg in 2 min" in made
    whole = json.loads(page.one("pre").text)
    assert whole == json.loads(json.dumps(run.recipe.to_json()))


def test_nothing_is_loaded(make_run: MakeRun):
    run = make_run()
    text = write_report(run, nearest=[(np.zeros((1, 8, 8), np.uint8),) * 2 + (0.5,)]).read_text()
    assert re.findall(r"(?i)https?:|url\(|@import|\bimport\b|fetch\(|XMLHttp|WebSocket|//\w+\.\w", text) == []
    page = parse(text)
    for node in page.all():
        assert node.tag not in ("iframe", "object", "embed", "base", "form", "video", "audio")
        for name, value in node.attributes.items():
            assert not name.startswith("on")
            assert name not in ("style", "srcset", "action", "formaction")
            if name in ("src", "href", "data", "poster"):
                assert value.startswith("data:image/") or value == "data:,", (node.tag, value[:40])
    assert [node.attributes for node in page.all("link")] == [{"rel": "icon", "href": "data:,"}]


def digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def test_the_browser_is_told_to_run_and_load_nothing_else(make_run: MakeRun):
    text = write_report(make_run()).read_text()
    page = parse(text)
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert rules == {
        "default-src": ["'none'"],
        "img-src": ["data:"],
        "media-src": ["data:"],
        "style-src": [digest(style)],
        "script-src": [digest(script)],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }


def test_the_diagnosis_is_the_verdict(make_run: MakeRun):
    worst, good = finding("mode-collapse", "failure", packing=2), finding("equilibrium", "good")
    run = make_run()
    run.add_event("finding", nimg=1000, finding=finding("shortcut", "warning").to_json())
    run.add_event("finding gone", nimg=3000, code="shortcut")
    page = page_of(run, diagnosis=Diagnosis((worst, good), 9000))
    verdict = page.one("p", class_="verdict")
    assert verdict.text == "Failing: mode collapse. The meaning of mode-collapse."
    assert "failure" in verdict.attributes["class"].split()
    cards = page.all("article")
    assert [card.one("h4").text for card in cards] == ["mode collapse", "equilibrium", "shortcut"]
    assert [heading.text for heading in page.one("section", id="findings").all("h3")] == ["Seen earlier"]
    assert cards[0].one("code").text == "gan train pets --kimg 9 --set packing=2"
    assert "support size 212" in cards[0].text
    assert "What helps: Do something else." in cards[0].text
    assert "docs/findings/mode-collapse.md" in cards[0].text
    assert cards[1].all("code") == []


def test_without_a_diagnosis_the_log_is_diagnosed(make_run: MakeRun):
    page = page_of(make_run(ticks=0, samples=0))
    assert "nothing to judge" in page.one("p", class_="verdict").text
    page = page_of(make_run())
    assert page.one("p", class_="verdict").text


def test_events_and_findings_are_marked_on_every_curve(make_run: MakeRun):
    run = make_run()
    run.add_event("finding", nimg=2000, finding=finding().to_json())
    run.add_event("interrupted", nimg=4000, seconds=40.0, reason="stopped by Ctrl-C")
    run.add_event("resumed", nimg=4000, checkpoint="000000004000")
    run.add_event(
        "rescued", nimg=6000, back_to=4000, code="low-support", changes={"penalties.r1.weight": 0.2}
    )
    run.add_event("finished", nimg=9000, seconds=90.0, reason="the budget is used up")
    page = page_of(run, diagnosis=Diagnosis((), 9000))
    told = [item.text for item in page.one("ol", class_="timeline").all("li")]
    assert told == [
        "2.0 kimg low support: The meaning of low-support.",
        "4.0 kimg interrupted: stopped by Ctrl-C",
        "4.0 kimg resumed from the checkpoint of 4.0 kimg",
        "6.0 kimg rescued: back to 4.0 kimg, and on with penalties.r1.weight = 0.2",
        "9.0 kimg finished: the budget is used up",
    ]
    panels = page.all("figure", class_="panel")
    ids = ["kernel_distance", "precision", "memorisation", "logits", "margin", "apart", "losses", "gradients"]
    assert [panel.attributes["id"] for panel in panels] == [f"panel-{name}" for name in ids]
    for panel in panels:
        marks = panel.all("svg", class_="mark")
        assert [mark.attributes["x"] for mark in marks] == ["22.22%", "44.44%", "44.44%", "66.67%"]
        assert [mark.attributes["class"].split()[1] for mark in marks] == [
            "warning",
            "event",
            "event",
            "rescue",
        ]
        assert panel.all("path", class_="line")
        assert panel.attributes["tabindex"] == "0"
    floors = [panel.attributes["id"] for panel in panels if panel.all("path", class_="floor")]
    bands = [panel.attributes["id"] for panel in panels if panel.all("path", class_="band")]
    assert floors == ["panel-kernel_distance", "panel-precision", "panel-memorisation"]
    assert bands == [*floors, "panel-logits", "panel-margin"]


def test_the_script_reads_the_values_that_the_log_has(make_run: MakeRun):
    run = make_run(ticks=3)
    run.add_log({**tick(4000), "margin": {"mean": None}})
    numbers = json.loads(page_of(run).one("script", type="application/json").text)
    assert {panel["span"] for panel in numbers["panels"].values()} == {4000}
    assert numbers["panels"]["margin"]["x"] == [1000, 2000, 3000, 4000]
    # sin(n) + 4, as the made-up log has it.
    assert numbers["panels"]["margin"]["values"] == [["4.83", "4.93", "4.22", "not known"]]
    assert numbers["panels"]["kernel_distance"]["values"] == [[".0814 [.075, .087], best possible .004"]]


def test_the_pictures_have_a_slider_that_can_be_reached(make_run: MakeRun):
    page = page_of(make_run(samples=5))
    film = page.one("section", id="film")
    slider = film.one("input")
    assert (slider.attributes["type"], slider.attributes["max"], slider.attributes["value"]) == (
        "range",
        "4",
        "4",
    )
    assert film.one("label").attributes["for"] == slider.attributes["id"] == "time"
    assert film.one("button").text == "Play"
    strip = film.one("ol").all("img")
    assert [image.attributes["data-nimg"] for image in strip] == ["0", "1000", "2000", "3000", "4000"]
    for image in page.all("img"):
        assert image.attributes["alt"]


@pytest.mark.parametrize("source", ["argument", "file", "log"])
def test_scores_come_from_where_they_are_best(make_run: MakeRun, source: str):
    run = make_run()
    if source != "log":
        record = {
            "nimg": 8000,
            "samples": 500,
            "scores": [score(value=0.03).to_json()],
            "classes": [{"name": "cat", "share": 0.4, "share_real": 0.5, "read": None, "coverage": 0.9}],
            "lags": "The class cat lags.",
            "notes": ["a note"],
            "nearest": {"held_out": 1.25},
        }
        (run.path / "scores.json").write_text(json.dumps(record))
        (run.checkpoints / "000000009000").mkdir()
    pairs = [(np.zeros((1, 8, 8), np.uint8), np.ones((1, 8, 8), np.uint8), 0.5)]
    given = [score(), score("precision", 0.014)] if source == "argument" else None
    page = page_of(run, scores=given, nearest=pairs)
    section = page.one("section", id="scores")
    first = section.all("table")[0].all("tbody")[0].all("tr")[0]
    cells = [cell.text for cell in first.all("td")]
    expected = {
        "argument": [".02", ".01 to .03", ".015 reached", "", "n 500 · held-out · subset 100"],
        "file": [".03", ".02 to .04", ".015", "", "n 500 · held-out · subset 100"],
        "log": [".0814", ".075 to .087", ".004", "", "n 180 · held-out"],
    }
    assert cells == expected[source]
    origin = {
        "argument": "Measured for this report.",
        "file": "after 8.0 kimg. That generator is no longer kept",
        "log": "look at 9.0 kimg",
    }
    assert origin[source] in section.text
    assert first.one("th").text.startswith(
        "kernel_distance (raw)" if source != "log" else "kernel distance (sketch-8)"
    )
    assert ("The class cat lags." in section.text) == (source != "log")
    assert ("40 % · real 50 %" in section.text) == (source != "log")
    assert ("are 1.25 from theirs" in page.text) == (source != "log")
    if source == "log":  # the headline first, whatever the order in the log
        names = [row.one("th").text.split()[0] for row in section.one("tbody").all("tr")]
        assert names == ["kernel", "precision", "nearer"]


def test_nearest_examples_are_shown_for_pictures_and_left_out_for_points(make_run: MakeRun):
    pairs = [(np.full((1, 8, 8), i, np.uint8), np.full((1, 8, 8), 255, np.uint8), i / 4) for i in range(20)]
    section = page_of(make_run(), nearest=pairs).one("section", id="nearest")
    assert len(section.all("figure")) == 16
    assert len(section.all("img")) == 32
    assert section.all("figcaption")[3].text == "distance .75"
    run = make_run("plane", space=Space(kind="points", shape=(2,)))
    points = [(np.zeros(2, np.float32), np.ones(2, np.float32), 1.0)]
    assert page_of(run, nearest=points).all("section", id="nearest") == []


def test_rows_of_real_and_made_examples_stand_first_with_their_words(make_run: MakeRun):
    rows = [
        Strip("Real", "examples", [(np.full((1, 8, 8), i, np.uint8), "") for i in range(3)]),
        Strip("Made", "samples", [(np.full((1, 8, 8), i, np.uint8), f"seed {i} · <b>") for i in range(8)]),
    ]
    page = page_of(make_run(), strips=rows)
    assert page.all("section")[0].attributes["id"] == "examples"
    section = page.one("section", id="examples")
    assert [node.text for node in section.all("h3")] == ["Real examples", "Made samples"]
    assert len(section.all("img")) == 11
    assert [node.text for node in section.all("figcaption")] == [f"seed {i} · <b>" for i in range(8)]


def test_scores_of_a_generator_that_is_kept_are_not_called_old(make_run: MakeRun):
    run = make_run()
    (run.path / "scores.json").write_text(json.dumps({"nimg": 3000, "scores": [score().to_json()]}))
    for nimg in (3000, 9000):
        (run.checkpoints / f"{nimg:012d}").mkdir()
    told = page_of(run).one("section", id="scores").text
    assert "after 3.0 kimg." in told
    assert "no longer kept" not in told


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (
            ["/x/bin/gan", "train", "my pets", "--set", "packing=1", "batch=8"],
            "gan train 'my pets' --set batch=8",
        ),
        (["gan", "train", "pets", "--set", "packing=1"], "gan train pets"),
        (
            ["gan", "train", "pets", "--set", "packing=1", "--out", "runs/x", "--kimg", "9"],
            "gan train pets --kimg 9",
        ),
        (
            ["gan", "train", "pets", "--out=runs/x", "--set", "batch=8", "packing=1"],
            "gan train pets --set batch=8",
        ),
        (["gan", "train", "--resume", "runs/pets"], "gan train pets --recipe RECIPE --size 8x8 --seed 3"),
        (["train.py", "--fast"], "gan train pets --recipe RECIPE --size 8x8 --seed 3"),
        (None, "gan train pets --recipe RECIPE --size 8x8 --seed 3"),
        (["gan", "train", 3], "gan train pets --recipe RECIPE --size 8x8 --seed 3"),
    ],
)
def test_a_remedy_is_a_command_that_can_be_typed(make_run: MakeRun, typed: object, told: str):
    found = finding(packing=2, generator__learning_rate=5e-5)
    run = make_run(info={"command": typed})
    page = page_of(run, diagnosis=Diagnosis((found,), 9000))
    told = told.replace("RECIPE", run.recipe.name)
    assert page.one("article").one("code").text == f"{told} --set packing=2 generator__learning_rate=5e-05"


@pytest.mark.parametrize(
    ("event", "commands"),
    [
        ("finished", ["diagnose", "evaluate", "sample", "sample"]),
        ("interrupted", ["train", "diagnose", "evaluate", "sample", "sample"]),
        ("diverged", ["diagnose", "evaluate", "sample", "sample"]),
    ],
)
def test_the_next_commands_fit_the_end(make_run: MakeRun, event: str, commands: list[str]):
    run = make_run("my run")
    run.add_event(event, nimg=9000, reason="why")
    typed = [code.text for code in page_of(run).one("section", id="next").all("code")]
    assert [words.split()[1] for words in typed] == commands
    assert all(f"'{run.path}'" in words for words in typed)  # quoted for a shell


def test_what_broke_off_says_so_first(make_run: MakeRun):
    run = make_run()
    run.add_event("diverged", nimg=9000, refused=13, of=64, not_finite=["margin"])
    told = page_of(run).one("p", class_="verdict")
    assert told.text.startswith("Failing: not finite")
    assert "failure" in told.attributes["class"]
    changes = {"batch": 8}
    run.add_event("rescued", nimg=9000, back_to=0, code="not-finite", changes=changes, before={"batch": 16})
    page = page_of(run)
    assert "not finite" not in page.one("p", class_="verdict").text
    assert "Rescued once; the last one set batch 16 → 8" in page.one("section", id="made").text


def test_a_run_stands_beside_another_with_what_differs(make_run: MakeRun):
    run = make_run("one")
    run.add_log(tick(10_000, examined=True))
    other = make_run("two", recipe=replace(run.recipe, batch=32), ticks=12, data={"fingerprint": "x"})
    worse = tick(13_000, examined=True)
    worse["examination"]["scores"]["kernel_distance"] |= {"value": 0.3, "low": 0.2, "high": 0.4}
    other.add_log(worse)
    page = page_of(run, others={"two": other}).one("section", id="beside")
    facts, settings = page.all("table")
    lines = {row.one("th").text: [cell.text for cell in row.all("td")] for row in facts.all("tr")[1:]}
    assert lines["examples shown"] == ["10.0 kimg", "13.0 kimg"]
    assert lines["kernel distance (sketch-8), lower is better"] == [
        ".0814 [.075, .087] n 180",
        ".3 [.2, .4] n 180",
    ]
    assert [bold.text for bold in facts.all("b")] == [".0814"]  # the others are alike
    assert [row.text for row in settings.all("tr")[1:]] == [f"batch {run.recipe.batch} 32"]
    assert "They were not trained on the same data" in page.text
    assert page.one("figure", class_="panel").attributes["id"] == "panel-beside"
    assert page_of(run).all("section", id="beside") == []


def test_a_page_that_is_there_is_replaced_whole_or_kept(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch):
    run = make_run()
    (run.path / "report.html").write_text("former")
    original: Callable[..., None] = __import__("os").replace

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(MachineError, match="disk is full"):
        write_report(run)
    assert (run.path / "report.html").read_text() == "former"
    assert list(run.path.glob(".tmp-*")) == []
    monkeypatch.setattr("os.replace", original)
    assert write_report(run).read_text().startswith("<!doctype html>")


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_colour_of_letters_can_be_read_on_every_ground():
    import ganforge.report.page as page

    style = (Path(page.__file__).parent / "page.css").read_text()
    themes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(themes) == 2
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    for theme in themes:
        grounds = [theme.pop(name) for name in ("paper", "card")]
        assert contrast(theme["ink"], theme.pop("faint")) >= 4.5  # commands
        del theme["rule"]
        assert len(theme) == 10
        for name, colour in theme.items():
            for ground in grounds:
                assert contrast(colour, ground) >= 4.5, (name, colour, ground)
