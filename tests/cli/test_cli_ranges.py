"""The range of values that was fitted to the data is kept in the run, and used by whatever reads pictures."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.core.errors import UsageError
from ganforge.core.space import Space
from ganforge.core.value_range import ValueRange
from ganforge.data import load
from ganforge.runs.folder import Run
from ganforge.runs.translator import NetworkTranslator
from ganforge.shipping import asking, posting
from ganforge.shipping.limits import Limits, Refused
from ganforge.tasks.experiment import prepare, resume
from ganforge.tasks.opened_run import OpenedRun
from ganforge.tasks.reals import real_examples
from ganforge.tasks.translation import translate
from ganforge.tasks.translation_direction import TranslationDirection
from tests import players
from tests.conftest import Call
from tests.translations import translating

N = 40
SCENES = np.random.default_rng(3).integers(0, 256, (N, 16, 16))
SCENES[:, 0, 0], SCENES[:, 0, 1] = 0, 255


def _folder(folder: Path, scale: float, dead: int | None = None) -> Path:
    folder.mkdir(parents=True)
    for i, scene in enumerate(SCENES):
        pixels = np.rint(scene * scale).astype(np.uint16)
        if i == dead:
            pixels[3, 3] = 65535
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def deep_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on pictures of 16 bits with values up to 1,020, and one dead pixel."""
    folder = tmp_path_factory.mktemp("deep")
    data = _folder(folder / "photos", 4, dead=7)
    trainer = prepare(data, recipe=players.recipe(kimg=0.1)).start(folder / "runs" / "deep")
    assert trainer.train().finished
    return trainer.run.path


def _deep(i: int, scale: float) -> Image.Image:
    return Image.fromarray(np.rint(SCENES[i] * scale).astype(np.uint16))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_run_keeps_it(deep_run: Path) -> None:
    known = {"low": 0.0, "high": 1023.0, "deep": True}
    record = json.loads((deep_run / "run.json").read_text())
    assert record["space"]["value_range"] == record["data"]["space"]["value_range"] == known
    assert Run.open(deep_run).space.value_range == ValueRange(0, 1023)


def test_resume_reads_the_same_numbers(deep_run: Path) -> None:
    trainer = resume(deep_run, kimg=0.2)
    assert trainer.dataset.manifest["fingerprint"] == trainer.run.data["fingerprint"]


def test_evaluation_reads_other_data_by_it(deep_run: Path, tmp_path: Path) -> None:
    dim = _folder(tmp_path / "dim", 1)  # alone their range would be 0 … 255
    assert load(dim, cache=tmp_path / "c").space.value_range == ValueRange(0, 255)
    found = real_examples(Run.open(deep_run), dim, cache=tmp_path / "c").dataset
    assert found.train.values.max() == 64  # 255 of 1,023
    bright = _folder(tmp_path / "bright", 200)
    told = real_examples(Run.open(deep_run), bright, cache=tmp_path / "c")
    assert any("lie outside 0 … 1023" in note for note in told.notes)


def test_inversion_reads_pictures_and_arrays_by_it(deep_run: Path, tmp_path: Path) -> None:
    opened = OpenedRun(deep_run)
    expected = np.rint(SCENES[0] * 4 / 1023 * 255)
    _deep(0, 4).save(tmp_path / "a.png")
    assert np.abs(opened.read([tmp_path / "a.png"])[0, 0].numpy() - expected).max() <= 1
    np.save(tmp_path / "a.npy", SCENES[:2] * 4)
    assert np.abs(opened.read([tmp_path / "a.npy"])[0, 0].numpy() - expected).max() <= 1
    np.save(tmp_path / "b.npy", SCENES[:2].astype(np.uint8))  # bytes are declared units already
    assert (opened.read([tmp_path / "b.npy"])[:, 0].numpy() == SCENES[:2]).all()
    _deep(0, 200).save(tmp_path / "c.png")
    with pytest.raises(UsageError, match="of another range of values"):
        opened.read([tmp_path / "c.png"])
    np.save(tmp_path / "d.npy", np.zeros((2, 9, 9)))
    with pytest.raises(UsageError, match="its shape is"):
        opened.read([tmp_path / "d.npy"])


