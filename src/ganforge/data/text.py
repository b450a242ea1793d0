"""Text files in the encodings that people have: found by their bytes, and read line by line."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ganforge.core.errors import DataError

__all__ = ["Text", "about", "read_text"]

_PIECE = 1 << 20
_KINDS = (  # beginnings of files that bear a suffix which is not theirs
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"PAR1", "a parquet file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "a database"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "packed by gzip twice"),
)
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


@dataclass(frozen=True, eq=False)
class Text:
    """A text file.

    Attributes:
        content: its bytes.
        encoding: Python's name of it.
        said: the encoding for people; empty for UTF-8.
        warning: where it had to be guessed: what was taken.
    """

    content: bytes
    encoding: str
    words: str = ""
    warning: str = ""

    def lines(self) -> Iterator[str]:
        """Its lines without their ends, whether these are of Unix, Windows or old Macs."""
        with io.TextIOWrapper(io.BytesIO(self.content), self.encoding, "replace") as file:
            for line in file:
                yield line.rstrip("\n")

    def whole(self) -> str:
        return "\n".join(self.lines())


def read_text(content: bytes) -> Text:
    """A file's bytes as text.

    A byte order mark decides; without one UTF-16 is known by its zeros, and what is no UTF-8 is taken for
    Windows-1252, which any bytes are.

    Raises:
        DataError: it is no text, or damaged. The file's name is the caller's to add.
    """
    for start, kind in _KINDS:
        if content.startswith(start):
            raise DataError(f"it is {kind}, not text; save it as csv")
    head = content[:4096].lstrip()
    if head[:9].lower() == b"<!doctype" or head[:5].lower() == b"<html":
        raise DataError("it is a web page, not a table; download the file itself")
    if head.startswith(b"version https://git-lfs"):
        raise DataError("it is a pointer of Git LFS, not the file itself; fetch that: git lfs pull")
    content = content.rstrip(b"\x1a")  # the end of a file, long ago
    text = next((Text(content, name, said) for mark, name, said in _MARKS if content.startswith(mark)), None)
    text = text or _by_zeros(content)
    if text is None and not _decodes(content, "utf-8"):
        text = Text(content, "cp1252", "Windows-1252")
        odd = next((line for line in text.lines() if not line.isascii()), "").strip()
        odd = re.sub(r"[\x00-\x1f]", " ", odd)
        word = next((word for word in re.split(r"[,;\t|]", odd) if not word.isascii()), "")[:40]
        warning = (
            f"it is not UTF-8, and is read as Windows-1252 ({word!r}); if that is wrong, save it as UTF-8"
        )
        text = Text(content, "cp1252", "Windows-1252", warning)
    text = text or Text(content, "utf-8")
    if text.words.startswith("UTF") and not _decodes(content, text.encoding):
        raise DataError(f"it begins as {text.words} and does not go on so: it is damaged; save it as UTF-8")
    _check_controls(text)
    return Text(content, "utf-8-sig") if text.words == "UTF-8" else text


def about(path: object, error: object) -> str:
    """A fault of a file with its name before it: ``t.csv, line 3: …`` or ``t.csv: it is empty``."""
    said = str(error)
    return f"{path}{', ' if said.startswith(('line ', 'column ')) else ': '}{said}"


def _by_zeros(content: bytes) -> Text | None:
    """UTF-16 without a mark: every other byte of most texts is zero."""
    piece = content[:4096]
    if len(piece) < 8:
        return None
    even, odd = piece[::2].count(0) / len(piece[::2]), piece[1::2].count(0) / len(piece[1::2])
    if max(even, odd) < 0.4 or min(even, odd) > 0.1:
        return None
    return Text(content, "utf-16-le" if odd > even else "utf-16-be", "UTF-16")


def _decodes(content: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(content), _PIECE):
            decoder.decode(content[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _check_controls(text: Text) -> None:
    """DataError where there are signs that no text has."""
    if b"\0" not in text.content and not re.search(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", text.content[:_PIECE]):
        return
    for number, line in enumerate(text.lines(), 1):
        found = re.search(r"[\x00-\x08\x0e-\x1f]", line)
        if found:
            raise DataError(
                f"line {number} has the control character {found[0]!r}: it is damaged, or no text"
            )
