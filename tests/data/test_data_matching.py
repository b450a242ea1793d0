"""Names that belong together for a person belong together here, and nothing else does."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganforge.core.condition import Condition, phrases
from ganforge.core.errors import DataError, UsageError
from ganforge.core.names import find_name, folded
from ganforge.data import load
from ganforge.data.matching import match
from ganforge.data.pairs import pairs_match

N = range(24)
ACCENTS = [unicodedata.normalize("NFC", f"café é{i:02}.jpg") for i in N]
LOWER = [f"img_{i:02}.png" for i in N]


@pytest.mark.parametrize(
    ("one", "two", "how"),
    [
        (LOWER, [f"img_{i:02}.jpg" for i in N], ""),
        (LOWER, [rf"C:\data\train\img_{i:02}.png" for i in N], ""),
        (LOWER, [f"https://x.org/a/img_{i:02}.png?size=3" for i in N], ""),
        ([f"{c}/{i}.png" for c in "ab" for i in N], [f"/home/x/{c}/{i}.png" for c in "ab" for i in N], ""),
        (ACCENTS, [unicodedata.normalize("NFD", name) for name in ACCENTS], "spelling of accents"),
        (LOWER, [name.upper() for name in LOWER], "without regard to capitals"),
        ([f"K\\udce4se{i}.png" for i in N], [f"Käse{i}.png" for i in N], ""),  # no UTF-8, as it is printed
        ([f"caf├⌐{i}.png" for i in N], [f"café{i}.png" for i in N], ""),  # from a zip without a mark
        (LOWER, [f"img_{i}.png" for i in N], "without leading zeros, as in img_00.png and img_0.png"),
        ([f"{i:03}.png" for i in N], [str(i) for i in N], "without leading zeros"),
        (LOWER, [f"img_{i:02}_mask.png" for i in N], "only without '_mask'"),
        (LOWER, [f"img_{i:02}.png.png" for i in N], "only without '.png'"),
        ([f"photo{i}.png" for i in N], [f"mask{i}.png" for i in N], "without 'photo' and 'mask'"),
        ([f"x{i}_leftImg8bit.png" for i in N], [f"x{i}_gtFine_labelIds.png" for i in N], "_gtfine_labelids"),
        (LOWER, [str(i) for i in N], "only without 'img_'"),
    ],
)
def test_names_agree(one: list[str], two: list[str], how: str) -> None:
    found = match(one, two)
    assert found.pairs == list(zip(one, two, strict=True))
    assert not found.alone
    assert not found.others
    assert not found.doubtful
    assert (how in found.how) if how else not found.how
    back = match(two, one)
    assert back.pairs == list(zip(two, one, strict=True))


def test_names_do_not_agree() -> None:
    assert not match([f"{i:02}.png" for i in N], [f"{i + 100}.png" for i in N]).pairs  # 1 is no prefix of 100
    assert not match(["cat.png", "car.png"], ["dot.png", "dor.png"]).pairs
    assert not match(
        [f"{c}/{i}.png" for c in "ab" for i in N], [f"{i}.png" for i in N]
    ).pairs  # two may be it
    assert match(["0.5.png", "0.05.png"], ["0.5.jpg", "0.05.jpg"]).pairs == [
        ("0.5.png", "0.5.jpg"),
        ("0.05.png", "0.05.jpg"),
    ]
    part = match(LOWER, [*LOWER[:13], *(f"other_{i}.png" for i in N[13:])])
    assert len(part.pairs) == 13  # what is left has no prefix of its own
    assert (len(part.alone), len(part.others)) == (11, 11)
    numbers = match([f"cat_{i}.png" for i in N], [f"dog_{i}.png" for i in N])
    assert len(numbers.pairs) == 24
    assert numbers.doubtful
    assert match(LOWER, []).pairs == match([], LOWER).pairs == []


def test_mixed_ways_to_name_pictures() -> None:
    names = ["0001.png", "0002.png", "fruit/0003.png", "fruit/0004.png"]
    found = match(names, ["0001", "0002.png", "fruit/0003.png", "FRUIT/4"])
    assert [name for name, _ in found.pairs] == names


def test_what_is_asked_for_is_found_in_one_spelling() -> None:
    classes = Condition.of_classes(["Käse", "brot", "Brot "])
    decomposed = unicodedata.normalize("NFD", "käse")
    assert decomposed != "käse"
    assert classes.read(decomposed).tolist() == [[1.0, 0.0, 0.0]]
    assert find_name("BROT", ["Brot", "brot"]) is None  # could be either
    assert classes.read("brot").tolist() == [[0.0, 1.0, 0.0]]
    with pytest.raises(UsageError, match="Did you mean 'Käse'"):
        classes.read("Kaese")
    assert phrases(unicodedata.normalize("NFD", "Café")) == phrases("café") == ["café"]
    for odd in ("\ud800", "a\udfffb\udc80", ""):  # half a character, as damaged files have it
        assert isinstance(folded(odd), str)


def _rename(folder: Path, name: Callable[[int], str]) -> Path:
    for i, path in enumerate(sorted(folder.glob("*.png"))):
        path.rename(folder / f"new {name(i)}")
    for path in folder.glob("new *"):
        path.rename(folder / path.name.removeprefix("new "))
    return folder


@pytest.mark.parametrize(
    "name", [lambda i: f"IMG_{i:02}.PNG", lambda i: f"img_{i:02}_mask.png", lambda i: f"img_{i}.png"]
)
def test_pairs_by_such_names_stay_pairs(
    make_folder: Callable[..., Path], cache: Path, name: Callable[[int], str]
) -> None:
    photos = _rename(make_folder(24, name="photos"), lambda i: f"img_{i:02}.png")
    maps = _rename(make_folder(24, name="maps"), name)
    assert pairs_match(photos, str(maps))
    data = load(photos, source=str(maps), cache=cache)
    assert data.scan.count == 24
    assert (np.asarray(data.train.sources) == np.asarray(data.train.values)).all()
    assert any("the names agree only" in line or "leading zeros" in line for line in data.scan.warnings)


@pytest.mark.parametrize(
    ("n", "name", "says"),
    [
        (24, lambda i: f"{i + 100}.png", "24 pictures each, and no name of one agrees"),
        (24, lambda i: f"img_{i:02}.png" if i < 5 else f"other_{i}.png", "only 5 of 24 pictures"),
        (48, lambda i: f"img_{i // 2:02}_{'ab'[i % 2]}.png", "begin alike, but one has several"),
    ],
)
def test_it_asks_before_pairs_become_domains(
    make_folder: Callable[..., Path], n: int, name: Callable[[int], str], says: str
) -> None:
    photos = _rename(make_folder(24, name="photos"), lambda i: f"img_{i:02}.png")
    maps = _rename(make_folder(n, name="maps"), name)
    with pytest.raises(DataError, match=f"{says}.*: --recipe cyclegan") as caught:
        pairs_match(photos, str(maps))
    assert "\n" not in str(caught.value)


def test_it_asks_where_only_numbers_agree(make_folder: Callable[..., Path], tmp_path: Path) -> None:
    cats = _rename(make_folder(24, name="cats"), lambda i: f"cat_{i}.png")
    dogs = _rename(make_folder(24, name="dogs"), lambda i: f"dog_{i}.png")
    with pytest.raises(DataError, match=r"only without 'cat_' and 'dog_', .* are .* pairs\? If so"):
        pairs_match(cats, str(dogs))
    np.save(tmp_path / "rows.npy", np.zeros((24, 8, 8), np.uint8))
    with pytest.raises(DataError, match="24 examples each, files in one and rows in the other"):
        pairs_match(cats, str(tmp_path / "rows.npy"))
    np.save(tmp_path / "rows.npy", np.zeros((25, 8, 8), np.uint8))
    assert not pairs_match(cats, str(tmp_path / "rows.npy"))
