"""Sounds: read from files of any rate and width, and heard again as they were."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ganforge.codecs.sound.mel import Mel
from ganforge.core.errors import DataError
from ganforge.core.space import Space
from ganforge.core.value_range import ValueRange
from ganforge.data import load, scan
from ganforge.tasks.again import load_again
from ganforge.tasks.experiment import prepare
from ganforge.tasks.opened_run import OpenedRun
from tests import players
from tests.conftest import Call

RATE = 8_000


def tone(pitch: float, seconds: float = 0.5, rate: int = RATE, loud: float = 0.3) -> np.ndarray:
    """A tone that fades in and out."""
    t = np.arange(round(seconds * rate)) / rate
    return loud * np.sin(2 * np.pi * pitch * t) * np.minimum(1, np.minimum(t, seconds - t) * 50)


def beside(folder: Path) -> Path:
    """A cache that lies in no folder of sounds."""
    return folder.parent / f"{folder.name}-cache"


def loudness(wave: np.ndarray) -> float:
    """In decibels."""
    return 10 * np.log10(np.mean(np.square(wave)) + 1e-12)


def pitch(wave: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(wave)).argmax() * rate / len(wave))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_a_sound_comes_back_at_its_pitch_and_as_loud(rate: int):
    mel = Mel(rate, 64, 64)
    for hertz, loud in ((440.0, 0.5), (2_000.0, 0.02)):
        real = np.zeros(mel.samples, np.float32)
        own = tone(hertz, 0.5, rate, loud)
        real[: len(own)] = own
        made = mel.waves(mel.decibels(torch.from_numpy(real)[None]))[0].numpy()
        assert abs(pitch(made, rate) / hertz - 1) < 0.06
        assert abs(loudness(made) - loudness(real)) < 0.1
        assert np.abs(made[-mel.hop * 20 :]).max() < 1e-3  # silence stays silence


def test_each_sound_is_made_by_itself():
    mel = Mel(RATE, 32, 40)
    waves = torch.from_numpy(np.stack([tone(300 * k, mel.seconds)[: mel.samples] for k in (1, 2, 3)])).float()
    many = mel.waves(mel.decibels(waves))
    # Phases are found in 32 steps, which enlarge how another number of rows is rounded.
    assert torch.allclose(mel.waves(mel.decibels(waves[1:2])), many[1:2], atol=1e-3)


@pytest.mark.parametrize("width", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_width_of_wav_is_read_alike(tmp_path: Path, width: str):
    for k in range(2):
        soundfile.write(tmp_path / f"{k}.wav", tone(500 + 300 * k), RATE, subtype=width)
    found = load(tmp_path, cache=beside(tmp_path))
    assert found.space.describe() == "1.02 s at 8,000 Hz, 64 mels × 64"
    levels = found.train.values[np.argsort(found.train.origin)].astype(float)
    expected = Mel(RATE, 64, 64).decibels(torch.from_numpy(np.pad(tone(500), (0, 4_192)))[None].float())
    known = found.space.value_range
    assert known is not None
    loud = expected[0, 0].numpy() > known.low + 40  # a width of 8 bits has noise of its own below
    assert np.abs(known.to_bytes(expected[0].numpy())[0] - levels[0, 0])[loud].max() < 6


def test_formats_rates_and_channels_are_mixed_and_told(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", tone(500), RATE)
    soundfile.write(tmp_path / "b.wav", tone(500), RATE)
    soundfile.write(tmp_path / "c.flac", np.stack([tone(500, rate=44_100)] * 2, 1), 44_100)
    soundfile.write(tmp_path / "d.ogg", tone(500, rate=16_000), 16_000)
    found = load(tmp_path, cache=beside(tmp_path))
    assert found.space.sample_rate == RATE
    assert any("2 of other rates are brought to 8,000 Hz" in line for line in found.scan.lines())
    levels = found.train.values[np.argsort(found.train.origin)].astype(float)
    peaks = levels[:, 0].mean(2).argmax(1)
    assert np.ptp(peaks) <= 1
    assert np.ptp(levels[:, 0].max((1, 2))) < 16  # as loud, whatever the rate


def test_classes_come_from_subfolders_and_what_is_made_is_a_wav_file(tmp_path: Path):
    found = load(players.tones(tmp_path / "tones"), cache=beside(tmp_path))
    assert found.space.classes == ("high", "low")
    codec = found.space.codec
    assert codec.suffix == ".wav"
    with wave.open(io.BytesIO(codec.file(found.train.values[0]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert 0.2 < file.getnframes() / RATE < 0.7  # without the silence that it was filled up with
    again = Space.from_json(json.loads(json.dumps(found.space.to_json())))
    assert again.codec.file(found.train.values[0]) == codec.file(found.train.values[0])


def test_long_recordings_become_windows_that_stay_on_one_side(tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("many", "alone"):
        (tmp_path / name).mkdir()
    for k in range(24):
        soundfile.write(tmp_path / "many" / f"{k}.wav", 0.1 * rng.standard_normal(RATE * 6), RATE)
    found = load(tmp_path / "many", cache=beside(tmp_path), held_out=0.3)
    assert found.train.n + found.held_out.n == 24 * 6
    assert any("become windows" in note for note in found.scan.notes)
    files = [set((part.origin // 6).tolist()) for part in (found.train, found.held_out)]
    assert not files[0] & files[1]
    one = scan(tmp_path / "many" / "3.wav", cache=beside(tmp_path))
    assert one.count == 6
    soundfile.write(tmp_path / "alone" / "long.wav", 0.1 * rng.standard_normal(RATE * 90), RATE)
    alone = load(tmp_path / "alone", cache=beside(tmp_path))
    held = np.sort(alone.held_out.origin)
    assert 6 <= len(held) <= 12  # a tenth, although there is but one recording …
    assert (np.diff(held) > 1).sum() <= len(held) // 2  # … of windows that lie side by side
    wide = load(tmp_path / "many", size=(128, 32), cache=beside(tmp_path))
    assert wide.space.shape == (1, 32, 128)


def test_a_range_of_decibels_can_be_asked_for(tmp_path: Path):
    found = load(players.tones(tmp_path), value_range=ValueRange(-50.0, 0.0), cache=beside(tmp_path))
    assert found.space.value_range == ValueRange(-50.0, 0.0)


BAD = {
    "empty.wav": (b"", "empty (0 bytes)"),
    "text.wav": (b"this is no sound at all", "text, not a sound"),
    "noise.wav": (bytes(range(200)) * 9, "not a sound of a known format"),
}


def test_bad_files_are_skipped_and_named(gan: Call, tmp_path: Path):
    players.tones(tmp_path, 80)
    whole = (tmp_path / "low" / "00.wav").read_bytes()
    for name, (content, _) in BAD.items():
        (tmp_path / "low" / name).write_bytes(content)
    (tmp_path / "low" / "short.wav").write_bytes(whole[:-1_000])
    (tmp_path / "low" / "cover.png").write_bytes(b"\x89PNG")
    soundfile.write(tmp_path / "low" / "silent.wav", np.zeros(900), RATE)
    done = gan("data", tmp_path)
    assert done.code == 0, done.err
    said = done.said
    for name, (_, reason) in BAD.items():
        assert f"skipped: low/{name}: {reason}" in said
    assert f"skipped: low/short.wav: truncated: {len(whole) - 1_000:,} of {len(whole):,} bytes" in said
    assert "not read: 1 .png" in said
    assert "warning: 1 sounds are silent" in said
    assert "80 sounds, 4 skipped" in said


def test_a_folder_without_a_readable_sound_says_so_in_a_line(tmp_path: Path):
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(DataError, match=r"no readable sound in .* \(1 could not be read; a.wav: empty"):
        load(tmp_path, cache=beside(tmp_path))


def test_a_folder_of_silence_says_so(tmp_path: Path):
    for i in range(3):
        soundfile.write(tmp_path / f"{i}.wav", np.zeros(900), RATE)
    with pytest.raises(DataError, match=r"all sounds in .* are silent, nowhere above -70 dB"):
        load(tmp_path, cache=beside(tmp_path))


def test_a_folder_is_learnt_and_sounds_are_written(gan: Call, tmp_path: Path):
    players.tones(tmp_path / "tones")
    train = gan("train", "tones", "--kimg", "0.1", "--out", "run", "--size", "16x16", "--no-picture")
    assert train.code == 0, train.err
    sample = gan("sample", "run", "--seeds", "0-2", "--class", "high", "--out", "made")
    assert sample.code == 0, sample.err
    files = sorted((tmp_path / "made").glob("*.wav"))
    assert len(files) == 3
    assert all(soundfile.info(file).samplerate == RATE for file in files)
    page = (tmp_path / "run" / "report.html").read_text()
    assert 'src="data:audio/wav;base64,' in page


def test_another_folder_is_read_at_a_runs_own_rate_and_range(tmp_path: Path):
    tones = players.tones(tmp_path / "tones", 24)
    trainer = prepare(tones, recipe=players.recipe(kimg=0.05), cache=tmp_path / "cache").start(
        tmp_path / "run"
    )
    assert trainer.train().finished
    others = tmp_path / "others"
    others.mkdir()
    for k in range(3):
        soundfile.write(others / f"{k}.wav", tone(500, rate=16_000), 16_000)
    found = load_again(others, trainer.run, 0.0, cache=tmp_path / "cache")
    assert (found.space.shape, found.space.sample_rate) == (trainer.run.space.shape, RATE)
    assert found.space.value_range == trainer.run.space.value_range
    one = OpenedRun(tmp_path / "run").read([others / "0.wav"])
    assert np.array_equal(one[0].numpy(), found.train.values[0])


def test_waves_in_an_npz_are_sounds(tmp_path: Path):
    waves = [tone(300 + 20 * i, 0.3 + 0.01 * i) for i in range(24)]
    flat = np.rint(np.concatenate(waves) * 32_767).astype(np.int16)
    offsets = np.cumsum([0, *map(len, waves)])
    labels = np.arange(24) % 2
    np.savez(tmp_path / "flat.npz", audio=flat, offsets=offsets, labels=labels, rate=np.int64(RATE))
    rows = np.stack([np.pad(wave, (0, RATE - len(wave))) for wave in waves]).astype(np.float32)
    np.savez(tmp_path / "rows.npz", x=rows, y=labels, sr=np.array([RATE]))
    found = [load(tmp_path / name, cache=beside(tmp_path)) for name in ("flat.npz", "rows.npz")]
    for one in found:
        assert (one.space.kind, one.space.shape, one.space.sample_rate) == ("sounds", (1, 64, 64), RATE)
        assert one.space.classes == ("0", "1")
        assert one.train.labels is not None
        assert np.array_equal(one.train.labels, labels[one.train.origin])
    levels = [one.train.values[np.argsort(one.train.origin)].astype(int) for one in found]
    loud = levels[1] > 100
    assert np.abs(levels[0] - levels[1])[loud].max() <= 4
    plain = np.random.default_rng(0).standard_normal((24, 300))  # without a rate: points as ever
    np.savez(tmp_path / "plain.npz", x=plain, y=labels)
    assert load(tmp_path / "plain.npz", cache=beside(tmp_path)).space.kind == "points"
