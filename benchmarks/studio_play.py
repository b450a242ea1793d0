"""What the studio's Play costs and gives: frames a second, training beside a browser, a class of thirty.

    python benchmarks/studio_play.py            # everything, about six minutes
    python benchmarks/studio_play.py speed      # one part: speed, slow, class, slider

The studio is started as a process and asked through real WebSockets. Speeds are compared in rounds a second
of the *worker's own processor time*, in short stretches by turns, watched first every other time, so that
neither other work on the machine nor a change of its speed decides; wall-clock figures stand beside them.
Frames a second are those between the first and the last frame of each stretch, all stretches together.
How soon a slider's move is seen in a browser: studio_slider.py.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from websockets.sync.client import ClientConnection, connect

GAMES: dict[str, dict[str, Any]] = {
    "bell curve": {"data": {"kind": "builtin", "name": "gaussian"}, "recipe": None},
    "ring, textbook": {"data": {"kind": "builtin", "name": "ring"}, "recipe": "textbook"},
    "ring, its own recipe": {"data": {"kind": "builtin", "name": "ring"}, "recipe": None},
    "digits": {"data": {"kind": "builtin", "name": "digits"}, "recipe": None},
}
STRETCH = 2.0  # seconds
TURNS = 11
BAR = 95.0  # percent of its speed that training keeps, at …
FRAMES = 10.0  # … so many frames a second
RATE = 10.2  # that the browser asks for


TOKEN = secrets.token_urlsafe()
_OPEN = ExitStack()  # sockets that are closed at the end


def _connected(port: int, path: str) -> ClientConnection:
    address = f"ws://127.0.0.1:{port}{path}"
    patience: dict[str, Any] = {"max_size": None, "close_timeout": 1, "ping_interval": None}
    entered = {"Authorization": f"Bearer {TOKEN}"}
    return _OPEN.enter_context(connect(address, additional_headers=entered, **patience))


class Game:
    """A socket of Play."""

    def __init__(self, port: int, settings: dict[str, Any]) -> None:
        self.line: ClientConnection = _connected(port, "/api/play")
        self._last = 0
        self.call("open", settings={**settings, "changes": {}, "seed": 0})

    def send(self, do: str, **fields: Any) -> int:
        self._last += 1
        self.line.send(json.dumps({"id": self._last, "do": do, **fields}))
        return self._last

    def call(self, do: str, **fields: Any) -> dict[str, Any]:
        number = self.send(do, **fields)
        while True:
            message = self.line.recv(120)
            if isinstance(message, bytes):
                self._drawn(message)
                continue
            told = json.loads(message)
            if told.get("id") == number:
                assert told["ok"], told
                return told

    def _drawn(self, message: bytes) -> bool:
        """Acknowledge a frame; whether it is one."""
        header = json.loads(message[4 : 4 + struct.unpack_from("<I", message)[0]])
        if header["type"] == "frame":
            self.line.send(json.dumps({"do": "ack", "frame": header["frame"]}))
        return header["type"] == "frame"

    def frames(self, seconds: float, draw: float = 0.0) -> list[float]:
        """The moments at which frames came; each is acknowledged after ``draw`` seconds."""
        end, moments = time.monotonic() + seconds, list[float]()
        while (left := end - time.monotonic()) > 0:
            try:
                message = self.line.recv(left)
            except TimeoutError:
                break
            if isinstance(message, bytes):
                time.sleep(draw)
                if self._drawn(message):
                    moments.append(time.monotonic())
        return moments


@contextmanager
def studio(*words: str) -> Generator[tuple[int, int]]:
    """Port and process of a studio."""
    with tempfile.TemporaryDirectory() as folder:
        program = "import sys; from ganforge.cli import main; sys.exit(main())"
        Path(folder, "token").write_text(TOKEN)
        options = ["--port", "0", "--no-browser", "--token-file", "token"]
        process = subprocess.Popen(
            [sys.executable, "-c", program, "studio", *options, *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said = ""
        while "address" not in said:
            said = process.stdout.readline()
        found = re.search(r":(\d+)/", said)
        assert found is not None
        try:
            yield int(found[1]), process.pid
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def workers(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def processor_seconds(pids: list[int]) -> float:
    """Of all their threads; the kernel counts nanoseconds here, and hundredths of a second in ``stat``."""
    threads = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in threads) / 1e9


def resident(pid: int) -> float:
    """Megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def speed() -> None:
    """Training beside a browser at ten frames a second, against training that nobody watches."""
    print("| game | rounds/s unwatched | watched | frames/s | kept, by processor time | by the clock | bar |")
    print("|---|---|---|---|---|---|---|")
    with studio("--workers", "1") as (port, pid):
        for name, settings in GAMES.items():
            game = Game(port, settings)
            game.call("play", speed=None)
            game.frames(3.0)  # recorded, examined, warm
            rates: dict[float, list[tuple[float, float]]] = {0: [], RATE: []}
            gaps, spans = 0, 0.0
            for turn in range(TURNS):
                for rate in (0, RATE) if turn % 2 else (RATE, 0):
                    game.call("watch", rate=rate, networks=True)
                    began, before = time.monotonic(), game.call("play", speed=None)["round"]
                    used = processor_seconds(workers(pid))
                    frames = game.frames(STRETCH)
                    used = processor_seconds(workers(pid)) - used
                    rounds = game.call("play", speed=None)["round"] - before
                    wall = time.monotonic() - began
                    rates[rate].append((rounds / used, rounds / wall))
                    if len(frames) > 1:
                        gaps, spans = gaps + len(frames) - 1, spans + frames[-1] - frames[0]
            game.call("close")
            kept = [
                100 * median(b[i] / a[i] for a, b in zip(rates[0], rates[RATE], strict=True)) for i in (0, 1)
            ]
            quiet, watched = (median(wall for _, wall in rates[rate]) for rate in (0, RATE))
            frequency = gaps / max(spans, 1e-9)
            met = frequency >= FRAMES and kept[0] >= BAR
            print(
                f"| {name} | {quiet:,.0f} | {watched:,.0f} | {frequency:.2f} | {kept[0]:.1f} % "
                f"| {kept[1]:.1f} % | {'met' if met else 'missed'} |",
                flush=True,
            )


