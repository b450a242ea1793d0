"""Augmentations on pictures that can be checked by eye, and the adaptive probability by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd.gradcheck import gradcheck, gradgradcheck

from ganforge.core import recipe
from ganforge.core.errors import RecipeError
from ganforge.core.rng import Rng
from ganforge.core.space import Space
from ganforge.objectives.augment import POLICIES, Augment, augment, color, cutout, translation

RGB = Space(kind="pictures", shape=(3, 16, 24))
SPACES = {
    "waves": Space(kind="waves", shape=(1, 40), sample_rate=8000),
    "grey": Space(kind="pictures", shape=(1, 8, 8)),
    "rgb": RGB,
    "rgba": Space(kind="pictures", shape=(4, 9, 17)),
    "shapes": Space(kind="shapes", shape=(1, 8, 9, 10)),
}


def examples(space: Space, n: int = 8, seed: int = 0) -> Tensor:
    return torch.randn(n, *space.shape, generator=torch.Generator().manual_seed(seed)).tanh()


def every_policy(space: Space, probability: float = 1.0) -> Augment:
    policies = POLICIES[1:] if space.kind == "waves" else POLICIES
    return Augment(space, policies=policies, probability=probability)


# --------------------------------------------------------------------------- each policy by hand


def test_color_by_hand() -> None:
    """One place-pair picture, step by step: brightness, saturation about grey, contrast about the mean."""
    x = torch.tensor([[[[0.3, -0.1]], [[0.6, 0.2]], [[-0.3, 0.5]]]])  # greys .2 and .2
    step = color(x, torch.tensor([0.25]), torch.tensor([1.0]), torch.tensor([1.0]), 3)
    torch.testing.assert_close(step, x + 0.25)
    step = color(x, torch.tensor([0.0]), torch.tensor([0.5]), torch.tensor([1.0]), 3)
    torch.testing.assert_close(step, torch.tensor([[[[0.25, 0.05]], [[0.4, 0.2]], [[-0.05, 0.35]]]]))
    step = color(x, torch.tensor([0.0]), torch.tensor([1.0]), torch.tensor([1.5]), 3)
    torch.testing.assert_close(step, torch.tensor([[[[0.35, -0.25]], [[0.8, 0.2]], [[-0.55, 0.65]]]]))
    # All three: (.3 + .25 = .55; .45 + (.55 − .45)·½ = .5; .45 + (.5 − .45)·1.5 = .525), ...
    step = color(x, torch.tensor([0.25]), torch.tensor([0.5]), torch.tensor([1.5]), 3)
    torch.testing.assert_close(step, torch.tensor([[[[0.525, 0.225]], [[0.75, 0.45]], [[0.075, 0.675]]]]))


def test_color_in_three_steps_on_random_pictures() -> None:
    x = examples(RGB)
    b, s, c = (torch.rand(8, generator=torch.Generator().manual_seed(i)) for i in range(3))
    column = (8, 1, 1, 1)
    y = x + b.view(column)
    grey = y.mean(1, keepdim=True)
    y = grey + (y - grey) * s.view(column)
    mean = y.mean((1, 2, 3), keepdim=True)
    y = mean + (y - mean) * c.view(column)
    torch.testing.assert_close(color(x, b, s, c, 3), y)


@pytest.mark.parametrize(("name", "colours"), [("grey", 1), ("rgba", 3), ("rgb", 3)])
def test_color_leaves_transparency_alone(name: str, colours: int) -> None:
    space = SPACES[name]
    term = Augment(space, policies=("color",))
    assert term.colours == colours
    x = examples(space)
    y = term(x, Rng(0))
    assert torch.equal(y[:, colours:], x[:, colours:])
    assert not torch.equal(y[:, :colours], x[:, :colours])
    if colours == 1:  # no saturation: an affine map of each picture
        u = Rng(0).uniform(8, 4)[:, 1:]
        torch.testing.assert_close(y.std((1, 2, 3)), x.std((1, 2, 3)) * (u[:, 2] + 0.5))


def test_translation_of_a_known_picture() -> None:
    x = torch.arange(1.0, 13).view(1, 1, 3, 4)
    moved = translation(x, torch.tensor([[1, -2]]), (1, 2))  # a row down, two columns to the left
    assert moved.tolist() == [[[[0, 0, 0, 0], [3, 4, 0, 0], [7, 8, 0, 0]]]]
    still = translation(x, torch.tensor([[0, 0]]), (1, 2))
    assert torch.equal(still, x)


@pytest.mark.parametrize("name", SPACES)
def test_translation_rolls_what_stays(name: str) -> None:
    """Each example by its own shift, in 1 to 3 dimensions, also from channels-last memory."""
    space = SPACES[name]
    x = examples(space, 5)
    reach = tuple(range(1, space.dims + 1))
    shifts = Rng(1).integers(3, 5, space.dims) - 1
    if space.dims == 2:
        x = x.contiguous(memory_format=torch.channels_last)
    got = translation(x, shifts, reach)
    for i in range(5):
        by = shifts[i].tolist()
        expected = x[i].roll(by, tuple(range(1, space.dims + 1)))
        for axis, shift in enumerate(by, start=1):
            came_in = expected.narrow(axis, 0 if shift > 0 else expected.shape[axis] + shift, abs(shift))
            came_in.zero_()
        assert torch.equal(got[i], expected)


def test_translation_can_be_differentiated_twice() -> None:
    x = examples(Space(kind="pictures", shape=(2, 3, 4)), 2).double().requires_grad_()
    by = torch.tensor([[1, -2], [-1, 1]])
    assert gradcheck(lambda x: translation(x, by, (1, 2)).sin(), (x,))
    assert gradgradcheck(lambda x: translation(x, by, (1, 2)).sin(), (x,))


def test_cutout_of_a_known_picture() -> None:
    x = torch.ones(2, 1, 4, 4)
    got = cutout(x, torch.tensor([[1, 4], [2, 2]]), (2, 2), torch.tensor([True, False]))
    # Rows 0 and 1, columns 3 and 4: the second is past the end.
    assert got[0, 0].tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert torch.equal(got[1], x[1])


def test_ranges() -> None:
    """Brightness ±½, saturation ×0…2, contrast ×½…1½, shifts ±⅛, boxes of half a side, all reached."""
    n = 4000
    flat = torch.full((n, 3, 16, 24), 0.25)
    y = Augment(RGB, policies=("color",))(flat, Rng(0)) - 0.25  # flat: brightness alone is seen
    assert -0.5 <= y.min() < -0.498
    assert 0.498 < y.max() <= 0.5
    red = torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1).expand(n, 3, 16, 24)
    y = Augment(RGB, policies=("color",))(red, Rng(0))[:, :, 0, 0]
    spread = y[:, 0] - y[:, 2]  # 2·saturation·contrast
    assert 0 <= spread.min() < 0.01
    assert 5.5 < spread.max() <= 6.0
    ramp = torch.arange(1.0, 16 * 24 + 1).view(1, 1, 16, 24).expand(n, 3, 16, 24)
    y = Augment(RGB, policies=("translation",))(ramp, Rng(0))
    assert sorted({int(v) for v in (ramp[:, 0, 8, 12] - y[:, 0, 8, 12])}) == sorted(
        24 * down + right for down in range(-2, 3) for right in range(-3, 4)
    )
    y = Augment(RGB, policies=("cutout",))(torch.ones(n, 3, 16, 24), Rng(0))
    gone = (y == 0).sum((1, 2, 3)) // 3
    assert gone.max() == 8 * 12
    assert gone.min() == 4 * 6  # centred on a corner: a quarter of the box is inside
    often = (y == 0).float().mean((0, 1))  # symmetric: each edge as often as the opposite one
    torch.testing.assert_close(often, often.flip(0, 1), atol=0.05, rtol=0)
    assert abs(often[7, 11] - 8 / 17 * 12 / 25) < 0.03


# --------------------------------------------------------------------------- chance


@pytest.mark.parametrize("name", SPACES)
def test_probability(name: str) -> None:
    space = SPACES[name]
    x = examples(space, 64)
    assert torch.equal(every_policy(space, 0.0)(x, Rng(0)), x)
    always = every_policy(space, 1.0)
    y = always(x, Rng(0))
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert torch.equal(y, always(x, Rng(0)))
    assert not torch.equal(y, always(x, Rng(1)))
    changed = (every_policy(space, 0.3)(x, Rng(0)) != x).flatten(1).any(1).float().mean()
    assert 0.3 < changed < 0.95


def test_probability_is_each_example_and_each_policy() -> None:
    for policy in POLICIES:
        y = Augment(RGB, policies=(policy,), probability=0.3)(examples(RGB, 2000), Rng(0))
        changed = (y != examples(RGB, 2000)).flatten(1).any(1).float().mean().item()
        # One of 35 translations does not move.
        assert abs(changed - 0.3) < 0.045, policy


@pytest.mark.parametrize("name", SPACES)
def test_parts_see_their_rows(name: str) -> None:
    space = SPACES[name]
    x = examples(space)
    whole = every_policy(space, 0.7)(x, Rng(3))
    halves = [every_policy(space, 0.7)(x[4 * i : 4 * i + 4], Rng(3, part=i, parts=2)) for i in range(2)]
    torch.testing.assert_close(torch.cat(halves), whole, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", SPACES)
def test_gradient_reaches_the_examples(name: str) -> None:
    space = SPACES[name]
    x = examples(space).requires_grad_()
    weights = examples(space, seed=1)
    (gradient,) = torch.autograd.grad((every_policy(space)(x, Rng(0)) * weights).sum(), x)
    assert (gradient != 0).flatten(1).any(1).all()
    # Every policy is affine, so a step of any size changes the output by the gradient.
    step = examples(space, seed=2)
    with torch.no_grad():
        change = (every_policy(space)(x + step, Rng(0)) - every_policy(space)(x, Rng(0))) * weights
    torch.testing.assert_close(change.sum(), (gradient * step).sum(), rtol=1e-3, atol=1e-3)


def test_points_and_no_policy_are_left_alone() -> None:
    x = torch.randn(4, 2)
    term = augment(recipe.Augmentation(policy="color,cutout"), Space(kind="points", shape=(2,)))
    assert term(x, Rng(0)) is x
    y = examples(RGB)
    assert augment(recipe.Augmentation(), RGB)(y, Rng(0)) is y


# --------------------------------------------------------------------------- the adaptive probability


def adaptive(level: float | None, start: float = 0.4) -> Augment:
    return Augment(RGB, policies=POLICIES, probability=start, target=0.6, ramp_kimg=1.0, level=level)


def test_adapts_to_the_level() -> None:
    """Reals all above the level: the discriminator wins, so p rises by n / ramp; and falls otherwise."""
    term = adaptive(0.5)
    term.adapt(torch.tensor([0.6, 5.0]), torch.tensor([9.0, 9.0]), 50)
    assert term.probability.item() == pytest.approx(0.45)
    assert term.statistic.item() == pytest.approx(0.7)  # .6 + ¼·(1 − .6)
    term = adaptive(0.5)
    term.adapt(torch.tensor([0.4, 5.0]), torch.tensor([-9.0, -9.0]), 50)  # sign(r − ½) is 0 on average
    assert term.probability.item() == pytest.approx(0.35)


def test_adapts_to_pairs_where_the_level_is_free() -> None:
    term = adaptive(None)
    term.adapt(torch.tensor([-3.0, -4.0]), torch.tensor([-4.0, -5.0]), 100)
    assert term.probability.item() == pytest.approx(0.5)
    for _ in range(3):
        term.adapt(torch.tensor([3.0, 4.0]), torch.tensor([4.0, 3.0]), 100)
    assert term.probability.item() == pytest.approx(0.2)


def test_adaptation_stays_in_its_bounds() -> None:
    term = adaptive(0.0)
    for _ in range(20):
        term.adapt(torch.ones(4), torch.ones(4), 100)
    assert term.probability.item() == pytest.approx(0.8)
    for _ in range(20):
        term.adapt(-torch.ones(4), torch.ones(4), 100)
    assert term.probability.item() == 0.0
    assert set(term.state_dict()) == {"probability", "statistic"}
    fixed = Augment(RGB, policies=POLICIES, probability=1.0)
    fixed.adapt(-torch.ones(4), torch.ones(4), 100)
    assert fixed.probability.item() == 1.0


# --------------------------------------------------------------------------- from a recipe


def test_from_a_recipe() -> None:
    entry = recipe.Augmentation(policy="cutout, color", probability=0.25, target=0.5, ramp_kimg=20.0)
    term = augment(entry, RGB, level=None)
    assert term.policies == ("color", "cutout")
    assert term.probability.item() == 0.25
    assert (term.target, term.level, term.ramp_nimg) == (0.5, None, 20_000.0)


@pytest.mark.parametrize(
    ("fields", "space", "words"),
    [
        ({"policy": "colour"}, RGB, "Did you mean 'color'"),
        ({"policy": "color"}, SPACES["waves"], "set augmentation.policy to translation"),
        ({"policy": "color", "probability": 1.5}, RGB, "from 0 to 1"),
        ({"policy": "color", "target": 2.0}, RGB, "usually 0.6"),
        ({"policy": "color", "ramp_kimg": 0.0}, RGB, "more than 0"),
    ],
)
def test_wrong_recipes(fields: dict[str, object], space: Space, words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        augment(recipe.Augmentation(**fields), space)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_translation_does_not_depend_on_the_memory_format():
    """A picture of one channel may be contiguous with a channel stride of 1, which misled the shift."""
    x = torch.arange(2 * 1 * 8 * 8, dtype=torch.float32).view(2, 1, 8, 8)
    odd = x.to(memory_format=torch.channels_last).as_strided((2, 1, 8, 8), (64, 1, 8, 1))
    by = torch.tensor([[1, -1], [0, 1]])
    assert torch.equal(translation(odd, by, (1, 1)), translation(x, by, (1, 1)))
