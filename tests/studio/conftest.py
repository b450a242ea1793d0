"""The studio as it is used: `gan studio` as a process, asked over real HTTP and real WebSockets."""

from __future__ import annotations

import http.client
import json
import re
import struct
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from ganforge.tasks.experiment import prepare
from tests.processes import Gan, wait_until

RING = {"data": {"kind": "builtin", "name": "ring"}, "recipe": "textbook", "changes": {}, "seed": 0}


class Running:
    """A studio on a free port."""

    def __init__(self, gan: Gan) -> None:
        self.gan = gan
        wait_until(lambda: "stop: Ctrl-C" in gan.said, gan)
        found = re.search(r"http://[\d.]+:(\d+)/(?:\?token=(\S+))?", gan.said)
        assert found is not None
        self.port = int(found[1])
        self.token: str | None = found[2]

    def ask(
        self,
        path: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        method: str | None = None,
        entered: bool = True,
    ) -> tuple[int, bytes]:
        """Status and body; ``body`` is JSON, or bytes as they are. ``entered`` brings the token along."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            sent = body if isinstance(body, bytes) or body is None else json.dumps(body)
            given = {"Content-Type": "application/json", **self._token(entered), **(headers or {})}
            connection.request(method or ("GET" if body is None else "POST"), path, sent, given)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _token(self, entered: bool) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if entered and self.token else {}

    def json(self, path: str, body: object = None) -> dict[str, Any]:
        status, answer = self.ask(path, body)
        assert status == 200, answer
        return json.loads(answer)

    @contextmanager
    def socket(self, path: str, *, entered: bool = True, **headers: str) -> Generator[Line]:
        address = f"ws://127.0.0.1:{self.port}{path}"
        given = {**self._token(entered), **headers}
        with connect(address, max_size=None, additional_headers=given) as opened:
            yield Line(opened)


class Line:
    """One socket: calls, and what comes between their replies.

    Attributes:
        heard: messages that were no reply, oldest first; binary ones as (header, arrays).
    """

    def __init__(self, opened: ClientConnection) -> None:
        self.opened = opened
        self.heard: list[Any] = []
        self._last = 0

    def send(self, do: str, **fields: Any) -> int:
        self._last += 1
        self.opened.send(json.dumps({"id": self._last, "do": do, **fields}))
        return self._last

    def call(self, do: str, **fields: Any) -> Any:
        """The reply, which must be good."""
        reply = self.reply(self.send(do, **fields))
        assert isinstance(reply, tuple) or reply["ok"], reply
        return reply

    def refused(self, do: str, **fields: Any) -> str:
        """The one line with which a call is refused."""
        reply = self.reply(self.send(do, **fields))
        assert not reply["ok"], reply
        assert "\n" not in reply["error"]
        return reply["error"]

    def reply(self, number: int) -> Any:
        while True:
            message = self.next()
            header = message[0] if isinstance(message, tuple) else message
            if header.get("id") == number:
                return message
            self.heard.append(message)

    def next(self, timeout: float = 60.0) -> Any:
        message = self.opened.recv(timeout=timeout)
        return unpacked(message) if isinstance(message, bytes) else json.loads(message)

    def until(self, kind: str, timeout: float = 60.0) -> Any:
        """The next message of a type, among those that were heard first."""
        end = time.monotonic() + timeout
        while True:
            for place, message in enumerate(self.heard):
                header = message[0] if isinstance(message, tuple) else message
                if header.get("type") == kind:
                    del self.heard[: place + 1]
                    return message
            assert time.monotonic() < end, f"no {kind} came"
            self.heard.append(self.next(timeout))

    def frames(self, seconds: float, *, draw: float = 0.0) -> Iterator[tuple[dict[str, Any], Any]]:
        """Frames as a browser takes them, each acknowledged after ``draw`` seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                message = self.next(left)
            except TimeoutError:
                return
            if isinstance(message, tuple) and message[0]["type"] == "frame":
                time.sleep(draw)
                self.opened.send(json.dumps({"do": "ack", "frame": message[0]["frame"]}))
                yield message
            else:
                self.heard.append(message)


def unpacked(message: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and arrays; pictures are under ``pictures``, as bytes."""
    (length,) = struct.unpack_from("<I", message)
    start = 4 + length
    assert start % 8 == 0
    header = json.loads(message[4:start])
    types = {"f32": np.float32, "u8": np.uint8, "i32": np.int32}
    found: dict[str, Any] = {}
    for name, told in header["arrays"].items():
        assert told["offset"] % 8 == 0
        count = int(np.prod(told["shape"]))
        flat = np.frombuffer(message, types[told["type"]], count, start + told["offset"])
        found[name] = flat.reshape(told["shape"])
    for one in header.get("pictures", []):
        place = start + one["offset"]
        found.setdefault("pictures", []).append(message[place : place + one["length"]])
    return header, found


@contextmanager
def running(folder: Path, *words: str, **variables: str) -> Generator[Running]:
    gan = Gan("studio", *words, "--port", "0", "--no-browser", cwd=folder, **variables)
    try:
        yield Running(gan)
    finally:
        gan.process.terminate()
        gan.wait(20)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on digits that has ended, called ``digits``."""
    folder = tmp_path_factory.mktemp("studio") / "runs"
    trainer = prepare("digits", kimg=3, seed=1).start(folder / "digits")
    assert trainer.train().finished
    return folder


@pytest.fixture(scope="session")
def studio(runs: Path) -> Generator[Running]:
    """One studio for all, with one worker."""
    with running(runs.parent, "runs", "--workers", "1") as opened:
        yield opened


@pytest.fixture
def game(studio: Running) -> Generator[Line]:
    """A game of the textbook on the ring."""
    with studio.socket("/api/play") as line:
        line.call("open", settings=RING)
        yield line
        line.call("close")
