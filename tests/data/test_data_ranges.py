"""Pictures and arrays that are no plain bytes: one range for a whole set, kept, and what is lost is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.core.space import Space
from ganforge.core.value_range import ValueRange
from ganforge.data import Dataset, load
from ganforge.data.pixels import as_bytes

N = 12
SCENES = np.random.default_rng(5).integers(0, 256, (N, 16, 16)).astype(np.float64)
SCENES[:, 0, 0], SCENES[:, 0, 1] = 0, 255


def _folder(folder: Path, pictures: list[np.ndarray], suffix: str = ".png") -> Path:
    folder.mkdir()
    for i, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{i:02}{suffix}")
    return folder


def _in_order(data: Dataset) -> np.ndarray:
    """All pictures ``(N, H, W)`` in the source's order, as int."""
    return data.train.values[np.argsort(data.train.origin), 0].astype(int)


def _deep(scale: float) -> list[np.ndarray]:
    return [(scene * scale).astype(np.uint16) for scene in SCENES]


def _warned(data: Dataset, words: str) -> bool:
    return any(words in warning for warning in data.scan.warnings)


def test_a_dead_pixel_stretches_nothing(tmp_path: Path, cache: Path) -> None:
    pictures = _deep(4)  # up to 1,020
    pictures[7][3, 3] = 65535
    data = load(_folder(tmp_path / "hot", pictures), cache=cache, held_out=0)
    assert data.space.value_range == ValueRange(0, 1023)
    wrong = np.abs(_in_order(data) - np.rint(SCENES * 4 / 1023 * 255))
    wrong[7, 3, 3] = 0
    assert wrong.max() <= 1
    assert _in_order(data)[7, 3, 3] == 255
    assert _warned(data, "1 of 3,072 values lie outside 0 … 1023 (they go from 0 to 65535)")
    assert _warned(data, "--range=0,65535 keeps them")
    kept = load(tmp_path / "hot", cache=cache, held_out=0, value_range=(0, 65535))
    assert _in_order(kept).max() == 255
    assert (_in_order(kept)[0] <= 4).all()
    assert _warned(kept, "a small part of 0 … 65535")


def test_a_dead_pixel_of_each_picture_stretches_nothing(tmp_path: Path, cache: Path) -> None:
    pictures = _deep(4)
    for pixels in pictures:
        pixels[5, 5] = 60000
    data = load(_folder(tmp_path / "sensor", pictures), cache=cache, held_out=0)
    assert data.space.value_range == ValueRange(0, 1023)


def test_some_files_of_8_bits_among_deep_ones(tmp_path: Path, cache: Path) -> None:
    pictures = [scene.astype(np.uint8) if i % 4 == 0 else pixels for i, (scene, pixels) in
                enumerate(zip(SCENES, _deep(257), strict=True))]  # fmt: skip
    data = load(_folder(tmp_path / "mixed", pictures), cache=cache, held_out=0)
    assert (_in_order(data) == SCENES).all()
    assert data.space.value_range == ValueRange(0, 65535)
    assert _warned(data, "9 pictures of more than 8 bits lie among 3 of 8 bits")


def test_exposures_stay_apart_beside_a_file_of_8_bits(tmp_path: Path, cache: Path) -> None:
    pictures: list[np.ndarray] = [np.repeat(SCENES[0].astype(np.uint8)[..., None], 3, 2)]
    pictures += [(scene * (257 if i % 2 else 40)).astype(np.uint16) for i, scene in enumerate(SCENES)][1:]
    values = _in_order(load(_folder(tmp_path / "mixed", pictures), cache=cache, held_out=0, channels=1))
    assert np.abs(values[1::2] - SCENES[1::2]).max() == 0
    assert np.abs(values[2::2] - SCENES[2::2] * 40 / 257).max() <= 0.51  # not stretched by their own


def test_a_mask_of_0_and_1_is_named_with_what_spreads_it(tmp_path: Path, cache: Path) -> None:
    masks = [(scene > 127).astype(np.uint8) for scene in SCENES]
    folder = _folder(tmp_path / "masks", masks)
    data = load(folder, cache=cache, held_out=0)
    assert data.space.value_range is None
    assert _warned(data, "nearly all values lie between 0 and 1")
    assert _warned(data, "--range=0,1 spreads them")
    spread = load(folder, cache=cache, held_out=0, value_range=(0, 1))
    assert (_in_order(spread) == np.array(masks) * 255).all()
    assert spread.space.value_range == ValueRange(0, 1, deep=False)
    assert not any("spreads" in warning for warning in spread.scan.warnings)


def test_a_number_that_stands_for_nothing_measured_is_named(tmp_path: Path, cache: Path) -> None:
    pictures = [(scene * 3).astype(np.float32) for scene in SCENES]
    for pixels in pictures:
        pixels[:2] = -9999
    data = load(_folder(tmp_path / "heights", pictures, ".tif"), cache=cache, held_out=0)
    assert _warned(
        data, "but for -9999, which may mean that nothing was measured there, all values lie between 0"
    )
    assert _warned(data, "--range=0,765 spreads them")
    marked = np.full((N, 16, 16), 255, np.uint8)
    marked[:, 4:, 4:] = np.arange(N)[:, None, None] % 3
    np.save(tmp_path / "ignored.npy", marked)
    data = load(tmp_path / "ignored.npy", cache=cache, held_out=0)
    assert _warned(
        data, "but for 255, which may mean that nothing was measured there, all values lie between 0 and 2"
    )


def test_masks_of_0_and_1_among_others_of_0_and_255_are_named(tmp_path: Path, cache: Path) -> None:
    masks = [((scene > 90) * (1 if i % 2 else 255)).astype(np.uint8) for i, scene in enumerate(SCENES)]
    data = load(_folder(tmp_path / "masks", masks), cache=cache, held_out=0)
    assert _warned(data, "6 of 12 pictures use less than a tenth of 0 … 255, as masks of 0 and 1")


