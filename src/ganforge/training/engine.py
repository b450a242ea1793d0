"""On what, and how, the arithmetic is done."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import torch
import torch.utils.deterministic
from torch import nn

from ganforge.core.batch import Batch
from ganforge.core.fields import flag, whole

__all__ = ["Engine"]

# glibc's malloc.h: M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD, in bytes.
_MALLOC = ((-1, (1 << 31) - 1), (-2, 64 << 20), (-3, 256 << 20))

_MOST = 1024  # threads, parts

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Engine:
    """Device, precision, memory format, threads, parts, workers and recording of a training.

    Attributes:
        device: where networks and data live.
        precision: the type that network bodies compute in: float32 or bfloat16.
        channels_last: whether pictures and weights are stored with the channel as the last axis.
        threads: processor threads of one operation; None leaves torch's choice.
        parts: pieces that a batch is cut into, whose gradients are added up.
        workers: parts that are played at once, each by a thread of Python's; the bits are the same.
        recorded: whether rounds are played from recordings (``training.recording``), where a game allows
            it; in float32, on the processor and in one part.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: torch.dtype = torch.float32
    channels_last: bool = False
    threads: int | None = None
    parts: int = 1
    workers: int = 1
    recorded: bool = False

    def apply(self) -> None:
        """Set what is the process's own: threads, numbers rounded to zero, memory, and CUDA's kernels."""
        _apply_to_thread(self.threads)
        if self.device.type == "cpu":
            _keep_memory()
        if self.device.type == "cuda":
            _repeatable()

    def pool(self) -> Executor | None:
        """The threads that play parts of a round at once; None where one part is played after the other."""
        return None if self.workers == 1 else _pool(self.workers, self.threads)

    def release(self) -> None:
        """Give the memory of tensors that are gone back to the device."""
        if self.device.type != "cpu":
            gc.collect()
            torch.accelerator.empty_cache()

    def place(self, module: Module) -> Module:
        """Move a module here, in this memory format."""
        module = module.to(self.device)
        if self.channels_last:
            module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return module

    def shape(self, batch: Batch) -> Batch:
        """A batch in this memory format."""
        if not self.channels_last or batch.real.dim() != 4:
            return batch
        return Batch(batch.real.contiguous(memory_format=torch.channels_last), batch.source, batch.condition)

    def to_json(self) -> dict[str, Any]:
        return {
            "device": str(self.device),
            "precision": str(self.precision).removeprefix("torch."),
            "channels_last": self.channels_last,
            "threads": self.threads,
            "parts": self.parts,
            "workers": self.workers,
            "recorded": self.recorded,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Engine:
        """The inverse of :meth:`to_json`, on plain data of unknown origin.

        Raises ValueError, TypeError, KeyError or RuntimeError: a field is missing, or of the wrong type.
        """
        threads = fields["threads"]
        return cls(
            device=torch.device(fields["device"]),
            precision={"float32": torch.float32, "bfloat16": torch.bfloat16}[fields["precision"]],
            channels_last=flag(fields["channels_last"], "engine.channels_last"),
            threads=None if threads is None else whole(threads, "engine.threads", 1, _MOST),
            parts=whole(fields["parts"], "engine.parts", 1, _MOST),
            workers=whole(fields.get("workers", 1), "engine.workers", 1, _MOST),
            recorded=flag(fields.get("recorded", False), "engine.recorded"),
        )


def _apply_to_thread(threads: int | None) -> None:
    """What each thread of Python's must be told for itself."""
    if threads is not None:
        torch.set_num_threads(threads)
    # Numbers below 1e-38 cost a hundred times as much as others on some processors.
    torch.set_flush_denormal(True)


@cache
def _pool(workers: int, threads: int | None) -> Executor:
    return ThreadPoolExecutor(workers, "part", initializer=_apply_to_thread, initargs=(threads,))


def _keep_memory() -> None:
    """Let glibc keep the memory that tensors leave, in place of giving it back to the system at once.

    By default every tensor of more than 32 MB, and what is free at the end, goes back after each use, and the
    system fills the pages with zeros again for the next one: 13 % of a round's processor time, and 18 % with
    two threads, which wait for each other there (benchmarks/results/speed.md). Whoever has set one of
    malloc's own variables is left alone.
    """
    if sys.platform != "linux" or any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, which has none
        return
    for parameter, value in _MALLOC:
        mallopt(parameter, value)  # one that it does not know it refuses, and says so by 0


def _repeatable() -> None:
    """Let CUDA compute the same bits each time, and float32 as float32.

    By default its convolutions do neither: two runs of one seed part within a few rounds, and tf32 puts the
    finite difference of a penalty off by 2 to 13 % (benchmarks/results/accelerator.md).
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read before the first matrix product
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Fills each new tensor, for debugging; a property, though the module is typed as one without.
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
