"""Explore: latents as expressions, pictures at once, and tasks that take longer."""

from __future__ import annotations

import base64
import io
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganforge
from ganforge.core.errors import UsageError
from ganforge.runs.made import write_film, write_grid
from ganforge.shipping.export import export
from ganforge.studio.beside import real_beside, table, table_file
from ganforge.studio.explorer import _newest_only
from ganforge.studio.model import Model
from ganforge.tasks.experiment import prepare
from tests import players
from tests.conftest import Call
from tests.studio.conftest import Line, Running
from tests.translations import trained

SEED = {"seed": 5}


@pytest.fixture
def digits(studio: Running) -> Generator[Line]:
    with studio.socket("/api/explore") as line:
        line.call("open", model="0:digits")
        yield line


def make(line: Line, *latents: dict[str, Any], **more: Any) -> tuple[Any, list[np.ndarray]]:
    """Latents ``(n, L)`` and pictures ``(8, 8)`` each."""
    header, arrays = line.call("make", slot="s", latents=list(latents), **more)
    assert header["slot"] == "s"
    return arrays["latents"], [np.asarray(Image.open(io.BytesIO(one))) for one in arrays["pictures"]]


def task(line: Line, **fields: Any) -> Any:
    """The last news of a task, with its pictures where there are any."""
    name = line.call("task", **fields)["task"]
    while True:
        news = line.until("task")
        header = news[0] if isinstance(news, tuple) else news
        assert header["task"] == name
        if header["state"] != "running":
            assert header["state"] == "done", header
            return news


def test_a_model_says_what_it_can(studio: Running):
    with studio.socket("/api/explore") as line:
        assert "first call" in line.refused("make", latents=[SEED])
        assert "no run '0:nothing'" in line.refused("open", model="0:nothing")
        told = line.call("open", model="0:digits")
        assert told["model"] == "0:digits"
        assert (told["view"], told["latent"]) == ("pictures", 16)
        assert told["words"].startswith("8×8 grey; the state after 3,008 examples, the newest; weights ")
        assert told["classes"] == [str(i) for i in range(10)]
        assert told["can"]["feedback"] is told["can"]["invert"] is told["can"]["directions"] is None
        assert "one place" in told["can"]["mix"]
        assert "translate" in told["can"]["translate"]


def test_a_seed_is_the_picture_that_gan_sample_makes(digits: Line, runs: Path):
    _, shown = make(digits, {"seed": 3}, {"seed": 3, "start": 1}, {"seed": 9}, **{"class": 4})
    sampler = ganforge.load(runs / "digits")
    asked = sampler.asks.read("4") if sampler.asks is not None else None
    for picture, (seed, start) in zip(shown, ((3, 0), (3, 1), (9, 0)), strict=True):
        made = sampler.sample(1, seed=seed, start=start, condition=asked)[0].numpy()
        assert (np.asarray(sampler.space.codec.picture(made)) == picture).all()
    _, other = make(digits, {"seed": 3}, **{"class": "7"})
    assert not (other[0] == shown[0]).all()


def test_of_whom_nothing_is_said_a_seed_is_gan_samples_too(digits: Line, runs: Path):
    sampler = ganforge.load(runs / "digits")
    _, shown = make(digits, {"seed": 8}, {"seed": 8, "start": 4}, {"seed": 3, "start": 7})
    for picture, (seed, start) in zip(shown, ((8, 0), (8, 4), (3, 7)), strict=True):
        made = sampler.sample(1, seed=seed, start=start)[0].numpy()
        assert (np.asarray(sampler.space.codec.picture(made)) == picture).all()


def test_pictures_keep_their_classes_side_by_side_and_between(digits: Line, runs: Path):
    a, b = {"seed": 1}, {"seed": 2}
    _, threes = make(digits, a, b, **{"class": 3})
    _, sevens = make(digits, a, b, **{"class": 7})
    _, each = make(digits, a, b, **{"class": [3, 7]})
    assert (each[0] == threes[0]).all()
    assert (each[1] == sevens[1]).all()
    between = {"between": [a, b], "t": 0.5}
    _, middle = make(digits, between, **{"class": {"mix": [[3, 0.5], [7, 0.5]]}})
    sampler = ganforge.load(runs / "digits")
    z, _ = make(digits, between, **{"class": 3})
    condition = torch.zeros(1, 10)
    condition[0, [3, 7]] = 0.5
    made = sampler.generate(torch.from_numpy(z.copy()), condition)[0].numpy()
    assert (np.asarray(sampler.space.codec.picture(made)) == middle[0]).all()
    assert "list of 2 to 2" in digits.refused("make", latents=[a, b], **{"class": [3]})
    assert "list of pairs" in digits.refused("make", latents=[a], **{"class": {"mix": [3, 7]}})


