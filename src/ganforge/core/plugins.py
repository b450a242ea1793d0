"""Files of a person's own that declare what recipes, commands and pages call by name.

A plugin is one Python file. It is run where it was asked for, by ``--plugin FILE``, by
``ganforge.plugin(FILE)`` or by the environment variable ``GANFORGE_PLUGINS``, and never because a run folder
or a model folder names it. The variable holds files joined as in ``PATH``; what is asked for by other ways
is added to it, so that worker processes declare the same.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.abc import SourceLoader
from pathlib import Path
from threading import RLock
from types import ModuleType

from ganforge.core.errors import GanforgeError, UsageError

__all__ = ["VARIABLE", "Plugin", "plugin", "plugins"]

VARIABLE = "GANFORGE_PLUGINS"


@dataclass(frozen=True)
class Plugin:
    """A plugin that has been run.

    Attributes:
        path: where it was.
        content: its bytes, as they were run.
        module: what they made.
    """

    path: Path
    content: bytes
    module: ModuleType

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


_lock = RLock()
_found: dict[str, Plugin] = {}  # by their checksum
_variable_read = False


def plugin(file: str | Path) -> Plugin:
    """Run a file and take what it declares, here and in processes that are started from here.

    The same content is run once, wherever it lies. Raises UsageError where the file is not there, or fails.
    """
    path = Path(file).expanduser().resolve()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the plugin {file} cannot be read ({error.strerror}); name a Python file") from None
    checksum = hashlib.sha256(content).hexdigest()
    with _lock:
        if checksum not in _found:
            _found[checksum] = Plugin(path, content, _run(path, content, checksum))
            here = os.environ.get(VARIABLE, "").split(os.pathsep)
            os.environ[VARIABLE] = os.pathsep.join(
                [*filter(None, here), *[str(path)] * (str(path) not in here)]
            )
        return _found[checksum]


def plugins() -> tuple[Plugin, ...]:
    """All that have been run, those of the environment variable among them, in the order of their runs."""
    global _variable_read
    if not _variable_read:
        with _lock:
            _variable_read = True  # at once: what is run may ask for this
            try:
                for file in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
                    plugin(file)
            except BaseException:
                _variable_read = False
                raise
    return tuple(_found.values())


class _Source(SourceLoader):
    """Runs the bytes whose checksum is kept, and leaves no compiled file beside them."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path, self._content = path, content

    def get_filename(self, fullname: str) -> str:
        return str(self._path)

    def get_data(self, path: str | bytes) -> bytes:
        return self._content


def _run(path: Path, content: bytes, checksum: str) -> ModuleType:
    name = f"ganforge_plugin_{path.stem}_{checksum[:8]}"
    spec = importlib.util.spec_from_loader(name, _Source(path, content))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except GanforgeError:
        del sys.modules[name]
        raise
    except Exception as error:
        del sys.modules[name]
        line = next((f", line {at}" for at in _lines(error, str(path))), "")
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise UsageError(f"the plugin {path}{line} cannot be used ({what})") from error
    return module


def _lines(error: BaseException, file: str) -> Iterator[int]:
    """Lines of ``file`` that an error came through, the innermost first."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        yield error.lineno
    found: list[int] = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            found.append(trace.tb_lineno)
        trace = trace.tb_next
    yield from reversed(found)
