"""Pictures in shards: tables of Parquet and Arrow, tars of samples; and data at an address."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.data import load, scan
from ganforge.data.fetched import fetched, is_address

CLASSES = ("red", "green", "blue")


def picture(kind: int, number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 80, (16, 16, 3), np.uint8)
    pixels[..., kind] += 120
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def tar(path: Path, n: int, **more: list[str]) -> None:
    """Samples as WebDataset writes them: a picture, and a text for each further suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for i in range(n):
            parts = {"png": picture(i % 3, i), **{end: texts[i].encode() for end, texts in more.items()}}
            for end, content in parts.items():
                member = tarfile.TarInfo(f"{i:06d}.{end}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def test_tars_of_samples_are_one_set_with_classes(tmp_path: Path, cache: Path) -> None:
    for shard in range(2):
        tar(tmp_path / f"shards/train-{shard:04d}.tar", 30, cls=[str(i % 3) for i in range(30)])
    tar(tmp_path / "shards/test-0000.tar", 6, cls=["0"] * 6)
    both = load(tmp_path / "shards", cache=cache)
    assert both.scan.count == 60
    assert both.space.classes == ("0", "1", "2")
    # the brightest channel is the class: labels belong to their pictures
    assert (both.train.values.mean(axis=(2, 3)).argmax(axis=1) == both.train.labels).all()
    assert any("not read: the part test" in words for words in both.scan.warnings)
    one = scan(tmp_path / "shards/train-0000.tar", cache=cache)
    assert (one.count, sorted(one.classes)) == (30, ["0", "1", "2"])


def test_captions_lie_in_tars_of_samples(tmp_path: Path, cache: Path) -> None:
    tar(tmp_path / "shards/a.tar", 30, txt=[f"a {CLASSES[i % 3]} square" for i in range(30)])
    found = load(tmp_path / "shards", cache=cache)
    assert found.space.condition is not None
    assert found.space.condition.kind == "text"


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_tables_of_pictures_are_pictures_with_their_classes(form: str, tmp_path: Path, cache: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    told = {"info": {"features": {"label": {"_type": "ClassLabel", "names": CLASSES}}}}
    kinds = [i % 3 for i in range(40)]
    rows = [{"bytes": picture(kind, i), "path": None} for i, kind in enumerate(kinds)]
    table = arrow.table({"image": rows, "label": kinds})
    table = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    place = tmp_path / "set"
    place.mkdir()
    if form == "parquet":
        parquet.write_table(table, place / "train-00000-of-00001.parquet", row_group_size=16)
    else:
        path = str(place / "data-00000-of-00001.arrow")
        with arrow.OSFile(path, "wb") as file, arrow.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
        (place / "state.json").write_text("{}")
    (place / "README.md").write_text("a card")
    found = load(place, cache=cache)
    assert found.scan.count == 40
    assert sorted(found.space.classes) == sorted(CLASSES)
    names = np.array(found.space.classes)[found.train.labels]
    assert (np.array(CLASSES)[found.train.values.mean(axis=(2, 3)).argmax(axis=1)] == names).all()
    next(place.glob("*0001.*")).write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="it cannot be read"):
        load(place, cache=cache)


def test_data_at_an_address_are_fetched_once_and_again_where_they_change(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("GANFORGE_CACHE", str(cache))
    there = fsspec.filesystem("memory")
    for i in range(20):
        there.pipe(f"/photos/{i}.png", picture(i % 3, i))
    assert is_address("memory://photos")
    assert not is_address("photos")
    assert not is_address("C:/photos")
    assert load("memory://photos").scan.count == 20
    here = fetched("memory://photos")
    before = {path.name: path.stat().st_mtime_ns for path in here.iterdir()}
    there.rm("/photos/3.png")
    there.pipe("/photos/4.png", picture(0, 99) + b"more")
    again = load("memory://photos")
    assert again.scan.count == 19
    after = {path.name: path.stat().st_mtime_ns for path in here.iterdir()}
    assert before.keys() - after.keys() == {"3.png"}
    assert {name for name, when in after.items() if when != before[name]} == {"4.png"}
    for address, words in (
        ("memory://nothing", "there is nothing at memory://nothing"),
        ("nosuch://photos", "nosuch://photos cannot be reached"),
    ):
        with pytest.raises(DataError, match=words):
            load(address)
    there.rm("/photos", recursive=True)
