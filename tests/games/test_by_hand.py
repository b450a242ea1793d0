"""One round of every game against losses worked out by hand: every weight another one, and none of them 1.

Networks are straight lines of one number, G(x) = ax + b and D(x) = wx + v: everything has a closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch, Turn
from ganforge.core.declared import GAMES
from ganforge.core.prior import Prior
from ganforge.core.recipe import Augmentation, Penalty
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.core.space import Space
from ganforge.games.contest import Contest
from ganforge.networks.players import Inverse, TwoDirections
from ganforge.objectives.adversarial import adversarial
from ganforge.objectives.augment import augment
from ganforge.objectives.penalties import penalties
from ganforge.objectives.terms import Terms

POINT = Space(kind="points", shape=(1,))
LAZY = Penalty(name="r1", weight=3.0, every=4)
ADVERSARIAL, MISMATCHED, CYCLE, IDENTITY, L1, L2 = 0.6, 0.7, 3.0, 0.5, 10.0, 0.25


class Line(nn.Module):
    """``(N, 1)`` to slope·x + offset; a class adds its own offset."""

    def __init__(self, slope: float, offset: float, of_class: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.slope, self.offset = nn.Parameter(torch.tensor(slope)), offset
        self.of_class = torch.tensor(of_class)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        y = self.slope * x + self.offset
        return y if condition is None else y + condition @ self.of_class[:, None]


class Judge(Line):
    """The same as logits ``(N,)``; what is stacked upon an example is weighed too, and its own condition."""

    examples_are_independent = True

    def __init__(self, *values: Any, beside: float = 0.0) -> None:
        super().__init__(*values)
        self.beside = beside

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x,)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        example, *rest = x.unbind(1)
        logits = super().forward(example[:, None], condition)[:, 0]
        return logits + self.beside * sum(rest, torch.zeros(()))


def turns(name: str, G: nn.Module, D: nn.Module, batch: Batch, **settings: Any) -> list[Turn]:
    """The first round of a game of these players."""
    objective = settings.pop("objective")
    made: Any = GAMES[name]
    game: Contest = made(
        generator=G,
        discriminator=D,
        objective=adversarial(objective),
        penalties=penalties([LAZY]),
        augment=augment(Augmentation(), POINT),
        **settings,
    )
    return list(game.play(lambda: batch, Rng(7), Moment(0, 0, 0.0)))


def hinge(r: float, f: float) -> float:
    return max(1 - r, 0.0) + max(1 + f, 0.0)


def softplus(t: float) -> float:
    return math.log1p(math.exp(t))


def r1(slope: float) -> float:
    """(γ/2)‖∇D‖², asked for in every fourth round and therefore fourfold."""
    return 4 * 3.0 / 2 * slope**2


def column(*numbers: float) -> Tensor:
    return torch.tensor(numbers)[:, None]


def duel() -> tuple[list[Turn], list[list[float]]]:
    x, classes = (
        (0.4, -0.9),
        ((0.3, -0.2), (-0.2, 0.3)),
    )  # what the judge adds: for its own class, for the other
    z = Prior(1)(Rng(7), 2)[:, 0].tolist()
    fake = [2.0 * z[0] + 0.5 + 0.1, 2.0 * z[1] + 0.5 + 0.8]
    r = [1.5 * value + own for value, (own, _) in zip(x, classes, strict=True)]
    other = [1.5 * value + strange for value, (_, strange) in zip(x, classes, strict=True)]
    f = [1.5 * value + own for value, (own, _) in zip(fake, classes, strict=True)]
    # The objective with the reals, and with reals that are asked to be of the other class as fakes.
    first = [
        hinge(r[i], f[i]) + MISMATCHED * hinge(r[i], other[i]) + r1(1.5)  # and the penalty
        for i in range(2)
    ]
    found = turns(
        "duel",
        Line(2.0, 0.5, (0.1, 0.8)),
        Judge(1.5, 0.0, (0.3, -0.2)),
        Batch(column(*x), None, torch.eye(2)),
        objective="hinge",
        prior=Prior(1),
        mismatched=MISMATCHED,
    )
    return found, [first, [-value for value in f]]


def translation() -> tuple[list[Turn], list[list[float]]]:
    x, s = 0.4, -0.9
    fake = 2.0 * s + 0.5
    r, f = 1.5 * x - 0.7 * s, 1.5 * fake - 0.7 * s  # each upon its input
    first = 0.5 * (r - 1) ** 2 + 0.5 * f**2 + r1(math.hypot(1.5, 0.7))
    second = ADVERSARIAL * 0.5 * (f - 1) ** 2 + L1 * abs(fake - x) + L2 * (fake - x) ** 2
    found = turns(
        "translation",
        Line(2.0, 0.5),
        Judge(1.5, 0.0, beside=-0.7),
        Batch(column(x), column(s)),
        objective="least_squares",
        adversarial_weight=ADVERSARIAL,
        terms=Terms({"l1": L1, "l2": L2}),
    )
    return found, [[first], [second]]


def exchange_of_domains() -> tuple[list[Turn], list[list[float]]]:
    x, s = -0.3, 0.4

    def there(value: float) -> float:
        return 2.0 * value + 0.5

    def back(value: float) -> float:
        return 0.8 * value - 1.0

    first = second = 0.0
    for go, come, start, aim, w in ((there, back, s, x, 1.5), (back, there, x, s, -2.0)):
        r, f = w * aim, w * go(start)
        first += 0.5 * (r - 1) ** 2 + 0.5 * f**2 + r1(w)
        second += ADVERSARIAL * 0.5 * (f - 1) ** 2
        second += CYCLE * abs(come(go(start)) - start) + IDENTITY * abs(go(aim) - aim)
    found = turns(
        "exchange",
        TwoDirections(Line(2.0, 0.5), Line(0.8, -1.0)),
        nn.ModuleList([Judge(1.5, 0.0), Judge(-2.0, 0.0)]),
        Batch(column(x), column(s)),
        objective="least_squares",
        adversarial_weight=ADVERSARIAL,
        terms=Terms({"cycle": CYCLE, "identity": IDENTITY}),
    )
    return found, [[first], [second]]


def exchange_of_classes() -> tuple[list[Turn], list[list[float]]]:
    x, shift, judge = (0.4, -0.9), (0.1, 0.8), (0.3, -0.2)
    first, second = [0.0, 0.0], [0.0, 0.0]
    for i, wanted in ((0, 1), (1, 0)):  # each is asked for the other's class
        fake = 2.0 * x[i] + 0.5 + shift[wanted]
        r, f = 1.5 * x[i] + judge[i], 1.5 * fake + judge[wanted]
        first[i] = softplus(f - r) + r1(1.5)
        returned = 2.0 * fake + 0.5 + shift[i]  # asked for the class that it came from
        kept = 2.0 * x[i] + 0.5 + shift[i]
        second[i] = ADVERSARIAL * softplus(r - f) + CYCLE * abs(returned - x[i]) + IDENTITY * abs(kept - x[i])
    found = turns(
        "exchange",
        Line(2.0, 0.5, shift),
        nn.ModuleList([Judge(1.5, 0.0, judge)]),
        Batch(column(*x), None, torch.eye(2)),
        objective="relativistic",
        adversarial_weight=ADVERSARIAL,
        terms=Terms({"cycle": CYCLE, "identity": IDENTITY}),
    )
    return found, [first, second]


def inference() -> tuple[list[Turn], list[list[float]]]:
    """Donahue et al. 2017, equation 3, on one pair of each kind, with the exchanged labels."""
    x, z = 0.8, Prior(1)(Rng(7), 1).item()
    code = x / 4 + 1
    r, f = 1.5 * x - 3 * code, 1.5 * (2 * z) - 3 * z
    first = softplus(-r) + softplus(f) + r1(1.5)
    second = softplus(r) + softplus(-f) + CYCLE * abs(2 * code - x)
    found = turns(
        "inference",
        Inverse(Line(2.0, 0.0), Line(0.25, 1.0)),
        Judge(1.5, 0.0, (-3.0,)),
        Batch(column(x)),
        objective="non_saturating",
        prior=Prior(1),
        terms=Terms({"cycle": CYCLE}),
    )
    return found, [[first], [second]]


class Completer(Line):
    """Logits are slope·z, what is made of them lies half above, and it is likely by its square distance."""

    blocks = judged_every = 1

    def masks(self, rng: Rng, n: int) -> Tensor:
        return (rng.uniform(n, 1) < rng.uniform(n, 1)).float()

    def logits(self, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        return self(z)

    def fill(self, logits: Tensor, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        return given * mask + (logits[: len(z)] + 0.5) * (1 - mask)

    def likelihood(self, logits: Tensor, real: Tensor, mask: Tensor) -> Tensor:
        return (logits - real).square()[:, 0] * (1 - mask[:, 0])


def completion() -> tuple[list[Turn], list[list[float]]]:
    x = (0.4, -0.9, 0.2, 0.1)
    rng = Rng(7)
    mask = (rng.uniform(4, 1) < rng.uniform(4, 1)).float()[:, 0].tolist()
    z = Prior(1)(rng, 4)[:, 0].tolist()
    assert set(mask) == {0.0, 1.0}
    fake = x[0] if mask[0] else 2.0 * z[0] + 0.5
    r, f = (1.5 * value - 3.0 * mask[0] for value in (x[0], fake))  # one row in four is judged
    unlike = [0.0 if mask[i] else L2 * (2.0 * z[i] - x[i]) ** 2 for i in range(4)]
    second = [unlike[0] - ADVERSARIAL * 4 * f, *unlike[1:]]
    found = turns(
        "completion",
        Completer(2.0, 0.0),
        Judge(1.5, 0.0, (-3.0,)),
        Batch(column(*x)),
        objective="hinge",
        prior=Prior(1),
        terms=Terms({"likelihood": L2}),
        adversarial_weight=ADVERSARIAL,
    )
    return found, [[4 * (hinge(r, f) + r1(1.5)), 0.0, 0.0, 0.0], second]


CASES: dict[str, Callable[[], tuple[list[Turn], list[list[float]]]]] = {
    "duel": duel,
    "translation": translation,
    "exchange": exchange_of_domains,
    "exchange, classes": exchange_of_classes,
    "inference": inference,
    "completion": completion,
}


@pytest.mark.parametrize("case", CASES)
def test_both_turns_lower_what_the_paper_says(case: str):
    found, expected = CASES[case]()
    assert [turn.player for turn in found] == ["discriminator", "generator"]
    for turn, loss in zip(found, expected, strict=True):
        assert turn.loss.tolist() == pytest.approx(loss, rel=1e-5)


def test_every_game_has_a_round_by_hand():
    assert {case.partition(",")[0] for case in CASES} == set(GAMES)
