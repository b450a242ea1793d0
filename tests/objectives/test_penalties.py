"""Penalties against closed forms, against finite differences, and against each other."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import gradcheck, gradgradcheck

from ganforge.core import recipe
from ganforge.core.declared import PENALTIES
from ganforge.core.errors import RecipeError
from ganforge.core.rng import Rng
from ganforge.objectives.evidence import Evidence, Judge
from ganforge.objectives.penalties import (
    Centring,
    Dragan,
    Interpolated,
    LeCam,
    Penalty,
    Reconstruction,
    ZeroCentred,
    penalties,
    penalty,
)

W = torch.tensor([3.0, -4.0, 12.0])  # ‖W‖ = 13


def linear(x: Tensor, condition: Tensor | None) -> Tensor:
    """w·x, plus w·x for each unit of the condition."""
    logits = x @ W.to(x)
    return logits if condition is None else logits * (1 + condition[:, 0])


def curved(x: Tensor, condition: Tensor | None) -> Tensor:
    """A smooth judge with another gradient at each point: sin(x₀) + x₁²/2 + x₁x₂."""
    return x[:, 0].sin() + 0.5 * x[:, 1].square() + x[:, 1] * x[:, 2]


def curved_square(x: Tensor) -> Tensor:
    """‖∇‖² of ``curved``, by hand."""
    return x[:, 0].cos().square() + (x[:, 1] + x[:, 2]).square() + x[:, 1].square()


def numbers(n: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))


def seen(judge: Judge, n: int = 8, condition: Tensor | None = None, **more: object) -> Evidence:
    real, fake = numbers(n, 3), numbers(n, 3, seed=1) + 1
    return Evidence(judge, real, fake, condition, judge(real, condition), judge(fake, condition), **more)  # type: ignore[arg-type]


def network(dtype: torch.dtype = torch.float32) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0)).to(dtype)


def judged_by(net: nn.Module) -> Judge:
    return lambda x, condition: net(x)


# --------------------------------------------------------------------------- r1 and r2


@pytest.mark.parametrize("kind", [{"real": True}, {"real": False, "fake": True}])
def test_linear_discriminator_exactly(kind: dict[str, bool]) -> None:
    got = ZeroCentred(**kind)(seen(linear), 0.5, Rng(0))
    torch.testing.assert_close(got, torch.full((8,), 0.25 * 169))  # γ/2·‖w‖²: the half counts


def test_both_sides_add() -> None:
    evidence = seen(curved)
    r1, r2 = ZeroCentred(), ZeroCentred(real=False, fake=True)
    both = ZeroCentred(fake=True)
    expected = curved_square(evidence.real) + curved_square(evidence.fake)
    torch.testing.assert_close(both(evidence, 3.0, Rng(0)), 1.5 * expected)
    torch.testing.assert_close(
        both(evidence, 3.0, Rng(0)), r1(evidence, 3.0, Rng(0)) + r2(evidence, 3.0, Rng(0))
    )


def test_weight_may_be_a_tensor() -> None:
    got = ZeroCentred()(seen(linear), torch.tensor(2.0), Rng(0))
    torch.testing.assert_close(got, torch.full((8,), 169.0))


@pytest.mark.parametrize("independent", [True, False])
def test_finite_difference_agrees_in_expectation(independent: bool) -> None:
    """For a linear judge each draw is γ/2·(w·ε)², of mean γ/2·‖w‖² and relative deviation √2."""
    n = 100_000
    evidence = seen(linear, n, independent=independent)
    got = ZeroCentred(fake=True, sigma=0.01)(evidence, 0.5, Rng(5))
    exact = 2 * 0.25 * 169  # both sides; their noises are apart, so the deviation is 1/√2 of a side's
    assert abs(got.mean().item() / exact - 1) < 4 / math.sqrt(n)
    assert abs(got.std().item() / exact - 1) < 0.05


def test_finite_difference_agrees_with_the_exact_one_on_a_network() -> None:
    net = network()
    draws, n = 40_000, 4
    points, others = numbers(n, 3), numbers(n, 3, seed=1)
    real, fake = points.repeat(draws, 1), others.repeat(draws, 1)
    with torch.no_grad():
        many = Evidence(judged_by(net), real, fake, None, net(real), net(fake))
        got = ZeroCentred(fake=True, sigma=0.003)(many, 2.0, Rng(1)).view(draws, n).mean(0)
    few = Evidence(judged_by(net), points, others, None, net(points), net(others))
    exact = ZeroCentred(fake=True)(few, 2.0, Rng(1))
    assert exact.std() > 0.1 * exact.mean()  # the points differ, so the comparison says something
    torch.testing.assert_close(got, exact, rtol=5 * math.sqrt(2 / draws), atol=0)


def test_finite_difference_by_hand() -> None:
    """One step: the very noise that Draw hands out, the logits given used as D(x)."""
    evidence = seen(curved, 4)
    rng = Rng(7)
    got = ZeroCentred(fake=True, sigma=0.1)(evidence, 3.0, Rng(7))
    expected = torch.zeros(4)
    for x in (evidence.real, evidence.fake):
        change = curved(x + 0.1 * rng.normal(4, 3), None) - curved(x, None)
        expected += 1.5 * change.square() / 0.01
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize(("independent", "rows"), [(True, [4]), (False, [4, 4])])
def test_passes(independent: bool, rows: list[int]) -> None:
    """r1 and r2 share one pass of the moved examples; batch statistics need one pass for each side."""
    asked: list[int] = []

    def judge(x: Tensor, condition: Tensor | None) -> Tensor:
        asked.append(x.shape[0])
        return linear(x, condition)

    evidence = seen(judge, independent=independent)
    asked.clear()
    ZeroCentred(fake=True, sigma=0.01, share=0.25)(evidence, 1.0, Rng(0))
    assert asked == rows


def test_gradients_of_inputs_that_were_kept_save_the_pass() -> None:
    net, asked = network(), []

    def judge(x: Tensor, condition: Tensor | None) -> Tensor:
        asked.append(len(x))
        return net(x)

    plain = seen(judge)
    term = ZeroCentred(fake=True)
    assert term.differentiates_input
    assert not ZeroCentred(share=0.5).differentiates_input
    expected = term(plain, 1.0, Rng(0))
    real, fake = plain.real.clone().requires_grad_(), plain.fake.clone().requires_grad_()
    kept = Evidence(judge, real, fake, None, judge(real, None), judge(fake, None))
    asked.clear()
    got = term(kept, 1.0, Rng(0))
    assert not asked
    torch.testing.assert_close(got, expected)
    # With a share the slices are not what was judged: judged anew, same mean as by hand.
    part = ZeroCentred(share=0.5)(kept, 1.0, Rng(0))
    assert asked == [4]
    torch.testing.assert_close(part[::2], 2 * ZeroCentred()(plain, 1.0, Rng(0))[::2])


def test_batch_statistics_do_not_drown_the_difference() -> None:
    """A slice of a batch has other statistics: the given logits must not be used again."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0))
    sides: dict[bool, float] = {}
    for independent in (True, False):
        evidence = seen(judged_by(net), 512, independent=independent)
        sides[independent] = ZeroCentred(sigma=1e-3, share=0.25)(evidence, 2.0, Rng(0)).mean().item()
    jacobian = torch.autograd.functional.jacobian(net, numbers(512, 3)[::4])  # (128, 128, 3)
    own = jacobian.diagonal().square().sum(0).mean().item()  # each verdict by its own example
    assert abs(sides[False] / own - 1) < 4 * math.sqrt(2 / 128)
    assert sides[True] > 10 * own  # the negative control: what the flag is for


