"""A process that plays: several games by turns, in short slices of time, for a server at its pipes."""

from __future__ import annotations

import contextlib
import math
import os
import select
import tempfile
import traceback
from pathlib import Path
from typing import Any

from ganforge.core.errors import GanforgeError
from ganforge.shipping.reading import words_of
from ganforge.studio.wire import Inbox, post, text

__all__ = ["main"]

_SLICE = 0.025  # seconds of a turn …
_MANY, _SHORT = 4, 0.012  # … and where more than so many games are played


class Worker:
    """Games by their sessions' names, and calls that belong to none.

    Args:
        out: handle of the pipe to the server.
    """

    def __init__(self, out: int, folder: Path) -> None:
        from ganforge.studio.bounds import Bounds
        from ganforge.studio.session import PlaySession

        self.sessions: dict[str, PlaySession] = {}
        self._make = PlaySession
        self._out, self._folder, self._bounds = out, folder, Bounds()
        self._turn = 0

    def take(self, message: dict[str, Any]) -> None:
        """One message of the server's."""
        name = str(message["session"])
        if message.get("gone"):
            self.sessions.pop(name, None)
            return
        call: dict[str, Any] = message["call"]
        upload = message.get("upload")
        try:
            if call.get("do") in ("check", "python") and name.startswith("@"):
                reply = self._stateless(call, upload)
            else:
                session = self._session(name, call)
                reply = session.call(call, upload)
                self.sessions[name] = session  # one that could not be opened is forgotten
        except Exception as error:  # also a fault of ours: it must not end other people's games
            if not isinstance(error, GanforgeError):
                traceback.print_exc()
            known = {str(upload): Path(upload).name} if upload else {}
            reply = {"ok": False, "error": words_of(error, known)}
        if reply is not None:
            message = {"id": call.get("id"), "ok": True, **reply}
            # The server keeps the settings: they can begin anew where this process could not go on.
            post(
                self._out,
                {"session": name, "binary": False, "settings": reply.get("settings")},
                text(message),
            )

    def _session(self, name: str, call: dict[str, Any]) -> Any:
        session = self.sessions.get(name)
        if session is not None:
            return session
        if call.get("do") != "open":
            raise GanforgeError("this game has ended; open it anew")

        def emit(message: dict[str, Any] | bytes) -> None:
            if isinstance(message, bytes):
                post(self._out, {"session": name, "binary": True}, message)
            else:
                self._send(name, message)

        return self._make(name, emit, self._bounds, self._folder)

    def _stateless(self, call: dict[str, Any], upload: str | None) -> dict[str, Any]:
        from ganforge.studio import arguments
        from ganforge.studio.settings import Settings, as_python

        settings = Settings.of(arguments.mapping(call, "settings"), self._bounds)
        made, settings = settings.experiment(self._bounds, self._folder, upload)
        if call["do"] == "python":
            rounds = arguments.whole(call, "rounds", 0, 0, 10_000_000)
            return as_python(settings, made.recipe, rounds)
        space, scan = made.dataset.space, made.dataset.scan
        return {
            "settings": settings.to_json(),
            "recipe": made.recipe.to_json(),
            "space": space.describe(),
            "kind": space.kind,
            "dims": space.size,
            "n": made.dataset.train.n + made.dataset.held_out.n,
            "notes": [*scan.notes, *scan.warnings],
        }

    def _send(self, name: str, message: dict[str, Any]) -> None:
        post(self._out, {"session": name, "binary": False}, text(message))

    def waits(self) -> float:
        """Seconds until some game has something to do."""
        return min((session.waits() for session in self.sessions.values()), default=math.inf)

    def play(self) -> None:
        """A turn for the next game that has something to do."""
        names = list(self.sessions)
        for step in range(len(names)):
            name = names[(self._turn + step) % len(names)]
            session = self.sessions[name]
            if session.waits() > 0.0:
                continue
            self._turn = (self._turn + step + 1) % len(names)
            session.company = sum(one.playing for one in self.sessions.values())
            try:
                session.slice(_SLICE if session.company <= _MANY else _SHORT)
            except Exception as error:
                traceback.print_exc()
                del self.sessions[name]
                line = f"the game stopped: {words_of(error)}"
                settings = session.settings.to_json()
                post(
                    self._out, {"session": name, "binary": False, "ended": True}, text(_ended(line, settings))
                )
            return


def _ended(why: str, settings: dict[str, Any] | None) -> dict[str, Any]:
    return {"type": "ended", "error": why, "reopen": settings}


def main() -> None:
    """Read messages from standard input, and write answers to what was standard output.

    Whatever else is printed goes to standard error, so that it cannot mix with messages.
    """
    out = os.dup(1)
    os.dup2(2, 1)
    os.set_blocking(0, False)
    with contextlib.suppress(OSError):
        os.nice(2)  # the server answers first
    with tempfile.TemporaryDirectory(prefix="ganforge-play-") as folder:
        _serve(out, Path(folder))


def _serve(out: int, folder: Path) -> None:
    worker, inbox = Worker(out, folder), Inbox()
    post(out, {"session": "", "ready": True})
    while True:
        wait = worker.waits()
        ready, _, _ = select.select([0], [], [], None if wait == math.inf else min(wait, 1.0))
        if ready:
            some = os.read(0, 1 << 20)
            if not some:
                return  # the server has gone
            for message, _body in inbox.add(some):
                worker.take(message)
        with contextlib.suppress(BrokenPipeError):
            worker.play()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
