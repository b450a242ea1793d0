"""The queue behind the service: company changes nothing, shares are fair, and nobody waits in vain."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import torch
from torch import Tensor

from ganforge.core.space import Space
from ganforge.runs.sampler import GeneratorSampler
from ganforge.shipping import quick
from ganforge.shipping.batching import Batcher
from ganforge.shipping.counting import Counts
from ganforge.shipping.limits import Limits, Refused
from ganforge.shipping.onnx_sampler import OnnxSampler
from ganforge.shipping.quick import maker, quickest
from tests.shipping.conftest import DIGITS, made


class Slow:
    """A maker that waits to be let go, and remembers the sizes of its batches."""

    def __init__(self) -> None:
        self.held, self.go = threading.Event(), threading.Event()
        self.batches: list[list[float]] = []

    def __call__(self, z: Tensor, condition: Tensor | None) -> Tensor:
        self.held.set()
        assert self.go.wait(10)
        self.batches.append(z[:, 0].tolist())
        return z * 2


def rows(*numbers: float) -> Tensor:
    return torch.tensor([[number] for number in numbers])


def run(main: Callable[[Batcher], Coroutine[Any, Any, None]], make: quick.Maker, **limits: Any) -> Counts:
    counts = Counts()
    batcher = Batcher(make, Limits(**limits), counts)

    async def all_of_it() -> None:
        await asyncio.wait_for(main(batcher), 20)

    try:
        asyncio.run(all_of_it())
    finally:
        if isinstance(make, Slow):
            make.go.set()
        batcher.close()
    return counts


def test_those_who_wait_are_computed_together_and_each_has_a_share():
    slow = Slow()

    async def main(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.samples(rows(0), None))
        await asyncio.to_thread(slow.held.wait, 10)  # it is being computed, and the rest must wait
        large = asyncio.create_task(batcher.samples(rows(*range(10, 20)), None))
        small = [asyncio.create_task(batcher.samples(rows(n), None)) for n in (1, 2)]
        while batcher.waiting < 12:
            await asyncio.sleep(0.001)
        slow.go.set()
        assert (await first).tolist() == [[0]]
        assert [(await one).tolist() for one in small] == [[[2]], [[4]]]
        assert (await large).flatten().tolist() == [2.0 * n for n in range(10, 20)]

    counts = run(main, slow, max_batch=6)
    assert slow.batches == [[0], [10, 11, 1, 2], [12, 13, 14, 15, 16, 17], [18, 19]]
    assert (counts.batches, counts.samples) == (4, 13)


def test_too_much_is_refused_and_an_abandoned_job_is_not_computed():
    slow = Slow()

    async def main(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.samples(rows(0), None))
        await asyncio.to_thread(slow.held.wait, 10)
        second = asyncio.create_task(batcher.samples(rows(1, 2, 3), None))
        await asyncio.sleep(0)
        with pytest.raises(Refused) as told:
            await batcher.samples(rows(4, 5), None)
        assert told.value.status == 503
        assert int(told.value.headers["Retry-After"]) >= 1
        second.cancel()
        third = asyncio.create_task(batcher.samples(rows(6), None))
        await asyncio.sleep(0.01)
        slow.go.set()
        await first
        assert (await third).tolist() == [[12]]

    run(main, slow, queue=4)
    assert slow.batches == [[0], [6]]


def test_a_fault_reaches_all_who_wait_and_the_thread_lives_on():
    def faulty(z: Tensor, condition: Tensor | None) -> Tensor:
        if (z < 0).any():
            raise ZeroDivisionError("planted")
        return z

    async def main(batcher: Batcher) -> None:
        with pytest.raises(ZeroDivisionError):
            await batcher.samples(rows(-1), None)
        assert (await batcher.samples(rows(1), None)).tolist() == [[1]]

    run(main, faulty)


@pytest.mark.parametrize("light", [True, False])
def test_the_same_latent_is_the_same_sample_in_any_company(light: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quick, "_LIGHT", 1e15 if light else 0)
    sampler, _ = made("dcgan", DIGITS)
    z, condition = sampler.prior.seeded(23, seed=1), torch.eye(3)[torch.arange(23) % 3]
    make = maker(sampler)
    alone = torch.cat([make(z[i : i + 1], condition[i : i + 1]) for i in range(23)])

    async def main(batcher: Batcher) -> None:
        cuts = [0, 1, 4, 9, 10, 23]
        asked = [batcher.samples(z[a:b], condition[a:b]) for a, b in itertools.pairwise(cuts)]
        assert torch.equal(torch.cat(await asyncio.gather(*asked)), alone)

    run(main, make, max_batch=5)
    expected = sampler.generate(z, condition)
    assert (alone.int() - expected.int()).abs().max() <= (0 if light else 1)


def test_heavy_networks_are_asked_for_one_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quick, "_LIGHT", 1e5)
    sizes: list[int] = []

    def watched(sampler: GeneratorSampler) -> list[int]:
        make = maker(sampler)
        sizes.clear()
        with sampler.network.register_forward_hook(lambda _, given, __: sizes.append(len(given[0]))):
            make(sampler.prior.seeded(3, seed=0), None)
        return list(sizes)

    (many,) = watched(made("mlp", Space(kind="points", shape=(2,)))[0])
    assert many >= 8
    assert watched(made("dcgan", Space(kind="pictures", shape=(3, 64, 64)))[0]) == [1, 1, 1]


def test_the_quicker_way_is_taken_and_said(monkeypatch: pytest.MonkeyPatch):
    sampler, _ = made("mlp", Space(kind="points", shape=(2,)))
    assert quickest(sampler) == (sampler, "torch")  # too light to be worth it
    monkeypatch.setattr(quick, "_LIGHT", 0.0)
    times = {GeneratorSampler: 6.0, OnnxSampler: 2.0}
    monkeypatch.setattr(quick, "_milliseconds", lambda one: times[type(one)])
    graph, words = quickest(sampler)
    assert isinstance(graph, OnnxSampler)
    assert words == "onnxruntime (3.0× torch on this network)"
    assert torch.allclose(graph.sample(5, seed=1), sampler.sample(5, seed=1), atol=1e-3)
    assert quickest(graph) == (graph, "onnxruntime")
    times[OnnxSampler] = 12.0
    assert quickest(sampler) == (sampler, "torch (2.0× onnxruntime on this network)")
    monkeypatch.setattr(quick.importlib.util, "find_spec", lambda name: None)
    assert quickest(sampler)[1].startswith("torch; pip install 'ganforge[export]'")
