"""A thousand damaged inputs: no traceback, nothing that hangs, and no result that changes without a word.

    .venv/bin/python -m benchmarks.damaged_data --out benchmarks/results/damaged_data.md

Each kind of source is written once, whole, and then damaged in one place, by chance with a fixed seed: bits
flipped, bytes replaced, parts cut out, doubled, blanked, swapped or inserted, the end cut off. What may come
of it:

- *the same*: the damage touched nothing that matters;
- *named*: something is left out, and the report names it;
- *refused*: one line, of the errors that a user can meet.

Anything else is a failure: another exception, more than ten seconds of the processor, or other examples
without a word. Tables have no checksums: there the numbers must be those that stand in the damaged text.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import re
import signal
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganforge.core.errors import GanforgeError
from ganforge.data import Dataset, load

SEED = 20
SECONDS = 10.0
COUNTS = {"csv": 250, "npz": 250, "zip": 250, "png": 250, "npy": 100, "idx": 100, "tar": 100, "tar.gz": 100}
N = 24  # examples of each source


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """``content`` with damage in one place."""
    data = bytearray(content)
    # Half of it near the ends, where headers and directories are.
    first, last = [
        (0, len(data)),
        (0, len(data)),
        (0, min(200, len(data))),
        (max(0, len(data) - 600), len(data)),
    ][int(rng.integers(4))]
    at = int(rng.integers(first, last))
    span = int(rng.integers(1, max(2, min(200, len(data) - at))))
    match int(rng.integers(9)):
        case 0:
            data[at] ^= 1 << int(rng.integers(8))
        case 1:
            data[at] = int(rng.integers(256))
        case 2:
            del data[at : at + span]
        case 3:
            data[at:at] = data[at : at + span]
        case 4:
            data[at : at + span] = bytes(len(data[at : at + span]))
        case 5:
            data[at:at] = rng.bytes(span)
        case 6:
            del data[at:]
        case 7:
            other = int(rng.integers(len(data)))
            first, second = data[at : at + span], data[other : other + span]
            if abs(at - other) >= span:
                data[at : at + len(first)], data[other : other + len(second)] = second, first
        case _:
            data[at : at + 4] = rng.choice([b"\xff" * 4, b"\x7f\xff\xff\xff", b'"', b"\n", b"nan,"])
    return bytes(data)


def _pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(SEED)
    return [rng.integers(0, 256, (12, 12, 3), dtype=np.uint8) for _ in range(N)]


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _files() -> dict[str, bytes]:
    return {f"{'ab'[i % 2]}/p{i:02}.png": _png(pixels) for i, pixels in enumerate(_pictures())}


def _archive(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in _files().items():
                archive.writestr(name, content)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in _files().items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0) if kind == "tar.gz" else buffer.getvalue()


def _arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=np.stack(_pictures()), labels=np.arange(N) % 3)
    return buffer.getvalue()


def _array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.stack(_pictures()))
    return buffer.getvalue()


def _table() -> bytes:
    values = np.random.default_rng(SEED).normal(3, 2, (N * 4, 3)).round(4)
    return ("x,y,z\n" + "\n".join(",".join(map(str, row)) for row in values) + "\n").encode()


def _idx() -> bytes:
    pixels = np.stack(_pictures())[..., 0]
    return b"\0\0\x08\x03" + b"".join(side.to_bytes(4, "big") for side in pixels.shape) + pixels.tobytes()


_WHOLE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "csv": ("t.csv", _table),
    "npz": ("a.npz", _arrays),
    "zip": ("p.zip", lambda: _archive("zip")),
    "png": ("photos", lambda: next(iter(_files().values()))),
    "npy": ("a.npy", _array),
    "idx": ("train-images-idx3-ubyte", _idx),
    "tar": ("p.tar", lambda: _archive("tar")),
    "tar.gz": ("p.tar.gz", lambda: _archive("tar.gz")),
}
# What has no checksums at all cannot show that its numbers are others.
_UNCHECKED = ("npy", "idx", "tar")


@dataclass
class Tally:
    """What came of the damaged inputs of one kind: counts by outcome, and failures in words."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])
    slowest: float = 0.0


class _TooLongError(BaseException):
    """No exception that a reader would catch."""


def _alarm(*_: Any) -> None:
    raise _TooLongError


def _rows(data: Dataset) -> dict[int, tuple[bytes, str]]:
    """Each example by its number in the source, with its class."""
    part = data.train
    kinds = [""] * part.n if part.labels is None else [data.space.classes[i] for i in part.labels]
    return {
        int(number): (np.ascontiguousarray(part.values[i]).tobytes(), kinds[i])
        for i, number in enumerate(part.origin)
    }


