"""What the service has done, as text that Prometheus reads (exposition format 0.0.4)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Counts"]

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass
class Counts:
    """Attributes:
    requests: by path and status; paths are those that exist, or ``other``.
    seconds: of answered ``/sample`` requests, by the least bound that holds them.
    batches, samples: computed so far.
    """

    requests: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    seconds: Counter[float] = field(default_factory=Counter[float])
    seconds_sum: float = 0.0
    batches: int = 0
    samples: int = 0
    started: float = field(default_factory=time.time)

    def count_response(self, path: str, status: int, seconds: float) -> None:
        self.requests[path, status] += 1
        if path == "/sample" and status == 200:
            self.seconds[next((bound for bound in _BOUNDS if seconds <= bound), float("inf"))] += 1
            self.seconds_sum += seconds

    def text(self, gauges: dict[str, tuple[str, Callable[[], float]]]) -> str:
        """All of it; ``gauges`` gives a name its words and its value now."""
        lines = _head("ganforge_requests_total", "counter", "requests by path and status")
        for (path, status), n in sorted(self.requests.items()):
            lines.append(f'ganforge_requests_total{{path="{path}",status="{status}"}} {n}')
        lines += _head("ganforge_sample_seconds", "histogram", "time to answer /sample")
        below = 0
        for bound in _BOUNDS:
            below += self.seconds[bound]
            lines.append(f'ganforge_sample_seconds_bucket{{le="{bound:g}"}} {below}')
        total = self.seconds.total()
        lines.append(f'ganforge_sample_seconds_bucket{{le="+Inf"}} {total}')
        lines.append(f"ganforge_sample_seconds_sum {self.seconds_sum:.6f}")
        lines.append(f"ganforge_sample_seconds_count {total}")
        for name, words, n in (
            ("ganforge_batches_total", "batches computed", self.batches),
            ("ganforge_samples_total", "samples computed", self.samples),
        ):
            lines += [*_head(name, "counter", words), f"{name} {n}"]
        values: dict[str, tuple[str, Callable[[], float]]] = {
            **gauges,
            "process_start_time_seconds": ("when the service started", lambda: self.started),
            "process_resident_memory_bytes": ("memory in use", _memory),
        }
        for name, (words, value) in values.items():
            lines += [*_head(name, "gauge", words), f"{name} {value():.15g}"]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, words: str) -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]


def _memory() -> float:
    """Resident bytes, where the system tells; else 0."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0.0
