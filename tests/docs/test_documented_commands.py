"""What the README and the docs say can be typed: commands parse, Python compiles, links lead somewhere.

Every line of a fenced block that begins with ``gan`` or ``make`` is read with the parsers of ``gan``
itself, or looked for in the Makefile. Blocks under the comment ``<!-- run -->`` are run as well, those of
one page in one folder, in order. The reference names every option, key, family and name that the code has.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ganforge import recipes
from ganforge.cli import VERBS, main, without_plugins
from ganforge.cli.options import changes, parse, size
from ganforge.core.declared import DISCRIMINATORS, GENERATORS, OBJECTIVES, PENALTIES, TERMS, TRANSLATORS
from ganforge.core.errors import UsageError
from ganforge.core.options import seeds
from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe, TableFormat
from ganforge.core.space import Space
from ganforge.data.builtin import NAMES
from ganforge.data.builtin import PICTURES as BUILT_IN_PICTURES
from ganforge.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PICTURE, POINT = Space(kind="pictures", shape=(3, 32, 32)), Space(kind="points", shape=(2,))
DEFAULTS_OF = {
    "Recipe": Recipe,
    "Table": TableFormat,
    "Player": Player,
    "Penalty": Penalty,
    "Augmentation": Augmentation,
}
COMMON = {"self", "space", "latent", "condition", "width", "depth"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its first line's number, and whether it is to be run."""

    language: str
    text: str
    line: int
    run: bool


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    lines = text.splitlines()
    opened: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
            continue
        before = [words for words in lines[:opened] if words.strip()]
        run = bool(before) and before[-1].strip() == "<!-- run -->"
        yield Block(lines[opened][3:].strip(), "\n".join(lines[opened + 1 : number]), opened + 2, run)
        opened = None
    assert opened is None, f"the block of line {opened} is not closed"


def commands(block: Block) -> Iterator[list[str]]:
    """Lines of a block that call ``gan`` or ``make``, as words; variables before them are left out."""
    for line in block.text.splitlines():
        if not re.match(r"(\$ )?([A-Z_]+=\S+ )*(\.venv/bin/)?(gan [a-z-]+(\s|$)|make(\s|$))", line):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while "=" in words[0]:
            words = words[1:]
        yield [Path(words[0]).name, *words[1:]]


@functools.cache
def check_gan(*words: str) -> None:
    """Raise UsageError unless the verb, its options, their values, the recipe and its keys exist."""
    verb, (arguments, _) = words[0], without_plugins(list(words[1:]))
    if verb in ("--help", "--version", "--completion"):
        return
    if verb not in VERBS:
        raise UsageError(f"there is no verb {verb}")
    module = importlib.import_module(f"ganforge.cli.{verb}")
    if verb == "explore":
        if "WHAT" not in arguments:  # as the help page has it
            module.read(arguments)
        return
    options: Any = parse(getattr(module, verb.title()), verb, arguments)
    if verb == "train":
        size(options.size)
        known = None if options.recipe is None or options.recipe.endswith(".py") else options.recipe
        drawn = options.data in NAMES and options.data not in BUILT_IN_PICTURES
        points = drawn or known in ("points", "ring", "grid")
        maker = recipes.find(known or ("points" if points else "residual")).maker
        maker(POINT if points else PICTURE, 5_000).with_changes(changes(options.set))
    if verb == "sample":
        seeds(options.seeds)
    if verb == "recipes" and options.name not in (None, "NAME"):
        recipes.find(options.name)


def check_make(words: list[str], makefile: str) -> None:
    """Raise AssertionError unless targets and variables stand in the Makefile."""
    for word in words:
        name, equals, _ = word.partition("=")
        pattern = rf"^{name} *\??=" if equals else rf"^{name}:"
        assert re.search(pattern, makefile, re.MULTILINE), f"the Makefile has no {name}"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_parses_and_every_python_block_compiles(page: Path):
    makefile = (ROOT / "Makefile").read_text()
    for block in blocks(page.read_text()):
        where = f"{name_of(page)}:{block.line}"
        if block.language == "python":
            ast.parse(block.text, filename=where)
        for program, *words in commands(block):
            try:
                check_gan(*words) if program == "gan" else check_make(words, makefile)
            except (UsageError, AssertionError) as error:
                pytest.fail(f"{where}: {program} {' '.join(words)}: {error}")