def slow() -> None:
    """A browser that takes a second to draw, and one that vanishes."""
    with studio("--workers", "1") as (port, pid):
        game = Game(port, GAMES["ring, textbook"])
        game.call("watch", rate=10)
        first = game.call("play", speed=None)["round"]
        frames = game.frames(8.0, draw=1.0)
        last = game.call("pause")["round"]
        print(
            f"slow browser: {len(frames)} frames in 8 s (drawn in 1 s each), {last - first:,} rounds beside"
        )
        before = resident(pid)
        gone = [Game(port, GAMES["ring, textbook"]) for _ in range(4)]
        for one in gone:
            one.call("watch", rate=20)
            one.send("play", speed=None)
        time.sleep(6.0)  # nothing is read
        print(f"four that read nothing for 6 s: the server grew by {resident(pid) - before:.1f} MB")
        for one in gone:
            one.line.close()


def thirty(count: int = 30) -> None:
    """So many games at once, each watched at ten frames a second."""
    with studio() as (port, pid):
        settings = GAMES["ring, textbook"]
        began = time.monotonic()
        games = [Game(port, {**settings}) for _ in range(count)]
        opened = time.monotonic() - began
        for game in games:
            game.call("watch", rate=10)
        starts = [game.call("play", speed=None)["round"] for game in games]
        seen: dict[int, list[float]] = {}

        def look(number: int) -> None:
            seen[number] = games[number].frames(12.0)

        threads = [threading.Thread(target=look, args=(number,)) for number in range(count)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
        rounds = [
            (game.call("pause")["round"] - first) / seconds for game, first in zip(games, starts, strict=True)
        ]
        frames = [len(seen[number]) / 12.0 for number in range(count)]
        waits = [b - a for moments in seen.values() for a, b in pairwise(moments)]
        memory = [resident(one) for one in workers(pid)]
        print(f"{count} games on {len(memory)} workers, opened in {opened:.1f} s")
        print(f"rounds/s a game: {min(rounds):.0f} … {max(rounds):.0f}, {sum(rounds):,.0f} together")
        print(f"frames/s a game: {min(frames):.1f} … {max(frames):.1f}; longest wait {max(waits):.2f} s")
        print(
            f"memory: server {resident(pid):.0f} MB, workers {', '.join(f'{one:.0f}' for one in memory)} MB"
        )


def slider() -> None:
    """A slider's moves on a 64-pixel generator, one after the other: request sent to picture here."""
    from ganforge.tasks.experiment import prepare

    with tempfile.TemporaryDirectory() as folder:
        trainer = prepare("digits", recipe="residual", size=64, device="cpu").start(
            Path(folder) / "sixty-four"
        )
        trainer.save()
        with studio(folder) as (port, _):
            line = _connected(port, "/api/explore")
            line.send(json.dumps({"id": 1, "do": "open", "model": "0:sixty-four"}))
            told = json.loads(line.recv(120))
            assert told["ok"], told
            times: list[float] = []
            for number in range(200):
                latent = {"between": [{"seed": 1}, {"seed": 2}], "t": number / 200}
                began = time.monotonic()
                line.send(json.dumps({"id": number + 2, "do": "make", "slot": "s", "latents": [latent]}))
                assert isinstance(line.recv(30), bytes)
                times.append(1000 * (time.monotonic() - began))
            line.close()
        times.sort()
        most = f"p95 {times[190]:.0f} ms, most {times[-1]:.0f} ms"
        print(f"slider, {told['words']}: median {median(times):.0f} ms, {most}")


PARTS = {"speed": speed, "slow": slow, "class": thirty, "slider": slider}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
