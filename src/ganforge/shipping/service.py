"""The HTTP service: samples or translations, and what else the model can do, to whoever may ask."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from torch import Tensor

import ganforge
from ganforge.core.errors import UsageError
from ganforge.core.space import Space
from ganforge.runs.translator import Translator
from ganforge.shipping import answering, asking, posting
from ganforge.shipping.batching import Batcher
from ganforge.shipping.counting import Counts
from ganforge.shipping.guard import Access, Guard
from ganforge.shipping.limits import Limits, Refused
from ganforge.shipping.openapi import openapi
from ganforge.shipping.opening import Shipped
from ganforge.shipping.page import page, translating_page
from ganforge.shipping.quick import maker
from ganforge.shipping.reading import words_of

__all__ = ["ABILITIES", "Ability", "Service"]

_CHUNK = 1 << 16
_T = TypeVar("_T")

# What a service may do beside sampling, and why one does not.
ABILITIES = {
    "feedback": "this service has no discriminator: serve the run folder itself for its advice",
    "invert": "this service goes from latents to samples only: serve the run folder itself for the way back",
}
_NO_SAMPLES = "this model translates pictures and makes none from latents: POST one to /translate"
_NO_TRANSLATION = "this generator makes samples from latents; it was not trained to translate pictures"
_WAITING = 16  # requests for what is done one at a time


@dataclass(frozen=True)
class Ability:
    """Something that the model can do with a posted example.

    Attributes:
        space: what the posted example is.
        answer: the example ``(1, *space.shape)`` in declared units, and its class's number or None, to
            plain data for JSON. It is called in a thread of its own, one call at a time; a UsageError
            that it raises is told to whoever asked.
    """

    space: Space
    answer: Callable[[Tensor, int | None], dict[str, Any]]


class Service:
    """One generator or translator behind HTTP.

    Args:
        made: from ``shipping.load``.
        name: for the page and the description.
        access: who may ask.
        limits: how much.
        abilities: by path without its slash, out of ``ABILITIES``.
    """

    def __init__(
        self,
        made: Shipped,
        *,
        name: str,
        access: Access | None = None,
        limits: Limits | None = None,
        abilities: Mapping[str, Ability] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.counts = Counts()
        self._sampler = None if isinstance(made, Translator) else made
        self._translator = made if isinstance(made, Translator) else None
        self.abilities = dict(abilities or {})
        assert self.abilities.keys() <= ABILITIES.keys()
        self._batcher = None
        if self._sampler is not None:
            self._batcher = Batcher(maker(self._sampler), self.limits, self.counts)
        self._encoder = ThreadPoolExecutor(1, "ganforge-encoder")
        self._able = ThreadPoolExecutor(1, "ganforge-ability")
        self._held = 0
        self._asking = 0
        self._access = access = access or Access()
        # The page, for whoever has brought the token and for whoever must write it into the form.
        self._pages = [
            translating_page(name, made, needs_token=needed)
            if isinstance(made, Translator)
            else page(name, made.space, made.conditions, self.limits, needs_token=needed)
            for needed in (False, True)
        ]
        self._openapi = openapi(name, made, self.limits, list(self.abilities))
        paths = {"/": 0, "/health": 0, "/openapi.json": 0, "/metrics": 0, "/sample": self.limits.body}
        paths |= {f"/{ability}": self.limits.picture_body for ability in ("translate", *ABILITIES)}
        self.app: ASGIApp = Guard(
            Starlette(
                routes=self._routes(),
                lifespan=self._lifespan,
                exception_handlers={Refused: _refuse, HTTPException: _refuse, Exception: _fault},
            ),
            access=access,
            limits=self.limits,
            counts=self.counts,
            paths=paths,
        )

    def _routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = [
            Route("/", self._index),
            Route("/health", self._health),
            Route("/openapi.json", self._describe),
            Route("/metrics", self._metrics),
            Route("/sample", _Post(self._sample)),
            Route("/translate", _Post(self._translate, posting.MEDIA)),
        ]
        return routes + [Route(f"/{name}", _Post(self._able_to(name))) for name in ABILITIES]

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        """Warm up before the first request; at the end, finish what is queued."""
        if self._sampler is not None and self._batcher is not None:
            await self._batcher.samples(self._sampler.prior.seeded(1, seed=0), self._conditions(None, 0, 1))
        self.counts.batches = self.counts.samples = 0
        yield
        if self._batcher is not None:
            self._batcher.close()
        self._encoder.shutdown()
        self._able.shutdown()

    async def _index(self, request: Request) -> Response:
        led = self._access.enter_by_address(request.scope)
        if led is not None:
            return led
        text, policy = self._pages[not self._access.knows(dict(request.headers))]
        headers = {"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "Cache-Control": "no-store"}
        return HTMLResponse(text, headers=headers)

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "ganforge": ganforge.__version__})

    async def _describe(self, _: Request) -> Response:
        return JSONResponse(self._openapi)

    async def _metrics(self, _: Request) -> Response:
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "ganforge_waiting_samples": ("samples that wait", self._waiting),
            "ganforge_held_bytes": ("bytes promised to answers", lambda: self._held),
        }
        return PlainTextResponse(
            self.counts.text(gauges), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    async def _sample(self, body: bytes, receive: Receive, send: Send) -> None:
        sampler, batcher = self._sampler, self._batcher
        if sampler is None or batcher is None:
            raise Refused(501, _NO_SAMPLES)
        space = sampler.space
        wish = asking.wish(asking.fields_of_body(body), space, sampler.conditions, self.limits)
        bytes_held = answering.cost(wish, space)
        if self._held and self._held + bytes_held > self.limits.held:
            raise Refused(503, "too many answers are on their way; try again", {"Retry-After": "1"})
        self._held += bytes_held
        try:
            z = sampler.prior.seeded(wish.n, seed=wish.seed, start=wish.start)
            z = sampler.prior.truncated(z, wish.truncation)
            conditions = self._conditions(wish.label, wish.start, wish.n)
            made = await _unless_gone(batcher.samples(z, conditions), receive)
            if made is None:
                return
            content, media = await asyncio.get_running_loop().run_in_executor(
                self._encoder, answering.respond, made.numpy(), wish, space
            )
            await _send(send, content, media)
        finally:
            self._held -= bytes_held

    def _conditions(self, label: int | None, start: int, n: int) -> Tensor | None:
        """``(n, C)``: the class asked for, or the classes in turn as a Sampler gives them."""
        assert self._sampler is not None
        return self._sampler.in_turn(range(start, start + n) if label is None else [label] * n)

    def _waiting(self) -> int:
        return self._asking if self._batcher is None else self._batcher.waiting

    async def _translate(self, body: bytes, receive: Receive, send: Send) -> None:
        if self._translator is None:
            raise Refused(501, _NO_TRANSLATION)
        request = posting.posted(body, self._translator, self.limits)
        content = await self._one_at_a_time(posting.translated, request)
        self.counts.samples += 1
        await _send(send, content, "image/png")

    async def _one_at_a_time(self, work: Callable[..., _T], *given: Any) -> _T:
        """Work in the thread of its own. Raises Refused: 503 where too much waits, 422 for what cannot be."""
        if self._asking >= _WAITING:
            raise Refused(503, "sixteen such requests are waiting; try again", {"Retry-After": "1"})
        self._asking += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._able, work, *given)
        except UsageError as error:
            raise Refused(422, words_of(error)) from None
        finally:
            self._asking -= 1

    def _able_to(self, name: str) -> Callable[[bytes, Receive, Send], Awaitable[None]]:
        """The endpoint of an ability; where the model has it not, it says why."""
        ability = self.abilities.get(name)

        async def endpoint(body: bytes, receive: Receive, send: Send) -> None:
            if ability is None:
                raise Refused(501, ABILITIES[name])
            fields = asking.fields_of_body(body)
            example = asking.posted_example(fields, ability.space)
            assert self._sampler is not None
            label = asking.chosen_class(fields.get("class"), self._sampler.space, self._sampler.conditions)
            found = await self._one_at_a_time(ability.answer, example, label)
            await _send(send, json.dumps(found).encode(), "application/json")

        return endpoint


class _Post:
    """A route for POST with a body that the guard has read, of JSON by default. Others get 405 and 415."""

    def __init__(
        self,
        endpoint: Callable[[bytes, Receive, Send], Awaitable[None]],
        media: tuple[bytes, ...] = (b"application/json",),
    ) -> None:
        self._endpoint = endpoint
        self._media = media

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise Refused(405, f"{scope['path']} takes POST", {"Allow": "POST"})
        media = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        # None of these may be sent by a page of another site unless it asks the browser first.
        if media.split(b";")[0].strip().lower() not in self._media:
            others = b"".join(b" or " + kind for kind in self._media[1:]).decode()
            raise Refused(415, f"send JSON, with the header Content-Type: application/json{others}")
        await self._endpoint(scope["state"]["body"], receive, send)


async def _unless_gone(made: Awaitable[Tensor], receive: Receive) -> Tensor | None:
    """The result, or None where the client went away first: its samples are then not computed."""
    wanted = asyncio.ensure_future(made)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({wanted, gone}, return_when=asyncio.FIRST_COMPLETED)
        return wanted.result() if wanted.done() else None
    finally:
        wanted.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, content: bytes, media: str) -> None:
    """In pieces, each of which waits until the one before has left."""
    headers = {
        "content-type": media,
        "content-length": str(len(content)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    for start in range(0, len(content), _CHUNK):
        part = content[start : start + _CHUNK]
        more = start + _CHUNK < len(content)
        await send({"type": "http.response.body", "body": part, "more_body": more})


async def _refuse(_: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        return JSONResponse({"error": error.words}, error.status, error.headers)
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _fault(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "a fault of the service; its log says more"}, 500)
