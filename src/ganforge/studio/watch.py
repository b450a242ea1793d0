"""Watch, on the server's side: run folders are read now and then, and what is new goes to whoever follows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ganforge.core.errors import RunError, UsageError
from ganforge.shipping.limits import Refused
from ganforge.shipping.reading import fields_of_body, words_of
from ganforge.studio import arguments, process_control
from ganforge.studio.jobs import Jobs
from ganforge.studio.line import Line
from ganforge.studio.rundir import Roots, RunFolder, stamp, tail

__all__ = ["Watch"]

_POLL = 0.5  # seconds between two looks at what is followed
_LIST = 3.0  # and at the list of runs
_FOLLOWED = 16  # runs on one connection
_FULL = 32  # messages that wait for a browser, above which nothing new is read for it
_REPORT = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; media-src data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)


@dataclass
class _Followed:
    """How far somebody has read a run.

    Attributes:
        log, events: bytes read; stamps: what the files looked like then.
        samples: names sent; summary: the last one sent.
    """

    run: RunFolder
    log: int = 0
    events: int = 0
    stamps: tuple[Any, ...] = ()
    samples: set[str] = field(default_factory=set[str])
    summary: dict[str, Any] = field(default_factory=dict[str, Any])


class Watch:
    """All that is seen of runs.

    Args:
        roots: where runs lie.
        jobs: does what takes long.
    """

    def __init__(self, roots: Roots, jobs: Jobs) -> None:
        self._roots, self._jobs = roots, jobs
        self._open: set[Line] = set()  # who hears of exports

    @property
    def watched(self) -> bool:
        """Whether a browser is connected."""
        return bool(self._open)

    @property
    def training(self) -> bool:
        """Whether any run goes on."""
        return any(run.trainer() is not None for run in self._roots.runs())

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/watch/runs", self._json(lambda _: self._runs())),
            Route("/api/watch/run", self._json(lambda query: self._run(query).details())),
            Route("/api/watch/log", self._json(lambda query: self._lines(query, "log.jsonl"))),
            Route("/api/watch/events", self._json(lambda query: self._lines(query, "events.jsonl"))),
            Route("/api/watch/samples", self._json(lambda query: {"samples": self._run(query).samples()})),
            Route("/api/watch/sample", self._sample),
            Route("/api/watch/report", self._report),
            Route("/api/watch/command", self._command, methods=["POST"]),
            Route("/api/watch/export", self._export, methods=["POST"]),
            Route("/api/watch/delete", self._delete, methods=["POST"]),
            WebSocketRoute("/api/watch", self._socket),
        ]

    def paths(self) -> dict[str, int]:
        names = ("runs", "run", "log", "events", "samples", "sample", "report")
        return {
            **{f"/api/watch/{name}": 0 for name in names},
            "/api/watch/command": 4096,
            "/api/watch/export": 4096,
            "/api/watch/delete": 4096,
        }

    # -- HTTP -----------------------------------------------------------------------------------------

    def _json(self, read: Callable[[dict[str, str]], Any]) -> Any:
        """A route that reads files, in a thread."""

        async def endpoint(request: Request) -> Response:
            try:
                found = await asyncio.to_thread(read, dict(request.query_params))
            except RunError as error:
                raise Refused(404, words_of(error)) from None
            except UsageError as error:
                raise Refused(422, words_of(error)) from None
            return JSONResponse(found, headers={"Cache-Control": "no-store"})

        return endpoint

    def _runs(self, *, quick: bool = False) -> dict[str, Any]:
        return {"runs": [run.summary(quick=quick) for run in self._roots.runs()]}

    def _run(self, query: dict[str, str]) -> RunFolder:
        return self._named(query.get("run", ""))

    def _named(self, name: str) -> RunFolder:
        """Raises RunError."""
        path = self._roots.path(name)
        if not (path / "run.json").is_file():
            raise RunError(f"{name[:80]!r} is not a run folder (it has no run.json)")
        return RunFolder(name, path)

    def _lines(self, query: dict[str, str], file: str) -> dict[str, Any]:
        start = query.get("from", "0")
        if not (start.isdecimal() and start.isascii() and len(start) < 18):
            raise UsageError("from must be a whole number of bytes, 0 or more")
        return tail(self._run(query).path / file, int(start)).to_json()

    def _file(self, request: Request, *parts: str) -> Path:
        try:
            run = self._run(dict(request.query_params))
        except RunError as error:
            raise Refused(404, words_of(error)) from None
        path = run.path.joinpath(*parts)
        if not path.is_file() or not path.resolve().is_relative_to(run.path.resolve()):
            raise Refused(404, f"there is no {'/'.join(parts)} in {run.name}")
        return path

    async def _sample(self, request: Request) -> Response:
        name = request.query_params.get("file", "")
        if not (name.endswith(".png") and name[:-4].isdecimal() and len(name) <= 40):
            raise Refused(404, "there is no such picture")
        headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
        return FileResponse(self._file(request, "samples", name), media_type="image/png", headers=headers)

    async def _report(self, request: Request) -> Response:
        # A report is a page of the run's: it may run no more than its own lines, and asks nobody anything.
        headers = {
            "Content-Security-Policy": _REPORT,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache",
        }
        return FileResponse(self._file(request, "report.html"), media_type="text/html", headers=headers)

    async def _command(self, request: Request) -> Response:
        return JSONResponse(await self._respond(fields_of_body(request.scope["state"]["body"])))

    async def _respond(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused."""
        try:
            arguments.only(fields, ("run", "command"))
            what = arguments.word(fields, "command", process_control.COMMANDS)
            run = self._named(str(fields.get("run")))
            words = await asyncio.to_thread(process_control.command, run.path, what)
            await asyncio.sleep(0.05)  # until the system shows it
            return {"summary": await asyncio.to_thread(run.summary), "words": words}
        except RunError as error:
            raise Refused(404, words_of(error)) from None
        except UsageError as error:
            raise Refused(409, words_of(error)) from None

    async def _export(self, request: Request) -> Response:
        fields = fields_of_body(request.scope["state"]["body"])
        try:
            return JSONResponse(await self._begin_export(fields, self._send_all))
        except RunError as error:
            raise Refused(404, words_of(error)) from None
        except UsageError as error:
            raise Refused(422, words_of(error)) from None

    async def _begin_export(self, fields: dict[str, Any], tell: Callable[[Any], None]) -> dict[str, Any]:
        arguments.only(fields, ("run", "form"))
        form = arguments.word(fields, "form", ("folder", "onnx"), "folder")
        run = self._named(str(fields.get("run")))
        message = {"path": str(run.path), "call": {"do": "task", "kind": "export", "form": form}}
        return {"task": await self._jobs.begin("export", message, tell)}

    async def _delete(self, request: Request) -> Response:
        fields = fields_of_body(request.scope["state"]["body"])
        try:
            arguments.only(fields, ("run", "path"))
            run = self._named(str(fields.get("run")))
            if fields.get("path") != str(run.path):  # whoever deletes it has read which folder it is
                raise UsageError("path must be that of the run's folder, as it is listed")
            return JSONResponse({"words": await asyncio.to_thread(run.delete)})
        except RunError as error:
            raise Refused(404, words_of(error)) from None
        except UsageError as error:
            raise Refused(409, words_of(error)) from None

    # -- the socket -------------------------------------------------------------------------------------

    def _send_all(self, message: dict[str, Any] | bytes) -> None:
        for line in list(self._open):
            line.say(message)

    async def _socket(self, socket: WebSocket) -> None:
        line = Line(socket)
        followed: dict[str, _Followed] = {}
        listing: list[bool] = []

        async def respond(call: dict[str, Any]) -> dict[str, Any]:
            fields = {name: value for name, value in call.items() if name not in ("id", "do")}
            match call["do"]:
                case "follow":
                    return await self._follow(fields, followed)
                case "unfollow":
                    arguments.only(fields, ("run",))
                    followed.pop(str(fields.get("run")), None)
                    return {}
                case "runs":
                    listing.append(True)
                    return await asyncio.to_thread(self._runs, quick=True)  # findings follow
                case "command":
                    try:
                        return await self._respond(fields)
                    except Refused as refused:
                        raise UsageError(refused.words) from None
                case "export":
                    return await self._begin_export(fields, self._send_all)
                case "cancel":
                    await self._jobs.cancel(str(fields.get("task")))
                    return {}
                case other:
                    raise UsageError(
                        f"there is no call {other[:40]!r}; there is follow, unfollow, runs, command, export"
                    )

        self._open.add(line)
        polling = asyncio.create_task(self._poll(line, followed, listing))
        try:
            await line.serve(respond)
        finally:
            self._open.discard(line)
            polling.cancel()

    async def _follow(self, fields: dict[str, Any], followed: dict[str, _Followed]) -> dict[str, Any]:
        arguments.only(fields, ("run", "log_from", "events_from"))
        name = str(fields.get("run"))
        if len(followed) >= _FOLLOWED and name not in followed:
            raise UsageError(f"{_FOLLOWED} runs can be followed at once; leave one first")
        run = self._named(name)
        log = arguments.whole(fields, "log_from", 0, 0, 1 << 60)
        events = arguments.whole(fields, "events_from", 0, 0, 1 << 60)
        summary = await asyncio.to_thread(run.summary)
        followed[name] = _Followed(run, log, events, summary=summary)
        return {"summary": summary}

    async def _poll(self, line: Line, followed: dict[str, _Followed], listing: list[bool]) -> None:
        former: Any = None
        rounds = 0
        while not line.closed:
            await asyncio.sleep(_POLL if rounds else 0.02)
            rounds += 1
            if line.waiting > _FULL:  # a slow browser: what is new will still be in the files later
                continue
            for one in list(followed.values()):
                with contextlib.suppress(OSError):
                    for message in await asyncio.to_thread(_news, one):
                        line.say(message)
            if listing and rounds % round(_LIST / _POLL) == 0:
                runs = await asyncio.to_thread(self._runs)
                if runs != former:
                    former = runs
                    line.say({"type": "runs", **runs})


