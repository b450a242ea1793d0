"""What a person reads speaks the field's words: no other names for the best possible score and the like."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.contracts.test_structure import FILES, SOURCE, parsed

ROOT = Path(__file__).resolve().parents[2]
# What was said before, and what is said in its place.
INSTEAD = {
    r"\bfloors?\b": "best possible",
    r"\bcoin tosses\b": "random bits",
    r"\btold apart (\d|by a|stays)": "discriminator right",
    r"^Told apart$": "Discriminator right",
    r"\bkimg [\d.]+ of\b": "images of",
    r"\bbefore (any|the first) move\b": "before training",
    r"\bpiles?\b": "domains",
    r"\b[Aa] coin\b|\bcoins\b": "a random guess, random bits",
    r"\b[Hh]eard by\b": "reaches",
    r"\b(one|two|each) arrows?\b": "direction, mapping",
    r"\b[\d,]{3,} moves\b|\beach move\b|\brefused moves\b": "steps",
}
# Words that no name in the source is made of.
NOT_IN_NAMES = {"told", "asked", "heard", "owed", "arrow", "arrows", "pile", "piles", "coin", "coins"}
# What is no name of a function, a class or a field by itself: a function says what it does, and to what.
NOT_ALONE = {"made", "said", "shown"}
MEANT = {
    # Saved weights and evaluations have these names.
    ("networks/encoder.py", "asked"),
    ("metrics/by_class.py", "asked"),
    ("tasks/evaluation.py", "asked"),
    # A person's own terms read it, and model folders keep it.
    ("objectives/terms.py", "made"),
    ("shipping/description.py", "made"),
    # Apache Arrow; and arrows that are drawn.
    ("data/shards.py", "arrow"),
    ("data/tables.py", "arrow"),
    ("studio/view.py", "arrows"),
}
TO_COME = {"docs/reference/studio-protocol.md", "docs/reference/run-folder.md", "docs/reference/python.md"}


def texts(text: str) -> Iterator[tuple[int, str]]:
    """The strings of a module that are sentences or titles, not names of fields; no docstrings."""
    tree = parsed(text)
    inner = (ast.Module, ast.ClassDef, ast.FunctionDef)
    doc = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, inner) and _documented(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in doc:
            if re.search(r"\s\S|^[A-Z]", node.value):
                yield node.lineno, node.value


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> bool:
    return bool(node.body) and isinstance(node.body[0], ast.Expr)


def wrong(words: str) -> list[str]:
    return [f"{old} → {new}" for old, new in INSTEAD.items() if re.search(old, words, re.MULTILINE)]


def names(tree: ast.AST, *, field: bool = False) -> Iterator[tuple[int, str, bool]]:
    """Line and name of all that a module declares, and whether it is a function, a class or a field."""
    for node in ast.iter_child_nodes(tree):
        declares = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        if declares:
            yield node.lineno, node.name, True
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg, False
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id, field
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr, True
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname, False
        yield from names(
            node,
            field=isinstance(node, ast.ClassDef) or (field and isinstance(node, ast.stmt) and not declares),
        )


def unclear(text: str) -> list[tuple[int, str]]:
    """Lines and names that say nothing to whoever does not know this project's old words."""
    return [
        (line, name)
        for line, name, declared in names(parsed(text))
        if NOT_IN_NAMES & set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"))
        or (declared and name.strip("_").lower() in NOT_ALONE)
    ]


def test_the_rule_itself():
    assert wrong("all scores, with floors")
    assert wrong("Told apart")
    assert wrong("told apart 71 %")
    assert not wrong("best possible .004, random bits; the two cannot be told apart; floorboards")


def test_the_rule_of_names():
    found = unclear(
        "class Arrows:\n    said: str\n    def _made(self, is_told):\n        shown = self.asked = 1\n"
    )
    assert found == [(1, "Arrows"), (2, "said"), (3, "_made"), (3, "is_told"), (4, "asked")]
    assert not unclear("import narrow as asks\nsaid = [made for made in taskeds]\n")


def test_what_names_are_made_of():
    found = [
        f"{file.relative_to(SOURCE)}:{line}: {name}"
        for file, whole in FILES.items()
        if "node_modules" not in file.parts
        for line, name in unclear(whole)
        if (str(file.relative_to(SOURCE)), name) not in MEANT
    ]
    found += [str(file) for file in FILES if NOT_IN_NAMES & set(file.stem.split("_"))]
    assert not found, "\n".join(found)


def test_what_the_program_prints():
    found = [
        f"{file.relative_to(SOURCE)}:{number}: {text!r}: {fault}"
        for file, whole in FILES.items()
        if "node_modules" not in file.parts
        for number, text in texts(whole)
        for fault in wrong(text)
    ]
    assert not found, "\n".join(found)


def test_the_help_and_the_docs():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests/golden/help").glob("*.txt")]
    found = [
        f"{page.relative_to(ROOT)}: {fault}"
        for page in sorted(pages)
        if str(page.relative_to(ROOT)) not in TO_COME  # names of fields in files and messages
        for fault in wrong(page.read_text())
    ]
    assert not found, "\n".join(found)
