"""The application: who may ask, the browser's files, and what Play, Watch and Explore answer."""

from __future__ import annotations

import asyncio
import contextlib
import mimetypes
import os
import signal
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

import ganforge
from ganforge.shipping.counting import Counts
from ganforge.shipping.guard import Access, Guard
from ganforge.shipping.limits import Limits, Refused
from ganforge.shipping.reading import fields_of_body
from ganforge.studio.bounds import Bounds
from ganforge.studio.explore import EXPLORER, Explore
from ganforge.studio.jobs import Jobs
from ganforge.studio.play import Play
from ganforge.studio.rundir import Roots
from ganforge.studio.scratch import Scratch
from ganforge.studio.watch import Watch

__all__ = ["PROTOCOL", "STATIC", "Studio", "cookie_name", "is_open"]

PROTOCOL = 1
STATIC = Path(__file__).with_name("static")
_OPEN = ("/api/enter", "/api/about")
# Nothing from elsewhere, and nothing of ours inside other sites' pages. The charts set styles of elements.
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_LEFT = float(os.environ.get("GANFORGE_STUDIO_LEFT", "300"))  # seconds without anybody
_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_MISSING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>gan studio: the page is not built</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 3em auto }}</style>
<h1>The studio's page is not built</h1>
<p>The server runs, but this installation of ganforge {version} came without the browser's side. From a
checkout, with a network, build it once:</p>
<pre>python hatch_build.py</pre>
<p>and load this page again. A wheel from the package index has it inside.</p>
</html>
"""


def cookie_name(port: int) -> str:
    """Browsers share cookies between the ports of a host: each studio has its own."""
    return f"ganforge-studio-{port}"


def is_open(path: str) -> bool:
    """Whether ``path`` needs no token: the page itself, and what leads to the token."""
    return not path.startswith("/api/") or path in _OPEN


class Studio:
    """Everything behind one address.

    Args:
        roots: folders in which runs and models are looked for.
        access: who may ask.
        bounds: how much.
        watch: the run that is to be seen first, or None.
        workers: processes that play; by default one for each core.
        until_left: whether it ends by itself once nobody looks and nothing is trained.
        static: where the browser's side lies.

    Attributes:
        app, limits: for ``shipping.server.serve``.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        *,
        access: Access | None = None,
        bounds: Bounds | None = None,
        watch: str | None = None,
        workers: int | None = None,
        until_left: bool = False,
        static: Path = STATIC,
    ) -> None:
        self.bounds = bounds or Bounds()
        self.limits = Limits(connections=2 * self.bounds.sockets, body_seconds=60.0, stop_seconds=5.0)
        self._access = access or Access(is_open=is_open, verb="studio")
        self._roots = [Path(root) for root in roots]
        self._watched = watch
        self._until_left = until_left
        self._static = static.resolve()
        self._scratch = Scratch()
        self.play = Play(self.bounds, self._scratch, workers)
        found = Roots(self._roots)
        self._jobs = Jobs(EXPLORER, self._scratch)
        self.watch = Watch(found, self._jobs)
        self.explore = Explore(found, self._jobs, self.bounds, self._scratch)
        self.counts = Counts()
        parts = [self.play, self.watch, self.explore]
        paths = {"/": 0, "/api/about": 0, "/api/enter": 4096}
        for part in parts:
            paths |= part.paths()
        routes: list[BaseRoute] = [
            Route("/api/about", self._about),
            Route("/api/enter", self._enter, methods=["POST"]),
            *(route for part in parts for route in part.routes()),
            Route("/{path:path}", self._file, middleware=[Middleware(GZipMiddleware, minimum_size=1024)]),
        ]
        self.app: ASGIApp = Guard(
            Starlette(
                routes=routes,
                lifespan=self._lifespan,
                exception_handlers={Refused: _refuse, HTTPException: _refuse, Exception: _fault},
            ),
            access=self._access,
            limits=self.limits,
            counts=self.counts,
            paths=paths,
            sockets=("/api/play", "/api/watch", "/api/explore"),
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        leaving = asyncio.create_task(self._leave()) if self._until_left else None
        async with self.play.running():
            try:
                yield
            finally:
                if leaving is not None:
                    leaving.cancel()
                await self._jobs.close()
                await self.explore.close()
                self._scratch.close()

    async def _leave(self) -> None:
        """Tell this process to stop, once nobody has asked anything for long and no run goes on."""
        seen, since = self.counts.requests.total(), time.monotonic()
        while time.monotonic() - since < _LEFT:
            await asyncio.sleep(_LEFT / 20)
            now = self.counts.requests.total()
            if now != seen or self.play.open or self.watch.watched or self.watch.training:
                seen, since = now, time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)

    async def _about(self, request: Request) -> Response:
        needed = self._access.token is not None
        entered = self._access.knows({name.lower(): value for name, value in request.headers.items()})
        about = {
            "ganforge": ganforge.__version__,
            "protocol": PROTOCOL,
            "token_needed": needed,
            "entered": entered,
        }
        if entered:
            roots = [str(root) for root in self._roots]
            about |= {"roots": roots, "watch": self._watched, "limits": self.bounds.to_json()}
        return JSONResponse(about, headers={"Cache-Control": "no-store"})

    async def _enter(self, request: Request) -> Response:
        token = fields_of_body(request.scope["state"]["body"]).get("token")
        return self._access.enter(token.strip() if isinstance(token, str) else "")

    async def _file(self, request: Request) -> Response:
        path = request.path_params["path"]
        if path.startswith("api/") or request.method not in ("GET", "HEAD"):
            raise Refused(404, f"there is nothing at /{path[:100]}")
        led = None if path else self._access.enter_by_address(request.scope)
        if led is not None:
            return led
        found = self._static / path
        try:
            found = found.resolve()
            if not path or not found.is_file() or not found.is_relative_to(self._static):
                return self._page()
        except (OSError, ValueError):  # a name that no file can have
            return self._page()
        # Files of /assets/ have their content's hash in their names.
        age = "max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        media = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        return FileResponse(found, media_type=media, headers={**_SAFE, "Cache-Control": age})

    def _page(self) -> Response:
        index = self._static / "index.html"
        headers = {
            **_SAFE,
            "Content-Security-Policy": _POLICY,
            "Cache-Control": "no-cache",
            "X-Frame-Options": "DENY",
        }
        if not index.is_file():
            return HTMLResponse(_MISSING.format(version=ganforge.__version__), 503, headers)
        return HTMLResponse(index.read_text(encoding="utf-8"), headers=headers)


async def _refuse(_: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        return JSONResponse({"error": error.words}, error.status, error.headers)
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _fault(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "a fault of the studio; its log says more"}, 500)
