"""Bring together what the docs site is built from, where `mkdocs.yml` looks for it: `make docs`.

Pages keep their places beside one another, so that their links hold here as they do in the repository. Links
to what is no page (a program, a folder) become plain words. The reference of the package is generated: one
page for each room, from the docstrings.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "docs", "benchmarks/results")
PACKAGE = ROOT / "src" / "ganforge"
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)\s]+)\)")
_TABLE = re.compile(r"^\|")


def main() -> int:
    out = ROOT / "build" / "docs"
    shutil.rmtree(out, ignore_errors=True)
    for name in PAGES:
        source, target = ROOT / name, out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    rooms = [path for path in sorted(PACKAGE.iterdir()) if (path / "__init__.py").is_file()]
    api = out / "docs" / "reference" / "api"
    api.mkdir()
    for room in rooms:
        (api / f"{room.name}.md").write_text(_room(room), encoding="utf-8")
    for page in out.rglob("*.md"):
        page.write_text(_linked(page, out), encoding="utf-8")
    with (out / "docs" / "reference" / "python.md").open("a", encoding="utf-8") as page:
        page.write("\n## Every room\nFrom the docstrings, generated.\n\n")
        page.write("\n".join(f"- [ganforge.{room.name}](api/{room.name}.md)" for room in rooms) + "\n")
    return 0


def _room(room: Path) -> str:
    """The reference page of one package: each of its modules that says what it offers."""
    modules: list[str] = []
    for file in sorted(room.rglob("*.py")):
        if "__all__" in file.read_text(encoding="utf-8") and "node_modules" not in file.parts:
            name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
            modules.append(name.removesuffix(".__init__"))
    return f"# ganforge.{room.name}\n\n" + "\n\n".join(f"::: {name}" for name in modules) + "\n"


def _linked(page: Path, out: Path) -> str:
    """The text of a page, without links to what the site does not hold."""
    lines: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        # A list or a table right under a line of text is one for GitHub; for the site only after a blank one.
        before = lines[-1] if lines else ""
        begins = bool(re.match(r"(\||[-*] |\d+\. )", line))
        if begins and before.strip() and not re.match(r"\s*(\||[-*] |\d+\. |```|<)", before):
            if not before.startswith("  "):
                lines.append("")
        lines.append(_LINK.sub(lambda found: _kept(found, page, out), line))
    return "\n".join(lines) + "\n"


def _kept(found: re.Match[str], page: Path, out: Path) -> str:
    target = Path(os.path.normpath(page.parent / found[2].partition("#")[0]))
    return found[0] if target.is_file() and target.is_relative_to(out) else found[1]


if __name__ == "__main__":
    sys.exit(main())
