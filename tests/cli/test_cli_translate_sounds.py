"""`gan translate` of sounds, and trainings from noise, a lower rate, levels and a second folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import ganforge
from ganforge.core.space import Space
from tests import players
from tests.conftest import Call
from tests.translations import trained

RATE = 8_000
SMALL = ("--set", "generator.width=8", "--set", "generator.depth=1", "--set", "discriminator.width=2")


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return players.tones(tmp_path_factory.mktemp("sounds") / "tones", n=24)


@pytest.fixture(scope="module")
def run(tones: Path) -> Path:
    data = ganforge.data.load(tones, source="noise", cache=tones.parent / "cache")
    return trained("sound-to-sound", tones.parent / "run", data, source="noise")


def recording(path: Path, rate: int, seconds: float, channels: int = 1, subtype: str = "PCM_16") -> Path:
    at = np.arange(round(rate * seconds)) / rate
    waves = np.stack([0.3 * np.sin(2 * np.pi * 300 * (k + 1) * at) for k in range(channels)], 1)
    soundfile.write(path, waves, rate, subtype=subtype)
    return path


def test_a_sound_keeps_its_length_rate_width_and_channels(gan: Call, run: Path, tmp_path: Path):
    recording(tmp_path / "a.wav", 44_100, 0.777, channels=2, subtype="PCM_24")
    answer = gan("translate", run, "a.wav", "-o", "out/b.wav")
    assert answer.code == 0, answer.err
    before, after = (soundfile.info(tmp_path / name) for name in ("a.wav", "out/b.wav"))
    for name in ("frames", "samplerate", "channels", "subtype", "format"):
        assert getattr(before, name) == getattr(after, name), name
    assert "nothing above 4,000 Hz is left" in " ".join(answer.out.split())
    assert (tmp_path / "out/b-sheet.png").is_file()
    # A network that has learnt nothing changes little.
    (x, _), (y, _) = (soundfile.read(tmp_path / name) for name in ("a.wav", "out/b.wav"))
    middle = slice(2_000, -2_000)
    assert np.corrcoef(x[middle, 1], y[middle, 1])[0, 1] > 0.8


def test_a_folder_keeps_its_names_and_names_what_is_no_sound(gan: Call, run: Path, tmp_path: Path):
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    recording(folder / "a.flac", RATE, 0.3)
    recording(folder / "b.wav", RATE, 1.3)
    (folder / "empty.wav").touch()
    answer = gan("translate", run, "in", "-o", "out", "--degrade")
    assert answer.code == 1
    assert "empty.wav: empty (0 bytes)" in " ".join(answer.out.split())
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")) == [
        "deep/a.flac",
        "deep/b.wav",
        "sheet.png",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("note.txt",), "is no sound that can be read"),
        (("gone.wav",), "there is no gone.wav"),
        (("a.wav", "-o", "b.png"), "a sound ends in .wav"),
        (("a.wav", "--size", "64"), "--size is for pictures"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    gan: Call, run: Path, tmp_path: Path, given: tuple[str, ...], message: str
):
    (tmp_path / "note.txt").write_text("hello")
    recording(tmp_path / "a.wav", RATE, 0.3)
    answer = gan("translate", run, *given)
    assert answer.code == 2
    assert message in " ".join(answer.err.split())


def test_a_lower_rate_becomes_the_runs_own(gan: Call, tones: Path, tmp_path: Path):
    answer = gan("train", tones, "--from", "low-rate", "--kimg", "0.01", "--out", "up", *SMALL)
    assert answer.code == 0, answer.err
    assert "sound-to-sound: because each example has its input" in answer.out
    assert "input: low-rate:2, made from each wave" in answer.out
    recording(tmp_path / "a.wav", 4_000, 0.5)
    assert gan("translate", "up", "a.wav", "-o", "b.wav").code == 0
    found = soundfile.info(tmp_path / "b.wav")
    assert (found.samplerate, found.frames) == (8_000, 4_000)


def test_two_folders_of_equal_names_are_pairs_window_by_window(tones: Path, tmp_path: Path):
    """The inputs, of another rate, are the targets, a tenth as loud."""
    for path in sorted(tones.rglob("*.wav")):
        waves, rate = soundfile.read(path)
        place = tmp_path / "noisy" / path.relative_to(tones)
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, np.repeat(waves, 2) / 10, 2 * rate, subtype="FLOAT")
    data = ganforge.data.load(tones, source=str(tmp_path / "noisy"), cache=tmp_path / "cache")
    assert data.space.kind == data.space.source.kind == "waves"
    assert data.space.shape == data.space.source.shape == (1, 4_096)
    for target, given in zip(data.train.values[:, 0], data.train.sources[:, 0], strict=True):
        assert np.corrcoef(target, given)[0, 1] > 0.9
    assert data.train.n > 20


def test_the_vocoder_begins_where_griffin_and_lim_end(tones: Path, tmp_path: Path):
    data = ganforge.data.load(tones, source="mel:32", cache=tmp_path / "cache")
    assert data.space.source == Space(kind="waves", shape=(1, 4_096), sample_rate=RATE)
    assert data.scan.found[-1].startswith("input: mel:32, made from each wave")
