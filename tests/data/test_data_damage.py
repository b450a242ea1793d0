"""Inputs damaged by chance: refused in a line, named, or read as they were. All of it: benchmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import damaged_data
from benchmarks.damaged_data import COUNTS, tried


@pytest.mark.parametrize("kind", COUNTS)
def test_some_damaged_inputs_of_each_kind(tmp_path: Path, kind: str) -> None:
    found = tried(kind, 30, tmp_path)
    assert not found.failures
    assert sum(found.outcomes.values()) == 30
    assert found.outcomes["refused"] + found.outcomes["named"] >= 5  # the damage is felt


@pytest.mark.slow
@pytest.mark.parametrize("kind", COUNTS)
def test_a_thousand_damaged_inputs(tmp_path: Path, kind: str) -> None:
    assert not tried(kind, COUNTS[kind], tmp_path, seed=31).failures


def test_the_benchmark_sees_what_changes_without_a_word(tmp_path: Path, monkeypatch) -> None:
    """A planted fault: a reader that takes damaged pictures for what they are."""
    monkeypatch.setattr("ganforge.data.pictures._check_png", lambda file: None)
    monkeypatch.setattr(damaged_data, "damage", _lighter)
    assert tried("png", 1, tmp_path).failures


def _lighter(content: bytes, rng: np.random.Generator) -> bytes:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        other = image.point(lambda shade: shade // 2)
    buffer = io.BytesIO()
    other.save(buffer, "PNG")
    return buffer.getvalue()
