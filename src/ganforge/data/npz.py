"""Files of numpy: one array, or several of which the examples and what is said of them are found."""

from __future__ import annotations

import itertools
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np

from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.arrays import interpret
from ganforge.data.files import Entry, Listing
from ganforge.data.folders import kind_of_file
from ganforge.data.pixels import Fit
from ganforge.data.raw import Raw, Stated, name_classes, stated_of

__all__ = ["read_arrays"]

_EXAMPLE_WORDS = frozenset(
    {"x", "image", "images", "img", "imgs", "picture", "pictures", "photo", "photos", "rgb", "rgba"}
    | {"data", "samples", "examples", "inputs", "features", "voxels", "frames"}
)
_LABEL_WORDS = frozenset(
    {"y", "label", "labels", "lbl", "lbls", "target", "targets", "cls", "class", "classes", "species"}
    | {"category", "categories", "digit", "digits", "attributes", "attrs"}
)
_RATE_WORDS = frozenset({"rate", "sr", "fs", "samplerate", "hz"})
_NAME_WORDS = frozenset({"names", "name"})
_TEXT_WORDS = frozenset({"caption", "captions", "text", "texts", "prompts"})
_TESTS = frozenset({"test", "val", "valid", "validation", "dev", "eval", "t10k"})
_MANY_CLASSES = 0.5  # classes for each example, above which labels are numbers of the examples
_SHORTEST_WAVE = 256  # samples of a row that can be a wave
_WIDEST = 512  # numbers that are said of one example
# What damage makes numpy and the zip reader raise; RuntimeError is also for what is packed in other ways.
_DAMAGED = (
    *(ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error, RuntimeError),
    *(KeyError, IndexError, TypeError, SyntaxError, OverflowError, struct.error, tokenize.TokenError),
)


@dataclass(frozen=True)
class _Array:
    """One array of an archive, before its numbers are read. ``why`` says why it cannot be, if so."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    why: str = ""

    @property
    def words(self) -> frozenset[str]:
        """The parts of its name: ``train_images`` and ``xTrain`` have two."""
        parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", self.name)
        return frozenset(part.lower() for part in parts)

    @property
    def for_tests(self) -> bool:
        return bool(self.words & _TESTS)

    @property
    def numbers(self) -> bool:
        return not self.why and self.dtype.kind in "biuf"

    def described(self) -> str:
        return f"{self.name!r} {self.shape}"


def read_arrays(
    path: Path,
    *,
    size: tuple[int, int] | None,
    channels: int | None,
    how: Fit = "crop",
    value_range: ValueRange | None = None,
    clips: bool = False,
    scratch: Path | None = None,
    rate: int | None = None,
    translated: bool = False,
) -> Raw:
    """Read a .npy file, or the training examples and labels of an .npz file.

    Which array is which is known by its shape and type, and by its name where that is not enough: the order
    says nothing. What is not used is named in a warning.

    Beside an array of one number that is called ``rate``, rows of numbers are waves; so is a long line of
    them that an array ``offsets`` cuts. They are kept in ``scratch``, and brought to ``rate`` samples a
    second.

    With ``translated``, waves stay waves. With ``clips``, four dimensions without an axis of channels are
    clips of grey frames.

    Raises:
        DataError: the file is damaged or pickled, or no array of it can be read as examples.
    """
    with open(path, "rb") as file:
        start = file.read(6)
    if start != b"\x93NUMPY" and start[:1] != b"\x80" and not zipfile.is_zipfile(path):
        raise DataError(f"{path} is damaged, or no file of numpy: it begins with {start!r}; save it again")
    wishes: dict[str, Any] = {"size": size, "channels": channels, "how": how, "value_range": value_range}
    if not zipfile.is_zipfile(path):
        return interpret(_load(path), form=".npy file", source=path, clips=clips, **wishes)
    _no_bomb(path)
    arrays = _headers(path)
    found = _waves(path, arrays)
    if found is not None:
        sounds = {**wishes, "scratch": scratch, "rate": rate}
        return _sounds(path, arrays, found, translated=translated, **sounds)
    examples = _examples(path, arrays)
    values = _member(path, examples)
    found = _Beside(path, [one for one in arrays if one != examples], values)
    raw = interpret(
        values,
        found.labels,
        found.class_names,
        form=".npz file",
        source=path,
        notes=[f"examples from {examples.name!r}", *found.notes],
        clips=clips,
        **wishes,
    )
    alone = _labels_alone(examples.name, values)
    raw = replace(raw, warnings=(*raw.warnings, *alone, *found.warnings))
    return replace(raw, stated=found.stated if raw.clips is None else stated_of(found.stated, raw.clips))


def _load(path: Path) -> np.ndarray:
    """A .npy file; nothing pickled is ever read."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except _DAMAGED as error:
        if any(words in str(error) for words in ("pickle", "Object arrays", "Python objects")):
            raise DataError(
                f"{path} holds Python objects, which are never read; save plain numbers: np.save(path, array)"
            ) from None
        raise DataError(f"{path} is damaged ({error}); save it again") from None
    if not isinstance(values, np.ndarray):
        raise DataError(f"{path} is damaged (a zip archive that cannot be read); save it again")
    return values


