"""Help pages, quick starts, and one clear line for what is asked wrongly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.cli import VERBS
from ganforge.recipes import RECIPES
from ganforge.runs import files
from tests import processes
from tests.conftest import Call

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "help"


def words_of(page: str) -> list[str]:
    """The page without boxes and line breaks, which depend on the terminal."""
    return re.sub(r"[│╭╮╰╯─]|--{2,}", " ", page).split()


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_golden(verb: str, gan: Call):
    page = gan(*([verb] if verb else []), "--help")
    assert (page.code, page.err) == (0, "")
    golden = GOLDEN / f"{verb or 'overview'}.txt"
    assert words_of(page.out) == words_of(golden.read_text()), f"if this is meant, write it to {golden}"


def test_every_verb_has_a_golden_page_and_stands_in_the_overview():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {"overview", *VERBS}
    overview = (GOLDEN / "overview.txt").read_text()
    assert all(f"  {verb} " in overview for verb in VERBS)


PROBE = """
import sys, time
began = time.perf_counter()
from ganforge.cli import VERBS, main
main(["--help"])
seconds = time.perf_counter() - began
heavy = [name for name in ("torch", "numpy", "tyro", "rich", "PIL") if name in sys.modules]
for verb in VERBS:
    try:
        main([verb, "--help"])
    except SystemExit as end:
        assert not end.code
    try:
        main([verb, "--helpp"])
    except SystemExit:
        raise AssertionError("misspelt")
