"""Pictures of 16 bits a colour are read whole; what Pillow would take for other numbers is refused."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data import load, scan
from ganforge.data.files import UnreadableError
from ganforge.data.pictures import open_upright


def _png(pixels: np.ndarray) -> bytes:
    """``(H, W, 2 | 3 | 4)`` uint16 as a PNG, which Pillow cannot write."""
    high, wide, channels = pixels.shape

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", wide, high, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _tiff(pixels: np.ndarray, order: str = "<", photometric: int = 2, planes: bool = False, sample: int = 1):
    """``(H, W, C)`` whole numbers as a TIFF without compression."""
    high, wide, channels = pixels.shape
    size = pixels.dtype.itemsize
    body = (pixels.transpose(2, 0, 1) if planes else pixels).astype(f"{order}{pixels.dtype.kind}{size}")
    start, plane = 8, wide * high * size
    bits = start + body.nbytes
    strips = bits + 2 * channels
    samples = strips + 8 * channels
    ifd = samples + 2 * channels
    several = planes and channels > 1
    offsets = (4, channels, strips) if several else (4, 1, start)
    counts = (4, channels, strips + 4 * channels) if several else (4, 1, body.nbytes)
    one = channels == 1
    tags = [
        (256, 4, 1, wide),
        (257, 4, 1, high),
        (258, 3, channels, 8 * size if one else bits),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, *offsets),
        (277, 3, 1, channels),
        (278, 4, 1, high),
        (279, *counts),
        (284, 3, 1, 2 if planes else 1),
        *([(338, 3, 1, 2)] if channels == 4 else []),
        (339, 3, channels, sample if one else samples),
    ]
    found = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, ifd) + body.tobytes()
    found += struct.pack(f"{order}{channels}H", *[8 * size] * channels)
    found += struct.pack(f"{order}{channels}I", *[start + k * plane for k in range(channels)])
    found += struct.pack(f"{order}{channels}I", *[plane] * channels)
    found += struct.pack(f"{order}{channels}H", *[sample] * channels)
    found += struct.pack(f"{order}H", len(tags))
    for tag, kind, n, value in tags:
        short = kind == 3 and n == 1
        field = struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}I", value)
        found += struct.pack(f"{order}HHI", tag, kind, n) + field
    return found + struct.pack(f"{order}I", 0)


def _scene(i: int, channels: int = 3, most: int = 4096) -> np.ndarray:
    return np.random.default_rng(i).integers(0, most, (12, 14, channels), dtype=np.uint16)


WRITERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "png": _png,
    "little.tif": _tiff,
    "big.tif": lambda pixels: _tiff(pixels, ">"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_sixteen_bits_a_colour_are_read_whole(tmp_path: Path, cache: Path, name: str) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    scenes = [_scene(i) for i in range(12)]
    for i, pixels in enumerate(scenes):
        (folder / f"{i:02}.{name}").write_bytes(WRITERS[name](pixels))
    found = load(folder, cache=cache, held_out=0)
    assert found.space.value_range == ValueRange(0, 4095)  # 12 bits in 16
    assert found.space.shape == (3, 12, 14)
    assert found.scan.modes == {"RGB;16": 12}
    assert not any("16 bits" in words for words in found.scan.warnings)
    wanted = [np.rint(one.transpose(2, 0, 1) * (255 / 4095)).astype(np.uint8) for one in scenes]
    for i, place in enumerate(found.train.origin):
        assert np.array_equal(found.train.values[i], wanted[place])


def test_transparency_of_sixteen_bits(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    scenes = [_scene(i, 4, 65536) for i in range(12)]
    for i, pixels in enumerate(scenes):
        (folder / f"{i:02}.png").write_bytes(_png(pixels))
    found = load(folder, cache=cache, held_out=0)
    assert found.space.channels == 4
    assert found.space.value_range == ValueRange(0, 65535)
    at = list(found.train.origin).index(3)
    alpha = np.rint(scenes[3][..., 3] / 257).astype(np.uint8)
    assert np.array_equal(found.train.values[at][3], alpha)
    seen = alpha > 0
    assert np.array_equal(found.train.values[at][0][seen], np.rint(scenes[3][..., 0] / 257)[seen])


def test_deep_colours_among_bytes_and_deep_grey(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for i in range(10):
        (folder / f"a{i}.png").write_bytes(_png(_scene(i)))
        Image.fromarray(_scene(50 + i)[..., 0]).save(folder / f"b{i}.png")
    found = load(folder, cache=cache, held_out=0)
    assert found.space.channels == 3
    assert found.space.value_range == ValueRange(0, 4095)
    Image.fromarray(np.full((12, 14, 3), 77, np.uint8)).save(folder / "c.png")
    mixed = load(folder, cache=cache, held_out=0)
    assert any("20 pictures of more than 8 bits lie among 1 of 8 bits" in w for w in mixed.scan.warnings)
    last = list(mixed.train.origin).index(20)
    assert (mixed.train.values[last] == 77).all()


def test_a_deep_picture_that_is_shown_to_a_run() -> None:
    pixels = _scene(1)
    image = open_upright(io.BytesIO(_png(pixels)), ValueRange(0, 4095))
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), np.rint(pixels * (255 / 4095)).astype(np.uint8))
    with pytest.raises(UnreadableError, match="of another range of values"):
        open_upright(io.BytesIO(_png(_scene(1, 3, 65536))), ValueRange(0, 4095))


def test_a_picture_that_is_shown_is_turned_upright() -> None:
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    file.seek(0)
    image = open_upright(file, None)
    assert image.size == (8, 16)
    assert np.asarray(image)[:4].min() == 255
    assert np.asarray(image)[4:].max() == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_tiff(_scene(0), planes=True), "16 bits a colour in separate planes; save it as 16-bit PNG"),
        (_tiff(np.full((8, 8, 1), -3, np.int8), photometric=1, sample=2), "bytes with a sign"),
        (_tiff(np.zeros((8, 8, 1), np.uint64), photometric=1), "a TIFF of a kind that is not read"),
    ],
    ids=["planes", "signed", "64 bits"],
)
def test_a_tiff_that_would_be_taken_for_other_numbers(
    tmp_path: Path, cache: Path, content: bytes, says: str
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for i in range(30):
        Image.fromarray(_scene(i).astype(np.uint8)).save(folder / f"{i:02}.png")
    (folder / "odd.tif").write_bytes(content)
    found = scan(folder, cache=cache)
    assert [file.name for file in found.skipped] == ["odd.tif"]
    assert says in found.skipped[0].reason


def test_planes_of_bytes_are_read(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "planes"
    folder.mkdir()
    scenes = [_scene(i, 3, 256).astype(np.uint8) for i in range(4)]
    for i, pixels in enumerate(scenes):
        (folder / f"{i}.tif").write_bytes(_tiff(pixels, planes=True))
    found = load(folder, cache=cache, held_out=0)
    at = list(found.train.origin).index(2)
    assert np.array_equal(found.train.values[at], scenes[2].transpose(2, 0, 1))


def test_white_comes_first_in_some_deep_scans(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    scenes = [_scene(i, 1, 65536) for i in range(4)]
    for i, pixels in enumerate(scenes):
        (folder / f"{i}.tif").write_bytes(_tiff(pixels, photometric=0))
    found = load(folder, cache=cache, held_out=0)
    at = list(found.train.origin).index(1)
    assert np.array_equal(found.train.values[at][0], np.rint((65535 - scenes[1][..., 0]) / 257))


def test_one_file_of_many_pages(tmp_path: Path, cache: Path) -> None:
    pages = [Image.fromarray(_scene(i).astype(np.uint8)) for i in range(9)]
    (tmp_path / "scan").mkdir()
    pages[0].save(tmp_path / "scan" / "all.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(
        DataError, match=r"only one picture in .*, with 8 further pages or frames, of which none"
    ):
        load(tmp_path / "scan", cache=cache)


def test_avif_is_read(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "web").mkdir()
    for i in range(4):
        Image.fromarray(np.full((16, 16, 3), 60 * i, np.uint8)).save(tmp_path / "web" / f"{i}.avif")
    found = load(tmp_path / "web", cache=cache, held_out=0)
    assert sorted(int(one.mean()) // 10 * 10 for one in found.train.values) == [0, 60, 120, 180]
