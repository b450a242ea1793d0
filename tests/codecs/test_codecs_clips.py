"""Clips: films, folders of frames and arrays become whole clips, and films come back."""

from __future__ import annotations

import functools
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from ganforge.codecs.clip.film import about, mp4, write
from ganforge.core.errors import DataError
from ganforge.core.recipe import TableFormat
from ganforge.core.space import Space
from ganforge.data import load, scan
from tests.conftest import Call

FRAMES = TableFormat(what="frames")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def frames_of(kind: str, n: int = 16, side: int = 16, seed: int = 0) -> list[Image.Image]:
    """A square that goes to the right or down, two pixels every third frame or so, over noise of its own."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 40, (side, side, 3), dtype=np.uint8)
    found: list[Image.Image] = []
    for t in range(n):
        frame, at = noise.copy(), round(t * (side - 5) / max(n - 1, 1))
        place = (slice(5, 9), slice(at, at + 4)) if kind == "right" else (slice(at, at + 4), slice(5, 9))
        frame[place] = (220, 40 + 10 * (seed % 20), 30)
        frame[0, 0] = t  # no two frames are equal, which formats would merge
        found.append(Image.fromarray(frame))
    return found


def films(place: Path, suffix: str, n: int = 24, rate: float = 12.5, frames: int = 16) -> Path:
    for i in range(n):
        kind = ("right", "down")[i % 2]
        (place / kind).mkdir(parents=True, exist_ok=True)
        (place / kind / f"{i:03d}{suffix}").write_bytes(film(kind, suffix, rate, frames, i))
    return place


@functools.cache
def film(kind: str, suffix: str, rate: float, frames: int, seed: int) -> bytes:
    shown = frames_of(kind, frames, seed=seed)
    return mp4(shown, rate) if suffix == ".mp4" else write(shown, rate, suffix)


def folders(place: Path, n: int = 8, frames: int = 14) -> Path:
    for i in range(n):
        kind = ("right", "down")[i % 2]
        own = place / kind / f"clip{i}"
        own.mkdir(parents=True)
        for t, frame in enumerate(frames_of(kind, frames, seed=i)):
            frame.save(own / f"frame{t}.png")
    return place


def clip(seed: int) -> np.ndarray:
    """The frames of a film as an example, ``(3, 16, 16, 16)``."""
    shown = [np.asarray(frame) for frame in frames_of(("right", "down")[seed % 2], seed=seed)]
    return np.stack(shown).transpose(3, 0, 1, 2)


def contains(values: np.ndarray, one: np.ndarray) -> bool:
    return any((other == one).all() for other in values)


def test_films_without_loss_are_whole_clips_and_come_back(tmp_path: Path, cache: Path):
    data = load(films(tmp_path / "films", ".webp"), cache=cache)
    assert data.space.kind == "clips"
    assert data.space.shape == (3, 16, 16, 16)
    assert data.space.classes == ("down", "right")
    assert data.space.codec.rate == 12.5
    assert contains(np.concatenate([data.train.values, data.held_out.values]), clip(7))
    for i in range(3):
        image = Image.open(io.BytesIO(data.space.codec.file(data.train.values[i])))
        again = np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)])
        assert (again.transpose(3, 0, 1, 2) == data.train.values[i]).all()
        assert about(io.BytesIO(data.space.codec.file(data.train.values[i])), ".webp").rate == 12.5
    assert Space.from_json(json.loads(json.dumps(data.space.to_json()))) == data.space


def test_what_is_written_is_read_again_as_it_was(tmp_path: Path, cache: Path):
    first = load(films(tmp_path / "films", ".webp"), held_out=0, cache=cache)
    (tmp_path / "again").mkdir()
    for i, one in enumerate(first.train.values):
        (tmp_path / "again" / f"{i}.webp").write_bytes(first.space.codec.file(one))
    second = load(tmp_path / "again", held_out=0, cache=cache)
    assert (
        np.sort(first.train.values.sum((1, 2, 3, 4))) == np.sort(second.train.values.sum((1, 2, 3, 4)))
    ).all()
    assert all(contains(second.train.values, one) for one in first.train.values)


def test_gifs_and_mp4_are_nearly_so(tmp_path: Path, cache: Path):
    found = load(films(tmp_path / "gif", ".gif"), held_out=0, cache=cache)
    assert found.space.shape == (3, 16, 16, 16)
    near = min(np.abs(clip(3).astype(int) - one).mean() for one in found.train.values)
    assert near < 8  # of 256 colours
    pytest.importorskip("av")
    found = load(films(tmp_path / "mp4", ".mp4", rate=25), held_out=0, cache=cache)
    assert found.space.codec.rate == 25
    assert found.space.shape == (3, 16, 16, 16)
    assert min(np.abs(clip(3).astype(int) - one).mean() for one in found.train.values) < 12
    # Colours are halved in their sides, so of brightness this film is nearer by far than every other one.
    bright = clip(3).mean(0)
    near, next_one, *_ = sorted(np.abs(bright - one.mean(0)).mean() for one in found.train.values)
    assert near < 0.85 * next_one
    one = Space(kind="clips", shape=(3, 16, 16, 16)).codec.file(clip(2), ".mp4")
    assert about(io.BytesIO(one), ".mp4").frames == 16


def test_folders_of_frames_are_clips_and_classes_of_numbered_pictures_are_not(tmp_path: Path, cache: Path):
    found = load(folders(tmp_path / "clips"), held_out=0, cache=cache)
    assert found.space.shape == (3, 14, 16, 16)
    assert found.space.classes == ("down", "right")
    assert all((np.diff(one[0, :, 0, 0].astype(int)) == 1).all() for one in found.train.values)  # in order
    rng = np.random.default_rng(0)
    for kind in ("cats", "dogs"):
        (tmp_path / "classes" / kind).mkdir(parents=True)
        for i in range(30):
            picture = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / "classes" / kind / f"{i:03d}.png")
    assert load(tmp_path / "classes", cache=cache).space.kind == "pictures"
    single = load(tmp_path / "clips", table=FRAMES, cache=cache)
    assert single.space.kind == "pictures"
    assert single.train.n + single.held_out.n == 8 * 14
    forced = load(tmp_path / "classes", table=TableFormat(what="clips"), held_out=0, cache=cache)
    assert forced.space.shape == (3, 16, 16, 16)


def test_arrays_of_any_order_of_axes(tmp_path: Path, cache: Path):
    x = np.stack([clip(i) for i in range(20)])  # (N, C, T, H, W)
    np.savez(tmp_path / "last.npz", x=x.transpose(0, 2, 3, 4, 1), y=np.arange(20) % 2)
    np.save(tmp_path / "first.npy", x.swapaxes(1, 2))
    for name in ("last.npz", "first.npy"):
        found = load(tmp_path / name, held_out=0, table=TableFormat(what="clips"), cache=cache)
        assert found.space.shape == (3, 16, 16, 16)
        assert all(contains(found.train.values, one) for one in x)
    assert load(tmp_path / "last.npz", table=TableFormat(what="clips"), cache=cache).space.classes == (
        "0",
        "1",
    )
    np.save(tmp_path / "wide.npy", np.zeros((20, 12, 10, 14, 3), np.uint8))  # no cube: clips without asking
    assert load(tmp_path / "wide.npy", cache=cache).space.shape == (3, 12, 10, 14)
    np.save(tmp_path / "grey.npy", np.zeros((20, 12, 10, 14), np.uint8))
    with pytest.raises(DataError, match="--what clips"):
        load(tmp_path / "grey.npy", cache=cache)
    grey = load(tmp_path / "grey.npy", table=TableFormat(what="clips"), cache=cache)
    assert grey.space.shape == (1, 12, 10, 14)


def test_long_films_become_windows_of_one_side_of_the_split(tmp_path: Path, cache: Path):
    place = films(tmp_path / "films", ".webp", n=24, frames=40)
    data = load(place, size=(16, 16, 10), cache=cache)
    assert data.space.shape == (3, 10, 16, 16)
    assert data.train.n + data.held_out.n == 24 * 4
    assert data.held_out.n % 4 == 0  # whole films
    times = np.sort(np.concatenate([data.train.values, data.held_out.values])[:, 0, :, 0, 0], axis=0)
    assert set(times[:, 0]) == {0, 10, 20, 30}
    assert "24 longer than 10 frames become windows" in " ".join(data.scan.notes)
    whole = load(place, cache=cache)
    assert whole.space.shape[1] == 16
    left = (
        "192 frames at the ends of clips fill no window and are not used; a shorter window uses more: --size"
    )
    assert any(words.startswith(left) for words in whole.scan.warnings)
    with pytest.raises(DataError, match="5 frames are too few: clips need at least 8"):
        load(place, size=(16, 16, 5), cache=cache)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(12):
        frames_of("right", 1, seed=i)[0].save(pictures / f"{i}.png")
    with pytest.raises(DataError, match="pictures have no frames: give --size WIDTHxHEIGHT"):
        load(pictures, size=(16, 16, 10), cache=cache)
    one = load(pictures, table=TableFormat(what="clips"), cache=cache)  # a folder of frames is one film
    assert (one.space.shape, one.train.n) == ((3, 12, 16, 16), 1)
    np.save(tmp_path / "points.npy", np.zeros((40, 3)))
    with pytest.raises(DataError, match=r"there are no clips in this \.npy file"):
        load(tmp_path / "points.npy", table=TableFormat(what="clips"), cache=cache)


def test_large_frames_are_made_small_unless_a_size_is_asked_for(tmp_path: Path, cache: Path):
    np.save(tmp_path / "large.npy", np.zeros((12, 9, 48, 96, 3), np.uint8))
    assert load(tmp_path / "large.npy", cache=cache).space.shape == (3, 9, 32, 64)
    assert load(tmp_path / "large.npy", size=(96, 48), cache=cache).space.shape == (3, 9, 48, 96)


def test_films_of_other_rates_become_what_is_seen_at_each_tick(tmp_path: Path, cache: Path):
    place = films(tmp_path / "films", ".webp", n=20, rate=10)
    slow = frames_of("right", 16, seed=1)
    (place / "right" / "slow.webp").write_bytes(write(slow, 5))
    data = load(place, held_out=0, cache=cache)
    assert data.space.codec.rate == 10
    assert "to which 1 of other rates are brought (5 to 10)" in " ".join(data.scan.found)
    doubled = np.stack([np.asarray(frame) for frame in slow[:8]]).repeat(2, 0).transpose(3, 0, 1, 2)
    assert contains(data.train.values, doubled)


def test_wrong_files_are_named_and_skipped(tmp_path: Path, cache: Path):
    place = films(tmp_path / "films", ".gif", n=64)
    whole = (place / "right" / "000.gif").read_bytes()
    (place / "right" / "cut.gif").write_bytes(whole[: len(whole) // 2])
    (place / "right" / "empty.gif").write_bytes(b"")
    (place / "down" / "text.gif").write_bytes(b"this is no film at all")
    (place / "down" / "one.gif").write_bytes(write(frames_of("down", 1), 10, ".gif"))
    (place / "down" / "short.gif").write_bytes(write(frames_of("down", 6), 12.5, ".gif"))
    frames_of("down", 1)[0].save(place / "down" / "still.png")
    (place / "words.txt").write_text("x")
    found = scan(place, cache=cache)
    assert found.count == 64
    told = {file.name: file.reason for file in found.skipped}
    assert set(told) == {
        "right/cut.gif",
        "right/empty.gif",
        "down/text.gif",
        "down/one.gif",
        "down/short.gif",
    }
    assert told["right/empty.gif"] == "empty (0 bytes)"
    assert told["down/text.gif"] == "text, not a picture"
    assert told["down/short.gif"] == "too short: 6 of 16 frames"
    assert told["right/cut.gif"].startswith("damaged, or truncated")
    warned = " ".join(found.warnings)
    assert "1 single pictures" in warned
    assert "not read: 1 .txt" in warned
    assert not found.too_many_bad


def test_wrong_films_are_named_and_skipped(tmp_path: Path, cache: Path):
    pytest.importorskip("av")
    place = films(tmp_path / "films", ".mp4", n=64)
    whole = (place / "right" / "000.mp4").read_bytes()
    (place / "right" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (place / "right" / "empty.mp4").write_bytes(b"")
    (place / "down" / "text.mp4").write_bytes(b"this is no film " * 9)
    found = scan(place, cache=cache)
    told = {file.name: file.reason for file in found.skipped}
    assert set(told) == {"right/cut.mp4", "right/empty.mp4", "down/text.mp4"}
    assert told["down/text.mp4"] == "text, not a film"
    assert told["right/empty.mp4"] == "empty (0 bytes)"
    assert found.count == 64


def test_without_pyav_a_line_names_the_extra(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    import sys

    (tmp_path / "films").mkdir()
    for i in range(3):
        (tmp_path / "films" / f"{i}.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(99))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DataError, match=r"pip install 'ganforge\[film\]'"):
        load(tmp_path / "films", cache=cache)


def test_a_walk_and_a_sheet_move():
    codec = Space(kind="clips", shape=(3, 16, 16, 16)).codec
    x = np.stack([clip(i) for i in range(4)])
    assert codec.picture(x[0]).size == (6 * 16 + 5, 16)
    reel = codec.reel(x)
    assert len(reel) == 16
    assert reel[0].tobytes() != reel[9].tobytes()
    assert (np.asarray(codec.still(x[1], 18)) == x[1][:, 2].transpose(1, 2, 0)).all()


def test_from_a_folder_of_films_to_films(gan: Call, tmp_path: Path):
    films(tmp_path / "films", ".gif", n=40)
    told = gan("data", "films").said
    assert "40 clips · 16 frames of 16×16 RGB · 2 classes" in told
    assert "rate: 12.5 frames a second" in told
    thin = ("--set", "generator.width=8", "discriminator.width=8")
    told = gan("train", "films", "--kimg", "0.1", "--no-picture", *thin).said
    assert "clips: the default for clips" in told
    assert gan("sample", "runs/films", "--class", "down", "--seeds", "0-3").code == 0
    written = sorted((tmp_path / "runs/films/made").iterdir())
    assert [one.suffix for one in written] == [".webp"] * 4
    with Image.open(written[0]) as image:
        assert image.size == (16, 16)
        assert image.n_frames > 1
    assert gan("sample", "runs/films", "--seeds", "0-3", "--format", "gif", "--out", "gifs").code == 0
    assert {one.suffix for one in (tmp_path / "gifs").iterdir()} == {".gif"}
    assert gan("sample", "runs/films", "--seeds", "0-3", "--grid", "sheet.webp").code == 0
    with Image.open(tmp_path / "sheet.webp") as image:
        assert image.n_frames > 1
    wrong = gan("sample", "runs/films", "--format", "avi").said
    assert "clips are not written as avi: --format can be webp, gif, mp4" in wrong
    assert "data:image/webp;base64," in (tmp_path / "runs/films/report.html").read_text()


@pytest.mark.slow
def test_a_run_is_measured_and_walked_through(gan: Call, tmp_path: Path):
    films(tmp_path / "films", ".gif", n=40)
    thin = ("--set", "generator.width=8", "discriminator.width=8")
    assert gan("train", "films", "--kimg", "0.1", "--no-picture", *thin).code == 0
    scores = gan("evaluate", "runs/films", "--samples", "32", "--only", "clips").said
    assert "kernel distance of frame differences" in scores
    assert "shuffled" in scores
    assert gan("explore", "runs/films", "interpolate").code == 0
    assert list((tmp_path / "runs/films").rglob("*.gif")) or list((tmp_path / "runs/films").rglob("*.webp"))
