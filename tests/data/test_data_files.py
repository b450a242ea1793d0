"""What lies among the pictures: archives, run folders, other programs' folders, files of other kinds."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.codecs.rows.reader import write_frame
from ganforge.core.errors import DataError
from ganforge.data import load, scan
from ganforge.data.files import list_files
from ganforge.tasks.experiment import default_folder, prepare

Make = Callable[..., Path]


def _warned(found, words: str) -> bool:
    return any(words in warning for warning in found.warnings)


def _pack(folder: Path, path: Path) -> Path:
    kind = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}[path.suffix]
    with tarfile.open(path, kind) as archive:
        archive.add(folder, "pictures")
    return path


@pytest.mark.parametrize("name", ["p.tar", "p.tar.gz", "p.tgz", "p.tar.xz", "p.tar.bz2"])
def test_tar_archives_hold_what_their_folder_holds(
    make_folder: Make, cache: Path, tmp_path: Path, name: str
) -> None:
    make_folder(6, sub="a")
    folder = make_folder(6, sub="b")
    plain = load(folder, cache=cache, held_out=0)
    packed = load(_pack(folder, tmp_path / name), cache=cache, held_out=0)
    assert packed.space == plain.space
    assert packed.space.classes == ("a", "b")
    assert (packed.train.values == plain.train.values).all()
    assert packed.scan.form == "tar archive of pictures"
    assert sorted(p.name for p in cache.iterdir() if p.name.startswith((".", "tmp"))) == []


def test_dangerous_members_of_a_tar(make_folder: Make, cache: Path, tmp_path: Path) -> None:
    path = _pack(make_folder(100), tmp_path / "p.tar")
    picture = (tmp_path / "pictures" / "0000.png").read_bytes()

    def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = len(picture) if kind == tarfile.REGTYPE else 0
        return info

    with tarfile.open(path, "a") as archive:
        archive.addfile(member("../out.png"), BytesIO(picture))
        archive.addfile(member("/out.png"), BytesIO(picture))
        archive.addfile(member("link.png", tarfile.SYMTYPE, "/etc/passwd"))
        archive.addfile(member("hard.png", tarfile.LNKTYPE, "/etc/passwd"))
        archive.addfile(member("pipe.png", tarfile.FIFOTYPE))
    data = load(path, cache=cache)
    assert data.scan.count == 100
    reasons = {file.name: file.reason for file in data.scan.skipped}
    assert reasons["../out.png"] == reasons["/out.png"] == "its name leads out of the archive"
    assert reasons["link.png"] == reasons["hard.png"] == "a link"
    assert reasons["pipe.png"] == "no ordinary file"


def test_a_damaged_tar_loses_nothing_silently(make_folder: Make, cache: Path, tmp_path: Path) -> None:
    path = _pack(make_folder(20), tmp_path / "p.tar")
    whole = bytearray(path.read_bytes())
    tenth = whole.index(b"0010.png") - len("pictures/")
    for name, content in {
        "flipped": whole[: tenth + 20] + b"\xff" + whole[tenth + 21 :],
        "cut": whole[: len(whole) // 2],
        "no end": whole[: whole.rindex(b"IEND") + 8],
        "blank": whole[:tenth] + bytes(512) + whole[tenth + 512 :],
    }.items():
        path.write_bytes(content)
        with pytest.raises(
            DataError, match=r"damaged or cut off after \d+ members|not a readable tar"
        ) as told:
            load(path, cache=cache)
        assert "\n" not in str(told.value), name
    packed = tmp_path / "p.tar.gz"
    for content in (b"\x1f\x8b" + bytes(100), b"\x1f\x8b\x08\x00" + bytes(whole[:1000])):
        packed.write_bytes(content)
        with pytest.raises(DataError, match=r"cannot be unpacked|not a readable tar|damaged"):
            load(packed, cache=cache)


def test_a_tar_bomb(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("zeros.bmp")
        info.size = 100 << 20
        archive.addfile(info, BytesIO(bytes(info.size)))
    monkeypatch.setenv("GANFORGE_CACHE", str(cache))
    with pytest.raises(DataError, match="would become more than 64 MiB"):
        load(tmp_path / "b.tar.gz", cache=cache)


def test_run_folders_are_never_data(make_folder: Make, cache: Path, tmp_path: Path) -> None:
    folder = make_folder(12)
    before = scan(folder, cache=cache)
    for run in ("runs/a", "runs/b"):
        (folder / run / "samples").mkdir(parents=True)
        (folder / run / "run.json").write_text("{}")
        Image.new("RGB", (16, 16), (1, 2, 3)).save(folder / run / "samples" / "0.png")
    after = load(folder, cache=cache, held_out=0)
    assert after.scan.count == 12
    assert _warned(after.scan, "run folders are no data and are not read: runs/a, runs/b")
    assert not _warned(before, "run folders")
    packed = shutil.make_archive(str(tmp_path / "p"), "zip", folder)
    found = scan(packed, cache=cache)
    assert found.count == 12
    assert _warned(found, "not read: runs/a, runs/b")
    with pytest.raises(DataError, match="is a run folder, not data"):
        load(folder / "runs" / "a", cache=cache)


def test_runs_do_not_land_in_the_data(
    make_folder: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(2)
    monkeypatch.chdir(tmp_path)
    assert default_folder("pictures") == Path("runs/pictures")
    monkeypatch.chdir(folder)
    assert default_folder(".") == Path("../runs/pictures")
    assert default_folder("..").resolve() == tmp_path.parent / "runs" / tmp_path.name
    assert default_folder("digits") == Path("runs/digits")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert default_folder(".") == Path("runs/pictures")  # nothing can be written beside the data


def test_folders_of_other_programs_and_hidden_ones(make_folder: Make, cache: Path) -> None:
    folder = make_folder(12)
    picture = (folder / "0000.png").read_bytes()
    for name in ("@eaDir/0000.png/SYNO.png", "__MACOSX/._0000.png", ".thumbnails/0.png", ".mine.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "Thumbs.db").write_bytes(b"x")
    found = scan(folder, cache=cache)
    assert found.count == 12
    assert any("other programs made them: @eaDir, __MACOSX" in note for note in found.notes)
    assert _warned(found, "hidden, and so not read: .mine.png, .thumbnails")
    assert not any("DS_Store" in warning for warning in found.warnings)


def test_other_kinds_are_named_with_what_to_do(make_folder: Make, cache: Path, tmp_path: Path) -> None:
    folder = make_folder(12)
    for i in range(60):
        (folder / f"{i}.heic").write_bytes(b"x")
    (folder / "more.zip").write_bytes(b"x")
    (folder / "film.mp4").write_bytes(b"x")
    (folder / "readme.md").write_text("x")
    found = scan(folder, cache=cache)
    assert _warned(found, "not read: 60 .heic (save them as PNG or JPEG)")
    assert _warned(found, "1 .zip (unpack it, and give the folder)")
    assert _warned(found, "1 .md")
    assert found.ignored == 63
    (folder / "new.tga").write_bytes(b"x")
    assert _warned(scan(folder, cache=cache), "1 .tga")  # the cache of the pictures is no memory of the rest
    nested = tmp_path / "nested.zip"
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("inner.zip", b"x")
    with pytest.raises(DataError, match=r"1 \.zip \(unpack it"):
        load(nested, cache=cache)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("brain.nii.gz", r"1 \.nii\.gz \(save each slice as 16-bit PNG"),
        ("0001.npy", r"1 \.npy \(give one file of all examples: numpy\.save"),
        ("song.m4a", r"1 \.m4a \(save them as wav"),
        ("chair.gltf", r"1 \.gltf \(save them as glb"),
        ("0001.txt", r"1 \.txt \(a table goes into a csv file; captions of pictures go beside them"),
        ("0001", r"1 without a suffix \(name pictures \.png or \.jpg"),
        ("sky.exr", r"1 \.exr \(save them as 16-bit PNG"),
        ("data.xlsx", r"1 \.xlsx \(save it as csv"),
    ],
)
def test_a_folder_of_other_files_says_what_to_do(tmp_path: Path, cache: Path, name: str, says: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(b"x" * 99)
    with pytest.raises(DataError, match=says):
        load(tmp_path / "data", cache=cache)


def test_a_table_in_an_archive(tmp_path: Path, cache: Path) -> None:
    with zipfile.ZipFile(tmp_path / "kaggle.zip", "w") as archive:
        archive.writestr("train.csv", b"a,b\n1,2\n")
    with pytest.raises(DataError, match=r"1 \.csv \(unpack it, and give the file itself"):
        load(tmp_path / "kaggle.zip", cache=cache)


def test_a_zip_whose_folders_are_parted_as_on_windows(make_folder: Make, cache: Path, tmp_path: Path) -> None:
    folder = make_folder(12)
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        for i, file in enumerate(sorted(folder.iterdir())):
            archive.writestr(f"photos\\{'ab'[i % 2]}\\{file.name}", file.read_bytes())
        archive.writestr("..\\outside.png", file.read_bytes())
        archive.writestr("C:\\outside.png", file.read_bytes())
    found = scan(tmp_path / "old.zip", cache=cache)
    assert found.count == 12
    assert found.classes == {"a": 6, "b": 6}
    assert [file.reason for file in found.skipped] == ["its name leads out of the archive"] * 2


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.feather", b"ARROW1", "Arrow.* save it as csv"),
        ("noname", b"PAR1" + bytes(99), "Parquet"),
        ("t.h5", b"\x89HDF\r\n\x1a\n", "HDF5: save its numbers with numpy.save"),
        ("scan", bytes(128) + b"DICM", "DICOM: save each picture as 16-bit PNG"),
        ("x.pkl", b"\x80\x04", "pickled Python: it can run code"),
        ("x.rar", b"Rar!", "an archive: unpack it"),
        ("x.mp4", bytes(99), "no film in .*x.mp4|films need one more package"),
        ("points.txt", b"1 2", "is text: a table goes into a csv file"),
        ("rows.jsonl", b"{}", "save its rows as csv"),
        ("survey.sav", b"$FL2", "a table of another program: save it as csv"),
        ("x.strange", bytes(99), "no known kind"),
    ],
)
def test_single_files_of_other_kinds(
    tmp_path: Path, cache: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        load(tmp_path / name, cache=cache)


def test_parquet_is_read_as_its_csv_would_be(tmp_path: Path, cache: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "age": [20 + k % 50 for k in range(200)],
        "town": [("Ulm", "Bath", None)[k % 3] for k in range(200)],
        "since": [date(2024, 1, 1 + k % 30) for k in range(200)],
    }
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    write_frame(columns, tmp_path / "t.csv")
    found, expected = (load(tmp_path / name, cache=cache) for name in ("t.parquet", "t.csv"))
    assert [c.describe() for c in found.space.fitted.columns] == [
        c.describe() for c in expected.space.fitted.columns
    ]
    assert np.array_equal(found.train.values, expected.train.values)
    (tmp_path / "bad.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    with pytest.raises(DataError, match=r"bad.parquet: it cannot be read \("):
        load(tmp_path / "bad.parquet", cache=cache)


def test_parquet_without_its_package(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"parquet needs pyarrow.*pip install .ganforge.parquet."):
        load(tmp_path / "t.parquet", cache=cache)


def test_tables_of_one_line_of_names_are_one_table(tmp_path: Path, cache: Path) -> None:
    rows = [f"{20 + k % 50},{('Ulm', 'Bath')[k % 2]},{k * 7 % 90}.5" for k in range(300)]
    folder = tmp_path / "months"
    folder.mkdir()
    for name, start in (("1.csv", 0), ("2.csv", 100)):
        (folder / name).write_text("\n".join(["age,town,paid", *rows[start : start + 100]]))
    (folder / "3.csv.gz").write_bytes(
        gzip.compress("\n".join(["\ufeffage,town,paid", *rows[200:], ""]).encode())
    )
    (tmp_path / "whole.csv").write_text("\n".join(["age,town,paid", *rows, ""]))
    found, expected = (load(tmp_path / name, cache=cache) for name in ("months", "whole.csv"))
    assert found.space == expected.space
    assert np.array_equal(found.train.values, expected.train.values)
    (folder / "3.csv.gz").unlink()
    assert len(load(folder, cache=cache, held_out=0.0).train.values) == 200  # and not the cache of before
    (folder / "4.csv").write_text("age,city,paid\n")
    with pytest.raises(DataError, match=r"months: 4.csv begins with 'age,city,paid' and 1.csv"):
        load(folder, cache=cache)


def test_a_database_of_pictures(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(bytes(9))
    with pytest.raises(DataError, match="is an LMDB database: write each of its pictures"):
        load(tmp_path, cache=cache)


def test_pipes_devices_and_sockets_are_refused_at_once(tmp_path: Path, cache: Path, monkeypatch) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        start = time.monotonic()
        for name, what in (("pipe.csv", "a pipe"), ("socket", "a socket"), ("/dev/zero", "a device")):
            with pytest.raises(DataError, match=f"is {what}, not a file; save what comes from it"):
                load(name, cache=cache)
            with pytest.raises(DataError, match=what):
                scan("digits", source=name)
    assert time.monotonic() - start < 5


def test_a_pipe_among_pictures_is_named(make_folder: Make, cache: Path) -> None:
    folder = make_folder(4)
    os.mkfifo(folder / "odd.png")
    found = scan(folder, cache=cache)
    assert [(file.name, file.reason) for file in found.skipped] == [
        ("odd.png", "no file, but a pipe, a socket or a device")
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.npy", "a.npz", "a.zip", "a.tar.gz", "a.txt", "a.png"])
def test_an_empty_file_is_called_empty(tmp_path: Path, cache: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"is empty \(0 bytes\)"):
        load(tmp_path / name, cache=cache)


def test_stand_ins_of_git_lfs_say_how_to_get_the_files(
    make_folder: Make, cache: Path, tmp_path: Path
) -> None:
    stand_in = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    for name in ("a.zip", "a.csv", "a.npz"):
        (tmp_path / name).write_bytes(stand_in)
        with pytest.raises(DataError, match="is a stand-in of Git LFS, which holds no data: git lfs pull"):
            load(tmp_path / name, cache=cache)
    folder = make_folder(4)
    (folder / "odd.png").write_bytes(stand_in)
    assert "git lfs pull" in scan(folder, cache=cache).skipped[0].reason


def test_a_folder_that_may_not_be_opened_is_named(make_folder: Make, cache: Path, monkeypatch) -> None:
    folder = make_folder(40)
    (folder / "shut").mkdir()
    look = os.scandir

    def denied(where):
        if str(where).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(where))
        return look(where)

    monkeypatch.setattr(os, "scandir", denied)
    skipped = scan(folder, cache=cache).skipped
    assert [(one.name, one.reason) for one in skipped] == [
        ("shut/", "a folder that cannot be opened: Permission denied")
    ]


def test_further_pages_and_frames_are_named(make_folder: Make, cache: Path) -> None:
    folder = make_folder(12)
    pages = [Image.new("RGB", (16, 16), (i, 2, 3)) for i in range(4)]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:])
    pages[0].save(folder / "moves.gif", save_all=True, append_images=pages[1:3])
    found = scan(folder, cache=cache)
    assert found.count == 14
    assert _warned(found, "2 files have 5 further pages or frames, of which none is read")


def test_sixteen_bits_that_are_halved_are_named(make_folder: Make, cache: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    folder = make_folder(12)
    rows = b"".join(
        b"\0" + bytes(range(64)) for _ in range(16)
    )  # 16 pixels of grey and alpha, two bytes each
    header = struct.pack(">IIBBBBB", 16, 16, 16, 4, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (folder / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    found = scan(folder, cache=cache)
    assert found.count == 13
    assert _warned(found, "1 pictures have 16 bits a colour in a form of which the upper 8 are read")


def test_camera_size_is_never_taken_silently(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "dcim"
    folder.mkdir()
    for i in range(3):
        Image.new("RGB", (1200, 900), (i, 90, 30)).save(folder / f"{i}.jpg", quality=20)
    data = load(folder, cache=cache)
    assert data.space.shape == (3, 192, 256)
    assert any("all pictures are 1200×900: brought to 256×192" in note for note in data.scan.notes)
    np.save(tmp_path / "a.npy", np.zeros((4, 600, 600), np.uint8))
    data = load(tmp_path / "a.npy", cache=cache)
    assert data.space.shape == (1, 256, 256)
    assert any("all pictures are 600×600: brought to 256×256" in note for note in data.scan.notes)
    assert load(folder, size=(400, 300), cache=cache).space.shape == (3, 300, 400)


def test_what_is_cut_off_is_said_and_padding_keeps_it(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "shapes"
    folder.mkdir()
    for i in range(9):
        Image.new("RGB", (32, 32), (200, i, 0)).save(folder / f"{i}.png")
    wide = Image.new("RGB", (64, 16), (0, 0, 200))
    wide.paste((0, 200, 0), (0, 0, 4, 16))  # at the very edge
    wide.save(folder / "wide.png")
    cut = load(folder, cache=cache, held_out=0)
    assert _warned(cut.scan, "1 of 10 pictures are far from that of 32×32 and lose 75% of their area")
    assert _warned(cut.scan, "--fit pad keeps them whole")
    last = cut.train.values[np.argmax(cut.train.origin)]
    assert last[1].max() < 20  # the edge is gone
    padded = load(folder, cache=cache, held_out=0, fit="pad")
    last = padded.train.values[np.argmax(padded.train.origin)]
    assert last[1, 16].max() > 150
    assert (last[:, 0] == np.array([0, 0, 200])[:, None]).all()  # the border's own middle shade
    assert padded.manifest["fit"] == "pad"
    assert "fit" not in cut.manifest
    assert not any("lose" in warning for warning in padded.scan.warnings)
    with pytest.raises(DataError, match="crop or pad"):
        load(folder, cache=cache, fit="stretch")


def _domains(folder: Path, names: tuple[str, ...], n: int = 12) -> Path:
    for k, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = np.random.default_rng([k, i]).integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{k if 'A' not in names[0] else ''}{i}.png")
    return folder


@pytest.mark.parametrize("names", [("trainA", "trainB", "testA", "testB"), ("A/train", "B/train", "A/test")])
def test_two_domains_are_no_classes(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GANFORGE_CACHE", str(cache))
    folder = _domains(tmp_path / "horses", names)
    with pytest.raises(DataError, match="two domains of a translation: give"):
        load(folder, cache=cache)
    found = prepare(folder, minutes=600)
    assert found.recipe.game in ("translation", "exchange")
    assert found.recipe.source.endswith(("trainA", "A/train"))
    assert found.dataset.manifest["source"].endswith(("trainB", "B/train"))
    assert any("two domains: " in note for note in found.dataset.scan.notes)
    assert _warned(found.dataset.scan, "not read: testA, testB" if "testA" in names else "not read: A/test")


def test_parts_for_tests_are_taken_together_with_a_warning(make_folder: Make, cache: Path) -> None:
    for part in ("train", "val", "test"):
        for kind in ("cat", "dog"):
            folder = make_folder(6, sub=f"{part}/{kind}")
    data = load(folder, cache=cache)
    assert data.space.classes == ("cat", "dog")
    assert _warned(data.scan, "the folders test, train, val are taken together, also what is meant for tests")


def test_listings_of_folder_and_archive_agree(make_folder: Make, tmp_path: Path) -> None:
    folder = make_folder(3, sub="a/.b")
    make_folder(3, sub="a/c")
    (folder / "a" / "@eaDir").mkdir()
    (folder / "a" / "@eaDir" / "x.png").write_bytes(b"x")
    packed = Path(shutil.make_archive(str(tmp_path / "p"), "zip", folder))
    one, other = list_files(folder), list_files(packed)
    assert [entry.name for entry in one.entries] == [entry.name for entry in other.entries]
    assert (one.notes, one.warnings) == (other.notes, other.warnings)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!DOCTYPE html><html>404</html>", "is a web page, not a zip archive"),
        (b"Rar!\x1a\x07\x01\0" + bytes(99), "is an archive of another kind than zip: unpack it"),
        (b"PK\x03\x04" + bytes(99), "is a zip archive that breaks off or is damaged"),
        (b"something else" * 9, "is not a readable zip archive"),
    ],
)
def test_what_is_called_zip_and_is_none_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "data.zip").write_bytes(content)
    with pytest.raises(DataError, match=says):
        list_files(tmp_path / "data.zip")


def test_folders_with_nothing_in_them_are_named(tmp_path: Path) -> None:
    """An empty folder of a class was passed over without a word."""
    for name in ("cat", "bird"):
        (tmp_path / name).mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(b"x")
    assert list_files(tmp_path).warnings == ("there is nothing in the folders bird; classes need examples",)
