"""What lies beside pictures as people have it: the right condition, or one clear line; nothing unsaid."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.core.recipe import TableFormat
from ganforge.data import Dataset, load, scan

N = range(24)
FILES = [f"{i:04}.png" for i in N]
AB = ["ab"[i % 2] for i in N]


def _csv(head: str, rows: list[str]) -> str:
    return "\n".join([head] * bool(head) + rows) + "\n"


def _what(data: Dataset) -> tuple[str, tuple[str, ...]]:
    """The kind of condition, and its names."""
    condition = data.space.condition
    if condition is None:
        return ("class", data.space.classes) if data.space.classes else ("none", ())
    return condition.kind, () if condition.kind == "text" else condition.names


TYPES = ["Grass", "Fire", "Water", "Bug"]
POKEDEX = [
    {
        "id": i,
        "name": {"english": f"Mon{i}", "japanese": f"モン{i}"},
        "type": [TYPES[i % 4], TYPES[i // 4 % 4]][: 1 + i % 2],
        "base": {"HP": 20 + i},
    }
    for i in N
]

# A file's name and content, what becomes of it, and words of its warnings.
CASES: dict[str, tuple[str, Any, tuple[str, tuple[str, ...]], list[str]]] = {
    "coordinates": (
        "t.csv",
        _csv("file,x,y", [f"{f},{3 * i},{i % 5}" for i, f in enumerate(FILES)]),
        ("numbers", ("x", "y")),
        [],
    ),
    "y alone": (
        "t.csv",
        _csv("file,y", [f"{f},{i % 3}" for i, f in enumerate(FILES)]),
        ("class", ("0", "1", "2")),
        [],
    ),
    "a measured target": (
        "t.csv",
        _csv("file,target", [f"{f},{i / 7:.3f}" for i, f in enumerate(FILES)]),
        ("numbers", ("target",)),
        [],
    ),
    "ids without zeros": (
        "t.csv",
        _csv("id,label", [f"{i},{AB[i]}" for i in N]),
        ("class", ("a", "b")),
        ["numbers in the names agree only without leading zeros, as in 0000.png and 0 (column 'id')"],
    ),
    "an index beside the files": (
        "t.csv",
        _csv(",file,age", [f"{i},{f},{20 + i}" for i, f in enumerate(FILES)]),
        ("numbers", ("age",)),
        [],
    ),
    "absolute paths": (
        "t.csv",
        _csv("path,label", [rf"C:\data\train\{f},{AB[i]}" for i, f in enumerate(FILES)]),
        ("class", ("a", "b")),
        [],
    ),
    "no row of names": (
        "t.csv",
        _csv("", [f"{f},{AB[i]}" for i, f in enumerate(FILES)]),
        ("class", ("a", "b")),
        [],
    ),
    "decimal commas": (
        "t.csv",
        _csv("file;age;height", [f"{f};{20 + i};1,{70 + i}" for i, f in enumerate(FILES)]),
        ("numbers", ("age", "height")),
        [],
    ),
    "a class before names of persons": (
        "t.csv",
        _csv("file,name,age,sex", [f"{f},Person {i},{20 + i},{AB[i]}" for i, f in enumerate(FILES)]),
        ("class", ("a", "b")),
        ["t.csv: not used: name, age; --columns and --condition choose others"],
    ),
    "a split is no class": (
        "t.csv",
        _csv("file,split,age", [f"{f},{'train' if i < 16 else 'test'},{i}" for i, f in enumerate(FILES)]),
        ("numbers", ("age",)),
        ["t.csv: not used: split"],
    ),
    "yes and no": (
        "t.csv",
        _csv("file,hat", [f"{f},{'yes' if i % 3 else 'No'}" for i, f in enumerate(FILES)]),
        ("labels", ("hat",)),
        [],
    ),
    "commas in captions": (
        "t.csv",
        _csv("file,caption", [f"{f},a red, round thing, {i}" for i, f in enumerate(FILES)]),
        ("text", ()),
        ["24 rows have more than 2 cells (line 2): the rest is taken as part of the last one"],
    ),
    "CelebA's attributes": (
        "list.csv",
        "24\nA B\n" + "".join(f"{f} {1 - 2 * (i % 2)} {2 * (i % 3 == 0) - 1}\n" for i, f in enumerate(FILES)),
        ("labels", ("A", "B")),
        ["list.csv: line 1 is above the table, and not read: '24'"],
    ),
    "more rows than pictures": (
        "t.csv",
        _csv("file,label", [f"{i:04}.png,{'ab'[i % 2]}" for i in range(100)]),
        ("class", ("a", "b")),
        ["76 of its names are of no picture here: not used (0024.png, 0025.png, 0026.png and 73 more)"],
    ),
    "StyleGAN's classes": (
        "dataset.json",
        {"labels": [[f, i % 3] for i, f in enumerate(FILES)]},
        ("class", ("0", "1", "2")),
        [],
    ),
    "StyleGAN's vectors": (
        "dataset.json",
        {"labels": [[f, [i / 10, -i / 7]] for i, f in enumerate(FILES)]},
        ("numbers", ("0", "1")),
        [],
    ),
    "one of three": (
        "dataset.json",
        {"labels": [[f, [int(k == i % 3) for k in range(3)]] for i, f in enumerate(FILES)]},
        ("class", ("0", "1", "2")),
        [],
    ),
    "StyleGAN without labels": (
        "dataset.json",
        {"labels": None},
        ("none", ()),
        ["not used: dataset.json: no pic"],
    ),
    "a pokedex": (
        "pokedex.json",
        POKEDEX,
        ("labels", ("Bug", "Fire", "Grass", "Water")),
        ["without leading zeros", "not used: name.english, name.japanese, base.HP"],
    ),
    "words in a mapping": ("kinds.json", dict(zip(FILES, AB, strict=True)), ("class", ("a", "b")), []),
    "prices": (
        "prices.csv",
        _csv("day,price", [f"{i},{i * i}" for i in N]),
        ("none", ()),
        ["not used: prices.csv: no picture is named there"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_files_beside_pictures(make_folder: Callable[..., Path], cache: Path, name: str) -> None:
    folder = make_folder(24)
    file, content, expected, warnings = CASES[name]
    (folder / file).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    data = load(folder, cache=cache, held_out=0)
    assert data.scan.count == 24
    assert _what(data) == expected
    said = [line for line in data.scan.warnings if not line.startswith("only 24 pictures")]
    assert len(said) == len(warnings)
    for words in warnings:
        assert any(words in line for line in said), said


def test_values_of_conditions_are_those_of_the_file(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(24)
    (folder / "t.csv").write_text(
        _csv("file;age;height", [f"{f};{20 + i};1,{70 + i}" for i, f in enumerate(FILES)])
    )
    data = load(folder, cache=cache, held_out=0)
    assert data.train.rows is not None
    for row, i in zip(data.train.rows, data.train.origin, strict=True):
        assert row.tolist() == pytest.approx([20 + i, 1.7 + i / 100], abs=1e-6)
    (folder / "t.csv").unlink()
    (folder / "pokedex.json").write_text(json.dumps(POKEDEX))
    data = load(folder, cache=cache, held_out=0)
    names = ("Bug", "Fire", "Grass", "Water")
    assert data.train.rows is not None
    for row, i in zip(data.train.rows, data.train.origin, strict=True):
        assert {name for name, on in zip(names, row, strict=True) if on} == set(POKEDEX[int(i)]["type"])


def test_times_that_float32_cannot_tell_apart_are_refused(
    make_folder: Callable[..., Path], cache: Path
) -> None:
    folder = make_folder(24)
    rows = [f"{f},{1_700_000_000 + i},{i}" for i, f in enumerate(FILES)]
    (folder / "t.csv").write_text(_csv("file,time,age", rows))
    with pytest.raises(DataError, match=r"column 'time', 1700000000 to 1700000023, differ by too little"):
        load(folder, cache=cache)
    assert _what(load(folder, table=TableFormat(columns="age"), cache=cache)) == ("numbers", ("age",))


def test_names_that_are_no_utf8_are_found(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(24)
    for i, path in enumerate(sorted(folder.glob("*.png"))):
        os.rename(os.fsencode(path), os.fsencode(folder) + b"/K\xe4se%d.png" % i)
    rows = [f"Käse{i}.png,{AB[i]}" for i in N]
    (folder / "t.csv").write_text(_csv("file,label", rows), "latin-1")
    data = load(folder, cache=cache, held_out=0)
    assert data.space.classes == ("a", "b")
    assert data.scan.count == 24
    "\n".join(data.scan.lines()).encode("utf-8")  # can be printed


def test_columns_choose_what_is_asked_for(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(24)
    rows = [f"{f},{AB[i]},{'xyz'[i % 3]},{i}" for i, f in enumerate(FILES)]
    (folder / "labels.csv").write_text(_csv("file,colour,shape,age", rows))
    assert _what(load(folder, cache=cache)) == ("class", ("a", "b"))
    for columns, expected in [("shape", ("class", ("x", "y", "z"))), ("4", ("numbers", ("age",)))]:
        assert _what(load(folder, table=TableFormat(columns=columns), cache=cache)) == expected
    with pytest.raises(DataError, match=r"has --columns size: .*no column 'size'.* Columns: file, colour"):
        load(folder, table=TableFormat(columns="size"), cache=cache)


def test_a_table_that_cannot_be_read_stops_where_it_must_be_meant(
    make_folder: Callable[..., Path], cache: Path
) -> None:
    folder = make_folder(24)
    text = _csv("file,label", [f'{f},"{AB[i]}' if i == 20 else f"{f},{AB[i]}" for i, f in enumerate(FILES)])
    (folder / "labels.csv").write_text(text)
    with pytest.raises(DataError, match=r"labels.csv of .* line 22: a double quote is opened and not closed"):
        scan(folder, cache=cache)
    (folder / "labels.csv").rename(folder / "other.csv")
    assert any("other.csv is not used: line 22" in line for line in scan(folder, cache=cache).warnings)


def test_only_one_file_speaks_and_the_others_are_named(make_folder: Callable[..., Path], cache: Path) -> None:
    make_folder(12, sub="cats")
    folder = make_folder(12, sub="dogs")
    names = [f"{sub}/{i:04}.png" for sub in ("cats", "dogs") for i in range(12)]
    for file in ("a.csv", "b.csv"):
        (folder / file).write_text(_csv("file,label", [f"{f},{AB[i]}" for i, f in enumerate(names)]))
    data = load(folder, cache=cache)
    assert data.space.classes == ("a", "b")
    assert "not used: b.csv: what pictures say is read from a.csv alone" in data.scan.warnings
    assert "the subfolders are not the classes: a.csv says them" in data.scan.warnings


def test_boxes_of_coco_are_told_what_makes_classes(tmp_path: Path) -> None:
    boxes = {"images": [{"id": 0, "file_name": "0.png"}], "annotations": [{"image_id": 0, "category_id": 1}]}
    for i in range(3):
        Image.fromarray(np.full((16, 16, 3), 60 * i, np.uint8)).save(tmp_path / f"{i}.png")
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    said = " ".join(scan(tmp_path, cache=tmp_path.with_name("cache")).warnings)
    assert "boxes.json is not used: its annotations are no captions; for classes: a csv with columns" in said
