"""Archives of arrays: what each is follows from its numbers and its name, and never from the order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganforge.core.errors import DataError
from ganforge.data import Dataset, load

N = 40
X = np.random.default_rng(0).integers(0, 256, (N, 16, 16, 3), dtype=np.uint8)
Y = np.arange(N) % 4
WORDS = np.array([b"cat", b"dog", b"eel", b"fox"])


def _load(tmp_path: Path, *given: np.ndarray, **named: np.ndarray) -> Dataset:
    np.savez(tmp_path / "a.npz", *given, **named)
    return load(tmp_path / "a.npz", cache=tmp_path / "cache", held_out=0)


def _labels(data: Dataset) -> list[str]:
    assert data.train.labels is not None
    order = np.argsort(data.train.origin)
    return [data.space.classes[i] for i in data.train.labels[order]]


def _warned(data: Dataset, words: str) -> bool:
    return any(words in warning for warning in data.scan.warnings)


NUMBERS = [str(i) for i in Y]
KINDS = [w.decode() for w in WORDS[Y]]


@pytest.mark.parametrize(
    ("given", "named", "labels"),
    [
        ((Y, X), {}, NUMBERS),
        ((X, Y), {}, NUMBERS),
        ((), {"x": X, "y": Y.astype(np.float32)}, NUMBERS),
        ((), {"x": X, "y": Y.astype(np.float64)[:, None]}, NUMBERS),
        ((), {"x": X, "y": WORDS[Y]}, KINDS),
        ((), {"x": X, "y": WORDS[Y].astype(str)}, KINDS),
        ((), {"x": X, "y": np.eye(4, dtype=bool)[Y]}, NUMBERS),
        ((), {"x": X, "y": np.eye(4)[Y]}, NUMBERS),
        ((), {"img": X, "lbl": Y}, NUMBERS),
        ((), {"X_train": X, "Y_train": Y}, NUMBERS),
        ((), {"trainImages": X, "trainLabels": Y.astype(np.uint8)}, NUMBERS),
        ((), {"Images": X, "Labels": Y}, NUMBERS),
        ((), {"images": X, "label": Y}, NUMBERS),
        ((), {"data": X, "label": Y}, NUMBERS),
        ((), {"labels": Y, "whatever": X}, NUMBERS),
        ((), {"classes": Y, "photos": X}, NUMBERS),
        ((), {"y": Y > 1, "x": X}, ["1" if i > 1 else "0" for i in Y]),
        ((), {"y": Y, "x": X, "class_names": WORDS.astype(str)}, KINDS),
        ((), {"y": Y, "x": X, "names": WORDS}, KINDS),
    ],
)
def test_labels_of_every_kind(
    tmp_path: Path, given: tuple[np.ndarray, ...], named: dict[str, Any], labels: list[str]
) -> None:
    data = _load(tmp_path, *given, **named)
    assert data.space.shape == (3, 16, 16)
    assert _labels(data) == labels
    assert len(data.scan.warnings) == 1  # of few pictures; all that was there is used


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"x": X, "y": Y[:30]}, "array 'y' (30,) is not used: it has (30,) for 40 examples"),
        ({"x": X, "y": np.arange(N)}, "its 40 different values are no classes of 40 examples"),
        ({"x": X, "y": np.where(Y == 1, np.nan, 1.0)}, "10 of its numbers are not finite"),
        ({"x": X, "y": np.array(["a", 1] * 20, object)}, "array 'y' holds Python objects"),
        ({"x": X, "age": Y}, "array 'age' (40,) is not used: name it 'labels'"),
        ({"x": X, "y": Y, "labels": Y}, "array 'labels' (40,) is not used: labels were found already"),
        ({"x_train": X, "y_train": Y, "x_test": X[:5], "y_test": Y[:5]}, "not used: x_test, y_test"),
        ({"x": np.linspace(0, 1, N), "y": np.linspace(1, 2, N)}, "save numpy.stack([x, y], 1)"),
        (
            {"x": X, "y": np.zeros((N, 3, 600))},
            "if these are inputs, save each array as .npy, and give this one with --from",
        ),
        ({"x": X, "y": np.zeros((N, 600))}, "labels are one for each example"),
        ({"x": X, "labels": WORDS[Y[:35]]}, "'labels' (35,) is not used: its 35 words name no classes"),
        ({"x": X, "class_names": WORDS}, "'class_names' (4,) is not used: its 4 words name no classes"),
        ({"x": X, "y": Y, "names": WORDS, "class_names": WORDS}, "'class_names' (4,) is not used"),
    ],
)
def test_what_is_not_used_is_named(tmp_path: Path, named: dict[str, Any], says: str) -> None:
    assert _warned(_load(tmp_path, **named), says)


def test_numbers_and_labels_that_hold_together(tmp_path: Path) -> None:
    data = _load(tmp_path, x=X, y=np.linspace(0.5, 3, N))
    assert data.space.condition is not None
    assert (data.space.condition.kind, data.space.condition.names) == ("numbers", ("y",))
    flags = np.random.default_rng(1).integers(0, 2, (N, 5))
    data = _load(tmp_path, x=X, attributes=flags)
    assert data.space.condition is not None
    assert data.space.condition.kind == "labels"
    data = _load(tmp_path, x=X, captions=np.array([b"a cat", b"a dog"] * 20))
    assert data.space.condition is not None
    assert data.space.condition.kind == "text"


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.ones((N, 8, 8), complex), "'x' holds complex numbers; save numpy.abs"),
        (np.arange(N).astype("datetime64[D]"), "'x' holds dates; save numbers"),
        (np.zeros(N, [("a", "f4"), ("b", "i4")]), "'x' holds records of several fields"),
        (np.array(["a", "b"] * 20), "'x' holds words; save a table"),
        (np.float32(3), "'x' is a single value"),
        (X[:0], r"'x' has shape \(0, 16, 16, 3\); a GAN needs many"),
    ],
)
def test_why_no_array_can_be_the_examples(tmp_path: Path, array: Any, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        _load(tmp_path, x=array)
    assert "name yours" not in str(caught.value)


def test_objects_in_an_array_by_itself(tmp_path: Path) -> None:
    objects = np.array([np.zeros(2), np.zeros(3)], object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects, which are never read"):
        load(tmp_path / "a.npy", cache=tmp_path / "cache")


def test_medmnist(tmp_path: Path) -> None:
    parts = {
        f"{part}_{what}": array
        for part, n in (("test", 8), ("train", N), ("val", 8))
        for what, array in (("images", X[:n]), ("labels", Y[:n, None]))
    }
    data = _load(tmp_path, **parts)
    assert data.scan.count == N
    assert _labels(data) == NUMBERS
    assert _warned(data, "meant for tests, and not used: test_images, test_labels, val_images, val_labels")


def test_examples_that_cannot_be_read(tmp_path: Path) -> None:
    objects = np.empty(N, object)
    objects[:] = [np.zeros((i + 1, 3)) for i in range(N)]
    with pytest.raises(DataError, match=r"array 'images' of .* holds Python objects"):
        _load(tmp_path, images=objects, labels=Y)
    with pytest.raises(DataError, match=r"it has 'a' \(40, 16, 16, 3\), 'b' \(40, 16, 16, 3\); name yours"):
        _load(tmp_path, a=X, b=X)
    (tmp_path / "a.npz").write_bytes(b"no archive at all")
    with pytest.raises(DataError, match="is damaged, or no file of numpy"):
        load(tmp_path / "a.npz", cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((16, 16, 3, 40), r"if it is \(H, W, C, N\), save numpy.moveaxis\(x, -1, 0\)"),
        ((3, 40, 16, 16), r"if it is \(C, N, H, W\)"),
        ((40, 16, 16, 2), "two channels are neither grey nor RGB"),
        ((16, 16, 3), r"if \(16, 16, 3\) is one picture \(H, W, C\)"),
        ((40, 16, 16, 5), "it can be"),
    ],
)
def test_axes_in_another_order_are_refused(tmp_path: Path, shape: tuple[int, ...], says: str) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    with pytest.raises(DataError, match=says):
        load(tmp_path / "a.npy", cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((16, 16, 40), "if the last axis counts the pictures"),
        ((3, 16, 16), "if it is one picture in colour"),
        ((40, 784), r"x.reshape(-1, 28, 28)"),
        ((40, 3072), r"x.reshape(-1, 32, 32, 3)"),
    ],
)
def test_axes_that_can_be_meant_otherwise_are_named(
    tmp_path: Path, shape: tuple[int, ...], says: str
) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    assert _warned(load(tmp_path / "a.npy", cache=tmp_path / "cache"), says)


def test_labels_without_what_they_belong_to_are_named(tmp_path: Path) -> None:
    alone = "is what labels are called, and nothing that they belong to is in the file"
    for name in ("y", "labels", "y_train"):
        assert _warned(_load(tmp_path, **{name: Y}), f"{name!r} {alone}")
    assert not _warned(_load(tmp_path, x=X, y=Y), alone)
    assert not _warned(_load(tmp_path, y=np.random.default_rng(0).normal(size=(N, 2))), alone)
    assert not _warned(_load(tmp_path, data=np.arange(N)), alone)
