"""Pictures that a browser brings, and those made of them: kept for a while, each under a random name."""

from __future__ import annotations

import io
import secrets
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ganforge.core.errors import UsageError
from ganforge.data.files import UnreadableError
from ganforge.data.pictures import open_picture
from ganforge.studio.scratch import Scratch

__all__ = ["Shelf", "doubtful", "measured"]


@contextmanager
def doubtful() -> Generator[None]:
    """Whatever goes wrong within, a person's file cannot be read as a picture: raises UsageError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd files; they are judged by whether they decode
            yield
    except Exception as error:  # Pillow's readers raise nearly any exception on damaged or hostile files
        why = str(error) if isinstance(error, UnreadableError) else "it is damaged"
        raise UsageError(f"this file cannot be read as a picture: {why}") from None


def measured(content: bytes) -> tuple[int, int]:
    """Width and height of a picture that can be read whole. Raises UsageError for any other."""
    with doubtful(), open_picture(io.BytesIO(content)) as image:
        image.load()
        return image.size


class Shelf:
    """Files in a folder of its own; where there are too many, those that were not asked for longest go.

    Args:
        most: files; most_bytes: all together.
        scratch: holds the folder.
    """

    def __init__(self, most: int, most_bytes: int, scratch: Scratch) -> None:
        self._most, self._most_bytes, self._scratch = most, most_bytes, scratch
        self._given: set[str] = set()
        self._files: dict[str, Path] = {}  # the one that was asked for last stands last

    def take(self, content: bytes) -> str:
        """Keep a picture, which :func:`measured` has read; gives its name."""
        path = self.place()
        path.write_bytes(content)
        self._given.add(path.name)
        return path.name

    def place(self) -> Path:
        """A file that is yet to be written; its name is the picture's."""
        folder = self._scratch.folder / "shelf"
        folder.mkdir(exist_ok=True)
        while len(self._files) >= self._most or self._bytes() > self._most_bytes:
            self.forget(next(iter(self._files)))
        name = secrets.token_urlsafe(12)
        self._files[name] = folder / name
        return self._files[name]

    def forget(self, name: str) -> None:
        """Remove a picture, where it is still here."""
        self._given.discard(name)
        path = self._files.pop(name, None)
        if path is not None:
            path.unlink(missing_ok=True)

    def given(self, name: str) -> Path:
        """A picture that was brought. Raises UsageError."""
        if name not in self._given:
            raise UsageError("this picture is no longer here: drop it again")
        return self._found(name)

    def result(self, name: str) -> Path:
        """A picture of our own making. Raises UsageError.

        What was brought is never given out: a browser could take a file for something else than a picture.
        """
        if name not in self._files or name in self._given or not self._files[name].is_file():
            raise UsageError("this picture is no longer here")
        return self._found(name)

    def _found(self, name: str) -> Path:
        self._files[name] = path = self._files.pop(name)
        return path

    def _bytes(self) -> int:
        return sum(path.stat().st_size for path in self._files.values() if path.is_file())
