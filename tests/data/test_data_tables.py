"""Tables as people have them: each gives its numbers, and says how it was read, or one clear line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganforge.codecs.rows import reader as rows
from ganforge.codecs.rows import reading
from ganforge.codecs.rows.column import Column
from ganforge.core.errors import DataError, RecipeError
from ganforge.core.recipe import TableFormat
from ganforge.data import load, scan, tables
from ganforge.data.numerals import find_numerals, looks_like_number
from ganforge.data.tables import read_table

VALUES = np.random.default_rng(0).normal(5, 1, (60, 3)).round(3)
PLAIN = [",".join(f"{x:.3f}" for x in row) for row in VALUES]


def _lines(*head: str, mark: str = ",", decimal: str = ".", end: str = "\n", rows: list[str] = PLAIN) -> str:
    """A table of VALUES, its rows as ``mark`` and ``decimal`` write them."""
    body = [row.replace(",", "\0").replace(".", decimal).replace("\0", mark) for row in rows]
    return end.join([*head, *body]) + end


NUMBERED = [f"{i},{row}" for i, row in enumerate(PLAIN)]
ABC = ("a", "b", "c")

# What a person has: the file, its encoding, the columns' names, what is said of it, and a warning's words.
SAME = {
    "excel in europe": (
        _lines("a;b;c", mark=";", decimal=","),
        "utf-8",
        ABC,
        "';', decimal comma",
        "--decimal",
    ),
    "without names": (_lines(mark=";", decimal=","), "utf-8", (), "no row of names", "is read as 5."),
    "excel's mark": (_lines("sep=;", "a;b;c", mark=";"), "utf-8-sig", ABC, "names in line 2", ""),
    "old mac": (_lines("a,b,c", end="\r"), "utf-8", ABC, "names in line 1", ""),
    "old mac, bare": (_lines(end="\r"), "utf-8", (), "no row of names", ""),
    "windows, names of two lines": (
        _lines('"a\n(cm)","b\n(kg)",c', end="\r\n"),
        "utf-8",
        ("a (cm)", "b (kg)", "c"),
        "names in line 3",
        "",
    ),
    "tabs in UTF-16": (_lines("a\tb\tc", mark="\t"), "utf-16", ABC, "tabs, UTF-16", ""),
    "UTF-16 without a mark": (_lines("a\tb\tc", mark="\t"), "utf-16-le", ABC, "tabs, UTF-16", ""),
    "latin": (_lines("größe;b;c", mark=";"), "latin-1", ("größe", "b", "c"), "Windows-1252", "'größe'"),
    "spaces": (_lines(mark="  "), "utf-8", (), "parted by spaces", ""),
    "pipes": (_lines("a|b|c", mark="|"), "utf-8", ABC, "'|'", ""),
    "a comma at each end": (_lines("a,b,c", end=",\n"), "utf-8", ABC, "names in line 1", ""),
    "remarks": (_lines("# by an instrument", "# 2020", "a,b,c"), "utf-8", ABC, "names in line 3", ""),
    "numpy's remark": (_lines("# a b c", mark=" "), "utf-8", ABC, "names in line 1", ""),
    "a title": (
        _lines("Measured, by me", "", "a,b,c"),
        "utf-8",
        ABC,
        "names in line 3",
        "not read: 'Measured",
    ),
    "units": (_lines("a,b,c", "cm,kg,s"), "utf-8", ("a cm", "b kg", "c s"), "lines 1 to 2", ""),
    "one name twice": (_lines("a,a,b"), "utf-8", ("a", "a (2)", "b"), "names in line 1", "called 'a'"),
    "numbered names": (_lines("0,1,2"), "utf-8", ("0", "1", "2"), "names in line 1", "--header 0"),
    "years": (_lines("2019,2020,2021"), "utf-8", ("2019", "2020", "2021"), "line 1", "--header 0"),
    "wavelengths": (
        _lines("400.5,410.5,420.5"),
        "utf-8",
        ("400.5", "410.5", "420.5"),
        "line 1",
        "--header 0",
    ),
    "an index": (_lines(",a,b,c", rows=NUMBERED), "utf-8", ABC, "line 1", "has no name, numbers the rows"),
    "both of pandas": (
        _lines(",0,1,2", rows=NUMBERED),
        "utf-8",
        ("0", "1", "2"),
        "line 1",
        "numbers the rows",
    ),
    "a named index": (_lines("Id,a,b,c", rows=NUMBERED), "utf-8", ABC, "line 1", "'Id' numbers the rows"),
    "R": (_lines('"a" "b" "c"', rows=NUMBERED, mark=" "), "utf-8", ABC, "spaces", "numbers the rows"),
    "a row of index names": (_lines(",a,b,c", "idx,,,", rows=NUMBERED), "utf-8", ABC, "1 to 2", "'idx' nu"),
    "years over countries": (
        _lines("land,2019,2020,2021", rows=[f"C{i},{row}" for i, row in enumerate(PLAIN)]),
        "utf-8",
        ("2019", "2020", "2021"),
        "line 1",
        "not used, since they hold no numbers: column 'land' ('C0')",
    ),
    "dates": (
        _lines("day,a,b,c", rows=[f"2020-01-{i % 28 + 1:02d},{row}" for i, row in enumerate(PLAIN)]),
        "utf-8",
        ABC,
        "line 1",
        "not used, since they hold no numbers: column 'day' ('2020-01-01')",
    ),
    "an empty column": (
        _lines("a,b,c,notes", rows=[f"{row}," for row in PLAIN]),
        "utf-8",
        ABC,
        "line 1",
        "not used, since they are empty: column 'notes'",
    ),
    "remarks below": (
        _lines("a,b,c", rows=[*PLAIN[:9], "# pause", *PLAIN[9:]]),
        "utf-8",
        ABC,
        "line 1",
        "rows begin with # and are not read, as remarks (line 11: '# pause')",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_tables_as_people_have_them(tmp_path: Path, name: str) -> None:
    text, encoding, columns, said, warning = SAME[name]
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    found = read_table(path)
    assert found.columns == columns
    assert found.values.shape == VALUES.shape
    assert np.allclose(found.values, VALUES, rtol=0, atol=1e-5)
    assert said in found.found[0]
    assert any(warning in line for line in found.warnings) if warning else not found.warnings


def test_what_excel_could_not_compute_is_a_gap_and_no_remark(tmp_path: Path, cache: Path) -> None:
    rows = "".join(f"{'#N/A' if i % 10 == 0 else i / 4},{i % 7}\n" for i in range(100))
    (tmp_path / "t.csv").write_text(f"a,b\n{rows}")
    found = load(tmp_path / "t.csv", cache=cache)
    assert found.scan.count == 100
    assert "a: number with up to 2 decimals, '#N/A' where missing" in found.scan.lines()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('a,b\n"1,234.5",1\n"2,000",2\n', [1234.5, 2000.0]),
        ("a;b\n1.234,5;1\n2.000,25;2\n", [1234.5, 2000.25]),
        ("a;b\n1 234,5;1\n2 000,25;2\n", [1234.5, 2000.25]),
        ("a;b\n1'234.5;1\n2'000.25;2\n", [1234.5, 2000.25]),
        ("a,b\n45%,1\n7.5 %,2\n", [45.0, 7.5]),
        ('a,b\n"$1,234.50",1\n($3),2\n', [1234.5, -3.0]),
        ("a;b\n1.234,50 €;1\n-3 €;2\n", [1234.5, -3.0]),
        ("a,b\n−5,1\n+3e2,2\n", [-5.0, 300.0]),
        ("a,b\nTRUE,1\nFALSE,2\n", [1.0, 0.0]),
        ("a b\n1.0D+03 1\n2.5d-1 2\n", [1000.0, 0.25]),
        ("a\n5,126\n5,026\n", [5.126, 5.026]),
        ("5,126\n5,026\n12,3\n", [5.126, 5.026]),
    ],
)
def test_numbers_in_their_clothes(tmp_path: Path, text: str, values: list[float]) -> None:
    (tmp_path / "t.csv").write_text(text, "utf-8")
    found = read_table(tmp_path / "t.csv")
    assert found.values[:2, 0].tolist() == pytest.approx(values, rel=1e-6)


def test_what_one_sign_means() -> None:
    def read(*cells: str, separator: str = ";", point: str = "") -> tuple[float | None, bool]:
        numerals = find_numerals([cells], separator, point)
        return numerals.read(cells[0]), bool(numerals.warning)

    assert read("1,234", "5,678") == (1.234, True)  # every one of them: decimals
    assert read("1,234", "950") == (1234.0, True)  # thousands, where smaller ones have no sign
    assert read("1,234", "5,678", separator=",") == (1234.0, True)
    assert read("1,234", "5,6") == (1.234, False)
    assert read("1,234", "1,234,567") == (1234.0, False)
    assert read("1,234", "5.5") == (1234.0, False)
    assert read("1.234", "950") == (1234.0, True)
    assert read("1.234", "950", separator=",") == (1.234, False)
    assert read("1,234", "5,678", point=".") == (1234.0, False)
    with pytest.raises(DataError, match="can be read in two ways: say which"):
        find_numerals([["1,234"], ["5.678"]], ";", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("5,126,4,868\n5,026,4,068\n", "commas part its columns and are decimal, as in 5,126,4,868"),
        ("5,126\n4,868\n", "one number with a decimal comma, or two numbers: say which, --decimal comma or"),
        ("a,b,c\n1,2,3\n4,5\n", r"line 3: 2 cells where 3 .*parted by ','; --separator names another sign"),
        (
            "a;b;c\n1;2;3\n4;x;6\n7;8;9\n",
            r"column 'b', line 3: 'x' is not a number; .* --columns a,c \(col.*';'",
        ),
        ("a;b\n1;2,5\n3;4.5.6\n5;2,5\n", r"line 3: '4.5.6' .* the decimal sign is the comma: --decimal\)"),
        (
            "a,b\n1,2\n3,NA\n4,5\n6,\n",
            r"column 'b', line 3: 'NA' says .* 2 of 4 rows.* leave .*: --columns a$",
        ),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 3: a double quote is opened and not closed"),
        ("a,b\n10%,1\n0.2,2\n", "column 'a', line 3: '0.2' is not written as the cells above it"),
        (
            "a,b\nx,y\nz,w\n",
            r"no column holds numbers, as it is read: column 'a' \('x'\), column 'b' \('y'\)",
        ),
        ("a,b\n" + "1,2,3\n" * 9, "line 1: 2 names over 3 columns"),
        ("Sepal Length  Width\n" + "5.1 3.5\n" * 9, "line 1: 3 names over 2 columns"),
        ("a,b\n1,2\n3,4\nTotal,6\n", "column 'a', line 4: 'Total' is not a number"),
        ("a,b\n1,2\n3,4\n(2 rows)\n", "line 4: 1 cells where 2 are expected"),
        ("\n", r"t\.csv: it is empty"),
        ("a,b\n1,2\n", r"t\.csv: 1 row of data"),
        ('[{"a": 1},\n {"a": 2}]\n', r"t\.csv: it is JSON, not a table; save its rows as csv"),
        ('{"a": 1}\n{"a": 2}\n', "it is JSON"),
        ("a,b\n" + ",\n" * 300, "0 rows of data, and 300 lines that hold nothing; a GAN needs many"),
    ],
)
def test_faults_are_named_with_line_separator_and_option(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "t.csv").write_text(text, "utf-8")
    with pytest.raises(DataError, match=says) as caught:
        read_table(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)
    sign = "," if re.match("line|column", says) else "[,:]"
    assert re.match(rf"{re.escape(str(tmp_path / 't.csv'))}{sign} ", str(caught.value))
    assert ".csv, it is" not in str(caught.value)


def test_options_override_what_is_found(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"

    def read(text: str, **options: object) -> tuple[list[float], tuple[str, ...]]:
        path.write_text(text)
        found = read_table(path, TableFormat(**options))
        return [round(float(x), 3) for x in found.values[0]], found.columns

    years = _lines("2019,2020,2021")
    assert read(years, header=0) == ([2019.0, 2020.0, 2021.0], ())
    assert read("1,2\n3,4\n5,6\n7,8\n", header=1) == ([3.0, 4.0], ("1", "2"))
    assert read("5,126\n4,868\n", separator="comma") == ([5.0, 126.0], ())
    assert read("5,126\n4,868\n", separator="semicolon") == ([5.126], ())
    assert read("a;b\n1,234;5\n2,345;6\n", decimal="point") == ([1234.0, 5.0], ("a", "b"))
    assert read("a_b\n1_2\n3_4\n", separator="_") == ([1.0, 2.0], ("a", "b"))
    assert read(_lines("a,b,c"), columns="c,a") == ([VALUES[0, 2], VALUES[0, 0]], ("c", "a"))
    assert read(_lines(), columns="3,1")[0] == [VALUES[0, 2], VALUES[0, 0]]
    assert read("Id,a\n1,5\n2,6\n3,7\n", columns="Id,a")[0] == [1.0, 5.0]
    both = _lines(",0,1,2", rows=NUMBERED)
    assert read(both)[1] == ("0", "1", "2")
    assert read(both, columns="column 1,0,1,2")[1] == ("column 1", "0", "1", "2")  # as the warning has it
    with pytest.raises(
        DataError, match=r"there is no column 'weigt'. Did you mean 'weight'\? Columns: weight"
    ):
        read("weight,b\n1,5\n2,6\n", columns="weigt")
    for options, says in [
        ({"separator": "ab"}, "it can be comma, semicolon, tab, pipe, space, or one sign"),
        ({"decimal": "dot"}, "it can be point or comma"),
        ({"separator": "comma", "decimal": ","}, "both a comma"),
        ({"header": -1}, "from 0 to 9"),
    ]:
        with pytest.raises(RecipeError, match=says):
            TableFormat(**options)


def test_lines_that_end_in_a_separator_have_no_further_column(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i / 3:.3f},{i % 7},\n" for i in range(60))
    (tmp_path / "t.csv").write_text("a,b,c,\n" + rows)
    found = load(tmp_path / "t.csv", cache=tmp_path)
    assert found.space.kind == "points"
    assert found.space.columns == ("a", "b", "c")


def test_columns_that_never_change_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,c\n" + "".join(f"{i * i},7,{-i}\n" for i in range(60)))
    found = scan(tmp_path / "t.csv", cache=tmp_path)
    assert "nothing can be learned of columns that never change: b (7)" in found.warnings
    np.save(tmp_path / "t.npy", np.ones((60, 3)))
    assert (
        "all 60 rows are equal: there is nothing to learn"
        in scan(tmp_path / "t.npy", cache=tmp_path).warnings
    )


@pytest.mark.parametrize(("label", "says"), [(True, ", labels='label' beside them)"), (False, "8, 8))")])
def test_a_table_of_pixels_says_that_it_holds_pictures(tmp_path: Path, label: bool, says: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 64))
    names = ["label"] * label + [f"pixel{i}" for i in range(64)]
    rows = [[i % 10] * label + row for i, row in enumerate(pixels.tolist())]
    text = "\n".join(",".join(map(str, row)) for row in [names, *rows])
    (tmp_path / "digits.csv").write_text(text)
    said = [words for words in read_table(tmp_path / "digits.csv").warnings if "pixels of pictures" in words]
    assert len(said) == 1
    assert said[0].endswith(says)
    halves = "\n".join(",".join(str(value / 2) for value in row) for row in pixels)
    (tmp_path / "halves.csv").write_text(halves)
    assert not [words for words in read_table(tmp_path / "halves.csv").warnings if "pixels" in words]


def test_a_wide_table_is_looked_at_quickly(tmp_path: Path) -> None:
    """Whether a cell may be a number is found out once for each different cell, not once a look."""
    values = np.random.default_rng(0).normal(size=(60, 200))
    text = "\n".join(",".join(f"{value:.2f}" for value in row) for row in values)
    (tmp_path / "t.csv").write_text(",".join(f"c{i}" for i in range(200)) + "\n" + text + "\n")
    looks_like_number.cache_clear()
    load(tmp_path / "t.csv", cache=tmp_path)
    looked = looks_like_number.cache_info()
    assert looked.misses <= 1_500
    assert looked.hits > 10_000


def test_a_table_is_taken_apart_once_whoever_asks(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of 7 MB took 11 s of the processor: it was read as series first, and again as rows."""
    rows = [
        f"{i % 7}.5,{'red' if i % 3 else 'blue'},2024-01-{1 + i % 28:02},{i * 37 % 101}" for i in range(200)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["size,colour,day,price", *rows]) + "\n")
    opened: list[Path] = []
    read: list[str] = []
    whole, column = tables.content, reading._read
    monkeypatch.setattr(tables, "content", lambda path: (opened.append(path), whole(path))[1])
    monkeypatch.setattr(reading, "_read", lambda name, *more: (read.append(name), column(name, *more))[1])
    assert load(tmp_path / "t.csv", cache=cache).space.kind == "rows"
    assert len(opened) == 1
    assert sorted(read) == ["colour", "day", "price", "size"]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([f"{1 + i % 12}/{1 + i % 28}/{i % 40:02}" for i in range(80)], "when: date as %m/%d/%y"),
        ([f"{i % 24}:{i % 60:02}" for i in range(80)], "when: date as %H:%M"),
        (["yes", "no", "Yes", "maybe"] * 20, "when: one word in several spellings ('Yes', 'yes')"),
        ([f"{1 + i % 12}/{1 + i % 28}/2024 {i % 24}:00" for i in range(80)], "when: date as %m/%d/%Y %H:%M"),
        (
            [-999 if i % 11 == 3 else i % 7 + 0.5 for i in range(80)],
            "when: -999 stands in 7 rows, far from all",
        ),
        ([99 - i % 50 for i in range(80)], "table: columns"),
    ],
)
def test_columns_as_people_write_them(tmp_path: Path, cache: Path, cells: list[object], says: str) -> None:
    """1/5/05 was refused as no date: its year had lost a zero."""
    (tmp_path / "t.csv").write_text("when,n\n" + "\n".join(f"{cell},{i % 7}" for i, cell in enumerate(cells)))
    found = scan(tmp_path / "t.csv", cache=cache)
    said = " | ".join((*found.found, *found.warnings))
    assert says in said
    assert ("far from all" in said) == ("far from all" in says)


