"""What a run is asked, and what that gave: words, numbers and files."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from PIL import Image

from ganforge.codecs import plots
from ganforge.core.declared import QuestionTraits
from ganforge.core.options import option
from ganforge.runs import pictures
from ganforge.runs.files import machine_faults, write_atomically

if TYPE_CHECKING:
    from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Answer", "Question"]


@dataclass(frozen=True)
class Question(QuestionTraits, ABC):
    """What a run can be asked: a dataclass, whose fields are its options.

    The docstring is its help page, the field's docstring is that of an option. Each field has a default, and
    a type that can be typed; ``core.options.option`` says what it is called there.
    """

    out: Annotated[Path | None, option("FOLDER")] = None
    """where results go; RUN/explore by default"""
    data_at: Annotated[str | None, option("DATA")] = None
    """where the run's data are now, if they have moved"""

    @abstractmethod
    def ask(self, opened: OpenedRun) -> Answer:
        """The answer. Raises UsageError where the question is not for this run."""


@dataclass
class Answer:
    """What a question gave, and the folder where it is to be kept.

    Nothing is written before :meth:`keep`, so that a disk that refuses does not throw an answer away.

    Attributes:
        folder: of this question; made when something is written.
        lines: name and words, for a person.
        numbers: the same as plain data, for ``result.json``.
        files: what is to be written.
    """

    folder: Path
    lines: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    numbers: dict[str, Any] = field(default_factory=dict[str, Any])
    files: list[Path] = field(default_factory=list[Path])
    _writing: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])

    def say(self, opened: str, words: str) -> None:
        self.lines.append((opened, words))

    def write(self, name: str, content: bytes | str) -> None:
        """A file in ``folder``."""
        path = self.folder / name
        self.later([path], lambda: write_atomically(path, content))

    def later(self, files: Sequence[Path], write: Callable[[], object]) -> None:
        """Files that ``write`` writes; it raises MachineError where it cannot."""
        self.files += files
        self._writing.append(write)

    def picture(self, name: str, image: Image.Image) -> None:
        self.write(name, plots.png(image))

    def film(self, name: str, frames: Sequence[Image.Image], seconds: float) -> None:
        self.write(name, pictures.film_of(frames, Path(name).suffix, seconds=seconds))

    def array(self, name: str, values: np.ndarray) -> None:
        buffer = BytesIO()
        np.save(buffer, values, allow_pickle=False)
        self.write(name, buffer.getvalue())

    def done(self) -> Answer:
        """The whole answer, with ``result.json``."""
        self.write("result.json", json.dumps(self.numbers, indent=1))
        return self

    def keep(self) -> list[Path]:
        """Write all files, and name them. Raises MachineError where the disk is full or refuses."""
        with machine_faults(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        for write in self._writing:
            write()
        return self.files
