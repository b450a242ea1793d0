"""What is declared is asked, and not recognised by its name: no room compares names."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator

import pytest

from ganforge.core.declared import EVERY, FORMATS, QUESTIONS, SCORES, QuestionTraits
from ganforge.core.registry import Registry
from tests.contracts.test_structure import FILES, SOURCE, parsed

NAMES = {name: registry.sort for registry in EVERY for name in registry}
# Words that are also names of something else, and are meant so.
MEANT = {
    ("data/degrade.py", "edges"),  # a degradation
    ("objectives/augment.py", "translation"),  # a policy of augmentation
    ("networks/autoencoder.py", "mlp"),  # an option of its own
    ("networks/autoencoder.py", "residual"),
    # Recipes have names of their own.
    *(("recipes/__init__.py", name) for name in ("dcgan", "growing", "points", "residual", "rows", "series")),
    ("tasks/experiment.py", "growing"),
    # A score of that name, which the finding rests on.
    *((f"report/{room}.py", "memorisation") for room in ("panels", "scores")),
    *((file, "memorisation") for file in ("shipping/card.py", "tasks/evaluation.py")),
    # What the service and the studio answer at once has names of its own.
    *((f"shipping/{room}.py", name) for room in ("openapi", "service") for name in ("feedback", "invert")),
    *(
        (f"studio/{room}.py", name)
        for room in ("explore", "tasks")
        for name in ("directions", "drag", "invert")
    ),
    ("studio/explore.py", "feedback"),
    *(("studio/explorer.py", name) for name in ("feedback", "rows")),
    # What a file of facts may call the class; and what only the run's own data, or a referee, can score.
    ("data/facts.py", "classes"),
    ("tasks/evaluation.py", "classes"),
    # What a model of the studio lies in.
    ("studio/rundir.py", "folder"),
    # A view of the studio.
    *((f"studio/{room}.py", "pictures") for room in ("explorer", "model", "tasks", "view")),
    # A recipe that is made from another one names what it changes of it.
    ("recipes/captions.py", "r1"),
    ("recipes/captions.py", "r2"),
    ("recipes/pix2pix.py", "gradient_difference"),
}


def words_of(node: ast.AST, known: dict[str, set[str]]) -> set[str]:
    """Texts in an expression, and in the constants of the module that it names."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            found.add(part.value)
        elif isinstance(part, ast.Name):
            found |= known.get(part.id, set())
    return found


def compared(text: str) -> Iterator[str]:
    """Texts that a module compares with, by ==, in, match, or as keys of a table that it looks into."""
    tree = parsed(text)
    tables: dict[str, set[str]] = {}
    for node in tree.body:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(value, (ast.Tuple, ast.List, ast.Set, ast.Dict)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            keys = [key for key in value.keys if key] if isinstance(value, ast.Dict) else value.elts
            words = {
                key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
            tables |= {target.id: words for target in targets if isinstance(target, ast.Name)}
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                for side in (node.left, *node.comparators):
                    yield from words_of(side, tables)
            case ast.MatchValue():
                yield from words_of(node.value, {})
            case ast.Subscript(value=table) | ast.Call(func=ast.Attribute(value=table, attr="get")):
                if isinstance(table, ast.Dict):
                    yield from words_of(ast.Tuple([key for key in table.keys if key]), {})
                elif isinstance(table, ast.Name):
                    yield from tables.get(table.id, set())
            case _:
                pass


def test_no_module_compares_with_the_name_of_something_declared():
    for path, text in FILES.items():
        inside = path.relative_to(SOURCE).as_posix()
        found = {word for word in compared(text) if word in NAMES and (inside, word) not in MEANT}
        assert not found, f"{inside} asks the declaration of {', '.join(map(NAMES.get, found))}: {found}"


@pytest.mark.parametrize(
    "text",
    [
        "if recipe.game == 'duel': pass",
        "x = 1 if game not in ('exchange', 'duel') else 2",
        "FREE = ('hinge', 'duel')\nx = objective in FREE",
        "RATES = {'duel': 1.0}\nx = RATES.get(game)",
        "x = {'duel': 1.0}[game]",
        "match game:\n    case 'duel':\n        pass",
    ],
)
def test_the_walker_finds_a_planted_comparison(text: str):
    assert "duel" in set(compared(text))


def test_the_walker_leaves_values_alone():
    assert set(compared("RATES = {'a': 'duel'}\nx = RATES['a']\nrecipe(game='duel')")) == {"a"}


def test_a_help_page_names_questions_without_their_import():
    fresh = Registry(QUESTIONS.sort, QuestionTraits, "ganforge.tasks.questions")
    assert list(fresh.overview().items()) == [(name, found.words) for name, found in QUESTIONS.items()]


def test_the_reference_lists_all_that_is_declared():
    spec = importlib.util.spec_from_file_location("help_pages", SOURCE.parents[1] / "scripts/help_pages.py")
    assert spec is not None
    assert spec.loader is not None
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    written = (SOURCE.parents[1] / "docs/reference/declared.md").read_text()
    assert written == pages.declared(), "python scripts/help_pages.py writes it anew"


def test_help_pages_name_every_group_of_scores_and_every_format():
    page = " ".join((SOURCE / "cli/evaluate.py").read_text().split())
    assert f"joined by commas: {', '.join(SCORES)}, or one of a plugin" in page
    assert f'"""{", ".join(FORMATS)}, one of a plugin, or hub:' in (SOURCE / "cli/export.py").read_text()


def test_every_declaration_says_what_it_is():
    for registry in EVERY:
        assert registry
        for name, declared in registry.items():
            assert declared.name == name
            assert 10 < len(declared.words) < 100, (name, declared.words)
