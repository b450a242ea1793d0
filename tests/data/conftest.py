"""Small pictures, made on the spot, and a cache of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """A folder of distinct noisy colour pictures, ``make_folder(n, size=(16, 16), sub="a")``."""

    def make(n: int, *, size: tuple[int, int] = (16, 16), sub: str = "", name: str = "pictures") -> Path:
        folder = tmp_path / name
        (folder / sub).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            rng = np.random.default_rng([i, *size, *sub.encode()])
            pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / sub / f"{i:04}.png")
        return folder

    return make
