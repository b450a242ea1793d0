"""Explore, of what leads from pictures to pictures: a dropped picture of any size, and what is no picture."""

from __future__ import annotations

import io
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.core.errors import UsageError
from ganforge.runs.folder import Run
from ganforge.runs.inputs import read_inputs
from ganforge.runs.translator import load_translator
from ganforge.shipping.export import export
from ganforge.studio.bounds import Bounds
from ganforge.studio.scratch import Scratch
from ganforge.studio.shelf import Shelf
from ganforge.studio.translation import Translation
from tests import players
from tests.studio.conftest import Line, Running, running
from tests.translations import clean, photo, trained


@pytest.fixture(scope="module")
def translations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs that translate: with a way back, with classes, and four times as large."""
    folder = tmp_path_factory.mktemp("translations")
    trained("cyclegan", folder / "two", players.translated())
    trained("stargan", folder / "classes", players.pictures(20, (3, 16, 16), classes=3))
    trained("super-resolution", folder / "larger", clean(source=(3, 4, 4)))
    trained("next-frame", folder / "next", players.translated(source=(9, 16, 16)), source="previous:3")
    export(folder / "two", to="folder", out=folder / "model")
    return folder


@pytest.fixture(scope="module")
def translating(translations: Path) -> Generator[Running]:
    with running(translations.parent, str(translations), "--workers", "1") as opened:
        yield opened


def bring(studio: Running, pixels: np.ndarray) -> str:
    """The name of a picture ``(H, W, C)`` that the studio has taken."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    status, answer = studio.ask("/api/explore/picture", buffer.getvalue(), headers=RAW)
    assert status == 200, answer
    told = json.loads(answer)
    assert (told["height"], told["width"]) == pixels.shape[:2]
    return told["picture"]


RAW = {"Content-Type": "application/octet-stream"}


def shown(studio: Running, name: str) -> np.ndarray:
    status, content = studio.ask(f"/api/explore/picture?id={name}")
    assert status == 200, content
    return np.asarray(Image.open(io.BytesIO(content)))


def ended(line: Line, **fields: Any) -> dict[str, Any]:
    """The last news of a translation."""
    name = line.call("task", kind="translate", **fields)["task"]
    while (news := line.until("task"))["state"] == "running":
        assert news["task"] == name
    return news


def done(line: Line, **fields: Any) -> dict[str, Any]:
    news = ended(line, **fields)
    assert news["state"] == "done", news
    return news["result"]


def test_both_ways_give_what_gan_translate_gives(translating: Running, translations: Path):
    pixels = photo(40, 23)[0].numpy().transpose(1, 2, 0)
    with translating.socket("/api/explore") as line:
        told = line.call("open", model="0:two")
        assert told["view"] == "translation"
        assert told["translation"]["goes_back"] is True
        assert told["can"]["translate"] is None
        assert "from pictures to pictures" in told["can"]["invert"]
        picture = bring(translating, pixels)
        for back in (False, True):
            result = done(line, picture=picture, back=back)
            assert result["from"] == result["to"] == [23, 40]
            assert (shown(translating, result["source"]) == pixels).all()
            made = load_translator(translations / "two", back=back).translate(photo(40, 23))[0]
            assert (shown(translating, result["made"]) == made.numpy().transpose(1, 2, 0)).all()
        assert "makes none from latents" in line.refused("make", slot="s", latents=[{"seed": 1}])


def test_a_model_folder_translates_as_its_run(translating: Running):
    picture = bring(translating, photo(16, 16)[0].numpy().transpose(1, 2, 0))
    found: list[np.ndarray] = []
    for model in ("0:two", "0:model"):
        with translating.socket("/api/explore") as line:
            line.call("open", model=model)
            found.append(shown(translating, done(line, picture=picture)["made"]))
    assert (found[0] == found[1]).all()


def test_classes_are_asked_for(translating: Running):
    picture = bring(translating, photo(16, 16)[0].numpy().transpose(1, 2, 0))
    with translating.socket("/api/explore") as line:
        told = line.call("open", model="0:classes")
        assert len(told["classes"]) == told["conditions"] == 3
        results = [shown(translating, done(line, picture=picture, **{"class": i})["made"]) for i in (0, 1)]
        assert not (results[0] == results[1]).all()
        assert "say what the result shall be" in ended(line, picture=picture)["words"]
        assert "no way back" in ended(line, picture=picture, back=True, **{"class": 1})["words"]


def test_a_clean_picture_becomes_an_input_first(translating: Running):
    picture = bring(translating, photo(32, 24)[0].numpy().transpose(1, 2, 0))
    with translating.socket("/api/explore") as line:
        assert line.call("open", model="0:larger")["translation"]["makes_inputs"] == "low-resolution:4"
        result = done(line, picture=picture, degrade=True)
        assert (result["from"], result["to"]) == ([6, 8], [24, 32])
        result = done(line, picture=picture)
        assert (result["from"], result["to"]) == ([24, 32], [96, 128])
        assert "16 pixels" in result["note"] or "4 pixels" in result["note"]


