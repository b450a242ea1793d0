"""`gan recipes [NAME]`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from ganforge.cli.options import parse
from ganforge.core.options import option

__all__ = ["Recipes", "main"]


@dataclass(frozen=True)
class Recipes:
    """List the recipes and what they can name, show one, or copy one to a file that --recipe accepts."""

    name: Annotated[Positional[str | None], option("NAME")] = None
    """the recipe to show; all are listed without it"""
    copy: Annotated[Path | None, option("FILE")] = None
    """write the recipe's file there, to change it"""


def main(arguments: list[str]) -> int:
    options = parse(Recipes, "recipes", arguments)
    from ganforge.core.declared import EVERY
    from ganforge.core.errors import UsageError
    from ganforge.recipes import RECIPES, source, summary
    from ganforge.runs.files import write_atomically

    if options.name is None:
        if options.copy is not None:
            raise UsageError("name the recipe to copy: gan recipes NAME --copy FILE")
        for name in RECIPES:
            print(f"{name:<18} {summary(name)}")
        print(
            "\ngan recipes NAME              show one\ngan recipes NAME --copy FILE  copy one, to change it\n"
        )
        for sort in EVERY:
            print(f"{sort.sort:<21} {', '.join(sort)}")
        return 0
    text = source(options.name)
    if options.copy is None:
        print(text, end="")
        return 0
    if options.copy.suffix != ".py":
        raise UsageError(f"a recipe is a Python file: --copy {options.copy}.py")
    if options.copy.exists():
        raise UsageError(f"{options.copy} exists; choose another name, nothing is overwritten")
    write_atomically(options.copy, text)
    print(f"wrote {options.copy}; use it with: gan train DATA --recipe {options.copy}")
    return 0