def _no_bomb(path: Path) -> None:
    """Refuse an archive that would unpack to far more than it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
    except _DAMAGED as error:
        raise DataError(f"{path} is damaged ({error}); save it again") from None
    if total > 256 << 20 and total > 200 * path.stat().st_size:
        raise DataError(f"{path} would unpack to {total >> 20} MiB, 200 times its size; it is not read")


def _headers(path: Path) -> list[_Array]:
    """All arrays of an archive. DataError where there is none, or one is damaged."""
    found: list[_Array] = []
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if member.filename.endswith("/"):
                continue
            try:
                with archive.open(member) as file:
                    shape, dtype = _header(file)
            except _DAMAGED as error:
                raise DataError(f"array {name!r} of {path} is damaged ({error}); save it again") from None
            why = (
                "" if dtype.kind != "O" else "holds Python objects, which are never read; save plain numbers"
            )
            found.append(_Array(name, shape, dtype, why))
    if not found:
        raise DataError(f"{path} has no arrays; save some with numpy.savez(path, images=…, labels=…)")
    return found


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _member(path: Path, one: _Array) -> np.ndarray:
    if one.why:
        raise DataError(f"array {one.name!r} of {path} {one.why}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive[one.name]
    except _DAMAGED as error:
        raise DataError(f"array {one.name!r} of {path} is damaged ({error}); save it again") from None


def _examples(path: Path, arrays: Sequence[_Array]) -> _Array:
    """The array of examples: of numbers, many, for training, of more dimensions than what is said of them.

    Raises:
        DataError: none is, or more than one may be.
    """
    objects = [one for one in arrays if one.why]
    if len(objects) == len(arrays):
        raise DataError(f"{path}: array {objects[0].name!r} {objects[0].why}")
    usable = [one for one in arrays if one.numbers and one.shape and one.shape[0] >= 2]
    labelled = [one for one in usable if one.words & _LABEL_WORDS and not one.words & _EXAMPLE_WORDS]
    left = [one for one in usable if one not in labelled] or usable
    left = [one for one in left if not one.for_tests] or left
    for better in (
        [one for one in left if len(one.shape) >= 3],  # pictures before rows of numbers
        [one for one in left if len(one.shape) == 2 and one.shape[1] > 1],
    ):
        if better:
            left = better
            break
    left = [one for one in left if one.words & _EXAMPLE_WORDS] or left
    left = [one for one in left if "train" in one.words] or left
    wanted = [one for one in objects if one.words & _EXAMPLE_WORDS]
    if len(left) == 1 and not (wanted and not left[0].words & _EXAMPLE_WORDS):
        return left[0]
    if wanted:
        raise DataError(f"array {wanted[0].name!r} of {path} {wanted[0].why}")
    listed = ", ".join(one.described() for one in arrays)
    if not usable:
        why = "; ".join(f"{one.name!r} {_no_examples(one)}" for one in arrays[:4])
        raise DataError(f"no array of {path} can be the examples: {why}")
    raise DataError(
        f"no array of {path} is clearly the examples; it has {listed}; name yours 'images' or 'x'"
    )


def _no_examples(one: _Array) -> str:
    """Why an array is no set of examples, in words."""
    if not one.shape:
        return "is a single value; save many examples along axis 0"
    if one.dtype.kind == "c":
        return "holds complex numbers; save numpy.abs(x), or real and imaginary part as channels"
    if one.dtype.kind in "mM":
        return "holds dates; save numbers, as in (x - x.min()).astype(float)"
    if one.dtype.kind in "US":
        return "holds words; save a table of them as csv"
    if one.dtype.kind == "V":
        return "holds records of several fields; save its numbers as one array (N, D), or a table as csv"
    if one.shape[0] < 2:
        return f"has shape {one.shape}; a GAN needs many examples, along axis 0"
    return one.why or f"holds {one.dtype}; save numbers"


@dataclass(frozen=True)
class _Waves:
    """Waves in an archive: the names of the arrays that they stand in, and each by itself."""

    rate: int
    names: tuple[str, ...]
    rows: Sequence[np.ndarray]


def _waves(path: Path, arrays: Sequence[_Array]) -> _Waves | None:
    """Waves, where an array says their rate; else None."""
    sizes = {one.name: int(np.prod(one.shape)) for one in arrays}
    rates = [one for one in arrays if one.words & _RATE_WORDS and one.numbers and sizes[one.name] == 1]
    if not rates:
        return None
    ends = [one for one in arrays if "offsets" in one.words and one.numbers and len(one.shape) == 1]
    lines = [one for one in arrays if one.numbers and len(one.shape) == 1 and one not in (*ends, *rates)]
    rows = [one for one in arrays if one.numbers and len(one.shape) == 2 and one.shape[1] >= _SHORTEST_WAVE]
    line = max(lines, key=lambda one: one.shape[0], default=None)
    rate = int(_member(path, rates[0]).reshape(-1)[0])
    if len(rows) == 1:
        return _Waves(rate, (rates[0].name, rows[0].name), list(_as_waves(_member(path, rows[0]))))
    if not ends or line is None:
        return None
    whole = _as_waves(_member(path, line))
    at = np.clip(_member(path, ends[0]).astype(np.int64), 0, len(whole))
    at = at if at[-1] == len(whole) else np.append(at, len(whole))
    cut = [whole[a:b] for a, b in itertools.pairwise(at.tolist())]
    return _Waves(rate, (rates[0].name, line.name, ends[0].name), cut)


def _as_waves(values: np.ndarray) -> np.ndarray:
    """Whole numbers of a type's range as float32 −1 to 1; floats as they are."""
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    half = (np.iinfo(values.dtype).max + 1) / (2 if values.dtype.kind == "u" else 1)
    return ((values.astype(np.float64) - (half if values.dtype.kind == "u" else 0)) / half).astype(np.float32)


