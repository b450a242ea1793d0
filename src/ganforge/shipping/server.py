"""The service as a process: its socket, patience with slow clients, and a stop that finishes what runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import struct
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ganforge.core.errors import MachineError, UsageError
from ganforge.core.signals import STOP, Handlers
from ganforge.shipping.limits import Limits

try:
    import resource
except ImportError:  # where the system has no such limits
    resource = None

__all__ = ["Served", "Server", "listen", "read_token", "serve"]

_SHORTEST = 16  # characters of a token
_SENDING = 1 << 18  # bytes of an answer that the system holds for a connection
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 20\r\n\r\ntoo many connections"
)


class Served(Protocol):
    """An application, and how much patience there is with whoever asks it."""

    @property
    def app(self) -> ASGIApp: ...
    @property
    def limits(self) -> Limits: ...


def read_token(file: Path | None) -> str:
    """The token in a file, or a new one: other users of this machine can reach its ports, too.

    Raises UsageError where the file's is too short to protect anything.
    """
    if file is None:
        return secrets.token_urlsafe(24)
    try:
        token = file.read_text().strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"the token file {file} cannot be read ({error})") from None
    if len(token) < _SHORTEST or not token.isprintable() or not token.isascii() or " " in token:
        raise UsageError(f"the token in {file} must be one word of at least {_SHORTEST} letters and digits")
    return token


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address; port 0 is any free one. Raises UsageError, MachineError."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(f"--host {host} --port {port} is no address ({error})") from None
    opened = socket.socket(family, kind, number)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(1024)
    except OSError as error:
        opened.close()
        raise MachineError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another --port"
        ) from None
    return opened


def serve(service: Served, opened: socket.socket, *, message_bytes: int = 0) -> int:
    """Answer until told to stop; gives 0 after Ctrl-C and 143 after SIGTERM and its like.

    What runs then is finished; a second Ctrl-C does not wait for it. ``message_bytes`` is the most of one
    message of a web socket; 0 has none of these.
    """
    _allow_sockets(service.limits.connections)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # noise of scanners is no news
    server = Server(service, message_bytes=message_bytes)
    asyncio.run(server.serve(sockets=[opened]))
    return 143 if server.stop_signal not in (0, signal.SIGINT) else 0


class Server(uvicorn.Server):
    """uvicorn's server with our limits; it remembers the signal that stopped it, and does not repeat it."""

    def __init__(self, service: Served, *, message_bytes: int = 0) -> None:
        limits = service.limits
        super().__init__(
            uvicorn.Config(
                service.app,
                http=_protocol(limits),
                ws="websockets-sansio" if message_bytes else "none",
                ws_max_size=message_bytes,
                ws_per_message_deflate=False,  # it would cost more than it saves on this machine
                loop="asyncio",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                h11_max_incomplete_event_size=16 << 10,
                timeout_keep_alive=max(1, int(limits.header_seconds / 2)),
                timeout_graceful_shutdown=max(1, int(limits.stop_seconds)),
            )
        )
        self.stop_signal = 0

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        with Handlers(("SIGINT", *STOP), self._stop):
            yield

    def _stop(self, number: int, _: FrameType | None) -> None:
        self.force_exit = self.force_exit or (self.should_exit and number == signal.SIGINT)
        self.should_exit = True
        self.stop_signal = self.stop_signal or number


def _protocol(limits: Limits) -> type[H11Protocol]:
    """HTTP/1.1 with one clock a connection.

    A connection has ``header_seconds`` to bring a request's header or to take the rest of an answer, and
    ``request_seconds`` for a request. Then it is cut, whatever is left unsent: a client that does not read
    holds no memory. Where there are too many, the one that has been silent for longest makes room.
    """
    silent: dict[H11Protocol, asyncio.TimerHandle] = {}  # oldest first: those that ask nothing at the moment

    class Patient(H11Protocol):
        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            with contextlib.suppress(OSError):
                opened = transport.get_extra_info("socket")
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENDING)
            if len(self.connections) <= limits.connections:
                self._be_silent()
            elif silent:
                _cut(next(iter(silent)))
                self._be_silent()
            else:
                transport.write(_FULL)
                transport.close()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before and not self.cycle.response_complete:
                self._be_busy()

        def handle_websocket_upgrade(self, event: Any) -> None:
            self._stop_clocks()  # from here on it may be silent for as long as it likes
            super().handle_websocket_upgrade(event)

        def on_response_complete(self) -> None:
            self._be_silent()
            before = self.cycle
            super().on_response_complete()
            if self.cycle is not before:  # the next request was here already
                self._be_busy()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clocks()
            super().connection_lost(exc)

        def _be_silent(self) -> None:
            self._stop_clocks()
            silent[self] = self.loop.call_later(limits.header_seconds, _cut, self)

        def _be_busy(self) -> None:
            self._stop_clocks()
            self._clock = self.loop.call_later(limits.request_seconds, _cut, self)

        def _stop_clocks(self) -> None:
            for clock in (silent.pop(self, None), self._clock):
                if clock is not None:
                    clock.cancel()

    return Patient


def _cut(connection: H11Protocol) -> None:
    """End a connection without lingering: what the system still holds of an answer is dropped as well."""
    with contextlib.suppress(OSError):
        opened = connection.transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


def _allow_sockets(connections: int) -> None:
    """Raise the process's limit of open files, as far as it may, to hold so many connections."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 128
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
