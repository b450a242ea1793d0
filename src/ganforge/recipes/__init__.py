"""Complete experiments, one file each: find one by name or by file, or infer it from the data."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ganforge.core.errors import RecipeError, nearest
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space

__all__ = ["RECIPES", "Choice", "Maker", "find", "infer", "source", "summary"]

Maker = Callable[[Space, int], Recipe]
"""What a recipe file defines as ``recipe(space, n)``: the experiment for ``n`` examples of a space."""

RECIPES = {found.name.replace("_", "-"): found.name for found in pkgutil.iter_modules(__path__)}
"""Recipe name to the module of this package that makes it: each file is a recipe."""


@dataclass(frozen=True)
class Choice:
    """A recipe, and why it is this one."""

    maker: Maker
    name: str
    reason: str


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"ganforge.recipes.{RECIPES[name]}")


def find(name: str) -> Choice:
    """A recipe by its name, or from a Python file of the user's own that defines ``recipe(space, n)``.

    Raises RecipeError, with the nearest name, where there is none.
    """
    if name in RECIPES:
        return Choice(_module(name).recipe, name, "asked for")
    path = Path(name)
    if path.suffix == ".py":
        return Choice(_from_file(path), path.stem, f"from {path}")
    raise RecipeError(
        f"there is no recipe {name!r}.{nearest(name, RECIPES)} "
        f"Known: {', '.join(RECIPES)}, or a file ending in .py"
    )


def _from_file(path: Path) -> Maker:
    if not path.is_file():
        raise RecipeError(
            f"there is no recipe file {path}; gan recipes NAME --copy FILE makes one to start from"
        )
    spec = importlib.util.spec_from_file_location(f"recipe_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        maker: Maker = module.recipe
    except Exception as error:
        raise _unusable(path, error) from error

    def make(space: Space, n: int) -> Recipe:
        try:
            made = maker(space, n)
        except RecipeError:
            raise
        except Exception as error:
            raise _unusable(path, error) from error
        if not isinstance(made, Recipe):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _unusable(path, TypeError(f"recipe() gave {made!r}"))
        return made

    return make


def _unusable(path: Path, error: Exception) -> RecipeError:
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return RecipeError(
        f"the recipe file {path} cannot be used ({what}); it must define recipe(space, n) -> Recipe"
    )


def infer(
    space: Space, n: int, *, builtin: str | None = None, paired: bool | None = None, clips: bool = False
) -> Choice:
    """The recipe for ``n`` training examples of ``space``, with the reason.

    Args:
        builtin: the name of a built-in data set.
        paired: of a translation, whether each example has its own input; None where there are no inputs.
        clips: whether the inputs are the frames before.
    """
    if clips:
        return Choice(_module("next-frame").recipe, "next-frame", "because the inputs are earlier frames")
    if paired is not None:
        if paired:
            name = space.codec.translation_recipe
            return Choice(_module(name).recipe, name, "because each example has its input")
        reason = "because the two domains share no names: nothing is paired"
        return Choice(_module("cyclegan").recipe, "cyclegan", reason)
    if builtin in RECIPES:
        return Choice(_module(builtin).recipe, builtin, "made for this built-in data set")
    if space.condition is not None and space.condition.kind == "text":
        return Choice(_module("captions").recipe, "captions", "because there are captions")
    usual = space.codec.recipe
    return Choice(_module(usual).recipe, usual, f"the default for {space.kind}")


def summary(name: str) -> str:
    """The first line of a recipe's own words."""
    return (inspect.getdoc(_module(name)) or "").splitlines()[0]


def source(name: str) -> str:
    """A recipe's file, to read or to copy. Raises RecipeError for an unknown name."""
    find(name)
    return inspect.getsource(_module(name))
