"""Cache, split, classes, duplicates and report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DataError, MachineError
from ganforge.core.recipe import TableFormat
from ganforge.data import Scan, load, loading, scan
from ganforge.data import cache as caches
from ganforge.data.duplicates import find_duplicates
from ganforge.data.layouts import classes_from_folders
from ganforge.data.split import cut_off, split_order, usual_share


def _folders(cache: Path) -> list[Path]:
    return sorted(path for path in cache.iterdir() if path.is_dir())


def test_second_load_decodes_nothing(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(30)
    calls: list[tuple[int, int]] = []
    first = load(folder, cache=cache, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1] > 0
    assert calls == sorted(calls)
    other = make_folder(30, name="other")
    (other / "bad.png").write_bytes(b"")
    load(other, cache=cache, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (62, 62)  # a bad file counts as done
    calls.clear()
    second = load(folder, cache=cache, progress=lambda done, total: calls.append((done, total)))
    assert not calls
    assert isinstance(second.train.values, np.memmap)
    assert (first.train.values == second.train.values).all()
    assert first.manifest == second.manifest
    json.dumps(first.manifest)
    assert len(_folders(cache)) == 2


def test_changed_source_or_wish_is_another_cache(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(30)
    before = load(folder, cache=cache)
    assert load(folder, size=8, cache=cache).space.shape == (3, 8, 8)
    Image.new("RGB", (16, 16)).save(folder / "new.png")
    after = load(folder, cache=cache)
    assert after.scan.count == 31
    assert after.manifest["fingerprint"] != before.manifest["fingerprint"]
    os.utime(folder / "new.png", (1, 1))
    assert load(folder, cache=cache).manifest["fingerprint"] == after.manifest["fingerprint"]
    assert len(_folders(cache)) == 4


@pytest.mark.parametrize("colours", [3, 1], ids=["kept as decoded", "finished in place"])
def test_decoded_pictures_take_no_room_twice(
    colours: int, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are brought into their order where they lie; the same bytes as by a copy."""
    folder = tmp_path / "many"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, colours), np.uint8)
    for i, one in enumerate(np.broadcast_to(pixels, (40, 16, 16, 3))):  # stored in colour, one is found
        Image.fromarray(np.ascontiguousarray(one)).save(folder / f"{i}.png")
    copied: list[bool] = []
    gather = loading._gather
    monkeypatch.setattr(loading, "_gather", lambda *args: copied.append(True) or gather(*args))
    here = load(folder, cache=cache)
    assert not copied
    monkeypatch.setattr(loading, "_AXES", 0)
    there = load(folder, cache=tmp_path / "other")
    assert here.manifest == there.manifest
    assert here.space.shape[0] == colours
    one, other = (next(place.glob("*/examples.npy")).read_bytes() for place in (cache, tmp_path / "other"))
    assert one == other


