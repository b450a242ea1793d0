"""Clips: each frame from those before it; no clip lies on both sides of the split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.core.recipe import TableFormat
from ganforge.core.space import Space
from ganforge.data import Loader, load
from ganforge.data.made import CLIPS, FRAMES


def _clips(n: int = 20, frames: int = 6, side: int = 10) -> np.ndarray:
    """``(n, frames, side, side, 3)``: the first pixels say which clip and frame it is."""
    values = np.random.default_rng(0).integers(0, 256, (n, frames, side, side, 3), dtype=np.uint8)
    values[:, :, 0, 0, 0] = np.arange(n)[:, None]
    values[:, :, 0, 1, 0] = np.arange(frames)[None]
    return values


def _check(data, clips: np.ndarray, before: int) -> None:
    """Every frame from ``before`` on is there once, after the frames before it, with its clip on one side."""
    sides: list[set[int]] = []
    seen: set[tuple[int, int]] = set()
    for part in (data.train, data.held_out):
        assert part.sources is not None
        clip, frame = part.values[:, 0, 0, 0], part.values[:, 0, 0, 1]
        for i in range(part.n):
            c, f = int(clip[i]), int(frame[i])
            assert (part.values[i] == clips[c, f].transpose(2, 0, 1)).all()
            stack = clips[c, f - before : f].transpose(0, 3, 1, 2).reshape(-1, *part.values.shape[2:])
            assert (part.sources[i] == stack).all()  # oldest first
            seen.add((c, f))
        sides.append(set(clip.tolist()))
    assert sides[1]
    assert not sides[0] & sides[1]
    assert seen == {(c, f) for c in range(len(clips)) for f in range(before, clips.shape[1])}


@pytest.mark.parametrize("before", [1, 3])
def test_arrays(tmp_path: Path, cache: Path, before: int) -> None:
    clips = _clips()
    np.save(tmp_path / "last.npy", clips)
    np.savez(tmp_path / "first.npz", x=clips.transpose(0, 1, 4, 2, 3), y=np.arange(20) % 2)
    for name in ("last.npy", "first.npz"):
        data = load(tmp_path / name, source=f"previous:{before}", cache=cache)
        _check(data, clips, before)
        assert data.space.source == Space(kind="pictures", shape=(3 * before, 10, 10))
        assert data.train.n + data.held_out.n == 20 * (6 - before)
        assert f"input: 20 clips of 6 frames: {20 * (6 - before)} frames" in data.scan.found[0]
    assert data.train.labels is not None
    assert (data.train.labels == data.train.values[:, 0, 0, 0] % 2).all()
    batch = Loader(data.train, data.space, seed=0, mirror=True, source=f"previous:{before}").batch_at(0, 16)
    assert batch.source is not None
    assert batch.source.shape == (16, 3 * before, 10, 10)
    # Clip and frame number lie at the ends of a row, mirrored with it.
    newest, real = batch.source[:, -3, 0], batch.real[:, 0, 0]
    assert ((newest[:, 0] == real[:, 0]) | (newest[:, -1] == real[:, -1])).all()


def test_arrays_of_grey_frames_and_cubes(tmp_path: Path, cache: Path) -> None:
    clips = _clips(side=12)[..., 0]
    np.save(tmp_path / "grey.npy", clips)
    data = load(tmp_path / "grey.npy", source="previous:2", cache=cache)
    _check(data, clips[..., None], 2)
    many = np.random.default_rng(0).integers(0, 256, (4, 1000, 8, 9), dtype=np.uint8)
    np.save(tmp_path / "time_first.npy", many)
    data = load(tmp_path / "time_first.npy", source="previous:3", held_out=0, cache=cache)
    assert data.train.n == 1000
    cube = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "cube.npy", cube)
    assert load(tmp_path / "cube.npy", cache=cache).space.kind == "shapes"
    assert load(tmp_path / "cube.npy", source="previous:1", cache=cache).space.shape == (3, 8, 8)
    np.save(tmp_path / "still.npy", cube[:, 0])
    with pytest.raises(DataError, match="previous:1 needs clips"):
        load(tmp_path / "still.npy", source="previous:1", cache=cache)
    with pytest.raises(DataError, match="longest clip has 6 frames, and previous:6 needs 7"):
        load(tmp_path / "grey.npy", source="previous:6", cache=cache)


def test_frames_of_a_folder(tmp_path: Path, cache: Path) -> None:
    clips = _clips(n=12, frames=11)
    for c, clip in enumerate(clips):
        folder = tmp_path / "clips" / ("walk" if c % 2 else "run") / f"clip{c}"
        folder.mkdir(parents=True)
        for f, frame in enumerate(clip):
            Image.fromarray(frame).save(folder / f"frame{f}.png")  # frame10 comes after frame9
    short = tmp_path / "clips" / "run" / "short"
    short.mkdir()
    Image.fromarray(clips[0, 0]).save(short / "0.png")
    data = load(tmp_path / "clips", source="previous:2", cache=cache)
    _check(data, clips, 2)
    assert data.space.classes == ("run", "walk")
    assert (data.train.labels == data.train.values[:, 0, 0, 0] % 2).all()
    assert [(file.name, file.reason) for file in data.scan.skipped] == [
        ("run/short", "too short: 1 of 3 frames")
    ]
    assert load(tmp_path / "clips", cache=cache).train.n > 100  # without: pictures as ever


def test_films(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "films").mkdir()
    for c in range(12):
        frames = [Image.new("RGB", (16, 16), (20 * c, 40 * f, 0)) for f in range(5)]
        frames[0].save(tmp_path / "films" / f"{c}.gif", save_all=True, append_images=frames[1:], duration=50)
    (tmp_path / "films" / "bad.gif").write_bytes(b"GIF89a not really")
    data = load(tmp_path / "films", source="previous:1", cache=cache)
    assert data.scan.count == 12 * 4
    assert [file.name for file in data.scan.skipped] == ["bad.gif"]
    before, after = data.train.sources[:, :, 8, 8].astype(int), data.train.values[:, :, 8, 8].astype(int)
    assert (abs(after - before - [0, 40, 0]) <= 8).all()  # a film has few colours
    one = load(tmp_path / "films" / "3.gif", source="previous:1", cache=cache)
    assert (one.train.n, one.held_out.n) == (4, 0)  # a single clip cannot be parted
    with pytest.raises(DataError, match=r"no film in .* can be read"):
        load(tmp_path / "films" / "bad.gif", source="previous:1", cache=cache)


def test_moving_digits(cache: Path) -> None:
    data = load("moving-digits", source="previous:2", cache=cache)
    assert data.space.shape == (1, 32, 32)
    assert data.space.source == Space(kind="pictures", shape=(2, 32, 32))
    n = data.train.n + data.held_out.n
    assert n == CLIPS * (FRAMES - 2)
    clip = [set((part.origin // (FRAMES - 2)).tolist()) for part in (data.train, data.held_out)]
    assert not clip[0] & clip[1]
    values = data.train.values[:2000, 0].astype(int)
    stack = data.train.sources[:2000].astype(int)
    away = [abs(values - stack[:, k]).mean() for k in range(2)]
    assert 0 < away[1] < 0.85 * away[0]  # the newest frame is the nearest: digits move steadily
    again = load("moving-digits", source="previous:2", cache=cache)
    assert (again.train.values == data.train.values).all()
    assert again.manifest == data.manifest
    frames = load("moving-digits", table=TableFormat(what="frames"), cache=cache)
    assert frames.train.n + frames.held_out.n == CLIPS * FRAMES
    clips = load("moving-digits", cache=cache)
    assert clips.space == Space(kind="clips", shape=(1, FRAMES, 32, 32))
    assert clips.train.n + clips.held_out.n == CLIPS


def test_video_shapes(shared_data: Path, cache: Path, tmp_path: Path) -> None:
    with np.load(shared_data / "video_shapes_1k.npz") as whole:
        np.savez(tmp_path / "some.npz", x=whole["x"][::10, :, ::4, ::4], y=whole["y"][::10])
    data = load(tmp_path / "some.npz", source="previous:2", cache=cache)
    assert (data.train.n, data.held_out.n) == (1_050, 350)
    assert data.space.classes == ("0", "1")
    assert (data.space.shape, data.space.source.shape) == ((3, 16, 16), (6, 16, 16))
    assert len(set((data.held_out.origin // 14).tolist())) == 25
    x = data.held_out.values.astype(float)
    before = data.held_out.sources.astype(float)
    assert abs(x - before[:, 3:]).mean() < abs(x - before[:, :3]).mean()
