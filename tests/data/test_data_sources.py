"""IDX, arrays, tables and built-in sets."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from ganforge.core.errors import DataError
from ganforge.core.recipe import TableFormat
from ganforge.data import builtin, load
from ganforge.data.builtin import NAMES, modes


def _idx(array: np.ndarray, kind: int = 8) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


def _in_order(data, part="train"):
    """Values and labels in the source's order."""
    examples = getattr(data, part)
    order = np.argsort(examples.origin)
    return examples.values[order], None if examples.labels is None else examples.labels[order]


PICTURES = np.random.default_rng(0).integers(0, 256, (30, 9, 8), dtype=np.uint8)
LABELS = (np.arange(30) % 3).astype(np.uint8)


@pytest.mark.parametrize("packed", [False, True])
def test_idx_folder_and_file(tmp_path: Path, cache: Path, packed: bool) -> None:
    end = ".gz" if packed else ""
    for part, n in (("train", 30), ("t10k", 5)):
        for name, array in (("images-idx3", PICTURES[:n]), ("labels-idx1", LABELS[:n])):
            content = _idx(array)
            path = tmp_path / f"{part}-{name}-ubyte{end}"
            path.write_bytes(gzip.compress(content) if packed else content)
    for source in (tmp_path, tmp_path / f"train-images-idx3-ubyte{end}"):
        data = load(source, cache=cache, held_out=0)
        values, labels = _in_order(data)
        assert data.space.shape == (1, 9, 8)
        assert data.space.classes == ("0", "1", "2")
        assert (values[:, 0] == PICTURES).all()
        assert (labels == LABELS).all()
    (tmp_path / f"train-labels-idx1-ubyte{end}").unlink()
    for source in (tmp_path, tmp_path / f"train-images-idx3-ubyte{end}"):
        assert load(source, cache=cache).train.labels is None


