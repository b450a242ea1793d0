"""Muon: the orthogonal move of a matrix, beside torch's own and beside the singular value decomposition."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch.nn import Parameter

from ganforge.core.recipe import Player
from ganforge.training.optimisers import Optimiser, orthogonal


@pytest.mark.parametrize("shape", [(16, 48), (48, 16), (32, 32)])
def test_the_orthogonal_matrix_keeps_singular_vectors_and_evens_singular_values(shape: tuple[int, int]):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    assert values.max() / values[values.argsort()[1]] > 2  # uneven before
    rotated = left.mT @ orthogonal(matrix) @ right.mT
    assert 0.65 < rotated.diagonal().min() < rotated.diagonal().max() < 1.25
    torch.testing.assert_close(rotated, rotated.diagonal().diag(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_moves_as_by_torchs_muon(memory: torch.memory_format):
    rng = torch.Generator().manual_seed(1)
    weight = torch.randn(16, 24, 3, 3, generator=rng)
    ours = Parameter(weight.clone(memory_format=memory))
    twin = Parameter(weight.flatten(1).clone())
    player = Player(family="x", optimiser="muon", learning_rate=0.01, beta1=0.5)
    optimiser = Optimiser(player, [ours])
    # Its stride of match_rms_adamw is a fifth of the learning rate, and it counts in bfloat16.
    plain = torch.optim.Muon(
        [twin], lr=0.05, weight_decay=0, momentum=0.5, nesterov=False, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(3):
        gradient = torch.randn(16, 24, 3, 3, generator=rng)
        optimiser.step([gradient], progress=0.0)
        twin.grad = gradient.flatten(1)
        plain.step()
    moved, expected = ours.detach() - weight, twin.detach() - weight.flatten(1)
    assert 0.005 < expected.square().mean().sqrt() < 0.03
    difference = (moved.flatten(1) - expected).square().mean().sqrt()
    assert difference < 0.02 * expected.square().mean().sqrt()


def test_the_stride_of_a_matrix_is_the_learning_rate_whatever_its_sides():
    rng = torch.Generator().manual_seed(2)
    matrices = [Parameter(torch.zeros(sides)) for sides in ((8, 200), (200, 8), (64, 64))]
    optimiser = Optimiser(Player(family="x", optimiser="muon", learning_rate=0.01), matrices)
    optimiser.step([1e-3 * torch.randn(m.shape, generator=rng) for m in matrices], progress=0.0)
    for matrix in matrices:
        assert matrix.detach().square().mean().sqrt() == pytest.approx(0.01, rel=0.2)


def test_vectors_and_matrices_too_narrow_or_too_large_are_moved_by_adam():
    rng = torch.Generator().manual_seed(3)
    shapes = ((7,), (3, 40), (40, 3), (1, 64), (600, 520))
    gradients = [torch.randn(shape, generator=rng) for shape in shapes]
    moved = []
    for name in ("adam", "muon"):
        parameters = [Parameter(torch.zeros(shape)) for shape in shapes]
        Optimiser(Player(family="x", optimiser=name, learning_rate=0.01), parameters).step(gradients, 0.0)
        moved.append(parameters)
    for adam, muon in zip(*moved, strict=True):
        assert torch.equal(adam, muon)


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_weight_decay_takes_its_share_of_matrices_alone(name: Literal["adam", "muon"]):
    parameters = [Parameter(torch.ones(shape)) for shape in ((16, 8, 3, 3), (16,), (3, 16, 1, 1))]
    player = Player(family="x", optimiser=name, learning_rate=0.01, weight_decay=0.5)
    optimiser = Optimiser(player, parameters)
    for _ in range(2):
        optimiser.step([torch.zeros_like(p) for p in parameters], progress=0.0)
    torch.testing.assert_close(parameters[0], torch.full_like(parameters[0], 0.995**2))
    assert all(bool((p == 1).all()) for p in parameters[1:])


def test_a_device_takes_back_a_move_that_is_not_finite():
    rng = torch.Generator().manual_seed(4)
    parameters = [Parameter(torch.randn(shape, generator=rng)) for shape in ((16, 8, 3, 3), (16,))]
    player = Player(family="x", optimiser="muon", learning_rate=0.01, beta1=0.5, weight_decay=0.5)
    optimiser = Optimiser(player, parameters)
    optimiser.step([torch.randn(p.shape, generator=rng) for p in parameters], 0.0, torch.zeros(()))
    before = [value.clone() for value in (*parameters, *optimiser.tensors().values())]
    optimiser.step([torch.full_like(p, torch.nan) for p in parameters], 0.0, torch.ones(()))
    assert all(map(torch.equal, before, (*parameters, *optimiser.tensors().values())))
