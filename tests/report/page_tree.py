"""A page of HTML as a tree that tests can ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"img", "input", "meta", "link", "br"}


@dataclass
class Node:
    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    def all(self, tag: str = "", **attributes: str) -> list[Node]:
        """Every element below with that tag, and with those attributes (``class_`` is one of the classes)."""
        found: list[Node] = []
        for child in self.children:
            if isinstance(child, Node):
                fits = not tag or child.tag == tag
                for key, value in attributes.items():
                    own = child.attributes.get(key.rstrip("_").replace("_", "-"), "")
                    fits = fits and (value in own.split() if key == "class_" else own == value)
                found += [child] if fits else []
                found += child.all(tag, **attributes)
        return found

    def one(self, tag: str = "", **attributes: str) -> Node:
        found = self.all(tag, **attributes)
        assert len(found) == 1, (tag, attributes, len(found))
        return found[0]

    @property
    def text(self) -> str:
        """What a person reads, in one line."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.path = [Node("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.path[-1].children.append(node)
        if tag not in _VOID:
            self.path.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.path[-1].tag == tag, f"</{tag}> closes <{self.path[-1].tag}>"
        self.path.pop()

    def handle_data(self, data: str) -> None:
        self.path[-1].children.append(data)


def parse(page: str) -> Node:
    """The page's tree. Raises AssertionError where an element is not closed in its turn."""
    builder = _Builder()
    builder.feed(page)
    builder.close()
    assert len(builder.path) == 1, f"<{builder.path[-1].tag}> is not closed"
    return builder.path[0]