def _sounds(path: Path, arrays: Sequence[_Array], waves: _Waves, *, translated: bool, **wishes: Any) -> Raw:
    """Waves as if each were a wav file; ``translated``: inputs or targets of a translation."""
    kind = kind_of_file(Path("0.wav"))
    assert kind is not None
    kind = CODECS[kind.translated] if translated else kind
    beside = _Beside(
        path, [one for one in arrays if one.name not in waves.names], np.empty((len(waves.rows), 2))
    )
    entries = [Entry(f"{i}.wav", 44 + 4 * len(wave), 0) for i, wave in enumerate(waves.rows)]

    def opened(entry: Entry) -> BinaryIO:
        return BytesIO(_wav(waves.rows[int(entry.name[:-4])], waves.rate))

    raw = kind.read_files(path, Listing(entries, [], opened), **wishes)
    which = np.array([int(name[:-4]) for name in raw.names])
    labels, classes = None, ()
    if beside.labels is not None:
        labels, classes = name_classes(beside.labels, beside.class_names)
        labels = labels[which]
    return replace(
        raw,
        form=".npz file",
        labels=labels,
        classes=classes,
        stated=stated_of(beside.stated, which),
        names=(),
        skipped=tuple(replace(one, name=f"number {one.name[:-4]}") for one in raw.skipped),
        notes=(*raw.notes, f"waves from {waves.names[1]!r} at {waves.rate:,} Hz", *beside.notes),
        warnings=(*raw.warnings, *beside.warnings),
    )


def _wav(wave: np.ndarray, rate: int) -> bytes:
    """A wav file of float32 samples, mono."""
    data = np.ascontiguousarray(wave, "<f4").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, rate, 4 * rate, 4, 32)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVE"
        + form
        + struct.pack("<4sI", b"data", len(data))
        + data
    )


