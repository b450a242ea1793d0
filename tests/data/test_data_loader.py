"""A batch is a pure function of (seed, position, n)."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from ganforge.core.rng import permutation
from ganforge.core.space import Space
from ganforge.data import Examples, Loader, load
from ganforge.data import loader as loaders


def _numbered(n: int, labels: bool = True) -> tuple[Examples, Space]:
    """Pictures (2, 3, 4) whose first pixel is their number."""
    values = np.zeros((n, 2, 3, 4), np.uint8)
    values[:, 0, 0, 0] = np.arange(n)
    classes = ("a", "b", "c") if labels else ()
    which = np.arange(n) % 3 if labels else None
    space = Space(kind="pictures", shape=(2, 3, 4), classes=classes)
    return Examples(values, which, np.arange(n)), space


def _numbers(batch) -> list[int]:
    return ((batch.real[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


@pytest.fixture(params=["near", "far"])
def far(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param == "far":
        monkeypatch.setattr(loaders, "_IN_MEMORY", 0)
    return request.param == "far"


def test_order_is_the_permutation(far: bool) -> None:
    examples, space = _numbered(10)
    loader = Loader(examples, space, seed=7)
    expected = np.concatenate([permutation(10, seed=7, epoch=e) for e in range(4)]).tolist()
    assert _numbers(loader.batch_at(0, 10)) == expected[:10]
    assert _numbers(loader.batch_at(3, 34)) == expected[3:37]  # more than three epochs in a batch
    assert _numbers(loader.batch_at(10, 0)) == []
    batch = loader.batch_at(0, 10)
    assert batch.real.dtype == torch.float32
    assert batch.condition is not None
    assert batch.condition.tolist() == [[float(i % 3 == k) for k in range(3)] for i in expected[:10]]


@pytest.mark.parametrize("mirror", [False, True])
def test_pieces_make_the_whole(far: bool, mirror: bool) -> None:
    examples, space = _numbered(13)
    loader = Loader(examples, space, seed=1, mirror=mirror)
    whole = loader.batch_at(0, 40)
    for cuts in ([20, 20], [1, 12, 13, 14], [40]):
        fresh = Loader(examples, space, seed=1, mirror=mirror)
        position, pieces, conditions = 0, [], []
        for n in cuts:
            batch = fresh.batch_at(position, n)
            pieces.append(batch.real)
            conditions.append(batch.condition)
            position += n
        assert torch.equal(torch.cat(pieces), whole.real)
        assert torch.equal(torch.cat(conditions), whole.condition)
    loader.batch_at(500, 3)
    assert torch.equal(loader.batch_at(0, 40).real, whole.real)  # whatever was dealt between


def test_mirror_turns_about_half_left_to_right() -> None:
    values = np.zeros((200, 1, 1, 2), np.uint8)
    values[..., 0] = 255
    space = Space(kind="pictures", shape=(1, 1, 2))
    loader = Loader(Examples(values, None, np.arange(200)), space, seed=0, mirror=True)
    first, second = loader.batch_at(0, 200).real, loader.batch_at(200, 200).real
    turned = (first[:, 0, 0, 0] == -1).float().mean().item()
    assert 0.35 < turned < 0.65
    assert (first.sum(dim=3) == 0).all()
    assert not torch.equal(first, second)


def test_dealt_batches_are_the_callers_own(far: bool) -> None:
    examples, space = _numbered(10)
    loader = Loader(examples, space, seed=7)
    before = loader.batch_at(0, 10).real.clone()
    loader.batch_at(0, 10).real.fill_(9.0)
    assert torch.equal(loader.batch_at(0, 10).real, before)


def test_points_are_in_model_units(far: bool) -> None:
    data = load("grid")
    loader = Loader(data.train, data.space, seed=0)
    batch = loader.batch_at(0, 50_000)
    assert batch.condition is None
    assert batch.real.mean(0).abs().max() < 0.02
    assert (batch.real.std(0) - 1).abs().max() < 0.02
    row = int(permutation(data.train.n, seed=0, epoch=0)[0])
    assert torch.allclose(data.space.to_declared(batch.real[:1]), torch.from_numpy(data.train.values[[row]]))


def test_dealing_points_is_quick() -> None:
    data = load("ring")
    loader = Loader(data.train, data.space, seed=0)
    loader.batch_at(0, 512)
    best = 1.0
    for _ in range(20):
        start = time.perf_counter()
        for i in range(100):
            loader.batch_at(512 * i, 512)
        best = min(best, (time.perf_counter() - start) / 100)
    assert best < 50e-6  # 10 to 25 millionths of a second, by the machine


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux counts a process's own memory")
def test_many_examples_stay_in_their_file(tmp_path: Path) -> None:
    """200,000 pictures of 32 pixels are 0.6 GB, which a processor need not hold once more."""

    def own() -> int:
        return int(re.findall(r"RssAnon:\s*(\d+) kB", Path("/proc/self/status").read_text())[0]) >> 10

    values = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.uint8, (200_000, 3, 32, 32))  # of holes
    before = own()
    loader = Loader(
        Examples(values, None, np.arange(len(values))), Space(kind="pictures", shape=(3, 32, 32)), seed=0
    )
    assert loader.batch_at(0, 64).real.shape == (64, 3, 32, 32)
    assert own() - before < 100
