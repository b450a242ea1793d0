"""Every Pillow mode becomes the picture that a person would see."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data import load, scan
from ganforge.data.pictures import open_picture
from ganforge.data.pixels import fit, has_alpha, normalise, to_channels
from ganforge.data.ranges import nominal_range

COLOUR = (200, 100, 50)


def _plane(value: float, dtype: str = "uint8") -> Image.Image:
    return Image.fromarray(np.full((8, 8), value, dtype))


def _solid(mode: str) -> Image.Image:
    """A picture of one colour in each mode that Pillow has."""
    rgb = Image.new("RGB", (8, 8), COLOUR)
    if mode in ("LA", "La"):
        image = Image.new("LA", (8, 8), (90, 128))
        return image if mode == "LA" else image.convert("La")
    if mode in ("RGBA", "RGBa"):
        image = Image.new("RGBA", (8, 8), (*COLOUR, 128))
        return image if mode == "RGBA" else image.convert("RGBa")
    if mode == "PA":
        image = rgb.convert("P", palette=Image.Palette.ADAPTIVE).convert("PA")
        image.putalpha(128)
        return image
    if mode == "LAB":
        # L* = 50 %, a = b = 0: a neutral grey, stored as 0…255 and signed bytes.
        return Image.frombytes("LAB", (8, 8), bytes([128, 0, 0]) * 64)
    if mode in ("I", "F") or mode.startswith("I;16"):
        data = {"I": "<i4", "F": "<f4", "I;16B": ">u2"}.get(mode, "<u2")
        return Image.frombytes(mode, (8, 8), np.full(64, 1000, data).tobytes())
    return rgb.convert(mode)


# mode, the mode after normalising, the first pixel with its tolerance
EXPECTED = [
    ("1", "L", (0,), 255),  # dithered: either of two
    ("L", "L", (124,), 0),  # .299·200 + .587·100 + .114·50 = 124.2
    ("LA", "RGBA", (90, 90, 90, 128), 0),
    ("La", "RGBA", (90, 90, 90, 128), 1),
    ("P", "RGB", COLOUR, 40),  # the web palette's nearest
    ("PA", "RGBA", (*COLOUR, 128), 1),
    ("RGB", "RGB", COLOUR, 0),
    ("RGBX", "RGB", COLOUR, 0),
    ("RGBA", "RGBA", (*COLOUR, 128), 0),
    ("RGBa", "RGBA", (*COLOUR, 128), 2),
    ("CMYK", "RGB", COLOUR, 0),
    ("YCbCr", "RGB", COLOUR, 2),
    ("LAB", "RGB", (119, 119, 119), 2),  # L* 50 is sRGB 119
    ("HSV", "RGB", COLOUR, 3),
    ("I", "F", (1000.0,), 0),
    ("F", "F", (1000.0,), 0),
    ("I;16", "F", (1000.0,), 0),
    ("I;16L", "F", (1000.0,), 0),
    ("I;16B", "F", (1000.0,), 0),
    ("I;16N", "F", (1000.0,), 0),
]


@pytest.mark.parametrize(("mode", "becomes", "pixel", "tolerance"), EXPECTED, ids=[e[0] for e in EXPECTED])
def test_every_mode(mode: str, becomes: str, pixel: tuple[float, ...], tolerance: float) -> None:
    image = normalise(_solid(mode))
    assert image.mode == becomes
    found = np.asarray(image).astype(float).reshape(64, -1)[0]
    assert found.shape == (len(pixel),)
    assert np.abs(found - pixel).max() <= tolerance


def test_no_mode_of_pillow_is_forgotten() -> None:
    assert {e[0] for e in EXPECTED} == set(Image.MODES)


def test_transparent_palette_and_colour_key() -> None:
    palette = Image.new("P", (8, 8), 3)
    palette.putpalette([0] * 9 + [10, 20, 30])
    content = io.BytesIO()
    palette.save(content, "PNG", transparency=3)
    content.seek(0)
    image = open_picture(content)
    assert image.mode == "P"
    assert has_alpha(image)
    assert normalise(image).getpixel((0, 0)) == (10, 20, 30, 0)
    content = io.BytesIO()
    Image.new("RGB", (8, 8), COLOUR).save(content, "PNG", transparency=COLOUR)
    content.seek(0)
    assert normalise(open_picture(content)).getpixel((0, 0)) == (*COLOUR, 0)


def test_channels_by_hand() -> None:
    half = np.array([200, 100, 50, 51], np.uint8).reshape(1, 4, 1, 1)  # alpha 51 / 255 = 1/5
    assert to_channels(half, 3).ravel().tolist() == [244, 224, 214]  # 255 − (255 − x) / 5
    assert to_channels(half, 1).ravel().tolist() == [229]  # luma of these: 228.8
    unseen = np.array([200, 100, 50, 0], np.uint8).reshape(1, 4, 1, 1)
    assert to_channels(unseen, 4).ravel().tolist() == [255, 255, 255, 0]
    grey = np.array([7], np.uint8).reshape(1, 1, 1, 1)
    assert to_channels(grey, 4).ravel().tolist() == [7, 7, 7, 255]
    assert to_channels(grey, 3).ravel().tolist() == [7, 7, 7]
    colour = np.array(COLOUR, np.uint8).reshape(1, 3, 1, 1)
    as_pillow = np.asarray(Image.new("RGB", (1, 1), COLOUR).convert("L"))
    assert to_channels(colour, 1).ravel().tolist() == as_pillow.ravel().tolist()


@pytest.mark.parametrize(
    ("low", "high", "integer", "expected"),
    [
        (0, 1, True, (0, 1)),
        (0, 16, True, (0, 16)),
        (3, 3000, True, (0, 4095)),
        (0, 65535, True, (0, 65535)),
        (-5, 100, True, (-5, 127)),
        (0.1, 0.9, False, (0, 1)),
        (-0.9, 0.8, False, (-1, 1)),
        (0.0, 250.0, False, (0, 255)),
        (0.0, 16.0, False, (0, 16)),
        (-7.0, 3.0, False, (-7, 3)),
        (-0.02, 1.03, False, (0, 1)),  # as resampling leaves 0…1
        (-1.02, 1.01, False, (-1, 1)),
        (-4.0, 259.0, False, (0, 255)),
        (-0.3, 0.9, False, (-1, 1)),
    ],
)
def test_nominal_range(low: float, high: float, integer: bool, expected: tuple[float, float]) -> None:
    assert nominal_range(low, high, whole=integer) == expected


def test_to_bytes() -> None:
    values = np.array([-1.0, 0.0, 0.5, 1.0], np.float32)
    assert ValueRange(-1, 1).to_bytes(values).tolist() == [0, 128, 191, 255]
    times = np.array([1.6e9, 1.6e9 + 51, 1.6e9 + 255])
    assert ValueRange(1.6e9, 1.6e9 + 255).to_bytes(times).tolist() == [0, 51, 255]
    for ends in ((5, 5), (3, 2), (0, float("inf")), (float("nan"), 1)):
        with pytest.raises(DataError, match="lower one first"):
            ValueRange(*ends)


def test_fit_covers_and_cuts_the_centre() -> None:
    stripes = np.zeros((8, 24), np.uint8)
    stripes[:, 8:16] = 255  # the middle third of a wide picture
    assert np.asarray(fit(Image.fromarray(stripes), (8, 8))).min() == 255
    assert fit(Image.fromarray(stripes), (24, 8)).size == (24, 8)
    small = np.asarray(fit(Image.fromarray(stripes), (12, 4)))
    assert small.shape == (4, 12)
    assert small[0, 0] < 30
    assert small[0, 6] > 225


def _save_all(folder: Path, images: list[Image.Image], suffix: str) -> Path:
    folder.mkdir()
    for i, image in enumerate(images):
        image.save(folder / f"{i}{suffix}")
    return folder


def test_files_of_mixed_modes_together(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    kinds = ["1.png", "L.png", "LA.png", "P.gif", "RGB.jpg", "RGBA.webp", "CMYK.jpg", "CMYK.tif", "LAB.tif"]
    kinds += ["YCbCr.tif", "I;16.png", "F.tif", "I.tif", "RGB.bmp", "RGB.ppm"]
    for i, kind in enumerate(kinds):
        mode, suffix = kind.split(".")
        _solid(mode).save(folder / f"{i:02}.{suffix}")
    data = load(folder, cache=cache, held_out=0)
    assert data.train.n == 15
    assert data.space.shape == (3, 8, 8)
    assert not data.scan.skipped
    assert sum(data.scan.modes.values()) == 15
    pixel = {int(o): data.train.values[i, :, 0, 0].astype(int) for i, o in enumerate(data.train.origin)}
    for i in (4, 6, 7, 9, 13, 14):  # RGB, CMYK, YCbCr in several formats
        assert np.abs(pixel[i] - COLOUR).max() <= 6, i
    over_white = 255 - (255 - np.array(COLOUR)) * 128 / 255
    assert np.abs(pixel[5] - over_white).max() <= 6


def test_deep_pictures_share_one_range(tmp_path: Path, cache: Path) -> None:
    levels = [0, 1024, 4095]
    folder = _save_all(tmp_path / "deep", [_plane(v, "uint16") for v in levels], ".png")
    data = load(folder, cache=cache, held_out=0)
    found = dict(zip(data.train.origin.tolist(), data.train.values[:, 0, 0, 0].tolist(), strict=True))
    assert found == {0: 0, 1: 64, 2: 255}  # 12 bits in 16
    assert any("4095" in note for note in data.scan.notes)


def test_grey_and_transparent_sets(tmp_path: Path, cache: Path) -> None:
    grey = _save_all(tmp_path / "grey", [_plane(v).convert("RGB") for v in (10, 20, 30)], ".png")
    assert load(grey, cache=cache).space.shape == (1, 8, 8)
    assert load(grey, cache=cache, channels=3).space.shape == (3, 8, 8)
    clear = [Image.new("RGBA", (8, 8), (i, 2, 3, 90)) for i in range(2)]
    solid = [Image.new("RGB", (8, 8), (i, 90, 3)) for i in range(3)]
    few = _save_all(tmp_path / "few", clear + solid, ".png")
    assert load(few, cache=cache).space.shape == (3, 8, 8)
    most = _save_all(tmp_path / "most", clear + solid[:2], ".png")
    assert load(most, cache=cache).space.shape == (4, 8, 8)
    opaque = _save_all(tmp_path / "opaque", [image.convert("RGBA") for image in solid], ".png")
    assert load(opaque, cache=cache).space.shape == (3, 8, 8)  # an alpha that is never used is none


def test_what_is_transparent_everywhere_is_named(tmp_path: Path, cache: Path) -> None:
    """As some programs write all their pictures: colours that nobody sees."""
    unseen = [Image.new("RGBA", (8, 8), (i, 2, 3, 0)) for i in range(2)]
    seen = [Image.new("RGB", (8, 8), (i, 90, 3)) for i in range(3)]
    for name, pictures, words in (("all", unseen, "2 of 2"), ("some", unseen + seen, "2 of 5")):
        warnings = scan(_save_all(tmp_path / name, pictures, ".png"), cache=cache).warnings
        assert any(f"{words} pictures are transparent everywhere" in line for line in warnings)


def test_turned_and_animated(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    rows = np.zeros((16, 8), np.uint8)
    rows[:8] = 255  # white above black, once upright
    upright = Image.fromarray(rows)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown upright after a quarter turn clockwise
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    lying.save(folder / "0.jpg", exif=exif, quality=95)
    lying.save(folder / "1.png", exif=exif)
    upright.save(folder / "2.gif", save_all=True, append_images=[Image.new("L", (8, 16), 99)])
    data = load(folder, cache=cache, held_out=0)
    assert data.space.shape == (1, 16, 8)
    assert (data.train.values[:, 0, 1, 4] > 240).all()
    assert (data.train.values[:, 0, 14, 4] < 15).all()


def test_sizes(make_folder: Callable[..., Path], cache: Path) -> None:
    assert load(make_folder(3, size=(24, 10), name="a"), cache=cache).space.shape == (3, 10, 24)
    make_folder(5, size=(90, 60), sub="x", name="b")
    mixed = load(make_folder(6, size=(93, 63), sub="y", name="b"), cache=cache)
    assert mixed.space.shape == (3, 64, 96)
    assert mixed.scan.sizes == {"90×60": 5, "93×63": 6}
    make_folder(5, size=(60, 30), sub="x", name="c")
    turned = load(make_folder(5, size=(30, 60), sub="y", name="c"), cache=cache)
    assert turned.space.shape == (3, 32, 32)
    assert any("shapes differ" in warning for warning in turned.scan.warnings)
    make_folder(2, size=(600, 400), name="d")
    large = load(make_folder(2, size=(606, 404), sub="z", name="d"), cache=cache)
    assert large.space.shape == (3, 168, 256)
    assert load(make_folder(3, name="e"), size=(12, 20), cache=cache).space.shape == (3, 20, 12)
    for size in (7, (8, 4), 0, 5000):
        with pytest.raises(DataError, match=r"at least 8|at most 4096"):
            load(make_folder(3, name="e"), size=size, cache=cache)
    with pytest.raises(DataError, match="--size 8"):
        load(make_folder(3, size=(6, 6), name="f"), cache=cache)
    with pytest.raises(DataError, match=r"1 .grey., 3 .RGB. or 4"):
        load(make_folder(3, name="e"), channels=2, cache=cache)
