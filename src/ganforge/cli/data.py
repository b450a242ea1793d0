"""`gan data DATA`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import Positional

from ganforge.cli.options import AS_FOUND, TableOptions, gather, parse, size, value_range
from ganforge.core.options import option

__all__ = ["Data", "main"]


@dataclass(frozen=True)
class Data:
    """Check a folder or file before training: what is in it, what is wrong with it, and what to do."""

    data: Annotated[Positional[str], option("DATA")]
    """a folder, a file, or a built-in name"""
    condition: Annotated[Literal["auto", "class", "labels", "numbers", "text", "names"], option()] = "auto"
    """what examples say of themselves; names takes the files' names as captions"""
    source: Annotated[str | None, option("SOURCE", name="from")] = None
    """inputs of a translation: edges, low-resolution:4, left, previous:2, … or another folder or file"""
    size: Annotated[str | None, option("PIXELS")] = None
    """size that the pictures would be brought to, as in 64 or 96x64 (width x height), or 32x32x16 (and
    frames); inferred by default"""
    fit: Annotated[Literal["crop", "pad"], option()] = "crop"
    """pictures of another shape are cut to the size (crop), or kept whole and filled up (pad)"""
    value_range: Annotated[str | None, option("LOW,HIGH", name="range")] = None
    """numbers that become black and white, of pictures or arrays that are no plain bytes; else inferred"""
    unpaired: Annotated[bool, option()] = False
    """take --from as a domain of its own; inferred where most names have no partner"""
    json: Annotated[bool, option()] = False
    """print the findings as JSON"""
    table: TableOptions = AS_FOUND


def main(arguments: list[str]) -> int:
    options = parse(Data, "data", gather(arguments, "--column"))
    from ganforge.cli.screen import Screen
    from ganforge.core.recipe import TableFormat
    from ganforge.data import scan
    from ganforge.data.layouts import domains_of
    from ganforge.data.pairs import pairs_match

    screen = Screen()
    domains = None if options.source else domains_of(options.data)
    data, source = options.data, options.source or ""
    if domains is not None:
        data, source = str(domains.examples), str(domains.inputs)
    table = TableFormat(**options.table.given())
    with screen.reading() as progress:
        found = scan(
            data,
            size=size(options.size),
            fit=options.fit,
            value_range=value_range(options.value_range),
            condition=options.condition,
            source=source,
            table=table,
            paired=not options.unpaired and (not source or pairs_match(data, source, table)),
            progress=progress,
        )
    found = found if domains is None else domains.told(found)
    if options.json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
        return 0
    for line in found.lines():
        screen.say(line)
    return 0
