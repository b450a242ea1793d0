"""Processes that train together: each plays its parts of every round, and all make the same steps.

The first one is the training that a person sees: it alone writes, examines and decides. The others follow:
they play what it says until it ends. A part of a batch is the same whoever plays it, so N processes make the
steps of one that plays N parts; gradients and notes of a turn go round in one flat sum.

Processes are started by `gan train --processes N`, or by torchrun, whose environment variables say which one
this is.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from datetime import timedelta
from enum import IntEnum
from typing import Any, cast

import torch
from torch import Tensor

from ganforge.core.errors import MachineError
from ganforge.training.tape import Step

__all__ = ["Order", "Together", "place_of", "started"]

_PATIENCE = timedelta(hours=1)  # with a process that is there and says nothing: the first may be looking


class Order(IntEnum):
    """What the first process says to the others."""

    PLAY = 0  # a round
    ANEW = 1  # take the players that follow
    END = 2


def place_of(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Which of how many processes this one is; ``(0, 1)`` where it is alone."""
    names = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    if not all(environment.get(name) for name in names):
        return 0, 1
    return int(environment["RANK"]), int(environment["WORLD_SIZE"])


@contextlib.contextmanager
def started(count: int) -> Generator[None]:
    """This process as the first of ``count``, and the others, which run the same command; at the end they
    are gone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared["LOCAL_WORLD_SIZE"] = str(count)
    command = [sys.executable, "-m", "ganforge", *sys.argv[1:]]
    others: list[subprocess.Popen[bytes]] = []
    before = dict(os.environ)
    try:
        for rank in range(1, count):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            others.append(
                subprocess.Popen(command, env={**before, **shared, **own}, stdin=subprocess.DEVNULL)
            )
        os.environ.update(shared, RANK="0", LOCAL_RANK="0")
        yield
    finally:
        for name in ("RANK", "LOCAL_RANK", *shared):
            os.environ.pop(name, None)
        os.environ.update(before)
        for other in others:
            try:
                other.wait(10)
            except subprocess.TimeoutExpired:
                other.kill()
                other.wait()


class Together:
    """One of the processes that train together, connected with the others.

    Attributes:
        rank: which one, from 0.
        count: of how many.
        asked: the exit code that somebody's signal asks for, of any process, or None. The sum of the next
            turn carries it to all.
    """

    def __init__(self) -> None:
        import torch.distributed as dist  # half a second, which nobody pays who trains alone

        self._dist = dist
        with _others_there():
            dist.init_process_group(timeout=_PATIENCE)
        self.rank, self.count = dist.get_rank(), dist.get_world_size()
        self.exit_code: int | None = None

    def sum(self, step: Step) -> Step:
        """A turn of all: the sum of their gradients, and the notes of each in the order of the ranks.

        Every process gives a step of the same player, with gradients and notes of the same shapes.
        """
        like = step.gradients[0]
        notes = [value.detach().reshape(-1).to(like) for _, value in step.notes]
        message = torch.cat([*notes, like.new_full((1,), float(self.exit_code or 0))])
        slots = like.new_zeros(self.count, len(message))
        slots[self.rank] = message
        flat = torch.cat([gradient.reshape(-1) for gradient in step.gradients] + [slots.reshape(-1)])
        with _others_there():
            self._dist.all_reduce(flat)
        *gradients, slots = flat.split([*(one.numel() for one in step.gradients), slots.numel()])
        slots = slots.view(self.count, -1)
        self.exit_code = int(slots[:, -1].max()) or None
        sizes = [value.numel() for _, value in step.notes]
        return Step(
            step.player,
            [
                torch.empty_like(own).copy_(one.view(own.shape))
                for one, own in zip(gradients, step.gradients, strict=True)
            ],
            [
                (name, part.view(value.shape).to(value.dtype))
                for row in slots
                for (name, value), part in zip(step.notes, row[:-1].split(sizes), strict=True)
            ],
        )

    def begin(self, what: dict[str, Any]) -> None:
        """Give the others what they play: which run and data, how it is computed, the recipe, the players."""
        self.order(Order.ANEW)
        self.broadcast(what)

    def end(self) -> None:
        """Let the others go, once. Whoever is gone already needs no telling."""
        if not self._dist.is_initialized():
            return
        with contextlib.suppress(MachineError):
            self.order(Order.END)
        self.close()

    def close(self) -> None:
        self._dist.destroy_process_group()

    def order(self, order: Order, progress: float = 0.0) -> None:
        """Say to the others what to do, and at which share of the budget."""
        self._broadcast(torch.tensor([float(order), progress], dtype=torch.float64))

    def ordered(self) -> tuple[Order, float]:
        """What the first process says."""
        order, progress = self._broadcast(torch.zeros(2, dtype=torch.float64)).tolist()
        return Order(int(order)), progress

    def broadcast(self, what: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the first process gives to all."""
        messages = [what]
        with _others_there():
            self._dist.broadcast_object_list(messages)
        return cast(dict[str, Any], messages[0])

    def _broadcast(self, numbers: Tensor) -> Tensor:
        with _others_there():
            self._dist.broadcast(numbers, 0)
        return numbers


@contextlib.contextmanager
def _others_there() -> Generator[None]:
    """Say in one line where another process is gone."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0][:120]
        raise MachineError(
            f"another process of this training has ended, or does not answer ({reason}); what was saved is "
            "there: gan train --resume RUN"
        ) from None
