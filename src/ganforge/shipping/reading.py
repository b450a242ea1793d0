"""What is sent to a service, read before anything heavy is needed."""

from __future__ import annotations

import json
from typing import Any, cast

from ganforge.shipping.limits import Refused

__all__ = ["fields_of_body"]


def fields_of_body(body: bytes) -> dict[str, Any]:
    """A request's body as a mapping; an empty one is ``{}``. Raises Refused."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(422, 'the body is not JSON; send an object, as in {"seed": 1}') from None
    if not isinstance(found, dict):
        raise Refused(422, 'the body is not a JSON object; send one, as in {"seed": 1}')
    return cast(dict[str, Any], found)
