"""Terms of the generator's loss against values by hand, and the pool of past fakes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganforge.core import recipe
from ganforge.core.declared import GAMES, TERMS
from ganforge.core.errors import RecipeError
from ganforge.core.rng import Rng
from ganforge.objectives.pool import Pool
from ganforge.objectives.terms import (
    Generated,
    Terms,
    edges,
    feature_matching,
    gradient_difference,
    l1,
    l2,
    low_pass,
    spectral,
    terms,
    total_variation,
)

MADE = torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]], [[[1.0, 1.0], [1.0, 1.0]]]])  # (2, 1, 2, 2)
TARGET = torch.tensor([[[[1.0, 1.0], [0.0, 1.0]]], [[[1.0, 0.0], [1.0, 4.0]]]])


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def entries(**weights: float) -> list[recipe.Term]:
    return [recipe.Term(name=name, weight=weight) for name, weight in weights.items()]


def paired(**weights: float) -> Terms:
    return terms(entries(**weights), GAMES["translation"])


# --------------------------------------------------------------------------- values by hand


def test_l1_and_l2() -> None:
    # differences: −1 0 2 3 and 0 1 0 −3
    assert l1(MADE, TARGET).tolist() == [1.5, 1.0]
    assert l2(MADE, TARGET).tolist() == [3.5, 2.5]


def test_gradient_difference() -> None:
    # first: down |2 3| against |1 0| → 1 3, mean 2; across |1 2| against |0 1| → 1 1, mean 1
    # second: down |0 0| against |0 4| → 2; across |0 0| against |1 3| → 2
    assert gradient_difference(MADE, TARGET).tolist() == [3.0, 4.0]
    slope = torch.arange(5.0).view(1, 1, 5)
    assert gradient_difference(slope, -slope + 7).item() == 0.0  # steep alike, whichever way
    assert gradient_difference(slope, 2 * slope).item() == 1.0


def test_total_variation() -> None:
    assert total_variation(MADE).tolist() == [2.5 + 1.5, 0.0]
    assert total_variation(torch.tensor([[[0.0, 1.0, -1.0]]])).tolist() == [1.5]


def test_low_pass() -> None:
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(4, 4).view(1, 1, 8, 8)
    assert low_pass(checks, torch.zeros(1, 1, 8, 8)).item() == 0.0  # texture is free …
    assert low_pass(checks + 0.5, torch.zeros(1, 1, 8, 8)).item() == 0.5  # … and the level is not
    half = torch.zeros(1, 1, 8, 8)
    half[..., :4] = 1.0
    assert low_pass(half, torch.zeros(1, 1, 8, 8)).item() == 0.5
    assert low_pass(half, half.flip(3)).item() == 1.0  # 4 numbers a side: it sees the halves
    assert low_pass(half, half.flip(3), factor=8).item() == 0.0
    large = F.interpolate(half, scale_factor=8.0)  # 64 a side: 8 numbers by itself
    stripes = torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0]).repeat(8).expand(1, 1, 64, 64)
    assert low_pass(stripes, torch.zeros(1, 1, 64, 64)).item() == 0.0
    assert low_pass(stripes, torch.zeros(1, 1, 64, 64), factor=4).item() == 1.0
    assert low_pass(large, half, factor=4).item() == 0.0  # one larger than the other


def test_low_pass_of_other_channels_is_in_grey() -> None:
    red = torch.zeros(1, 3, 8, 8)
    red[:, 0] = 1.0
    assert low_pass(red, torch.full((1, 1, 8, 8), 0.299)).item() == pytest.approx(0.0, abs=1e-6)
    assert low_pass(red, torch.zeros(1, 1, 8, 8)).item() == pytest.approx(0.299)
    assert low_pass(red, torch.zeros(1, 3, 8, 8)).item() == pytest.approx(1 / 3)  # alike: each its own


def test_edges() -> None:
    step = torch.zeros(1, 1, 4, 6)
    step[..., 3:] = 1.0
    flat = torch.zeros(1, 1, 4, 6)
    # Two of six columns have the slope ½, in each row: along the border nothing else.
    assert edges(step, flat).item() == pytest.approx(1 / 6)
    assert edges(step + 0.3, step).item() == pytest.approx(0.0, abs=1e-7)  # not its level
    assert edges(-step, step).item() == 0.0  # nor its sign
    assert edges(step.expand(1, 3, 4, 6), step).item() == pytest.approx(0.0, abs=1e-6)
    assert edges(F.interpolate(step, scale_factor=2.0), step).item() == pytest.approx(0.0, abs=1e-6)
    ramp = torch.arange(5.0).view(1, 1, 5, 1) + 2 * torch.arange(5.0).view(1, 1, 1, 5)
    inside = 5**0.5  # ‖(1, 2)‖, away from the border
    kept = edges(ramp, torch.zeros(1, 1, 5, 5)).item()
    assert 0.6 * inside < kept < inside


def test_sobels_filters_are_those_that_convolve() -> None:
    x, y = numbers(2, 1, 9, 7), numbers(2, 1, 9, 7, seed=1)
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]).view(1, 1, 3, 3) / 8

    def steepness(z: Tensor) -> Tensor:
        z = F.pad(z, (1, 1, 1, 1), mode="replicate")
        return (F.conv2d(z, across).square() + F.conv2d(z, across.mT).square()).sqrt()

    expected = (steepness(x) - steepness(y)).abs().mean((1, 2, 3))
    torch.testing.assert_close(edges(x, y), expected, rtol=1e-4, atol=1e-6)


def test_feature_matching() -> None:
    def features(x: Tensor) -> tuple[Tensor, ...]:
        return (2 * x, x[..., :1, :1])

    # l1 is 1.5 and 1; the first stage doubles it, the second sees |0 − 1| and |1 − 1| alone
    assert feature_matching(MADE, TARGET, features).tolist() == [(3.0 + 1.0) / 2, (2.0 + 0.0) / 2]


def test_feature_matching_holds_the_target_and_moves_what_was_made() -> None:
    made, target = MADE.clone().requires_grad_(), TARGET.clone().requires_grad_()
    weight = torch.tensor(2.0, requires_grad=True)
    feature_matching(made, target, lambda x: (x * weight,)).sum().backward()
    assert target.grad is None
    assert made.grad is not None
    assert made.grad.flatten().tolist() == [-0.5, 0.0, 0.5, 0.5, 0.0, 0.5, 0.0, -0.5]
    assert weight.grad is not None
    assert weight.grad.item() == 1.5  # as a discriminator's it is nobody's to move, but it is right


def test_features_of_packs_count_for_each_of_their_examples() -> None:
    made, target = numbers(4, 1, 2, 2), numbers(4, 1, 2, 2, seed=1)
    found = feature_matching(made, target, lambda x: (x.unflatten(0, (2, 2)).flatten(1, 2),))
    assert found.shape == (4,)
    assert found[0] == found[1]
    torch.testing.assert_close(found.mean(), l1(made, target).mean())


# --------------------------------------------------------------------------- of every term


def of(name: str, made: Tensor, target: Tensor) -> Tensor:
    (found,) = paired(**{name: 1.0})(Generated(made, target, None, lambda x: (x, x**2))).values()
    return found


BY_NAME = pytest.mark.parametrize("name", [n for n, term in TERMS.items() if term.of])


@BY_NAME
@pytest.mark.parametrize("shape", [(2, 24), (3, 12, 16), (1, 8, 8, 8)])
def test_every_term_is_per_example_in_any_dimension(name: str, shape: tuple[int, ...]) -> None:
    made, target = numbers(3, *shape).requires_grad_(), numbers(3, *shape, seed=1)
    found = of(name, made, target)
    assert found.shape == (3,)
    assert found.dtype == torch.float32
    assert (found > 0).all()
    torch.testing.assert_close(of(name, made[1:2], target[1:2]), found[1:2])
    found.sum().backward()
    assert made.grad is not None
    assert made.grad.isfinite().all()
    assert made.grad.abs().max() > 0


@BY_NAME
def test_nothing_is_lost_where_nothing_differs(name: str) -> None:
    same = torch.full((2, 3, 8, 8), 0.25, requires_grad=True)
    found = of(name, same, same.detach())
    assert found.tolist() == [0.0, 0.0]
    found.sum().backward()
    assert same.grad is not None
    assert same.grad.isfinite().all()  # a square root would give none here


@BY_NAME
def test_every_gradient_is_that_of_differences(name: str) -> None:
    made, target = numbers(2, 3, 8, 8).double().requires_grad_(), numbers(2, 3, 8, 8, seed=1).double()
    assert torch.autograd.gradcheck(lambda x: of(name, x, target), (made,))


@BY_NAME
def test_bfloat16_changes_no_term(name: str) -> None:
    made, target = numbers(2, 3, 8, 8), numbers(2, 3, 8, 8, seed=1)
    exact = of(name, made, target)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(of(name, made, target), exact)


def test_spectra_by_hand() -> None:
    """Half as loud: the convergence is a half, and logarithms differ by log 2 where it is loud."""
    x = torch.randn(2, 1, 128, generator=torch.Generator().manual_seed(0)).double() * 100
    assert spectral(x / 2, x).tolist() == pytest.approx([0.5 + math.log(2)] * 2, abs=1e-3)
    assert spectral(-x, x).tolist() == [0.0, 0.0]  # phases do not count


def test_shapes_that_differ_are_no_comparison() -> None:
    for compare in (l1, l2, gradient_difference):
        with pytest.raises(AssertionError, match="against"):
            compare(MADE, TARGET[:1])


# --------------------------------------------------------------------------- from a recipe


def test_terms_of_a_recipe_are_weighed_and_summed() -> None:
    chosen = paired(l1=100.0, l2=0.5)
    found = chosen(Generated(MADE, TARGET))
    assert {name: value.tolist() for name, value in found.items()} == {"l1": [1.5, 1.0], "l2": [3.5, 2.5]}
    total = chosen.total(found)
    assert isinstance(total, Tensor)
    assert total.tolist() == [151.75, 101.25]
    assert paired().total(paired()(Generated(MADE))) == 0.0


def test_packs_take_the_mean_of_their_examples() -> None:
    chosen = paired(l1=100.0)
    loss = chosen.added(torch.tensor([7.0]), chosen(Generated(MADE, TARGET)))
    assert loss.tolist() == [132.0]  # 7 + 100·(1.5 + 1) / 2


def test_without_a_target_the_input_is_the_reference() -> None:
    chosen = terms(entries(low_pass=1.0, edges=1.0, cycle=10.0, identity=5.0), GAMES["exchange"])
    assert (chosen.weight("cycle"), chosen.weight("identity")) == (10.0, 5.0)
    made, source = numbers(2, 3, 8, 8), numbers(2, 1, 16, 16, seed=1)
    found = chosen(Generated(made, None, source))
    assert list(found) == ["low_pass", "edges"]  # the others are the game's
    assert torch.equal(found["low_pass"], low_pass(made, source))
    assert torch.equal(found["edges"], edges(made, source))
    found = paired(low_pass=1.0)(Generated(made, made.flip(0), source))
    assert torch.equal(found["low_pass"], low_pass(made, made.flip(0)))
    assert terms([], GAMES["exchange"]).weight("cycle") == 0.0


@pytest.mark.parametrize(
    ("game", "names", "message"),
    [
        ("translation", ["l3"], r"unknown term 'l3'.*Did you mean 'l2'"),
        ("translation", ["featurematching"], "Did you mean 'feature_matching'"),
        ("translation", ["l1", "l1"], "there twice"),
        ("translation", ["cycle"], "translation cannot compute the term cycle; it can have l1, l2"),
        (
            "exchange",
            ["l1"],
            "l1 needs a target, which the game exchange does not have; it can have low_pass",
        ),
        ("exchange", ["feature_matching"], "needs a target"),
        ("duel", ["edges"], "duel cannot compute the term edges; it can have none"),
        ("inference", ["identity"], "inference cannot compute the term identity; it can have cycle"),
    ],
)
def test_terms_that_a_game_cannot_have_are_refused(game: str, names: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        terms([recipe.Term(name=name) for name in names], GAMES[game])


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_weight_is_not_negative(weight: float) -> None:
    with pytest.raises(RecipeError, match="weight"):
        paired(l1=weight)


# --------------------------------------------------------------------------- the pool


def fakes(turn: int, n: int = 4) -> Tensor:
    """Each fake is a number of its own: turn · n, turn · n + 1, …"""
    return (torch.arange(n) + turn * n).float().view(n, 1)


def test_the_pool_is_a_list_with_a_coin() -> None:
    """The same as the papers' algorithm, written with a list."""
    pool, rng, kept = Pool(6, (1,)), Rng(3), []
    for turn in range(30):
        given = pool.exchange(fakes(turn), rng.move_to(turn)).flatten().tolist()
        again = Rng(3, turn)
        random_bits, places = again.uniform(4), again.integers(6, 4)
        for fake, coin, place, answer in zip(
            fakes(turn).flatten().tolist(), random_bits, places, given, strict=True
        ):
            if len(kept) < 6:
                kept.append(fake)
                assert answer == fake
            elif coin < 0.5:
                assert answer == kept[place]
                kept[place] = fake
            else:
                assert answer == fake
        assert pool.kept.flatten().tolist()[: len(kept)] == kept
        assert pool.count == len(kept)