def test_float32_under_autocast() -> None:
    """With logits from bfloat16, the difference is still right, and so is the exact gradient."""
    net = network()
    real, fake = numbers(4096, 3), numbers(4096, 3, seed=1)
    evidence = Evidence(judged_by(net), real, fake, None, net(real), net(fake))
    for term in (ZeroCentred(fake=True, sigma=0.001), ZeroCentred(fake=True)):
        expected = term(evidence, 1.0, Rng(2))
        with torch.autocast("cpu", torch.bfloat16):
            reduced = Evidence(judged_by(net), real, fake, None, net(real), net(fake))
            assert reduced.real_logits.dtype == torch.bfloat16
            got = term(reduced, 1.0, Rng(2))
        assert got.dtype == torch.float32
        torch.testing.assert_close(got, expected, rtol=1e-2, atol=1e-4)


def test_patch_logits() -> None:
    """The mean over the logits: of w·x and 3w·x the squares are ‖w‖² and 9‖w‖², 5‖w‖² in the mean."""

    def judge(x: Tensor, condition: Tensor | None) -> Tensor:
        return torch.stack([linear(x, None), 3 * linear(x, None)], 1)[:, :, None]

    # With signs by chance it is ‖(3 ± 1)w‖²/2, half of the time each.
    found = torch.cat([ZeroCentred()(seen(judge), 2.0, Rng(k)) for k in range(200)])
    assert set(found.div(169.0).round(decimals=4).tolist()) == {2.0, 8.0}
    assert found.mean().item() == pytest.approx(5 * 169.0, rel=0.05)
    noise = Rng(4).normal(8, 3)
    got = ZeroCentred(sigma=0.01)(seen(judge), 2.0, Rng(4))
    torch.testing.assert_close(got, 5 * (noise @ W).square(), rtol=1e-2, atol=1e-2)


