"""What must survive: kills, signals and interruptions, each of a real process."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from ganforge.runs import checkpoint
from ganforge.runs.folder import Run
from ganforge.training.signals import StopRequest
from tests.driver import CASES, kimg_of, main
from tests.processes import Gan, environment, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = ("--set", "generator.width=8", "discriminator.width=8")


class Training:
    """The driver as a process."""

    def __init__(self, folder: Path, case: str = "points", save_seconds: float = 0.05) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.driver", str(folder), case, str(save_seconds)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def finish(self) -> None:
        assert self.line() == "ready"
        assert self.line() == "finished"
        assert self.process.wait(60) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()

    def saved(self) -> int:
        """Examples shown at the newest checkpoint; -1 before there is one."""
        return max(checkpoint.moments(self.folder / "checkpoints"), default=-1)

    def logged(self) -> int:
        """Examples shown at the last whole line of the log."""
        log = self.folder / "log.jsonl"
        lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
        return json.loads(lines[-1])["nimg"] if lines else -1

    def kill_between_saves(self, further: int) -> bool:
        """Have it save, and kill it ``further`` ticks later; False where it ends before.

        It saves when it is asked to, and not by the clock: so a busy machine changes nothing.
        """
        assert self.line() == "ready"
        began = max(self.logged(), 0)
        if self._reaches(lambda: self.logged() > began):
            self.process.send_signal(signal.SIGUSR2)
        self._reaches(lambda: self.saved() > began)
        while self.process.poll() is None and (further > 0 or self.logged() <= self.saved()):
            further -= self._ticks()
        self.kill()
        return began < self.saved() < self.logged()

    def _ticks(self) -> bool:
        tick = self.logged()
        return self._reaches(lambda: self.logged() > tick)

    def _reaches(self, true: Callable[[], bool]) -> bool:
        while not true():
            if self.process.poll() is not None:
                return False
            time.sleep(0.002)
        return True


def tensors(folder: Path, case: str) -> dict[str, torch.Tensor]:
    """Everything in the newest checkpoint: players, buffers, moving average and optimisers."""
    newest = Run.open(folder).checkpoint("newest")
    assert newest.nimg >= kimg_of(case) * 1000
    return {
        f"{file.stem}.{name}": value
        for file in sorted(newest.path.glob("*.safetensors"))
        for name, value in safetensors.torch.load_file(file).items()
    }


def examinations(folder: Path) -> list[dict[str, Any]]:
    """What was seen and counted, tick by tick. Statistics of a tick are of the rounds since a resume."""
    kept = ("nimg", "rounds", "refused", "progress", "examination", "since_rounds", "since_refused")
    return [{name: line.get(name) for name in kept} for line in Run.open(folder).log()]


def since(folder: Path) -> list[float]:
    """Statistics between examinations: a save may sum in another order."""
    return [
        number
        for line in Run.open(folder).log()
        for _, statistics in sorted(line.get("since", {}).items())
        for _, number in sorted(statistics.items())
    ]


_BY_CLOCK = ("seconds", "closing")


def assert_same_end(cut: Path, whole: Path, case: str = "points") -> None:
    ours, theirs = tensors(cut, case), tensors(whole, case)
    assert set(ours) == set(theirs)
    assert len(ours) > 30
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name
    states = [Run.open(folder).checkpoint("newest", only=()).state for folder in (cut, whole)]
    for state in states:
        for name in _BY_CLOCK:
            state.pop(name)
    assert states[0] == states[1]  # how the run stands, and what the statistics holds
    assert examinations(cut) == examinations(whole)
    assert since(cut) == pytest.approx(since(whole), rel=1e-9, abs=1e-9)
    assert not list(cut.rglob(".tmp-*"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training that nobody interrupts."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    Training(folder).finish()
    return folder


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_twenty_kills_at_random_moments_change_nothing(whole: Path, tmp_path: Path):
    chance = random.Random(4)
    for _ in range(20):
        training = Training(tmp_path / "run")
        assert training.line() == "ready"
        time.sleep(chance.uniform(0.2, 1.6))
        training.kill()
    Training(tmp_path / "run").finish()
    resumed = [e["nimg"] for e in Run.open(tmp_path / "run").events() if e["event"] == "resumed"]
    assert len(set(resumed)) >= 5, resumed  # it did get on between kills
    assert_same_end(tmp_path / "run", whole)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("case", "times"),
    [
        ("exchange", 1),
        *(pytest.param(case, 8, marks=pytest.mark.slow) for case in CASES if case != "points"),
    ],
)
def test_kills_between_two_saves_change_nothing(case: str, times: int, tmp_path: Path):
    """Of every game: what was played and logged after the last save is played and logged again."""
    chance = random.Random(case)
    main(tmp_path / "whole", case)
    kills = sum(
        Training(tmp_path / "run", case, 1e9).kill_between_saves(chance.randint(1, 3)) for _ in range(times)
    )
    assert kills >= min(times, 3), "no kill came between two saves"
    Training(tmp_path / "run", case).finish()
    assert_same_end(tmp_path / "run", tmp_path / "whole", case)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_kills_in_the_middle_of_a_save_change_nothing(whole: Path, tmp_path: Path):
    folder = tmp_path / "run"
    strays = 0
    for _ in range(6):
        training = Training(folder)
        assert training.line() == "ready"
        checkpoints = folder / "checkpoints"
        while training.process.poll() is None:
            if any(name.startswith(".tmp-") for name in os.listdir(checkpoints)):
                break
        training.kill()
        strays += len(list(checkpoints.glob(".tmp-*")))
    assert strays >= 2, "no save was hit"
    Training(folder).finish()
    assert_same_end(folder, whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [("SIGTERM", 143), ("SIGHUP", 143), ("SIGXCPU", 143), ("SIGUSR1", 143), ("SIGINT", 130)],
)
def test_a_signal_saves_says_how_to_resume_and_loses_nothing(number: str, code: int, tmp_path: Path):
    gan = Gan("train", "moons", "--kimg", "100000", *TINY, cwd=tmp_path)
    wait_until(lambda: "of the way" in gan.said, gan)  # a tick after moves
    began = time.monotonic()
    gan.send(getattr(signal, number))
    assert gan.wait(30) == code
    assert time.monotonic() - began < 10
    assert "Traceback" not in gan.said
    assert "gan train --resume runs/moons" in gan.said.splitlines()[-1]
    run = Run.open(tmp_path / "runs/moons")
    nimg = run.checkpoint("newest").state["nimg"]
    assert nimg == run.log()[-1]["nimg"] > 0
    assert run.events()[-1]["event"] == "interrupted"
    again = Gan("train", "--resume", "--kimg", str(nimg / 1000 + 1), cwd=tmp_path)
    assert again.wait() == 0, again.said
    assert run.checkpoint("newest").state["nimg"] >= nimg + 1000


def test_the_second_ctrl_c_quits_at_once():
    before = signal.getsignal(signal.SIGINT)  # a job in the background is started with it ignored
    with StopRequest() as request:
        os.kill(os.getpid(), signal.SIGINT)
        assert request.exit_code == 130
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
def test_the_second_ctrl_c_quits_the_command_at_once(tmp_path: Path):
    """While something takes its time: here, a screen that does not answer."""
    slow = "import time; from ganforge.cli import screen; screen._tick_line = lambda _: time.sleep(60)\n"
    gan = Gan("train", "moons", "--kimg", "100000", *TINY, cwd=tmp_path, before=slow)
    log = tmp_path / "runs/moons/log.jsonl"
    wait_until(lambda: log.exists() and log.stat().st_size, gan)
    time.sleep(0.5)
    gan.send(signal.SIGINT)
    time.sleep(0.5)
    assert gan.process.poll() is None
    gan.send(signal.SIGINT)
    assert gan.wait(10) == 130
    assert gan.said.splitlines()[-1] == "gan train: stopped at once"
    assert "Traceback" not in gan.said
    again = Gan("train", "--resume", "--kimg", "5", cwd=tmp_path)
    assert again.wait() == 0, again.said
