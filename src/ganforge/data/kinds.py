"""Files that are no examples: what they are, and what a person can do with them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

__all__ = ["what_to_do", "without_pictures", "words_on_others"]

_SAVE = "save them as PNG or JPEG"
_UNPACK = "unpack it, and give the folder"
_ARRAY = "save its numbers with numpy.save, as (N, H, W, C) pictures or (N, D) points"
_TABLE = "save it as csv; of pictures in a table, write each into a file of a folder"
_FRAMES = "write its frames as pictures, one folder for each film"
_PICKLE = "it can run code when it is opened and is never read: save plain numbers with numpy.save"

# Suffixes, what such a file is, and what to do. Pictures, arrays and tables that are read are not here.
_KINDS: tuple[tuple[str, str, str], ...] = (
    (".heic .heif .avif .jxl .jp2 .j2k .svg .psd .xcf .eps .ai .pdf", "a picture of another format", _SAVE),
    (".cr2 .cr3 .nef .arw .dng .raf .orf .rw2 .exr .hdr .tga .ico", "a picture of another format", _SAVE),
    (".zip .7z .rar .gz .bz2 .xz .zst .tar .tgz .tbz2 .txz", "an archive", _UNPACK),
    (".parquet .feather .arrow", "a table of Parquet or Arrow", _TABLE),
    (".xlsx .xls .ods .sqlite .db", "a table of another program", _TABLE),
    (".h5 .hdf5 .he5 .nc", "HDF5", _ARRAY),
    (".mdb", "an LMDB database", "write each of its pictures into a file of a folder"),
    (".tfrecord .tfrecords", "TFRecord", "write each of its pictures into a file of a folder"),
    (".dcm .dicom", "DICOM", "save each picture as 16-bit PNG or TIFF, in a folder"),
    (".nii .nrrd .mha", "a medical volume", _ARRAY),
    (".mat", "a file of MATLAB", _ARRAY),
    (".pkl .pickle .pt .pth .ckpt .joblib", "pickled Python", _PICKLE),
    (".mp4 .mov .mkv .webm .avi .m4v .mpg .mpeg .wmv", "a film", _FRAMES),
    (".npy .npz .csv .tsv", "an array or a table", "give the file itself"),
)
_BY_SUFFIX = {suffix: (what, do) for suffixes, what, do in _KINDS for suffix in suffixes.split()}
_MAGIC = (
    (0, b"PAR1", ".parquet"),
    (0, b"ARROW1", ".arrow"),
    (0, b"\x89HDF\r\n\x1a\n", ".h5"),
    (128, b"DICM", ".dcm"),
    (0, b"7z\xbc\xaf\x27\x1c", ".7z"),
    (0, b"Rar!", ".rar"),
    (0, b"MATLAB", ".mat"),
    (0, b"SQLite format 3", ".sqlite"),
    (0, b"%PDF", ".pdf"),
    (4, b"ftyp", ".mp4"),
)


def what_to_do(path: Path) -> str:
    """Of a file or folder that is not read: what it is and what to do, or empty where that is not known."""
    if path.is_dir():
        known = next((name for name in ("data.mdb", "dataset_info.json") if (path / name).is_file()), None)
        if known is None:
            return ""
        what, do = _BY_SUFFIX[".mdb" if known == "data.mdb" else ".arrow"]
        return f"is {what}: {do}"
    suffix = path.suffix.lower()
    if suffix not in _BY_SUFFIX:
        try:
            with open(path, "rb") as file:
                start = file.read(160)
        except OSError:
            return ""
        suffix = next((kind for at, mark, kind in _MAGIC if start[at : at + len(mark)] == mark), "")
    if suffix not in _BY_SUFFIX:
        return ""
    what, do = _BY_SUFFIX[suffix]
    return f"is {what}: {do}"


def words_on_others(names: Iterable[str]) -> str:
    """Files beside the pictures, by suffix and with what to do; empty where there are none.

    ``60 .heic (save them as PNG or JPEG), 2 .txt``
    """
    counts = Counter(os.path.splitext(name)[1].lower() or "without a suffix" for name in names)
    said: list[str] = []
    for suffix, n in counts.most_common():
        known = _BY_SUFFIX.get(suffix)
        said.append(f"{n:,} {suffix}" + (f" ({known[1]})" if known else ""))
    return ", ".join(said[:8]) + (f" and {len(said) - 8} kinds more" if len(said) > 8 else "")


def without_pictures(path: Path, names: Iterable[str]) -> str:
    """Why nothing in a folder or archive is a picture, in words."""
    others = words_on_others(names)
    known = what_to_do(path) if path.is_dir() else ""
    if known:
        return f"{path} {known}"
    return (
        f"no pictures in {path}, which has {f'other files: {others}' if others else 'no files at all'};"
        " put PNG, JPEG, WebP, BMP, GIF or TIFF files there"
    )
