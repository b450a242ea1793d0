"""The service on a real socket: patience has an end, crowds are turned away, a stop finishes what runs."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import resource
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from torch import Tensor

from ganforge.core.errors import MachineError, UsageError
from ganforge.core.space import Space
from ganforge.shipping.limits import Limits
from ganforge.shipping.server import Server, listen, read_token
from ganforge.shipping.service import Service
from tests.shipping.conftest import DIGITS, made

JSON = {"Content-Type": "application/json"}


class Running:
    """A service in a thread, on a free port."""

    def __init__(self, space: Space = DIGITS, **limits: float) -> None:
        self.service = Service(made("dcgan", space)[0], name="bees", limits=Limits(**limits))
        self.opened = listen("127.0.0.1", 0)
        self.port: int = self.opened.getsockname()[1]
        self.server = Server(self.service)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.005)

    def _run(self) -> None:
        asyncio.run(self.server.serve(sockets=[self.opened]))

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        return connection

    def ask(self, fields: object = None, path: str = "/sample") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(fields or {}), JSON)
            answer = connection.getresponse()
            return answer.status, answer.read()


@contextlib.contextmanager
def running(space: Space = DIGITS, **limits: float) -> Generator[Running]:
    one = Running(space, **limits)
    try:
        yield one
    finally:
        one.server.should_exit = True
        one.thread.join(20)
        assert not one.thread.is_alive()


def seconds_until_cut(connection: socket.socket) -> float:
    """How long it takes until the other side is gone."""
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while connection.recv(1 << 16):
            pass
    return time.monotonic() - began


def head(length: int) -> bytes:
    return (
        b"POST /sample HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def test_a_connection_is_used_again_and_pipelined_requests_are_answered():
    with running() as service:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        bodies = set[bytes]()
        for _ in range(3):
            connection.request("POST", "/sample", b'{"seed": 4}', JSON)
            bodies.add(connection.getresponse().read())
        assert len(bodies) == 1
        connection.close()
        with service.connect() as raw:
            raw.sendall((head(2) + b"{}") * 3)
            got = b""
            while got.count(b"HTTP/1.1 200 OK") < 3 or not got.endswith(b"IEND\xaeB`\x82"):
                got += raw.recv(1 << 16)


def test_slow_clients_are_cut_and_the_others_are_served():
    with (
        running(header_seconds=0.4, body_seconds=0.4, request_seconds=0.8) as service,
        service.connect() as silent,
        service.connect() as dripping,
        service.connect() as half,
    ):
        half.sendall(head(100) + b"{")
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            dripping.sendall(b"G")
            assert service.ask()[0] == 200
        assert seconds_until_cut(silent) < 3
        assert seconds_until_cut(dripping) < 3
        assert b"408" in half.recv(1000).split(b"\r\n")[0]
        assert seconds_until_cut(half) < 3
        assert service.ask()[0] == 200


def test_a_client_that_does_not_read_holds_no_memory():
    large = Space(kind="pictures", shape=(3, 256, 256), classes=("a",))
    body = b'{"n": 48, "format": "npy"}'  # 9 MB: more than the system's buffers take
    # Long enough for a busy machine to answer the others in.
    with running(large, request_seconds=5.0) as service, service.connect() as stuck:
        stuck.sendall(head(len(body)) + body)
        end = time.monotonic() + 20
        while not service.service._held and time.monotonic() < end:
            time.sleep(0.005)
        assert service.service._held > 0
        assert service.ask({"n": 1})[0] == 200  # the others do not wait
        while service.service._held and time.monotonic() < end:
            time.sleep(0.01)
        assert service.service._held == 0
        assert seconds_until_cut(stuck) < 5


def test_in_a_crowd_the_silent_make_room_for_those_who_ask():
    with running(connections=20) as service, contextlib.ExitStack() as crowd:
        idle = [crowd.enter_context(service.connect()) for _ in range(20)]
        for seed in range(30):  # connections of their own
            assert service.ask({"seed": seed})[0] == 200
        assert seconds_until_cut(idle[0]) < 3
        assert len(service.server.server_state.connections) <= 20


def test_where_all_ask_a_further_one_is_turned_away():
    with running(connections=4) as service, contextlib.ExitStack() as crowd:
        for _ in range(4):
            crowd.enter_context(service.connect()).sendall(head(9) + b"{")
        time.sleep(0.2)
        with service.connect() as one_more:
            assert one_more.recv(1000).startswith(b"HTTP/1.1 503 ")


def test_memory_stays_flat():
    with running() as service:
        for _ in range(20):
            service.ask()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(300):
            service.connect().close()
            assert service.ask({"n": 10**9})[0] == 422
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_garbage_is_no_request():
    with running() as service:
        for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"X" * 100_000):
            with service.connect() as connection:
                connection.sendall(garbage)
                with contextlib.suppress(ConnectionError):
                    assert connection.recv(100).startswith(b"HTTP/1.1 400")
        with service.connect() as connection:  # a web socket is not to be had
            asked = b"GET /sample HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            connection.sendall(asked + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 405")
        assert service.ask()[0] == 200


def test_who_goes_away_is_not_computed_for():
    with running() as service:
        make, calls = service.service._batcher._make, list[int]()
        busy, go = threading.Event(), threading.Event()

        def slow(z: Tensor, condition: Tensor | None) -> Tensor:
            calls.append(len(z))
            busy.set()
            assert go.wait(10)
            return make(z, condition)

        service.service._batcher._make = slow
        first = threading.Thread(target=service.ask)
        first.start()
        assert busy.wait(10)
        gone = service.connect()
        gone.sendall(head(9) + b'{"n": 64}')
        end = time.monotonic() + 5
        while service.service._batcher.waiting != 64 and time.monotonic() < end:
            time.sleep(0.005)
        assert service.service._batcher.waiting == 64
        gone.close()
        while service.service._batcher.waiting and time.monotonic() < end:
            time.sleep(0.005)
        go.set()
        first.join(10)
        assert service.ask({"n": 2})[0] == 200
        assert calls == [1, 2]


def test_a_stop_finishes_what_runs():
    service = Running()
    make = service.service._batcher._make
    busy = threading.Event()

    def slow(z: Tensor, condition: Tensor | None) -> Tensor:
        busy.set()
        time.sleep(0.5)
        return make(z, condition)

    service.service._batcher._make = slow
    answers = list[tuple[int, bytes]]()
    asking = threading.Thread(target=lambda: answers.append(service.ask({"seed": 3})))
    asking.start()
    assert busy.wait(10)
    service.server.should_exit = True
    asking.join(10)
    service.thread.join(10)
    assert not service.thread.is_alive()
    assert answers[0][0] == 200
    assert answers[0][1].endswith(b"IEND\xaeB`\x82")
    with pytest.raises(ConnectionError):
        service.connect()


def test_addresses_and_tokens(tmp_path: Path):
    taken = listen("127.0.0.1", 0)
    with contextlib.closing(taken), pytest.raises(MachineError, match="choose another --port"):
        listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(UsageError, match="is no address"):
        listen("no such host\n", 1)
    made_up = {read_token(None) for _ in range(4)}
    assert len(made_up) == 4
    assert min(map(len, made_up)) >= 32
    (tmp_path / "token").write_text("0123456789abcdef\n")
    assert read_token(tmp_path / "token") == "0123456789abcdef"
    for short in (
        "",
        "short",
        "two words of sixteen",
        "sixteen ä letters",
        "0123456789abcdef\nsecond line x",
    ):
        (tmp_path / "token").write_text(short)
        with pytest.raises(UsageError, match="must be one word"):
            read_token(tmp_path / "token")
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(tmp_path / "none")


def test_whoever_sends_too_much_can_read_why():
    with running() as service, service.connect() as sending:
        length = 30_000_000  # more than any buffer between the two takes
        sending.sendall(head(length) + bytes(length))  # all of it before it listens, as browsers do
        answer = b"".join(iter(lambda: sending.recv(1000), b""))  # until it is closed
        assert b" 413 " in answer.split(b"\r\n")[0]
        assert b"the body may have 65,536 bytes here" in answer
        assert service.ask()[0] == 200
