"""What the verbs make: runs, resumed runs, samples, grids and films."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DamageWarning
from ganforge.runs import files
from ganforge.runs.folder import Run
from tests.conftest import Call

TINY = ("train", "moons", "--kimg", "0.2", "--set", "generator.width=8", "discriminator.width=8", "batch=32")


def shades(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def test_a_training_for_programs_and_one_for_nobody(gan: Call, tmp_path: Path):
    told = gan(*TINY, "--json", "--out", "told")
    assert told.code == 0
    *ticks, end = [json.loads(line) for line in told.out.splitlines()]  # and nothing else
    assert ticks[0]["nimg"] == 0
    assert ticks[-1]["nimg"] == 224
    assert ticks[-1]["progress"] == 1.0
    assert 0.0 <= ticks[-1]["way"] <= 1.0
    assert ticks[-1]["best_possible"] is not None
    assert end["finished"]
    assert (tmp_path / end["report"]).is_file()
    quiet = gan(*TINY, "--quiet", "--out", "quiet")
    assert (quiet.code, quiet.out) == (0, "")
    verbose = gan(*TINY, "--verbose", "--out", "verbose")
    assert re.search(
        r"· distance \S+ \(best possible \S+\).* · discriminator right \d+ % \(50 % =", verbose.out
    )
    assert gan(*TINY, "--quiet", "--json").code == 2


def test_train_says_what_it_does_and_a_finished_run_says_how_to_go_on(gan: Call, tmp_path: Path):
    first = gan(*TINY)
    assert (first.code, first.err) == (0, "")
    lines = first.out.splitlines()
    for opened in (
        "data",
        "recipe",
        "game",
        "weights",
        "device",
        "budget",
        "run",
        "done",
        "samples",
        "next",
    ):
        assert any(line.startswith(f"{opened} ") for line in lines), opened
    picture = re.search(r"first samples, before training: (\S+)", first.out)
    assert picture
    assert (tmp_path / picture[1]).is_file()
    assert "ETA 0 s" in first.out
    assert "-0 s" not in first.out
    assert "--film" not in first.out  # of points there is no film
    tick = r"^\d+ of 2\d\d examples · \d+ % · \d+ % of the way · ● .+ · ETA \d"
    assert re.search(tick, first.out, re.MULTILINE), first.out
    assert (tmp_path / "runs/moons/report.html").is_file()

    again = gan("train", "--resume")
    assert again.code == 0
    assert again.out == "runs/moons is done: 0.2 of 0.2 kimg; to train on: --kimg 0.4\n"
    on = gan("train", "--resume", "runs/moons", "--kimg", "0.4")
    assert on.code == 0
    assert Run.open(tmp_path / "runs/moons").log()[-1]["nimg"] == 416
    events = Run.open(tmp_path / "runs/moons").events()
    kinds = [event["event"] for event in events if "finding" not in event]
    assert kinds == ["finished", "resumed", "finished"]

    second = gan(*TINY)
    assert "gan train --resume runs/moons-2" in second.out  # never overwritten
    refused = gan("train", "runs/moons")
    assert refused.code == 2
    assert "is a run folder, not data; to train on: gan train --resume runs/moons" in refused.err
    sampled = gan("sample", "--seeds", "1")
    assert "the last run is runs/moons-2\n" in sampled.out
    assert (tmp_path / "runs/moons-2/made/seed000001.npy").is_file()


def test_the_same_seed_is_the_same_file_whatever_is_asked_beside_it(
    gan: Call, digits_run: Path, tmp_path: Path
):
    for name, seeds in {"one": "7", "list": "3,7,20-23", "many": "0-20"}.items():
        assert gan("sample", digits_run, "--seeds", seeds, "--out", name).code == 0
    contents = [(tmp_path / name / "seed000007.png").read_bytes() for name in ("one", "list", "many")]
    assert contents[0] == contents[1] == contents[2]
    assert len(list((tmp_path / "many").iterdir())) == 21
    assert (tmp_path / "many" / "seed000008.png").read_bytes() != contents[0]
    assert shades(tmp_path / "one" / "seed000007.png").shape == (8, 8)
    gan("sample", digits_run, "--seeds", "7", "--truncation", "0.3", "--out", "narrow")
    assert (tmp_path / "narrow" / "seed000007.png").read_bytes() != contents[0]
    # a grid shows the same picture, four times enlarged
    gan("sample", digits_run, "--seeds", "0-8", "--grid", "grid.png")
    sheet = shades(tmp_path / "grid.png")
    assert sheet.shape == (3 * 33 - 1, 3 * 33 - 1)
    cell = sheet[66:98:4, 33:65:4]  # the eighth of nine
    assert np.array_equal(cell, shades(tmp_path / "one" / "seed000007.png"))


def test_classes_by_name(gan: Call, digits_run: Path, tmp_path: Path):
    gan("sample", digits_run, "--seeds", "3", "--out", "turn")  # classes take turns: seed 3 asks for class 3
    gan("sample", digits_run, "--seeds", "3", "--class", "3", "--out", "three")
    gan("sample", digits_run, "--seeds", "3", "--class", "8", "--out", "eight")
    files = ("turn/seed000003.png", "three/seed000003-3.png", "eight/seed000003-8.png")
    turn, three, eight = ((tmp_path / file).read_bytes() for file in files)
    assert turn == three != eight


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_film_can_be_read_and_has_its_frames(suffix: str, gan: Call, digits_run: Path, tmp_path: Path):
    asked = ("--seeds", "0-3", "--film", f"walk.{suffix}", "--seconds", "1.5")
    assert gan("sample", digits_run, *asked).out.endswith(f"\nwrote walk.{suffix}\n")
    frames = []
    with Image.open(tmp_path / f"walk.{suffix}") as film:
        assert 25 <= film.n_frames <= 30  # frames that are equal to the one before may be merged
        assert film.size == (256, 256)
        for i in range(film.n_frames):
            film.seek(i)
            frames.append(np.asarray(film.convert("L"), np.float32))
    steps = [float(np.abs(a - b).mean()) for a, b in itertools.pairwise(frames)]
    assert max(steps) < 64  # a walk, not a jump
    assert float(np.abs(frames[0] - frames[-1]).mean()) < 64  # and back to where it began


def test_points_become_arrays_and_a_scatter(gan: Call, points_run: Path, tmp_path: Path):
    assert gan("sample", points_run, "--seeds", "0-2", "--grid", "scatter.png").code == 0
    assert shades(tmp_path / "scatter.png").shape == (480, 480)
    assert gan("sample", points_run, "--seeds", "0-2", "--out", "made").code == 0
    point = np.load(tmp_path / "made" / "seed000002.npy", allow_pickle=False)
    assert point.shape == (2,)
    assert point.dtype == np.float32


WRONG = {
    "a class": ("--class elephant", "no class 'elephant'.*Known: 0, 1"),
    "seeds": ("--seeds 3-x", "--seeds takes numbers and ranges"),
    "a range that goes down": ("--seeds 9-3", "a range goes up"),
    "truncation": ("--truncation 1.5", "truncation is 1.5; it must be from 0 to 1"),
    "no number": ("--truncation nan", "truncation is nan"),
    "a grid's suffix": ("--grid grid.pdf", r"name it \.png"),
    "a film's suffix": ("--film film.avi", r"a film ends in \.gif"),
    "no seconds": ("--film film.gif --seconds 0", "--seconds is 0"),
    "a week": ("--film film.gif --seconds 600000", "at most 600"),
    "no film": ("--film film", "a film ends in"),
}


@pytest.mark.parametrize("what", WRONG)
def test_samples_that_cannot_be_made(what: str, gan: Call, digits_run: Path, tmp_path: Path):
    words, pattern = WRONG[what]
    answer = gan("sample", digits_run, *words.split())
    assert answer.code == 2
    assert re.fullmatch(rf"gan sample: .*{pattern}.*\n", answer.err)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_a_place_that_is_not_there(gan: Call, digits_run: Path):
    answer = gan("sample", digits_run, "--grid", "no/such/folder/grid.png")
    assert answer.code == 3
    assert answer.err.count("\n") == 1
    assert "choose another place" in answer.err


def test_classes_and_films_where_there_are_none(gan: Call, points_run: Path):
    assert "trained without conditions" in gan("sample", points_run, "--class", "3").err
    assert "no film" in gan("sample", points_run, "--film", "a.gif").err


class FullDisk:
    """An ``open`` after which files whose path holds ``where`` take ten bytes and no more."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __call__(self, path: Path, mode: str) -> object:
        file = open(path, mode)  # noqa: SIM115
        return _Cut(file) if self.where in str(path) and not mode.startswith("r") else file


