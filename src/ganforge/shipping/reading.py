"""What is sent to a service and what is told of an error, before anything heavy is needed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, cast

from ganforge.core.errors import GanforgeError
from ganforge.shipping.limits import Refused

__all__ = ["fields_of_body", "parsed", "words_of"]

_LONGEST = 500  # letters of an error
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # half of a letter in UTF-16: alone it is none
_PATH = re.compile(r"(?<![\w./~-])(?:/[^/\s'\",;:()]+){2,}/?")


def parsed(text: str | bytes) -> Any:
    """JSON of unknown origin to plain data.

    Raises ValueError for what is none: also for NaN, infinities, and halves of letters, which nothing that
    is written afterwards could hold.
    """
    text = text if isinstance(text, str) else text.decode("utf-8-sig")
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if _HALF.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is too deep") from None
    return found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large")
    return value


def words_of(error: Exception, known: Mapping[str, str] | None = None) -> str:
    """An error as one line for whoever asked, without a path of this machine.

    Args:
        known: paths to what they are called outside; any other path is told by its last part.
    """
    if not isinstance(error, GanforgeError):
        return "a fault of the studio; what it was started in says more"
    line = " ".join(str(error).split())
    for path, name in sorted((known or {}).items(), key=lambda pair: -len(pair[0])):
        line = line.replace(path, name)
    return _PATH.sub(lambda found: found[0].rstrip("/").rsplit("/", 1)[1], line)[:_LONGEST]


def fields_of_body(body: bytes) -> dict[str, Any]:
    """A request's body as a mapping; an empty one is ``{}``. Raises Refused."""
    if not body.strip():
        return {}
    try:
        found = parsed(body)
    except ValueError as error:
        why = f"the body is not JSON ({str(error)[:100]})"
        raise Refused(422, f'{why}; send an object, as in {{"seed": 1}}') from None
    if not isinstance(found, dict):
        raise Refused(422, 'the body is not a JSON object; send one, as in {"seed": 1}')
    return cast(dict[str, Any], found)
