"""Two processes make the moves of one that plays both parts; they end, stop and fail together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ganforge.core.errors import UsageError
from ganforge.core.recipe import Penalty
from ganforge.runs.checkpoint import newest
from ganforge.tasks.together import shared
from ganforge.training.engine import Engine
from ganforge.training.processes import place_of
from ganforge.training.rounds import Rounds
from tests import driver_together, players
from tests.processes import Gan, environment, wait_until


def test_two_processes_make_the_moves_of_one_that_plays_both_parts(tmp_path: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.driver_together", str(tmp_path)],
            env=environment(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port),
        )
        for rank in range(2)
    ]
    expected: dict[str, object] = {}
    for name, (recipe, data) in driver_together.cases().items():
        rounds = Rounds(recipe, data, Engine(parts=2))
        for number in range(driver_together.ROUNDS):
            rounds.play(number / driver_together.ROUNDS)
        expected[name] = json.loads(json.dumps(driver_together.after(rounds)))
    assert [process.wait(250) for process in both] == [0, 0]
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    broken = first.pop(driver_together.BROKEN)
    assert broken == second.pop(driver_together.BROKEN)  # the same moves are refused in both, and no other
    assert broken["refused"] > 0
    assert len(expected) > 4
    assert first == second == expected


def weights(run: Path) -> dict[str, torch.Tensor]:
    found, _ = newest(run / "checkpoints")
    assert found is not None
    return found.tensors["game"]


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes_bit_for_bit(tmp_path: Path):
    def gan(*words: str, stopped: bool) -> None:
        ran = Gan("train", *words, cwd=tmp_path)
        if stopped:
            wait_until(lambda: "examples ·" in ran.said.split("before training")[-1], ran)
            ran.send(signal.SIGTERM)
        assert ran.wait(250) == (143 if stopped else 0), ran.said

    gan("ring", "--kimg", "60", "--processes", "2", "--out", "whole", stopped=False)
    gan("ring", "--kimg", "60", "--processes", "2", "--out", "cut", stopped=True)
    gan("--resume", "cut", stopped=True)  # one process plays both parts
    gan("--resume", "cut", "--processes", "2", stopped=False)
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    for name, value in whole.items():
        assert torch.equal(cut[name], value), name


def other_of(gan: Gan) -> int | None:
    """The process id of the second process."""
    children = Path(f"/proc/{gan.process.pid}/task/{gan.process.pid}/children").read_text().split()
    return int(children[0]) if children else None


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the other process in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_happens_to_one_process_happens_to_all(tmp_path: Path, number: int):
    gan = Gan("train", "ring", "--kimg", "4000", "--processes", "2", "--out", "r", cwd=tmp_path)
    wait_until(lambda: "examples ·" in gan.said, gan)
    other = other_of(gan)
    assert other is not None
    os.kill(other, number)
    code = gan.wait(60)
    assert not Path(f"/proc/{other}").exists()
    if number == signal.SIGTERM:
        assert code == 143, gan.said
        found, _ = newest(tmp_path / "r" / "checkpoints")
        assert found is not None
        assert found.state["nimg"] > 0
        return
    assert code == 3, gan.said
    assert "another process of this training has ended" in gan.said
    assert "Traceback" not in gan.said


def test_what_cannot_be_shared_is_refused_by_name():
    data, recipe = players.points(), players.recipe()
    with pytest.raises(UsageError, match="a batch of 16 cannot be shared by 3 processes"):
        shared(Engine(), recipe, data, 3)
    with pytest.raises(UsageError, match="compares examples of the whole batch"):
        shared(Engine(), players.recipe(objective="relativistic_average"), data, 2)
    with pytest.raises(UsageError, match="the penalty dragan measures the whole batch"):
        shared(Engine(), players.recipe(penalties=(Penalty(name="dragan"),)), data, 2)
    pictures = players.pictures(classes=3)
    with pytest.raises(UsageError, match="mismatched=0"):
        shared(Engine(), players.picture_recipe(mismatched=0.5, conditional=True), pictures, 2)
    engine = shared(Engine(recorded=True, workers=2, parts=2), recipe, data, 2)
    assert (engine.parts, engine.workers, engine.recorded) == (2, 1, False)
    assert shared(Engine(recorded=True), recipe, data, 1) == Engine(recorded=True)


def test_a_process_knows_its_place_only_where_all_is_said():
    assert place_of({"RANK": "3", "WORLD_SIZE": "4"}) == (0, 1)  # a cluster's own variables
    there = {"RANK": "3", "WORLD_SIZE": "4", "MASTER_ADDR": "x", "MASTER_PORT": "1"}
    assert place_of(there) == (3, 4)
