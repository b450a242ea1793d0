"""Captions, labels, numbers and classes beside pictures, and what a condition makes of them."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganforge.core.condition import Condition, phrases
from ganforge.core.errors import DataError
from ganforge.data import Dataset, Loader, load, made, scan
from ganforge.data.conditions import beside, words_of_name
from ganforge.data.facts import MAX_BYTES
from ganforge.data.readers import Source
from ganforge.data.words import as_known, text_condition

COLOURS = ("red", "green", "blue")


def _said(data: Dataset) -> dict[int, set[str]]:
    """Number of each example in its source, to the phrases that its row holds."""
    condition = data.space.condition
    assert condition is not None
    found: dict[int, set[str]] = {}
    for part in (data.train, data.held_out):
        assert part.rows is not None
        for origin, row in zip(part.origin, part.rows, strict=True):
            found[int(origin)] = {condition.names[k] for k in row if k >= 0}
    return found


def _caption(i: int) -> str:
    return f"A {COLOURS[i % 3]} thing, a {COLOURS[i % 2]} thing"


CAPTION_FILES: dict[str, Any] = {
    "stems.json": {f"{i:04}": _caption(i) for i in range(30)},
    "names.json": {f"{i:04}.png": [_caption(i)] for i in range(30)},
    "records.json": [{"file_name": f"{i:04}.png", "text": _caption(i)} for i in range(30)],
    "coco.json": {
        "images": [{"id": i, "file_name": f"{i:04}.png"} for i in range(30)],
        "annotations": [{"id": 9, "image_id": i, "caption": _caption(i)} for i in range(30)],
    },
    "metadata.jsonl": "\n".join(
        json.dumps({"file_name": f"{i:04}.png", "text": _caption(i)}) for i in range(30)
    ),
    "captions.csv": "file,caption\n" + "".join(f'{i:04}.png,"{_caption(i)}"\n' for i in range(30)),
    "semicolons.csv": "\ufefffile;words\n" + "".join(f"{i:04};{_caption(i)}\n" for i in range(30)),
    "no_header.tsv": "".join(f"{i:04}.png\t{_caption(i)}\n" for i in range(30)),
}


@pytest.mark.parametrize("name", CAPTION_FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_captions(
    make_folder: Callable[..., Path], cache: Path, tmp_path: Path, name: str, packed: bool
) -> None:
    folder = make_folder(30)
    content = CAPTION_FILES[name]
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    what = folder
    if packed:
        what = tmp_path / "packed.zip"
        with zipfile.ZipFile(what, "w") as archive:
            for path in folder.iterdir():
                archive.write(path, f"top/{path.name}")
    data = load(what, cache=cache)
    condition = data.space.condition
    assert condition is not None
    assert condition.kind == "text"
    said = _said(data)
    assert len(said) == 30
    assert {"a", "red", "green", "thing", "red thing", "a red"} <= set(condition.names)
    for i, found in said.items():
        assert found <= set(phrases(_caption(i)))
        assert {"a", COLOURS[i % 3], f"{COLOURS[i % 3]} thing"} <= found
    assert len(condition.examples) == 27
    assert condition.captions[0].startswith("A ")
    batch = Loader(data.train, data.space, seed=0).batch_at(0, 27)
    assert batch.condition is not None
    assert batch.condition.shape == (27, condition.size)
    assert torch.allclose(batch.condition.square().sum(1), torch.ones(27))
    again = load(what, cache=cache)
    assert again.space == data.space
    assert (again.train.rows == data.train.rows).all()
    assert again.manifest == data.manifest
    lines = data.scan.lines()
    assert f"condition: captions for 30 examples from {'top/' if packed else ''}{name}" in lines
    assert sum(line.startswith("caption: A ") for line in lines) == 3


def test_deals_with_captions_are_resumed_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "PICTURES", 500)
    data = load("captioned-shapes")
    loader = Loader(data.train, data.space, seed=5, mirror=True)
    whole = loader.batch_at(300, 400)
    fresh = Loader(data.train, data.space, seed=5, mirror=True)
    pieces = [fresh.batch_at(300 + i, 100) for i in (0, 100, 200, 300)]
    assert torch.equal(torch.cat([piece.condition for piece in pieces]), whole.condition)
    assert torch.equal(torch.cat([piece.real for piece in pieces]), whole.real)
    assert torch.equal(loader.at(np.array([3, 4])).condition[1], loader.at(np.array([4])).condition[0])


def test_several_captions_do_not_run_together() -> None:
    texts = [("a red hat", "blue sea"), ("red hat",), ("hat blue",), ("hat blue", "sea")] * 2
    condition, rows = text_condition(texts, 0)
    said = {condition.names[k] for k in rows[0] if k >= 0}
    assert said == {"a", "red", "hat", "blue", "sea", "a red", "red hat", "blue sea"}
    assert condition.captions[0] == "a red hat. blue sea"


def test_vocabulary_is_of_the_training_part_and_bounded() -> None:
    texts = [("unseen word",), ("seen word",), ("once here",), ("seen word", "x" * 500)]
    condition, rows = text_condition(texts, 1)
    assert condition.names[:3] == ("seen", "seen word", "word")  # by number, then by the alphabet
    assert set(condition.names[3:]) == {"here", "once", "x" * 500}  # a pair counts from the second time on
    assert [k for k in rows[0] if k >= 0] == [condition.names.index("word")]
    assert all(len(caption) <= 120 for caption in condition.captions)
    many = [(f"w{i} v{i % 7}",) for i in range(6000)]
    condition, rows = text_condition(many, 0)
    assert condition.size == 4096
    assert condition.names[:7] == tuple(f"v{i}" for i in range(7))
    assert len(condition.examples) == len(condition.captions) == 64
    assert Condition.from_json(json.loads(json.dumps(condition.to_json()))) == condition
    long = [(" ".join(f"w{i}" for i in range(1000)),)] * 3
    assert text_condition(long, 0)[1].shape == (3, 128)
    with pytest.raises(DataError, match="no words"):
        text_condition([("!",), ("?",)], 0)


def test_rows_as_players_know_them() -> None:
    now, rows = text_condition([("red hat",), ("blue hat",), ("new word",)], 0)
    then, _ = text_condition([("blue sea",), ("red hat",), ("blue hat",)], 0)
    known = as_known(rows, now, then)
    said = [{then.names[k] for k in row if k >= 0} for row in known]
    assert said == [{"red", "hat"}, {"blue", "hat"}, set()]
    assert (then.vectors(torch.from_numpy(known))[2] == 0).all()
    assert as_known(rows, now, now) is rows
    with pytest.raises(DataError, match=r"the data say captions .* the run knows 2 classes"):
        as_known(rows, now, Condition.of_classes(["a", "b"]))


def _table(folder: Path, columns: dict[str, list[Any]], name: str = "table.csv") -> None:
    with open(folder / name, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _files(n: int = 30) -> list[str]:
    return [f"{i:04}.png" for i in range(n)]


def test_labels(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(30)
    _table(folder, {"image_id": _files(), "smile": [i % 2 for i in range(30)], "hat": [1] * 15 + [0] * 15})
    data = load(folder, cache=cache)
    condition = data.space.condition
    assert condition is not None
    assert (condition.kind, condition.names) == ("labels", ("smile", "hat"))
    for part in (data.train, data.held_out):
        assert (part.rows == np.stack([part.origin % 2, part.origin < 15], 1)).all()
    batch = Loader(data.train, data.space, seed=0).batch_at(0, 9)
    assert set(batch.condition.unique().tolist()) == {0.0, 1.0}
    assert "condition: 2 labels from table.csv: smile 15, hat 15" in data.scan.lines()
    _table(folder, {"image_id": _files(), "smile": [-1, 1] * 15})  # as CelebA has them
    data = load(folder, cache=cache)
    assert (data.train.rows[:, 0] == data.train.origin % 2).all()
    (folder / "table.csv").unlink()
    facts = {f"{i:04}": {"smile": i % 2 == 1, "hat": 0} for i in range(30)}
    (folder / "labels.json").write_text(json.dumps(facts))
    data = load(folder, condition="labels", cache=cache)
    assert data.space.condition.names == ("smile", "hat")
    assert (data.train.rows[:, 0] == data.train.origin % 2).all()


def test_numbers(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(30)
    _table(folder, {"path": _files(), "age": list(range(30)), "size": [5.0] * 30, "smile": [0, 1] * 15})
    data = load(folder, cache=cache)
    condition = data.space.condition
    assert condition is not None
    assert (condition.kind, condition.names) == ("numbers", ("age", "size", "smile"))
    ages = data.train.origin.astype(float)
    assert condition.mean[:2] == pytest.approx((ages.mean(), 5.0))  # of the training part alone
    assert condition.deviation[:2] == pytest.approx((ages.std(), 1.0))
    whole = Loader(data.train, data.space, seed=0).batch_at(0, 27).condition
    assert whole[:, 0].mean().item() == pytest.approx(0, abs=1e-5)
    assert whole[:, 0].std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert "condition: 3 numbers from table.csv: age 0 … 29, size 5 … 5, smile 0 … 1" in data.scan.lines()
    assert load(folder, condition="labels", cache=cache).space.condition.names == ("smile",)


def test_classes_from_a_table(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(30)
    _table(folder, {"file": _files(), "label": [COLOURS[i % 3] for i in range(30)]})
    data = load(folder, cache=cache)
    assert data.space.condition is None
    assert data.space.classes == ("blue", "green", "red")
    assert [data.space.classes[k] for k in data.train.labels] == [COLOURS[i % 3] for i in data.train.origin]
    assert "note: 3 classes from table.csv" in data.scan.lines()
    _table(folder, {"file": _files(), "label": [(2, 10, 1)[i % 3] for i in range(30)]})
    assert load(folder, cache=cache).space.classes == ("1", "2", "10")  # as numbers, not as words
    (folder / "table.csv").unlink()
    pairs = {"labels": [[name, i % 2] for i, name in enumerate(_files())]}
    (folder / "dataset.json").write_text(json.dumps(pairs))
    assert load(folder, condition="class", cache=cache).space.classes == ("0", "1")


def test_folders_are_classes_unless_something_else_is_asked(
    make_folder: Callable[..., Path], cache: Path
) -> None:
    make_folder(15, sub="cats")
    folder = make_folder(15, sub="dogs")
    captions = {f"{sub}/{i:04}.png": f"{sub} {i % 3}" for sub in ("cats", "dogs") for i in range(15)}
    (folder / "captions.json").write_text(json.dumps(captions))
    data = load(folder, cache=cache)
    assert data.space.classes == ("cats", "dogs")  # both are known
    assert data.space.condition.kind == "text"
    for i, said in _said(data).items():
        assert ("cats" in said) == (i < 15)
    plain = load(folder, condition="class", cache=cache)
    assert plain.space.condition is None
    assert plain.train.rows is None
    assert plain.space.classes == ("cats", "dogs")
    (folder / "captions.json").unlink()
    assert load(folder, cache=cache).manifest["fingerprint"] == plain.manifest["fingerprint"]


def test_stems_that_two_pictures_share_name_neither(make_folder: Callable[..., Path], cache: Path) -> None:
    make_folder(15, sub="a")
    folder = make_folder(15, sub="b")
    (folder / "captions.json").write_text(json.dumps({f"{i:04}": "word" for i in range(15)}))
    with pytest.raises(DataError, match=r"captions.json of .* it names none of the pictures"):
        load(folder, cache=cache)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gui/skills/air_magic.png", "air magic"),
        ("AirMagic-2.PNG", "air magic"),
        ("0001.png", ""),
        ("a/été_vert 3.jpeg", "été vert"),
        ("two.dots.png", "two dots"),
    ],
)
def test_words_of_names(name: str, words: str) -> None:
    assert words_of_name(name) == words


def test_names_as_captions(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(30)
    for i in range(28):
        (folder / f"{i:04}.png").rename(folder / f"{COLOURS[i % 3]}_thing{i}.png")
    data = load(folder, condition="names", cache=cache)
    assert data.scan.count == 28
    assert set().union(*_said(data).values()) == {*COLOURS, "thing", *(f"{c} thing" for c in COLOURS)}
    skipped = [(file.name, file.reason) for file in data.scan.skipped]
    assert skipped == [(f"{i:04}.png", "no caption in the files' names") for i in (28, 29)]
    assert any("2 of 30 pictures are left out" in line for line in data.scan.warnings)
    with pytest.raises(DataError, match="these examples are no files"):
        load("ring", condition="names")


def test_pictures_without_a_caption_are_left_out_and_listed(
    make_folder: Callable[..., Path], cache: Path
) -> None:
    folder = make_folder(30)
    (folder / "captions.json").write_text(json.dumps({f"{i:04}": "word" for i in range(20)}))
    says = r"10 of 30 pictures have no caption in captions.json .*, or .* other 20 alone: --condition text"
    with pytest.raises(DataError, match=says):
        load(folder, cache=cache)
    data = load(folder, condition="text", cache=cache)
    assert data.scan.count == 20
    assert {file.reason for file in data.scan.skipped} == {"no caption in captions.json"}
    assert not data.scan.too_many_bad
    assert data.scan.warnings[0] == "10 of 30 pictures are left out: no caption in captions.json"
    (folder / "captions.json").write_text(json.dumps({f"{i:04}": "word" for i in range(10)}))
    few = load(folder, cache=cache)
    assert few.space.condition is None
    assert few.scan.count == 30
    said = "captions.json speaks of 10 of 30 pictures only, and is not used; to train on those alone"
    assert f"{said}: --condition text" in few.scan.warnings
    (folder / "captions.json").write_text(json.dumps({f"{i:04}": "word" for i in range(29)}))
    assert load(folder, cache=cache).scan.warnings[0] == (
        "1 of 30 pictures are left out: no caption in captions.json"
    )
    (folder / "captions.json").write_text(json.dumps({f"{i:04}": "word" for i in range(10)}))
    assert load(folder, condition="text", cache=cache).scan.count == 10
    (folder / "captions.json").write_text(json.dumps({"0000": "word", "x": "word"}))
    with pytest.raises(DataError, match="something of 1 of 30 pictures"):
        load(folder, condition="text", cache=cache)


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("class", "there are no classes: put pictures into a subfolder"),
        ("labels", "there are no labels: put a csv"),
        ("numbers", "there are no numbers: put a csv"),
        ("text", "there are no captions: put captions.json"),
        ("texts", "condition is 'texts'; it can be auto, .*Did you mean 'text'"),
    ],
)
def test_what_is_asked_for_must_be_there(
    make_folder: Callable[..., Path], cache: Path, condition: str, says: str
) -> None:
    folder = make_folder(12)
    with pytest.raises(DataError, match=says) as caught:
        load(folder, condition=condition, cache=cache)
    assert "\n" not in str(caught.value)


SEVEN = {"file": _files(), "label": [*range(29), "seven"]}
HALF = {"file": _files(), "label": [*range(29), 1.5]}
OLD = {"file": _files(), "age": [*range(29), "old"]}
TWICE = {"file": [*_files(), "0003.png"], "age": range(31)}


@pytest.mark.parametrize(
    ("columns", "condition", "says"),
    [
        (SEVEN, "auto", "column 'label', line 31: 'seven' is not a number like the others"),
        (SEVEN, "class", "column 'label', line 31: 'seven' is not a number like the others"),
        (HALF, "class", "column 'label', line 31: class 1.5 is not a whole number"),
        (OLD, "auto", "column 'age', line 31: 'old' is not a number like the others"),
        (TWICE, "auto", "line 32: a second row for 0003.png says something else"),
        ({"file": _files(), "age": range(30)}, "labels", "there are no labels"),
        ({"file": _files(), "age": range(30)}, "class", "there are no classes"),
        ({"file": [f"x{i + 500}" for i in range(30)], "age": range(30)}, "numbers", "there are no numbers"),
    ],
)
def test_mistakes_in_a_table_are_named(
    make_folder: Callable[..., Path], cache: Path, columns: dict[str, Any], condition: str, says: str
) -> None:
    folder = make_folder(30)
    _table(folder, {name: list(cells) for name, cells in columns.items()})
    with pytest.raises(DataError, match=says) as caught:
        load(folder, condition=condition, cache=cache)
    assert "\n" not in str(caught.value)


def test_rows_with_an_empty_cell_are_left_out(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(30)
    for nothing in ("", "nan", "NA", "#N/A"):
        _table(folder, {"file": _files(), "age": [nothing, *range(29)], "other": [""] * 30})
        data = load(folder, cache=cache)
        assert data.space.condition.names == ("age",)
        assert [(file.name, file.reason) for file in data.scan.skipped] == [
            ("0000.png", "no row without gaps in table.csv")
        ]
        assert "1 of 30 pictures are left out: no row without gaps in table.csv" in data.scan.warnings


HOSTILE: dict[str, str | bytes] = {
    "deep": "[" * 100_000,
    "deep mapping": '{"a":' * 100_000,
    "a number of a million digits": '{"0001": ' + "9" * 1_000_000 + "}",
    "no json": "this is {no json",
    "bytes": b"\xff\xfe\x00\x01" * 100,
    "empty": "",
    "a bare word": '"0001.png"',
    "nothing": "{}",
    "many lists": "[" + "[]," * 2_100_000 + "[]]",
    "numbers and lists": '{"0001": [[1, 2], {"a": 3}], "0002": 7, "0003": null, "x": "y"}',
    "code": '{"__reduce__": ["os.system", "touch HACKED"]}',
    "coco without captions": '{"images": [], "annotations": [7]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_captions_cost_one_line(
    make_folder: Callable[..., Path],
    cache: Path,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = make_folder(12)
    content = HOSTILE[name]
    (folder / "captions.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    for condition in ("auto", "text"):
        with pytest.raises(DataError) as caught:
            load(folder, condition=condition, cache=cache)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400
        assert "captions.json" in str(caught.value)
    assert not (tmp_path / "HACKED").exists()
    (folder / "captions.json").rename(folder / "other.json")  # then it is none of ours
    assert load(folder, cache=cache).scan.count == 12


def test_huge_captions_are_not_read(make_folder: Callable[..., Path], cache: Path, tmp_path: Path) -> None:
    folder = make_folder(12)
    with open(folder / "captions.json", "wb") as file:
        file.write(b'{"0001": "word"')
        file.truncate(1 << 30)
    with pytest.raises(DataError, match="it has 1,024 MiB, and at most 64 are read; mend or remove it"):
        load(folder, cache=cache)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.glob("*.png"):
            archive.write(path, path.name)
        archive.writestr("captions.json", b" " * (MAX_BYTES + 1))
    with pytest.raises(DataError, match=r"captions.json of .*bomb.zip cannot be used: a zip bomb"):
        load(tmp_path / "bomb.zip", cache=cache)


def test_other_files_are_none_of_ours(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(12)
    (folder / "settings.json").write_text('{"size": 3}')
    (folder / "prices.csv").write_text("day,price\n1,2\n2,3\n")
    (folder / "broken.json").write_text("{")
    data = load(folder, cache=cache)
    assert data.space.condition is None
    assert data.scan.ignored == 3
    assert any("broken.json is not used: it is not valid json" in line for line in data.scan.warnings)
    assert any("not used: prices.csv, settings.json: no picture" in line for line in data.scan.warnings)


def test_arrays_with_captions_and_several_labels(tmp_path: Path, cache: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (30, 8, 9), dtype=np.uint8)
    captions = np.array([_caption(i) for i in range(30)])
    np.savez(tmp_path / "text.npz", images=values, captions=captions)
    assert _said(load(tmp_path / "text.npz", cache=cache))[4] >= {"a", "green thing", "red"}
    labels = np.array([[1, i % 2] for i in range(30)])
    np.savez(tmp_path / "labels.npz", images=values, labels=labels, classes=np.array(["one", "odd"]))
    data = load(tmp_path / "labels.npz", cache=cache)
    assert data.space.condition.names == ("one", "odd")
    assert (data.train.rows[:, 1] == data.train.origin % 2).all()
    with pytest.raises(DataError, match="there are no numbers"):
        load(tmp_path / "labels.npz", condition="numbers", cache=cache)


def test_captions_and_pairs_together(make_folder: Callable[..., Path], cache: Path) -> None:
    photos, maps = make_folder(30, name="photos"), make_folder(30, name="maps")
    (photos / "captions.json").write_text(json.dumps({f"{i:04}": _caption(i) for i in range(29)}))
    data = load(photos, source=str(maps), cache=cache)
    assert (data.scan.count, data.space.condition.kind) == (29, "text")
    assert (data.train.sources == data.train.values).all()
    batch = Loader(data.train, data.space, seed=0, source=str(maps)).batch_at(0, 4)
    assert batch.source is not None
    assert batch.condition is not None
    (maps / "captions.json").write_text("junk")  # of the inputs: nobody asks
    load(photos, source=str(maps), paired=False, cache=cache)


def test_captioned_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "PICTURES", 1500)
    data = load("captioned-shapes")
    assert data.space.shape == (3, 32, 32)
    condition = data.space.condition
    assert condition is not None
    assert {"red circle", "purple cross", "a blue", "cross a"} <= set(condition.names)
    assert condition.size < 60
    # A red circle alone is red where it is drawn.
    alone = condition.read("a red circle")
    same = (condition.vectors(torch.from_numpy(data.train.rows)) == alone).all(1).numpy()
    assert 8 < same.sum() < 60
    brightest = data.train.values[same].max(axis=(2, 3))
    assert (brightest[:, 0] > 190).all()
    assert (brightest[:, 1:] < 60).all()
    assert scan("captioned-shapes").found[0] == "condition: captions for 1,500 examples"


def test_emoji(shared_data: Path) -> None:
    found = beside(Source.of(shared_data / "noto_emoji72.zip"), "auto", None)
    assert found is not None
    assert found.texts is not None
    assert (len(found.texts), len(found.skipped)) == (3_530, 53)
    condition, rows = text_condition(list(found.texts.values()), 500)
    assert rows.shape[0] == 3_530
    assert 3_000 < condition.size <= 4_096
    assert {"red", "apple", "heart", "skin tone"} <= set(condition.names)


def test_tiles(shared_data: Path) -> None:
    found = beside(Source.of(shared_data / "crawl_tiles32.zip"), "names", None)
    assert found is not None
    assert found.texts is not None
    assert (len(found.texts), len(found.skipped)) == (4_061, 14)
    assert found.texts["png/gui/skills/air_magic.png"] == ("air magic",)
    assert {"red", "sword"} <= set(text_condition(list(found.texts.values()), 500)[0].names)


def test_captions_beside_each_picture(make_folder: Callable[..., Path], cache: Path) -> None:
    """As most sets of captions lie on disk: ``a.png`` and ``a.txt``, a caption a line."""
    folder = make_folder(30)
    pictures = sorted(folder.iterdir())
    for i, path in enumerate(pictures):
        path.with_suffix(".txt").write_text(f"{_caption(i)}\nit is {COLOURS[i % 3]}\n", "utf-8")
    assert "condition: captions for 30 examples from the .txt beside each file, 30 of them with several" in (
        scan(folder, cache=cache).lines()
    )
    assert {"red thing", "it is"} <= set().union(*_said(load(folder, cache=cache)).values())
    # Ten without a caption are no matter to pass over.
    for path in pictures[:10]:
        path.with_suffix(".txt").write_text("")
    with pytest.raises(DataError, match=r"10 of 30 pictures have no caption in the \.txt beside each file"):
        load(folder, cache=cache)


def test_texts_beside_pictures_that_are_no_captions(make_folder: Callable[..., Path], cache: Path) -> None:
    """Boxes in numbers, and captions beside a table of classes: named, and not used."""
    folder = make_folder(20)
    pictures = sorted(folder.iterdir())
    for path in pictures:
        path.with_suffix(".txt").write_text("0 0.5 0.5 0.1 0.1\n")
    found = scan(folder, cache=cache)
    assert "not used: 20 .txt of the pictures' names: there are no words in them" in found.warnings
    for path in pictures:
        path.with_suffix(".txt").write_text("a thing\n")
    rows = "".join(f"{path.name},{'ab'[i % 2]}\n" for i, path in enumerate(pictures))
    (folder / "labels.csv").write_text(f"file,label\n{rows}")
    found = scan(folder, cache=cache)
    assert found.classes == {"a": 10, "b": 10}
    assert any(words.startswith("not used: 20 .txt of the pictures' names") for words in found.warnings)


def test_one_class_in_several_spellings_is_named(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(30)
    names = sorted(path.name for path in folder.iterdir())
    rows = "".join(f"{name},{('cat', 'Cat', 'dog')[i % 3]}\n" for i, name in enumerate(names))
    (folder / "labels.csv").write_text(f"file,label\n{rows}")
    warnings = scan(folder, cache=cache).warnings
    assert any("2 classes are one name in several spellings: 'Cat', 'cat'" in words for words in warnings)
