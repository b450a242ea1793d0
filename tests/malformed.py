"""Values that no honest client sends: for tests that walk all that can be asked of a server."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["SECRET", "hostile", "mutated", "raw", "tells_a_path"]

SECRET = "hunter2-of-the-file"  # stands in files that nobody named
_DEEP = 3_000
_PATHS = re.compile(r"/(?:tmp|home|root|usr|var|etc|proc|work|opt)/[\w.-]+|site-packages|Traceback|\.py\b")


class _Raw(str):
    """JSON as it stands, that Python would not write."""


def hostile(secret: str) -> list[Any]:
    """Values to put where others are expected; ``secret`` is the path of a file that nobody may read."""
    return [
        *(None, True, -1, 0, 3, 0.5, -0.5, 1e308, 10**30, 2**63),
        *map(_Raw, ("1" + "0" * 400, "NaN", "Infinity", "-Infinity", "1e999", '"\\ud800"', '"\\udc80 b"')),
        *("", "\0", "a\0b", "x" * 4_000, "none", "nan", "%s%n{0}", "é" * 200, "\u202e", "-1", "1e400"),
        *(secret, f"file://{secret}", "../../../../../../../../etc/passwd", "/etc", "0:../..", "0:\0", "//"),
        *("~", "http://127.0.0.1:1/x", "hub:a/b", "C:\\windows", "edges", "low-resolution:4", "left"),
        *(
            [],
            {},
            [None] * 40,
            [[0, 1]] * 20,
            [["1", "2"]] * 20,
            [[1e9, 0]] * 20,
            [1, [2, [3]]],
            {"a": {"": 1}},
        ),
        *([0.0] * 20_000, {str(i): i for i in range(500)}, [{"name": "r1"}] * 200, {"kind": secret}),
        _Raw("[" * _DEEP + "]" * _DEEP),
        _Raw('{"a":' * _DEEP + "1" + "}" * _DEEP),
    ]


def raw(value: Any) -> str:
    """JSON, with what Python would not write."""
    marks: list[str] = []

    def mark(one: Any) -> Any:
        if isinstance(one, _Raw):
            marks.append(str(one))
            return f"@raw{len(marks) - 1}@"
        if isinstance(one, dict):
            return {name: mark(item) for name, item in one.items()}
        return [mark(item) for item in one] if isinstance(one, list) else one

    text = json.dumps(mark(value))
    for number, said in enumerate(marks):
        text = text.replace(f'"@raw{number}@"', said)
    return text


def mutated(good: Any, values: list[Any], rng: random.Random, count: int) -> Iterator[Any]:
    """``good`` with one part replaced, left out, or a further one; ``count`` of all, in a seeded order."""
    places = list(_places(good, ()))
    pairs = [(place, value) for place in places for value in range(-1, len(values))]
    pairs += [((*place, "further"), value) for place in places for value in (0, len(values) - 1)]
    rng.shuffle(pairs)
    for place, value in pairs[:count]:
        changed = copy.deepcopy(good)
        if not place:
            yield values[value] if value >= 0 else None
            continue
        here: Any = changed
        for step in place[:-1]:
            here = here[step]
        if place[-1] == "further" and not isinstance(here, dict):
            continue
        if value < 0:
            del here[place[-1]]
        else:
            here[place[-1]] = values[value]
        yield changed


def _places(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield place
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for name, item in inner:
        yield from _places(item, (*place, name))


def tells_a_path(text: str, sent: str = "") -> str:
    """The first path of this machine, or trace of our code, in an answer that was not in what was asked."""
    for found in _PATHS.finditer(text):
        if found[0] not in sent:
            return text[max(found.start() - 60, 0) : found.end() + 60]
    return ""
