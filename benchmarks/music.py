"""Chorales: are made passages like real ones, and are they copies?

Writes the 382 four-part chorales of jsb16.npz as MIDI files into a folder, trains on it as
`gan train FOLDER` does, writes samples as MIDI files, reads these with mido, and scores the notes that it
finds, so that the way through files is part of what is judged. Each figure stands beside held-out passages
against training ones, and a Markov chain of order 3 over whole steps, which is fitted without a game.

*Trees*: the area under the curve of boosted trees that tell passages from held-out ones; passages of one
piece overlap, so the trees of real ones are above .5. *Pitch classes, durations, intervals, used*: total
variation of the histograms of notes, and of how many pitch classes a passage has. *Rests*: share of silent
steps. *Copied*: steps of the longest run that some training passage has too, the mean over passages and the
longest of all.

    python benchmarks/music.py shared/data/jsb16.npz --core-minutes 15 --seeds 3
    python benchmarks/music.py shared/data/jsb16.npz --run RUN        judges a run that is there
"""

from __future__ import annotations

import argparse
import io
import itertools
import tempfile
from pathlib import Path

import mido
import numpy as np
import torch

from ganforge.codecs.music import Music
from ganforge.codecs.music.midi import Note, write_notes
from ganforge.codecs.music.voices import grid_of
from ganforge.data import Dataset
from ganforge.data import load as load_data
from ganforge.metrics import music
from ganforge.metrics.music_scores import music_scores
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import prepare

TEMPO = 100.0


def write_folder(source: Path, folder: Path) -> Path:
    """The chorales as MIDI files; a pitch that stays is one note."""
    folder.mkdir(parents=True)
    with np.load(source, allow_pickle=True, encoding="latin1") as data:  # objects: this file alone is trusted
        pieces = [
            (part, i, piece) for part in ("train", "valid", "test") for i, piece in enumerate(data[part])
        ]
    for part, i, piece in pieces:
        voices: list[list[Note]] = []
        for column in np.nan_to_num(piece.astype(float), nan=0).astype(int).T:
            edges = np.flatnonzero(np.diff(column, prepend=-1, append=-1))
            notes = itertools.pairwise(edges.tolist())
            voices.append([Note(a / 4, b / 4, int(column[a])) for a, b in notes if column[a]])
        (folder / f"{part}-{i:03d}.mid").write_bytes(write_notes(voices, TEMPO))
    return folder


def read_back(content: bytes, steps: int) -> np.ndarray:
    """A file's tracks after the first as codes ``(V, T)``, as mido reads them."""
    song = mido.MidiFile(file=io.BytesIO(content))
    voices: list[list[tuple[int, int, int]]] = []
    for track in song.tracks[1:]:
        tick, begun, voice = 0, dict[int, int](), list[tuple[int, int, int]]()
        for message in track:
            tick += message.time
            at = round(4 * tick / song.ticks_per_beat)
            if message.type == "note_on" and message.velocity:
                begun[message.note] = at
            elif message.type in ("note_on", "note_off"):
                voice.append((begun.pop(message.note), at, message.note))
        voices.append(voice)
    return grid_of(voices, steps)


def row(name: str, made: np.ndarray, data: Dataset) -> str:
    """A line of the table."""
    train, real = np.asarray(data.train.values), np.asarray(data.held_out.values)
    facts = data.space.codec.facts()
    found = {score.key: score for score in music_scores(made, train, real, facts, split="held-out")[0]}
    keys = ("told_by_trees", "pitch_classes", "durations", "intervals", "used_classes", "rests")
    cells = [f"{found[key].value:.3f} ({found[key].floor:.3f})" for key in keys]
    copied = music.copied(made[: len(real)], train)
    cells.append(f"{copied.mean():.1f}, {copied.max()}")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--core-minutes", type=float, default=15.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--run", type=Path, action="append", default=[])
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = write_folder(options.data, Path(place) / "chorales")
        data = load_data(folder, cache=Path(place) / "cache")
        codec = data.space.codec
        assert isinstance(codec, Music)
        train, real = np.asarray(data.train.values), np.asarray(data.held_out.values)
        print("| passages | trees | pitch classes | durations | intervals | used | rests | copied |")
        print("|---|---|---|---|---|---|---|---|")
        rng = np.random.default_rng(1)
        print(row("training part", train[rng.permutation(len(train))[: len(real)]], data))
        copied = music.copied(real, train)
        print(f"| held-out pieces | | | | | | | {copied.mean():.1f}, {copied.max()} |")
        print(row("Markov chain of order 3", music.markov_chain(train, len(real)), data), flush=True)
        runs: list[Path] = list(options.run)
        for seed in range(options.first, options.first + (0 if runs else options.seeds)):
            run = Path(place) / f"seed{seed}"
            given = {"core_minutes": options.core_minutes, "seed": seed}
            prepare(folder, **given, cache=Path(place) / "cache").start(run).train()
            runs.append(run)
        for run in runs:
            sampler = load(run)
            files = [codec.file(one.numpy()) for one in sampler.sample(len(real), seed=5)]
            made = np.stack([read_back(file, real.shape[2]) for file in files])
            words = "" if sampler.opened is None else f" at {sampler.opened.nimg:,}"
            print(row(f"{run.name}{words}", made, data), flush=True)


if __name__ == "__main__":
    main()
