"""The errors a user of ganforge can meet, in one tree.

::

    GanforgeError                       exit 1
    ├── UsageError (ValueError)         exit 2   what was asked for cannot be done; the message names the fix
    │   ├── DataError                            the examples cannot be used
    │   ├── RecipeError                          a recipe, a key of it or a value is wrong
    │   └── RunError                             a run folder is missing, damaged or of another kind
    ├── MachineError (RuntimeError)     exit 3   the machine's fault: disk, memory, device
    └── DivergenceError (RuntimeError)  exit 4   training stopped on its own: numbers are no longer finite

What is damaged and can be passed over is a :class:`DamageWarning`, which names the file and what is used in
its place. Invariants that no user can break are ``assert`` statements, not errors of this tree.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DamageWarning",
    "DataError",
    "DivergenceError",
    "GanforgeError",
    "MachineError",
    "RecipeError",
    "RunError",
    "UsageError",
    "nearest",
    "out_of_memory",
]


class GanforgeError(Exception):
    """Root of the tree. Its text is one line for the user and names the fix."""

    exit_code = 1


class UsageError(GanforgeError, ValueError):
    """What was asked for cannot be done as asked."""

    exit_code = 2


class DataError(UsageError):
    """The examples cannot be used."""


class RecipeError(UsageError):
    """A recipe, one of its keys or one of its values is wrong."""


class RunError(UsageError):
    """A run folder is missing, damaged, or of another kind than asked for."""


class MachineError(GanforgeError, RuntimeError):
    """The machine cannot do it: disk full, memory exhausted, device missing."""

    exit_code = 3


class DivergenceError(GanforgeError, RuntimeError):
    """Training stopped by itself because its numbers are no longer finite."""

    exit_code = 4


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt ``word``: ``" Did you mean 'x'?"``, or ``""`` where nothing is near."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean {match[0]!r}?" if match else ""


class DamageWarning(UserWarning):
    """A file is damaged, and what comes next is without it: the text names the file and what is used instead.

    ``gan`` prints each once, in a line of its own on standard error.
    """


_EXHAUSTED = ("out of memory", "can't allocate memory", "not enough memory")


def out_of_memory(error: BaseException) -> str:
    """Why, in a line, where an error says that memory is exhausted, the processor's or an accelerator's.

    Empty for any other error. torch raises one of its own kind for accelerators alone; the processor's
    allocator says it in words.
    """
    own = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    said = isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _EXHAUSTED)
    return (str(error) or "no more to be had").splitlines()[0] if own or said else ""
