"""`gan data DATA`."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import Positional

from ganforge.cli.options import AS_FOUND, TableOptions, gather, parse, size, value_range
from ganforge.core.errors import UsageError
from ganforge.core.options import option

__all__ = ["Data", "main"]


@dataclass(frozen=True)
class Data:
    """Check a folder or file before training: what is in it, what is wrong with it, and what to do."""

    data: Annotated[Positional[str | None], option("DATA")] = None
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
    cache: Annotated[Literal["list", "clear"] | None, option()] = None
    """list what lies decoded in the cache, or clear it: of DATA alone, or of all"""
    json: Annotated[bool, option()] = False
    """print the findings as JSON"""
    table: TableOptions = AS_FOUND


def main(arguments: list[str]) -> int:
    options = parse(Data, "data", gather(arguments, "--column"))
    if options.cache is not None:
        return _cache(options)
    if options.data is None:
        raise UsageError(
            "DATA is missing: a folder, a file, or a built-in name such as digits; see gan data --help"
        )
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
    found = found if domains is None else domains.report(found)
    if options.json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
        return 0
    for line in found.lines():
        screen.say(line)
    return 0


def _cache(options: Data) -> int:
    """List or clear what is decoded."""
    from ganforge.cli.screen import Screen
    from ganforge.data.cache import cache_folder, entries
    from ganforge.data.files import printable
    from ganforge.data.listings import forget
    from ganforge.data.readers import Source

    screen, place = Screen(), cache_folder()
    found = entries(place)
    if options.data is not None:
        meant = Source.of(options.data)
        here = meant.path and meant.path.resolve()
        found = [entry for entry in found if entry.source == str(here)]
    if options.cache == "clear":
        for entry in found:
            entry.clear()
        if options.data is None:
            forget(place)
    if options.json:
        print(json.dumps([{**vars(entry), "folder": str(entry.folder)} for entry in found], indent=1))
        return 0
    size = sum(entry.size for entry in found)
    if options.cache == "list":
        for entry in found:
            when = time.strftime("%Y-%m-%d", time.localtime(entry.used))
            screen.say(
                f"{entry.size / 1e6:10,.1f} MB   {when}   {entry.count:,} of {printable(entry.source)}"
            )
    words = "entry" if len(found) == 1 else "entries"
    done = "cleared" if options.cache == "clear" else "in all"
    screen.say(f"{size / 1e6:10,.1f} MB   {done}, {len(found):,} {words} of {place}")
    return 0
