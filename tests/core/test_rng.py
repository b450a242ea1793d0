"""Chance is a pure function of position."""

import numpy as np
import pytest
import torch

from ganforge.core.prior import Prior
from ganforge.core.rng import Rng, key, permutation, seeded_numbers


def test_a_round_draws_the_same_numbers_whenever_it_is_played():
    rng = Rng(7)
    first = [rng.move_to(640).normal(5, 3), rng.uniform(5), rng.integers(10, 5, 2)]
    rng.move_to(704).normal(100)
    again = [rng.move_to(640).normal(5, 3), rng.uniform(5), rng.integers(10, 5, 2)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize(("seed", "nimg"), [(7, 641), (8, 640)])
def test_another_seed_or_place_draws_other_numbers(seed: int, nimg: int):
    assert not torch.equal(Rng(7, 640).normal(5, 3), Rng(seed, nimg).normal(5, 3))


def test_parts_see_their_own_rows_of_the_whole_rounds_numbers():
    whole = Rng(3, 128)
    parts = [Rng(3, 128, part=part, parts=4) for part in range(4)]
    for name in ("normal", "uniform"):
        together = torch.cat([getattr(part, name)(2, 3) for part in parts])
        assert torch.equal(together, getattr(whole, name)(8, 3))
    assert torch.equal(torch.cat([part.integers(9, 2) for part in parts]), whole.integers(9, 8))


def test_keys_do_not_collide_on_neighbours():
    keys = {key(seed, nimg) & 0xFFFFFFFF for seed in range(30) for nimg in range(1000)}
    assert len(keys) >= 30_000 - 1  # two of 30,000 in 2^32 meet with probability one tenth


def test_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    Rng(1).normal(10)
    seeded_numbers(10, 3, seed=1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_latent_depends_on_seed_and_index_alone():
    many = seeded_numbers(3000, 5, seed=11)
    assert torch.equal(seeded_numbers(7, 5, seed=11), many[:7])
    assert torch.equal(seeded_numbers(1100, 5, seed=11, start=1000), many[1000:2100])
    assert not torch.equal(seeded_numbers(7, 5, seed=12), many[:7])
    assert abs(float(many.mean())) < 0.05
    assert abs(float(many.std()) - 1) < 0.05


def test_uniform_prior_lies_in_its_range_and_fills_it():
    z = Prior(2, "uniform").seeded(5000, seed=0)
    assert -1 <= float(z.min()) < -0.99
    assert 0.99 < float(z.max()) < 1
    drawn = Prior(2, "uniform")(Rng(0), 5000)
    assert -1 <= float(drawn.min()) < -0.99
    assert 0.99 < float(drawn.max()) < 1


def test_an_epoch_is_a_permutation_of_its_own():
    first, second = (permutation(1000, seed=5, epoch=epoch) for epoch in (0, 1))
    assert np.array_equal(np.sort(first), np.arange(1000))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, permutation(1000, seed=5, epoch=0))


def test_coins_are_fair_and_truncation_leaves_them_alone():
    prior = Prior(5, bits=3)
    z = prior.seeded(4000, seed=1)
    assert set(z[:, 2:].unique().tolist()) == {-1.0, 1.0}
    assert abs(float(z[:, 2:].mean())) < 0.05
    assert torch.equal(prior.seeded(7, seed=1), z[:7])
    short = prior.truncated(z, 0.5)
    assert torch.equal(short[:, 2:], z[:, 2:])
    assert torch.equal(short[:, :2], 0.5 * z[:, :2])
    drawn = prior(Rng(0), 4000)
    assert set(drawn[:, 2:].unique().tolist()) == {-1.0, 1.0}
    assert abs(float(drawn[:, :2].std()) - 1) < 0.05