def _labels_alone(name: str, values: np.ndarray) -> list[str]:
    """A warning where the examples are whole numbers, a single one each, under a name that labels have."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    if not words & _LABEL_WORDS or words & _EXAMPLE_WORDS or values.size != len(values):
        return []
    if values.dtype.kind not in "iub":
        return []
    return [
        f"{name!r} is what labels are called, and nothing that they belong to is in the file: its numbers are"
        " taken as the examples"
    ]


class _Beside:
    """What an archive says of its examples beside them, and what of it is not used.

    Attributes:
        labels: ``(N,)`` whole numbers or words, or None.
        class_names: of the labels' numbers.
        said: captions, labels that can hold together, or numbers.
    """

    def __init__(self, path: Path, arrays: Sequence[_Array], examples: np.ndarray) -> None:
        self.labels: np.ndarray | None = None
        self.class_names: list[str] = []
        self.stated: Stated | None = None
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._path, self._n = path, len(examples)
        self._on_line = examples.ndim == 1
        names = [one for one in arrays if self._names_classes(one)]
        class_names = [_text(word) for word in _member(path, names[0]).reshape(-1)] if names else []
        tests = [one for one in arrays if one.for_tests]
        if tests:
            self.warnings.append(f"meant for tests, and not used: {', '.join(one.name for one in tests)}")
        for one in [one for one in arrays if one not in names and one not in tests]:
            self._take(one, class_names)
        self._name_classes(names, class_names)

    def _name_classes(self, names: Sequence[_Array], class_names: list[str]) -> None:
        """Give the labels' classes the names that the first of ``names`` holds, or warn that none fits."""
        labels = self.labels
        if labels is not None and labels.dtype.kind in "iu" and labels.max() < len(class_names):
            self.class_names = class_names
        named = bool(self.class_names) or (self.stated is not None and [*self.stated.names] == class_names)
        for one in names[1:] if named else names:
            words = f"its {int(np.prod(one.shape)):,} words name no classes of labels"
            self._unused(one, f"{words}; if they are captions or labels, give one for each example")

    def _names_classes(self, one: _Array) -> bool:
        """Whether it holds the names of the classes, not a label for each example."""
        return (
            not one.why
            and one.dtype.kind in "US"
            and one.shape[:1] != (self._n,)
            and bool(one.words & (_LABEL_WORDS | _NAME_WORDS))
        )

    def _take(self, one: _Array, class_names: list[str]) -> None:
        """Use an array, or warn that it is not used."""
        for_labels = bool(one.words & _LABEL_WORDS) or one.name.startswith("arr_")
        if one.why:
            self.warnings.append(f"array {one.name!r} {one.why}")
        elif not (for_labels or one.words & _TEXT_WORDS):
            self._unused(one, "name it 'labels', 'attributes' or 'captions' if it says what examples show")
        elif len(_without_ones(one.shape)) == 0 or _without_ones(one.shape)[0] != self._n:
            self._unused(one, f"it has {one.shape} for {self._n:,} examples: give one for each")
        elif self._on_line and one.words == frozenset("y"):
            self._unused(one, "if it is the other coordinate of points, save numpy.stack([x, y], 1)")
        elif self.labels is not None or self.stated is not None:
            self._unused(one, "labels were found already")
        else:
            values = _member(self._path, one)
            values = values.reshape(_without_ones(values.shape))
            if one.words & _TEXT_WORDS and values.dtype.kind in "US":
                self._texts(one, values)
            elif values.ndim == 1:
                self._one_each(one, values)
            else:
                self._several_each(one, values, class_names)

    def _texts(self, one: _Array, values: np.ndarray) -> None:
        if values.ndim == 1:
            self.stated = Stated(kind="text", texts=[(_text(text),) for text in values])
        else:
            self._unused(one, "captions are one text for each example")

    def _one_each(self, one: _Array, values: np.ndarray) -> None:
        if values.dtype.kind == "f":
            if not np.isfinite(values).all():
                self._unused(one, f"{int((~np.isfinite(values)).sum()):,} of its numbers are not finite")
                return
            if not (values == np.rint(values)).all():
                self.stated = Stated(
                    kind="numbers", names=(one.name,), rows=values[:, None].astype(np.float32)
                )
                return
            values = values.astype(np.int64)
        if values.dtype.kind == "b":
            values = values.astype(np.int64)
        elif values.dtype.kind in "SU":
            values = np.array([_text(word) for word in values])
        elif values.dtype.kind not in "iu":
            self._unused(one, f"it holds {values.dtype}; save words or whole numbers")
            return
        classes = len(np.unique(values))
        if classes > max(2, _MANY_CLASSES * self._n):
            self._unused(one, f"its {classes:,} different values are no classes of {self._n:,} examples")
            return
        self.labels = values
        self.notes.append(f"labels from {one.name!r}")

    def _several_each(self, one: _Array, values: np.ndarray, class_names: list[str]) -> None:
        if values.ndim > 2:
            self._unused(one, "if these are inputs, save each array as .npy, and give this one with --from")
            return
        if values.dtype.kind not in "biuf" or values.shape[1] > _WIDEST:
            self._unused(one, "labels are one for each example, or a row of 0 and 1 or of a few numbers")
            return
        values = values.astype(np.float32)
        if not np.isfinite(values).all():
            self._unused(one, "it has numbers that are not finite")
            return
        flags = ((values == 0) | (values == 1)).all()
        if flags and (values.sum(axis=1) == 1).all():
            self.labels = values.argmax(axis=1)
            self.notes.append(f"labels from {one.name!r}, one-hot")
            return
        wide = values.shape[1]
        names = class_names if len(class_names) == wide else [str(i) for i in range(wide)]
        self.stated = Stated(kind="labels" if flags else "numbers", names=tuple(names), rows=values)

    def _unused(self, one: _Array, why: str) -> None:
        self.warnings.append(f"array {one.described()} is not used: {why}")


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(side for side in shape if side != 1)


def _text(word: Any) -> str:
    return word.decode("utf-8", "backslashreplace") if isinstance(word, bytes) else str(word)
