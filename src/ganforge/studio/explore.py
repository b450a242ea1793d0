"""Explore, on the server's side: one process answers at once, another does what takes longer."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ganforge.core.errors import UsageError
from ganforge.shipping.limits import Refused
from ganforge.shipping.reading import words_of
from ganforge.studio.bounds import Bounds
from ganforge.studio.jobs import Jobs
from ganforge.studio.line import Line
from ganforge.studio.pool import Worker
from ganforge.studio.rundir import Roots
from ganforge.studio.scratch import Scratch
from ganforge.studio.shelf import Shelf, measured

__all__ = ["EXPLORER", "Explore"]

EXPLORER = "ganforge.studio.explorer"
_SLOW = ("feedback", "examples", "table", "file")  # calls that may wait for one another
_TASKS = ("directions", "drag", "invert", "translate")


class _Place:
    """One of the two processes, started when it is first needed and again when it has died."""

    def __init__(self, scratch: Scratch, hear: Any, lost: Any) -> None:
        self._scratch, self._hear, self._lost = scratch, hear, lost
        self._worker: Worker | None = None
        self._starting = asyncio.Lock()

    async def warm(self) -> Worker:
        """The process, started where there is none."""
        async with self._starting:
            if self._worker is None:
                self._worker = Worker(EXPLORER, self._scratch, self._hear, self._died)
                await self._worker.start()
            return self._worker

    async def send(self, message: dict[str, Any]) -> None:
        (await self.warm()).send(message)

    def _died(self, worker: Worker, why: str) -> None:
        if worker is self._worker:
            self._worker = None
            self._lost(why)

    async def close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()


class Explore:
    """All that is made and asked of trained generators.

    Args:
        roots: where they lie.
        jobs: does what takes long.
        bounds: what is taken at most.
        scratch: where pictures lie for a while.
    """

    def __init__(self, roots: Roots, jobs: Jobs, bounds: Bounds, scratch: Scratch) -> None:
        self._roots, self._jobs, self._bounds = roots, jobs, bounds
        self._shelf = Shelf(bounds.shelf, bounds.shelf_bytes, scratch)
        self._lines: dict[str, Line] = {}
        self._open_calls: dict[str, set[Any]] = {}
        self._quick = _Place(scratch, self._receive, self._lost)
        self._slow = _Place(scratch, self._receive, self._lost)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/explore/models", self._models),
            Route("/api/explore/picture", self._picture, methods=["POST", "GET"]),
            WebSocketRoute("/api/explore", self._socket),
        ]

    def paths(self) -> dict[str, int]:
        return {"/api/explore/models": 0, "/api/explore/picture": self._bounds.upload_bytes}

    async def close(self) -> None:
        await self._quick.close()
        await self._slow.close()

    async def _models(self, _: Request) -> Response:
        await self._quick.warm()  # whoever looks at the list will open one of them
        found = await asyncio.to_thread(self._roots.models)
        words = {"run": "a run", "folder": "a model folder", "onnx": "an ONNX file"}
        listed = [
            {
                "model": name,
                "name": path.resolve().name,
                "kind": kind,
                "words": words[kind],
                "path": str(path),
            }
            for name, kind, path in found
        ]
        return JSONResponse({"models": listed}, headers={"Cache-Control": "no-store"})

    async def _picture(self, request: Request) -> Response:
        """Takes a picture that is to be translated; gives one that was made, or what it was made from."""
        try:
            if request.method == "POST":
                content: bytes = request.scope["state"]["body"]
                width, height = await asyncio.to_thread(measured, content)
                return JSONResponse({"picture": self._shelf.take(content), "width": width, "height": height})
            path = self._shelf.result(request.query_params.get("id", ""))
        except UsageError as error:
            raise Refused(422 if request.method == "POST" else 404, words_of(error)) from None
        headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type="image/png", headers=headers)

    def _receive(self, header: dict[str, Any], body: bytes) -> None:
        line = self._lines.get(header["session"])
        if line is None:
            return
        if header["binary"]:
            line.say(body)
            return
        answer = json.loads(body)
        self._open_calls[header["session"]].discard(answer.get("id"))
        line.say(body, raw=True)

    def _lost(self, why: str) -> None:
        for name, line in self._lines.items():
            calls, self._open_calls[name] = self._open_calls[name], set()
            for number in calls:
                line.say({"id": number, "ok": False, "error": f"{why}; ask again"})

    async def _socket(self, socket: WebSocket) -> None:
        line = Line(socket)
        name = secrets.token_hex(8)
        self._lines[name], self._open_calls[name] = line, set()
        chosen: dict[str, Any] = {}
        tasks: set[str] = set()

        async def respond(call: dict[str, Any]) -> dict[str, Any] | None:
            do = call["do"]
            if do == "cancel":
                await self._jobs.cancel(str(call.get("task")))
                return {}
            if do == "open":
                model = str(call.get("model"))
                chosen.update(model=model, path=self._path(model), moment=call.get("moment", "chosen"))
            if not chosen:
                raise UsageError("the first call on a connection is open")
            message = {
                "session": name,
                "path": str(chosen["path"]),
                "call": {**call, "moment": chosen["moment"]},
            }
            if do == "task":
                kind = str(call.get("kind"))
                if kind not in _TASKS:
                    raise UsageError(f"there is no task {kind[:40]!r}; there is {' and '.join(_TASKS)}")
                tell = line.say
                if kind == "translate":
                    message |= (files := self._files(call))
                    tell = self._shelving(line.say, files["to"])
                task = await self._jobs.begin(kind, message, tell)
                tasks.add(task)
                return {"task": task}
            self._open_calls[name].add(call.get("id"))
            await (self._slow if do in _SLOW else self._quick).send(message)
            return None

        try:
            await line.serve(respond)
        finally:
            del self._lines[name], self._open_calls[name]
            await self._jobs.forget(tasks)

    def _files(self, call: dict[str, Any]) -> dict[str, Any]:
        """The picture that a translation begins with, and where input, result and truth go. UsageError."""
        if "example" in call:
            return {"to": [str(self._shelf.place()) for _ in range(3)]}
        given = self._shelf.given(str(call.get("picture")))
        return {"file": str(given), "to": [str(self._shelf.place()) for _ in range(2)]}

    def _shelving(self, say: Any, made: list[str]) -> Any:
        """News of a translation on their way; where it came to nothing its places are free again."""

        def forward(message: dict[str, Any] | bytes) -> None:
            if isinstance(message, dict) and message.get("state") in ("failed", "cancelled"):
                for file in made:
                    self._shelf.forget(Path(file).name)
            say(message)

        return forward

    def _path(self, model: str) -> Path:
        return self._roots.path(model)
