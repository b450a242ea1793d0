"""Worker processes, as the server sees them: started when needed, fed with messages, missed when they die."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from ganforge.studio.scratch import Scratch
from ganforge.studio.wire import Inbox, text

__all__ = ["Pool", "Worker"]

_PATIENCE = 2.0  # seconds for a worker to leave by itself

Hear = Callable[[dict[str, Any], bytes], None]


class Worker:
    """One process that runs a module of the studio's.

    Args:
        module: its name, as for ``python -m``.
        scratch: holds its temporary files, so that they go even where it is killed.
        hear: called with each message of its, header and body.
        died: called once when it has ended, with what is to be said of it.
    """

    def __init__(
        self, module: str, scratch: Scratch, hear: Hear, died: Callable[[Worker, str], None]
    ) -> None:
        self.sessions: set[str] = set()
        self._module, self._scratch, self._hear, self._died = module, scratch, hear, died
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ended = False
        self.ready = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Threads that wait for each other by spinning make a busy machine ten times slower.
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "OMP_WAIT_POLICY": "PASSIVE",
                "TMPDIR": str(self._scratch.folder),
            },
            start_new_session=True,  # Ctrl-C is for the server, which then tells its workers
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        inbox = Inbox()
        with contextlib.suppress(ValueError):
            while some := await self._process.stdout.read(1 << 20):
                for header, body in inbox.add(some):
                    if header.get("ready"):
                        self.ready.set()
                    else:
                        self._hear(header, body)
        self._end()
        code = await self._process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._died(self, f"the process that played this game ended ({how})")

    def send(self, message: dict[str, Any]) -> None:
        """Put a message on its way; a worker that has ended is told nothing."""
        if self._process is None or self._process.stdin is None or self._ended:
            return
        head = text(message)
        with contextlib.suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(len(head).to_bytes(4, "little") + bytes(4) + head)

    def _end(self) -> None:
        self._ended = True
        self.ready.set()
        if self._process is not None and self._process.returncode is None:
            # Not its own kill(), which may collect a process that has just ended before asyncio does.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def stop(self, patience: float = _PATIENCE) -> None:
        """Close its pipe, wait for so many seconds, and end it."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), patience)
        self._end()
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=_PATIENCE)


class Pool:
    """As many workers as there are cores, each with about as many sessions as the others.

    Args:
        module: what they run.
        scratch: holds their temporary files.
        most: workers.
        hear: called with each message of theirs.
        lost: called with the names of sessions whose worker has died, and what is to be said of it.
    """

    def __init__(
        self, module: str, scratch: Scratch, most: int, hear: Hear, lost: Callable[[set[str], str], None]
    ) -> None:
        self._module, self._scratch, self._most = module, scratch, most
        self._hear, self._lost = hear, lost
        self.workers: list[Worker] = []
        self._closing = False

    async def warm(self) -> None:
        """Have one worker ready before it is asked for."""
        await self._start()

    async def _start(self) -> Worker:
        worker = Worker(self._module, self._scratch, self._hear, self._gone)
        self.workers.append(worker)
        await worker.start()
        return worker

    async def place(self, session: str) -> Worker:
        """The worker of a session: its own, or the one that has the least to do."""
        for worker in self.workers:
            if session in worker.sessions:
                return worker
        least = min(self.workers, key=lambda one: len(one.sessions), default=None)
        if least is None or (least.sessions and len(self.workers) < self._most):
            least = await self._start()
        least.sessions.add(session)
        return least

    def leave(self, session: str) -> None:
        """The session has ended: its worker forgets it."""
        for worker in self.workers:
            if session in worker.sessions:
                worker.sessions.discard(session)
                worker.send({"session": session, "gone": True})

    def _gone(self, worker: Worker, why: str) -> None:
        if worker in self.workers:
            self.workers.remove(worker)
        if not self._closing:
            self._lost(set(worker.sessions), why)

    async def close(self) -> None:
        self._closing = True
        await asyncio.gather(*(worker.stop() for worker in list(self.workers)))
