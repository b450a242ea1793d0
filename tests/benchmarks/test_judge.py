"""The judge of benchmarks: right about what is known, whatever form the samples come in."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.judge import Judge, main, read_samples
from ganforge.data import load
from ganforge.metrics.features import sketch


def some_pictures(n: int, seed: int) -> np.ndarray:
    """A bright spot somewhere on a coloured ground: ``(n, 3, 16, 16)`` uint8."""
    rng = np.random.default_rng(seed)
    pictures = np.repeat(rng.integers(0, 128, (n, 3, 1, 1)), 16, 2).repeat(16, 3)
    for picture, (y, x) in zip(pictures, rng.integers(2, 12, (n, 2)), strict=True):
        picture[:, y : y + 3, x : x + 3] = 255
    return pictures.astype(np.uint8)


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    real = some_pictures(400, seed=0)
    return Judge(real, size=16, extractor=sketch(real), most=400)


def test_others_of_the_same_kind_score_as_well_as_real_ones(judge: Judge):
    assert (judge.n, judge.needed) == (200, 400)  # each half meets samples of its own
    found = judge(some_pictures(400, seed=1))
    assert found["frechet"] == pytest.approx(found["frechet_best"], rel=0.35)
    assert found["coverage"] == pytest.approx(found["coverage_best"], abs=0.1)
    assert abs(found["kernel"]) < 60
    assert abs(found["kernel_best"]) < 60


def test_what_is_missing_or_broken_scores_worse(judge: Judge):
    good = judge(some_pictures(400, seed=1))
    same = judge(np.repeat(some_pictures(1, seed=1), 400, 0))
    assert same["coverage"] < 0.1 < 0.8 < good["coverage"]
    assert same["frechet"] > 3 * good["frechet"]
    assert same["thumbnails"] > 3 * good["thumbnails"]
    noise = judge(np.random.default_rng(0).integers(0, 256, (400, 3, 16, 16), dtype=np.uint8))
    assert noise["precision"] < 0.05
    assert noise["kernel"] > 10 * abs(good["kernel"])


def test_too_few_samples_are_refused(judge: Judge):
    with pytest.raises(SystemExit, match="give 400"):
        judge(some_pictures(399, seed=1))


def test_arrays_and_folders_are_the_same_samples(tmp_path: Path):
    real = tmp_path / "real.npy"
    np.save(real, some_pictures(40, seed=0))
    dataset = load(real, cache=tmp_path / "cache")
    samples = some_pictures(24, seed=1)
    np.save(tmp_path / "first.npy", samples)
    np.savez(tmp_path / "last.npz", samples=samples.transpose(0, 2, 3, 1), asked=np.arange(24))
    first, none = read_samples(tmp_path / "first.npy", dataset, 24)
    last, asked = read_samples(tmp_path / "last.npz", dataset, 24)
    assert none is None
    assert asked is not None
    assert asked[5] == 5
    np.testing.assert_array_equal(first, samples)
    np.testing.assert_array_equal(last, samples)


def test_the_command_prints_one_line_of_json(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert shared_data.is_dir()
    rng = np.random.default_rng(0)
    np.save(tmp_path / "noise.npy", rng.integers(0, 256, (64, 64, 64, 3), dtype=np.uint8))
    assert main(["titian", str(tmp_path / "noise.npy"), "--most", "32"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["features"] == "mobilenet-v2 at 64"
    assert found["kernel"] > 20 * abs(found["kernel_best"])