def test_what_nobody_asks_for_leaves_the_cache(
    make_folder: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["old", "large", "asked-for"]
    for name in names:
        load(make_folder(30, name=name), cache=cache)
    kept = {Path(entry.source).name: entry for entry in caches.entries(cache)}
    assert set(kept) == set(names)
    assert all(entry.count == 30 and entry.size > 30 * 3 * 16 * 16 for entry in kept.values())
    for name, days in (("old", 91), ("large", 2), ("asked-for", 80)):
        when = time.time() - days * 86_400
        os.utime(kept[name].folder / "manifest.json", (when, when))
    load(make_folder(30, name="asked-for"), cache=cache)  # which counts as used
    assert len(caches.entries(cache)) == 3
    caches.prune(cache)
    assert {Path(entry.source).name for entry in caches.entries(cache)} == {"large", "asked-for"}
    monkeypatch.setattr(caches, "_MOST", kept["large"].size)
    caches.prune(cache)
    assert {Path(entry.source).name for entry in caches.entries(cache)} == {"asked-for"}


@pytest.mark.parametrize("name", ["examples.npy", "labels.npy", "order.npy", "manifest.json"])
@pytest.mark.parametrize("how", ["flip", "cut", "remove"])
def test_damaged_cache_is_made_anew(
    make_folder: Callable[..., Path], cache: Path, name: str, how: str
) -> None:
    make_folder(8, sub="a")
    folder = make_folder(8, sub="b")
    good = load(folder, cache=cache)
    values = np.array(good.train.values)
    target = _folders(cache)[0] / name
    content = bytearray(target.read_bytes())
    if how == "flip":
        content[len(content) // 2 if name != "manifest.json" else 0] ^= 0xFF
        target.write_bytes(content)
    elif how == "cut":
        target.write_bytes(content[:-3])
    else:
        target.unlink()
    again = load(folder, cache=cache)
    assert (again.train.values == values).all()
    assert again.manifest["notes"][-1] == "the cache was damaged and has been made anew"
    assert load(folder, cache=cache).manifest == good.manifest


def test_large_files_are_sampled(
    make_folder: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "_WHOLE", 1000)
    folder = make_folder(30)
    good = load(folder, cache=cache)
    assert load(folder, cache=cache).manifest == good.manifest
    target = _folders(cache)[0] / "examples.npy"
    content = bytearray(target.read_bytes())
    content[-1] ^= 1
    target.write_bytes(content)
    assert "made anew" in load(folder, cache=cache).manifest["notes"][-1]


def test_full_disk(make_folder: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    folder = make_folder(12)
    monkeypatch.setattr(caches.os, "fsync", full)
    with pytest.raises(MachineError, match=r"full; .* GANFORGE_CACHE"):
        load(folder, cache=cache)
    monkeypatch.undo()
    assert not list(cache.iterdir())
    assert load(folder, cache=cache).scan.count == 12


def test_strays_of_killed_processes_go(make_folder: Callable[..., Path], cache: Path) -> None:
    for name, age in ((".writing-old", 200_000), (".writing-new", 0)):
        (cache / name).mkdir()
        os.utime(cache / name, (time.time() - age,) * 2)
    load(make_folder(12), cache=cache)
    assert [path.name for path in cache.glob(".writing-*")] == [".writing-new"]


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "named"))
    assert caches.cache_folder() == tmp_path / "named"
    monkeypatch.delenv("GANFORGE_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert caches.cache_folder() == tmp_path / "home" / ".cache" / "ganforge"
    # A home that cannot be written, for root too: a file stands in its place.
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "blocked"))
    monkeypatch.setattr(caches.tempfile, "tempdir", str(tmp_path))
    assert caches.cache_folder().parent == tmp_path
    with pytest.raises(MachineError, match="cannot be written"):
        caches.cache_folder(tmp_path / "blocked" / "below")


def test_names_beyond_ascii_and_long(make_folder: Callable[..., Path], cache: Path, tmp_path: Path) -> None:
    deep = tmp_path / "Bücher 本 🎨" / "/".join(["d" * 200] * 12)
    os.makedirs(deep)
    for i in range(4):
        Image.new("RGB", (8, 8), (i, 0, 0)).save(deep / f"ü{i}.png")
    os.rename(deep / "ü0.png", os.fsencode(deep) + b"/\xff\xfe.png")  # no text in any encoding
    (deep / "öde.png").write_bytes(b"")
    report = scan(tmp_path / "Bücher 本 🎨", cache=cache)
    assert report.count == 4
    assert report.skipped[0].name.endswith("öde.png")
    "\n".join(report.lines()).encode()


