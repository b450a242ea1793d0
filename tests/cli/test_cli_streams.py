"""A screen that goes away, and terminals with another alphabet."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from ganforge.cli.streams import Steady
from tests import players
from tests.processes import environment

GAN = [sys.executable, "-m", "ganforge"]


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_behind_the_screen_is_no_error_but_is_known():
    stream = Steady(Full())
    assert stream.write("words") == 5
    assert stream.lost is not None
    assert stream.lost.errno == 28


def test_what_an_alphabet_lacks_is_said_with_what_it_has():
    kept = io.BytesIO()
    stream = Steady(io.TextIOWrapper(kept, encoding="ascii"))
    stream.write("12 kimg ≈ 3 minutes · 2 → 1 … \udcff ß")
    stream.flush()
    assert kept.getvalue() == b"12 kimg ~ 3 minutes . 2 -> 1 ... ? ?"


def test_whoever_wanted_to_see_it_is_told_that_it_is_not_written(tmp_path: Path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*GAN, "--help"], env=environment(), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert b"standard output cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr


AMID = """
import os, signal, sys, soundfile
from ganforge.cli import main

class Amid:
    asked = False

    def __init__(self, file):
        self.file = file

    def readinto(self, piece):
        if not Amid.asked:
            Amid.asked = True
            os.kill(os.getpid(), signal.SIGTERM)
        return self.file.readinto(piece)

    def __getattr__(self, name):
        return getattr(self.file, name)

whole = soundfile.SoundFile.__init__
soundfile.SoundFile.__init__ = lambda self, file, *more, **named: whole(self, Amid(file), *more, **named)
soundfile.SoundFile.__init__.__qualname__ = "SoundFile.__init__"
sys.exit(main(["data", sys.argv[1]]))
"""


def test_a_stop_while_a_sound_is_read_is_not_lost(tmp_path: Path):
    """libsndfile asks Python for a file's bytes: an exception cannot pass through it."""
    folder = players.tones(tmp_path / "tones", 200)
    command = [sys.executable, "-c", AMID, str(folder)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.stderr == "gan data: stopped by SIGTERM\n"
    assert done.returncode == 143