def test_half_of_what_a_full_pool_gives_is_old_and_nothing_is_given_twice() -> None:
    pool, rng, given = Pool(50, (1,)), Rng(1), []
    old = 0
    for turn in range(500):
        answer = pool.exchange(fakes(turn), rng.move_to(4 * turn))
        old += int((answer != fakes(turn)).sum()) if turn >= 13 else 0
        given += answer.flatten().tolist()
    assert 0.46 < old / (4 * 487) < 0.54  # deviation .011
    # The first 50 are returned when they are kept, and once more when they leave.
    twice = [fake for fake in set(given) if given.count(fake) > 1]
    assert max(twice) < 50
    assert len(twice) >= 45


def test_a_pool_goes_on_from_its_state_bit_for_bit() -> None:
    one, other = Pool(5, (3, 2, 2)), Pool(5, (3, 2, 2))
    for turn in range(6):
        one.exchange(numbers(3, 3, 2, 2, seed=turn), Rng(2, turn))
    other.load_state_dict(one.state_dict())
    for turn in range(6, 12):
        batch = numbers(3, 3, 2, 2, seed=turn)
        torch.manual_seed(turn)  # global chance has no part in it
        before = torch.get_rng_state()
        assert torch.equal(one.exchange(batch, Rng(2, turn)), other.exchange(batch, Rng(2, turn)))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.kept, other.kept)


def test_what_a_pool_gives_has_no_graph_and_is_no_view_of_it() -> None:
    pool = Pool(2, (1,))
    batch = fakes(0).requires_grad_()
    given = pool.exchange(batch, Rng(0))
    assert not given.requires_grad
    given.zero_()
    assert pool.kept.flatten().sort().values.tolist() != [0.0, 0.0]


def test_a_pool_of_none_gives_back_what_came() -> None:
    pool = Pool(0, (1,))
    assert torch.equal(pool.exchange(fakes(3), Rng(0)), fakes(3))
    assert not pool.kept.numel()
    with pytest.raises(RecipeError, match="must not be negative"):
        Pool(-1, (1,))
