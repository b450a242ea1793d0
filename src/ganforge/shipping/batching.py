"""Requests that come at the same time are computed together, by one thread, and fairly.

A sample depends on its latent alone, and the way in which it is computed must not depend on its company
either: matrix products of other sizes round differently. So each pass of the network has a fixed number
of rows, and the same request has the same bytes for an answer, whenever and beside whatever it is asked.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque

import torch
from torch import Tensor

from ganforge.shipping.counting import Counts
from ganforge.shipping.limits import Limits, Refused
from ganforge.shipping.quick import Maker

__all__ = ["Batcher", "Job"]


class Job:
    """What one request wants: latents ``(n, L)`` and conditions ``(n, C)`` or None."""

    def __init__(self, z: Tensor, condition: Tensor | None) -> None:
        self.z = z
        self.condition = condition
        self.taken = 0
        self.samples: list[Tensor] = []
        self.abandoned = False
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Tensor] = self.loop.create_future()

    @property
    def left(self) -> int:
        return len(self.z) - self.taken

    def settle(self, error: Exception | None) -> None:
        """Give the result, or the fault, to whoever waits; from any thread."""

        def set_it() -> None:
            if self.future.done():
                return
            if error is None:
                self.future.set_result(torch.cat(self.samples))
            else:
                self.future.set_exception(error)

        try:
            self.loop.call_soon_threadsafe(set_it)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self.abandoned = True


class Batcher:
    """A queue of jobs and the thread that works it off.

    Args:
        make: latents to samples; see ``quick.maker``.
        limits: ``max_batch``, ``gather_seconds`` and ``queue`` are for it.
        counts: where batches are counted.
    """

    def __init__(self, make: Maker, limits: Limits, counts: Counts) -> None:
        self._make = make
        self._limits = limits
        self._counts = counts
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._company = False
        self._row_seconds = 0.01
        self._thread = threading.Thread(target=self._work, name="ganforge-sampler", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Samples that wait to be computed."""
        with self._changed:
            return self._rows()

    def _rows(self) -> int:
        return sum(job.left for job in self._jobs if not job.abandoned)

    async def samples(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """``(n, *shape)`` in declared units; giving up waiting takes the job out of the queue.

        Raises:
            Refused: 503, with the seconds after which to try again: too much is waiting.
        """
        job = Job(z, condition)
        with self._changed:
            waiting = self._rows()
            if self._stopped or waiting + len(z) > self._limits.queue:
                seconds = max(1, round(waiting * self._row_seconds))
                raise Refused(
                    503, f"{waiting:,} samples are waiting already; try again", {"Retry-After": str(seconds)}
                )
            self._jobs.append(job)
            self._changed.notify()
        try:
            return await job.future
        finally:
            job.abandoned = True

    def close(self) -> None:
        """Finish what is queued, and end the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._stopped:
                    self._changed.wait()
                if not self._jobs:
                    return
                if self._company and not self._stopped:
                    self._gather()
                pieces = self._take()
            if pieces:
                self._company = len({id(job) for job, _, _ in pieces}) > 1
                self._compute(pieces)

    def _gather(self) -> None:
        """Wait a little for a full batch."""
        end = time.monotonic() + self._limits.gather_seconds
        while self._rows() < self._limits.max_batch:
            left = end - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                return

    def _take(self) -> list[tuple[Job, int, int]]:
        """The next batch as (job, first, last) rows. Each job has its share: none waits for a large one."""
        pieces: list[tuple[Job, int, int]] = []
        unfinished: list[Job] = []
        room = self._limits.max_batch
        self._jobs = deque(job for job in self._jobs if not job.abandoned)
        while room and self._jobs:
            share = max(1, room // len(self._jobs))
            job = self._jobs.popleft()
            first, job.taken = job.taken, job.taken + min(share, job.left)
            room -= job.taken - first
            pieces.append((job, first, job.taken))
            if job.left:
                unfinished.append(job)
        self._jobs.extend(unfinished)
        return pieces

    def _compute(self, pieces: list[tuple[Job, int, int]]) -> None:
        began = time.monotonic()
        z = torch.cat([job.z[first:last] for job, first, last in pieces])
        conditions = [job.condition[first:last] for job, first, last in pieces if job.condition is not None]
        try:
            made = self._make(z, torch.cat(conditions) if conditions else None)
        except Exception as error:  # whatever it is, those who wait must hear of it
            for job, _, _ in pieces:
                job.abandoned = True
                job.settle(error)
            return
        self._row_seconds = 0.8 * self._row_seconds + 0.2 * (time.monotonic() - began) / len(z)
        self._counts.batches += 1
        self._counts.samples += len(z)
        at = 0
        for job, first, last in pieces:
            job.samples.append(made[at : at + last - first].clone())
            at += last - first
            if last == len(job.z):
                job.settle(None)
