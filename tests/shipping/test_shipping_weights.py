"""Rounded weights, and what rounding costs."""

from __future__ import annotations

import pytest
import torch

from ganforge.core.space import Space
from ganforge.shipping.compare import measure
from ganforge.shipping.export import _rounded
from ganforge.shipping.weights import SCALE, quantised, restored, rounds, stored
from tests.shipping.conftest import made


def test_bytes_by_hand():
    weight = torch.tensor([[127.0, -63.4, 1.0], [0.0, 0.0, 0.0], [-2.54, 1.27, 0.02]])
    whole, scale = quantised(weight)
    assert whole.tolist() == [[127, -63, 1], [0, 0, 0], [-127, 64, 1]]
    assert scale.flatten().tolist() == pytest.approx([1.0, 1e-12, 0.02])


def test_the_axis_that_loses_less_counts_the_channels():
    weight = torch.tensor([[127.0, 12700.0], [64.0, 6400.0], [1.0, 100.0]])  # columns of their own size
    whole, scale = quantised(weight)
    assert scale.shape == (1, 2)
    assert whole.tolist() == [[127, 127], [64, 64], [1, 1]]
    assert quantised(weight.T)[1].shape == (2, 1)


def test_small_tensors_and_counters_are_kept_in_full():
    torch.manual_seed(0)
    weights = {"a": torch.randn(16, 17), "b": torch.randn(500), "c": torch.tensor(3), "d": torch.randn(3, 3)}
    assert [name for name, value in weights.items() if rounds(value)] == ["a"]
    for precision in ("float32", "bfloat16", "int8"):
        back = restored(stored(weights, precision))
        assert back.keys() == weights.keys()
        assert all(torch.equal(back[name], weights[name]) for name in "bcd")
        assert all(back[name].dtype == weights[name].dtype for name in weights)
    assert stored(weights, "int8").keys() - weights.keys() == {"a" + SCALE}
    full, half, byte = (restored(stored(weights, kind))["a"] for kind in ("float32", "bfloat16", "int8"))
    assert torch.equal(full, weights["a"])
    errors = [(one - weights["a"]).abs().max().item() for one in (half, byte)]
    assert 1e-4 < errors[0] < 0.01  # 8 bits of mantissa
    assert 1e-4 < errors[1] < 0.02  # half a step of 1/127 of the largest


def test_the_loss_is_that_of_the_same_latents_and_the_floor_is_chance():
    sampler, _ = made("mlp", Space(kind="points", shape=(2,)))
    variant = _rounded(sampler, "int8")
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def distance(samples: torch.Tensor, reference: torch.Tensor) -> float:
        seen.append((samples, reference))
        return float((samples.mean(0) - reference.mean(0)).abs().max())

    loss = measure(sampler, variant, distance=distance, n=64)
    expected = (variant.sample(64, seed=1) - sampler.sample(64, seed=1)).abs().double()
    assert loss.mean == pytest.approx(expected.mean().item(), rel=1e-9)
    assert loss.largest == pytest.approx(expected.max().item(), rel=1e-9)
    assert 0 < loss.mean < loss.largest < loss.spread
    (one, first), (two, second) = seen
    assert torch.equal(first, second)
    assert torch.equal(one, variant.sample(64, seed=1))
    assert torch.equal(two, sampler.sample(64, seed=1))
    assert torch.equal(first, sampler.sample(64, seed=2))
    assert loss.distance == pytest.approx(loss.floor, abs=5 * loss.largest)
    assert "best possible" in loss.words()
    nothing = measure(sampler, _rounded(sampler, "float32"), n=8)
    assert (nothing.mean, nothing.largest, nothing.distance) == (0.0, 0.0, None)
    assert "floor" not in nothing.words()
