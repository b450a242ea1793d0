"""The demo at a tenth of its size: it must convince the same referee, and fail for nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.demo import Figures, photos, play


def test_the_demo_convinces_the_referee(tmp_path: Path):
    path, figures = play(tmp_path / "demo", samples=100, kimg=30)
    # A hundred samples leave the share of the nearer ones open by ±.15: its interval must reach below.
    assert figures.are_digits, figures
    assert replace(figures, nearer_to_training=figures.nearer_at_least).missed == [], figures
    with Image.open(path / "grid.png") as grid:
        assert grid.size[0] > 100
    with Image.open(path / "learning.gif") as film:
        assert film.n_frames >= 5


def test_only_what_is_no_digit_fails():
    good = Figures(0.98, 0.95, 0.97, 0.09, 0.52, 0.45, 9.0)
    assert good.are_digits
    assert good.missed == []
    slow = replace(good, seconds=500.0, nearer_to_training=0.7)
    assert slow.are_digits
    assert slow.missed == ["copying", "time"]
    assert not replace(good, confident=0.5).are_digits


def test_photographs_make_a_grid_in_colour(tmp_path: Path):
    path = photos(tmp_path / "photos", kimg=0.03)
    with Image.open(path / "grid.png") as grid:
        assert grid.mode == "RGB"
        assert np.asarray(grid).std(axis=2).mean() > 1  # the channels differ
