"""Who may ask, and how much.

A page that a person happens to visit can make their browser send requests to 127.0.0.1. Two checks stand
against it. The ``Host`` header must name this machine: a stranger's name that was made to resolve here
(DNS rebinding) is refused. And a request that a browser marks with a foreign ``Origin`` is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ganforge.shipping.counting import Counts
from ganforge.shipping.limits import Limits, Refused

__all__ = ["Access", "Guard", "is_loopback", "send_error"]

_OPEN = ("/", "/health", "/openapi.json")  # they tell nothing that is secret
_NOT_IT = "that is not the token; gan {} prints it where it was started"
_SAFE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
_SILENCE = 2.0  # seconds without a byte, after which a refused body is no longer waited for


@dataclass(frozen=True)
class Access:
    """Attributes:
    loopback: whether the service listens on this machine alone.
    names: further names that a Host header may have.
    token: what requests must carry, or None.
    cookie: name of a cookie that may carry the token in place of a header, as browsers need it; or None.
    is_open: whether a path needs no token, because it tells nothing that is secret.
    verb: the command that --allow-host belongs to.
    """

    loopback: bool = True
    names: tuple[str, ...] = ()
    token: str | None = None
    cookie: str | None = None
    is_open: Callable[[str], bool] = _OPEN.__contains__
    verb: str = "serve"

    def check(self, headers: dict[str, str], path: str) -> None:
        """Raises Refused: 403 for a foreign Host or Origin, 401 for a missing or wrong token."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise Refused(
                403,
                f"the Host {host[:100]!r} is not this service; gan {self.verb} --allow-host names others",
            )
        origin = headers.get("origin")
        if origin is not None and _named(origin) != host.lower():
            raise Refused(403, f"the Origin {origin[:100]!r} is foreign; pages of other sites may not ask")
        if not self.is_open(path) and not self.knows(headers):
            words = "a token is needed: send the header Authorization: Bearer TOKEN"
            raise Refused(401, words, {"WWW-Authenticate": "Bearer"})

    def knows(self, headers: dict[str, str]) -> bool:
        """Whether a request carries the token, or none is needed."""
        if self.token is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.opens(given.strip()):
            return True
        return self.cookie is not None and self.opens(_cookie(headers.get("cookie", ""), self.cookie))

    def opens(self, given: str) -> bool:
        """Whether ``given`` is the token; how long that takes does not tell how much of it is right."""
        return self.token is None or hmac.compare_digest(given.encode(errors="replace"), self.token.encode())

    def enter(self, given: str) -> Response:
        """The answer to whoever brings the token: a cookie that keeps it. Raises Refused (401)."""
        if not self.opens(given):
            raise Refused(401, _NOT_IT.format(self.verb))
        response = Response(status_code=204, headers=_SAFE)
        if self.cookie is not None:
            response.set_cookie(self.cookie, given, path="/", samesite="strict", httponly=True)
        return response

    def enter_by_address(self, scope: Scope) -> Response | None:
        """The same for ``/?token=…``, the address that is printed; None for an address without a token.

        It leads on to ``/``, so that the token does not stay in the address and in the browser's history.
        """
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        if given is None:
            return None
        entered = self.enter(given[0])
        led = RedirectResponse("/", 303, headers=_SAFE)
        led.raw_headers += [pair for pair in entered.raw_headers if pair[0] == b"set-cookie"]
        return led

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name == "localhost" or name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # An address cannot be made to resolve elsewhere; beyond loopback any of this machine's will do.
        return address.is_loopback or not self.loopback


def _named(origin: str) -> str:
    """Host and port of an Origin; empty for what is no address."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a service bound to ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Access, the limit on bodies, the count of what is answered, and errors as JSON.

    Args:
        app: what is behind it.
        paths: those that exist, each with the most bytes of a body; others are counted as ``other``.
        sockets: paths of web sockets.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        limits: Limits,
        counts: Counts,
        paths: dict[str, int],
        sockets: Collection[str] = (),
    ) -> None:
        self._app = app
        self._access = access
        self._limits = limits
        self._counts = counts
        self._paths = paths
        self._sockets = frozenset(sockets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        began, status = time.monotonic(), 0
        path = scope["path"] if scope["path"] in self._paths else "other"

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers: dict[str, str] = {}
        more = True  # of the body is on its way

        async def receive_counted() -> Message:
            nonlocal more
            message = await receive()
            more = message["type"] == "http.request" and message.get("more_body", False)
            return message

        try:
            headers = _headers(scope)
            self._access.check(headers, scope["path"])
            body = await self._body(headers, receive_counted, self._paths.get(path, 0))
            scope.setdefault("state", {})["body"] = body
            await self._app(scope, receive, sent)
        except Refused as refused:
            waits = headers.get("expect", "").lower() == "100-continue"  # it has not begun to send
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.body_seconds):
                    # A browser sends all of a body before it reads the answer. A connection that is closed
                    # before that is a failure without words to it. Who sends nothing waits for the answer.
                    while more and not waits and refused.status != 408:
                        await asyncio.wait_for(receive_counted(), _SILENCE)
            await send_error(sent, refused)
        finally:
            self._counts.count_response(path, status, time.monotonic() - began)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A web socket passes the same checks; refused ones never open."""
        try:
            self._access.check(_headers(scope), scope["path"])
            if scope["path"] not in self._sockets:
                raise Refused(404, "there is no web socket here")
        except Refused as refused:
            self._counts.count_response("socket", refused.status, 0.0)
            if "websocket.http.response" in scope.get("extensions", {}):
                await send_error(send, refused, "websocket.http.response")
            else:
                await send({"type": "websocket.close", "code": 1008, "reason": refused.words[:100]})
            return
        self._counts.count_response("socket", 101, 0.0)
        await self._app(scope, receive, send)

    async def _body(self, headers: dict[str, str], receive: Receive, most: int) -> bytes:
        """The whole body. Raises Refused: 413 once it is seen to be too large, 408 where it does not come."""
        too_large = Refused(413, f"the body may have {most:,} bytes here", {"Connection": "close"})
        length = headers.get("content-length", "0")
        if not length.isdecimal() or not length.isascii() or len(length) > 12 or int(length) > most:
            raise too_large
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while True:
                    message: dict[str, Any] = dict(await receive())
                    if message["type"] == "http.disconnect":
                        raise Refused(400, "the connection was closed")
                    part: bytes = message.get("body", b"")
                    size += len(part)
                    if size > most:
                        raise too_large
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            words = f"the body did not come within {self._limits.body_seconds:g} seconds"
            raise Refused(408, words, {"Connection": "close"}) from None


async def send_error(send: Send, refused: Refused, kind: str = "http.response") -> None:
    """``{"error": words}`` with the status and headers."""
    body = json.dumps({"error": refused.words}).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Content-Type-Options": "nosniff",
        **refused.headers,
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": f"{kind}.start", "status": refused.status, "headers": raw})
    await send({"type": f"{kind}.body", "body": body})


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name. Raises Refused where one that decides comes twice."""
    found: dict[str, str] = {}
    for raw_name, value in scope["headers"]:
        name = raw_name.decode("latin-1")
        if name in found and name in ("host", "origin", "authorization", "content-length"):
            raise Refused(400, f"the header {name} comes twice")
        found[name] = value.decode("latin-1")
    return found
