"""Pairs by side, by name and by row, and two domains."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.core.rng import key, permutation
from ganforge.core.space import Space
from ganforge.data import Examples, Loader, load, scan
from ganforge.data.layouts import domains_of
from ganforge.data.matching import match, sides
from ganforge.data.pairs import pairs_match


def _invert(folder: Path, name: str, *, suffix: str = ".png", times: int = 1) -> Path:
    """The pictures of ``folder`` inverted, in another folder; ``times`` smaller."""
    other = folder.parent / name
    for path in sorted(folder.rglob("*.png")):
        target = other / path.relative_to(folder).with_suffix(suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(255 - np.asarray(Image.open(path)))
        picture.resize((picture.width // times, picture.height // times)).save(target)
    return other


def test_sides(tmp_path: Path, cache: Path) -> None:
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 256, (30, 12, 20, 3), dtype=np.uint8)
    (tmp_path / "p").mkdir()
    for i, pixels in enumerate(whole):
        Image.fromarray(pixels).save(tmp_path / "p" / f"{i:02}.png")
    np.save(tmp_path / "p.npy", whole)
    for what in (tmp_path / "p", tmp_path / "p.npy"):
        for side in ("left", "right"):
            data = load(what, source=side, cache=cache)
            assert data.space.shape == (3, 12, 10)
            assert data.space.source == Space(kind="pictures", shape=(3, 12, 10))
            for part in (data.train, data.held_out):
                planar = whole[part.origin].transpose(0, 3, 1, 2)
                halves = planar[..., :10], planar[..., 10:]
                assert part.sources is not None
                assert (part.sources == halves[side == "right"]).all()
                assert (part.values == halves[side == "left"]).all()
    top = load(tmp_path / "p.npy", source="top", size=8, cache=cache)
    assert top.space.shape == top.space.source.shape == (3, 8, 8)
    first, second = (load(tmp_path / "p", source=side, cache=cache) for side in ("left", "right"))
    assert first.manifest["fingerprint"] != second.manifest["fingerprint"]


def test_pairs_by_name(make_folder: Callable[..., Path], cache: Path) -> None:
    photos = make_folder(20, sub="a", name="photos")
    make_folder(20, sub="b", name="photos")
    maps = _invert(photos, "maps", suffix=".bmp")
    data = load(photos, source=str(maps), cache=cache)
    for part in (data.train, data.held_out):
        assert part.sources is not None
        assert (part.sources == 255 - part.values).all()
    assert data.held_out.n == 4
    assert data.space.classes == ("a", "b")
    assert data.space.source == Space(kind="pictures", shape=(3, 16, 16))
    assert data.manifest["inputs"]["source"] == str(maps)
    assert any("40 pairs by name" in line for line in data.scan.lines())
    again = load(photos, source=str(maps), cache=cache)
    assert isinstance(again.train.sources, np.memmap)
    assert again.manifest == data.manifest
    # Data may move: the content counts.
    moved = photos.parent / "moved"
    shutil.copytree(maps, moved)
    assert (
        load(photos, source=str(moved), cache=cache).manifest["fingerprint"] == data.manifest["fingerprint"]
    )
    Image.new("RGB", (16, 16)).save(maps / "a" / "0003.bmp")
    changed = load(photos, source=str(maps), cache=cache)
    assert changed.manifest["fingerprint"] != data.manifest["fingerprint"]
    assert load(photos, cache=cache).train.sources is None


def test_pairs_from_a_zip_and_a_folder(make_folder: Callable[..., Path], cache: Path, tmp_path: Path) -> None:
    photos = make_folder(12, name="photos")
    maps = _invert(photos, "maps")
    with zipfile.ZipFile(tmp_path / "maps.zip", "w") as archive:
        for path in maps.iterdir():
            archive.write(path, f"all/maps/{path.name}")
    data = load(photos, source=str(tmp_path / "maps.zip"), cache=cache)
    assert (data.train.sources == 255 - data.train.values).all()


def test_match_by_path_then_by_name() -> None:
    found = match(["x/a/1.png", "x/b/1.png", "x/b/2.png"], ["b/1.jpg", "a/1.jpg", "b/3.jpg"])
    assert found.pairs == [("x/a/1.png", "a/1.jpg"), ("x/b/1.png", "b/1.jpg")]
    assert (found.alone, found.others) == (["x/b/2.png"], ["b/3.jpg"])
    found = match(["a/1.png", "b/2.png"], ["left/1.png", "2.png"])
    assert found.pairs == [("a/1.png", "left/1.png"), ("b/2.png", "2.png")]
    assert match(["a/1.png"], []).pairs == []


def test_what_has_no_partner(make_folder: Callable[..., Path], cache: Path) -> None:
    photos = make_folder(40, name="photos")
    maps = _invert(photos, "maps")
    (maps / "0007.png").unlink()
    (maps / "0008.png").write_bytes(b"")
    Image.new("RGB", (16, 16)).save(maps / "other.png")
    data = load(photos, source=str(maps), cache=cache)
    assert data.scan.count == 38
    reasons = {file.name: (file.reason, file.bad) for file in data.scan.skipped}
    assert reasons["0007.png"] == (f"no partner in {maps}", False)
    assert reasons["other.png"] == (f"an input without a partner in {photos}", False)
    assert reasons["0008.png"] == ("empty (0 bytes)", True)
    assert (data.train.sources == 255 - data.train.values).all()
    for i in range(10, 16):
        (maps / f"00{i}.png").rename(maps / f"x{i}.png")
    with pytest.raises(
        DataError, match=r"14 of 80 pictures .*no partner of the same name \(0007.png, .*--recipe cyclegan"
    ):
        load(photos, source=str(maps), cache=cache)
    assert pairs_match(photos, str(maps))
    for path in list(maps.glob("*.png")):
        path.rename(maps / f"m{path.name}")
    with pytest.raises(DataError, match=r"hold 40 pictures each, and no name .* --recipe cyclegan"):
        pairs_match(photos, str(maps))
    with pytest.raises(DataError, match="80 of 80 pictures"):
        load(photos, source=str(maps), cache=cache)
    next(maps.glob("*.png")).unlink()
    assert not pairs_match(photos, str(maps))
    for path in maps.iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"there are no pictures in .*maps"):
        load(photos, source=str(maps), cache=cache)
    with pytest.raises(DataError, match=r"no pictures in .*maps"):
        load(photos, source=str(maps), paired=False, cache=cache)


def test_what_is_no_source(make_folder: Callable[..., Path]) -> None:
    assert pairs_match("digits", "edges")
    assert pairs_match("digits", "left")
    assert pairs_match("clips", "previous:2")
    with pytest.raises(DataError, match="Did you mean 'edges'"):
        pairs_match(make_folder(3), "edgs")
    assert not pairs_match(make_folder(3), "ring")


def test_sizes_of_pairs(make_folder: Callable[..., Path], cache: Path) -> None:
    large = make_folder(12, size=(32, 48), name="large")
    small = _invert(large, "small", times=4)
    data = load(large, source=str(small), cache=cache)
    assert (data.space.shape, data.space.source.shape) == ((3, 48, 32), (3, 12, 8))
    assert any("4 times as large" in line for line in data.scan.lines())
    assert load(large, source=str(small), size=(16, 24), cache=cache).space.source.shape == (3, 6, 4)
    assert load(large, source=str(small), size=(18, 18), cache=cache).space.source.shape == (3, 18, 18)
    Image.new("RGB", (11, 8)).save(small / "0003.png")
    mixed = load(large, source=str(small), cache=cache)
    assert mixed.space.source.shape == (3, 48, 32)
    assert any("12 have two sizes: both are resized to 32×48" in line for line in mixed.scan.lines())


def test_pairs_by_row(tmp_path: Path, cache: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=values, labels=np.arange(30) % 3)
    np.save(tmp_path / "b.npy", 255 - values[..., 0])
    data = load(tmp_path / "a.npz", source=str(tmp_path / "b.npy"), cache=cache)
    assert data.space.source == Space(kind="pictures", shape=(1, 16, 16))
    assert (data.train.sources[:, 0] == 255 - data.train.values[:, 0]).all()
    assert data.space.classes == ("0", "1", "2")
    assert pairs_match(tmp_path / "a.npz", str(tmp_path / "b.npy"))
    np.save(tmp_path / "small.npy", values[:, ::2, ::2])
    assert load(tmp_path / "a.npz", source=str(tmp_path / "small.npy"), cache=cache).space.source.shape == (
        3,
        8,
        8,
    )
    np.save(tmp_path / "odd.npy", values[:, :9, :9])
    assert load(tmp_path / "a.npz", source=str(tmp_path / "odd.npy"), cache=cache).space.source.shape[1:] == (
        16,
        16,
    )
    np.save(tmp_path / "b.npy", values[:20])
    assert not pairs_match(tmp_path / "a.npz", str(tmp_path / "b.npy"))
    with pytest.raises(DataError, match=r"30 rows and .* 20"):
        load(tmp_path / "a.npz", source=str(tmp_path / "b.npy"), cache=cache)
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(30, 2)))
    with pytest.raises(DataError, match="pairs need one kind"):
        load(tmp_path / "a.npz", source=str(tmp_path / "points.npy"), cache=cache)
    with pytest.raises(DataError, match="two kinds"):
        load(tmp_path / "a.npz", source=str(tmp_path), cache=cache)


def test_two_domains(make_folder: Callable[..., Path], cache: Path, tmp_path: Path) -> None:
    photos = make_folder(40, name="photos")
    make_folder(30, size=(24, 24), sub="x", name="works")
    works = make_folder(30, size=(24, 24), sub="y", name="works")
    Image.new("L", (24, 24)).save(works / "x" / "black.png")
    data = load(photos, source=str(works), paired=False, cache=cache)
    assert data.space.source == Space(kind="pictures", shape=(3, 16, 16))
    assert (data.train.n, data.held_out.n) == (36, 4)
    assert (len(data.train.sources), len(data.held_out.sources)) == (55, 6)
    assert data.manifest["inputs"]["n"] == 61
    assert any(line.startswith("input: an unpaired domain of 61 pictures") for line in data.scan.lines())
    assert scan(photos, source=str(works), paired=False, cache=cache).found == data.scan.found
    alone = load(photos, cache=cache)
    assert (alone.train.values == data.train.values).all()
    assert alone.manifest["fingerprint"] != data.manifest["fingerprint"]
    moved = shutil.move(works, tmp_path / "moved")
    again = load(photos, source=str(moved), paired=False, cache=cache)
    assert again.manifest["fingerprint"] == data.manifest["fingerprint"]
    with pytest.raises(DataError, match="pictures only"):
        load(photos, source="ring", paired=False, cache=cache)
    with pytest.raises(DataError, match="an exchange needs two domains of one kind"):
        load("ring", source=str(photos), paired=False, cache=cache)


def test_domains_of_points() -> None:
    data = load("ring", source="moons", paired=False)
    assert data.space.source is not None
    assert data.space.source.offset != data.space.offset
    batch = Loader(data.train, data.space, seed=0, source="moons", paired=False).batch_at(0, 20_000)
    assert batch.source is not None
    assert batch.source.mean(0).abs().max() < 0.05  # in its own units
    assert (batch.source.std(0) - 1).abs().max() < 0.05


def _numbered(n: int, m: int) -> tuple[Examples, Space]:
    """Pictures whose first pixel is their number, and inputs whose first pixel is theirs."""
    values, sources = np.zeros((n, 1, 2, 4), np.uint8), np.zeros((m, 2, 2, 4), np.uint8)
    values[:, 0, 0, 0], sources[:, 0, 0, 0] = np.arange(n), np.arange(m)
    values[:, 0, 0, 3], sources[:, 0, 0, 3] = 255, 255
    space = Space(kind="pictures", shape=(1, 2, 4), source=Space(kind="pictures", shape=(2, 2, 4)))
    return Examples(values, None, np.arange(n), sources=sources), space


def _read(batch: torch.Tensor) -> tuple[list[int], list[bool]]:
    """Numbers of pictures, and which are mirrored."""
    ends = ((batch[:, 0, 0, [0, 3]] + 1) * 127.5).round().int()
    return ends.min(1).values.tolist(), (ends[:, 0] == 255).tolist()


@pytest.mark.parametrize("far", [False, True])
def test_decks_keep_pairs_together_and_domains_apart(far: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if far:
        monkeypatch.setattr("ganforge.data.loader._IN_MEMORY", 0)
    examples, space = _numbered(20, 20)
    loader = Loader(examples, space, seed=1, mirror=True)
    batch = loader.batch_at(7, 50)
    assert _read(batch.source) == _read(batch.real)
    assert 10 < sum(_read(batch.real)[1]) < 40
    assert torch.equal(loader.at(np.array([3])).source[0, :1], loader.at(np.array([3])).real[0])

    examples, space = _numbered(20, 7)
    loader = Loader(examples, space, seed=1, mirror=True, paired=False)
    whole = loader.batch_at(0, 60)
    assert (
        _read(whole.real)[0] == np.concatenate([permutation(20, seed=1, epoch=e) for e in range(3)]).tolist()
    )
    own = np.concatenate([permutation(7, seed=key(1, 2), epoch=e) for e in range(9)])[:60].tolist()
    assert _read(whole.source)[0] == own
    assert _read(whole.source)[1] != _read(whole.real)[1]
    fresh = Loader(examples, space, seed=1, mirror=True, paired=False)
    pieces = [fresh.batch_at(start, 15) for start in (0, 15, 30, 45)]
    assert torch.equal(torch.cat([piece.source for piece in pieces]), whole.source)
    assert torch.equal(
        loader.at(np.array([9])).source, loader.at(np.array([2])).source
    )  # from the beginning again


def test_degraded_domains_are_dealt_apart() -> None:
    data = load("digits", source="blur:1", paired=False)
    loader = Loader(data.train, data.space, seed=0, source="blur:1", paired=False)
    paired = Loader(data.train, data.space, seed=0, source="blur:1").batch_at(0, 32)
    batch = loader.batch_at(0, 32)
    assert torch.equal(batch.real, paired.real)
    assert not torch.equal(batch.source, paired.source)


def test_facades(shared_data: Path, cache: Path) -> None:
    data = load(shared_data / "facades_128pairs.zip", source="right", size=16, cache=cache)
    assert data.scan.count == 606
    assert data.space.shape == data.space.source.shape == (3, 16, 16)
    assert data.scan.found == ("input: the right half of each picture, 16×16; the left half is its target",)
    # The label maps on the right are of few, strong colours: their pixels lie nearer to the range's ends.
    extreme = [np.minimum(x, 255 - x).mean() for x in (data.train.sources, data.train.values)]
    assert extreme[0] < 0.7 * extreme[1]
    assert not pairs_match(shared_data / "flowers128_1k.zip", str(shared_data / "titian256.zip"))


def _put(folder: Path, names: list[str], size: tuple[int, int] = (16, 16)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        pixels = np.random.default_rng([*name.encode(), *folder.name.encode()]).integers(0, 256, (*size, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{name}.png")


@pytest.mark.parametrize(
    ("folders", "names", "warned"),
    [
        (("images", "masks"), [f"{i:03}" for i in range(8)], True),
        (("one", "two"), ["oak", "elm", "ash", "fir", "yew", "bay", "box", "fig"], True),
        (("one", "two"), [f"street {i}" for i in range(8)], False),
        (("1", "2"), [f"img_{i:03}" for i in range(8)], False),
        (("A", "B"), [f"{i:03}" for i in range(8)], False),
        (("A", "B"), [f"{i}" for i in (3, 17, 40, 41, 88, 91, 120, 300)], True),
        (("label", "photo"), [f"street {i}" for i in range(8)], True),
        (("cat", "dog"), [f"{i}" for i in range(8)], False),
        (("cat", "dog"), [f"{i:03}" for i in range(8)], False),  # classes are numbered alike
    ],
)
def test_two_classes_that_may_be_pairs(
    tmp_path: Path, cache: Path, folders: tuple[str, str], names: list[str], warned: bool
) -> None:
    for folder in folders:
        _put(tmp_path / "data" / folder, [f"{name}_label" if folder == "label" else name for name in names])
    found = scan(tmp_path / "data", cache=cache)
    assert len(found.classes) == 2
    said = [words for words in found.warnings if "files whose names pair" in words]
    assert bool(said) == warned
    if warned:
        assert f"give {folders[1]} as the data and {folders[0]} with --from" in said[0]


@pytest.mark.parametrize("partner", ["grey", "mask", "another"])
def test_what_pictures_show_tells_pairs_from_classes(tmp_path: Path, cache: Path, partner: str) -> None:
    rng = np.random.default_rng(5)
    for i in range(64):
        both: list[Image.Image] = []
        for _ in range(2):
            light = np.zeros((24, 24, 3), np.uint8)
            x, y, side = (int(v) for v in rng.integers((0, 0, 5), (14, 14, 19)))
            light[y : y + side, x : x + side] = rng.integers(60, 256, 3)
            both.append(Image.fromarray(light))
        one = both[0]
        other = {"grey": one.convert("L"), "mask": one.convert("L").point([255, *[0] * 255])}
        for folder, picture in (("1", one), ("2", other.get(partner, both[1]))):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            picture.convert("RGB").save(tmp_path / "data" / folder / f"img_{i:03}.png")
    found = scan(tmp_path / "data", cache=cache)
    assert set(found.classes) == {"1", "2"}
    assert any("names pair" in words for words in found.warnings) == (partner != "another")


def test_three_folders_of_one_kind_of_names(tmp_path: Path, cache: Path) -> None:
    for folder in ("1", "2", "3"):
        _put(tmp_path / "classes" / folder, [f"img_{i}" for i in range(8)])
    assert not any("same names" in words for words in scan(tmp_path / "classes", cache=cache).warnings)
    for folder in ("depth", "images", "masks"):
        _put(tmp_path / "sides" / folder, [f"img_{i}" for i in range(8)])
    said = " ".join(scan(tmp_path / "sides", cache=cache).warnings)
    assert "the 3 folders hold files of the same names" in said
    assert "such as images --from depth" in said


def test_pairs_that_lie_in_one_folder(tmp_path: Path, cache: Path) -> None:
    _put(tmp_path / "both", [f"{i}{end}" for i in range(9) for end in ("", "_mask")])
    said = " ".join(scan(tmp_path / "both", cache=cache).warnings)
    assert "come in pairs, as 0.png and 0_mask.png: if one is an input" in said
    assert sides([f"a/img_{i}.png" for i in range(9)] + [f"a/seg_{i:03}.png" for i in range(9)]) is not None
    for names in (["1_a.png", "2_b.png"], ["map 1.png", "map 2.png", "3.png"], ["x.png"], []):
        assert sides(names) is None
    mixed = [f"{i}{end}.png" for i in range(9) for end in ("", "_mask")]
    assert sides([*mixed, *(f"other {i}.png" for i in range(9))]) is None


def test_pictures_that_may_hold_both_sides(tmp_path: Path, cache: Path) -> None:
    _put(tmp_path / "both", [str(i) for i in range(8)], (16, 32))
    found = scan(tmp_path / "both", cache=cache)
    assert any("side by side, --from left" in words for words in found.warnings)
    cut = scan(tmp_path / "both", source="left", cache=cache)
    assert not any("side by side, --from left" in words for words in cut.warnings)


def test_domains_whose_names_agree_by_their_numbers(tmp_path: Path, cache: Path) -> None:
    for folder in ("trainA", "trainB"):
        _put(tmp_path / "horses" / folder, [f"{i:03}" for i in range(8)])
    domains = domains_of(tmp_path / "horses")
    assert domains is not None
    found = domains.report(scan(domains.examples, source=str(domains.inputs), cache=cache))
    assert any(
        "makes pairs of them; if they are none: --recipe cyclegan" in words for words in found.warnings
    )


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        ([f"{'cat' if i % 2 else 'dog'}.{i}" for i in range(20)], True),
        ([f"{'photo' if i % 2 else 'mask'}_{i // 2}" for i in range(20)], False),  # the sides of pairs
        ([f"img_{i:03}" for i in range(20)], False),
        ([*(f"img_{i:03}" for i in range(18)), "cover_1", "cover_2"], False),
    ],
)
def test_classes_in_the_names_of_files_are_asked_about(
    tmp_path: Path, cache: Path, names: list[str], warned: bool
) -> None:
    """cat.0.jpg beside dog.1.jpg, as Kaggle has them, became one heap without a word."""
    _put(tmp_path / "heap", names)
    said = " ".join(scan(tmp_path / "heap", cache=cache).warnings)
    assert ("names begin with one of 2 words, as cat and dog: if these are classes" in said) == warned


def test_folders_inside_classes_whose_files_are_numbered_are_no_pairs(tmp_path: Path, cache: Path) -> None:
    rng = np.random.default_rng(0)
    for one in ("cat/raw", "cat/more", "dog/raw", "dog/more"):
        (tmp_path / "data" / one).mkdir(parents=True)
        for i in range(8):
            noise = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / "data" / one / f"{i:03}.png")
    assert not any("names pair" in words for words in scan(tmp_path / "data", cache=cache).warnings)


@pytest.mark.parametrize(("name", "warned"), [("frame_{:04}", True), ("img_{:04}", False)])
def test_folders_of_frames_are_asked_about(tmp_path: Path, cache: Path, name: str, warned: bool) -> None:
    """Four films as folders of frames became four classes without a word."""
    for film in ("one", "two", "three"):
        _put(tmp_path / "films" / film, [name.format(i) for i in range(8)])
    said = " ".join(scan(tmp_path / "films", cache=cache).warnings)
    assert (
        "hold numbered frames and are read as 3 classes; if each is a film: --what clips" in said
    ) == warned


def test_numbered_domains_of_unequal_counts_are_no_pairs(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    """trainA/0000.png beside trainB/0000.png: of unequal counts they were asked about."""
    for names in (("trainA", "trainB"), ("A/train", "B/train")):
        one = make_folder(30, name=f"{names[0][0]}{len(names[0])}/{names[0]}")
        two = make_folder(24, name=f"{names[0][0]}{len(names[0])}/{names[1]}")
        assert not pairs_match(two, str(one))
        assert pairs_match(two, str(make_folder(24, name=f"equal{len(names[0])}/{names[0]}")))
    other = make_folder(24, name="photos")
    assert pairs_match(other, str(make_folder(30, name="maps")))  # and says what has no partner
