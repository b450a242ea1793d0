"""What several parts of one reading ask for, kept from the first time until that reading ends."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["Once"]

_T = TypeVar("_T")


class Once:
    """Results by key, kept within :meth:`kept`; outside of it each is made anew."""

    def __init__(self, name: str) -> None:
        self._results: ContextVar[dict[Hashable, Any] | None] = ContextVar(name, default=None)

    @contextmanager
    def kept(self) -> Generator[None]:
        """Within it, and whatever is within it, each result is made once."""
        results = self._results.get()
        token = self._results.set({} if results is None else results)
        try:
            yield
        finally:
            self._results.reset(token)

    def __call__(self, key: Hashable, make: Callable[[], _T]) -> _T:
        results = self._results.get()
        if results is None:
            return make()
        if key not in results:
            results[key] = make()
        return results[key]
