"""`gan export`: what it writes and says, and what it refuses."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ganforge
from ganforge.runs.checkpoint import write_checkpoint
from ganforge.runs.folder import Run
from tests.conftest import Call
from tests.processes import environment


@pytest.fixture
def copied(digits_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(digits_run, tmp_path / "runs" / "digits"))


def test_the_last_run_becomes_an_onnx_file_and_then_a_smaller_one(gan: Call, copied: Path):
    first = gan("export")
    assert (first.code, first.err) == (0, "")
    said = r"the last run is runs/digits\n"
    said += r"opened    the state after 112 examples, the newest; weights [0-9a-f]{12}\n"
    said += r"checked   beside the network at batch 1, 2, 7: largest difference (\S+)\n"
    said += r"wrote     runs/digits/exported/generator\.onnx   \S+ MB\n"
    said += r"next      gan serve runs/digits/exported/generator\.onnx\n"
    match = re.fullmatch(said, first.out)
    assert match, first.out
    assert float(match[1]) <= 1e-4
    small = gan("export", copied, "--precision", "int8", "--out", "small.onnx")
    assert small.code == 0
    assert re.search(
        r"^precision same latents differ by .*; kernel distance \S+, best possible \S+ \(n 256\)$",
        small.out,
        re.M,
    )
    samples = [
        ganforge.load(path).sample(9, seed=1).int() for path in (copied, copied / "exported/generator.onnx")
    ]
    assert (samples[0] - samples[1]).abs().max() <= 1
    assert (ganforge.load("small.onnx").sample(9, seed=1) - samples[0]).abs().max() <= 40


def test_a_folder_that_another_process_opens(gan: Call, copied: Path, tmp_path: Path):
    told = gan("export", copied, "--to", "folder", "--out", "model")
    assert (told.code, told.err) == (0, "")
    assert "\nwrote     model   " in told.out
    program = "import ganforge; print(int(ganforge.load('model').sample(5, seed=2).int().sum()))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert int(done.stdout) == int(ganforge.load(copied).sample(5, seed=2).int().sum())
    again = gan("export", copied, "--to", "folder", "--out", "model")
    assert (again.code, again.out) == (2, "")
    assert "model exists already" in again.err


def test_points_are_measured_too(gan: Call, points_run: Path):
    told = gan("export", points_run, "--to", "folder", "--precision", "bfloat16", "--out", "model")
    assert told.code == 0
    assert "kernel distance" in told.out
    made, expected = (ganforge.load(path).sample(50) for path in ("model", points_run))
    assert 0 < (made - expected).abs().max() < 0.5
    assert torch.isfinite(made).all()


def test_a_torch_program(gan: Call, points_run: Path):
    told = gan("export", points_run, "--to", "torch", "--out", "made/g.pt2")
    assert told.code == 0
    assert "gan serve" not in told.out  # it opens none
    assert [path.name for path in Path("made").iterdir()] == ["g.pt2"]


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        ("--to onxx", r"--to can be onnx, torch, folder, hub:USER/NAME, not 'onxx'\. Did you mean 'onnx'\?"),
        ("--to hub:ann", "named hub:USER/NAME"),
        ("--to torch --precision int8", "--precision is for onnx and folder"),
        ("--precision int4", "--precision"),
        ("--bets", r"no option --bets\. Did you mean '--best'\?"),
    ],
)
def test_what_cannot_be_exported(words: str, pattern: str, gan: Call, digits_run: Path, tmp_path: Path):
    told = gan("export", digits_run, *words.split())
    assert (told.code, told.out) == (2, "")
    assert re.fullmatch(rf"gan export: .*{pattern}.*\n", told.err)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_a_folder_that_is_no_run(gan: Call, tmp_path: Path):
    told = gan("export", tmp_path)
    assert told.code == 2
    assert "is not a run folder" in told.err


def test_nothing_is_shipped_from_another_state_unasked(gan: Call, copied: Path, tmp_path: Path):
    run = Run.open(copied)
    found = run.checkpoint()
    state = {**found.state, "nimg": found.nimg + 32}
    newest = write_checkpoint(run.checkpoints, state=state, tensors=found.tensors) / "average.safetensors"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    told = gan("export", copied, "--to", "folder", "--out", "made")
    assert (told.code, told.err.count("\n")) == (2, 1), told
    assert f"{newest} is damaged" in told.err
    assert f"--moment {found.nimg}" in told.err
    assert not Path("made").exists()
    told = gan("export", copied, "--to", "folder", "--out", "made", "--moment", found.nimg)
    assert told.code == 0, told
    assert f"the state after {found.nimg:,} examples, as asked for" in told.out
