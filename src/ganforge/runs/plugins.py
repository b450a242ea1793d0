"""Plugins in a run folder: copies with checksums, which are run only where somebody allows it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganforge.core.declared import EVERY
from ganforge.core.errors import DamageWarning, RunError
from ganforge.core.fields import listed, mapping, only, text
from ganforge.core.plugins import plugins
from ganforge.runs.files import write_atomically

__all__ = ["Kept", "PluginError", "keep", "kept_from_json", "require"]


class PluginError(RunError):
    """A run needs a plugin that nobody has allowed."""


@dataclass(frozen=True)
class Kept:
    """A plugin that was there when a run was started, as ``run.json`` names it.

    Attributes:
        file: its copy, within the run folder.
        sha256: of its bytes.
        names: what it declares.
    """

    file: str
    sha256: str
    names: tuple[str, ...]

    def fault(self, run: Path) -> str:
        """What is wrong with the copy; empty where it is as it was."""
        try:
            content = (run / self.file).read_bytes()
        except OSError as error:
            return f"{run / self.file} cannot be read ({error.strerror})"
        same = hashlib.sha256(content).hexdigest() == self.sha256
        return "" if same else f"{run / self.file} is not the file that the run was started with"


def keep(run: Path) -> list[dict[str, Any]]:
    """Copy every plugin of this process to ``run/plugins``; gives what ``run.json`` says of them."""
    found: list[dict[str, Any]] = []
    for each in plugins():
        (run / "plugins").mkdir(exist_ok=True)
        file = f"plugins/{each.path.name}"
        if (run / file).exists():
            file = f"plugins/{each.path.stem}-{each.sha256[:8]}.py"
        write_atomically(run / file, each.content)
        names = [name for sort in EVERY for name in sort if sort.origin(name) is each.module]
        if not names:
            warnings.warn(
                f"the plugin {each.path} declares nothing: what it declares needs a name of its own",
                DamageWarning,
                stacklevel=2,
            )
        found.append(asdict(Kept(file, each.sha256, tuple(dict.fromkeys(names)))))
    return found


def kept_from_json(value: Any, where: str) -> tuple[Kept, ...]:
    """The same, of unknown origin. Raises ValueError or TypeError."""
    found: list[Kept] = []
    for entry in listed(value, where, 100):
        fields = mapping(entry, where)
        only(fields, ("file", "sha256", "names"), where)
        names = tuple(text(name, f"{where}.names") for name in listed(fields.get("names"), f"{where}.names"))
        file = text(fields.get("file"), f"{where}.file")
        if Path(file).parts[:-1] != ("plugins",):
            raise ValueError(f"{where}.file must lie in plugins/")
        found.append(Kept(file, text(fields.get("sha256"), f"{where}.sha256", 64), names))
    return tuple(found)


def require(run: Path, kept: tuple[Kept, ...], used: Any) -> None:
    """Raise PluginError where ``used``, plain data, names what a plugin declares that nobody has allowed.

    Where another file declares these names a :class:`DamageWarning` says so.
    """
    here = {each.sha256 for each in plugins()}
    words = set(_texts(used))
    for each in kept:
        own = sorted(words & set(each.names))
        if not own or each.sha256 in here:
            continue
        if not all(any(name in sort for sort in EVERY) for name in own):
            raise PluginError(
                f"{run} uses {', '.join(own)} of a plugin, which is never run unasked. "
                f"If you trust the file, allow it: --plugin {run / each.file}"
            )
        warnings.warn(
            f"{run} was trained with {each.file}, and another file declares {', '.join(own)} here; "
            f"to use that one: --plugin {run / each.file}",
            DamageWarning,
            stacklevel=3,
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
