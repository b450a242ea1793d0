"""What mkdocs calls while it builds the site (`hooks` in mkdocs.yml)."""

from __future__ import annotations

import re
from typing import Any

_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):\s*(?=<code)")
_TILDE = re.compile(r"(<code[^>]*>)~[\w.]*\.(\w+</code>)")
_FIRST = "Docs"
_NAMES = {"Docs": "Guide", "Api": "Every room", "Benchmarks": "Measured"}


def on_page_content(html: str, **_: Any) -> str:
    """Names of the code as the docstrings mark them, without the mark."""
    return _TILDE.sub(r"\1\2", _ROLE.sub("", html))


def on_nav(nav: Any, **_: Any) -> Any:
    """The guide before the figures, each under a name that says what it is."""
    nav.items.sort(key=lambda item: (item.is_section, item.title != _FIRST))
    _name(nav.items)
    return nav


def _name(items: list[Any]) -> None:
    for item in items:
        if item.is_section:
            item.title = _NAMES.get(item.title, item.title)
            _name(item.children)
