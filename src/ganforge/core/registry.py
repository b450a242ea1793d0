"""What recipes, commands and pages call by name. Each thing is declared once, beside its code.

A declaration is a class, or an object, of a module: ``class Hinge(Objective): name = "hinge"``. It answers
whatever other rooms ask of it, so that no room compares names. Nothing is registered when a module is
imported: a :class:`Registry` looks through its modules, and through plugins, when it is asked.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar, cast

from ganforge.core.errors import RecipeError, nearest
from ganforge.core.plugins import Plugin, plugins

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
        homes: modules that are looked through, and packages with all of their modules; then the plugins.
    """

    def __init__(self, sort: str, base: type[Any], *homes: str) -> None:
        self.sort = sort
        self._base = base
        self._homes = homes
        self._found: dict[str, T] = {}
        self._origins: dict[str, ModuleType] = {}
        self._plugins: tuple[Plugin, ...] | None = None

    def find(self, name: str) -> T:
        """The declaration called ``name``. Raises RecipeError, with the nearest name, where there is none."""
        found = self._declared().get(name)
        if found is None:
            hint = nearest(name, self)
            raise RecipeError(
                f"unknown {self.sort} {name!r}; there is {', '.join(self)}.{hint} What a file of your own "
                "declares is taken with --plugin FILE."
            )
        return found

    def overview(self) -> dict[str, str]:
        """Names and words, for a help page: read from the text of the homes, which are not imported for it.

        It is for sorts whose declarations are classes, in homes that hold no other sort.
        """
        if self._found or plugins():
            return {name: found.words for name, found in self.items()}
        files = (file for home in self._homes for file in _files(home))
        return {name: words for file in files for name, words in _words_of(file)}

    def __getitem__(self, name: str) -> T:
        return self._declared()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared())

    def __len__(self) -> int:
        return len(self._declared())

    def origin(self, name: str) -> ModuleType:
        """The module that declares ``name``."""
        self._declared()
        return self._origins[name]

    def _declared(self) -> dict[str, T]:
        own = plugins()
        if self._plugins != own:
            found: dict[str, T] = {}
            origins: dict[str, ModuleType] = {}
            homes = (module for home in self._homes for module in _modules(home))
            for module in chain(homes, (each.module for each in own)):
                for thing in vars(module).values():
                    if not self._is_one(thing):
                        continue
                    if found.setdefault(thing.name, thing) is not thing:
                        files = f"{origins[thing.name].__file__} and in {module.__file__}"
                        raise RecipeError(
                            f"the {self.sort} {thing.name} is declared twice, in {files}; rename one of them"
                        )
                    if lacking := sorted(getattr(thing, "__abstractmethods__", ())) or _wordless(thing):
                        raise RecipeError(
                            f"the {self.sort} {thing.name} of {module.__file__} lacks {', '.join(lacking)}"
                        )
                    origins.setdefault(thing.name, module)
            self._found, self._origins, self._plugins = found, origins, own
        return self._found

    def _is_one(self, thing: Any) -> bool:
        if isinstance(thing, type):
            return issubclass(thing, self._base) and bool(vars(thing).get("name"))
        return isinstance(thing, self._base) and bool(cast(Declared, thing).name)


def _wordless(thing: Any) -> list[str]:
    return [] if isinstance(thing.words, str) and thing.words else ["words, a line that says what it is"]


def _files(home: str) -> Iterator[Path]:
    """The file of a module, or those of a package."""
    spec = importlib.util.find_spec(home)
    assert spec is not None
    assert spec.origin is not None
    yield Path(spec.origin)
    for folder in spec.submodule_search_locations or ():
        yield from (path for path in sorted(Path(folder).glob("*.py")) if path.name != "__init__.py")


def _words_of(file: Path) -> Iterator[tuple[str, str]]:
    """Name and words of each class that says both."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            own = {
                ast.unparse(line.targets[0]): line.value.value
                for line in node.body
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant)
            }
            if own.get("name") and own.get("words"):
                yield str(own["name"]), str(own["words"])


def _modules(home: str) -> Iterator[ModuleType]:
    module = importlib.import_module(home)
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield importlib.import_module(f"{home}.{found.name}")