class _Cut:
    def __init__(self, file: object) -> None:
        self._file = file

    def __enter__(self) -> _Cut:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def write(self, content: bytes) -> int:
        self._file.write(content[:10])
        self._file.flush()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["run.json", "checkpoints", "samples", "log.jsonl", "events.jsonl"])
def test_a_full_disk_at_every_place_that_is_written(
    where: str, gan: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if where != "run.json":
        assert gan(*TINY).code == 0
    with monkeypatch.context() as patch:
        patch.setattr(files, "open", FullDisk(where), raising=False)
        answer = gan(*TINY) if where == "run.json" else gan("train", "--resume", "--kimg", "0.4")
    assert answer.code == 3
    assert re.fullmatch(rf"gan train: the disk is full: could not write \S*{where}\S*; .*\n", answer.err)
    if where == "run.json":
        assert list((tmp_path / "runs").iterdir()) == []
        return
    assert not list((tmp_path / "runs/moons").rglob(".tmp-*"))
    assert gan("train", "--resume", "--kimg", "0.4").code == 0
    assert gan("sample", "runs/moons", "--seeds", "0").code == 0
    run = Run.open(tmp_path / "runs/moons")
    with warnings.catch_warnings():  # the line that the disk had no place for was cut
        warnings.simplefilter("ignore", DamageWarning)
        assert run.log()[-1]["nimg"] == 416
        assert run.events()[-1]["event"] == "finished"


def test_a_disk_that_is_really_full(gan: Call, tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is refused here")
    try:
        assert gan(*TINY, "--out", disk / "run").code == 0
        free = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(b"\0" * (free - 12_000))
        answer = gan("train", "--resume", disk / "run", "--kimg", "0.4")
        assert answer.code == 3
        assert "the disk is full" in answer.err
        (disk / "filler").unlink()
        assert gan("train", "--resume", disk / "run", "--kimg", "0.4").code == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_first_run_with_no_home_in_a_folder_with_a_long_foreign_name(
    gan: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("GANFORGE_CACHE")
    monkeypatch.setenv("HOME", "/proc/nobody")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / "Größe 写真 🦊" / ("lang" * 40) / ("länger" * 30)
    folder.mkdir(parents=True)
    for name, start in {"Bild é.png": 0, "\u202e gnp.png": 1}.items():
        Image.fromarray(np.arange(start, start + 64, dtype=np.uint8).reshape(8, 8)).save(folder / name)
    (tmp_path / "mine.py").write_text(
        "from dataclasses import replace\nfrom ganforge.core.recipe import Player, Recipe\n"
        "def recipe(space, n):\n"
        "    player = Player(family='mlp', width=8)\n"
        "    return Recipe(name='mine', generator=player, discriminator=player, batch=1, kimg=0.01)\n"
    )
    scanned = gan("data", folder)
    assert scanned.code == 0, scanned.err
    assert "2 pictures" in scanned.out
    trained = gan("train", folder, "--recipe", "mine.py", "--out", "läufe/ñ")
    assert trained.code == 0, trained.err
    assert gan("sample", "läufe/ñ", "--seeds", "0").code == 0
    assert json.loads((tmp_path / "läufe/ñ/run.json").read_text())["data"]["train"] in (1, 2)


def test_the_doctor_beside_a_broken_torchvision(gan: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text("raise RuntimeError('operator nms does not exist')")
    monkeypatch.syspath_prepend(str(tmp_path))
    answer = gan("doctor", "--seconds", "0.5")
    assert answer.code in (0, 1), answer.err  # half a second need not train well
    for opened in ("ganforge", "python", "packages", "memory", "disk", "speed", "saved", "health"):
        assert re.search(rf"^{opened} +\S", answer.out, re.MULTILINE), opened
    assert "torchvision is installed; ganforge neither needs nor imports it" in answer.out
    assert "torchvision" not in sys.modules
