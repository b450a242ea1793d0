"""The run folder, and samples as pictures and walks."""

from __future__ import annotations

import errno
import os
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.codecs import plots
from ganforge.core.errors import DamageWarning, MachineError, RunError, UsageError
from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.networks import generator, seeded
from ganforge.runs import checkpoint, files, pictures
from ganforge.runs.files import write_atomically
from ganforge.runs.folder import Run, find_latest
from ganforge.runs.made import walk
from ganforge.runs.sampler import GeneratorSampler
from tests import players

GREY = Space(kind="pictures", shape=(1, 2, 3))
PLANE = Space(kind="points", shape=(2,))


def make(path: Path) -> Run:
    data = players.points()
    return Run.create(path, recipe=players.recipe(), space=data.space, data=data.manifest)


def test_run_folders_are_numbered_and_never_overwritten(tmp_path: Path):
    names = [make(tmp_path / "runs" / "photos").path.name for _ in range(3)]
    assert names == ["photos", "photos-2", "photos-3"]
    (tmp_path / "runs" / "file").write_text("mine")
    assert make(tmp_path / "runs" / "file").path.name == "file-2"
    assert (tmp_path / "runs" / "file").read_text() == "mine"


def test_a_run_reads_back_as_it_was_written(tmp_path: Path):
    made = make(tmp_path / "run")
    read = Run.open(tmp_path / "run")
    assert (read.recipe, read.space, read.data, read.info) == (made.recipe, made.space, made.data, made.info)
    with pytest.raises(RunError, match=r"is not a run folder \(no such folder\); gan train DATA makes one"):
        Run.open(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"no run\.json"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match="stopped before its first save"):
        read.checkpoint("newest")


def test_the_log_after_a_resume_tells_each_moment_once(tmp_path: Path):
    run = make(tmp_path / "run")
    for nimg, told in [(10, "a"), (20, "a"), (30, "a"), (20, "b"), (25, "b"), (40, "c")]:
        run.add_log({"nimg": nimg, "told": told})
    assert [(line["nimg"], line["told"]) for line in run.log()] == [
        (10, "a"),
        (20, "b"),
        (25, "b"),
        (40, "c"),
    ]


def test_a_line_cut_short_does_not_swallow_the_next(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    files.append_line(path, {"nimg": 1})
    with path.open("ab") as file:
        file.write(b'{"nimg": 2, "lo')  # a full disk, or a kill
    files.append_line(path, {"nimg": 3, "loss": float("nan"), "all": [float("inf"), 1.5]})
    with pytest.warns(DamageWarning, match=r"log\.jsonl: a line is damaged and left out \(line 2"):
        assert files.read_lines(path) == [{"nimg": 1}, {"nimg": 3, "loss": None, "all": [None, 1.5]}]


def test_a_long_log_is_read_quickly(tmp_path: Path):
    run = make(tmp_path / "run")
    (run.path / "log.jsonl").write_text("".join(f'{{"nimg": {i}}}\n' for i in range(20_000)))
    began = time.process_time()
    assert len(run.log()) == 20_000
    assert time.process_time() - began < 2


def test_the_latest_run_is_the_one_last_written_to(tmp_path: Path):
    with pytest.raises(RunError, match="no run folder"):
        find_latest(tmp_path / "runs")
    old, new = make(tmp_path / "runs/old"), make(tmp_path / "runs/new")
    os.utime(old.path / "run.json", (1, 1))
    os.utime(old.path / "checkpoints", (1, 1))
    assert find_latest(tmp_path / "runs") == new.path
    future = time.time() + 100
    old.add_log({"nimg": 1})
    os.utime(old.path / "log.jsonl", (future, future))
    assert find_latest(tmp_path / "runs") == old.path


def test_checkpoints_are_kept_two_and_read_by_part(tmp_path: Path):
    for nimg in (1, 2, 3):
        tensors = {"game": {"a": torch.full((2,), float(nimg))}, "average": {"b": torch.zeros(1)}}
        checkpoint.write_checkpoint(tmp_path, state={"nimg": nimg}, tensors=tensors)
        checkpoint.prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000000002", "000000000003"]
    found, passed_over = checkpoint.newest(tmp_path, only=("average",))
    assert found is not None
    assert (found.state, set(found.tensors), passed_over) == ({"nimg": 3}, {"average"}, [])


@pytest.mark.parametrize("lasting", [True, False])
def test_a_file_is_replaced_whole_and_a_full_disk_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasting: bool
):
    path = tmp_path / "x.png"
    write_atomically(path, b"old", lasting=lasting)
    write_atomically(path, "new", lasting=lasting)
    assert path.read_text() == "new"

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(MachineError, match="the disk is full"):
        write_atomically(path, b"newer", lasting=lasting)
    assert [file.name for file in tmp_path.iterdir()] == ["x.png"]
    assert path.read_text() == "new"