# --------------------------------------------------------------------------- share, conditions, packing

ALL_SHARED = [
    lambda share: ZeroCentred(fake=True, share=share),
    lambda share: ZeroCentred(fake=True, sigma=0.05, share=share),
    lambda share: Interpolated(share=share),
    lambda share: Dragan(share=share),
]


@pytest.mark.parametrize("term", ALL_SHARED)
def test_a_share_keeps_the_mean(term: type[Penalty]) -> None:
    """On average over the rows; here every row is alike, so exactly, up to the noise of a difference."""
    evidence = seen(linear, 6)
    got = term(0.25)(evidence, 1.0, Rng(0))  # rows 0 and 4 of 6
    assert got.shape == (6,)
    assert (got[[1, 2, 3, 5]] == 0).all()
    assert (got[[0, 4]] > 0).all()
    if got[0] == got[4]:
        torch.testing.assert_close(got.mean(), term(1.0)(evidence, 1.0, Rng(0)).mean())


def test_conditions_follow_their_rows() -> None:
    condition = torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0]])
    got = ZeroCentred(fake=True, share=0.5)(seen(linear, 8, condition), 1.0, Rng(0))
    rows = torch.tensor([0.0, 2.0, 4.0, 6.0])
    torch.testing.assert_close(got[::2], 2 * 169 * (1 + rows).square())
    by_difference = ZeroCentred(fake=True, sigma=0.01, share=0.5)(seen(linear, 8, condition), 1.0, Rng(0))
    noises = Rng(0)
    expected = sum(((1 + rows) * (noises.normal(4, 3) @ W)).square() for _ in range(2))
    torch.testing.assert_close(by_difference[::2], expected, rtol=2e-3, atol=2e-2)


def packed(x: Tensor, condition: Tensor | None) -> Tensor:
    """Pairs of consecutive examples: w·x of the first, minus twice w·x of the second."""
    each = linear(x, condition).view(-1, 2)
    return each[:, 0] - 2 * each[:, 1]


def test_packing_takes_whole_groups() -> None:
    evidence = seen(packed, 16)
    assert (evidence.verdicts, evidence.packing) == (8, 2)
    for share in (1.0, 0.25):
        got = ZeroCentred(fake=True, share=share)(evidence, 2.0, Rng(0))
        assert got.shape == (8,)
        torch.testing.assert_close(got.mean(), torch.tensor(2 * 5 * 169.0))
    assert got.count_nonzero() == 2
    got = Interpolated(share=0.5)(evidence, 1.0, Rng(0))
    torch.testing.assert_close(got.mean(), torch.tensor((13 * math.sqrt(5) - 1) ** 2))
    noise = Rng(3).normal(8, 3)
    got = ZeroCentred(sigma=0.01, share=0.5)(evidence, 2.0, Rng(3))
    torch.testing.assert_close(got[::2], 2 * packed(noise, None).square(), rtol=5e-3, atol=5e-2)


