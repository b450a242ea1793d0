"""Long tasks in a process of their own: one at a time, with progress, and cancelled by ending the process."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ganforge.core.errors import UsageError
from ganforge.studio.pool import Worker
from ganforge.studio.scratch import Scratch

__all__ = ["Jobs"]

_WAITING = 16

Tell = Callable[[dict[str, Any] | bytes], None]


@dataclass
class _Job:
    """Attributes:
    message: what the worker is told.
    kind: for whoever asked; tell: where news go.
    """

    message: dict[str, Any]
    kind: str
    tell: Tell
    begun: bool = False


class Jobs:
    """A queue in front of one worker, which is started when there is something to do.

    Args:
        module: what the worker runs.
        scratch: holds its temporary files.
    """

    def __init__(self, module: str, scratch: Scratch) -> None:
        self._module, self._scratch = module, scratch
        self._worker: Worker | None = None
        self._jobs: dict[str, _Job] = {}
        self._starting = asyncio.Lock()

    async def begin(self, kind: str, message: dict[str, Any], tell: Tell) -> str:
        """Queue a task; gives its name. Raises UsageError where too many wait."""
        if len(self._jobs) >= _WAITING:
            raise UsageError(f"{_WAITING} tasks are waiting already; try again when some are done")
        name = secrets.token_urlsafe(8)
        self._jobs[name] = _Job({**message, "session": name}, kind, tell)
        await self._next()
        return name

    async def _next(self) -> None:
        """Give the worker the oldest task, if it has none."""
        async with self._starting:
            if not self._jobs or any(job.begun for job in self._jobs.values()):
                return
            if self._worker is None:
                self._worker = Worker(self._module, self._scratch, self._receive, self._died)
                await self._worker.start()
            name, job = next(iter(self._jobs.items()))
            job.begun = True
            job.tell(self._news(name, job, "running", 0.0, "started"))
            self._worker.send(job.message)

    @staticmethod
    def _news(
        name: str, job: _Job, state: str, done: float | None, words: str, **more: Any
    ) -> dict[str, Any]:
        news = {"type": "task", "task": name, "kind": job.kind, "state": state, "done": done, "words": words}
        return {**news, "result": None, **more}

    def _receive(self, header: dict[str, Any], body: bytes) -> None:
        job = self._jobs.get(header["session"])
        if job is None:
            return
        if header["binary"]:
            job.tell(body)
        else:
            job.tell(json.loads(body))
        if header.get("over"):
            self._jobs.pop(header["session"], None)
            self._soon()

    def _died(self, worker: Worker, why: str) -> None:
        if worker is not self._worker:
            return
        self._worker = None
        for name, job in list(self._jobs.items()):
            if job.begun:
                job.tell(self._news(name, job, "failed", None, f"{why}; try again"))
                del self._jobs[name]
        self._soon()

    def _soon(self) -> None:
        self._later = asyncio.get_running_loop().create_task(self._next())

    async def cancel(self, name: str) -> None:
        """End a task, or leave it out. Raises UsageError for one that is over."""
        job = self._jobs.pop(name, None)
        if job is None:
            raise UsageError("this task is over")
        job.tell(self._news(name, job, "cancelled", None, "cancelled"))
        if job.begun and self._worker is not None:
            worker, self._worker = self._worker, None
            await worker.stop(patience=0.0)
        await self._next()

    async def forget(self, names: set[str]) -> None:
        """Whoever asked for these has gone."""
        for name in names & set(self._jobs):
            await self.cancel(name)

    async def close(self) -> None:
        self._jobs.clear()
        if self._worker is not None:
            await self._worker.stop(patience=0.0)