# -- samplers ----------------------------------------------------------------------------------------


SPACES = [
    Space(kind="points", shape=(2,), classes=("a", "b", "c")),
    Space(kind="pictures", shape=(1, 8, 8), classes=("a", "b", "c")),
]


@pytest.mark.parametrize("space", SPACES)
def test_the_same_seed_is_the_same_sample_whatever_number_is_asked_for(space: Space):
    with seeded(0):
        network = generator("mlp", space=space, latent=4, condition=3, width=32, depth=2)
    sampler = GeneratorSampler(network, space=space, prior=Prior.of(players.recipe()), conditions=3)
    many = sampler.sample(300, seed=7)
    for start, n in ((0, 1), (5, 3), (60, 70), (299, 1)):
        assert torch.equal(sampler.sample(n, seed=7, start=start), many[start : start + n])
    turn = sampler.in_turn(range(5, 8))
    assert turn is not None
    assert turn.argmax(1).tolist() == [2, 0, 1]
    assert torch.equal(sampler.sample(3, seed=7, start=5, condition=turn), many[5:8])
    for z, condition, words in ((many, turn, "latents"), (torch.zeros(2, 4), None, "needs a condition")):
        with pytest.raises(UsageError, match=words):
            sampler.generate(z, condition)


# -- pictures ---------------------------------------------------------------------------------------


COLOUR = Space(kind="pictures", shape=(3, 9, 9))


def shaded(value: int, size: tuple[int, int] = (3, 2)) -> Image.Image:
    return Image.new("L", size, value)


def test_a_grid_goes_row_by_row_and_is_enlarged_by_whole_pixels():
    sheet = np.asarray(plots.grid([shaded(10 * i) for i in range(5)], columns=3).convert("L"))
    assert sheet.shape == (2 * (2 * 4 + 1) - 1, 3 * (3 * 4 + 1) - 1)
    for i in range(5):
        top, left = (i // 3) * 9, (i % 3) * 13
        assert (sheet[top : top + 8, left : left + 12] == 10 * i).all()
    assert (sheet[9:17, 26:] == 255).all()  # the sixth cell is paper
    assert (sheet[8] == 255).all()  # and so is the gap
    assert plots.grid([shaded(0, (200, 100))]).size == (200, 100)
    with pytest.raises(UsageError, match="at least one"):
        plots.grid([])


def test_a_quick_file_holds_the_same_pixels():
    sheet = COLOUR.codec.show(np.random.default_rng(0).integers(0, 255, (4, 3, 9, 9)).astype(np.uint8))
    for quick in (False, True):
        read = Image.open(BytesIO(plots.png(sheet, quick=quick)))
        assert np.array_equal(np.asarray(read), np.asarray(sheet))


def test_the_grid_of_wide_pictures_is_about_square():
    width, height = plots.grid([shaded(0, (64, 16))] * 16).size
    assert 0.4 < width / height < 2.5


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "RGBA"), (3, "RGB"), (4, "RGBA")])
def test_a_picture_has_the_mode_of_its_channels(channels: int, mode: str):
    sample = np.arange(channels * 6, dtype=np.uint8).reshape(channels, 2, 3)
    made = Space(kind="pictures", shape=(channels, 2, 3)).codec.picture(sample)
    assert (made.mode, made.size) == (mode, (3, 2))
    assert np.asarray(made).reshape(2, 3, -1)[1, 2, -1] == sample[-1, 1, 2]


def test_points_are_drawn_where_they_are_and_those_that_are_no_numbers_are_not():
    real = np.array([[-1.0, -1.0], [1.0, 1.0]], np.float32)
    nan = np.full((50, 2), np.nan, np.float32)
    assert np.array_equal(
        np.asarray(PLANE.codec.show(nan, real=real)), np.asarray(PLANE.codec.show(nan[:0], real=real))
    )
    drawn = np.asarray(PLANE.codec.show(np.array([[1.0, 1.0]], np.float32), real=real)).astype(int)
    orange = (drawn[40:, :, 0] - drawn[40:, :, 2]) > 60
    rows, columns = np.nonzero(orange)
    assert columns.mean() > 350  # to the right
    assert rows.mean() + 40 < 130  # and up
    for points in (nan, np.full((9, 2), np.inf, np.float32), nan[:0]):
        PLANE.codec.show(points)
    Space(kind="points", shape=(1,)).codec.show(nan[:, :1], real=real[:, :1])
    Space(kind="points", shape=(7,)).codec.show(np.zeros((5, 7), np.float32))


