"""What a question about a run gave: words, numbers and files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganforge.runs import pictures
from ganforge.runs.files import machine_faults, write_atomically

__all__ = ["Answer"]


@dataclass
class Answer:
    """What a question gave, and the folder where it is kept.

    Attributes:
        folder: of this question; made when something is written.
        lines: subject and words, for a person.
        numbers: the same as plain data, for ``result.json``.
        files: what was written.
    """

    folder: Path
    lines: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    numbers: dict[str, Any] = field(default_factory=dict[str, Any])
    files: list[Path] = field(default_factory=list[Path])

    def say(self, subject: str, words: str) -> None:
        self.lines.append((subject, words))

    def write(self, name: str, content: bytes | str) -> None:
        """Write a file. Raises MachineError where that fails."""
        write_atomically(self.path(name), content)

    def picture(self, name: str, image: Image.Image) -> None:
        self.write(name, pictures.png(image))

    def array(self, name: str, values: np.ndarray) -> None:
        buffer = BytesIO()
        np.save(buffer, values, allow_pickle=False)
        self.write(name, buffer.getvalue())

    def path(self, name: str) -> Path:
        """Where a file is about to be written."""
        with machine_faults(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self.files.append(self.folder / name)
        return self.folder / name

    def done(self) -> Answer:
        """Write ``result.json``, and name all files."""
        self.write("result.json", json.dumps(self.numbers, indent=1))
        self.lines += [("wrote", str(path)) for path in self.files]
        return self