def test_points_and_captions_of_a_seed_are_gan_samples(tmp_path: Path):
    prepare("moons", recipe=players.recipe(kimg=0.1)).start(tmp_path / "moons").train()
    trained("captions", tmp_path / "text", players.captioned())
    for name, words in (("moons", None), ("text", None), ("text", "green")):
        model = Model(tmp_path / name, tmp_path / "keep", "chosen")
        sampler = ganforge.load(tmp_path / name)
        asked = None if words is None or sampler.asks is None else sampler.asks.read(words)
        _, made = model.make([{"seed": 4}, {"seed": 9, "start": 3}], words)
        assert torch.equal(made[0], sampler.sample(1, seed=4, condition=asked)[0])
        assert torch.equal(made[1], sampler.sample(1, seed=9, start=3, condition=asked)[0])
    assert model.note("green") is None
    assert model.note("gren, blue") == "No caption has 'gren'; it is left out. Did you mean 'green'?"


def test_expressions_of_latents(digits: Line):
    a, b = {"seed": 1}, {"seed": 2}
    z, _ = make(digits, a, b, {"between": [a, b], "t": 0}, {"between": [a, b], "t": 1.0})
    assert np.allclose(z[2], z[0], atol=1e-6)
    assert np.allclose(z[3], z[1], atol=1e-6)
    z, _ = make(digits, a, {"sum": [a, b, b]}, {"truncated": a, "by": 0.5}, {"z": [0.25] * 16})
    assert np.allclose(z[1][:8], z[0][:8], atol=1e-5)
    assert np.allclose(z[2][:8], z[0][:8] / 2)
    assert (z[2][8:] == z[0][8:]).all()  # random bits stay random bits
    assert (z[3] == 0.25).all()
    near, _ = make(digits, {"near": a, "spread": 0.1, "seed": 3}, {"near": a, "spread": 0.0})
    assert 0 < np.abs(near[0] - z[0]).max() <= 0.1 + 1e-6
    assert (near[1] == z[0]).all()


def test_wrong_latents_are_one_line(digits: Line):
    assert "a latent has one of" in digits.refused("make", latents=[{"sead": 5}])
    assert "list of 1 to 64" in digits.refused("make", latents=[])
    assert "list of 1 to 64" in digits.refused("make", latents=[SEED] * 65)
    assert "list of 16 to 16" in digits.refused("make", latents=[{"z": [1, 2]}])
    assert "finite" in digits.refused("make", latents=[{"z": ["x"] * 16}])
    assert "no class 'eleven'" in digits.refused("make", latents=[SEED], **{"class": "eleven"})
    assert "no direction 'up'" in digits.refused(
        "make", latents=[{"moved": SEED, "by": [{"direction": "up", "amount": 1}]}]
    )
    deep: dict[str, Any] = SEED
    for _ in range(12):
        deep = {"truncated": deep, "by": 1}
    assert "at most 8 deep" in digits.refused("make", latents=[deep])
    assert "t must be a number from 0 to 1" in digits.refused(
        "make", latents=[{"between": [SEED, SEED], "t": 2}]
    )
    assert "at one place" in digits.refused("make", latents=[{"mixed": [SEED, SEED]}])


def test_directions_are_found_and_moved_along(digits: Line):
    told = task(digits, kind="directions", method="factorised", count=3)["result"]
    assert told["found"] == ["factorised-1", "factorised-2", "factorised-3"]
    move = {"moved": SEED, "by": [{"direction": "factorised-1", "amount": 2.0}]}
    z, _ = make(digits, SEED, move)
    assert np.linalg.norm(z[1] - z[0]) == pytest.approx(2.0, abs=1e-4)
    again = digits.call("open", model="0:digits")
    assert [one["name"] for one in again["directions"]] == told["found"]


def test_a_direction_is_named_and_the_name_is_kept(digits: Line):
    task(digits, kind="directions", method="factorised", count=2)
    z, _ = make(digits, {"moved": SEED, "by": [{"direction": "factorised-1", "amount": 2.0}]})
    told = digits.call("name", direction="factorised-1", name="bold")["directions"]
    assert {"bold", "factorised-2"} <= {one["name"] for one in told}
    named, _ = make(digits, {"moved": SEED, "by": [{"direction": "bold", "amount": 2.0}]})
    assert (named == z).all()
    again = digits.call("open", model="0:digits")["directions"]
    assert again == told
    assert "'bold' already" in digits.refused("name", direction="factorised-2", name="bold")
    assert "1 to 40 letters" in digits.refused("name", direction="bold", name=" bold")
    assert "no direction 'bald'. Did you mean 'bold'" in digits.refused("name", direction="bald", name="a")
    digits.call("name", direction="bold", name="factorised-1")