def _said(data: Dataset) -> set[str]:
    """What a report tells beside the examples, without what it always does."""
    scan = data.scan
    return {*scan.warnings, *scan.notes, *(f"{one.name}: {one.reason}" for one in scan.skipped)}


def _numbers(content: bytes) -> list[list[float]] | None:
    """The rows of a table as its text has them, strictly; None where it has no such rows."""
    try:
        text = content.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
        # Fortran's 1.5d3 is a number, too.
        return [[float(re.sub(r"(?<=\d)[dD](?=[-+]?\d)", "e", cell)) for cell in row] for row in rows[1:]]
    except (ValueError, csv.Error):
        return None


def _judged(kind: str, found: Dataset, whole: Dataset, content: bytes) -> str:
    """The outcome of what was loaded; raises AssertionError where something changed without a word."""
    news = _said(found) - _said(whole)
    if kind == "csv":
        rows = _numbers(content)
        order = np.argsort(found.train.origin)
        same = rows is not None and np.allclose(np.array(rows), found.train.values[order], rtol=1e-5)
        assert same or news, "other numbers than those in the text"
        return "named" if news else "the same"
    before, after = _rows(whole), _rows(found)
    if before == after:
        return "the same"
    assert news or kind in _UNCHECKED, "other examples without a word"
    kept = set(before.values())
    if kind not in _UNCHECKED:
        changed = [row for row in after.values() if row not in kept and row[0] not in {r for r, _ in kept}]
        assert not changed, f"{len(changed)} examples have other pixels"
    return "named" if news else "unchecked"


def tried(kind: str, count: int, folder: Path, *, seed: int = SEED) -> Tally:
    """Damage a source of one kind ``count`` times, and read it each time."""
    name, make = _WHOLE[kind]
    content = make()
    path = folder / name
    target = path
    if kind == "png":
        for file, pixels in _files().items():
            (path / file).parent.mkdir(parents=True, exist_ok=True)
            (path / file).write_bytes(pixels)
        target = path / next(iter(_files()))
    target.write_bytes(content)
    tally = Tally()
    former = [(number, signal.signal(number, _alarm)) for number in (signal.SIGALRM, signal.SIGPROF)]
    try:
        whole = load(path, cache=folder / "cache", held_out=0)
        for i, damaged in enumerate(_damaged(content, count, seed)):
            target.write_bytes(damaged)
            _one(kind, i, path, folder, whole, damaged, tally)
    finally:
        for number, handler in former:
            signal.signal(number, handler)
    return tally


def _damaged(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    for i in range(count):
        yield damage(content, np.random.default_rng([seed, i]))


def _one(kind: str, i: int, path: Path, folder: Path, whole: Dataset, damaged: bytes, tally: Tally) -> None:
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, 10 * SECONDS)  # for what waits; a busy machine may take its time
    try:
        outcome = _judged(kind, load(path, cache=folder / "cache", held_out=0), whole, damaged)
    except GanforgeError as error:
        outcome = "refused"
        if "\n" in str(error) or not str(error):
            tally.failures.append(f"{kind} {i}: not one line: {error!r}")
    except _TooLongError:
        outcome = "failed"
        tally.failures.append(f"{kind} {i}: more than {SECONDS:g} s of the processor, or {10 * SECONDS:g} s")
    except Exception as error:  # what is looked for: anything else is a traceback on a person's screen
        outcome = "failed"
        tally.failures.append(f"{kind} {i}: {type(error).__name__}: {error}")
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
    tally.slowest = max(tally.slowest, time.process_time() - began)
    tally.outcomes[outcome] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--kind", choices=COUNTS)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    lines = [
        "# Damaged data",
        "",
        "```sh",
        f".venv/bin/python -m benchmarks.damaged_data --seed {options.seed} --out"
        " benchmarks/results/damaged_data.md",
        "```",
        "",
        f"Seed {options.seed}. *Unchecked*: the form has no checksums, so that other numbers cannot be told.",
        "",
        "| input | damaged | the same | named | refused | unchecked | failed | slowest |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    failures: list[str] = []
    for kind, count in COUNTS.items():
        if options.kind in (None, kind):
            with tempfile.TemporaryDirectory() as folder:
                tally = tried(kind, count, Path(folder), seed=options.seed)
            told = [tally.outcomes[name] for name in ("the same", "named", "refused", "unchecked", "failed")]
            lines.append(f"| {kind} | {count} | {' | '.join(map(str, told))} | {tally.slowest:.1f} s |")
            print(lines[-1], *tally.failures, sep="\n  ", flush=True)
            failures += tally.failures
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
