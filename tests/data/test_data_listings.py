"""Listings of many files that are kept for a warm start."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ganforge.data import files, listings, load


@pytest.fixture
def folder(make_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Thirty pictures, taken for many, whose folders have not been changed for a minute."""
    monkeypatch.setattr(listings, "_MANY", 20)
    found = make_folder(30)
    _settle(found)
    return found


def _settle(folder: Path) -> None:
    for where, _, _ in os.walk(folder):
        os.utime(where, (time.time() - 60,) * 2)


def _walks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    walked: list[Path] = []
    walk = files.list_folder

    def counted(folder: Path) -> files.Listing:
        walked.append(folder)
        return walk(folder)

    monkeypatch.setattr(files, "list_folder", counted)
    return walked


def test_a_warm_start_walks_through_nothing(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked = _walks(monkeypatch)
    first = load(folder, cache=cache)
    assert walked
    walked.clear()
    again = load(folder, cache=cache)
    assert not walked
    assert again.manifest == first.manifest
    assert again.scan == first.scan


def _new(folder: Path) -> None:
    shutil.copy(next(folder.glob("*.png")), folder / "another.png")


def _deeper(folder: Path) -> None:
    (folder / "empty" / "more.txt").write_text("words")


def _gone(folder: Path) -> None:
    next(folder.glob("*.png")).unlink()


def _written_over(folder: Path) -> None:
    file = next(folder.glob("*.png"))
    with open(file, "r+b") as there:
        Image.new("RGB", (8, 8)).save(there, "png")


@pytest.mark.parametrize("change", [_new, _deeper, _gone, _written_over])
def test_a_change_is_seen(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    (folder / "empty").mkdir()
    _settle(folder)
    load(folder, cache=cache)
    walked = _walks(monkeypatch)
    change(folder)
    load(folder, cache=cache)
    assert walked


def test_a_folder_that_has_just_changed_is_not_trusted(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(folder)
    load(folder, cache=cache)
    walked = _walks(monkeypatch)
    load(folder, cache=cache)
    assert walked


def test_listings_go_when_nobody_asks_for_them(folder: Path, cache: Path) -> None:
    load(folder, cache=cache)
    (kept,) = cache.glob("listing-*")
    listings.forget(cache, older=3600)
    assert kept.exists()
    kept.write_text("{")  # damaged: made anew
    assert load(folder, cache=cache).train.n
    listings.forget(cache)
    assert not kept.exists()
