"""Spoken digits: are they the digits that were asked for, do they differ, and do they sound like real ones?

Writes the recordings of fsdd_8k.npz (Free Spoken Digit Dataset) as wav files into a folder of ten
subfolders, trains on it as `gan train FOLDER` does, brings samples to waves of 16 bits and reads these as any
sound is read, so that the way through phases and waves is part of what is judged. A referee trained on the
training part reads them; each figure stands beside held-out recordings, the same after the way through waves,
and one Gaussian a class over 96 principal components, which is fitted without a game.

*As asked*: share that the referee reads as their digit. *Distance*: the Fréchet distance on the referee's
features, against held-out recordings. *Variety*: within a class, the root of the mean squared distance of two
samples on these features, over that of two held-out ones; the mean over the classes, and the ends.
*Loudness*: decibels of the middle sample over those of the middle recording. *Seconds*: their quartiles.

    python benchmarks/sound.py shared/data/fsdd_8k.npz --core-minutes 15 --seeds 3
    python benchmarks/sound.py shared/data/fsdd_8k.npz --run RUN        judges a run that is there

With `--translation RUN`, a translation (recipes vocoder, sound-to-sound) is judged instead, on the recordings
whose windows its run held out, each whole, of which inputs are made as in its training. *Off*: the mean
absolute difference of natural logarithms of magnitude in 64 mels, down to 80 dB below the loudest. *As said*:
the digits that a referee reads who was trained on all others. The log-spectral distance and SI-SDR are in
decibels. Each stands beside the input itself: of a vocoder that is Griffin and Lim's wave of the same levels.
FOLDER is the one that the run was trained on.

    python benchmarks/sound.py FOLDER --translation RUN
"""

from __future__ import annotations

import argparse
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganforge.codecs.sound import Sound
from ganforge.codecs.sound.reader import read_recording
from ganforge.data import Dataset
from ganforge.data import load as load_data
from ganforge.data.degrade import Chance
from ganforge.data.folders import one_file
from ganforge.metrics.classifier import Classifier, train_classifier
from ganforge.metrics.frechet import frechet_distance, moments
from ganforge.metrics.paired import si_sdr, spectral_distance
from ganforge.runs.folder import Run
from ganforge.runs.sampler import GeneratorSampler, load
from ganforge.tasks.again import load_again
from ganforge.tasks.experiment import prepare
from ganforge.tasks.translation_direction import open_translation

COMPONENTS = 96
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Reading:
    """What was found of some sounds."""

    asked: float
    distance: float
    variety: NDArray[np.float64]
    loudness: float
    seconds: NDArray[np.float64]

    def row(self, name: str) -> str:
        mean, low, high = self.variety.mean(), self.variety.min(), self.variety.max()
        ends = " to ".join(f"{one:.2f}" for one in self.seconds)
        return (
            f"| {name} | {self.asked:.3f} | {self.distance:.1f} | {mean:.2f} ({low:.2f} to {high:.2f}) |"
            f" {self.loudness:+.1f} dB | {ends} |"
        )