def test_hours_without_zeros_are_written_as_they_stood(tmp_path: Path, cache: Path) -> None:
    """1/5/2024 7:30, as Excel has it, was refused."""
    cells = [f"{1 + i % 12}/{1 + i % 28}/2024 {i % 24}:{i % 60:02}" for i in range(80)]
    (tmp_path / "t.csv").write_text("when,n\n" + "\n".join(f"{cell},{i % 7}" for i, cell in enumerate(cells)))
    column = rows.read_rows(tmp_path / "t.csv").about["columns"][0]
    again = Column.from_json(column)
    assert again.cells(np.array([again.code(cell) for cell in cells], float)) == cells


@pytest.mark.parametrize("every", [5, 40])
def test_what_is_beyond_all_numbers_is_named_with_its_line(tmp_path: Path, cache: Path, every: int) -> None:
    """The first row, inf and NaN, was taken for a second line of names, and the column for a key."""
    rows = [f"{i if i % every else 'inf'},{i % 7 if i % 9 else 'NaN'},{'xy'[i % 2]}" for i in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c", *rows]))
    with pytest.raises(
        DataError, match="column 'a', line 2: 'inf' is beyond all numbers; leave that cell empty"
    ):
        load(tmp_path / "t.csv", cache=cache)


def _warnings(path: Path, head: str, lines: list[str]) -> str:
    path.write_text("\n".join([head, *lines]) + "\n")
    return "\n".join(scan(path).warnings)


def test_dates_of_several_time_zones_are_named(tmp_path: Path) -> None:
    """They were words that are too rare, and nobody said that they are dates."""
    for zones in (("+00:00", "+02:00", "Z"), (" CET", " UTC"), (" Europe/Paris", " Asia/Tokyo")):
        lines = [
            f"2024-03-{1 + i % 28:02}T{i % 24:02}:30:00{zones[i % len(zones)]},{i % 7}" for i in range(120)
        ]
        said = _warnings(tmp_path / "a.csv", "when,value", lines)
        assert re.search(r"when: dates of several time zones \(.+\), taken as words: write all in one", said)
    one = [f"2024-03-{1 + i % 28:02}T{i % 24:02}:30:00+02:00,{i % 7}" for i in range(120)]
    assert "time zones" not in _warnings(tmp_path / "b.csv", "when,value", one)
    codes = [f"{i % 40} {'ABC'[i % 3]}X,{i % 7}" for i in range(120)]
    assert "time zones" not in _warnings(tmp_path / "c.csv", "seat,value", codes)
    clock = [f"{1 + i % 12}:{i % 60:02} {'AP'[i % 2]}M,{i % 7}" for i in range(120)]
    assert "time zones" not in _warnings(tmp_path / "d.csv", "at,value", clock)


@pytest.mark.parametrize(
    ("name", "cell", "said"),
    [
        (
            "width",
            lambda i: f"{1 + i % 37} {('cm', 'm')[i % 2]}",
            r"width: numbers with several units .'cm', 'm'.",
        ),
        ("mass", lambda i: f"{1 + i % 37}.5 kg", "mass: numbers with the unit 'kg', taken as words"),
        ("mass", lambda i: f"{1 + i % 37}kg", "mass: numbers with the unit 'kg', taken as words"),
        ("at", lambda i: f"{1 + i % 12}:{i % 60:02} {'AP'[i % 2]}M", "at: times or durations"),
        ("took", lambda i: f"{i % 5}h {i % 60}m", "took: times or durations"),
        ("took", lambda i: f"PT{i % 5}H{i % 60}M", "took: times or durations"),
        ("took", lambda i: f"{30 + i}:{i % 60:02}:00", "took: times or durations"),
        (
            "order_date",
            lambda i: f"{44_000 + 7 * i}",
            "order_date: 44000 … 44833 look like a spreadsheet's days",
        ),
        (
            "OrderDate",
            lambda i: f"{44_000 + i % 90}",
            "OrderDate: 44000 … 44089 look like a spreadsheet's days",
        ),
    ],
)
def test_quantities_that_are_no_plain_numbers_are_named(
    tmp_path: Path, name: str, cell: Callable[[int], str], said: str
) -> None:
    lines = [f"{cell(i)},{i % 7 / 2}" for i in range(120)]
    assert re.search(said, _warnings(tmp_path / "a.csv", f"{name},value", lines))


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("seat", lambda i: f"{1 + i % 30}{'ABCDEFGH'[i % 8]}"),
        ("size", lambda i: ("S", "M", "L", "XL")[i % 4]),
        ("floor", lambda i: f"{1 + i % 9}{('st', 'nd', 'rd', 'th')[i % 4]}"),
        ("at", lambda i: f"{i % 24:02}:{i % 60:02}"),
        ("update_count", lambda i: f"{44_000 + 7 * i}"),
        ("pay", lambda i: f"{44_000 + 7 * i}"),
    ],
)
def test_what_only_resembles_a_quantity_is_not(tmp_path: Path, name: str, cell: Callable[[int], str]) -> None:
    said = _warnings(tmp_path / "a.csv", f"{name},value", [f"{cell(i)},{i % 7 / 2}" for i in range(120)])
    assert not re.search("unit|durations|spreadsheet", said)


def test_a_last_row_of_sums_is_named(tmp_path: Path) -> None:
    rows = [(("north", "south")[i % 2], 1 + i % 9, 0.5 * (1 + i % 4)) for i in range(80)]
    lines = [f"{shop},{sold},{price}" for shop, sold, price in rows]
    sold, price = sum(row[1] for row in rows), sum(row[2] for row in rows)
    head = "shop,sold,price"
    for first in ("Total", "", "north"):
        said = _warnings(tmp_path / "a.csv", head, [*lines, f"{first},{sold},{price}"])
        assert "the last row holds the sums of those above and is learned as one of them" in said
    assert "the last row is called 'Mean' and" in _warnings(tmp_path / "b.csv", head, [*lines, "Mean,5,1.2"])
    assert "the last row" not in _warnings(tmp_path / "c.csv", head, lines)
    often = [line.replace("north", "all") for line in lines]
    assert "the last row" not in _warnings(tmp_path / "d.csv", head, [*often, "all,5,1.2"])