def test_float_pictures_that_dip_below_0(tmp_path: Path, cache: Path) -> None:
    rng = np.random.default_rng(1)
    pictures = [(scene / 255 + rng.normal(0, 0.01, scene.shape)).astype(np.float32) for scene in SCENES]
    assert min(picture.min() for picture in pictures) < 0
    data = load(_folder(tmp_path / "f", pictures, ".tif"), cache=cache, held_out=0)
    assert data.space.value_range == ValueRange(0, 1)
    assert np.abs(_in_order(data) - np.clip(np.array(pictures), 0, 1) * 255).max() <= 0.51
    assert _warned(data, "lie outside 0 … 1")


def test_resizing_deep_pictures_invents_no_values(tmp_path: Path, cache: Path) -> None:
    edges = [np.kron((scene[:4, :4] > 127), np.ones((16, 16))) * 65535 for scene in SCENES]  # Lanczos rings
    folder = _folder(tmp_path / "edges", [edge.astype(np.uint16) for edge in edges])
    data = load(folder, size=24, cache=cache, held_out=0)
    assert data.space.value_range == ValueRange(0, 65535)
    assert _in_order(data).max() == 255


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda x: x / 255, (0, 1)),
        (lambda x: x / 127.5 - 1, (-1, 1)),
        (lambda x: x + 0.25, (0, 255)),
        (lambda x: x.astype(np.int64) * 16, (0, 4095)),
        (lambda x: (x * 257).astype(np.uint16), (0, 65535)),
        (lambda x: (x * 8 - 1024).astype(np.int16), (-1024, 1023 + 1024 - 1024)),
        (lambda x: x > 127, (0, 1)),
        (lambda x: (x > 127).astype(np.uint8), (0, 1)),
        (lambda x: (x > 127).astype(np.float64), (0, 1)),
    ],
    ids=["0..1", "-1..1", "0..255", "int64", "uint16", "int16", "bool", "uint8 mask", "float mask"],
)
def test_ranges_of_arrays(
    tmp_path: Path, cache: Path, make: Callable[[np.ndarray], np.ndarray], found: tuple[float, float]
) -> None:
    array = make(SCENES)
    np.save(tmp_path / "a.npy", array)
    data = load(tmp_path / "a.npy", cache=cache, held_out=0)
    assert data.space.value_range is not None
    low, high = data.space.value_range.low, data.space.value_range.high
    assert (low, high) == found
    exact = (array.astype(float) - low) / (high - low) * 255
    assert np.abs(_in_order(data) - exact).max() <= 0.51


def test_arrays_with_a_stray_number(tmp_path: Path, cache: Path) -> None:
    array = (SCENES / 255).astype(np.float32)
    array[3, 4, 5] = 1e6
    np.save(tmp_path / "a.npy", array)
    data = load(tmp_path / "a.npy", cache=cache, held_out=0)
    assert data.space.value_range == ValueRange(0, 1)
    assert _warned(data, "1 of 3,072 values lie outside 0 … 1")
    for bad in (np.nan, np.inf):
        array[3, 4, 5] = bad
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(DataError, match="not finite in example 3"):
            load(tmp_path / "a.npy", cache=cache)


def test_sparse_pictures_keep_what_they_show(tmp_path: Path, cache: Path) -> None:
    pictures = [np.zeros((32, 32), np.uint16) for _ in range(N)]
    for i, pixels in enumerate(pictures):
        pixels[i, i] = 60000  # a single star each
    data = load(_folder(tmp_path / "stars", pictures), cache=cache, held_out=0)
    assert data.space.value_range == ValueRange(0, 65535)
    assert (_in_order(data).max(axis=(1, 2)) == 233).all()


def test_more_steps_than_bytes_have_are_a_warning(tmp_path: Path, cache: Path) -> None:
    ramp = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) * 60
    data = load(_folder(tmp_path / "fine", [ramp, ramp[::-1].copy()]), cache=cache, held_out=0)
    assert _warned(data, "0 … 65535 becomes 0 … 255, in 256 steps")


def test_a_range_lives_in_the_space(tmp_path: Path) -> None:
    space = Space(kind="pictures", shape=(1, 8, 8), value_range=ValueRange(-1, 1))
    assert Space.from_json(json.loads(json.dumps(space.to_json()))) == space
    assert "value_range" not in Space(kind="pictures", shape=(1, 8, 8)).to_json()


def test_another_picture_is_read_by_the_range_of_the_set() -> None:
    found = ValueRange(0, 1000)
    deep = Image.fromarray(np.array([[0.0, 500.0, 1000.0, 100.0]], np.float32))
    assert np.asarray(as_bytes(deep, found)).tolist() == [[0, 128, 255, 26]]
    assert np.asarray(as_bytes(deep, None)).tolist() == [[0, 125, 249, 25]]  # 10 bits in 16: 0 … 1023
    plain = Image.fromarray(np.array([[0, 128, 255]], np.uint8))
    assert np.asarray(as_bytes(plain, found)).tolist() == [[0, 128, 255]]  # as it is
    masks = ValueRange(0, 1, deep=False)
    mask = Image.fromarray(np.array([[0, 1]], np.uint8))
    assert np.asarray(as_bytes(mask, masks, of_set=False)).tolist() == [[0, 255]]
    # What a run of masks wrote is in declared units already, and of a set it would be cut off.
    assert np.asarray(as_bytes(plain, masks, of_set=False)).tolist() == [[0, 128, 255]]
    assert np.asarray(as_bytes(plain, masks)).tolist() == [[0, 255, 255]]
