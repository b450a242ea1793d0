"""Files that are no examples: what they are, and what a person can do with them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ganforge.core.declared import CODECS

__all__ = ["what_to_do", "without_pictures", "words_on_others"]

_SAVE = "save them as PNG or JPEG"
_DEEP = "save them as 16-bit PNG or TIFF"
_UNPACK = "unpack it, and give the folder"
_ARRAY = "save its numbers with numpy.save, as (N, H, W, C) pictures or (N, D) points"
_TABLE = "save it as csv; of pictures in a table, write each into a file of a folder"
_FRAMES = "put films into a folder of their own"
_PICKLE = "it can run code when it is opened and is never read: save plain numbers with numpy.save"
_WORDS = (
    "a table goes into a csv file; captions of pictures go beside them, each in a .txt of its picture's name,"
    " or with labels into one csv"
)

# Suffixes, what such a file is, and what to do. Pictures, arrays and tables that are read are not here.
_KINDS: tuple[tuple[str, str, str], ...] = (
    (
        ".heic .heif .jxl .jp2 .j2k .svg .psd .xcf .eps .ai .pdf .tga .ico",
        "a picture of another format",
        _SAVE,
    ),
    (".cr2 .cr3 .nef .arw .dng .raf .orf .rw2 .exr .hdr .fits", "a picture of another format", _DEEP),
    (".zip .7z .rar .gz .bz2 .xz .zst .tar .tgz .tbz2 .txz", "an archive", _UNPACK),
    (".001", "a part of an archive", "join the parts and unpack them, and give the folder"),
    (".parquet", "a table of Parquet", "name it .parquet, and give the file itself, one at a time"),
    (".feather .arrow", "a table of Arrow", _TABLE),
    (".xlsx .xlsm .xls .ods .sqlite .db", "a table of another program", _TABLE),
    (".sav .dta .sas7bdat .rds .arff", "a table of another program", _TABLE),
    (".json .jsonl .ndjson .xml .yaml .yml", "a table or text of another form", "save its rows as csv"),
    (".h5 .hdf5 .he5 .nc .zarr", "HDF5", _ARRAY),
    (".mdb", "an LMDB database", "write each of its pictures into a file of a folder"),
    (".tfrecord .tfrecords", "TFRecord", "write each of its pictures into a file of a folder"),
    (".dcm .dicom", "DICOM", "save each picture as 16-bit PNG or TIFF, in a folder"),
    (".nii .nii.gz .nrrd .mha", "a medical volume", "save each slice as 16-bit PNG or TIFF, in a folder"),
    (".mat", "a file of MATLAB", _ARRAY),
    (".safetensors", "a file of tensors", _ARRAY),
    (".pkl .pickle .pt .pth .ckpt .joblib", "pickled Python", _PICKLE),
    (".mp4 .mov .mkv .webm .avi .m4v .mpg .mpeg .wmv", "a film", _FRAMES),
    (".m4a .aac .wma .amr .mka .ra", "a sound of another format", "save them as wav, flac or mp3"),
    (".gltf .fbx .blend .dae .3ds .usdz .step .stp", "a mesh of another format", "save them as glb or obj"),
    (".txt .dat .asc", "text", _WORDS),
    (".csv .tsv", "a table", "give the file itself, one at a time"),
    (".npy .npz", "an array", "give one file of all examples: numpy.save(path, numpy.stack(arrays))"),
)
_OWN = (".csv", ".tsv", ".npy", ".npz")  # that are read where they are given themselves
_ALONE = "all examples are of one kind: put these into a folder of their own"
_BARE = "without a suffix"
_NAME = "name pictures .png or .jpg, tables .csv"
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
    *((0, b"\x80" + bytes([protocol]), ".pkl") for protocol in range(2, 6)),
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
    suffix = _suffix(path.name)
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


def _suffix(name: str) -> str:
    """A name's last suffix, or its last two where these are known together: .nii.gz."""
    stem, suffix = os.path.splitext(name.lower())
    both = os.path.splitext(stem)[1] + suffix
    return both if both in _BY_SUFFIX else suffix


def words_on_others(names: Iterable[str], *, packed: bool = False) -> str:
    """Files beside the examples, by suffix and with what to do; empty where there are none.

    ``60 .heic (save them as PNG or JPEG), 2 .log``. ``packed``: they lie in an archive.
    """
    counts = Counter(_suffix(name) or _BARE for name in names)
    said: list[str] = []
    for suffix, n in counts.most_common():
        example = any(suffix in codec.suffixes for codec in CODECS.values())
        do = _NAME if suffix == _BARE else _BY_SUFFIX.get(suffix, ("", _ALONE if example else ""))[1]
        if packed and suffix in _OWN:
            do = f"unpack it, and {do}"
        said.append(f"{n:,} {suffix}" + (f" ({do})" if do else ""))
    return ", ".join(said[:8]) + (f" and {len(said) - 8} kinds more" if len(said) > 8 else "")


def without_pictures(path: Path, names: Iterable[str]) -> str:
    """Why nothing in a folder or archive is an example, in words."""
    others = words_on_others(names, packed=path.is_file())
    known = what_to_do(path) if path.is_dir() else ""
    if known:
        return f"{path} {known}"
    return (
        f"no pictures in {path}, which has {f'other files: {others}' if others else 'no files at all'};"
        " put PNG, JPEG, WebP, BMP, GIF or TIFF files there, or sounds or meshes"
    )
