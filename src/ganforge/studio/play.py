"""Play, on the server's side: which browser belongs to which game, and when a game is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ganforge.core.errors import UsageError
from ganforge.shipping.limits import Refused
from ganforge.shipping.reading import fields_of_body
from ganforge.studio.bounds import Bounds
from ganforge.studio.line import Line
from ganforge.studio.pool import Pool
from ganforge.studio.scratch import Scratch

__all__ = ["Play"]

_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".npy", ".npz", ".zip")
_STEM = 50  # letters of an upload's name that are kept: each may be four bytes long
_SWEEP = 2.0  # seconds between two looks at who has gone
_AWAY = 5.0  # seconds without a browser, after which a game is paused
_READY = 60.0  # seconds for a worker to answer a call outside of any game


@dataclass
class _Session:
    """Attributes:
    line: the browser's socket, or None while it is away.
    heard: when it last said something; left: when it went; paused: whether its game was paused since.
    settings: those of the last standing, to begin anew with.
    """

    line: Line | None = None
    last_call: float = field(default_factory=time.monotonic)
    left: float | None = None
    paused: bool = False
    settings: Any = None


class Play:
    """All games of one server.

    Args:
        bounds: what is given at most.
        scratch: where uploads lie.
        workers: processes that play; by default one for each core.
    """

    def __init__(self, bounds: Bounds, scratch: Scratch, workers: int | None = None) -> None:
        self._bounds, self._scratch = bounds, scratch
        self._sessions: dict[str, _Session] = {}
        self._pending: dict[str, asyncio.Future[bytes]] = {}
        most = workers or max(1, min(os.cpu_count() or 1, 16))
        self.pool = Pool("ganforge.studio.worker", scratch, most, self._receive, self._lost)
        self._uploads: dict[str, Path] = {}

    @property
    def open(self) -> int:
        return len(self._sessions)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/play/catalogue", self._catalogue),
            Route("/api/play/data", self._data, methods=["POST"]),
            Route("/api/play/python", self._stateless("python"), methods=["POST"]),
            Route("/api/play/check", self._stateless("check"), methods=["POST"]),
            WebSocketRoute("/api/play", self._socket),
        ]

    def paths(self) -> dict[str, int]:
        """Those of HTTP, each with the most bytes of a body."""
        small = 1 << 20
        return {
            "/api/play/catalogue": 0,
            "/api/play/data": self._bounds.upload_bytes,
            "/api/play/python": small,
            "/api/play/check": small,
        }

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        await self.pool.warm()
        sweeping = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            for name in list(self._sessions):
                self._over(name, "the studio was stopped")
            await self.pool.close()

    # -- HTTP -----------------------------------------------------------------------------------------

    async def _catalogue(self, _: Request) -> Response:
        from ganforge.studio.catalogue import catalogue

        return JSONResponse(catalogue())

    def _stateless(self, do: str) -> Any:
        async def endpoint(request: Request) -> Response:
            fields = fields_of_body(request.scope["state"]["body"])
            length = {"rounds": fields.pop("rounds")} if do == "python" and "rounds" in fields else {}
            return await self._ask({"do": do, "settings": fields, **length})

        return endpoint

    async def _data(self, request: Request) -> Response:
        name = _named(request.query_params.get("name", ""))
        body: bytes = request.scope["state"]["body"]
        if not body:
            raise Refused(422, "the file is empty")
        token = secrets.token_urlsafe(8)
        self._uploads[token] = self._scratch.folder / f"upload-{token}" / name
        data = {"kind": "uploaded", "id": token, "name": name}
        try:
            self._uploads[token].parent.mkdir()
            await asyncio.to_thread(self._uploads[token].write_bytes, body)
            while len(self._uploads) > self._bounds.uploads:
                self._forget(next(iter(self._uploads)))
            answer = await self._call_outside({"do": "check", "settings": {"data": data, "changes": {}}})
        except BaseException:
            self._forget(token)
            raise
        return JSONResponse({"data": data, **{k: answer[k] for k in ("space", "kind", "dims", "n", "notes")}})

    def _forget(self, token: str) -> None:
        """Remove an upload with all that was decoded of it."""
        path = self._uploads.pop(token, None)
        if path is not None:
            shutil.rmtree(path.parent, ignore_errors=True)

    async def _ask(self, call: dict[str, Any]) -> Response:
        return JSONResponse(await self._call_outside(call))

    async def _call_outside(self, call: dict[str, Any]) -> dict[str, Any]:
        """A call outside of any game. Raises Refused (422) with the worker's words."""
        name = f"@{secrets.token_hex(8)}"
        worker = await self.pool.place(name)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[name] = future
        worker.send({"session": name, "call": {"id": 0, **call}, "upload": self._upload(call)})
        try:
            async with asyncio.timeout(_READY):
                answer = json.loads(await future)
        except TimeoutError:
            raise Refused(503, "the studio is too busy; try again", {"Retry-After": "5"}) from None
        finally:
            self._pending.pop(name, None)
            self.pool.leave(name)
        if not answer.pop("ok"):
            raise Refused(422, answer["error"])
        answer.pop("id")
        return answer

    def _upload(self, call: dict[str, Any]) -> str | None:
        """The path of the file that settings name; None where they name none, or it has gone."""
        settings = call.get("settings")
        data = cast(dict[str, Any], settings).get("data") if isinstance(settings, dict) else None
        if not isinstance(data, dict) or cast(dict[str, Any], data).get("kind") != "uploaded":
            return None
        path = self._uploads.get(str(cast(dict[str, Any], data).get("id")))
        return None if path is None else str(path)

    # -- games ----------------------------------------------------------------------------------------

    async def _socket(self, socket: WebSocket) -> None:
        line = Line(socket)
        mine: list[str] = []

        async def respond(call: dict[str, Any]) -> dict[str, Any] | None:
            if not mine:
                mine.append(self._enter(call, line))
            name = mine[0]
            session = self._sessions.get(name)
            if session is None:
                raise UsageError("this game has ended; open it anew, on a new connection")
            session.last_call = time.monotonic()
            if call["do"] == "close":
                del self._sessions[name]
                self.pool.leave(name)
                return {}
            worker = await self.pool.place(name)
            worker.send({"session": name, "call": call, "upload": self._upload(call)})
            return None

        try:
            await line.serve(respond)
        finally:
            for name in mine:
                session = self._sessions.get(name)
                if session is not None and session.line is line:
                    session.line, session.left = None, time.monotonic()
                    if session.settings is None:  # it was never opened: nobody comes back to it
                        self._over(name, "the browser went away")

    def _enter(self, call: dict[str, Any], line: Line) -> str:
        """The session that a socket's first call is about. Raises UsageError."""
        if call["do"] == "resume":
            name = str(call.get("session"))
            session = self._sessions.get(name)
            if session is None:
                raise UsageError("this game has ended; open it anew")
            if session.line is not None:
                why = "this game goes on in another window; open it again to begin it anew here"
                session.line.say({"type": "ended", "error": why, "reopen": session.settings})
                session.line.end()
            session.line, session.left, session.paused = line, None, False
            return name
        if call["do"] != "open":
            raise UsageError("the first call on a connection is open or resume")
        if len(self._sessions) >= self._bounds.play_sessions:
            self._make_room()
        if len(self._sessions) >= self._bounds.play_sessions:
            raise UsageError(
                f"{self._bounds.play_sessions} games are being played here, and that is the most; wait"
            )
        name = secrets.token_urlsafe(12)
        self._sessions[name] = _Session(line)
        return name

    def _make_room(self) -> None:
        """Whoever has come needs the place more than the game that was left longest."""
        left = [(session.left, name) for name, session in self._sessions.items() if session.left is not None]
        if left:
            self._over(min(left)[1], "the browser went away")

    def _receive(self, header: dict[str, Any], body: bytes) -> None:
        """A worker's message, on its way to whom it concerns."""
        name = header["session"]
        future = self._pending.get(name)
        if future is not None and not future.done():
            future.set_result(body)
            return
        session = self._sessions.get(name)
        if session is None:
            return
        session.settings = header.get("settings") or session.settings
        if session.line is not None:
            session.line.say(body, raw=not header["binary"])
        if header.get("ended"):
            del self._sessions[name]
            self.pool.leave(name)
            if session.line is not None:
                session.line.end()

    def _lost(self, names: set[str], why: str) -> None:
        """A worker has died, and its games with it."""
        for name in names:
            future = self._pending.get(name)
            if future is not None and not future.done():
                future.set_result(json.dumps({"id": 0, "ok": False, "error": f"{why}; try again"}).encode())
            self._over(name, f"{why}; open the game again to go on from its start")

    def _over(self, name: str, why: str) -> None:
        session = self._sessions.pop(name, None)
        if session is not None and session.line is not None:
            session.line.say({"type": "ended", "error": why, "reopen": session.settings})
            session.line.end()
        self.pool.leave(name)

    async def _sweep(self) -> None:
        """End games whose browsers have gone, or have said nothing for long."""
        bounds = self._bounds
        while True:
            await asyncio.sleep(_SWEEP)
            now = time.monotonic()
            for name, session in list(self._sessions.items()):
                if session.left is not None and now - session.left > bounds.grace_seconds:
                    self._over(name, "the browser went away")
                elif session.left is not None and now - session.left > _AWAY and not session.paused:
                    session.paused = True
                    worker = await self.pool.place(name)
                    worker.send({"session": name, "call": {"id": 0, "do": "pause"}, "upload": None})
                elif now - session.last_call > bounds.idle_seconds:
                    minutes = bounds.idle_seconds / 60
                    self._over(name, f"nothing was done here for {minutes:g} minutes; open the game again")


def _named(given: str) -> str:
    """A file's name as a browser gives it, made fit for any disk. Raises Refused for no known kind."""
    name = "".join(letter for letter in re.split(r"[/\\]", given)[-1] if letter.isprintable())
    suffix = next(filter(name.lower().endswith, _SUFFIXES), None)
    if suffix is None:
        raise Refused(422, f"the file {name[:60]!r} is of no known kind; give {', '.join(_SUFFIXES)}")
    return (name[: -len(suffix)][:_STEM] or "data") + name[-len(suffix) :]
