"""Series: found by themselves, back bit for bit, and what is wrong gets one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganforge.codecs.rows.reader import write_frame
from ganforge.codecs.series.reader import read_series
from ganforge.core.errors import DataError
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.core.space import Space
from ganforge.data.readers import Source, read
from tests.players import steps

NAMED = TableFormat(what="series")


def written(folder: Path, columns: dict[str, list[Any]]) -> Path:
    write_frame(columns, folder / "a.csv")
    return folder / "a.csv"


def codec_of(path: Path, wish: TableFormat = FOUND) -> tuple[Any, Any]:
    raw = read_series(path, wish, sure=True)
    assert raw is not None
    space = Space(kind=raw.kind, shape=raw.shape).codec.fit(raw.values, raw.about, standardise=True)
    return raw, space.codec


def without_entity(file: bytes) -> list[str]:
    return [line.partition(",")[2] for line in file.decode().splitlines()]


def test_a_file_comes_back_bit_for_bit_with_new_entities(tmp_path: Path):
    path = written(tmp_path, steps(40))
    raw, codec = codec_of(path)
    assert raw.values.shape == (40, 9, 12)
    x = codec.encode(torch.from_numpy(raw.values), torch.rand(*raw.values.shape))
    assert x.isfinite().all()
    again = codec.close(x).numpy()
    assert np.array_equal(again, raw.values)
    file = codec.file_of(again)
    assert without_entity(file) == without_entity(path.read_bytes())
    names = {line.partition(",")[0] for line in file.decode().splitlines()[1:]}
    assert names == {f"shop{k:03d}" for k in range(40, 80)}  # none of them is a known one
    other = Space.from_json(json.loads(json.dumps(codec.space.to_json()))).codec
    assert other.file_of(other.close(x).numpy()) == file


def test_entity_and_time_are_found_and_said(tmp_path: Path):
    path = written(tmp_path, steps(40))
    raw = read(Source.of(path), size=None, channels=None, scratch=None)
    assert raw.kind == "series"
    said = " · ".join(raw.found)
    assert "40 series, named by shop" in said
    assert "time: day, a step is 1 day (within each shop, day goes on by 1 day)" in said
    assert "steps: 9 to 12 a series" in said
    assert "attributes, the same through a series: town, large" in said
    assert (
        read(Source.of(path), size=None, channels=None, scratch=None, table=TableFormat(what="rows")).kind
        == "rows"
    )


GRIDS = {
    "hours": [f"2024-03-{1 + t // 24:02d} {t % 24:02d}:00" for t in range(30)],
    "milliseconds": [f"2024-03-01T10:00:0{t // 10}.{t % 10}00" for t in range(30)],
    "months": [f"{2020 + t // 12}-{t % 12 + 1:02d}-01" for t in range(30)],
    "month ends": [str((np.datetime64("2020-01") + t + 1).astype("datetime64[D]") - 1) for t in range(30)],
    "weekdays": [str(np.busday_offset("2024-01-01", t)) for t in range(30)],
    "counts of five": [str(5 * t) for t in range(30)],
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("by_time", [False, True])
def test_every_grid_of_times_comes_back(grid: str, by_time: bool, tmp_path: Path):
    rng = np.random.default_rng(0)
    rows = [(f"s{k}", when, round(float(rng.normal()), 3)) for k in range(20) for when in GRIDS[grid]]
    if by_time:
        rows = [rows[k * 30 + t] for t in range(30) for k in range(20)]
    names = ("name", "time", "value")
    path = written(tmp_path, {name: [row[i] for row in rows] for i, name in enumerate(names)})
    raw, codec = codec_of(path)
    assert not raw.warnings
    assert without_entity(codec.file_of(raw.values)) == without_entity(path.read_bytes())


def test_steps_that_are_missing_are_put_on_the_grid_and_said(tmp_path: Path):
    rows = [(k, 2 * t, float(t)) for k in range(25) for t in range(20) if (t + k) % 7 != 3]
    path = written(tmp_path, {name: [r[i] for r in rows] for i, name in enumerate(("id", "t", "x"))})
    raw, _ = codec_of(path)
    assert any("resampled to that grid" in words for words in raw.warnings)
    assert np.array_equal(np.diff(raw.values[0, -1, : int(raw.values[0, 1, 0])]), np.ones(19))


def test_one_long_series_is_cut_into_days(tmp_path: Path):
    hours = np.datetime64("2024-01-01T05") + np.arange(24 * 220)
    columns: dict[str, list[Any]] = {
        "when": [str(hour).replace("T", " ") + ":00" for hour in hours],
        "load": [round(float(np.sin(h / 4) + 0.01 * (h % 7)), 2) for h in range(len(hours))],
    }
    raw, codec = codec_of(written(tmp_path, columns))
    assert raw.values.shape == (219, 3, 24)
    assert any("cut into 219 windows of 24 steps" in words for words in raw.found)
    lines = codec.file_of(raw.values[:3]).decode().splitlines()
    assert [line.partition(",")[0] for line in (lines[1], lines[24], lines[25], lines[72])] == [
        "2024-01-02 00:00",
        "2024-01-02 23:00",
        "2024-01-03 00:00",
        "2024-01-04 23:00",
    ]


def test_what_all_series_have_in_common_is_kept(tmp_path: Path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 16))
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    rows = [(f"s{k}", t, float(f"{x[k, t]:.6g}")) for k in range(30) for t in range(16)]
    path = written(tmp_path, {name: [r[i] for r in rows] for i, name in enumerate(("id", "t", "x"))})
    _, codec = codec_of(path)
    made = codec.close(codec.finish(torch.randn(5, *codec.space.shape), torch.zeros(5, 1), torch.tanh))
    values = codec.values(made.numpy())[:, 0]
    assert np.abs(values.mean(1)).max() < 1e-2
    assert np.abs(values.std(1) - 1.0).max() < 0.05  # a value beyond the known ones is cut off


@pytest.mark.parametrize(
    ("change", "wish", "message"),
    [
        ({}, {"entity": "shp"}, "there is no column 'shp'. Did you mean 'shop'"),
        ({}, {"entity": "shop", "time": "town"}, "column 'town' is word, 3 different; a time is a number or"),
        ({}, {"entity": "town", "time": "day"}, "two rows of Ulm have the day 2024-01-"),
        ({"n": 12}, {}, "12 series of up to 12 steps; a GAN needs at least 20"),
        ({"drop": "day"}, {}, "no column was found that orders the rows of each series by time"),
        ({"drop": "day"}, {"entity": "shop"}, "no column was found that is the time of each row; name it"),
        ({"empty": "day"}, {"entity": "shop", "time": "day"}, "column 'day', the time, has empty cells"),
        ({"keep": ("shop", "day", "town")}, {}, "no column changes within the series"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(
    change: dict[str, Any], wish: dict[str, str], message: str, tmp_path: Path
):
    columns = steps(change.get("n", 30))
    columns.pop(change.get("drop", ""), None)
    if "empty" in change:
        columns[change["empty"]][5] = None
    if "keep" in change:
        columns = {name: columns[name] for name in change["keep"]}
    path = written(tmp_path, columns)
    with pytest.raises(DataError, match=message) as caught:
        read(
            Source.of(path), size=None, channels=None, scratch=None, table=TableFormat(what="series", **wish)
        )
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_damaged_state_is_refused(tmp_path: Path):
    _, codec = codec_of(written(tmp_path, steps(30)))
    good = codec.space.to_json()
    for name, value in (
        ("steps", 0),
        ("time", 99),
        ("clock", {"grid": "moon", "step": 1.0}),
        ("tracks", [0]),
    ):
        bad = json.loads(json.dumps(good))
        bad["fitted"][name] = value
        with pytest.raises((ValueError, TypeError, KeyError)):
            Space.from_json(bad)
