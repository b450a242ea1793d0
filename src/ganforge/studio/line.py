"""A browser's WebSocket: calls that come one after the other, and messages that go out in order."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect

from ganforge.core.errors import GanforgeError, UsageError
from ganforge.shipping.reading import parsed, words_of
from ganforge.studio.wire import text

__all__ = ["Line"]

_WAITING = 256  # messages that wait for a browser before it is cut off
_BYTES = 32 << 20  # and bytes

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | bytes | None]]


class Line:
    """One socket: what is said to it waits here, so that nobody waits for a browser.

    Frames are few because the browser acknowledges them; one that does not read at all is cut off.
    """

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._queue: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self._bytes = 0
        self.closed = False

    @property
    def waiting(self) -> int:
        """Messages that are not sent yet."""
        return self._queue.qsize()

    def say(self, message: dict[str, Any] | bytes, *, raw: bool = False) -> None:
        """Put a message on its way: plain data or JSON (``raw``) as text, other bytes as binary."""
        if self.closed:
            return
        if isinstance(message, bytes):
            out: bytes | str = message.decode() if raw else message
        else:
            out = text(message).decode()
        self._bytes += len(out)
        if self._queue.qsize() >= _WAITING or self._bytes > _BYTES:
            self.end()
        else:
            self._queue.put_nowait(out)

    def end(self) -> None:
        """Close it once what waits has been sent; a browser that does not read is not waited for."""
        if not self.closed:
            self.closed = True
            self._queue.put_nowait(None)

    async def _send(self) -> None:
        while (message := await self._queue.get()) is not None:
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)
            self._bytes -= len(message)
        with contextlib.suppress(RuntimeError):
            await self._socket.close()

    async def _receive(self, answer: Answer) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            await self._called(message.get("text"), answer)

    async def _called(self, text: str | None, answer: Answer) -> None:
        number: Any = None
        try:
            call = _call(text)
            number = call.get("id")
            reply = await answer(call)
            if isinstance(reply, bytes):
                self.say(reply)
            elif reply is not None:
                self.say({"id": number, "ok": True, **reply})
        except Exception as error:  # also a fault of ours: the connection goes on
            if not isinstance(error, GanforgeError):
                traceback.print_exc()
            self.say({"id": number, "ok": False, "error": words_of(error)})

    async def serve(self, answer: Answer) -> None:
        """Answer until either side has gone."""
        await self._socket.accept()
        sending = asyncio.create_task(self._send())
        receiving = asyncio.create_task(self._receive(answer))
        done, _ = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        self.closed = True
        for task in (sending, receiving):
            task.cancel()
        results = await asyncio.gather(sending, receiving, return_exceptions=True)
        del done
        for result in results:
            faults = (WebSocketDisconnect, RuntimeError, OSError, asyncio.CancelledError)
            if isinstance(result, BaseException) and not isinstance(result, faults):
                raise result


def _call(text: str | None) -> dict[str, Any]:
    """Raises UsageError for what is no call."""
    try:
        call = parsed(text or "")
    except ValueError:
        raise UsageError('a call is JSON, as in {"id": 1, "do": "pause"}') from None
    if not isinstance(call, dict) or not isinstance(cast(dict[str, Any], call).get("do"), str):
        raise UsageError('a call is an object that names what to do, as in {"id": 1, "do": "pause"}')
    fields = cast(dict[str, Any], call)
    number = fields.get("id")
    if number is not None and not (isinstance(number, (int, str)) and len(str(number)) <= 40):
        raise UsageError("the id of a call is a whole number")
    return fields
