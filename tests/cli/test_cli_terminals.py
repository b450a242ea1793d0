"""Terminals that go away, are full, or have another alphabet: real processes under them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ganforge.runs.folder import Run
from tests.processes import Gan, environment, wait_until

GAN = [sys.executable, "-m", "ganforge"]
LONG = ("train", "moons", "--kimg", "100000", "--out", "run", "--set", "generator.width=8")
SHORT = ("--kimg", "0.1", "--set", "generator.width=8", "discriminator.width=8", "batch=16")


class _Terminal:
    """`gan` with a terminal of its own."""

    def __init__(self, *words: str, cwd: Path, ignoring: bool = False) -> None:
        self.master, other = pty.openpty()

        def take() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if ignoring:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [*GAN, *words],
            cwd=cwd,
            env=environment(TERM="xterm"),
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=take,
        )
        os.close(other)
        os.set_blocking(self.master, False)
        self.said = b""

    def read(self) -> None:
        """Keep reading: a terminal that is full stops who writes to it."""
        with contextlib.suppress(OSError):
            self.said += os.read(self.master, 1 << 16)

    def until(self, true: Callable[[], object], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            self.read()
            assert self.process.poll() is None, self.said.decode(errors="replace")
            assert time.monotonic() < end, self.said.decode(errors="replace")
            time.sleep(0.01)

    def close(self) -> None:
        os.close(self.master)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.slow
def test_a_terminal_that_goes_away_ends_a_training_that_is_saved(tmp_path: Path):
    terminal = _Terminal(*LONG, cwd=tmp_path)
    terminal.until(lambda: _lines(tmp_path / "run/log.jsonl") >= 3)
    terminal.close()
    assert terminal.process.wait(60) == 143
    run = Run.open(tmp_path / "run")
    assert run.events()[-1]["event"] == "interrupted"
    assert run.checkpoint("newest").nimg == run.log()[-1]["nimg"] > 0
    again = Gan("train", "--resume", "run", "--kimg", str(run.log()[-1]["nimg"] / 1000 + 1), cwd=tmp_path)
    assert again.wait() == 0, again.said


@pytest.mark.slow
def test_under_nohup_a_training_outlives_its_terminal(tmp_path: Path):
    terminal = _Terminal(*LONG, cwd=tmp_path, ignoring=True)
    log = tmp_path / "run/log.jsonl"
    terminal.until(lambda: _lines(log) >= 3)
    terminal.close()
    lines, end = _lines(log), time.monotonic() + 60
    while _lines(log) < lines + 2 and time.monotonic() < end:
        assert terminal.process.poll() is None
        time.sleep(0.05)
    assert _lines(log) >= lines + 2, "it does not go on"
    terminal.process.send_signal(signal.SIGHUP)  # ignored still
    time.sleep(0.5)
    assert terminal.process.poll() is None
    terminal.process.terminate()
    assert terminal.process.wait(60) == 143
    assert Run.open(tmp_path / "run").checkpoint("newest").nimg > 0


@pytest.mark.slow
@pytest.mark.parametrize("closed", [False, True])
def test_a_full_or_closed_standard_output_is_no_end_of_a_training(closed: bool, tmp_path: Path):
    words = ["train", "moons", "--out", "run", *SHORT]
    shell = ["sh", "-c", '"$@" >&-', "sh"] if closed else []
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*shell, *GAN, *words],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert Run.open(tmp_path / "run").checkpoint("newest").nimg >= 100


@pytest.mark.slow
def test_a_terminal_without_utf_8_and_a_path_that_is_not_utf_8(tmp_path: Path):
    """As after an archive of another system has been unpacked."""
    folder = os.fsencode(tmp_path / "p") + b"\xe9\xff"
    os.mkdir(folder)
    for i in range(24):
        name = folder + b"/caf\xe9-%d.png" % i
        with open(name, "wb") as file:
            Image.new("RGB", (16, 16), (i * 9, 200 - i, 30)).save(file, "PNG")
    variables = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii",
    }
    run = folder + b"-run"
    for words in (
        [b"data", folder],
        [b"train", folder, b"--size", b"16", b"--out", run, *(word.encode() for word in SHORT)],
        [b"sample", run, b"--seeds", b"0-1"],
        [b"evaluate", run, b"--samples", b"24", b"--only", b"distances"],
        [b"diagnose", run],
        [b"check", run],
        [b"export", run, b"--to", b"folder"],
        [b"train", b"--resume", run, b"--kimg", b".15"],
    ):
        done = subprocess.run(
            [*map(os.fsencode, GAN), *words], cwd=tmp_path, env=environment(**variables), capture_output=True
        )
        said = done.stdout + done.stderr
        assert done.returncode in (0, 5, 6), (words, said)
        assert b"Traceback" not in said, (words, said)
        assert said.isascii(), words


@pytest.mark.slow
def test_no_processor_time_left_is_answered_like_being_asked_to_stop(tmp_path: Path):
    """A soft limit of the processor's time, as batch systems set it: the system itself sends SIGXCPU."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (14, 60))\n"
    gan = Gan(*LONG, cwd=tmp_path, before=limit)
    wait_until(lambda: _lines(tmp_path / "run/log.jsonl") >= 1, gan)
    assert gan.wait(200) == 143, gan.said
    assert "SIGXCPU" in gan.said
    assert Run.open(tmp_path / "run").checkpoint("newest").nimg > 0
