"""Write what `--help` prints into tests/golden/help and docs/reference/cli.md, when a change of it is meant.

Also what is declared, into docs/reference/declared.md.

.venv/bin/python scripts/help_pages.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ganforge.cli import VERBS
from ganforge.core.declared import EVERY

ROOT = Path(__file__).resolve().parent.parent
_BEGIN = "# The command line\n\n`gan VERB [THING] [--options]`. The pages below are what `--help` prints.\n"


def main() -> None:
    folder = ROOT / "tests/golden/help"
    parts = [_BEGIN]
    for verb in ("", *VERBS):
        words = [
            sys.executable,
            "-c",
            "from ganforge.cli import main; main()",
            *([verb] if verb else []),
            "--help",
        ]
        plain = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
        page = subprocess.run(words, env=plain, capture_output=True, text=True, check=True).stdout
        page = "\n".join(line.rstrip() for line in page.splitlines()).strip() + "\n"
        (folder / f"{verb or 'overview'}.txt").write_text(page)
        parts.append(f"\n## gan{' ' + verb if verb else ''}\n\n```text\n{page}```\n")
    reference = ROOT / "docs/reference/cli.md"
    former = reference.read_text()
    rest = former[former.index("\n## Environment") :] if "\n## Environment" in former else ""
    reference.write_text("".join(parts) + rest)
    (ROOT / "docs/reference/declared.md").write_text(declared())


def declared() -> str:
    """All that recipes and commands can name."""
    parts = [
        "# What is declared\n\nWhat recipes and commands call by name. A file of your own can add to each: "
        "[extend](../how-to/extend.md).\n"
    ]
    for sort in EVERY:
        rows = "".join(
            f"| `{name}` | {found.words.replace('|', '&#124;')} |\n" for name, found in sort.items()
        )
        parts.append(f"\n## {sort.sort.capitalize()}\n| name | what it is |\n|---|---|\n{rows}")
    return "".join(parts)


if __name__ == "__main__":
    main()