def test_the_discriminators_advice(digits: Line):
    header, arrays = digits.call("feedback", latent=SEED, **{"class": "3"})
    assert 0 <= header["probability"] <= 1
    assert header["words"].startswith("pixel (")
    assert arrays["change"].shape == (1, 8, 8)
    assert np.abs(arrays["change"]).max() == pytest.approx(8.0, abs=1e-3)
    sizes = [Image.open(io.BytesIO(one)).size for one in arrays["pictures"]]
    assert sizes == [(8, 8)] * 3


def test_a_picture_is_found_again(digits: Line):
    z, shown = make(digits, SEED, **{"class": "3"})
    picture = encoded(Image.fromarray(shown[0]))
    header, arrays = task(digits, kind="invert", picture=picture, steps=60, **{"class": "3"})
    assert header["result"]["error"][0] < 0.05
    assert arrays["latents"].shape == (1, 16)
    assert len(arrays["pictures"]) == 2
    mask = Image.new("L", (8, 8), 0)
    mask.paste(255, (4, 0, 8, 8))
    url = f"data:image/png;base64,{picture}"
    header, arrays = task(digits, kind="invert", picture=url, mask=encoded(mask), steps=20, **{"class": "3"})
    assert (header["result"]["filled"], len(arrays["pictures"])) == (True, 3)
    filled = np.asarray(Image.open(io.BytesIO(arrays["pictures"][2])))
    assert (filled[:, :4] == shown[0][:, :4]).all()  # what is known stays
    assert z.shape == (1, 16)


def test_wrong_pictures_fail_in_words(digits: Line):
    for fields, words in (
        ({"picture": "!!!"}, "cannot be read as a picture"),
        ({"picture": base64.b64encode(b"GIF89a nonsense").decode()}, "cannot be read as a picture"),
        ({}, "give a picture, or strokes"),
        ({"strokes": encoded(Image.new("RGBA", (8, 8)))}, "nothing is known"),
    ):
        digits.call("task", kind="invert", **fields)
        while (news := digits.until("task"))["state"] == "running":
            pass
        assert news["state"] == "failed"
        assert words in news["words"]
    assert "there is no task" in digits.refused("task", kind="dream")


def encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_task_is_cancelled_and_the_next_one_runs(digits: Line):
    picture = encoded(Image.new("L", (8, 8), 90))
    name = digits.call("task", kind="invert", picture=picture, steps=1000, **{"class": "1"})["task"]
    digits.until("task")
    digits.call("cancel", task=name)
    states = [digits.until("task")["state"]]
    while states[-1] == "running":
        states.append(digits.until("task")["state"])
    assert states[-1] == "cancelled"
    assert "is over" in digits.refused("cancel", task=name)
    assert task(digits, kind="directions", count=2)["state"] == "done"


def test_of_a_sliders_moves_only_the_newest_waits():
    told: list[Any] = []
    calls = [
        {"session": "a", "call": {"id": i, "do": "make", "slot": slot}}
        for i, slot in enumerate(("x", "x", "y", "x"))
    ]
    calls.insert(2, {"session": "b", "call": {"id": 9, "do": "make", "slot": "x"}})
    kept = _newest_only(calls, lambda name, message: told.append((name, message["id"])))
    assert [(one["session"], one["call"]["id"]) for one in kept] == [("b", 9), ("a", 2), ("a", 3)]
    assert told == [("a", 1), ("a", 0)]


def test_points_have_a_cloud_of_real_and_made_ones(tmp_path: Path):
    prepare("moons", recipe=players.recipe(kimg=0.1)).start(tmp_path / "moons").train()
    model = Model(tmp_path / "moons", tmp_path / "keep", "chosen")
    header, arrays, _ = real_beside(model, {"n": 100})
    held_out = model.opened.dataset.held_out
    assert "held out" in header["words"]
    assert (arrays["real"] == held_out.values[:100].astype(np.float32)).all()
    made = model.sampler.sample(100, seed=0).numpy()
    assert (arrays["made"] == made.astype(np.float32)).all()
    export(tmp_path / "moons", to="folder", out=tmp_path / "alone")
    header, arrays, _ = real_beside(Model(tmp_path / "alone", tmp_path / "keep", "chosen"), {"n": 10})
    assert "samples alone" in header["words"]
    assert set(arrays) == {"made"}


