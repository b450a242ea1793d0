"""What recipes, commands and pages call by name. Each thing is declared once, beside its code.

A declaration is a class, or an object, of a module: ``class Hinge(Objective): name = "hinge"``. It answers
whatever other rooms ask of it, so that no room compares names. Nothing is registered when a module is
imported: a :class:`Registry` looks through its modules when it is first asked.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Protocol, TypeVar, cast

from ganforge.core.errors import RecipeError, nearest

__all__ = ["Declared", "Registry"]


class Declared(Protocol):
    """What every declaration says.

    Attributes:
        name: what it is called.
        words: what it is, in one line.
    """

    @property
    def name(self) -> str: ...
    @property
    def words(self) -> str: ...


T = TypeVar("T", bound=Declared)


class Registry(Mapping[str, T]):
    """The declarations of one sort by their names, in the order in which they stand in their files.

    Args:
        sort: what they are, in the singular, for messages.
        base: their class, or, where the declarations are classes themselves, the class that they extend.
            One without a name of its own is no declaration.
        homes: modules that are looked through, and packages with all of their modules.
    """

    def __init__(self, sort: str, base: type[Any], *homes: str) -> None:
        self.sort = sort
        self._base = base
        self._homes = homes
        self._found: dict[str, T] = {}

    def find(self, name: str) -> T:
        """The declaration called ``name``. Raises RecipeError, with the nearest name, where there is none."""
        found = self._declared().get(name)
        if found is None:
            hint = nearest(name, self)
            raise RecipeError(f"unknown {self.sort} {name!r}; there is {', '.join(self)}.{hint}")
        return found

    def __getitem__(self, name: str) -> T:
        return self._declared()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared())

    def __len__(self) -> int:
        return len(self._declared())

    def _declared(self) -> dict[str, T]:
        if not self._found:
            found: dict[str, T] = {}
            for module in (module for home in self._homes for module in _modules(home)):
                for thing in vars(module).values():
                    if self._is_one(thing) and found.setdefault(thing.name, thing) is not thing:
                        raise RecipeError(
                            f"the {self.sort} {thing.name} is declared twice; rename one of them"
                        )
            self._found = found
        return self._found

    def _is_one(self, thing: Any) -> bool:
        if isinstance(thing, type):
            return issubclass(thing, self._base) and bool(vars(thing).get("name"))
        return isinstance(thing, self._base) and bool(cast(Declared, thing).name)


def _modules(home: str) -> Iterator[ModuleType]:
    module = importlib.import_module(home)
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield importlib.import_module(f"{home}.{found.name}")