@pytest.mark.parametrize("page", [p for p in PAGES if "<!-- run -->" in p.read_text()], ids=name_of)
def test_marked_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    for block in blocks(page.read_text()):
        if not block.run:
            continue
        where = f"{name_of(page)}:{block.line}"
        if block.language == "python":
            exec(compile(block.text, where, "exec"), {"__name__": "example"})
            continue
        lines = list(commands(block))
        assert len(lines) == len(block.text.splitlines()), f"{where}: a line is no command of ours"
        for program, *words in lines:
            assert program == "gan", f"{where}: make is not run here"
            assert main(words) == 0, f"{where}: gan {' '.join(words)}: {capsys.readouterr().err}"


def anchors(text: str) -> set[str]:
    """The addresses of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ +(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_within_the_repository_lead_somewhere(page: Path):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.is_file(), f"{name_of(page)} points at {target}, which is not there"
        assert not anchor or anchor in anchors(path.read_text()), f"{name_of(page)}: no heading {target}"


def test_every_page_can_be_reached_from_the_readme():
    seen, left = set[Path](), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in seen:
            continue
        seen.add(page)
        found = re.findall(r"\]\(([^)\s#]+\.md)", page.read_text())
        left += [(page.parent / target).resolve() for target in found if not target.startswith("http")]
    assert {name_of(page) for page in PAGES} <= {name_of(page) for page in seen}


def words_of(page: str) -> list[str]:
    return re.sub(r"[│╭╮╰╯─]|--{2,}", " ", page).split()


@pytest.mark.parametrize("golden", sorted((ROOT / "tests/golden/help").glob("*.txt")), ids=lambda p: p.stem)
def test_the_reference_holds_every_help_page(golden: Path):
    text = (ROOT / "docs/reference/cli.md").read_text()
    pages = [words_of(block.text) for block in blocks(text)]
    assert words_of(golden.read_text()) in pages, f"put {name_of(golden)} into docs/reference/cli.md"


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """First code word to cells, of the tables under a heading."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, heading
    found: dict[str, list[str]] = {}
    for line in re.findall(r"^\|.*$", section[1], re.MULTILINE):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for name in re.findall(r"`(\w+)`", cells[0]):
            found[name] = cells
    return found


@pytest.mark.parametrize("heading", DEFAULTS_OF)
def test_the_reference_names_every_key_with_its_default(heading: str):
    table = rows((ROOT / "docs/reference/recipe.md").read_text(), heading)
    fields = {field.name: field for field in dataclasses.fields(DEFAULTS_OF[heading])}
    assert set(table) == set(fields)
    for name, field in fields.items():
        default = field.default if field.default is not dataclasses.MISSING else field.default_factory
        if default is dataclasses.MISSING:
            said = "required"
        elif default == "" or isinstance(default, (Augmentation, TableFormat)):
            said = "empty" if default == "" else "none"
        elif isinstance(default, (bool, type(None))):
            said = f"`{str(default).lower()}`"
        else:
            said = f"`{default() if callable(default) else default}`"
        assert table[name][1] == said, (heading, name)


def test_the_reference_names_every_family_option_objective_and_penalty():
    text = (ROOT / "docs/reference/recipe.md").read_text()
    families = rows(text, "Families")
    made = [*GENERATORS.values(), *TRANSLATORS.values(), *DISCRIMINATORS.values()]
    options = {name for family in made for name in inspect.signature(family).parameters} - COMMON
    # The family `residual` has the name of an option of mlp, so the sets may overlap.
    assert set(families) == {*GENERATORS, *TRANSLATORS, *DISCRIMINATORS} | options
    assert set(rows(text, "Objectives")) == set(OBJECTIVES)
    assert set(rows(text, "Penalties")) == set(PENALTIES)
    assert set(rows(text, "Terms")) == set(TERMS)


def test_the_how_to_names_every_recipe_and_every_built_in_name():
    table = (ROOT / "docs/how-to/recipes.md").read_text()
    assert set(RECIPES) == set(re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\| (`[^|]*)\|", table, re.M))))
    text = (ROOT / "docs/how-to/data.md").read_text()
    assert all(f"`{name}`" in text for name in NAMES)


@pytest.mark.parametrize(
    "words",
    [
        "trian digits",
        "train digits --minuts 3",
        "train digits --recipe residul",
        "train digits --set batc=3",
        "sample --seeds a-b",
    ],
)
def test_a_planted_fault_is_found(words: str):
    with pytest.raises(UsageError):
        check_gan(*shlex.split(words))


def test_commands_are_found_in_blocks():
    text = (
        "gan no block\n```sh\n$ A=1 gan data x  # comment\nmake demo CONSTRAINTS=\ngan train: an error\n```\n"
    )
    (block,) = blocks(text)
    assert list(commands(block)) == [["gan", "data", "x"], ["make", "demo", "CONSTRAINTS="]]
    with pytest.raises(AssertionError):
        check_make(["demmo"], "demo: setup\n")