def test_a_table_is_the_file_that_gan_sample_writes(tmp_path: Path, gan: Call):
    rows = [f"{20 + i % 50},{'red' if i % 3 else 'blue'},{i % 7}.5" for i in range(120)]
    (tmp_path / "t.csv").write_text("\n".join(["age,colour,size", *rows]))
    prepare(str(tmp_path / "t.csv"), kimg=0.3).start(tmp_path / "run").train()
    model = Model(tmp_path / "run", tmp_path / "keep", "chosen")
    told = model.to_json()
    assert (told["view"], told["heads"]) == ("table", ["age", "colour", "size"])
    made = table(model, {"n": 20, "seed": 5, "where": ["colour=blue"]})["rows"]
    assert all(row[1] == "blue" for row in made)
    words = ["run", "--rows", "20", "--seed", "5", "--where", "colour=blue", "--out", "made.csv"]
    assert gan("sample", *words).code == 0
    written = (tmp_path / "made.csv").read_text().splitlines()
    assert written == [",".join(told["heads"]), *(",".join(row) for row in made)]
    real = real_beside(model, {"n": 5})[0]["rows"]
    assert all(",".join(row) in rows for row in real)
    with pytest.raises(UsageError, match="no column"):
        table(model, {"where": ["color=blue"]})


def test_rows_are_taken_away_in_the_files_own_layout(tmp_path: Path, gan: Call):
    rows = [f'{"k. A." if i % 5 == 0 else 20 + i % 50};{i % 7},5;"a;{i % 3}"' for i in range(120)]
    (tmp_path / "t.csv").write_text("\n".join(["alter;größe;art", *rows]), encoding="cp1252")
    prepare(str(tmp_path / "t.csv"), kimg=0.3).start(tmp_path / "run").train()
    model = Model(tmp_path / "run")
    assert gan("sample", "run", "--rows", "20", "--seed", "5", "--out", "made.csv").code == 0
    made = table(model, {"n": 20, "seed": 5})["rows"]
    content, suffix, _ = table_file(model, {"rows": made})
    assert (content, suffix) == ((tmp_path / "made.csv").read_bytes(), ".csv")
    assert b"k. A.;" in content
    fewer, _, _ = table_file(model, {"rows": made[3:5]})
    assert fewer.splitlines() == [content.splitlines()[0], *content.splitlines()[4:6]]
    with pytest.raises(UsageError, match="rows are lists of 3 texts"):
        table_file(model, {"rows": [["1", "2"]]})


def test_real_examples_and_own_files(digits: Line, runs: Path):
    header, arrays = digits.call("examples", n=3)
    assert header["words"].startswith("3 of ")
    held_out = Model(runs / "digits", runs, "chosen").opened.dataset.held_out
    for picture, value in zip(arrays["pictures"], held_out.values, strict=False):
        assert (np.asarray(Image.open(io.BytesIO(picture))) == value[0]).all()
    header, arrays = digits.call("file", latents=[SEED], **{"class": 4})
    assert header["suffix"] == ".png"
    sampler = ganforge.load(runs / "digits")
    assert sampler.asks is not None
    sample = sampler.sample(1, seed=5, condition=sampler.asks.read("4"))[0].numpy()
    assert arrays["pictures"] == [sampler.space.codec.file(sample)]
    assert "no table" in digits.refused("table")
    assert "no table" in digits.refused("file", rows=[["1"]])


def test_sheets_and_films_are_those_of_sample(digits: Line, runs: Path, tmp_path: Path):
    sampler = ganforge.load(runs / "digits")
    assert sampler.asks is not None
    _, arrays = digits.call("file", latents=[{"seed": n} for n in (3, 4, 5)], form="sheet", **{"class": 4})
    write_grid(sampler, [3, 4, 5], tmp_path / "grid.png", condition=sampler.asks.read("4"))
    assert (
        Image.open(io.BytesIO(arrays["pictures"][0])).tobytes() == Image.open(tmp_path / "grid.png").tobytes()
    )
    ends = [{"seed": 3}, {"seed": 7}]
    header, arrays = digits.call("file", latents=ends, form="film", seconds=0.5, **{"class": 4})
    write_film(sampler, [3, 7], tmp_path / "walk.gif", condition=sampler.asks.read("4"), seconds=0.5)
    assert header["suffix"] == ".gif"
    assert arrays["pictures"] == [(tmp_path / "walk.gif").read_bytes()]
    assert "two latents" in digits.refused("file", latents=[SEED], form="film")
    assert "own of one" in digits.refused("file", latents=ends)
