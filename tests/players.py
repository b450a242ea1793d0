"""Small experiments that tests share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile

from ganforge.codecs.music.midi import Note, write_notes
from ganforge.codecs.rows.reader import read_frame, write_frame
from ganforge.codecs.series.reader import read_series
from ganforge.core.condition import Condition
from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe, TableFormat
from ganforge.core.space import Space
from ganforge.data import Dataset, Examples, Scan, load

_PENALTIES = (
    Penalty(name="r1", weight=0.1, weight_final=0.01, method="finite_difference", share=0.25),
    Penalty(name="r2", weight=0.1, weight_final=0.01, method="finite_difference", share=0.25),
    Penalty(name="centring", weight=0.01),
)


def recipe(**changes: Any) -> Recipe:
    """A tiny duel on points: every mechanism of the default on, nothing slow."""
    player = Player(
        family="mlp",
        width=16,
        depth=2,
        learning_rate=1e-3,
        learning_rate_final=1e-4,
        beta2=0.9,
        beta2_final=0.99,
    )
    base = Recipe(
        name="tiny",
        generator=player,
        discriminator=player,
        latent=4,
        penalties=_PENALTIES,
        batch=16,
        kimg=1.0,
        ema_nimg=200,
        precision="float32",
        seed=3,
    )
    return replace(base, **changes)


def picture_recipe(family: str = "residual", **changes: Any) -> Recipe:
    """The same on small pictures, with augmentation."""
    player = Player(family=family, width=8, depth=1 if family == "residual" else 0, learning_rate=1e-3)
    return recipe(
        generator=player,
        discriminator=player,
        augmentation=Augmentation(policy="translation", probability=0.5),
        **changes,
    )


def points(n: int = 100, dimensions: int = 2) -> Dataset:
    """Standard normal points of a data set that needs no file."""
    values = np.random.default_rng(0).standard_normal((n, dimensions)).astype(np.float32)
    return _dataset(Space(kind="points", shape=(dimensions,)), values, None)


def columns(n: int = 80) -> dict[str, list[object]]:
    """A made-up table: numbers with gaps and with a spike, words, a date, and what another column decides."""
    rng = np.random.default_rng(0)
    town = rng.choice(["Ulm", "Bath", "Lyon"], n, p=[0.6, 0.3, 0.1]).tolist()
    age: list[object] = [None if i % 9 == 0 else int(x) for i, x in enumerate(rng.integers(18, 90, n))]
    return {
        "age": age,
        "paid": [0.0 if u < 0.5 else round(100 * u, 2) for u in rng.random(n)],
        "town": town,
        "country": [{"Ulm": "DE", "Bath": "UK", "Lyon": "FR"}[name] for name in town],
        "since": [f"2024-0{1 + int(k)}-1{int(k)}" for k in rng.integers(0, 9, n)],
        "member": rng.choice(["yes", "no"], n).tolist(),
    }


def table(n: int = 80) -> Dataset:
    """The same as rows."""
    raw = read_frame(columns(n))
    space = Space(kind=raw.kind, shape=raw.shape).codec.fit(raw.values, raw.about, standardise=True)
    return _dataset(space, raw.values, None)


def steps(n: int = 30, steps: int = 12) -> dict[str, list[object]]:
    """A made-up table of series: numbers, some missing, with a spike or whole, words, attributes, lengths."""
    rng = np.random.default_rng(1)
    rows: dict[str, list[object]] = {name: [] for name in STEP_COLUMNS}
    for k in range(n):
        town, long = ["Ulm", "Bath", "Lyon"][k % 3], steps - k % 4
        level = 5.0 * (k % 3) + rng.standard_normal(long).cumsum()
        for t in range(long):
            rain = 0.0 if rng.random() < 0.5 else float(round(rng.exponential(4.0), 1))
            cells = (f"shop{k:03d}", f"2024-01-{t + 1 + k % 7:02d}", town, k % 2)
            cells += (round(float(level[t]), 2), rain, int(20 + 3 * level[t]))
            cells += ("open" if rng.random() < 0.8 else "shut", None if (t + k) % 5 == 0 else t % 3)
            for name, cell in zip(STEP_COLUMNS, cells, strict=True):
                rows[name].append(cell)
    return rows


STEP_COLUMNS = ("shop", "day", "town", "large", "sales", "rain", "visits", "state", "staff")


def series(folder: Path, n: int = 30) -> Dataset:
    """The same as series."""
    write_frame(steps(n), folder / "steps.csv")
    raw = read_series(folder / "steps.csv", TableFormat(), sure=True)
    assert raw is not None
    space = Space(kind=raw.kind, shape=raw.shape).codec.fit(raw.values, raw.about, standardise=True)
    return _dataset(space, raw.values, None)


def pictures(n: int = 60, shape: tuple[int, int, int] = (1, 8, 8), classes: int = 0) -> Dataset:
    """Random pictures, in classes where asked for."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
    labels = rng.integers(0, classes, n) if classes else None
    space = Space(kind="pictures", shape=shape, classes=tuple(str(i) for i in range(classes)))
    return _dataset(space, values, labels)


