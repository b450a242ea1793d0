"""The benchmark of minutes: runs are trained, judged, shown, told in a table, and not done twice."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import judge
from benchmarks.minutes import main, table
from benchmarks.peers import Dcgan
from ganforge.metrics.features import sketch
from tests.benchmarks.test_judge import some_pictures


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of 60 pictures of 16 pixels, judged by a sketch of them."""
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    real = some_pictures(60, seed=0)
    np.save(tmp_path / "spots.npy", real)
    monkeypatch.setitem(judge.FEATURES, "mobilenet", lambda folder, side: sketch(real))
    return tmp_path / "spots.npy"


def test_ours_and_a_peer_are_trained_judged_and_told(pictures: Path, tmp_path: Path):
    out = tmp_path / "out"
    command = [str(pictures), "--size", "16", "--minutes", ".01,.02", "--out", str(out)]
    assert main([*command, "--methods", "dcgan16"]) == 0
    short = json.loads((out / "spots-dcgan16-16px-0.01min-seed0" / "record.json").read_text())
    long = json.loads((out / "spots-dcgan16-16px-0.02min-seed0" / "record.json").read_text())
    assert 0.01 <= short["processor_minutes"] < 0.02 <= long["processor_minutes"] < 0.04
    assert 16 * long["steps"] >= long["pictures"] > short["pictures"] > 0  # one training, two moments
    ours = [
        "--minutes",
        ".02",
        "--methods",
        "ours",
        "--set",
        "batch=8",
        "--table",
        str(tmp_path / "table.md"),
    ]
    assert main([*command, *ours]) == 0
    folder = out / "spots-ours_batch=8-16px-0.02min-seed0"
    record = json.loads((folder / "record.json").read_text())
    assert record["processor_minutes"] > 0.02  # all of the process counts
    assert record["pictures"] == 8 * record["steps"] > 0
    assert record["figures"]["mobilenet"]["frechet_best"] > 0
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.size == (2 * (2 * 8 * 16 + 4), 2 * 8 * 16)
    page = (tmp_path / "table.md").read_text()
    assert "| 0.02 | ours batch=8 | 1 |" in page
    assert "| 0.01 | dcgan16 | 1 |" in page
    assert "real against real" in page


def test_what_is_there_is_not_done_again(pictures: Path, tmp_path: Path):
    command = [str(pictures), "--size", "16", "--minutes", ".01", "--methods", "dcgan"]
    command += ["--out", str(tmp_path / "out")]
    assert main(command) == 0
    record = next((tmp_path / "out").glob("*/record.json"))
    written = record.stat().st_mtime_ns
    assert main(command) == 0
    assert record.stat().st_mtime_ns == written


def test_the_table_gives_medians_and_spread(tmp_path: Path):
    figures = {"features": "mobilenet-v2", "samples": 10, "frechet_best": 1.0}
    for seed, value in enumerate((30.0, 10.0, 20.0)):
        about = {"set": "spots", "method": "ours", "label": "ours", "minutes": 2.0, "seed": seed, "size": 64}
        about |= {"processor_minutes": 2.0 + seed, "pictures": 1000 * seed, "steps": seed, "machine": {}}
        about |= {"figures": {"mobilenet": figures | {"frechet": value}}}
        (tmp_path / str(seed)).mkdir()
        (tmp_path / str(seed) / "record.json").write_text(json.dumps(about))
    assert "| 2 | ours | 3 | 3 (2–4) | 1,000 | 1 | 20 (10–30) |" in table(tmp_path)


def test_the_peer_is_the_example():
    torch.manual_seed(0)
    peer = Dcgan(some_pictures(40, seed=0).repeat(4, 2).repeat(4, 3), batch=16, seed=0)
    count = sum(parameter.numel() for parameter in peer.generator.parameters())
    assert count == 3_576_704  # as the example prints its generator of 64×64 RGB
    assert sum(parameter.numel() for parameter in peer.discriminator.parameters()) == 2_765_568
    before = peer.generator.state_dict()["0.weight"].clone()
    peer.step()
    assert not torch.equal(before, peer.generator.state_dict()["0.weight"])
    statistics = {name: value.clone() for name, value in peer.generator.named_buffers()}
    first, again = peer.sample(70), peer.sample(70)
    np.testing.assert_array_equal(first, again)
    for name, value in peer.generator.named_buffers():
        assert torch.equal(statistics[name], value)  # sampling leaves no trace