@pytest.mark.parametrize("term", ALL_SHARED[:3])
def test_parts_add_up(term: type[Penalty]) -> None:
    whole = seen(curved, 16)
    expected = term(0.25)(whole, 1.0, Rng(9))
    for part in range(2):
        rows = slice(8 * part, 8 * part + 8)
        half = Evidence(
            curved, whole.real[rows], whole.fake[rows], None, whole.real_logits[rows], whole.fake_logits[rows]
        )
        got = term(0.25)(half, 1.0, Rng(9, part=part, parts=2))
        torch.testing.assert_close(got, expected[rows])


# --------------------------------------------------------------------------- double backward


@pytest.mark.parametrize("term", [ZeroCentred(fake=True), Interpolated(), Dragan()])
def test_gradcheck(term: Penalty) -> None:
    """The penalty's gradient for the weights, which goes twice through the discriminator."""
    double = torch.float64
    first, second = numbers(5, 3).to(double).requires_grad_(), numbers(5, seed=2).to(double).requires_grad_()
    real, fake = numbers(4, 3, seed=3).to(double), numbers(4, 3, seed=4).to(double)

    def loss(first: Tensor, second: Tensor) -> Tensor:
        def judge(x: Tensor, condition: Tensor | None) -> Tensor:
            return (x @ first.T).tanh() @ second

        return term(Evidence(judge, real, fake, None, judge(real, None), judge(fake, None)), 0.7, Rng(0))

    assert gradcheck(loss, (first, second))
    assert gradgradcheck(loss, (first, second))


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, "exact") for name in PENALTIES if name != "reconstruction"]
    + [("r1", "finite_difference"), ("r2", "finite_difference")],
)
def test_moves_the_discriminator_alone(name: str, method: str) -> None:
    net = network()
    made = numbers(8, 3, seed=5).requires_grad_()
    evidence = Evidence(
        judged_by(net), numbers(8, 3), made.detach(), None, net(numbers(8, 3)), net(made.detach())
    )
    term = penalty(recipe.Penalty(name=name, method=method))  # type: ignore[arg-type]
    if name == "lecam":
        term(evidence, 1.0, Rng(0))
        term.get_buffer("real_sum").add_(1)
    term(evidence, 1.0, Rng(0)).mean().backward()
    assert made.grad is None
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    assert max(float(g.abs().max()) for g in gradients) > 1e-4
    assert all(g.isfinite().all() for g in gradients)


# --------------------------------------------------------------------------- slope 1


def test_slope_one_costs_nothing() -> None:
    def unit(x: Tensor, condition: Tensor | None) -> Tensor:
        return linear(x, None) / 13

    for term in (Interpolated(), Dragan()):
        torch.testing.assert_close(term(seen(unit), 10.0, Rng(0)), torch.zeros(8), atol=1e-9, rtol=0)
        torch.testing.assert_close(term(seen(linear), 10.0, Rng(0)), torch.full((8,), 1440.0))  # 10·12²


def test_a_flat_discriminator_has_a_finite_gradient() -> None:
    w = torch.zeros(3, requires_grad=True)
    evidence = seen(lambda x, condition: x @ w)
    loss = Interpolated()(evidence, 1.0, Rng(0)).mean()
    loss.backward()
    assert loss.item() == 1.0
    assert w.grad is not None
    assert w.grad.isfinite().all()


def test_where_the_slope_is_taken() -> None:
    """On the line between real and fake, one t an example; and within ½σ around the real, centred."""
    places: list[Tensor] = []

    def judge(x: Tensor, condition: Tensor | None) -> Tensor:
        places.append(x.detach())
        return linear(x, None)

    evidence = seen(judge, 2000)
    places.clear()
    Interpolated()(evidence, 1.0, Rng(2))
    t = Rng(2).uniform(2000, 1)
    torch.testing.assert_close(places[0], evidence.real + t * (evidence.fake - evidence.real))
    Dragan()(evidence, 1.0, Rng(2))
    away = (places[1] - evidence.real) / evidence.real.std()
    assert 0.495 < away.abs().max() < 0.501
    assert abs(away.mean().item()) < 0.015  # a uniform on ±½ has deviation .29; 6,000 numbers