def clips(n: int = 20, shape: tuple[int, int, int, int] = (3, 8, 16, 16)) -> Dataset:
    """Random clips."""
    values = np.random.default_rng(0).integers(0, 256, (n, *shape), dtype=np.uint8)
    return _dataset(Space(kind="clips", shape=shape), values, None)


def shapes(n: int = 20, shape: tuple[int, int, int, int] = (1, 8, 8, 8)) -> Dataset:
    """Random voxels."""
    values = np.random.default_rng(0).integers(0, 2, (n, *shape)).astype(np.uint8) * 255
    return _dataset(Space(kind="shapes", shape=shape), values, None)


def translated(
    shape: tuple[int, int, int] = (3, 16, 16), source: tuple[int, int, int] | None = None
) -> Dataset:
    """Twenty random pictures, each with a random input."""
    made = pictures(20, shape)
    inputs = Space(kind="pictures", shape=source or shape)
    sources = np.random.default_rng(1).integers(0, 256, (20, *inputs.shape), dtype=np.uint8)
    return replace(made, space=replace(made.space, source=inputs), train=replace(made.train, sources=sources))


def heard(n: int = 20, samples: int = 1_024) -> Dataset:
    """Waves at 8 kHz, each its own input."""
    space = Space(kind="waves", shape=(1, samples), sample_rate=8_000)
    at = np.arange(samples) / 8_000
    tones = [0.3 * np.sin(2 * np.pi * (200 + 40 * i) * at) for i in range(n)]
    values = np.stack(tones).astype(np.float32)[:, None]
    made = _dataset(replace(space, source=space), values, None)
    return replace(made, train=replace(made.train, sources=values))


def captioned(shape: tuple[int, int, int] = (3, 16, 16)) -> Dataset:
    """Twenty random pictures with captions of three words."""
    made = pictures(20, shape)
    rows = np.array([[i % 3, -1] for i in range(20)], np.int32)
    asks = Condition(
        kind="text",
        names=("red", "green", "blue"),
        examples=((0.0, -1.0), (2.0, -1.0)),
        captions=("red", "blue"),
    )
    return replace(made, space=replace(made.space, condition=asks), train=replace(made.train, rows=rows))


def _dataset(space: Space, values: np.ndarray, labels: np.ndarray | None) -> Dataset:
    examples = Examples(values, labels, np.arange(len(values)))
    empty = Examples(values[:0], None if labels is None else labels[:0], np.arange(0))
    manifest = {"source": "made by a test", "fingerprint": f"{len(values)}", "train": len(values)}
    return Dataset(space, examples, empty, manifest, _no_scan())


def _no_scan() -> Scan:
    return object()


def tones(folder: Path, n: int = 12, rate: int = 8_000) -> Path:
    """Wav files of tones that fade in and out, low and high ones in subfolders."""
    for i in range(n):
        place = folder / ("high" if i % 2 else "low")
        place.mkdir(parents=True, exist_ok=True)
        seconds, pitch = 0.3 + 0.02 * i, (1_500 if i % 2 else 300) + 10 * i
        t = np.arange(round(seconds * rate)) / rate
        faded = np.sin(2 * np.pi * pitch * t) * np.minimum(1, np.minimum(t, seconds - t) * 50)
        soundfile.write(place / f"{i:02d}.wav", 0.3 * faded, rate)
    return folder


def tunes(folder: Path, n: int = 24) -> Path:
    """MIDI files of two voices that rise and fall, in subfolders, of eight bars and slower or quicker."""
    rng = np.random.default_rng(0)
    for i in range(n):
        name = "rising" if i % 2 else "falling"
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        voices: list[list[Note]] = []
        for low in (72, 48):
            line = (rng.integers(0, 3, 32).cumsum() % 13)[:: 1 if i % 2 else -1]
            voices.append([Note(k / 1.0, k + 1.0, low + int(p)) for k, p in enumerate(line)])
        voices[0][0] = replace(voices[0][0], pitch=72)
        (place / f"{i // 2:03d}.mid").write_bytes(write_notes(voices, 90.0 + 30.0 * (i % 2)))
    return folder


def passages(n: int = 40) -> Dataset:
    """The same as passages of music."""
    with TemporaryDirectory() as folder:
        found = load(tunes(Path(folder) / "tunes", n), cache=Path(folder) / "cache", held_out=0.0)
        return replace(found, train=replace(found.train, values=np.array(found.train.values)))


def names(file: Path, n: int = 400) -> Path:
    """Made-up names, with a label and a tab before each."""
    rng = np.random.default_rng(0)
    lines: list[str] = []
    for i in range(n):
        parts = rng.choice(["ka", "lo", "mi", "ren", "so"] if i % 2 else ["Bä", "dor", "gul", "x"], 2 + i % 2)
        lines.append(f"{'soft' if i % 2 else 'hard'}\t{''.join(parts)}{chr(97 + i % 26)}")
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def texts(n: int = 40) -> Dataset:
    """The same as texts."""
    with TemporaryDirectory() as folder:
        file = names(Path(folder) / "names.txt", n)
        found = load(file, cache=Path(folder) / "cache", held_out=0.0)
        return replace(found, train=replace(found.train, values=np.array(found.train.values)))