def test_arrays_for_a_run_of_plain_bytes(digits_run: Path, tmp_path: Path) -> None:
    opened = OpenedRun(digits_run)
    np.save(tmp_path / "a.npy", np.full((1, 8, 8), 0.5))
    with pytest.raises(UsageError, match="not in whole steps from 0 to 255"):
        opened.read([tmp_path / "a.npy"])
    np.save(tmp_path / "a.npy", np.full((1, 8, 8), 200.0))
    assert (opened.read([tmp_path / "a.npy"]) == 200).all()


def test_the_service_reads_posted_pictures_by_it(deep_run: Path) -> None:
    space = Run.open(deep_run).space
    posted = base64.b64encode(_png(_deep(0, 4))).decode()
    example = asking.posted_example({"picture": posted}, space)
    assert np.abs(example[0, 0].numpy() - np.rint(SCENES[0] * 4 / 1023 * 255)).max() <= 1
    with pytest.raises(Refused, match="another range of values than 0 … 1023"):
        asking.posted_example({"picture": base64.b64encode(_png(_deep(0, 200))).decode()}, space)
    plain = Space(kind="pictures", shape=(1, 16, 16))
    with pytest.raises(Refused, match="more than 8 bits"):
        asking.posted_example({"picture": posted}, plain)


@pytest.fixture
def translator() -> NetworkTranslator:
    source = Space(kind="pictures", shape=(1, 16, 16), value_range=ValueRange(0, 1023))
    of = Space(kind="pictures", shape=(3, 16, 16), source=source)
    return NetworkTranslator(translating(of=of), space=of, asks=None)


def test_translations_read_their_inputs_by_it(translator: NetworkTranslator, tmp_path: Path) -> None:
    in_bytes = torch.from_numpy(np.rint(SCENES[0] * 4 / 1023 * 255).astype(np.uint8))[None, None]
    expected = translator.translate(in_bytes)[0]
    posted = posting.posted(_png(_deep(0, 4)), translator, Limits())
    assert (posted.picture == in_bytes).all()
    _deep(0, 4).save(tmp_path / "a.png")
    made = translate(TranslationDirection(translator), tmp_path / "a.png", tmp_path / "out.png")
    assert made.written == [tmp_path / "out.png"]
    with Image.open(tmp_path / "out.png") as image:
        assert (np.array(image).transpose(2, 0, 1) == expected.numpy()).all()


def test_pairs_keep_a_range_for_each_side(tmp_path: Path) -> None:
    targets, inputs = _folder(tmp_path / "a", 257), _folder(tmp_path / "b", 16)
    data = load(targets, source=str(inputs), cache=tmp_path / "c", held_out=0)
    assert data.space.value_range == ValueRange(0, 65535)
    assert data.space.source is not None
    assert data.space.source.value_range == ValueRange(0, 4095)
    assert data.train.sources is not None
    gap = data.train.sources.astype(int) - data.train.values
    assert np.abs(gap).max() <= 1
    again = load(targets, source=str(inputs), source_range=ValueRange(0, 65535), cache=tmp_path / "c")
    assert again.train.sources is not None
    assert again.train.sources.max() == 16


def test_the_option(gan: Call, tmp_path: Path) -> None:
    _folder(tmp_path / "photos", 4)
    answer = gan("data", "photos", "--range", "-1000,3095")
    assert answer.code == 0, answer.err
    assert "-1000 … 3095 becomes 0 … 255" in answer.out
    assert gan("data", "photos", "--range=5").code == 2
    answer = gan("data", "photos", "--range", "5,2")
    assert answer.code == 2
    assert "the lower one first" in answer.err
    answer = gan("data", "digits", "--range", "0,1")
    assert "has no range to be chosen" in answer.err


def test_the_cache_is_listed_and_cleared(gan: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for shade in range(12):
            Image.new("RGB", (16, 16), (9 * shade, 0, 0)).save(tmp_path / name / f"{shade}.png")
        assert gan("data", name).code == 0
    listed = gan("data", "--cache", "list").out
    assert "12 of " in listed
    assert "2 entries" in listed
    assert {entry["count"] for entry in json.loads(gan("data", "--cache", "list", "--json").out)} == {12}
    assert "cleared, 1 entry" in gan("data", "one", "--cache", "clear").out
    assert str(tmp_path / "two") in gan("data", "--cache", "list").out
    assert "cleared, 1 entry" in gan("data", "--cache", "clear").out
    assert not list((tmp_path / "cache").glob("*/manifest.json"))
    assert gan("data").code == 2
