"""What a discriminator thinks, and its advice, against linear discriminators."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from ganforge.core.errors import UsageError
from ganforge.core.space import Space
from ganforge.latent.feedback import advise, follow, gradients_by_layer, sentence
from ganforge.latent.opinion import Odds, Opinion, middle, odds_of
from ganforge.networks import discriminator, seeded
from ganforge.runs.discriminator import Judge
from tests.latent.conftest import MATRIX, Linear, Slope


def test_calibration_finds_the_log_odds_of_two_gaussians():
    """log N(x; 2, 1)/N(x; 0, 1) = 2x − 2: the slope is 2 and the level 1."""
    chance = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(20_000, generator=chance) + mean for mean in (2.0, 0.0))
    found = odds_of(real, fake)
    assert found.slope == pytest.approx(2.0, abs=0.06)
    assert found.level == pytest.approx(1.0, abs=0.03)
    assert "20,000 held-out" in found.how
    doubled = odds_of(2 * real + 5, 2 * fake + 5)
    assert (doubled.slope, doubled.level) == pytest.approx((found.slope / 2, 2 * found.level + 5), rel=1e-3)
    uneven = odds_of(real[:500], fake)  # even odds beforehand, whatever the numbers
    assert uneven.level == pytest.approx(1.0, abs=0.1)


def test_calibration_stays_finite_and_never_turns_round():
    found = odds_of(torch.full((50,), 3.0), torch.full((50,), -3.0))
    assert found.level == pytest.approx(0.0, abs=1e-3)
    # Platt's targets: 51/52 at logit 3
    assert found.probability(torch.tensor(3.0)).item() == pytest.approx(51 / 52, abs=1e-3)
    turned = odds_of(torch.zeros(50), torch.ones(50))
    assert 0 < turned.slope < 1e-3


def test_levels_without_held_out_examples():
    fake = torch.tensor([1.0, 2.0, 9.0])
    assert middle(None, fake).level == 2.0
    assert middle(torch.tensor([4.0]), fake).level == 3.0
    assert "not calibrated" in middle(None, fake).how
    assert Odds().probability(torch.tensor(0.0)) == 0.5


def test_the_gradient_of_a_linear_discriminator_is_its_weight(slope: Judge):
    opinion = Opinion(slope, Odds(level=1.0, slope=0.5))
    x = torch.full((2, 1, 4, 4), 0, dtype=torch.uint8)  # −1 in model units: the logit is 8
    found = advise(opinion, x, levels=16.0)
    assert found.probability.tolist() == pytest.approx([1 / (1 + math.exp(-3.5))] * 2)
    expected = torch.arange(16.0).reshape(1, 4, 4) - 8
    torch.testing.assert_close(found.gradient[0], 0.5 * expected)
    torch.testing.assert_close(found.change[1], 2 * expected)
    told = sentence(found.change[0], most=3)
    assert told == "pixel (0, 0) by -16, pixel (0, 1) by -14, pixel (3, 3) by +14"


def test_the_sentence_names_channels_and_coordinates():
    change = torch.zeros(3, 2, 2)
    change[2, 1, 0] = -5
    change[0, 0, 1] = 1
    assert sentence(change, most=2) == "pixel (1, 0; channel 2) by -5, pixel (0, 1; channel 0) by +1"
    assert sentence(torch.tensor([0.0, 0.25]), most=1) == "coordinate 1 by +0.25"
    assert sentence(torch.tensor([[0.0, 3.0]]), most=1) == "sample (1) by +3"


def test_following_the_advice_goes_up_and_stays_in_range(slope: Judge):
    opinion = Opinion(slope, Odds(slope=0.01))
    x = torch.full((3, 1, 4, 4), 250, dtype=torch.uint8)
    found = follow(opinion, x, steps=4, levels=4.0)
    assert (found.path.diff(dim=0) > 0).all()
    assert found.path.shape == (5, 3)
    assert (found.after_probability > found.before).all()
    assert found.after.dtype == torch.uint8
    # weights are −8 … 7: the first pixel goes down by 4 a step, the last up by 3.5 until it meets 255
    assert found.after[0, 0, 0, 0] == 234
    assert found.after[0, 0, 3, 3] == 255
    assert found.after[0, 0, 2, 0] == 250  # weight 0: no advice
    again = opinion.probability(slope.space.to_model(found.after))
    torch.testing.assert_close(found.after_probability, again)


def test_a_discriminator_without_an_opinion_changes_nothing(picture_space: Space):
    judge = Judge(Slope(torch.zeros(1, 4, 4)), space=picture_space)
    x = torch.full((1, 1, 4, 4), 7, dtype=torch.uint8)
    found = follow(Opinion(judge), x)
    assert torch.equal(found.after, x)
    assert found.after_probability.tolist() == found.before.tolist() == [0.5]


class Peak(nn.Module):
    """D(x) = −|x|²: a full step would leap over the top."""

    examples_are_independent = True

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def features(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (x,)

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return -x.square().flatten(1).sum(1)


def test_steps_that_would_overshoot_are_halved():
    judge = Judge(Peak(), space=Space(kind="points", shape=(2,)))
    found = follow(Opinion(judge), torch.tensor([[1.0, 0.0]]), steps=6, levels=3.0)
    assert (found.path.diff(dim=0) >= 0).all()
    assert found.path[-1] > found.path[0]
    assert found.after.norm() < 0.5


def test_how_the_advice_reaches_the_generator():
    """softplus(−d) with d = w · Az has the gradient −σ(−d) w zᵀ by A; here for one latent."""
    judge = Judge(Slope(torch.tensor([1.0, -2.0])), space=Space(kind="points", shape=(2,)))
    generator = Linear(MATRIX)
    z = torch.tensor([[1.0, 2.0, 2.0]])  # Az = (3, 0), so d = 3
    (layer,) = gradients_by_layer(generator, Opinion(judge), z)
    assert layer.name == "map.weight"
    assert layer.gradient == pytest.approx(math.sqrt(5) * 3 / (1 + math.exp(3)))
    assert layer.relative == pytest.approx(layer.gradient / MATRIX.norm().item())
    assert generator.map.weight.grad is None  # the generator itself is not touched


def test_batch_statistics_are_judged_in_company(batch_judge: Judge):
    space = batch_judge.space
    chance = torch.Generator().manual_seed(1)
    company = torch.randint(256, (40, 1, 16, 16), generator=chance).byte()
    x = torch.randint(256, (3, 1, 16, 16), generator=chance).byte()
    with pytest.raises(UsageError, match="judges in company; give at least 31"):
        Opinion(batch_judge)
    opinion = Opinion(batch_judge, company=company)
    logits = opinion.logits(space.to_model(x))
    alone = opinion.logits(space.to_model(x[1:2]))
    torch.testing.assert_close(logits[1:2], alone)  # the other examples do not matter
    together = batch_judge.logits(torch.cat([x[1:2], company[:31]]))
    torch.testing.assert_close(alone, together[:1], rtol=1e-4, atol=1e-5)


def test_packs_are_filled_with_company():
    space = Space(kind="points", shape=(2,))
    with seeded(2):
        network = discriminator("mlp", space=space, width=8, depth=1, packing=3)
    judge = Judge(network, space=space, packing=3)
    company = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    opinion = Opinion(judge, company=company)
    x = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    expected = judge.logits(torch.cat([x[:1], company, x[1:], company]))
    torch.testing.assert_close(opinion.logits(x), expected)
    with pytest.raises(UsageError, match="takes no conditions"):
        opinion.logits(x, torch.ones(2, 1))