def test_axes_stand_still_while_the_fakes_move():
    real = np.array([[-1.0, -1.0], [1.0, 1.0]], np.float32)
    near, far = (np.asarray(PLANE.codec.show(np.full((1, 2), x, np.float32), real=real)) for x in (0.0, 1e6))
    assert np.array_equal(near[:24], far[:24])  # the legend, with the ranges


def test_sound_and_shapes_have_pictures():
    sound = Space(kind="waves", shape=(1, 8000), sample_rate=8000)
    # A column of levels every 16 ms, in 64 bands.
    assert sound.codec.picture(np.sin(np.arange(8000.0, dtype=np.float32))[None]).size == (63, 64)
    solid = np.zeros((1, 4, 5, 6), np.uint8)
    solid[0, 3, 1, 2] = 200
    drawn = Space(kind="shapes", shape=(1, 4, 5, 6)).codec.picture(solid)
    shades = {shade for _, shade in drawn.getcolors() if shade != (255, 255, 255)}
    assert len(shades) == 3  # the three faces of one voxel that are seen
    nothing = Space(kind="shapes", shape=(1, 4, 5, 6)).codec.picture(solid * 0)
    assert nothing.getcolors() == [(nothing.width * nothing.height, (255, 255, 255))]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_film_lasts_as_long_as_asked(suffix: str, tmp_path: Path):
    frames = [Image.new("RGB", (16, 16), (20 * i, 255 - 20 * i, 0)) for i in range(10)]
    pictures.film(frames, tmp_path / f"film.{suffix}", seconds=2.0)
    with Image.open(BytesIO((tmp_path / f"film.{suffix}").read_bytes())) as film:
        assert film.n_frames == 10
        durations = []
        for i in range(10):
            film.seek(i)
            film.load()
            durations.append(film.info["duration"])
    assert durations == [200] * 9 + [1500]  # it rests on the last
    with pytest.raises(UsageError, match="no pictures"):
        pictures.film([], tmp_path / "film.gif", seconds=1)
    with pytest.raises(UsageError, match="ends in"):
        pictures.film(frames, tmp_path / "film.avi", seconds=1)


# -- walks ------------------------------------------------------------------------------------------


def test_a_walk_is_closed_and_its_steps_are_equal_on_a_sphere():
    ends = torch.nn.functional.normalize(
        torch.randn(5, 16, generator=torch.Generator().manual_seed(0)), dim=1
    )
    path = walk(ends, 100)
    assert path.shape == (100, 16)
    torch.testing.assert_close(path[::20], ends)
    torch.testing.assert_close(path.norm(dim=1), torch.ones(100))
    steps = (torch.cat([path[1:], path[:1]]) - path).norm(dim=1).view(5, 20)
    torch.testing.assert_close(steps, steps[:, :1].expand(-1, 20), rtol=1e-3, atol=1e-5)


def test_a_walk_between_lengths_keeps_between_them_and_takes_the_middle():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    torch.testing.assert_close(walk(torch.stack([a, b]), 4)[1], torch.tensor([2**0.5, 2**0.5]))
    same = torch.ones(1, 3)
    torch.testing.assert_close(walk(same, 6), same.expand(6, -1))
    opposite = walk(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), 8)
    assert torch.isfinite(opposite).all()
    assert float(walk(torch.zeros(2, 3), 4).abs().max()) == 0.0  # truncation 0


def test_a_line_nested_without_end_is_left_out(tmp_path: Path):
    deep = "[" * 200_000 + "]" * 200_000
    (tmp_path / "log.jsonl").write_text('{"nimg": 1}\n{"nimg": ' + deep + '}\n{"nimg": 2}\n')
    with pytest.warns(DamageWarning, match="line 2"):
        assert [line["nimg"] for line in files.read_lines(tmp_path / "log.jsonl")] == [1, 2]


def test_a_moment_that_is_saved_again_keeps_its_tensors_and_gets_the_new_state(tmp_path: Path):
    tensors = {"average": {"w": torch.ones(3)}}
    first = checkpoint.write_checkpoint(tmp_path, state={"nimg": 3}, tensors=tensors)
    before = (first / "average.safetensors").stat().st_ino
    again = checkpoint.write_checkpoint(
        tmp_path, state={"nimg": 3, "standing": {"best_nimg": 3}}, tensors=tensors
    )
    assert checkpoint.read_checkpoint(again).state["standing"] == {"best_nimg": 3}
    assert (again / "average.safetensors").stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == [first.name]