def test_idx_damaged(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(_idx(PICTURES)[:-1])
    with pytest.raises(DataError, match="truncated: 2159 of 2160 bytes"):
        load(path, cache=cache)
    path.write_bytes(struct.pack(">BBBB3I", 0, 0, 8, 3, 10**6, 10**4, 10**4))
    with pytest.raises(DataError, match="claims"):
        load(path, cache=cache)
    path.write_bytes(_idx(PICTURES))
    (tmp_path / "labels-idx1-ubyte").write_bytes(_idx(LABELS[:7]))
    with pytest.raises(DataError, match=r"\(7,\) for 30 pictures"):
        load(path, cache=cache)
    values = (PICTURES / 255).astype(">f4")
    (tmp_path / "labels-idx1-ubyte").unlink()
    path.write_bytes(_idx(values, 0x0D))
    found, _ = _in_order(load(path, cache=cache, held_out=0))
    assert (found[:, 0] == PICTURES).all()


@pytest.mark.parametrize(
    ("array", "shape"),
    [
        (PICTURES, (1, 9, 8)),
        (np.stack([PICTURES] * 3, -1), (3, 9, 8)),
        (np.stack([PICTURES] * 4, 1), (4, 9, 8)),
        (PICTURES[..., None], (1, 9, 8)),
        (PICTURES / 255, (1, 9, 8)),
        (PICTURES / 127.5 - 1, (1, 9, 8)),
        (PICTURES.astype(np.uint16) * 257, (1, 9, 8)),
    ],
    ids=["NHW", "NHWC", "NCHW", "NHW1", "float01", "float-11", "uint16"],
)
def test_pictures_in_arrays(tmp_path: Path, cache: Path, array: np.ndarray, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", array)
    data = load(tmp_path / "a.npy", cache=cache, held_out=0)
    assert data.space.kind == "pictures"
    assert data.space.shape == shape
    values, _ = _in_order(data)
    assert values.dtype == np.uint8
    difference = np.abs(values[:, 0].astype(int) - PICTURES)
    if shape[0] == 4:  # what cannot be seen is white
        assert (difference[PICTURES > 0] == 0).all()
    else:
        assert difference.max() == 0


def test_shapes_points_and_refusals(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "a.npy"

    def read(array: np.ndarray):
        np.save(path, array)
        return load(path, cache=cache, held_out=0)

    voxels = np.random.default_rng(1).integers(0, 2, (12, 8, 8, 8, 4), dtype=np.uint8) * 255
    data = read(voxels)
    assert (data.space.kind, data.space.shape) == ("shapes", (4, 8, 8, 8))
    assert (_in_order(data)[0] == voxels.transpose(0, 4, 1, 2, 3)).all()
    assert read(voxels[..., 0]).space.shape == (1, 8, 8, 8)
    points = np.random.default_rng(2).normal(3, 2, (500, 2))
    data = read(points)
    assert data.space.kind == "points"
    assert np.allclose(data.space.offset, points.mean(0), atol=1e-5)
    assert np.allclose(data.space.scale, points.std(0), atol=1e-5)
    assert (_in_order(data)[0] == points.astype(np.float32)).all()
    assert load(path, cache=cache, standardise=False).space.scale == ()
    assert read(points[:, 0]).space.shape == (1,)
    with pytest.raises(DataError, match="pictures only"):
        load(path, size=16, cache=cache)
    constant = read(np.ones((20, 1)))
    assert constant.space.scale == (1.0,)
    for array, says in [
        (np.zeros((9, 16, 8, 8, 2), np.uint8), "it can be"),
        (np.zeros((9, 8, 8, 5, 2), np.uint8), "it can be"),
        (np.zeros((9, 8, 8), complex), "not numbers"),
        (np.zeros((1, 8, 8)), "at least 2 examples"),
        (np.full((9, 8, 8), np.nan), "not finite in example 0"),
        (np.array([1.0, 2.0, np.inf, 4.0]), "not finite in example 2"),
        (np.zeros((9, 5, 5), np.uint8), "--size 8"),
        (np.zeros((9, 0, 0), np.uint8), "no number at all"),
        (np.zeros((9, 0)), "no number at all"),
    ]:
        with pytest.raises(DataError, match=says):
            read(array)


def test_npz_names_and_labels(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x_train=PICTURES, y_train=LABELS, x_test=PICTURES[:3], classes=np.array(["a", "b", "c"]))
    data = load(path, cache=cache, held_out=0)
    assert data.space.classes == ("a", "b", "c")
    assert (_in_order(data)[1] == LABELS).all()
    assert any("not used: x_test" in warning for warning in data.scan.warnings)
    np.savez(path, images=PICTURES, labels=np.array(["cat", "dog"])[LABELS % 2])
    data = load(path, cache=cache, held_out=0)
    assert data.space.classes == ("cat", "dog")
    np.savez(path, images=PICTURES, labels=np.eye(3)[LABELS])  # one-hot
    assert (_in_order(load(path, cache=cache, held_out=0))[1] == LABELS).all()
    np.savez(path, images=PICTURES, labels=LABELS[:4])
    data = load(path, cache=cache)
    assert data.train.labels is None
    assert any("'labels' (4,) is not used" in warning for warning in data.scan.warnings)
    np.savez(path, PICTURES)
    assert load(path, cache=cache).scan.count == 30
    np.savez(path, p=PICTURES, q=PICTURES)
    with pytest.raises(DataError, match=r"it has 'p' \(30, 9, 8\), 'q' \(30, 9, 8\); name yours"):
        load(path, cache=cache)


def test_resized_arrays(tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((20, 9, 8, 3), 77, np.uint8))
    data = load(tmp_path / "a.npy", size=16, channels=1, cache=cache)
    assert data.space.shape == (1, 16, 16)
    assert (data.train.values == 77).all()


@pytest.mark.parametrize("packed", [False, True])
def test_tables(tmp_path: Path, cache: Path, packed: bool) -> None:
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")

    def read(text: str):
        content = text.encode("utf-8")
        path.write_bytes(gzip.compress(content) if packed else content)
        return load(path, cache=cache, held_out=0)

    data = read("\ufeffheight,weight\n1.5,2\n3,-4e1\n5,6\n")
    assert data.space.columns == ("height", "weight")
    assert _in_order(data)[0].tolist() == [[1.5, 2.0], [3.0, -40.0], [5.0, 6.0]]
    assert read("1;2\r\n3;4\r\n").space.columns == ()
    assert read("x\n1\n2\n\n3\n").scan.count == 3
    assert read('"a,b",c\n"1",2\n3,4\n').space.columns == ("a,b", "c")
    for text, says in [
        ("a,b\n1,2\n3,red\n", "column 'b', line 3: 'red' is not a number"),
        ("1,2\n3,\n", "column 2, line 2: the cell is empty"),
        ("a,b\n1,2\n3\n4,5\n", "line 3: 1 cells where 2 are expected"),
        ("a,b\n1,2\n3,nan\n", "column 'b', line 3: 'nan' says that a number is missing"),
        ("a,b\n1,2\n3,1e300\n", "line 3: '1e300' is not finite"),
        ("a\n1\n", "1 row"),
        ("", "empty"),
        ("a,b\n1,2,3\n4,5,6\n", "line 2: 3 cells where 2"),
    ]:
        with pytest.raises(DataError, match=says):
            read(text)
    with pytest.raises(DataError, match="for pictures only"):
        load(path, size=16, cache=cache)


def test_table_that_is_no_text(tmp_path: Path, cache: Path) -> None:
    for content, says in [
        (b"a,b\n1,2\n3,\x004\n", r"line 3 has the control character '\\x00'"),
        (b"\xff\xfea\x00,\x00b", "it begins as UTF-16 and does not go on so"),
        (b"PK\x03\x04" + bytes(30), "an Excel workbook or a zip archive, not text"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    ]:
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(DataError, match=says):
            load(tmp_path / "t.csv", cache=cache)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(bytes(100 << 20)))
    with pytest.raises(DataError, match="larger than"):
        load(tmp_path / "t.csv.gz", cache=cache)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in builtin.PICTURES])
def test_builtin_points(name: str) -> None:
    data = load(name, seed=3)
    assert data.train.n == 90_000
    assert data.held_out.n == 10_000
    again, other = load(name, seed=3), load(name, seed=4)
    assert (again.train.values == data.train.values).all()
    assert again.manifest == data.manifest
    assert other.manifest["fingerprint"] != data.manifest["fingerprint"]
    assert not (other.train.values[:100] == data.train.values[:100]).any()
    with pytest.raises(DataError, match="pictures only"):
        load(name, size=16)


@pytest.mark.parametrize(
    ("name", "k", "dims"),
    [("ring", 8, 2), ("grid", 25, 2), ("mixture", 3, 1), ("pair", 2, 2), ("blobs", 3, 2)],
)
def test_modes_are_distinct_and_found(name: str, k: int, dims: int) -> None:
    mixture = modes(name)
    assert mixture.centres.shape == (k, dims)
    assert len(np.unique(mixture.centres.round(6), axis=0)) == k
    values = load(name, held_out=0).train.values.astype(np.float64)
    distance = np.linalg.norm(values[:, None] - mixture.centres, axis=-1)  # (N, K)
    nearest, index = distance.min(1) / mixture.sigma, distance.argmin(1)
    shares = np.bincount(index, minlength=k) / len(values)
    assert np.abs(shares * k - 1).max() < 0.06
    # P(|x| < 3σ) is 1 − exp(−9/2) = .98889 in two dimensions and .99730 in one.
    assert abs((nearest < 3).mean() - (0.98889 if dims == 2 else 0.99730)) < 0.002
    assert abs(np.sqrt((nearest**2).mean() / dims) - 1) < 0.01


def test_gaussian_and_ring_by_number() -> None:
    values = load("gaussian", held_out=0).train.values
    assert abs(values.mean() - 4.0) < 0.02
    assert abs(values.std() - 1.25) < 0.01
    assert np.allclose(np.linalg.norm(modes("ring").centres, axis=1), 1.0)
    with pytest.raises(DataError, match="no known modes"):
        modes("moons")


def test_digits() -> None:
    data = load("digits")
    assert data.space.shape == (1, 8, 8)
    assert data.space.classes == tuple("0123456789")
    assert data.train.n + data.held_out.n == 1797
    assert data.train.values.max() == 255
    assert data.scan.classes["3"] == 183
    assert load("digits", size=16, channels=3).space.shape == (3, 16, 16)


def test_crops_of_photographs_are_pictures_in_colour() -> None:
    data = load("photo-crops", seed=3)
    values = np.concatenate([data.train.values, data.held_out.values])
    assert values.shape == (builtin.CROPS, 3, 32, 32)
    assert data.space.classes == ("flower", "pagoda")
    labels = np.concatenate([data.train.labels, data.held_out.labels])
    # The flower stands before dark leaves, the pagoda before a bright sky.
    means = [values[labels == kind].mean() for kind in (0, 1)]
    assert means[0] < 100 < 130 < means[1]
    other = load("photo-crops", seed=4, size=48)
    assert other.space.shape == (3, 48, 48)
    assert other.manifest["fingerprint"] != data.manifest["fingerprint"]


def test_a_folder_with_the_name_of_a_builtin_set_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not any("./ring" in words for words in load("ring").scan.warnings)
    (tmp_path / "ring").mkdir()
    assert any("for that write ./ring" in words for words in load("ring").scan.warnings)


def test_wishes_for_columns_are_refused_where_there_are_none(tmp_path: Path, cache: Path) -> None:
    """They would be passed over, and somebody would wait for the columns that were asked for."""
    np.save(tmp_path / "a.npy", np.zeros((40, 3)))
    for what, table, words in (
        ("moons", TableFormat(columns="x"), "moons is no table with names of columns; leave --columns out"),
        (tmp_path / "a.npy", TableFormat(header=0, kinds="x=word"), "leave --column, --header out"),
    ):
        with pytest.raises(DataError, match=words):
            load(what, table=table, cache=cache)
    assert load("moons", table=TableFormat(what="points")).space.kind == "points"
