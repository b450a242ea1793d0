"""Bars at the edges of pictures are named, and a background is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.data import scan

SIDE = 64


@pytest.mark.parametrize(("upright", "where"), [(False, "above and below"), (True, "left and right")])
def test_bars_in_a_part_of_the_pictures_are_named(tmp_path: Path, upright: bool, where: str) -> None:
    rng = np.random.default_rng(0)
    for i in range(40):
        coarse = Image.fromarray(rng.integers(60, 255, (8, 8, 3)).astype(np.uint8))
        picture = np.array(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        if i % 2:
            picture[: 6 + i % 5] = picture[-6 - i % 5 :] = 0
        image = Image.fromarray(picture.swapaxes(0, 1).copy() if upright else picture)
        image.save(tmp_path / f"{i}.jpg", quality=85)
    (line,) = [one for one in scan(tmp_path).warnings if "bars" in one]
    assert line.startswith("50% of the pictures have bars of one colour")
    assert f"{where}, 25% of the side" in line


@pytest.mark.parametrize(
    "what", ["a thing before a background", "a frame", "one bar", "plain colours", "no bars"]
)
def test_other_edges_are_no_bars(tmp_path: Path, what: str) -> None:
    rng = np.random.default_rng(1)
    for i in range(40):
        picture = rng.integers(60, 255, (SIDE, SIDE, 3)).astype(np.uint8)
        if what == "a thing before a background":
            thing = picture[12:52, 16 : 44 + i % 8].copy()
            picture[:] = 255
            picture[12:52, 16 : 44 + i % 8] = thing
        elif what == "a frame":
            picture[0] = picture[-1] = picture[:, 0] = picture[:, -1] = 0
        elif what == "one bar":
            picture[:10] = 0
        elif what == "plain colours":
            picture[:] = 3 * i
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    assert not [one for one in scan(tmp_path).warnings if "bars" in one]