def test_inputs_that_the_run_keeps_are_translated_beside_the_truth(translating: Running, translations: Path):
    for name, paired in (("larger", True), ("two", False), ("next", True)):
        kept = read_inputs(Run.open(translations / name))
        assert kept is not None
        translator = load_translator(translations / name)
        with translating.socket("/api/explore") as line:
            line.call("open", model=f"0:{name}")
            header, arrays = line.call("examples", n=2)
            assert "of the training part: none are held out" in header["words"]
            assert len(arrays["pictures"]) == 2
            result = done(line, example=1)
            source = translator.source.to_declared(kept.inputs[1:2])
            made = translator.translate(source)[0].numpy().transpose(1, 2, 0)
            assert (shown(translating, result["made"]) == made.squeeze()).all()
            assert (result["truth"] is not None) == paired
            if paired:
                truth = translator.space.to_declared(kept.targets[1:2])[0].numpy().transpose(1, 2, 0)
                assert (shown(translating, result["truth"]) == truth.squeeze()).all()
            assert "there is none of 999" in ended(line, example=999)["words"]
    with translating.socket("/api/explore") as line:
        line.call("open", model="0:model")
        assert "keeps no inputs" in line.refused("examples")


def test_frames_of_a_clip_are_no_single_picture(translating: Running):
    picture = bring(translating, photo(16, 16)[0].numpy().transpose(1, 2, 0))
    with translating.socket("/api/explore") as line:
        assert "clip" in line.call("open", model="0:next")["can"]["translate"]
        assert "clip" in ended(line, picture=picture)["words"]


def test_what_is_no_picture_is_refused_in_a_line(translating: Running):
    for body, words in (
        (b"", "empty"),
        (b"a letter to a friend", "text, not a picture"),
        (b"\x89PNG\r\n\x1a\n and then nothing", "picture"),
    ):
        status, answer = translating.ask("/api/explore/picture", body, headers=RAW)
        assert status == 422
        assert words in json.loads(answer)["error"]
        assert "\n" not in json.loads(answer)["error"]
    # The length alone decides: nothing of a body that is too large is read.
    length = {**RAW, "Content-Length": str(Bounds().upload_bytes + 1)}
    status, answer = translating.ask("/api/explore/picture", headers=length, method="POST")
    assert status == 413
    assert "16,777,216 bytes" in json.loads(answer)["error"]
    assert translating.ask("/api/explore/picture?id=nothing")[0] == 404


def test_a_picture_that_breaks_off_fails_in_words(translating: Running):
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(buffer, "PNG")
    broken = buffer.getvalue()[:1500]
    status, answer = translating.ask("/api/explore/picture", broken, headers=RAW)
    assert status == 422
    assert "cannot be read as a picture" in json.loads(answer)["error"]
    with translating.socket("/api/explore") as line:
        line.call("open", model="0:two")
        assert "drop it again" in line.refused("task", kind="translate", picture="gone")


def test_a_generator_says_that_it_translates_nothing(studio: Running):
    picture = bring(studio, np.zeros((8, 8, 3), np.uint8))
    with studio.socket("/api/explore") as line:
        line.call("open", model="0:digits")
        assert "not trained to translate" in ended(line, picture=picture)["words"]


@pytest.mark.parametrize(
    ("run", "degrade", "sides"), [("two", False, (40, 1100)), ("larger", True, (64, 1100))]
)
def test_a_large_picture_tells_how_many_of_its_tiles_are_done(
    translations: Path, tmp_path: Path, run: str, degrade: bool, sides: tuple[int, int]
):
    file = tmp_path / "wide.png"
    Image.fromarray(photo(*sides)[0].numpy().transpose(1, 2, 0)).save(file)
    said: list[tuple[float | None, str]] = []
    model = Translation(translations / run, "chosen")
    model.write(
        file,
        [tmp_path / "in", tmp_path / "out"],
        back=False,
        degrade=degrade,
        label=None,
        bounds=Bounds(),
        tell=lambda done, words: said.append((done, words)),
    )
    tiles = [one for one in said if one[0] is not None]
    count = int(tiles[-1][1].split()[-2])
    assert count > 1
    assert tiles[-1] == (1.0, f"translating, {count} of {count} tiles")
    assert [words for _, words in tiles][:2] == [f"translating, {k} of {count} tiles" for k in (1, 2)]
    fractions = [done for done, _ in tiles]
    assert fractions == sorted(fractions)


def test_results_have_a_bound(translations: Path, tmp_path: Path):
    file = tmp_path / "one.png"
    Image.fromarray(photo(32, 32)[0].numpy().transpose(1, 2, 0)).save(file)
    model = Translation(translations / "larger", "chosen")
    few = Bounds(translated_pixels=128 * 128 - 1)
    said: list[str] = []
    with pytest.raises(UsageError, match="million pixels"):
        model.write(
            file, [], back=False, degrade=False, label=None, bounds=few, tell=lambda done, words: None
        )
    to = [tmp_path / "in", tmp_path / "out"]
    model.write(
        file,
        to,
        back=False,
        degrade=False,
        label=None,
        bounds=Bounds(),
        tell=lambda done, words: said.append(words),
    )
    with Image.open(to[1]) as made:
        assert made.size == (128, 128)
    assert "translating" in said
    assert torch.is_inference_mode_enabled() is False


def test_the_shelf_keeps_so_many_and_what_was_used_last():
    scratch = Scratch()
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "PNG")
    shelf = Shelf(3, 1 << 20, scratch)
    first = shelf.take(buffer.getvalue())
    second = shelf.take(buffer.getvalue())
    made = shelf.place()
    made.write_bytes(buffer.getvalue())
    assert shelf.result(made.name) == made
    shelf.given(first)
    shelf.place()
    assert shelf.given(first).is_file()
    with pytest.raises(UsageError, match="no longer here"):
        shelf.given(second)
    with pytest.raises(UsageError, match="no longer here"):
        shelf.result(first)  # what was brought is never given out
    scratch.close()
    small = Shelf(100, 100, scratch)
    for _ in range(4):
        small.take(buffer.getvalue())
    assert sum(path.is_file() for path in small.place().parent.iterdir()) <= 2
    scratch.close()
