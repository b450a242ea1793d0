"""Rows with conditions: any subset of columns, always obeyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganforge.codecs.rows.reader import read_frame, read_rows, write_frame
from ganforge.core.errors import DataError, UsageError
from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.networks import generator, seeded
from ganforge.runs.rows import RowsMaker, conditions
from ganforge.runs.sampler import GeneratorSampler
from tests import players

TABLE = players.table(400)
CODEC: Any = TABLE.space.codec
NAMES = [column.name for column in CODEC.fitted.modelled]


@pytest.fixture(scope="module")
def sampler() -> GeneratorSampler:
    latent = CODEC.chances + 8
    with seeded(3):
        network = generator("columns", space=TABLE.space, latent=latent, width=16, depth=1)
    for parameter in network.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return GeneratorSampler(network.requires_grad_(False), space=TABLE.space, prior=Prior(latent))


@pytest.fixture
def maker(sampler: GeneratorSampler) -> RowsMaker:
    return sampler.rows_maker()


def frame(maker: RowsMaker, **asked: Any) -> dict[str, np.ndarray]:
    return maker.codec.frame(maker.rows(300, **asked))


def test_the_same_seed_makes_the_same_rows_whatever_the_number(maker: RowsMaker):
    assert np.array_equal(maker.rows(300, seed=4)[:50], maker.rows(50, seed=4))
    assert not np.array_equal(maker.rows(50, seed=4), maker.rows(50, seed=5))
    asked = {"age": "20..40"}
    assert np.array_equal(maker.rows(30, where=asked), maker.rows(30, where=asked))


def test_twenty_random_subsets_of_columns_are_obeyed(maker: RowsMaker):
    rng = np.random.default_rng(0)
    values = TABLE.train.values
    for _ in range(20):
        row = values[rng.integers(len(values))]
        which = rng.permutation(len(NAMES))[: rng.integers(1, len(NAMES))]
        cells = {NAMES[i]: CODEC.fitted.modelled[i].cells(row[[i]])[0] for i in which}
        made = maker.rows(100, where=cells, seed=1)
        for i in which:
            assert CODEC.fitted.modelled[i].cells(made[:, i]) == [cells[NAMES[i]]] * 100


def test_ranges_and_sets_of_words_are_obeyed_together(maker: RowsMaker):
    found = frame(
        maker, where={"age": "30..40", "paid": "10..", "town": "Ulm|Lyon", "since": "2024-03-01..2024-06-30"}
    )
    assert ((found["age"] >= 30) & (found["age"] <= 40)).all()
    assert (found["paid"] >= 10).all()
    assert set(found["town"]) == {"Ulm", "Lyon"}
    assert (found["since"] >= np.datetime64("2024-03-01")).all()
    assert (found["since"] <= np.datetime64("2024-06-30")).all()
    assert len(set(found["age"])) > 3
    assert np.isnan(frame(maker, where={"age": ""})["age"]).all()
    assert (frame(maker, where={"age": (50, 60)})["age"] >= 50).all()


def test_a_column_that_follows_from_another_can_be_asked_for(maker: RowsMaker):
    found = frame(maker, where={"country": "FR|UK"})
    assert set(found["country"]) == {"FR", "UK"}
    assert all(
        (a, b) in {("Lyon", "FR"), ("Bath", "UK")}
        for a, b in zip(found["town"], found["country"], strict=True)
    )
    with pytest.raises(UsageError, match="has town=Ulm beside what else is asked for"):
        maker.rows(5, where={"country": "FR", "town": "Ulm"})


@pytest.fixture(scope="module")
def trips() -> RowsMaker:
    """Of trips that end after they began, and a number that is smooth."""
    rng = np.random.default_rng(0)
    start = rng.integers(0, 50, 6_000)
    table = {
        "start": start,
        "end": start + rng.integers(0, 20, 6_000),
        "late": np.where(rng.random(6_000) < 0.1, np.nan, start + rng.integers(0, 50, 6_000)),
        "weight": rng.normal(80, 9, 6_000).round(3),
    }
    raw = read_frame(table)
    space = Space(kind="rows", shape=raw.shape).codec.fit(raw.values, raw.about, standardise=True)
    codec: Any = space.codec
    assert [rule.columns for rule in codec.fitted.rules] == [(0, 1), (0, 2)]
    latent = codec.chances + 8
    with seeded(3):
        network = generator("columns", space=space, latent=latent, width=16, depth=1)
    return GeneratorSampler(network.requires_grad_(False), space=space, prior=Prior(latent)).rows_maker()


@pytest.mark.parametrize(
    "asked",
    [
        {"end": 9},
        {"start": 40},
        {"end": "3..9", "late": 7},
        {"start": "30..40", "end": "20..35"},
        {"late": ""},
    ],
)
def test_what_is_asked_for_breaks_no_order(trips: RowsMaker, asked: dict[str, Any]):
    """Where an end is asked for, a row with a later start was either mended to another end or left wrong."""
    found = trips.codec.frame(trips.rows(500, where=asked, seed=1))
    for name, value in asked.items():
        low, _, high = str(value).partition("..")
        if low:
            assert ((found[name] >= float(low)) & (found[name] <= float(high or low))).all()
    assert (found["start"] <= found["end"]).all()
    assert ((found["start"] <= found["late"]) | np.isnan(found["late"])).all()
    assert len(set(found["start"])) > 1 or "start" in asked


def test_a_number_that_the_data_do_not_have_can_be_asked_for_within_their_range(trips: RowsMaker):
    found = trips.codec.frame(trips.rows(100, where={"weight": 79.9995}, seed=1))
    assert set(found["weight"]) == {79.9995}


@pytest.mark.parametrize("asked", [{"start": 30, "end": 20}, {"start": "30..", "late": "..9"}])
def test_a_condition_against_an_order_is_refused(trips: RowsMaker, asked: dict[str, Any]):
    with pytest.raises(UsageError, match=r"no row can be so: start ≤ (end|late) in every row"):
        trips.rows(10, where=asked)


def test_filled_cells_break_no_order(trips: RowsMaker, tmp_path: Path):
    path, out = tmp_path / "gaps.csv", tmp_path / "full.csv"
    rows = [f",{end},{late},80.1" for end in range(20) for late in ("", 3, 60)]
    path.write_text("\n".join(["start,end,late,weight", *rows]) + "\n")
    out.write_bytes(trips.complete(path)[0])
    full = np.genfromtxt(out, delimiter=",", skip_header=1)
    assert full.shape == (60, 4)
    assert (full[:, 0] <= full[:, 1]).all()
    assert (full[:, 0] <= full[:, 2]).all()


def test_a_range_is_as_likely_as_the_network_has_it(maker: RowsMaker):
    """Within a range rows are those of unconditional sampling that lie in it."""
    age = NAMES.index("age")
    free = maker.rows(20_000, seed=9)[:, age]
    inside = free[(free >= 30) & (free <= 60)]
    asked = maker.rows(6_000, where={"age": "30..60"}, seed=2)[:, age]
    grid = np.unique(inside)
    sides = [np.searchsorted(np.sort(x), grid, "right") / len(x) for x in (inside, asked)]
    assert np.abs(sides[0] - sides[1]).max() < 0.05


def test_every_word_as_often(maker: RowsMaker):
    found = frame(maker, balance="town")
    assert {town: (found["town"] == town).sum() for town in ("Ulm", "Bath", "Lyon")} == dict.fromkeys(
        ("Ulm", "Bath", "Lyon"), 100
    )
    with pytest.raises(UsageError, match="--balance is for a column of words"):
        maker.rows(10, balance="age")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"agee": "3"}, "no column 'agee'. Did you mean 'age'"),
        ({"town": "Ulms"}, "town is never 'Ulms'. Did you mean 'Ulm'"),
        ({"age": "200..300"}, r"no row of the training data has age=200..300. age goes from \d+ to \d+"),
        ({"age": "old"}, "'old' is none. Ask for age=LOW..HIGH"),
        ({"age": "40..30"}, "from high to low"),
        ({"town": None}, "nothing is missing in town"),
    ],
)
def test_what_no_row_can_be_gets_one_line(maker: RowsMaker, where: dict[str, Any], message: str):
    with pytest.raises(UsageError, match=message) as caught:
        maker.rows(10, where=where)
    assert "\n" not in str(caught.value)


def test_conditions_as_they_are_typed():
    assert conditions(["income=>50K", "age=30..40"]) == {"income": ">50K", "age": "30..40"}
    for words, message in ((["age"], "NAME=VALUE"), (["a=1", "a=2"], "twice")):
        with pytest.raises(UsageError, match=message):
            conditions(words)


def test_empty_cells_are_filled_and_the_rest_is_kept(maker: RowsMaker, tmp_path: Path):
    columns = players.columns(90)
    for name in ("paid", "town", "member"):
        columns[name][10:20] = [None] * 10
    path, out = tmp_path / "gaps.csv", tmp_path / "full.csv"
    write_frame(columns, path)
    file, filled = maker.complete(path)
    out.write_bytes(file)
    before, after = ([line.split(",") for line in p.read_text().splitlines()] for p in (path, out))
    gaps = sum(cell == "" for row in before for cell in row)
    assert filled == gaps
    assert all(
        new == old or old == ""
        for a, b in zip(before, after, strict=True)
        for old, new in zip(a, b, strict=True)
    )
    assert all(cell for row in after for cell in row)
    assert read_rows(out).values.shape == (90, 6)
    for change, message in (
        ({"town": ["Rom"] * 90}, "never had 'Rom'"),
        ({"towns": columns["town"]}, "no column 'town'"),
    ):
        others = {name: column for name, column in columns.items() if name != "town"}
        write_frame({**others, **change}, path)
        with pytest.raises((UsageError, DataError), match=message):
            maker.complete(path)


def test_rows_as_columns_of_values(sampler: GeneratorSampler):
    found = sampler.sample_rows(20, where={"member": "yes"}, seed=1)
    assert list(found) == ["age", "paid", "town", "country", "since", "member"]
    assert found["since"].dtype == np.dtype("datetime64[D]")
    assert set(found["member"]) == {"yes"}
    points = players.points()
    with seeded(0):
        network = generator("mlp", space=points.space, latent=4, width=8, depth=1)
    with pytest.raises(UsageError, match="makes points, not rows"):
        GeneratorSampler(network, space=points.space, prior=Prior(4)).sample_rows(3)