def test_split_is_fixed_and_apart(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(50)
    one, other = load(folder, cache=cache), load(folder, cache=cache, seed=9)
    assert one.held_out.n == 5
    assert one.train.n == 45
    assert (one.held_out.origin == other.held_out.origin).all()
    assert sorted([*one.held_out.origin, *one.train.origin]) == list(range(50))
    assert load(folder, cache=cache, held_out=0).held_out.n == 0
    assert load(folder, cache=cache, held_out=0.001).held_out.n == 1
    assert load(make_folder(10, name="ten"), cache=cache).held_out.n == 0
    assert load("gaussian", held_out=0.5).held_out.n == 10_000


def test_duplicates_lie_on_one_side(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(40)
    for i in range(40):
        for copy in range(i % 4):
            (folder / f"copy{copy}-{i}.png").write_bytes((folder / f"{i:04}.png").read_bytes())
    for share in (0.02, 0.1, 0.3, 0.5, 0.9):
        data = load(folder, cache=cache, held_out=share)
        held = {row.tobytes() for row in data.held_out.values}
        train = {row.tobytes() for row in data.train.values}
        assert held
        assert train
        assert not held & train
    assert data.scan.exact_duplicates == 60
    assert any("repeat another" in warning for warning in data.scan.warnings)


def test_split_order_by_property() -> None:
    rng = np.random.default_rng(0)
    for trial in range(30):
        n = int(rng.integers(11, 300))
        group = rng.integers(0, max(1, n // (1 + trial % 5)), n)
        order = split_order(group)
        assert sorted(order) == list(range(n))
        ordered = group[order]
        assert (np.diff(ordered) != 0).sum() == len(np.unique(group)) - 1  # each group in one piece
        cut = cut_off(ordered, 0.2)
        assert not set(ordered[:cut]) & set(ordered[cut:])
    assert cut_off(np.zeros(50, int), 0.2) == 0  # fifty times the same picture cannot be split
    large = np.concatenate([np.zeros(600, int), np.arange(1, 401)])
    assert cut_off(large[split_order(large)], 0.1) == 100  # one large group moves no cut


def test_near_duplicates(tmp_path: Path, cache: Path, make_folder: Callable[..., Path]) -> None:
    folder = tmp_path / "near"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(12):
        small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        small.resize((48, 48), Image.Resampling.BICUBIC).save(folder / f"{i:02}.png")
    with Image.open(folder / "03.png") as image:
        image.save(folder / "03-again.jpg", quality=90)
        darker = image.point([level // 2 for level in range(256)] * 3)
        darker.save(folder / "03-darker.png")  # the same hash, another picture
    report = scan(folder, cache=cache)
    assert report.exact_duplicates == 0
    assert report.near_duplicates == 1
    assert report.duplicate_pairs == (("03-again.jpg", "03.png"),)
    assert scan(make_folder(50), cache=cache).near_duplicates == 0  # noise resembles nothing


def test_many_flat_pictures_stay_quick() -> None:
    flat = np.repeat(np.arange(20_000) % 251, 64).astype(np.uint8).reshape(-1, 1, 8, 8)
    flat[:, 0, 0, 0] = np.arange(20_000) // 251  # all but equal, and one hash
    found = find_duplicates(flat, lambda chunk: chunk, pictures=True)
    assert found.exact == 0
    assert found.near > 1000


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["a/1.png", "a/2.png", "b/3.png", "b/4.png"], ("a", "b")),
        (["top/a/1.png", "top/a/x/2.png", "top/b/3.png", "top/b/4.png"], ("a", "b")),
        (["a/1.png", "a/2.png"], ()),
        (["a/1.png", "b/2.png", "3.png"], ()),
        (["train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png"], ("a", "b")),
        (["train/1.png", "test/2.png", "val/3.png"], ()),
        (["a/1.png", "b/2.png", "c/3.png"], ()),
        (["1.png", "2.png"], ()),
    ],
)
def test_classes_from_folders(names: list[str], classes: tuple[str, ...]) -> None:
    labels, found, _, _ = classes_from_folders(names)
    assert found == classes
    assert (labels is None) == (not classes)
    if labels is not None:
        wanted = [next(part for part in name.split("/") if part in classes) for name in names]
        assert [classes[label] for label in labels] == wanted


def test_folders_of_one_name_in_two_spellings_are_one_class() -> None:
    labels, found, _, warnings = classes_from_folders(
        ["caf\xe9/1.png", "cafe\u0301/1.png", "bar/1.png", "bar/2.png"]
    )
    assert labels is not None
    assert (found, labels.tolist(), warnings) == (("bar", "caf\xe9"), [1, 1, 0, 0], [])


def test_a_loose_picture_says_why_there_are_no_classes() -> None:
    _, _, _, warnings = classes_from_folders(["a/1.png", "a/2.png", "b/3.png", "b/4.png", "5.png"])
    assert warnings == ["no classes: 1 picture lies beside the subfolders; move it into one for classes"]
    assert classes_from_folders(["1.png", "2.png"])[2:] == ([], [])
    _, _, notes, warnings = classes_from_folders(["a/1.png", "b/2.png", "c/3.png"])
    assert not notes
    assert warnings == ["no classes: 3 subfolders have about one picture each; a class needs several"]


def test_report(make_folder: Callable[..., Path], cache: Path) -> None:
    make_folder(40, sub="many")
    folder = make_folder(4, sub="few")
    data = load(folder, cache=cache)
    assert data.space.classes == ("few", "many")
    assert data.scan.classes == {"few": 4, "many": 40}
    lines = data.scan.lines()
    assert lines[0] == "44 pictures · 16×16 RGB · 2 classes"
    assert "classes: many 40, few 4" in lines
    assert "warning: classes are unbalanced: 'many' has 40, 'few' only 4" in lines
    assert any("only 44 pictures" in line for line in lines)
    assert Scan.from_json(json.loads(json.dumps(data.scan.to_json()))) == data.scan
    for i, name in zip(data.train.origin, data.train.labels, strict=True):
        assert name == (0 if i < 4 else 1)  # files in sorted order: few/ first


def test_mostly_grey_is_said(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(5)
    for i in range(10):
        Image.new("RGB", (16, 16), (i, i, i)).save(folder / f"grey{i}.png")
    assert any("10 of 15 pictures are grey" in warning for warning in scan(folder, cache=cache).warnings)


def test_nothing_heavy_is_imported() -> None:
    code = "import ganforge.data, sys; print('torch' in sys.modules, 'PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_real_sets(shared_data: Path, cache: Path) -> None:
    flowers = load(shared_data / "flowers128_1k.zip", cache=cache)
    assert flowers.space.shape == (3, 128, 128)
    assert flowers.space.classes == ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    assert flowers.held_out.n in range(98, 103)
    assert flowers.scan.exact_duplicates == 2
    tiles = load(shared_data / "crawl_tiles32.zip", cache=cache)
    assert tiles.space.shape == (4, 32, 32)
    assert tiles.scan.count == 4075
    assert tiles.space.classes == ("dngn", "effect", "gui", "item", "misc", "mon", "player")
    fashion = load(shared_data / "fashion_mnist_20k.npz", cache=cache)
    assert fashion.space.shape == (1, 28, 28)
    assert fashion.train.n == 18_000
    adult = load(shared_data / "adult.csv.gz", cache=cache)
    assert adult.scan.count == 32_561
    assert adult.space.describe() == "rows of 15 columns"
    assert "workclass: word, 8 different, '?' where missing" in adult.scan.found
    numbers = load(shared_data / "adult.csv.gz", cache=cache, table=TableFormat(what="points"))
    assert len(numbers.space.columns) == 6
    assert numbers.space.columns[0] == "age"
    assert any("hold no numbers: column 'workclass' ('State-gov')" in line for line in numbers.scan.warnings)
    with pytest.raises(DataError, match="Python objects"):
        load(shared_data / "jsb16.npz", cache=cache)


def test_real_mnist(shared_data: Path, cache: Path) -> None:
    mnist = load(shared_data / "mnist", cache=cache)
    assert mnist.train.n == 54_000
    assert mnist.space.classes == tuple("0123456789")
    assert mnist.scan.classes["1"] == 6742
    assert mnist.scan.exact_duplicates == 0


@pytest.mark.slow
def test_real_faces(shared_data: Path, cache: Path) -> None:
    faces = load(shared_data / "celeba64_10k.zip", cache=cache)
    assert faces.space.shape == (3, 64, 64)
    assert faces.scan.count == 10_000
    assert faces.space.classes == ()


@pytest.mark.parametrize(
    ("n", "held_out"), [(50, 5), (1_000, 100), (1_797, 449), (3_000, 500), (5_000, 500), (54_000, 5_400)]
)
def test_a_tenth_is_held_out_and_of_larger_sets_enough_to_measure_with(n: int, held_out: int):
    assert round(usual_share(n) * n) == held_out
