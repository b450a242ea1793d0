"""The one way that imports run, and what the source may not hold."""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import ganforge

SOURCE = Path(ganforge.__file__).parent
ROOMS = (
    "core",
    "codecs",
    "data",
    "networks",
    "objectives",
    "games",
    "runs",
    "health",
    "metrics",
    "latent",
    "shipping",
)
ROOMS += ("report", "studio", "training", "recipes", "tasks", "cli")
_RUNS = {"core", "codecs", "networks", "runs"}
_PLAYED = {"core", "codecs", "data", "networks", "objectives", "games"}
# Room to the rooms that it may import from, itself aside.
MAY_IMPORT = {
    "core": set(),
    # A kind of data reads its own files.
    "codecs": {"core", "data"},
    "data": {"core"},
    "networks": {"core"},
    "objectives": {"core"},
    "games": _PLAYED,
    "runs": _RUNS,
    "health": _RUNS,
    "metrics": _RUNS,
    "latent": _RUNS,
    "shipping": _RUNS,
    # It plays games and asks questions: all that a verb may do, on one page.
    "studio": set(ROOMS) - {"cli"},
    # What a run is judged by while it is played is a score: the loop examines itself.
    "training": _PLAYED | {"runs", "health", "metrics"},
    "report": _RUNS | {"health", "metrics"},
    "recipes": {"core"},
    "tasks": set(ROOMS) - {"cli", "studio"},
    "cli": set(ROOMS),
}
FORBIDDEN = {"pickle", "torchvision", "dill", "joblib", "marshal", "shelve"}
# Faults that are meant, each with its reason.
MEANT = {
    # A recorded round is text that the tape itself writes, from operations that torch told it.
    "ganforge.training.tape": {"calls exec", "calls compile"},
}
FILES = {path: path.read_text() for path in sorted(SOURCE.rglob("*.py"))}

parsed = functools.cache(ast.parse)


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Every module that is imported anywhere in a tree, functions and TYPE_CHECKING included."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wrong_arrows(room: str, text: str) -> list[str]:
    """Rooms that a module of ``room`` imports from and may not."""
    found = {name.split(".")[1] for name in imported(ast.walk(parsed(text))) if name.startswith("ganforge.")}
    return sorted((found & set(ROOMS)) - MAY_IMPORT[room] - {room})


def faults(text: str) -> list[str]:
    """What no module may do."""
    nodes = list(ast.walk(parsed(text)))
    names = list(imported(nodes))
    found = [
        f"imports {name}"
        for name in names
        if name.split(".")[0] in FORBIDDEN and name != "pickle.UnpicklingError"
    ]
    if "imports pickle" in found and text.count("pickle import") and "pickle.UnpicklingError" in names:
        found.remove("imports pickle")  # the name of an error that a guarded load may raise
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            found.append("import *")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("hasattr", "eval", "exec", "compile", "__import__"):
                found.append(f"calls {node.func.id}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            guarded = any(w.arg == "weights_only" and ast.unparse(w.value) == "True" for w in node.keywords)
            if owner == "torch" and node.func.attr in ("load", "save") and not guarded:
                found.append(f"calls torch.{node.func.attr}")
            for word in node.keywords:
                if word.arg == "allow_pickle" and not (
                    isinstance(word.value, ast.Constant) and word.value.value is False
                ):
                    found.append("allows pickle")
    return found


def name_of(path: Path) -> str:
    relative = path.relative_to(SOURCE.parent).with_suffix("")
    return ".".join(relative.parts).removesuffix(".__init__")


def test_imports_run_one_way_and_nothing_forbidden_is_used():
    for path, text in FILES.items():
        room = path.relative_to(SOURCE).parts[0]
        if room in MAY_IMPORT:
            assert wrong_arrows(room, text) == [], path
        assert set(faults(text)) <= MEANT.get(name_of(path), set()), path


def test_every_room_is_known_and_arrows_make_no_circle():
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= set(ROOMS)
    assert set(MAY_IMPORT) == set(ROOMS)
    left = dict(MAY_IMPORT)
    while left:
        free = [room for room, needed in left.items() if not (needed - {room}) & set(left)]
        assert free, f"a circle among {sorted(left)}"
        for room in free:
            del left[room]


@pytest.mark.parametrize(
    ("room", "text", "arrows"),
    [
        ("core", "from ganforge.data import load", ["data"]),
        ("data", "from ganforge.networks.mlp import MlpGenerator", ["networks"]),
        ("runs", "def f():\n    import ganforge.training.loop", ["training"]),
        ("metrics", "if TYPE_CHECKING:\n    from ganforge.data import Dataset", ["data"]),
        ("training", "from ganforge import recipes", ["recipes"]),
        ("games", "from ganforge.core.rng import Rng\nfrom ganforge.runs.folder import Run", ["runs"]),
        ("games", "from ganforge.networks import generator", []),
    ],
)
def test_the_walker_finds_a_planted_arrow(room: str, text: str, arrows: list[str]):
    assert wrong_arrows(room, text) == arrows


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("import pickle", "imports pickle"),
        ("from torchvision.io import read_image", "imports torchvision.io"),
        ("from math import *", "import *"),
        ("x = hasattr(3, 'y')", "calls hasattr"),
        ("def f(s):\n    return eval(s)", "calls eval"),
        ("from pickle import UnpicklingError, loads", "imports pickle.loads"),
        ("import torch\ntorch.load('x')", "calls torch.load"),
        ("import torch\ntorch.load('x', weights_only=False)", "calls torch.load"),
        ("import numpy as np\nnp.load('x', allow_pickle=True)", "allows pickle"),
    ],
)
def test_the_walker_finds_a_planted_fault(text: str, fault: str):
    assert fault in faults(text)


def test_every_module_says_what_it_exports():
    for path, text in FILES.items():
        tree = parsed(text)
        assert ast.get_docstring(tree), f"{path}: a module says what it is for"
        if all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body[1:]):
            continue  # an empty room
        module = importlib.import_module(name_of(path))
        names = module.__all__
        assert sorted(set(names)) == sorted(names), path
        for name in names:
            assert getattr(module, name) is not None, (path, name)


def test_the_exported_names():
    assert ganforge.__all__ == ["Run", "StopTraining", "__version__", "load", "plugin", "train"]
