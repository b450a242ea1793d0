"""`gan explore` on a tiny run of pictures with classes and one of points."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.cli.explore import read
from ganforge.core.declared import QUESTIONS
from ganforge.core.errors import UsageError
from ganforge.latent.directions import read_directions
from ganforge.tasks.opened_run import OpenedRun
from tests.conftest import Call


def colours(path: Path) -> int:
    """How many different colours a picture has: a sheet that shows nothing has one or two."""
    with Image.open(path) as image:
        return len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0))


def result(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "result.json").read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("what", QUESTIONS)
def test_each_question_has_a_help_page(what: str, gan: Call):
    page = gan("explore", "run", what, "--help")
    assert (page.code, page.err) == (0, "")
    assert f"usage: gan explore RUN {what}" in page.out
    assert "--out FOLDER" in page.out
    assert what in gan("explore", "--help").out


def test_a_walk(gan: Call, digits_run: Path, tmp_path: Path):
    out = tmp_path / "found"
    words = ("explore", digits_run, "interpolate", "--seeds", "0-4", "--frames", "5", "--pairs", "8")
    found = gan(*words, "--seconds", "1", "--out", out)
    assert found.code == 0, found.err
    assert "perceptual path length" in found.out
    assert "sure along 8 walks" in found.out
    assert colours(out / "interpolate" / "strip.png") > 50
    assert colours(out / "interpolate" / "grid.png") > 50
    with Image.open(out / "interpolate" / "walk.gif") as film:
        assert film.size == (256, 256)
    numbers = result(out / "interpolate")
    assert set(numbers) == {"path_length", "confidence"}


def test_feedback(gan: Call, digits_run: Path, tmp_path: Path):
    out = tmp_path / "found"
    found = gan("explore", digits_run, "feedback", "--seeds", "0-5", "--steps", "4", "--out", out)
    assert found.code == 0, found.err
    assert re.search(r"seed 0 +real: \d\.\d\d\. pixel \(\d, \d\) by [+-]8, ", found.out), found.out
    assert "calibrated on" in found.out
    assert "reaches" in found.out
    assert colours(out / "feedback" / "sheet.png") > 50
    numbers = result(out / "feedback")
    assert numbers["rose"] == 1.0


def test_pictures_of_ones_own_are_inverted_and_walked_between(gan: Call, digits_run: Path, tmp_path: Path):
    gan("sample", digits_run, "--class", "3", "--seeds", "0-1", "--out", "mine")
    mine = [f"mine/seed00000{i}-3.png" for i in (0, 1)]
    lacking = gan("explore", digits_run, "invert", "--pictures", *mine, "--rounds", "5")
    assert lacking.code == 2
    assert "say which it is with --class" in lacking.err
    asked = ("--class", "3", "--out", "found")
    found = gan("explore", digits_run, "invert", "--pictures", *mine, "--rounds", "5", *asked)
    assert (found.code, found.err) == (0, "")
    assert "training an encoder" in found.out
    again = gan("explore", digits_run, "invert", "--pictures", *mine, "--rounds", "5", *asked)
    assert "training an encoder" not in again.out  # it is kept
    assert max(result(tmp_path / "found/invert")["error"]) < 0.01
    latents = np.load(tmp_path / "found/invert/latents.npy", allow_pickle=False)
    assert latents.shape[0] == 2
    hidden = gan(
        "explore", digits_run, "invert", "--pictures", *mine, "--hide", "0,4,8,8", "--rounds", "5", *asked
    )
    assert hidden.code == 0, hidden.err
    assert result(tmp_path / "found/invert")["hidden"] is True


def test_a_drawing_is_completed(gan: Call, digits_run: Path, tmp_path: Path):
    drawing = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    for y in range(1, 7):
        drawing.putpixel((4, y), (255, 255, 255, 255))
    drawing.save(tmp_path / "one.png")
    asked = ("--class", "1", "--steps", "20", "--out", "found")
    found = gan("explore", digits_run, "invert", "--strokes", "one.png", *asked)
    assert (found.code, found.err) == (0, "")
    assert colours(tmp_path / "found/invert/sheet.png") > 20
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "nothing.png")
    empty = gan("explore", digits_run, "invert", "--strokes", "nothing.png", *asked)
    assert empty.code == 2
    assert "transparent everywhere" in empty.err


def test_directions_are_named_and_saved(gan: Call, digits_run: Path, tmp_path: Path):
    asked = ("--pool", "300", "--count", "2", "--attributes", "light,slant")
    found = gan("explore", digits_run, "directions", *asked, "--out", "found")
    assert (found.code, found.err) == (0, "")
    assert re.search(r"light: \d+ % get it and \d+ % lose it; others move", found.out)
    for kind in ("principal", "factorised", "supervised"):
        assert colours(tmp_path / f"found/directions/{kind}.png") > 50
    kept, info = read_directions(digits_run / "explore")
    assert [one.name for one in kept][-2:] == ["light", "slant"]
    assert len(kept) == 6
    assert len(str(info["checkpoint"])) == 64


def test_arithmetic_with_seeds_and_qualities(gan: Call, digits_run: Path, tmp_path: Path):
    asked = (
        "--a",
        "seeds:1,2,3",
        "--b",
        "light+",
        "--c",
        "slant-/light-",
        "--pool",
        "200",
        "--exemplars",
        "3",
    )
    found = gan("explore", digits_run, "arithmetic", *asked, "--out", "found")
    assert (found.code, found.err) == (0, "")
    assert re.search(r"light +a \S+, b \S+, c \S+, sum \S+", found.out)
    assert colours(tmp_path / "found/arithmetic/sheet.png") > 50


def test_features_truncation_and_what_cannot_be_asked(gan: Call, digits_run: Path, tmp_path: Path):
    found = gan("explore", digits_run, "features", "--labels", "50", "--draws", "1", "--out", "found")
    assert (found.code, found.err) == (0, "")
    numbers = result(tmp_path / "found/features")
    assert len(numbers) == 3
    drawn = gan("explore", digits_run, "truncate", "--out", "found", "--pool", "200")
    assert (drawn.code, drawn.err) == (0, "")
    refused = gan("explore", digits_run, "mix")
    assert refused.code == 2
    assert "at one place" in refused.err
    conditional = gan("explore", digits_run, "resample")
    assert conditional.code == 2
    assert "without classes" in conditional.err


def test_points_are_explored_too(gan: Call, points_run: Path, tmp_path: Path):
    for words in (
        ("interpolate", "--pairs", "8"),
        ("directions", "--pool", "200"),
        ("feedback", "--seeds", "0-20"),
        ("invert", "--count", "5", "--rounds", "5", "--steps", "20"),
        ("resample", "--samples", "100", "--steps", "5"),
    ):
        found = gan("explore", points_run, *words, "--out", "found")
        assert (found.code, found.err) == (0, ""), words
    assert colours(tmp_path / "found/interpolate/strip.png") > 10
    assert colours(tmp_path / "found/resample/sheet.png") > 10
    numbers = result(tmp_path / "found/resample")
    assert set(numbers) == {"as they come", "rejection", "langevin", "calibration"}
    np.save(tmp_path / "mine.npy", np.zeros((3, 2), np.float32))
    told = gan("explore", points_run, "feedback", "--pictures", "mine.npy", "--out", "found")
    assert "number 3" in told.out
    np.save(tmp_path / "wrong.npy", np.zeros((2, 3), np.float32)[:1])
    wrong = gan("explore", points_run, "feedback", "--pictures", "wrong.npy")
    assert wrong.code == 2
    assert "does not hold 2-D points" in wrong.err


def test_without_its_data_a_run_can_still_be_walked_through(
    gan: Call, digits_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    elsewhere = ("--data-at", "nowhere.zip", "--out", "found")
    walked = gan("explore", digits_run, "interpolate", "--pairs", "4", "--seconds", "0", *elsewhere)
    assert walked.code == 0, walked.err
    assert "without data" in walked.out
    assert "the numbers themselves" in walked.out
    told = gan("explore", digits_run, "feedback", "--seeds", "0-1", *elsewhere)
    assert "not calibrated" in told.out
    refused = gan("explore", digits_run, "features", *elsewhere)
    assert refused.code == 2
    assert "needs the labelled data" in refused.err


WRONG = {
    "no question": ("", "say what to explore"),
    "a misspelt question": ("interplate", "Did you mean 'interpolate'"),
    "a misspelt option": ("feedback --leves 3", "Did you mean '--levels'"),
    "one end": ("interpolate --seeds 3", "a walk needs two ends"),
    "two frames": ("interpolate --frames 2", "--frames is 2"),
    "a box": ("invert --hide 1,2", "--hide takes left,top,right,bottom"),
    "an empty box": ("invert --hide 4,4,2,2", "--hide takes left,top,right,bottom"),
    "everything hidden": ("invert --hide 0,0,8,8", "everything is hidden"),
    "a kind": ("directions --kinds principle", "Did you mean 'principal'"),
    "an attribute": ("directions --attributes slent", "Did you mean 'slant'"),
    "a quality": ("arithmetic --a slent+", r"Did you mean 'slant\+'"),
    "no seeds": ("arithmetic --a seeds:x", "names no seeds"),
    "a method": ("resample --methods reject", "there is rejection and langevin"),
    "a percentile": ("resample --percentile 101", "from 0 to 100"),
    "no point": ("drag --to 3,3", "--from takes points x,y in pixels, as in 12,20, not nothing"),
    "no goal": ("drag --from 3,3 4,4 --to 3,5", "--from has 2 points and --to has 1"),
    "no grid": ("drag --from 3,3 --to 3,5", "no features on a grid"),
    "no file": ("feedback --pictures none.png --class 1", "cannot be read as a picture"),
    "no class": ("feedback --pictures none.png", "cannot be read as a picture|--class"),
}


@pytest.mark.parametrize("what", WRONG)
def test_questions_that_cannot_be_asked(what: str, gan: Call, digits_run: Path):
    words, pattern = WRONG[what]
    answer = gan("explore", digits_run, *words.split())
    assert answer.code == 2
    assert re.fullmatch(rf"gan explore: .*({pattern}).*\n", answer.err), answer.err


def test_the_last_run_is_meant_where_none_is_named(gan: Call, tmp_path: Path):
    assert read(["interpolate"]) is not None
    run, question = read(["interpolate", "--frames", "5"]) or (None, None)
    assert run is None
    assert question is not None
    told = gan("explore", "interpolate")
    assert told.code == 2
    assert "there is no run folder under runs" in told.err
    with pytest.raises(UsageError, match="not a run folder"):
        OpenedRun(tmp_path)


def test_what_is_kept_is_checked(gan: Call, digits_run: Path, tmp_path: Path):
    asked = ("explore", digits_run, "truncate", "--pool", "100", "--out", "found")
    gan(*asked)
    assert "training a small classifier" not in gan(*asked).out
    kept = digits_run / "explore" / "classifier.safetensors"
    kept.write_bytes(kept.read_bytes()[:-4] + b"oops")
    assert "training a small classifier" in gan(*asked).out
    encoder = digits_run / "explore" / "encoder.json"
    encoder.write_text("{")
    inverted = gan(
        "explore", digits_run, "invert", "--count", "2", "--rounds", "3", "--steps", "2", "--out", "found"
    )
    assert inverted.code == 0
    assert "training an encoder" in inverted.out
