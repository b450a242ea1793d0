"""HTML that is escaped by construction: text becomes markup only through :func:`tag`."""

from __future__ import annotations

import html

__all__ = ["Child", "Markup", "join", "tag", "text"]


class Markup(str):
    """Text that is HTML already. Plain ``str`` never is."""

    __slots__ = ()


Child = str | None
_VOID = frozenset({"img", "input"})
# What a page cannot hold, or what would let a name turn the text around it: control characters but tab and
# newline, surrogates, and the marks of direction.
_UNFIT = dict.fromkeys(
    [
        *range(0x09),
        *range(0x0B, 0x20),
        *range(0x7F, 0xA0),
        *range(0x200E, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
        0xFFFE,
        0xFFFF,
    ],
    "\ufffd",
)


def text(words: str) -> Markup:
    """``words`` as they are to be read: nothing in them is taken for HTML."""
    return words if isinstance(words, Markup) else Markup(html.escape(words.translate(_UNFIT)))


def join(*children: Child) -> Markup:
    """Children one after the other; plain text is escaped, None is left out."""
    return Markup("".join(text(child) for child in children if child is not None))


def tag(element: str, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """An element. Children and attribute values are escaped unless they are :class:`Markup`.

    An underscore in an attribute's name is a hyphen, one at its end is dropped: ``class_``,
    ``aria_label``. None and False leave an attribute out; True gives it no value.
    """
    parts = [element]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        name = key.rstrip("_").replace("_", "-")
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        parts.append(name if value is True else f'{name}="{text(shown)}"')
    opened = Markup(f"<{' '.join(parts)}>")
    return opened if element in _VOID else Markup(f"{opened}{join(*children)}</{element}>")
