"""Walks between latents, sums of them, and the path length, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganforge.core.prior import Prior, spherical
from ganforge.latent.arithmetic import combine, neighbours
from ganforge.latent.paths import between, bilinear, path_length
from tests.latent.conftest import MATRIX


def test_the_great_circle_between_perpendicular_vectors():
    a, b = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    third = spherical(a, b, torch.tensor([[1 / 3]]))
    assert third[0].tolist() == pytest.approx(
        [3 * math.cos(math.pi / 6), 3 * math.sin(math.pi / 6)], abs=1e-5
    )
    lengths = spherical(a, b, torch.linspace(0, 1, 7)[:, None]).norm(dim=1)
    assert lengths.tolist() == pytest.approx([3.0] * 7, abs=1e-5)


def test_where_there_is_no_circle_the_line_is_straight():
    a = torch.tensor([[1.0, 2.0]])
    assert spherical(a, 3 * a, torch.tensor([[0.5]]))[0].tolist() == pytest.approx([2.0, 4.0])
    assert spherical(a, -a, torch.tensor([[0.25]]))[0].tolist() == pytest.approx([0.5, 1.0], abs=1e-6)


@pytest.mark.parametrize("way", ["spherical", "linear"])
@pytest.mark.parametrize("prior", [Prior(6), Prior(6, "uniform"), Prior(6, bits=4), Prior(3, bits=3)])
def test_walks_begin_and_end_where_they_should_and_coins_stay_coins(prior: Prior, way: str):
    z = prior.seeded(8, seed=1)
    path = between(prior, z[:4], z[4:], torch.linspace(0, 1, 23), way=way)
    assert path.shape == (4, 23, prior.size)
    torch.testing.assert_close(path[:, 0], z[:4], rtol=0, atol=1e-5)
    torch.testing.assert_close(path[:, -1], z[4:], rtol=0, atol=1e-5)
    random_bits = path[:, :, prior.size - prior.bits :]
    assert (random_bits.abs() == 1).all()
    assert (random_bits.diff(dim=1).abs().sum(2) <= 2).all()  # one at a time
    if prior.kind == "uniform":
        straight = torch.lerp(z[:4, None], z[4:, None], torch.linspace(0, 1, 23)[:, None])
        torch.testing.assert_close(path, straight)


def test_differing_coins_switch_at_equal_distances():
    prior = Prior(3, bits=3)
    a, b = torch.tensor([[1.0, 1.0, -1.0]]), torch.tensor([[-1.0, 1.0, 1.0]])
    path = between(prior, a, b, torch.tensor([0.0, 0.32, 0.34, 0.66, 0.67, 1.0]))[0]
    assert path.tolist() == [a[0].tolist()] * 2 + [[-1.0, 1.0, -1.0]] * 2 + [b[0].tolist()] * 2


def test_straight_and_spherical_differ():
    prior = Prior(16)
    z = prior.seeded(2, seed=0)
    half = torch.tensor([0.5])
    lengths = [between(prior, z[:1], z[1:], half, way=way).norm().item() for way in ("linear", "spherical")]
    assert lengths[0] < 0.85 * lengths[1]


def test_a_sheet_has_its_corners_in_its_corners():
    prior = Prior(5, bits=2)
    corners = prior.seeded(4, seed=2)
    sheet = bilinear(prior, corners, 3, 4)
    assert sheet.shape == (12, 5)
    for place, corner in zip((0, 3, 8, 11), corners, strict=True):
        torch.testing.assert_close(sheet[place], corner, rtol=0, atol=1e-5)


def test_the_path_length_of_a_linear_map_is_known():
    """Along a straight line, d(G(z + ε(b − a)))/ε² is |A(b − a)|²: its mean is 2 |A|² over both ends."""
    found = path_length(lambda z: z @ MATRIX.T, Prior(3), pairs=4000, way="linear", seed=3)
    expected = 2 * MATRIX.square().sum().item()
    assert abs(found.value - expected) < 4 * found.error
    assert 0 < found.error < 0.05 * expected
    doubled = path_length(lambda z: 2 * z @ MATRIX.T, Prior(3), pairs=4000, way="linear", seed=3)
    assert doubled.value == pytest.approx(4 * found.value, rel=1e-3)


def test_coins_do_not_jump_in_a_path_length():
    def random_bits(z: Tensor) -> Tensor:
        return 1000 * z[:, 2:]

    assert path_length(random_bits, Prior(4, bits=2), pairs=50).value == 0.0


def test_a_sum_of_means():
    prior = Prior(4, bits=2)
    a = torch.tensor([[1.0, 2.0, 1.0, 1.0], [3.0, 2.0, 1.0, -1.0]])
    b = torch.tensor([[1.0, 1.0, 1.0, 1.0]])
    c = torch.tensor([[0.0, 4.0, -1.0, 1.0], [2.0, 0.0, -1.0, -1.0]])
    # random bits: 1 − 1 − 1 = −1, and 0 − 1 + 0 = −1
    assert combine(prior, a, b, c).tolist() == [2.0, 3.0, -1.0, -1.0]
    unit = combine(prior, a, b, c, renormalise=True)
    assert unit[:2].norm().item() == pytest.approx(math.sqrt(2))
    assert unit[2:].tolist() == [-1.0, -1.0]
    tied = combine(prior, a, a, torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, -1.0, -1.0]]))
    assert tied[2:].tolist() == [1.0, 1.0]  # c's first
    assert combine(Prior(2, "uniform"), a[:, :2], -a[:, :2], c[:, :2]).tolist() == [1.0, 1.0]


def test_neighbours_are_near_and_keep_their_coins():
    prior = Prior(40, bits=8)
    z = prior.seeded(1, seed=5)[0]
    near = neighbours(prior, z, 50, spread=0.25)
    gap = near - z
    assert (gap[:, 32:] == 0).all()
    assert 0.2 < gap.abs().max() <= 0.25
    assert gap[:, :32].std().item() == pytest.approx(0.25 / math.sqrt(3), rel=0.05)