# --------------------------------------------------------------------------- terms of logits


def given(r: list[float], f: list[float]) -> Evidence:
    x = torch.zeros(len(r), 3)
    return Evidence(linear, x, x, None, torch.tensor(r), torch.tensor(f))


def test_centring_by_hand() -> None:
    got = Centring()(given([2.0, -1.0], [0.5, -3.0]), 0.01, Rng(0))
    torch.testing.assert_close(got, torch.tensor([0.0625, 0.16]))


def test_lecam_by_hand() -> None:
    term = LeCam(decay=0.5)
    # Anchors after one call are that call's means: α_R = 1, α_F = −1.
    got = term(given([3.0, -1.0], [-4.0, 2.0]), 2.0, Rng(0))
    # (3+1)² + (1+4)², (−1+1)₊² + (1−2)₊²
    torch.testing.assert_close(got, torch.tensor([82.0, 0.0]))
    # Then α_R = (½·½·1 + ½·4) / ¾ = 3, α_F = (¼·(−1) + ½·½) / ¾ = 0.
    got = term(given([4.0, 4.0], [0.5, 0.5]), 1.0, Rng(0))
    torch.testing.assert_close(got, torch.full((2,), 16 + 2.5**2))
    before = {name: value.clone() for name, value in term.state_dict().items()}
    assert set(before) == {"real_sum", "fake_sum", "total"}
    term.eval()(given([9.0], [9.0]), 1.0, Rng(0))
    assert all(torch.equal(value, before[name]) for name, value in term.state_dict().items())


def test_reconstruction_looks_at_every_second_real() -> None:
    x = torch.arange(8.0)[:, None].expand(8, 3)
    evidence = Evidence(
        linear, x, -x, None, torch.zeros(8), torch.zeros(8), reconstruction_loss=lambda x: x[:, 0]
    )
    got = Reconstruction()(evidence, 10.0, Rng(0))
    torch.testing.assert_close(got, torch.tensor([0.0, 0, 40, 0, 80, 0, 120, 0]))
    with pytest.raises(RecipeError, match="few_shot"):
        Reconstruction()(given([0.0], [0.0]), 1.0, Rng(0))


# --------------------------------------------------------------------------- from a recipe


def test_equal_r1_and_r2_become_one_term() -> None:
    entry = recipe.Penalty(name="r1", weight=0.05, weight_final=0.005, method="finite_difference", share=0.25)
    other = recipe.Penalty(name="r2", weight=0.05, weight_final=0.005, method="finite_difference", share=0.25)
    centring = recipe.Penalty(name="centring", weight=0.01)
    terms = penalties([entry, centring, other])
    assert [e for e, _ in terms] == [entry, centring]
    both = terms[0][1]
    assert isinstance(both, ZeroCentred)
    assert (both.on_reals, both.on_fakes) == (True, True)
    apart = penalties([entry, recipe.Penalty(name="r2", weight=0.1)])
    assert [e.name for e, _ in apart] == ["r1", "r2"]
    assert penalties([]) == []


@pytest.mark.parametrize("name", PENALTIES)
def test_every_name_builds(name: str) -> None:
    made = penalty(recipe.Penalty(name=name, share=0.5))
    assert getattr(made, "stride", 1) == (2 if PENALTIES[name].shares else 1)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "r3"}, "Did you mean 'r"),
        ({"name": "interpolate"}, "Did you mean 'interpolated'"),
        ({"name": "dragan", "method": "finite_difference"}, "set its method to exact"),
        ({"name": "r1", "method": "finite_difference", "sigma": 0.0}, "more than 0"),
        ({"name": "r1", "share": 0.0}, "share"),
        ({"name": "r1", "share": 1.5}, "share"),
        ({"name": "r1", "every": 0}, "from 1 to"),
    ],
)
def test_wrong_entries(entry: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        penalty(recipe.Penalty(**entry))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_name_may_come_once() -> None:
    with pytest.raises(RecipeError, match="twice"):
        penalties([recipe.Penalty(name="r1"), recipe.Penalty(name="r1", weight=2.0)])
