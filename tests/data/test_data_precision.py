"""Columns far from 0: read in float64, brought near 0 before float32, and given back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ganforge.core.errors import DataError, RecipeError
from ganforge.core.space import Space
from ganforge.data import Loader, load
from ganforge.metrics.two_sample import two_sample_test
from ganforge.tasks.experiment import prepare


def _times(n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.round(1.6e9 + rng.uniform(0, 60, n), 3)


def _table(path: Path, *columns: np.ndarray, names: str) -> Path:
    np.savetxt(path, np.stack(columns, 1), delimiter=",", header=names, comments="", fmt="%.17g")
    return path


def test_unix_times_stay_apart(tmp_path: Path, cache: Path) -> None:
    times = _times()
    path = _table(tmp_path / "t.csv", times, np.arange(400.0), names="time,value")
    data = load(path, cache=cache, held_out=0)
    order = np.argsort(data.train.origin)
    assert (data.train.values[order, 0] == times).all()  # as they were in the file
    assert data.space.is_fine
    real = Loader(data.train, data.space, seed=0).batch_at(0, 400).real
    assert real.dtype == torch.float32
    assert len(real[:, 0].unique()) == len(np.unique(times))
    assert abs(real[:, 0].mean()) < 1e-5
    assert abs(real[:, 0].std(unbiased=False) - 1) < 1e-5
    back = data.space.to_declared(real)
    assert back.dtype == torch.float64
    known = torch.from_numpy(data.train.values[Loader(data.train, data.space, seed=0)._order.take(0, 400)[0]])
    assert (back - known).abs().max() < 1e-4


def test_ordinary_columns_stay_as_they_were(tmp_path: Path, cache: Path) -> None:
    values = np.random.default_rng(1).normal(4, 1.25, (5000, 2))
    np.save(tmp_path / "a.npy", values)
    data = load(tmp_path / "a.npy", cache=cache, held_out=0)
    assert data.train.values.dtype == np.float32
    assert not data.space.is_fine
    assert data.space.to_declared(torch.zeros(1, 2)).dtype == torch.float32


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (
            np.where(np.arange(400) == 7, 1e30, np.arange(400.0)),
            "400 different values would become 2, .*rows out",
        ),
        (2**60 + np.arange(400), r"400 different values would become \d+, .*subtract the smallest one"),
    ],
    ids=["one far away", "whole numbers of 19 digits"],
)
def test_a_column_that_would_lose_values_is_refused_by_name(
    tmp_path: Path, cache: Path, column: np.ndarray, says: str
) -> None:
    np.save(tmp_path / "a.npy", np.stack([np.arange(400).astype(column.dtype), column], 1))
    with pytest.raises(DataError, match=f"column 2: {says}"):
        load(tmp_path / "a.npy", cache=cache)


def test_numbers_of_19_digits_in_a_table(tmp_path: Path, cache: Path) -> None:
    lines = ["id,x", *(f"{2**60 + i},{i}" for i in range(400))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match="column 'id': 400 different values would become"):
        load(tmp_path / "t.csv", cache=cache)


def test_a_column_of_tiny_numbers_is_scaled(tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(2).normal(0, 1e-15, (500, 1)))
    data = load(tmp_path / "a.npy", cache=cache, held_out=0)
    real = data.space.to_model(torch.from_numpy(np.array(data.train.values)))
    assert abs(real.std(unbiased=False) - 1) < 1e-4


def test_a_recipe_in_the_points_own_units_refuses_them(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.csv", _times(), names="time")
    with pytest.raises(RecipeError, match="standardise=true"):
        prepare(path, recipe="gaussian")


def test_judges_see_times_that_are_all_alike() -> None:
    times = torch.from_numpy(_times(600))[:, None]
    alike = torch.full_like(times, times.mean())
    assert two_sample_test(alike, times).accuracy > 0.9
    honest = two_sample_test(torch.from_numpy(_times(1200))[:600, None], times)
    assert 0.35 < honest.accuracy < 0.65


def test_only_spaces_far_from_0_are_fine() -> None:
    near = Space(kind="points", shape=(1,), offset=(100.0,), scale=(1.0,))
    assert not near.is_fine
    far = Space(kind="points", shape=(1,), offset=(1.6e9,), scale=(17.0,))
    x = torch.tensor([[0.5], [0.50001]])
    assert far.to_declared(x).diff(dim=0).item() == pytest.approx(17e-5, rel=0.02)
    assert (far.to_model(far.to_declared(x)) == x).all()