def write_folder(source: Path, folder: Path) -> Path:
    """The recordings as wav files, a subfolder for each digit."""
    with np.load(source, allow_pickle=False) as data:
        audio, offsets, digit, rate = (data[name] for name in ("audio", "offsets", "digit", "rate"))
    for i, label in enumerate(digit):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        with wave.open(str(place / f"{i:04d}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(int(rate))
            file.writeframes(audio[offsets[i] : offsets[i + 1]].astype("<i2").tobytes())
    return folder


def distance_within(features: NDArray[np.float64]) -> float:
    """Root mean squared distance of two rows."""
    return float(np.sqrt(2 * features.var(axis=0, ddof=1).sum()))


class Bench:
    """The data, the referee, and what real recordings get."""

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.codec = data.space.codec
        assert isinstance(self.codec, Sound)
        assert data.train.labels is not None
        assert data.held_out.labels is not None
        self.labels, self.held = np.array(data.train.labels), np.array(data.held_out.labels)
        self.real = np.array(data.held_out.values)
        self.referee: Classifier = train_classifier(np.array(data.train.values), self.labels, kimg=25.0)
        self.features = self.referee.features(self.real)
        self.loud = self._loudness(self.real)

    def through_waves(self, levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """As wav files of 16 bits would bring them back."""
        codec, known = self.codec, self.data.space.value_range
        assert isinstance(codec, Sound)
        assert known is not None
        found: list[NDArray[np.uint8]] = []
        for one in torch.from_numpy(np.array(levels)).split(64):
            waves = (codec.waves(one) * 32_767).round() / 32_767
            found.append(known.to_bytes(codec.mel.decibels(waves).numpy()))
        return np.concatenate(found)

    def _loudness(self, levels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Decibels of the loudest column of each."""
        known = self.data.space.value_range
        assert known is not None
        decibels = known.low + levels[:, 0] * ((known.high - known.low) / 255)
        power = np.where(levels[:, 0] > 0, 10 ** (decibels / 10), 0).sum(1)
        return 10 * np.log10(power.max(1) + 1e-12)

    def _seconds(self, levels: NDArray[np.uint8]) -> NDArray[np.float64]:
        heard = levels[:, 0].mean(1) > 6
        last = heard.shape[1] - heard[:, ::-1].argmax(1)
        assert isinstance(self.codec, Sound)
        return np.where(heard.any(1), last, 0) * self.codec.mel.hop / self.codec.mel.rate

    def read(self, levels: NDArray[np.uint8], asked: Indices) -> Reading:
        features = self.referee.features(levels)
        told = self.referee.probabilities(levels).argmax(1)
        classes = range(len(self.data.space.classes))
        variety = [
            distance_within(features[asked == k]) / distance_within(self.features[self.held == k])
            for k in classes
        ]
        return Reading(
            asked=float((told == asked).mean()),
            distance=frechet_distance(moments(features), moments(self.features)),
            variety=np.array(variety),
            loudness=float(np.median(self._loudness(levels)) - np.median(self.loud)),
            seconds=np.percentile(self._seconds(levels), (25, 50, 75)),
        )

    def gaussian(self, n: int, seed: int = 0) -> tuple[NDArray[np.uint8], Indices]:
        """Samples of one Gaussian a class over the principal components of the training part."""
        rng = np.random.default_rng(seed)
        x = np.array(self.data.train.values, np.float64).reshape(self.data.train.n, -1)
        mean = x.mean(0)
        torch.manual_seed(seed)  # for the random projection of svd_lowrank
        axes = torch.svd_lowrank(torch.from_numpy(x - mean), COMPONENTS, niter=4)[2].T.numpy()
        low = (x - mean) @ axes.T
        asked = np.arange(n) % len(self.data.space.classes)
        drawn = np.empty((n, COMPONENTS))
        for k in range(len(self.data.space.classes)):
            own = low[self.labels == k]
            drawn[asked == k] = rng.multivariate_normal(own.mean(0), np.cov(own.T), (asked == k).sum())
        levels = np.clip(np.rint(drawn @ axes + mean), 0, 255).astype(np.uint8)
        return levels.reshape(n, *self.data.space.shape), asked

    def made(self, sampler: GeneratorSampler, n: int) -> tuple[Tensor, Indices]:
        """Samples, as many of each class."""
        asked = np.arange(n) % len(self.data.space.classes)
        condition = torch.eye(len(self.data.space.classes))[asked]
        return sampler.sample(n, seed=5, condition=condition), asked


def judge_arrow(path: Path, folder: Path, cache: Path) -> None:
    """Prints what a translation makes of recordings that its run held out, and of its own inputs."""
    run = Run.open(path)
    windows = load_again(folder, run, run.data["held_out_share"], cache=cache)
    samples, files = windows.space.spatial[0], sorted(folder.rglob("*.wav"))
    waves = [read_recording(one_file(file), one_file(file).entries[0]).waves[0] for file in files]
    owner = np.repeat(np.arange(len(files)), [max(1, int(len(x) / samples + 0.5)) for x in waves])
    held = np.setdiff1d(owner[windows.held_out.origin], owner[windows.train.origin])
    sounds = load_data(folder, cache=cache)
    codec, known = sounds.space.codec, sounds.space.value_range
    assert isinstance(codec, Sound)
    assert known is not None
    parts = sounds.train, sounds.held_out
    origin = np.concatenate([part.origin for part in parts])
    values = np.concatenate([np.asarray(part.values) for part in parts])
    labels = np.concatenate([np.asarray(part.labels) for part in parts])
    heard = np.isin(origin, held)
    referee = train_classifier(values[~heard], labels[~heard], kimg=25.0)
    real = torch.zeros(int(heard.sum()), 1, codec.mel.samples)
    for row, number in zip(real, origin[heard], strict=True):
        row[0, : len(waves[number])] = torch.from_numpy(waves[number][: codec.mel.samples])
    direction = open_translation(path)
    inputs = torch.cat([direction.degradation.apply(x[None], Chance(7, i)) for i, x in enumerate(real)])
    made = torch.cat([direction.translate(x)[None] for x in inputs])
    levels = codec.mel.decibels(real[:, 0])
    print("| sounds | off | as said | log-spectral distance | SI-SDR |")
    print("|---|---|---|---|---|")
    for name, some in (("recordings", real), ("inputs", inputs), (path.name, made)):
        own = codec.mel.decibels(some[:, 0])
        gap = (own.clamp_min(known.low) - levels.clamp_min(known.low)).abs().mean() * (np.log(10) / 20)
        said = (referee.probabilities(known.to_bytes(own.numpy())).argmax(1) == labels[heard]).mean()
        ratio = si_sdr(some, real)
        ratio = ratio[ratio.isfinite()]
        words = f"{ratio.mean():.1f}" if len(ratio) else "–"
        near = spectral_distance(some, real).mean()
        print(f"| {name} | {gap:.3f} | {said:.3f} | {near:.2f} | {words} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--core-minutes", type=float, default=15.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--run", type=Path, action="append", default=[])
    parser.add_argument("--translation", type=Path, action="append", default=[])
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        for run in options.translation:
            judge_arrow(run, options.data, Path(place) / "cache")
        if options.translation:
            return
        folder = write_folder(options.data, Path(place) / "digits")
        bench = Bench(load_data(folder, cache=Path(place) / "cache"))
        print("| sounds | as asked | distance | variety | loudness | seconds |")
        print("|---|---|---|---|---|---|")
        n = min(options.samples, bench.data.train.n)
        some = np.random.default_rng(0).permutation(bench.data.train.n)[:n]
        print(bench.read(bench.real, bench.held).row("held-out recordings"))
        print(bench.read(bench.through_waves(bench.real), bench.held).row("the same, through waves"))
        print(bench.read(np.array(bench.data.train.values[some]), bench.labels[some]).row("training part"))
        levels, asked = bench.gaussian(n)
        print(bench.read(levels, asked).row("one Gaussian a class"), flush=True)
        runs: list[Path] = list(options.run)
        for seed in range(1, 1 + (0 if runs else options.seeds)):
            run = Path(place) / f"seed{seed}"
            given = {"core_minutes": options.core_minutes, "seed": seed}
            prepare(folder, **given, cache=Path(place) / "cache").start(run).train()
            runs.append(run)
        for run in runs:
            sampler = load(run)
            made, asked = bench.made(sampler, n)
            words = "" if sampler.opened is None else f" at {sampler.opened.nimg:,}"
            heard = bench.through_waves(made.numpy())
            print(bench.read(heard, asked).row(f"{run.name}{words}"), flush=True)


if __name__ == "__main__":
    main()
