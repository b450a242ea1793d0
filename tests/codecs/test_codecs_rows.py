"""Tables: every kind of column comes back bit for bit, and what is wrong gets one clear line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganforge.codecs.rows.block import Block, fit_block
from ganforge.codecs.rows.column import Column
from ganforge.codecs.rows.reader import kinds_of, read_frame, read_rows
from ganforge.codecs.rows.rules import find_rules
from ganforge.core.errors import DataError, UsageError
from ganforge.core.recipe import TableFormat
from ganforge.core.space import Space
from ganforge.data import load

N = 200


def cells(kind: str) -> list[str]:
    """A column of cells of this kind."""
    rng = np.random.default_rng(3)
    whole = [int(x) for x in rng.integers(-40, 5_000, N)]
    makers: dict[str, Any] = {
        "whole": lambda i: str(whole[i]),
        "decimals": lambda i: f"{whole[i] / 100:.2f}",
        "trimmed": lambda i: repr(whole[i] / 8),
        "exponents": lambda i: repr(whole[i] * 1e-30),
        "gaps": lambda i: "" if i % 3 == 0 else str(whole[i]),
        "marker": lambda i: "n/a" if i % 4 == 0 else f"{whole[i] / 10:.1f}",
        "spike": lambda i: "0" if i % 10 else str(whole[i]),
        "euro": lambda i: f"€{abs(whole[i])}",
        "percent": lambda i: f"{whole[i]} %",
        "words": lambda i: ["red", "green, dark", 'the "blue"', "ünï"][whole[i] % 4],
        "words with gaps": lambda i: "?" if i % 7 == 0 else ["a", "b", "c"][whole[i] % 3],
        "yes and no": lambda i: ["yes", "no"][whole[i] % 2],
        "truth": lambda i: ["True", "False"][whole[i] % 2],
        "zip codes": lambda i: f"{whole[i] % 30 + 1000:05d}",
        "days": lambda i: f"2024-{whole[i] % 12 + 1:02d}-{i % 28 + 1:02d}",
        "European days": lambda i: f"{i % 28 + 1:02d}.{whole[i] % 12 + 1:02d}.1987",
        "American days, bare": lambda i: f"{whole[i] % 12 + 1}/{i % 28 + 1}/2021",
        "seconds": lambda i: f"2024-05-{i % 28 + 1:02d} {i % 24:02d}:{i % 60:02d}:07",
        "milliseconds": lambda i: f"2024-05-{i % 28 + 1:02d}T{i % 24:02d}:00:07.{i % 1000:03d}Z",
        "American times": lambda i: f"{whole[i] % 12 + 1}/{i % 28 + 1}/2021 {i % 12 + 1}:{i % 60:02d} PM",
        "times of a zone": lambda i: f"2024-05-{i % 28 + 1:02d}T{i % 24:02d}:30:00+02:00",
        "clock": lambda i: f"{i % 24:02d}:{i % 60:02d}",
        "named months": lambda i: f"{i % 28 + 1:02d} {['Jan', 'Mar', 'Dec'][whole[i] % 3]} 2020",
        "constant": lambda i: "EU",
    }
    return [makers[kind](i) for i in range(N)]


KINDS = [
    *("whole", "decimals", "trimmed", "exponents", "gaps", "marker", "spike", "euro", "percent", "words"),
    *("words with gaps", "yes and no", "truth", "zip codes", "days", "European days", "American days, bare"),
    *("seconds", "milliseconds", "clock", "named months", "constant"),
]


def written(path: Path, columns: dict[str, list[str]], separator: str = ",", end: str = "\n") -> Path:
    rows = [list(columns), *zip(*columns.values(), strict=True)]

    def quoted(cell: str) -> str:
        special = separator in cell or '"' in cell
        return '"' + cell.replace('"', '""') + '"' if special else cell

    text = "".join(separator.join(map(quoted, row)) + end for row in rows)
    path.write_bytes(text.encode())
    return path


def codec_of(raw: Any) -> Any:
    space = Space(kind="rows", shape=raw.shape)
    return space.codec.fit(raw.values, raw.about, standardise=True).codec


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_column_comes_back_bit_for_bit(kind: str, tmp_path: Path):
    path = written(tmp_path / "a.csv", {"it": cells(kind), "other": cells("yes and no")})
    raw = read_rows(path)
    codec = codec_of(raw)
    assert codec.file_of(raw.values) == path.read_bytes()
    x = codec.encode(torch.from_numpy(raw.values))
    assert x.dtype == torch.float32
    assert x.isfinite().all()
    assert codec.file_of(codec.close(x).numpy()) == path.read_bytes()  # through model units, too
    again = Space.from_json(json.loads(json.dumps(codec.space.to_json()))).codec
    assert again.file_of(again.close(again.encode(torch.from_numpy(raw.values))).numpy()) == path.read_bytes()


@pytest.mark.parametrize("form", ["spaces", "semicolons", "tabs", "Windows", "BOM", "cp1252", "quotes", "gz"])
def test_the_file_has_the_style_of_the_one_that_was_read(form: str, tmp_path: Path):
    columns = {"Größe": cells("decimals"), "art": cells("words with gaps"), "x y": cells("days")}
    path = written(tmp_path / "a.csv", columns)
    text = path.read_text()
    encoding = {"BOM": "utf-8-sig", "cp1252": "cp1252"}.get(form, "utf-8")
    text = {
        "spaces": text.replace(",", ", "),
        "semicolons": text.replace(",", ";").replace(".", ","),
        "tabs": text.replace(",", "\t"),
        "Windows": text.replace("\n", "\r\n"),
        "quotes": "".join('"' + line.replace(",", '","') + '"\n' for line in text.splitlines()),
    }.get(form, text)
    if form == "spaces":  # names stand without
        head, _, rest = text.partition("\n")
        text = head.replace(", ", ",") + "\n" + rest
    content = text.encode(encoding)
    path.write_bytes(gzip.compress(content) if form == "gz" else content)
    raw = read_rows(path)
    assert codec_of(raw).file_of(raw.values) == content


def test_what_no_network_makes_is_named_and_comes_anew(tmp_path: Path):
    columns = {
        "id": [str(i + 1) for i in range(N)],
        "code": [f"AB-{(i * 7919) % 10_000:04d}" for i in range(N)],
        "note": [f"a note about case {i} and more" for i in range(N)],
        "age": cells("whole"),
        "unit": cells("constant"),
    }
    raw = read_rows(written(tmp_path / "a.csv", columns))
    assert raw.values.shape == (N, 1)
    assert any("left aside: id (key: it counts the rows), code (key" in words for words in raw.warnings)
    lines = codec_of(raw).file_of(raw.values[:3]).decode().splitlines()
    assert lines[0] == "id,code,note,age,unit"
    assert [line.split(",")[0] for line in lines[1:]] == ["201", "202", "203"]
    codes = [line.split(",")[1] for line in lines[1:]]
    assert len(set(codes)) == 3
    assert all(len(code) == 7 and code[2] == "-" for code in codes)
    assert all(line.split(",")[2] == "" and line.split(",")[4] == "EU" for line in lines[1:])


def test_a_person_says_what_a_column_is(tmp_path: Path):
    days = [f"{i % 12 + 1:02d}/{i % 12 + 1:02d}/2020" for i in range(N)]
    path = written(tmp_path / "a.csv", {"day": days, "n": cells("whole"), "w": cells("words")})
    kinds = {c["name"]: c for c in read_rows(path).about["columns"]}
    assert kinds["day"]["form"] == "%d/%m/%Y"
    assert "--column day=date:%m/%d/%Y" in kinds["day"]["why"]
    assert any("day: no date says which number is its month" in words for words in read_rows(path).warnings)
    wish = TableFormat(what="rows", kinds="day=date:%m/%d/%Y,n=word")
    kinds = {c["name"]: c for c in read_rows(path, wish).about["columns"]}
    assert (kinds["day"]["form"], kinds["n"]["kind"]) == ("%m/%d/%Y", "word")
    assert kinds_of("a=b=date:%H:%M") == {"a=b": "date:%H:%M"}
    for said, message in (
        ("dya=word", "no column 'dya'. Did you mean 'day'"),
        ("day=numbr", "Did you mean 'number'"),
        ("w=number", "'w'.* not a number|cells are no numbers"),
        ("w", "--column is NAME=KIND"),
    ):
        with pytest.raises((DataError, UsageError), match=message):
            read_rows(path, TableFormat(what="rows", kinds=said))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x"] * 10, "b": ["y"] * 10}, "10 rows; a table needs at least 50"),
        ({"a": ["x"] * N, "b": [""] * N}, "no column has anything to learn .*a: constant, always 'x'"),
        (
            {"when": [*cells("days")[:150], *cells("European days")[:50]], "b": cells("whole")},
            "column 'when', line 152: 75% of its cells are dates as %Y-%m-%d; '.*1987' is not; write",
        ),
        (
            {"a": [*cells("whole")[:-1], "many"], "b": cells("words")},
            "column 'a', line 201: 'many' is not a number, as 99.5% of them",
        ),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_a_line(
    columns: dict[str, list[str]], message: str, tmp_path: Path
):
    with pytest.raises(DataError, match=message) as caught:
        read_rows(written(tmp_path / "a.csv", columns))
    assert "\n" not in str(caught.value)


def test_ragged_rows_and_two_lines_of_names_are_refused(tmp_path: Path):
    path = written(tmp_path / "a.csv", {"a": cells("whole"), "b": cells("words with gaps")})
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:90], lines[90] + ",more", *lines[91:]]) + "\n")
    with pytest.raises(DataError, match="line 91: 3 cells where 2 are expected; mend that line"):
        read_rows(path)
    path.write_text("\n".join(["A,B", *lines]) + "\n")
    with pytest.raises(DataError, match="2 lines of names stand above the data"):
        read_rows(path, TableFormat(what="rows", header=2))


def test_rules_are_found_and_kept():
    rng = np.random.default_rng(0)
    town = rng.integers(0, 6, N)
    low, more = rng.integers(0, 50, N), rng.integers(0, 30, N)
    raw = read_frame(
        {
            "town": [f"t{i}" for i in town],
            "country": [f"c{i // 2}" for i in town],
            "low": low.tolist(),
            "more": more.tolist(),
            "total": (low + more).tolist(),
            "again": low.tolist(),
        }
    )
    codec = codec_of(raw)
    names = [column.name for column in codec.fitted.modelled]
    words = [rule.words(names) for rule in codec.fitted.rules]
    assert {"town decides country", "low = again", "low ≤ total"} <= set(words)
    assert any(word in ("low + more = total", "more + again = total") for word in words)
    made = codec.close(torch.randn(300, codec.space.size)).numpy()
    for rule in codec.fitted.rules:
        assert not rule.broken(made, raw.values).any(), rule.words(names)
    wrong = raw.values.copy()
    wrong[:, 1] = (wrong[:, 1] + 1) % 3
    rule = next(rule for rule in codec.fitted.rules if rule.sort == "decides")
    assert rule.broken(wrong, raw.values).all()


def test_no_rule_is_found_where_there_is_none():
    rng = np.random.default_rng(0)
    columns = [Column(name=name, kind="whole") for name in "abc"]
    assert find_rules(columns, rng.integers(0, 1000, (N, 3)).astype(float)) == []


@pytest.mark.parametrize("gaps", [0.0, 0.2])
@pytest.mark.parametrize("case", ["few", "many", "spike", "words", "smooth", "smooth with a spike"])
def test_a_block_is_the_distribution_of_its_column(case: str, gaps: float):
    rng = np.random.default_rng(0)
    n = 20_000
    codes = {
        "few": rng.integers(0, 9, n).astype(float),
        "many": rng.poisson(900, n).astype(float),
        "spike": np.where(rng.random(n) < 0.9, 0.0, rng.integers(1, 3_000, n)).astype(float),
        "words": np.minimum(rng.geometric(0.004, n), 2_000).astype(float) - 1,
        "smooth": rng.normal(size=n),
        "smooth with a spike": np.where(rng.random(n) < 0.4, 0.0, rng.exponential(size=n)),
    }[case]
    codes[rng.random(n) < gaps] = np.nan
    block = fit_block(codes, ordered=case != "words")
    assert sum(block.shares) == pytest.approx(1.0, abs=1e-6)
    x = torch.from_numpy(codes)
    encoded = block.encode(x, torch.from_numpy(rng.random(n)))
    share = encoded[:, : block.levels].mean(0)
    assert torch.allclose(share, torch.tensor(block.shares), atol=2e-3)
    back = block.decode(encoded).numpy()
    assert np.array_equal(np.isnan(back), np.isnan(codes))
    wrong = np.abs(back - codes)[~np.isnan(codes)]
    assert wrong.max() < (1e-3 if block.smooth else 1e-9)
    if case == "smooth with a spike":
        assert (back == 0.0).sum() == (codes == 0.0).sum()
    # What a generator makes by the shares has the distribution of the column.
    level = torch.from_numpy(rng.choice(block.levels, n, p=np.array(block.shares) / sum(block.shares)))
    hot = torch.nn.functional.one_hot(level, block.levels).float()
    made = torch.cat([hot, block.place(hot, torch.rand(n, 1))], 1) if block.placed else hot
    drawn = block.decode(made).numpy()
    a, b = (np.sort(z[~np.isnan(z)]) for z in (codes, drawn))
    grid = np.unique(np.concatenate([a, b]))
    distance = np.abs(np.searchsorted(a, grid, "right") / len(a) - np.searchsorted(b, grid, "right") / len(b))
    assert distance.max() < 0.025
    assert Block.from_json(json.loads(json.dumps(block.to_json()))) == block


def test_damaged_state_is_refused():
    codec = codec_of(read_frame({"a": list(range(100)), "b": ["x", "y"] * 50}))
    good = codec.space.to_json()
    for path, value in (
        (("blocks", 0, 1, "ends"), [0.5, 0.2]),
        (("blocks", 0, 0), 9),
        (("columns", 0, "kind"), "kettle"),
        (("layout", "encoding"), "rot13"),
        (("rules",), [["decides", 0, 7]]),
    ):
        bad = json.loads(json.dumps(good))
        here = bad["fitted"]
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = value
        with pytest.raises((ValueError, TypeError, KeyError)):
            Space.from_json(bad)


def test_a_frame_comes_back_with_its_types():
    raw = read_frame(
        {
            "n": [1, 2, 3, 4] * 25,
            "x": [0.5, float("nan"), 2.25, 7.0] * 25,
            "w": ["a", None, "b", "c"] * 25,
            "d": np.array(["2020-01-01", "2020-02-01", "NaT", "2021-01-01"] * 25, "datetime64[D]"),
        }
    )
    frame = codec_of(raw).frame(raw.values)
    assert list(frame) == ["n", "x", "w", "d"]
    assert frame["n"].dtype == np.int64
    assert frame["n"][:4].tolist() == [1, 2, 3, 4]
    assert frame["x"].dtype == np.float64
    assert np.isnan(frame["x"][1])
    assert frame["w"][:4].tolist() == ["a", None, "b", "c"]
    assert frame["d"][0] == np.datetime64("2020-01-01")
    assert np.isnat(frame["d"][2])


def test_numbers_too_long_to_count_with_are_keys_where_all_differ(tmp_path: Path):
    path = written(
        tmp_path / "a.csv", {"id": [str((1 << 60) + 7 * i) for i in range(N)], "w": cells("words")}
    )
    columns = {c["name"]: c for c in read_rows(path).about["columns"]}
    assert columns["id"]["kind"] == "key"


def test_numbers_with_leading_zeros_are_names_and_no_points(tmp_path: Path):
    """Postal codes: as numbers they would come back without their zeros, and between two of them."""
    codes = {"code": [f"{i % 9:05d}" for i in range(N)], "n": [f"{i / 7:.2f}" for i in range(N)]}
    found = load(written(tmp_path / "a.csv", codes), cache=tmp_path / "cache")
    assert found.space.kind == "rows"
    assert any(words.startswith("code: word") for words in found.scan.found)
    padded = {"a": [f"{i / 70:06.2f}" for i in range(N)], "n": [f"{i / 7:.2f}" for i in range(N)]}
    found = load(written(tmp_path / "b.csv", padded), cache=tmp_path / "cache")
    assert found.space.kind == "points"


def test_words_too_rare_to_be_learned_are_named(tmp_path: Path):
    many = {"code": [f"'{i % 90 / 7:.2f}'" for i in range(N)], "w": cells("words")}
    (said,) = [
        words for words in read_rows(written(tmp_path / "a.csv", many)).warnings if "too rare" in words
    ]
    assert said.startswith("code: 90 different words in 200 rows")
    assert "--column code=KIND" in said
    few = {"code": [f"k{i % 30}" for i in range(N)], "w": cells("words")}
    assert not any("too rare" in words for words in read_rows(written(tmp_path / "b.csv", few)).warnings)


def test_one_decimal_is_one(tmp_path: Path):
    path = written(tmp_path / "a.csv", {"x": [f"{i / 10:.1f}" for i in range(N)], "w": cells("words")})
    assert any(
        "x: number with 1 decimal" in words and "1 decimals" not in words for words in read_rows(path).found
    )


def test_faults_of_made_rows_are_named_and_real_rows_have_none():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 90, 400)
    town = rng.choice(["Ulm", "Bath", "Lyon"], 400, p=[0.5, 0.4, 0.1])
    table = {
        "start": start.tolist(),
        "end": (start + rng.integers(0, 60, 400)).tolist(),
        "paid": [0.0 if u < 0.6 else round(100 * u, 2) for u in rng.random(400)],
        "town": town.tolist(),
    }
    codec, real = codec_of(read_frame(table)), read_frame(table).values
    assert codec.faults(real[:200], real[200:]) == {}
    made = real.copy()
    lyon = read_frame(table).about["columns"][3]["levels"].index("Lyon")
    made[made[:, 3] == lyon, 3] = 0
    made[:, 2] += np.where(rng.random(400) < 0.7, 0.01, 0.0)
    made[:80, 0] = made[:80, 1] + 3
    found = codec.faults(made, real)
    assert list(found) == ["smeared: paid=0.0", "never made: town=Lyon", "broken: start ≤ end"]
    assert found["smeared: paid=0.0"] == pytest.approx(0.3, abs=0.1)
    assert found["never made: town=Lyon"] == pytest.approx(0.1, abs=0.03)
    assert found["broken: start ≤ end"] == pytest.approx(0.2)
