"""Sizes of stages, resampling, and the two ways in which a condition enters, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganforge.networks.layers import (
    Down,
    Head,
    LatentInput,
    Up,
    centre_crop,
    channels_at,
    halvings,
    held,
    normalise_spectrally,
    sides_at,
)


@pytest.mark.parametrize(
    ("spatial", "count", "coarsest"),
    [
        ((8, 8), 1, (4, 4)),
        ((15, 9), 1, (8, 5)),
        ((16, 16), 2, (4, 4)),
        ((28, 28), 2, (7, 7)),
        ((64, 64), 4, (4, 4)),
        ((48, 64), 3, (6, 8)),
        ((100, 100), 4, (7, 7)),
        ((36, 20), 2, (9, 5)),
        ((256,), 6, (4,)),
        ((16, 16, 16), 2, (4, 4, 4)),
    ],
)
def test_sides_are_halved_until_the_shortest_is_4_to_7(
    spatial: tuple[int, ...], count: int, coarsest: tuple[int, ...]
) -> None:
    assert halvings(spatial) == count
    assert sides_at(spatial, count) == coarsest
    assert sides_at(spatial, 0) == spatial


def test_channels_grow_to_the_cap() -> None:
    widths = [channels_at(level, width=64, growth=1.5, cap=2.0, multiple=8) for level in range(4)]
    assert widths == [64, 96, 128, 128]
    assert channels_at(0, width=3, growth=2, cap=8, multiple=8) == 8


def test_down_filters_with_1_2_1_and_keeps_every_other() -> None:
    x = torch.tensor([[[1.0, 2.0, 4.0, 8.0, 16.0], [0.0, 0.0, 4.0, 0.0, 0.0]]])
    # (0 + 2·1 + 2)/4, (2 + 2·4 + 8)/4, (8 + 2·16 + 0)/4
    expected = torch.tensor([[[1.0, 4.5, 10.0], [0.0, 2.0, 0.0]]])
    torch.testing.assert_close(Down(2, 1)(x), expected)


def test_up_interpolates_to_even_and_odd_sides() -> None:
    x = torch.tensor([[[1.0, 3.0, 7.0]]])
    torch.testing.assert_close(Up(1, (5,))(x), torch.tensor([[[1.0, 2.0, 3.0, 5.0, 7.0]]]))
    torch.testing.assert_close(Up(1, (6,))(x), torch.tensor([[[1.0, 2.0, 3.0, 5.0, 7.0, 3.5]]]))


@pytest.mark.parametrize("sides", [(9,), (8, 11), (5, 6, 7)])
def test_up_is_the_transpose_of_down(sides: tuple[int, ...]) -> None:
    x = torch.randn(2, 3, *sides, generator=torch.Generator().manual_seed(0))
    y = torch.randn(2, 3, *sides_at(sides, 1), generator=torch.Generator().manual_seed(1))
    left = (Down(3, len(sides))(x) * y).sum()
    right = (x * Up(3, sides)(y)).sum() / 2 ** len(sides)
    assert left.item() == pytest.approx(right.item(), rel=1e-4, abs=1e-5)


def test_resampling_stays_in_float32_under_autocast() -> None:
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    exact = Down(4, 2)(x.float()), Up(4, (16, 16))(x.float())
    with torch.autocast("cpu", torch.bfloat16):
        under = Down(4, 2)(x), Up(4, (16, 16))(x)
    assert torch.equal(under[0], exact[0])
    assert torch.equal(under[1], exact[1])


def test_head_adds_the_projection_of_the_condition() -> None:
    head = Head(2, 3)
    with torch.no_grad():
        head.linear.weight.copy_(torch.tensor([[1.0, -2.0]]))
        head.linear.bias.copy_(torch.tensor([0.5]))
        assert head.embed is not None
        head.embed.weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]))
    phi = torch.tensor([[3.0, 5.0], [1.0, 1.0]])
    condition = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    # 3 − 10 + .5 + (3·2 + 5·20) and 1 − 2 + .5 + (1·2 + 1·20)
    torch.testing.assert_close(head(phi, condition), torch.tensor([99.5, 21.5]))


def test_head_keeps_differences_that_bfloat16_would_lose() -> None:
    head = Head(2, 0, bias=False)
    nn.init.ones_(head.linear.weight)
    with torch.autocast("cpu", torch.bfloat16):
        logits = head(torch.tensor([[10.0, 0.0], [10.0, 0.01]]), None)
    assert (logits[1] - logits[0]).item() == pytest.approx(0.01, abs=1e-5)


def test_latent_input_joins_the_latent_and_the_embedded_class() -> None:
    entrance = LatentInput(2, 3)
    assert entrance.embed is not None
    z = torch.tensor([[0.25, -1.0]])
    joined = entrance(z, torch.tensor([[0.0, 0.0, 1.0]]))
    assert entrance.size == 4
    torch.testing.assert_close(joined, torch.cat((z, entrance.embed.weight[:, 2][None]), 1))
    assert LatentInput(2, 0)(z, None) is z
    with pytest.raises(AssertionError, match="condition"):
        entrance(z, None)


def test_latent_input_embeds_as_loudly_as_it_is_told() -> None:
    found = [LatentInput(400, 10, loudness=loudness).embed for loudness in (1.0, 0.1)]
    deviations = [embed.weight.std().item() for embed in found if embed is not None]
    assert deviations == pytest.approx([1.0, 0.1], rel=0.1)


def test_centre_crop() -> None:
    x = torch.arange(7.0)[None, None, :, None] + 10 * torch.arange(4.0)
    cropped = centre_crop(x, (3, 4))
    assert cropped[0, 0, :, 0].tolist() == [2.0, 3.0, 4.0]
    assert cropped.shape == (1, 1, 3, 4)


def test_spectral_norm_brings_the_largest_singular_value_to_1_and_zeros_to_life() -> None:
    network = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4), nn.BatchNorm1d(4))
    with torch.no_grad():
        network[0].weight.mul_(9)
        network[1].weight.zero_()
    normalise_spectrally(network)
    for _ in range(60):  # the power iteration settles
        network(torch.ones(2, 6))
    for layer in network[:2]:
        assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-3)


def test_what_is_held_at_an_end_can_leave_it_and_goes_no_further() -> None:
    x = torch.tensor([-3.0, -3.0, 0.5, 3.0, 3.0], requires_grad=True)
    y = held(x)
    assert y.tolist() == [-1.0, -1.0, 0.5, 1.0, 1.0]
    # A step goes against the gradient.
    (gradient,) = torch.autograd.grad(y, x, torch.tensor([2.0, -2.0, 7.0, -2.0, 2.0]))
    assert gradient.tolist() == [0.0, -2.0, 7.0, 0.0, 2.0]
    with torch.no_grad():
        assert torch.equal(held(x), y)


def test_along_one_side_alone_the_other_stays_as_it_is():
    x = torch.randn(2, 3, 5, 12, dtype=torch.float32)
    down, up = Down(3, 2, (False, True)), Up(3, (5, 12), (False, True))
    rows = Down(3, 1)(x.permute(0, 2, 1, 3).flatten(0, 1)).unflatten(0, (2, 5)).permute(0, 2, 1, 3)
    torch.testing.assert_close(down(x), rows)
    y = torch.randn(2, 3, 5, 6)
    assert float((down(x) * y).sum()) == pytest.approx(float((x * up(y)).sum()) / 2, rel=1e-5)