print("RESULT", seconds, heavy, [name for name in ("torch", "numpy", "PIL") if name in sys.modules])
"""


def test_help_pages_import_nothing_heavy_and_come_at_once():
    ran = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, env=processes.environment(), check=True
    )
    seconds, heavy, heavy_of_verbs = re.findall(r"RESULT (\S+) (\[.*?\]) (\[.*?\])", ran.stdout)[0]
    assert heavy == heavy_of_verbs == "[]"
    assert float(seconds) < 0.5  # the bar is .3 s for the whole process, on a machine with nothing else to do


def test_the_package_is_imported_without_torch_and_exports_these_names():
    words = "import ganforge, sys; print('torch' in sys.modules, ganforge.__all__)"
    ran = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert ran.stdout.split(" ", 1) == [
        "False",
        "['Run', 'StopTraining', '__version__', 'load', 'plugin', 'train']\n",
    ]


def folder_of_text(path: Path) -> Path:
    path.mkdir()
    for i in range(3):
        (path / f"{i}.txt").write_text("no picture")
    return path


def one_line(answer: object, code: int, *patterns: str) -> None:
    assert answer.code == code, (answer.out, answer.err)
    assert answer.err.count("\n") == 1, answer.err
    assert answer.err.startswith("gan")
    assert "Traceback" not in answer.out + answer.err
    for pattern in patterns:
        assert re.search(pattern, answer.err), (pattern, answer.err)


WRONG = {
    "a verb": ("trian digits", r"Did you mean 'train'\?"),
    "an option": ("train digits --minuts 3", r"--minuts.*Did you mean '--minutes'\?"),
    "an option of another verb": ("doctor --second 3", r"Did you mean '--seconds'\?"),
    "a value": ("train digits --minutes soon", r"--minutes cannot be 'soon'"),
    "too much": ("train digits moons", r"too much is given: moons"),
    "nothing named": ("data", r"DATA"),
    "no data named": ("train", r"name the data.*digits"),
    "a name of data": ("train digit", r"Did you mean 'digits'\?"),
    "a name of data to scan": ("data moon", r"Did you mean 'moons'\?"),
    "a recipe": ("train digits --recipe residul", r"Did you mean 'residual'\?"),
    "a recipe to show": ("recipes residul", r"Did you mean 'residual'\?"),
    "a recipe file": (
        "train digits --recipe mine.py",
        r"no recipe file mine\.py.*gan recipes NAME --copy FILE",
    ),
    "a key": ("train moons --set batc=3", r"Did you mean 'batch'\?"),
    "a player's key": ("train moons --set generator.widht=3", r"Did you mean 'width'\?"),
    "an option of a family": ("train moons --set discriminator.fourrier=3", r"Did you mean 'fourier'\?"),
    "a family": ("train moons --set generator.family=mpl", r"Did you mean 'mlp'\?"),
    "an objective": ("train moons --set objective=hing", r"Did you mean 'hinge'\?"),
    "no value": ("train moons --set batch", r"KEY=VALUE"),
    "size 7": ("train digits --size 7", r"at least 8"),
    "size in words": ("train digits --size big", r"WIDTHxHEIGHT"),
    "batch": ("train digits --recipe dcgan --set batch=4096", r"larger than the data.*--set batch=1024"),
    "no minutes": ("train moons --minutes 0", r"--minutes is 0; it must be a number above 0"),
    "no number of kimg": ("train moons --kimg nan", r"--kimg is nan"),
    "endless": ("train moons --minutes inf", r"--minutes is inf"),
    "two budgets": ("train moons --minutes 1 --kimg 1", r"not both"),
    "a device": ("train moons --device gpu", r"no kind of device 'gpu'"),
    "not a run": ("sample nothing", r"nothing is not a run folder.*gan train"),
    "not a run to resume": ("train --resume nothing", r"nothing is not a run folder"),
    "no run at all": ("sample", r"no run folder under runs"),
    "no time for the doctor": ("doctor --seconds 0", r"--seconds is 0"),
    "a recipe with --resume": ("train x --resume --recipe residual", r"--recipe cannot go with --resume"),
    "a seed with --resume": ("train x --resume --seed 0", r"--seed cannot go with --resume"),
    "a change with --resume": ("train x --resume --set batch=3", r"--set cannot go with --resume"),
    "changes without --resume": ("train moons --accept-changes", r"go with --resume"),
    "a copy that is no file": ("recipes ring --copy mine", r"--copy mine\.py"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_asked_wrongly_gets_one_line_that_names_the_fix(what: str, gan: Call, tmp_path: Path):
    words, pattern = WRONG[what]
    one_line(gan(*words.split()), 2, pattern)
    assert not list(tmp_path.glob("runs/*"))


def test_data_that_cannot_be_used(gan: Call, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    one_line(gan("train", "empty"), 2, "empty", "no pictures|nothing|empty")
    one_line(gan("train", folder_of_text(tmp_path / "texts")), 2, "texts")
    (tmp_path / "words.csv").write_text("x,y\n1,2\n3,four\n5,6\n")
    one_line(gan("train", "words.csv"), 2, "four|row|line")
    np.save(tmp_path / "nan.npy", np.full((50, 2), np.nan, np.float32))
    one_line(gan("train", "nan.npy"), 2, "nan")
    (tmp_path / "hostile.npy").write_bytes(b"\x93NUMPY\x01\x00" + b"\xff" * 200)
    one_line(gan("train", "hostile.npy"), 2, "hostile")
    (tmp_path / "dir").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "dir" / "one.png")
    one_line(gan("train", "dir/one.png"), 2, "one picture")
    one_line(gan("train", "dir"), 2, "only one picture in dir.*at least 2")


def test_a_recipe_file_that_cannot_be_used(gan: Call, tmp_path: Path):
    file = tmp_path / "mine.py"
    for content, pattern in {
        "def recipe(space, n:\n": "SyntaxError",
        "x = 1\n": "recipe",
        "def recipe(space, n):\n    return None\n": "must define recipe",
        "def recipe(space, n):\n    return 1 / 0\n": "ZeroDivisionError",
        "recipe = 3\n": "TypeError",
        "import nothing_like_it\n": "nothing_like_it",
    }.items():
        file.write_text(content)
        one_line(gan("train", "moons", "--recipe", file), 2, "mine.py cannot be used", pattern)


def test_a_device_that_is_not_there_is_the_machines_fault(gan: Call):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    one_line(gan("train", "moons", "--device", "cuda"), 3, "no cuda here that works; leave --device out")


def test_places_that_cannot_be_written(gan: Call, tmp_path: Path):
    (tmp_path / "file").write_text("")
    tiny = ("train", "moons", "--kimg", "0.1", "--set", "generator.width=8", "discriminator.width=8")
    one_line(gan(*tiny, "--out", "file/run"), 3, "in the way.*choose another")
    one_line(gan(*tiny, "--out", "/proc/run"), 3, "/proc/run|/proc")
    one_line(gan(*tiny, "--out", tmp_path / ("x" * 300)), 3, "too long.*choose a shorter one")


def test_data_and_recipes_answer(gan: Call, tmp_path: Path):
    listed = gan("recipes").out
    assert all(re.search(rf"^{name} +\S", listed, re.MULTILINE) for name in RECIPES)
    found = json.loads(gan("data", "digits", "--json").out)
    assert found["count"] == 1797
    assert "10 classes" in gan("data", "digits").out
    assert "12×16 grey" in gan("data", "digits", "--size", "12x16").out  # as training would read them
    assert gan("recipes", "ring", "--copy", "mine.py").code == 0
    assert (tmp_path / "mine.py").read_text() == gan("recipes", "ring").out
    one_line(gan("recipes", "ring", "--copy", "mine.py"), 2, "exists")
    dry = gan("train", "moons", "--recipe", "mine.py", "--dry-run", "--set", "batch=64", "generator.width=32")
    assert '"batch": 64' in dry.out
    assert not (tmp_path / "runs").exists()


def test_what_the_machine_does_wrong_in_the_parser_is_not_hidden(gan: Call, monkeypatch: pytest.MonkeyPatch):
    """A fault of ours shows where it is: only errors of the tree become one line."""
    monkeypatch.setattr(files, "write_atomically", 3)
    with pytest.raises(TypeError):
        gan("recipes", "ring", "--copy", "mine.py")
