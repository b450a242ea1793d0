"""`gan data DATA`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional

from ganforge.cli.options import option, parse

__all__ = ["Data", "main"]


@dataclass(frozen=True)
class Data:
    """Check a folder or file before training: what is in it, what is wrong with it, and what to do."""

    data: Annotated[Positional[str], option("DATA")]
    """a folder, a file, or a built-in name"""
    json: Annotated[bool, option()] = False
    """print the findings as JSON"""


def main(arguments: list[str]) -> int:
    options = parse(Data, "data", arguments)
    from ganforge.cli.screen import Screen
    from ganforge.data import scan

    screen = Screen()
    with screen.reading() as progress:
        found = scan(options.data, progress=progress)
    if options.json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
        return 0
    for line in found.lines():
        screen.say(line)
    return 0