def _news(one: _Followed) -> list[dict[str, Any]]:
    """What a run has to tell since the last look; nothing is read where no file has changed."""
    path = one.run.path
    trainer = one.run.trainer()
    files = tuple(
        stamp(path / name) for name in ("log.jsonl", "events.jsonl", "samples", "report.html", "run.json")
    )
    stamps = (*files, trainer)
    if stamps == one.stamps:
        return []
    news: list[dict[str, Any]] = []
    name = one.run.name
    more = False
    for kind, file in (("log", "log.jsonl"), ("events", "events.jsonl")):
        place = one.log if kind == "log" else one.events
        lines = tail(path / file, place)
        if lines.lines or lines.anew:
            news.append({"type": kind, "run": name, **lines.to_json()})
        more = more or (lines.next != place and bool(lines.lines))
        if kind == "log":
            one.log = lines.next
        else:
            one.events = lines.next
    listed = one.run.samples()
    names = {sample["file"] for sample in listed}
    anew = not one.samples <= names
    fresh = listed if anew else [sample for sample in listed if sample["file"] not in one.samples]
    if fresh:
        news.append({"type": "samples", "run": name, "samples": fresh, "anew": anew})
        one.samples = names
    summary = one.run.summary()
    if summary != one.summary:
        one.summary = summary
        news.append({"type": "summary", **summary})
    one.stamps = () if more else stamps
    return news
