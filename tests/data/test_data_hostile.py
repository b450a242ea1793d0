"""Bad and hostile files cost one line each; nothing is written outside the cache."""

from __future__ import annotations

import resource
import shutil
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.errors import DataError
from ganforge.data import load, scan

MEGABYTE = 1 << 20


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _png_claiming(width: int, height: int) -> bytes:
    """A valid small PNG file whose header claims any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_bad_files_are_listed_and_skipped(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(120)
    whole = (folder / "0000.png").read_bytes()
    Image.new("RGB", (16, 16), (9, 8, 7)).save(folder / "whole.jpg")
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "letter.jpg").write_text("Dear Sir, this is no picture at all, and never was.")
    (folder / "noise.webp").write_bytes(bytes(range(256)))
    (folder / "notes.txt").write_text("not counted as bad")
    (folder / ".hidden.png").write_bytes(b"")
    data = load(folder, cache=cache)
    assert data.scan.count == 121
    reasons = {file.name: file.reason for file in data.scan.skipped}
    assert reasons.keys() == {"cut.png", "empty.png", "letter.jpg", "noise.webp"}
    assert "truncated" in reasons["cut.png"]
    assert reasons["empty.png"] == "empty (0 bytes)"
    assert reasons["letter.jpg"] == "text, not a picture"
    assert data.scan.ignored == 1
    assert data.manifest["skipped"] == 4
    assert any(line == "skipped: empty.png: empty (0 bytes)" for line in data.scan.lines())
    assert load(folder, cache=cache).scan == data.scan  # and again from the cache


def test_more_than_five_percent_stop(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(19)
    (folder / "bad.png").write_bytes(b"")
    assert load(folder, cache=cache).scan.count == 19  # 1 of 20 is not more than 5 %
    (folder / "worse.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of 21 files .*bad\.png: empty .0 bytes.; worse\.png.*mend them"):
        load(folder, cache=cache)
    report = scan(folder, cache=cache)
    assert report.too_many_bad
    assert any("training stops" in warning for warning in report.warnings)


@pytest.mark.parametrize("packed", [False, True])
def test_pixel_bomb(make_folder: Callable[..., Path], cache: Path, tmp_path: Path, packed: bool) -> None:
    folder = make_folder(60)
    (folder / "bomb.png").write_bytes(_png_claiming(60_000, 60_000))
    (folder / "less.png").write_bytes(_png_claiming(9_000, 9_000))
    source = folder
    if packed:
        source = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", folder))
    before, start = _peak(), time.perf_counter()
    data = load(source, cache=cache)
    assert time.perf_counter() - start < 3  # a second when nothing else runs
    assert _peak() - before < 200 * MEGABYTE
    assert {f.name for f in data.scan.skipped} == {"bomb.png", "less.png"}
    assert all("64 megapixels" in f.reason for f in data.scan.skipped)


def _add_good(archive: zipfile.ZipFile, folder: Path) -> None:
    for path in folder.iterdir():
        archive.write(path, f"good/{path.name}")


def test_zip_slip_and_links(make_folder: Callable[..., Path], cache: Path, tmp_path: Path) -> None:
    folder = make_folder(100)
    picture = (folder / "0000.png").read_bytes()
    path = tmp_path / "slip" / "deep" / "slip.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        _add_good(archive, folder)
        archive.writestr("../../escaped.png", picture)
        archive.writestr("/escaped.png", picture)
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bz.png", picture, compress_type=zipfile.ZIP_BZIP2)
    before = sorted(p for p in tmp_path.rglob("*") if cache not in p.parents)
    data = load(path, cache=cache)
    assert data.scan.count == 100
    reasons = {file.name: file.reason for file in data.scan.skipped}
    assert reasons["../../escaped.png"] == reasons["/escaped.png"] == "its name leads out of the archive"
    assert reasons["link.png"] == "a link"
    assert "deflate" in reasons["bz.png"]
    assert sorted(p for p in tmp_path.rglob("*") if cache not in p.parents) == before


def test_zip_bomb(make_folder: Callable[..., Path], cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add_good(archive, make_folder(60))
        archive.writestr("bomb.bmp", bytes(64 * MEGABYTE))
        archive.writestr("huge.bmp", bytes(260 * MEGABYTE), compresslevel=1)
    before, start = _peak(), time.perf_counter()
    data = load(path, cache=cache)
    assert time.perf_counter() - start < 3
    assert _peak() - before < 200 * MEGABYTE
    reasons = {file.name: file.reason for file in data.scan.skipped}
    assert "zip bomb" in reasons["bomb.bmp"]
    assert "larger than 256 MiB" in reasons["huge.bmp"]


def test_member_longer_than_stated(make_folder: Callable[..., Path], cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add_good(archive, make_folder(60))
        archive.writestr("zz.bmp", bytes(777_777))
    content = path.read_bytes()
    stated = struct.pack("<I", 777_777)
    assert content.count(stated) == 2  # local header and directory
    path.write_bytes(content.replace(stated, struct.pack("<I", 999)))
    data = load(path, cache=cache)
    assert data.scan.count == 60
    assert [file.name for file in data.scan.skipped] == ["zz.bmp"]


def test_links_out_of_the_folder(make_folder: Callable[..., Path], cache: Path, tmp_path: Path) -> None:
    folder = make_folder(100)
    outside = tmp_path / "outside"
    outside.mkdir()
    Image.new("RGB", (16, 16)).save(outside / "secret.png")
    (folder / "out.png").symlink_to(outside / "secret.png")
    (folder / "dir").symlink_to(outside)
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    (folder / "within.png").symlink_to(folder / "0001.png")
    (folder / "loop").symlink_to(folder)
    data = load(folder, cache=cache)
    assert data.scan.count == 101
    reasons = {file.name: file.reason for file in data.scan.skipped}
    assert reasons["out.png"] == reasons["dir"] == "a link that leads out of the folder"
    assert "cannot be opened" in reasons["dangling.png"]
    assert len(reasons) == 3
    assert data.scan.exact_duplicates == 1


def test_formats_beyond_the_list_are_not_opened(make_folder: Callable[..., Path], cache: Path) -> None:
    folder = make_folder(60)
    (folder / "script.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    assert [file.reason for file in scan(folder, cache=cache).skipped] == ["text, not a picture"]


def test_nothing_pickled_is_read(tmp_path: Path, cache: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (str(tmp_path / "ran"),))

    array = np.empty(3, object)
    array[:] = [Hostile()] * 3
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    np.savez(tmp_path / "b.npz", images=array)
    np.savez(tmp_path / "c.npz", first=array, second=array)
    for name in ("a.npy", "b.npz", "c.npz"):
        with pytest.raises(DataError, match="Python objects"):
            load(tmp_path / name, cache=cache)
    assert not (tmp_path / "ran").exists()


def test_what_may_not_be_read(make_folder: Callable[..., Path], cache: Path, monkeypatch) -> None:
    def denied(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("ganforge.codecs.pictures.read_pictures", denied)
    with pytest.raises(DataError, match="may not be read by you"):
        load(make_folder(3), cache=cache)


def test_damaged_arrays(tmp_path: Path, cache: Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", images=np.zeros((300, 1024, 1024), np.uint8))
    with pytest.raises(DataError, match="200 times"):
        load(tmp_path / "bomb.npz", cache=cache)
    np.save(tmp_path / "cut.npy", np.zeros((50, 8, 8)))
    content = (tmp_path / "cut.npy").read_bytes()
    for cut in (content[:200], content[:4], b"", b"\x93NUMPY\x02\x00" + struct.pack("<I", 100 * MEGABYTE)):
        (tmp_path / "cut.npy").write_bytes(cut)
        with pytest.raises(DataError, match=r"damaged|Python objects|truncated"):
            load(tmp_path / "cut.npy", cache=cache)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda f: None, "no pictures in .* no files at all"),
        (
            lambda f: [(f / f"{i}.txt").write_text("x") for i in range(3)],
            "no pictures in .* other files: 3 .txt",
        ),
        (lambda f: Image.new("L", (9, 9)).save(f / "a.png"), "only one picture in .* at least 2"),
        (lambda f: (f / "a.png").write_bytes(b""), "no readable picture in .*a.png: empty"),
        (lambda f: (f / "a.png").symlink_to("/dev/null"), "no picture in .* leads out"),
    ],
)
def test_useless_folders(tmp_path: Path, cache: Path, make: Callable[[Path], object], says: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder)
    with pytest.raises(DataError, match=says) as caught:
        load(folder, cache=cache)
    assert "\n" not in str(caught.value)
    assert not list(cache.iterdir())  # nothing half made is left


def test_missing_and_unknown(tmp_path: Path, cache: Path, make_folder: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"neither a path nor .*Did you mean 'digits'"):
        load("digts", cache=cache)
    folder = make_folder(2, name="portraits")
    with pytest.raises(DataError, match="Did you mean 'portraits'"):
        load(tmp_path / "portrait", cache=cache)
    with pytest.raises(DataError, match=r"one picture; .* folder"):
        load(folder / "0000.png", cache=cache)
    with pytest.raises(DataError, match="there is no"):
        load("x" * 5000, cache=cache)
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match="not a readable zip"):
        load(tmp_path / "a.zip", cache=cache)
    (tmp_path / "a.doc").write_bytes(b"no data")
    with pytest.raises(DataError, match="no known kind"):
        load(tmp_path / "a.doc", cache=cache)
    with pytest.raises(DataError, match="held_out is 1"):
        load("digits", held_out=1.0)
