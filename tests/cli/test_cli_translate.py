"""`gan translate`: files, folders, archives and clips, as a person has them."""

from __future__ import annotations

import signal
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.core.space import Space
from ganforge.data.degrade import Chance, degradation
from ganforge.runs.translator import load_translator
from ganforge.tasks import translation
from ganforge.tasks.translation import translate
from ganforge.tasks.translation_direction import TranslationDirection, open_translation
from tests import players
from tests.conftest import Call
from tests.processes import Gan, wait_until
from tests.translations import clean, photo, trained

SHAPE = (3, 16, 16)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of several kinds, each of a few rounds."""
    folder = tmp_path_factory.mktemp("runs")
    trained("cyclegan", folder / "two", players.translated())
    trained("super-resolution", folder / "larger", clean(source=(3, 4, 4)))
    trained("inpainting", folder / "holes", clean(source=(4, 16, 16)))
    trained("stargan", folder / "classes", players.pictures(20, SHAPE, classes=3))
    trained("colourisation", folder / "grey", clean(source=(1, 16, 16)))
    clips = players.translated(source=(9, 16, 16))
    trained("next-frame", folder / "next", clips, source="previous:3")
    return folder


def save(path: Path, x: torch.Tensor, **more: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    planar = x[0].permute(1, 2, 0).numpy()
    Image.fromarray(planar[..., 0] if planar.shape[2] == 1 else planar).save(path, **more)
    return path


def read(path: Path) -> torch.Tensor:
    with Image.open(path) as image:
        pixels = np.array(image)
    return torch.from_numpy(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))[None]


def test_one_picture(gan: Call, runs: Path, tmp_path: Path):
    x = photo(24, 40)
    save(tmp_path / "cat.png", x)
    answer = gan("translate", runs / "two", "cat.png", "-o", "out/fish.png")
    assert answer.code == 0, answer.err
    assert torch.equal(read(tmp_path / "out/fish.png"), load_translator(runs / "two").translate(x))
    assert "before and after" in answer.out
    with Image.open(tmp_path / "out/fish-sheet.png") as sheet:
        assert sheet.width > sheet.height
    back = gan("translate", runs / "two", "cat.png", "--back")
    assert back.code == 0, back.err
    assert torch.equal(
        read(runs / "two/translated/cat.png"), load_translator(runs / "two", back=True).translate(x)
    )
    jpeg = gan("translate", runs / "two", "cat.png", "--out", "cat.jpg", "--sheet", "s.jpg", "--size", "20")
    assert jpeg.code == 0, jpeg.err
    assert read(tmp_path / "cat.jpg").shape == (1, 3, 12, 20)
    assert (tmp_path / "s.jpg").is_file()


def test_a_folder_keeps_names_and_lists_what_cannot_be_read(gan: Call, runs: Path, tmp_path: Path):
    given = tmp_path / "in"
    save(given / "a.png", photo(16, 16))
    save(given / "deep/er/b.jpg", photo(20, 12))
    save(given / "same.png", photo(9, 9))
    save(given / "same.bmp", photo(9, 9, seed=2))
    (given / "bad.png").write_text("not a picture")
    (given / "notes.txt").write_text("hello")
    answer = gan("translate", runs / "two", given, "-o", "out")
    assert answer.code == 1
    assert "left out" in answer.out
    assert "bad.png: text, not a picture" in answer.out
    found = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png"))
    assert found == ["a.png", "deep/er/b.png", "same.bmp.png", "same.png", "sheet.png"]
    assert read(tmp_path / "out/deep/er/b.png").shape == (1, 3, 20, 12)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as packed:
        for path in given.rglob("*.png"):
            packed.write(path, path.relative_to(given))
    zipped = gan("translate", runs / "two", "in.zip", "-o", "zipped")
    assert zipped.code == 1
    assert torch.equal(read(tmp_path / "zipped/a.png"), read(tmp_path / "out/a.png"))
    inside = gan("translate", runs / "two", given, "-o", given / "made")
    assert inside.code == 1
    again = gan("translate", runs / "two", given, "-o", given / "made")
    assert "4 files" in again.out  # results of the first time are no inputs of the second
    only = gan("translate", runs / "two", given / "bad.png")
    assert (only.code, "bad.png can be read" in only.err) == (2, True)


def test_pictures_of_every_kind_are_taken_as_at_the_data_door(gan: Call, runs: Path, tmp_path: Path):
    given, x = tmp_path / "in", photo(16, 24)
    direction = open_translation(runs / "two")
    save(given / "grey.png", photo(16, 24, channels=1))
    alpha = torch.full((1, 1, 16, 24), 255, dtype=torch.uint8)
    alpha[..., :12] = 0
    save(given / "clear.png", torch.cat([x, alpha], 1))
    turned = Image.Exif()
    turned[0x0112] = 6
    save(given / "turned.png", x, exif=turned)
    deep = photo(16, 24, channels=1)[0, 0].numpy().astype(np.uint16) * 257
    Image.fromarray(deep).save(given / "deep.png")
    assert gan("translate", runs / "two", given, "-o", "out").code == 0
    grey = photo(16, 24, channels=1).expand(-1, 3, -1, -1).contiguous()
    assert torch.equal(read(tmp_path / "out/grey.png"), direction.translate(grey[0])[None])
    assert (read(tmp_path / "out/deep.png").int() - read(tmp_path / "out/grey.png").int()).abs().max() <= 1
    white = torch.where(alpha == 0, torch.tensor(255, dtype=torch.uint8), x)
    assert torch.equal(read(tmp_path / "out/clear.png"), direction.translate(white[0])[None])
    assert read(tmp_path / "out/turned.png").shape == (1, 3, 24, 16)
    # A photo in colour for a run that wants grey.
    save(tmp_path / "photo.png", x)
    assert gan("translate", runs / "grey", "photo.png", "-o", "c.png").code == 0
    assert read(tmp_path / "c.png").shape == (1, 3, 16, 24)


def test_inputs_can_be_made_from_clean_pictures(gan: Call, runs: Path, tmp_path: Path):
    x = photo(37, 50)
    save(tmp_path / "in/x.png", x)
    answer = gan("translate", runs / "larger", "in", "--degrade", "-o", "out")
    assert answer.code == 0, answer.err
    small = torch.nn.functional.avg_pool2d(x[:, :, :36, :48].float() / 127.5 - 1, 4)
    small = ((small + 1) * 127.5).round().byte()
    assert torch.equal(read(tmp_path / "out/x.png"), load_translator(runs / "larger").translate(small))
    with Image.open(tmp_path / "out/sheet.png") as sheet:
        assert sheet.width / sheet.height > 3 * 48 / 36 * 0.9  # the truth stands there as well
    assert gan("translate", runs / "holes", "in", "--degrade", "-o", "holes").code == 0
    no = gan("translate", runs / "two", "in", "--degrade", "-o", "no")
    assert (no.code, "--degrade is for runs" in no.err) == (2, True)


def test_what_is_transparent_is_filled(gan: Call, runs: Path, tmp_path: Path):
    x = torch.cat([photo(16, 20), torch.full((1, 1, 16, 20), 255, dtype=torch.uint8)], 1)
    save(tmp_path / "whole.png", x)
    answer = gan("translate", runs / "holes", "whole.png", "-o", "w.png")
    assert (answer.code, "make what it shall fill transparent" in answer.err) == (2, True)
    x[:, 3, 5:9, 6:12] = 0
    save(tmp_path / "cut.png", x)
    assert gan("translate", runs / "holes", "cut.png", "-o", "filled.png").code == 0
    hole = x[:, 3:] == 0
    expected = torch.cat([hole.byte() * 255, x[:, :3].masked_fill(hole, 128)], 1)
    assert torch.equal(read(tmp_path / "filled.png"), load_translator(runs / "holes").translate(expected))


def test_a_hole_by_hand_is_the_hole_of_the_training(runs: Path):
    """The same channels in the same order as the degradation makes."""
    x, direction = photo(16, 16), open_translation(runs / "holes")
    clear = torch.full((1, 1, 16, 16), 255, dtype=torch.uint8)
    clear[..., 4:12, 4:12] = 0  # the centre, half of each side
    way = degradation("hole:0.5")
    made = way.apply(x.float() / 127.5 - 1, Chance(0))
    expected = way.space(Space(kind="pictures", shape=SHAPE)).to_declared(made)
    assert torch.equal(
        torch.from_numpy(direction.input_of(torch.cat([x, clear], 1)[0].numpy()))[None], expected
    )


def test_a_class_is_asked_for(gan: Call, runs: Path, tmp_path: Path):
    save(tmp_path / "x.png", photo(16, 16))
    without = gan("translate", runs / "classes", "x.png", "-o", "y.png")
    assert (without.code, "--class" in without.err) == (2, True)
    for name in "01":
        assert gan("translate", runs / "classes", "x.png", "-o", f"y{name}.png", "--class", name).code == 0
    assert not torch.equal(read(tmp_path / "y0.png"), read(tmp_path / "y1.png"))
    wrong = gan("translate", runs / "two", "x.png", "-o", "y.png", "--class", "1")
    assert (wrong.code, "without conditions" in wrong.err) == (2, True)


def film(path: Path, n: int, side: int = 16) -> list[torch.Tensor]:
    frames = [photo(side, side, seed=i) for i in range(n)]
    stills = [Image.fromarray(x[0].permute(1, 2, 0).numpy()) for x in frames]
    stills[0].save(path, save_all=True, append_images=stills[1:], duration=120, loop=0, lossless=True)
    return frames


def test_a_clip_is_translated_frame_by_frame(gan: Call, runs: Path, tmp_path: Path):
    frames = film(tmp_path / "clip.webp", 5)
    answer = gan("translate", runs / "two", "clip.webp", "-o", "out.webp")
    assert answer.code == 0, answer.err
    with Image.open(tmp_path / "out.webp") as made:
        assert made.n_frames == 5
    assert gan("translate", runs / "two", "clip.webp", "-o", "frames").code == 0
    expected = load_translator(runs / "two").translate(torch.cat(frames))
    for i in range(5):
        assert torch.equal(read(tmp_path / f"frames/{i + 1:04}.png")[0], expected[i])
    film(tmp_path / "clip.gif", 3)
    assert gan("translate", runs / "two", "clip.gif", "-o", "out.gif").code == 0
    with Image.open(tmp_path / "out.gif") as made:
        assert (made.n_frames, made.info["duration"]) == (3, 120)
    wrong = gan("translate", runs / "two", "clip.gif", "-o", "out.avi")
    assert (wrong.code, ".gif, .webp, .mp4" in wrong.err) == (2, True)


def test_next_frames_are_made_from_the_last_ones(gan: Call, runs: Path, tmp_path: Path):
    frames = [photo(16, 16, seed=i) for i in range(11)]
    for i, x in enumerate(frames):
        save(tmp_path / f"clip/frame{i}.png", x)  # frame10 is the last one, not after frame1
    answer = gan("translate", runs / "next", "clip", "-o", "out", "--frames", "2")
    assert answer.code == 0, answer.err
    network = load_translator(runs / "next")
    first = network.translate(torch.cat(frames[-3:], 1))
    second = network.translate(torch.cat([*frames[-2:], first], 1))
    found = sorted(path.name for path in (tmp_path / "out").glob("0*.png"))
    assert len(found) == 2
    assert torch.equal(read(tmp_path / "out" / found[0]), first)
    assert torch.equal(read(tmp_path / "out" / found[1]), second)
    known = gan("translate", runs / "next", "clip", "-o", "film.gif", "--frames", "2", "--degrade")
    assert known.code == 0, known.err
    with Image.open(tmp_path / "film.gif") as made:
        assert made.n_frames == 11  # nine that were given, two that were made in place of the truth
    few = gan("translate", runs / "next", "clip/frame0.png", "-o", "no")
    assert (few.code, "frames" in few.err) == (2, True)


def test_wrong_wishes_are_one_line(gan: Call, runs: Path, digits_run: Path, tmp_path: Path):
    save(tmp_path / "x.png", photo(16, 16))
    wrong: dict[str, tuple[object, ...]] = {
        "translates nothing": (digits_run, "x.png"),
        "not a run folder": ("nowhere", "x.png"),
        "there is no": (runs / "two", "nothing.png"),
        "next frame": (runs / "two", "x.png", "--frames", "2"),
        "never written over": (runs / "two", "x.png", "-o", "x.png"),
        "too small": (runs / "two", "x.png", "--tile", "9"),
        "no way back": (runs / "classes", "x.png", "--back", "--class", "0"),
        "a sheet is a picture": (runs / "two", "x.png", "--sheet", "s.txt"),
        "a picture ends in": (runs / "two", "x.png", "-o", "x.doc"),
        "INPUT": (runs / "two",),
    }
    for words, arguments in wrong.items():
        answer = gan("translate", *arguments)
        assert answer.code == 2, arguments
        assert words in answer.err, (words, answer.err)
        assert answer.err.count("\n") == 1
    assert not list(tmp_path.glob("*sheet*"))


def test_the_size_of_the_training_is_told(gan: Call, runs: Path, tmp_path: Path):
    save(tmp_path / "large.png", photo(80, 60))
    answer = gan("translate", runs / "two", "large.png", "-o", "o.png")
    assert "trained at 16×16, used at 60×80" in answer.out
    assert "trained at" not in gan("translate", runs / "two", "large.png", "-o", "o.png", "--size", "16").out


def test_ctrl_c_keeps_what_is_written(runs: Path, tmp_path: Path):
    picture = save(tmp_path / "in/0000.png", photo(48, 48)).read_bytes()
    for i in range(1, 3_000):  # so many that a busy machine cannot be done before it is interrupted
        (tmp_path / f"in/{i:04}.png").write_bytes(picture)
    process = Gan("translate", str(runs / "two"), "in", "-o", "out", cwd=tmp_path)
    try:
        wait_until(lambda: len(list(tmp_path.glob("out/0*.png"))) > 5, process)
        process.send(signal.SIGINT)
        assert process.wait() == 130
    finally:
        process.process.kill()
    assert "not reached" in process.said
    assert "Traceback" not in process.said
    done = [path for path in tmp_path.glob("out/*.png") if path.name != "sheet.png"]
    assert 3 < len(done) < 3_000
    assert all(read(path).shape == (1, 3, 48, 48) for path in done)
    assert (tmp_path / "out/sheet.png").is_file()
    assert not list(tmp_path.glob("out/.tmp*"))


def test_a_network_without_its_run_knows_holes_and_frames_by_its_channels():
    class Stub:
        def __init__(self, shape: tuple[int, int, int], source: tuple[int, int, int]) -> None:
            self.source = Space(kind="pictures", shape=source)
            self.space = replace(Space(kind="pictures", shape=shape), source=self.source)

    def direction(shape: tuple[int, int, int], source: tuple[int, int, int]) -> TranslationDirection:
        return TranslationDirection(Stub(shape, source))  # type: ignore[arg-type]

    assert direction((3, 8, 8), (4, 8, 8)).fills_holes
    assert direction((1, 8, 8), (2, 8, 8)).fills_holes
    assert not direction((3, 8, 8), (1, 8, 8)).fills_holes
    assert direction((3, 8, 8), (9, 8, 8)).frames == 3
    assert direction((3, 8, 8), (3, 8, 8)).frames == 0


def test_the_task_counts_its_steps(runs: Path, tmp_path: Path):
    for i in range(3):
        save(tmp_path / f"in/{i}.png", photo(16, 16))
    steps: list[tuple[int, int]] = []
    outcome = translate(
        open_translation(runs / "two"),
        tmp_path / "in",
        tmp_path / "out",
        progress=lambda *step: steps.append(step),
    )
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [path.name for path in outcome.written] == ["0.png", "1.png", "2.png"]
    assert (
        translation.default_out(tmp_path, tmp_path / "in/0.png", open_translation(runs / "two")).name
        == "0.png"
    )
