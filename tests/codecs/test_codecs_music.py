"""Music: read from MIDI files, put into voices, and written as the same notes again."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
import torch

from ganforge.codecs.music.midi import Note, read_piece, write_notes
from ganforge.codecs.music.voices import grid_of, notes_of, part_voices
from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError
from ganforge.core.space import Space
from ganforge.data import load, scan
from ganforge.metrics import music
from ganforge.metrics.choice import named_extractor
from ganforge.metrics.music_scores import music_scores
from ganforge.metrics.sliced import sliced_wasserstein
from tests import players
from tests.conftest import Call


def beside(folder: Path) -> Path:
    """A cache that lies in no folder of music."""
    return folder.parent / f"{folder.name}-cache"


def notes_of_file(content: bytes) -> list[set[tuple[int, int, int]]]:
    """Notes of each track as mido reads them, ``(start, end, pitch)`` in ticks."""
    found: list[set[tuple[int, int, int]]] = []
    for track in mido.MidiFile(file=io.BytesIO(content)).tracks:
        tick, begun, notes = 0, dict[int, int](), set[tuple[int, int, int]]()
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                begun[message.note] = tick
            elif message.type in ("note_on", "note_off"):
                notes.add((begun.pop(message.note), tick, message.note))
        found.append(notes)
    return found


def test_what_is_written_is_read_back_by_another_library_as_the_same_notes():
    rng = np.random.default_rng(0)
    for _ in range(20):
        row, at = list[tuple[int, int, int]](), int(rng.integers(0, 3))
        while at < 60:
            long = int(rng.integers(1, 5))
            row.append((at, at + long, int(rng.integers(40, 80))))
            at += long + int(rng.integers(0, 3))
        grid = grid_of([row], 64)
        assert notes_of(grid[0]) == [(a, min(b, 64), p) for a, b, p in row]
        content = write_notes([[Note(a / 4, b / 4, p) for a, b, p in row]], 90.0)
        assert notes_of_file(content)[1] == {(120 * a, 120 * b, p) for a, b, p in row}
        piece = read_piece(io.BytesIO(content), len(content))
        assert piece.tempo == pytest.approx(90.0, abs=0.01)
        assert part_voices(piece.parts[0]) == [row]


def test_a_repeated_note_is_two_notes_and_a_long_one_is_one():
    grid = grid_of([[(0, 4, 60), (4, 8, 60), (8, 16, 62)]], 20)
    assert notes_of(grid[0]) == [(0, 4, 60), (4, 8, 60), (8, 16, 62)]
    assert grid[0].tolist()[:9] == [121, 120, 120, 120, 121, 120, 120, 120, 125]


def test_chords_become_voices_and_legato_does_not():
    chords = [Note(0, 2, 60), Note(0, 2, 64), Note(0, 1, 67), Note(1, 2, 69)]
    assert part_voices(chords) == [[(0, 4, 67), (4, 8, 69)], [(0, 8, 64)], [(0, 8, 60)]]
    legato = [Note(0, 1.1, 60), Note(1, 2, 62)]
    assert part_voices(legato) == [[(0, 4, 60), (4, 8, 62)]]


def test_a_folder_is_read_as_passages_in_voices_classes_and_units(tmp_path: Path):
    found = load(players.tunes(tmp_path / "tunes"), cache=beside(tmp_path))
    assert found.space.classes == ("falling", "rising")
    assert found.space.codec.shape == (2, 64)
    lines = " ".join(found.scan.lines())
    assert "pieces: 24, of which 72 passages of 4 bars" in lines
    assert "tempo: 90 to 120 beats a minute" in lines
    assert "voice 1: C5 to " in lines
    values = np.array(found.train.values)
    units = found.space.to_model(torch.from_numpy(values))
    assert set(units.unique().tolist()) == {0.0, 1.0}
    assert np.array_equal(found.space.to_declared(units).numpy(), values)
    again = Space.from_json(json.loads(json.dumps(found.space.to_json())))
    assert again.codec.file(values[0]) == found.space.codec.file(values[0])
    heard = found.space.codec.listen(values[0])
    assert heard[:4] == b"RIFF"
    # Passages of one piece stay on one side of the split.
    pieces = [{found.scan and int(i) // 3 for i in part.origin} for part in (found.train, found.held_out)]
    assert not pieces[0] & pieces[1]


def test_a_pitch_beyond_what_was_learnt_comes_into_the_range_by_octaves():
    codec = CODECS["passages"]
    known = np.stack([grid_of([[(0, 8, 60), (8, 16, 74)]], 16)])
    space = codec(Space(kind="passages", shape=(1, 16))).fit(known, {}, standardise=True)
    other = np.stack([grid_of([[(0, 8, 50), (8, 16, 86)]], 16)])
    back = space.to_declared(space.to_model(torch.from_numpy(other))).numpy()
    assert notes_of(back[0, 0]) == [(0, 8, 62), (8, 16, 74)]


def test_percussion_other_meters_and_notes_beside_the_grid_are_told(tmp_path: Path):
    players.tunes(tmp_path / "tunes")
    song = mido.MidiFile(ticks_per_beat=96)
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("time_signature", numerator=3, denominator=4))
    for k in range(30):
        track.append(mido.Message("note_on", channel=9, note=36, time=0))
        track.append(mido.Message("note_on", note=60 + k % 5, time=8))
        track.append(mido.Message("note_on", note=60 + k % 5, velocity=0, time=24))
    song.tracks.append(track)
    for k in range(5):
        song.save(tmp_path / "tunes" / "rising" / f"waltz{k}.mid")
    said = " ".join(scan(tmp_path / "tunes", cache=beside(tmp_path)).lines())
    assert "of other meters are cut into passages of 64 sixteenths, too: 3/4 5" in said
    assert "150 notes of percussion are left out" in said
    assert "of the notes begin between sixteenths" in said


def bad_files(whole: bytes) -> dict[str, tuple[bytes, str]]:
    drums = mido.MidiFile(tracks=[mido.MidiTrack([mido.Message("note_on", channel=9, note=36)])])
    buffer = io.BytesIO()
    drums.save(file=buffer)
    film = whole[:12] + struct.pack(">h", -6_400 + 40) + whole[14:]
    return {
        "drums.mid": (buffer.getvalue(), "without a note but percussion"),
        "empty.mid": (b"", "empty (0 bytes)"),
        "film.mid": (film, "its time is in frames of a film"),
        "none.mid": (write_notes([[]], 100), "without a single note"),
        "picture.mid": (b"\x89PNG\r\n\x1a\n" + bytes(99), "not a MIDI file"),
        "short.mid": (whole[: len(whole) // 2], "truncated"),
    }


def test_bad_files_are_skipped_and_named(gan: Call, tmp_path: Path):
    tunes = players.tunes(tmp_path / "tunes", 130)
    bad = bad_files((tunes / "rising" / "000.mid").read_bytes())
    for name, (content, _) in bad.items():
        (tunes / "rising" / name).write_bytes(content)
    (tunes / "rising" / "cover.png").write_bytes(b"\x89PNG")
    done = gan("data", "tunes")
    assert done.code == 0, done.err
    said = done.said
    for name, (_, reason) in list(bad.items())[:5]:
        assert f"skipped: rising/{name}: {reason}" in said
    assert "not read: 1 .png" in said
    assert "6 skipped" in said


@pytest.mark.parametrize(
    "name", ["drums.mid", "empty.mid", "film.mid", "none.mid", "picture.mid", "short.mid"]
)
def test_a_folder_without_a_readable_piece_says_so_in_a_line(name: str, tmp_path: Path):
    content, reason = bad_files(write_notes([[Note(0, 1, 60), Note(1, 2, 62)]], 100))[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"no readable piece of music in .* \(1 could not be read") as caught:
        load(tmp_path, cache=beside(tmp_path))
    assert reason in str(caught.value)


def test_a_size_is_refused_and_one_piece_alone_is_read(tmp_path: Path):
    with pytest.raises(DataError, match="no size, channels or range"):
        load(players.tunes(tmp_path / "tunes"), size=(32, 32), cache=beside(tmp_path))
    one = [(4 * k, 4 * k + 4, 60 + k % 7) for k in range(16 * 60)]
    content = write_notes([[Note(a / 4, b / 4, p) for a, b, p in one]], 100)
    (tmp_path / "long.mid").write_bytes(content)
    alone = load(tmp_path / "long.mid", cache=beside(tmp_path))
    assert 6 <= alone.held_out.n <= 20
    assert alone.train.n + alone.held_out.n == 119


def walks(n: int, rng: np.random.Generator, widest: int = 3) -> np.ndarray:
    """Passages of two voices, whose notes of two steps are a random walk, ``(n, 2, 64)``."""
    rows: list[np.ndarray] = []
    for _ in range(n):
        walk = 60 + rng.integers(-widest, widest + 1, (2, 32)).cumsum(1)
        steps = [[(2 * k, 2 * k + 2, int(p)) for k, p in enumerate(line.clip(30, 90))] for line in walk]
        rows.append(grid_of(steps, 64))
    return np.stack(rows)


def test_what_is_looked_at_while_training_sees_form_and_not_only_notes():
    """Notes in another order are the same notes at every pitch, and no walk."""
    rng = np.random.default_rng(0)
    train, real = walks(150, rng), walks(150, rng)
    broken = rng.permuted(real.reshape(150, 2, 32, 2), axis=2).reshape(150, 2, 64)
    assert CODECS["passages"].extractor == "notes"
    read = named_extractor("notes", train)
    wrong, right = (sliced_wasserstein(read(x), read(train)) for x in (broken, real))
    assert wrong > 2 * right


def test_scores_know_real_music_and_see_what_is_wrong():
    rng = np.random.default_rng(0)

    def some(n: int, widest: int = 3) -> np.ndarray:
        return walks(n, rng, widest)

    train, real = some(150), some(150)
    facts = (
        CODECS["passages"](Space(kind="passages", shape=(2, 64)))
        .fit(train, {}, standardise=True)
        .codec.facts()
    )
    good, _ = music_scores(some(150), train, real, facts, split="held-out")
    wide, _ = music_scores(some(150, 9), train, real, facts, split="held-out")
    copies, notes = music_scores(train, train, real, facts, split="held-out")
    values = [{score.key: score.value for score in found} for found in (good, wide, copies)]
    assert abs(values[0]["told_by_trees"] - 0.5) < 0.15 < 0.4 < values[1]["told_by_trees"] - 0.5
    assert values[1]["intervals"] > 5 * values[0]["intervals"]
    assert values[2]["copied_run"] == 64
    assert values[0]["copied_run"] < 12
    assert "64 steps" in notes[0]
    assert good[0].protocol.settings["Markov chain"] > 0.5
    held = grid_of([[(0, 8, 60), (8, 10, 64)]], 16)[None]
    assert music.durations(held)[[1, 7]].tolist() == [1, 1]
    assert music.pitch_classes(held).tolist() == [1, 0, 0, 0, 1] + [0] * 7
    assert music.intervals(held)[24 + 4] == 1
    assert music.rests(held) == pytest.approx(6 / 16)


def test_an_archive_is_learnt_with_classes_and_pieces_are_written(gan: Call, tmp_path: Path):
    tunes = players.tunes(tmp_path / "tunes", 60)
    with zipfile.ZipFile(tmp_path / "tunes.zip", "w") as file:
        for one in sorted(tunes.rglob("*.mid")):
            file.write(one, one.relative_to(tunes))
    small = ["--set", "generator.width=16", "--set", "discriminator.width=8", "--no-picture"]
    train = gan("train", "tunes.zip", "--kimg", "0.3", "--out", "run", *small)
    assert train.code == 0, train.err
    sample = gan("sample", "run", "--seeds", "0-3", "--class", "rising", "--out", "made")
    assert sample.code == 0, sample.err
    files = sorted((tmp_path / "made").glob("*.mid"))
    assert len(files) == 4
    assert all(len(notes_of_file(file.read_bytes())) == 3 for file in files)
    piece = next(tunes.rglob("*.mid"))
    went_on = gan("sample", "run", "--continue", str(piece), "--ahead", "40", "--out", "more.mid")
    assert went_on.code == 0, went_on.err
    before, after = (
        {(start, pitch) for voice in notes_of_file(path.read_bytes()) for start, _, pitch in voice}
        for path in (piece, tmp_path / "more.mid")
    )
    assert before < after
    melody = tmp_path / "melody.mid"
    melody.write_bytes(write_notes([[Note(i, i + 1, 72 + i % 3) for i in range(24)]], 90.0))
    harmony = gan("sample", "run", "--complete", "melody.mid", "--out", "harmony.mid")
    assert harmony.code == 0, harmony.err
    assert "1 voice more" in harmony.said
    voices = notes_of_file((tmp_path / "harmony.mid").read_bytes())
    assert notes_of_file(melody.read_bytes())[1] in voices
    for wrong, says in (
        (["--continue", "gone.mid"], "there is no file"),
        (["--continue", "melody.mid", "--ahead", "0"], "--ahead from 1"),
        (["--complete", str(piece)], "none is left to write"),
        (["--rows", "3"], "--rows is for a run of a table"),
    ):
        refused = gan("sample", "run", *wrong)
        assert refused.code == 2, refused.said
        assert says in refused.said
    page = (tmp_path / "run" / "report.html").read_text()
    assert 'src="data:audio/wav;base64,' in page
    scored = gan("evaluate", "run", "--samples", "40")
    assert scored.code == 0, scored.err
    assert "headline  told from real by boosted trees" in scored.out
    assert "Markov chain" in scored.said
    refused = gan("evaluate", "run", "--target", "x")
    assert refused.code == 2
    assert "--target is for tables" in refused.said
    long = gan("export", "run", "--to", "onnx")
    assert long.code == 2
    assert "steps one from another" in long.said
    assert "--to folder" in long.said
