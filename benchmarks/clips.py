"""Clips of moving shapes: do they move as they were asked to, and as real ones do?

Trains on an array of clips as `gan train FILE` does, or takes a run that is there, and compares 500 samples
with the held-out clips. Each distance of `gan evaluate --only clips` stands beside its best possible value
(other real clips), and beside three opponents: real clips with shuffled frames, clips that stand still on a
real frame, and one Gaussian over 64 principal components of whole clips. A referee that was trained on the
training part reads what each sample shows.

Bars: .9 read as asked; differences at most 3 times the best possible, and below the still clip's and the
Gaussian's.

    python benchmarks/clips.py shared/data/video_shapes_1k.npz --core-minutes 15 --seeds 1
    python benchmarks/clips.py shared/data/video_shapes_1k.npz --run RUN        judges a run that is there
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from ganforge.data import Dataset, load
from ganforge.metrics.classifier import Classifier, train_classifier
from ganforge.metrics.clips import gaussian_clips, still_clips
from ganforge.metrics.context import Scored
from ganforge.metrics.evaluate import evaluate
from ganforge.metrics.features import raw
from ganforge.runs.sampler import GeneratorSampler
from ganforge.runs.sampler import load as opened
from ganforge.tasks.experiment import prepare

SAMPLES = 500


def halved(clips: np.ndarray) -> np.ndarray:
    """Every frame at half its sides, ``(N, C, T, H/2, W/2)``: a referee of motion needs no more."""
    x = torch.from_numpy(np.array(clips)).float().flatten(1, 2)
    small = torch.nn.functional.avg_pool2d(x, 2) / 127.5 - 1.0
    return small.unflatten(1, clips.shape[1:3]).numpy()


def judge(data: Dataset, referee: Classifier, samples: np.ndarray, asked: np.ndarray, name: str) -> None:
    """Print what is found of samples ``(N, C, T, H, W)`` that were asked to be of these classes."""
    told = referee.probabilities(halved(samples)).argmax(1)
    given = Scored(
        samples, data.train.values, data.held_out.values, extractor=raw(), only=["clips"], of_frames=True
    )
    found = {score.key: score for score in evaluate(given)}
    cells = [f"{float((told == asked).mean()):.3f}"]
    for key in ("frame_distance", "difference_distance", "slice_distance"):
        one = found[key]
        cells.append(f"{one.value:.4f} ({one.value / one.floor:.1f}×)")
    print(f"| {name} | {' | '.join(cells)} | {found['motion'].value:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--core-minutes", type=float, default=15)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--run", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load(options.data)
    labels, held = data.train.labels, data.held_out.labels
    assert labels is not None
    assert held is not None
    referee = train_classifier(
        halved(data.train.values),
        labels,
        held_out=halved(data.held_out.values),
        held_out_labels=held,
        kimg=30,
    )
    print(f"{data.space.describe()}, {data.train.n} to train, {data.held_out.n} held out")
    print(f"referee right on held-out clips: {referee.accuracy:.3f}\n")
    print("| clips | as asked | frames | differences | x-t slices | motion |\n|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(data.train.n)[:SAMPLES])
    judge(data, referee, np.asarray(data.train.values[some]), labels[some], "training part")
    for name, make in (("still", still_clips), ("Gaussian", gaussian_clips)):
        parts = [make(data.train.values[labels == c], SAMPLES // 2, 0) for c in range(2)]
        judge(data, referee, np.concatenate(parts), np.repeat([0, 1], SAMPLES // 2), f"{name}, one a class")
    for seed in range(options.seeds):
        path = options.run or Path(tempfile.mkdtemp()) / f"clips-{seed}"
        if options.run is None:
            ready = prepare(options.data, core_minutes=options.core_minutes, seed=seed).measure()
            ready.start(path).train()
        sampler = opened(path)
        assert isinstance(sampler, GeneratorSampler)
        assert sampler.opened is not None
        asked = np.repeat([0, 1], SAMPLES // 2)
        made = sampler.sample(
            SAMPLES, seed=1, condition=torch.nn.functional.one_hot(torch.tensor(asked)).float()
        )
        judge(data, referee, made.numpy(), asked, f"seed {seed}, {sampler.opened.words}")


if __name__ == "__main__":
    main()
