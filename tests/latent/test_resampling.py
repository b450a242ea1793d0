"""Rejection and Langevin sampling where the target is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.prior import Prior
from ganforge.latent.resampling import acceptance, langevin, rejection


def narrow(z: Tensor) -> Tensor:
    """log N(0, ¼)/N(0, 1) without its constant: the bound is 0, at the centre."""
    return -1.5 * z[:, 0].square()


def test_acceptance_is_the_ratio_to_its_bound():
    d = torch.tensor([0.0, -math.log(2.0), -math.log(10.0)])
    assert acceptance(d + 3, 3.0).tolist() == pytest.approx([1.0, 0.5, 0.1], abs=1e-6)
    # σ(F − γ) with F = logit of the ratio: for ½, F is 0
    shifted = acceptance(d, 0.0, shift=-1.0)
    assert shifted[1].item() == pytest.approx(1 / (1 + math.exp(-1.0)))
    assert (shifted >= acceptance(d, 0.0)).all()


def test_rejection_turns_a_wide_gaussian_into_a_narrow_one():
    found = rejection(narrow, Prior(1), 8000, seed=1)
    assert found.latents.std().item() == pytest.approx(0.5, abs=0.015)
    assert found.latents.mean().item() == pytest.approx(0.0, abs=0.02)
    assert found.accepted == pytest.approx(0.5, abs=0.02)  # ∫ φ(z) e^{−1.5 z²} dz = 1/√(1 + 3)
    assert found.bound == pytest.approx(0.0, abs=1e-3)
    again = rejection(narrow, Prior(1), 8000, seed=1)
    assert torch.equal(found.latents, again.latents)


def test_a_percentile_keeps_more_and_changes_less():
    exact = rejection(narrow, Prior(1), 4000, seed=1)
    more = rejection(narrow, Prior(1), 4000, percentile=20.0, seed=1)
    assert more.accepted > exact.accepted + 0.1
    assert 0.55 < more.latents.std().item() < 0.95


def test_rejection_gives_up_where_next_to_nothing_is_kept():
    with pytest.raises(UsageError, match="keep more with --percentile"):
        rejection(lambda z: 100 * z[:, 0], Prior(1), 100, burn_in=1000)


def test_langevin_reaches_a_gaussian_that_has_moved():
    """E = z²/2 − z: the target is N(1, 1)."""
    start = Prior(1).seeded(4000, seed=0)
    found = langevin(lambda z: z[:, 0], Prior(1), start, steps=60, step=0.5)
    assert found.latents.mean().item() == pytest.approx(1.0, abs=0.06)
    assert found.latents.std().item() == pytest.approx(1.0, abs=0.05)
    assert found.energy[1] < found.energy[0]
    assert 0.8 < found.accepted < 1.0


def test_the_rule_of_metropolis_makes_long_steps_exact():
    """The unadjusted walk of step 1.8 on z²/2 has the variance 1/(1 − ε/4) = 1.82; the adjusted one has 1."""
    start = Prior(1).seeded(8000, seed=0)
    wild = langevin(lambda z: 0 * z[:, 0], Prior(1), start, steps=60, step=1.8, adjusted=False)
    tame = langevin(lambda z: 0 * z[:, 0], Prior(1), start, steps=60, step=1.8)
    assert wild.latents.var().item() == pytest.approx(1 / (1 - 1.8 / 4), rel=0.06)
    assert wild.accepted == pytest.approx(1.0)
    assert tame.latents.var().item() == pytest.approx(1.0, abs=0.05)


def test_coins_are_tossed_by_the_same_rule():
    """P(coin = 1) = e^{.5} / (e^{.5} + e^{−.5}) for log-odds of half the coin."""
    prior = Prior(3, bits=2)
    found = langevin(lambda z: 0.5 * z[:, 1], prior, prior.seeded(6000, seed=3), steps=60, step=0.1)
    share = (found.latents[:, 1:] > 0).double().mean(0).tolist()
    assert share == pytest.approx([math.e / (math.e + 1), 0.5], abs=0.025)
    assert (found.latents[:, 1:].abs() == 1).all()
    only = langevin(lambda z: 0.5 * z[:, 0], Prior(1, bits=1), torch.ones(4000, 1), steps=40)
    assert (only.latents > 0).double().mean().item() == pytest.approx(math.e / (math.e + 1), abs=0.03)


def test_a_uniform_prior_keeps_its_cube():
    prior = Prior(2, "uniform")
    found = langevin(lambda z: 0 * z[:, 0], prior, prior.seeded(5000, seed=1), steps=40, step=0.3)
    assert found.latents.abs().max() <= 1
    assert found.latents.var(0).tolist() == pytest.approx([1 / 3] * 2, abs=0.02)
