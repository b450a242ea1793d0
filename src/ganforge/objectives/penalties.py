"""Terms that are added to the discriminator's loss.

D is the discriminator, x a real example, x̃ a fake one, r = D(x) and f = D(x̃) their logits. Where
an example has several logits, r1 and r2 are the mean over them, so that γ means what it means for one: the
gradient of their mean would leave free how far they are apart. The slopes of norm 1 are those of the mean.

==============  ====================================================  ==========================
name            what is added for each example                        usual weight
==============  ====================================================  ==========================
r1              (γ/2)‖∇D(x)‖²                                         γ: .05 at 32², 2 at 64²
r2              (γ/2)‖∇D(x̃)‖²                                         as r1
interpolated    weight·(‖∇D(x̂)‖ − 1)², x̂ = x + t(x̃ − x), t ~ U[0,1)  10; .1 for points
dragan          weight·(‖∇D(x + ½σₓu)‖ − 1)², u ~ U[−1,1)             10
centring        weight·(r + f)²                                       .01
lecam           weight·[(r − α_F)₊² + (α_R − f)₊²]                    .3
reconstruction  weight·(error of the discriminator's own decoder)     1
==============  ====================================================  ==========================

r1 and r2 exist in a second form, ``finite_difference``: (γ/2)·(D(x + σε) − D(x))²/σ² with ε ~ N(0, I).
Its expectation is (γ/2)‖∇D‖² + O(σ²), it needs no gradient of a gradient, and one draw of it has a
relative deviation of √2. σ must stay well under the finest structure of the data. Source: the
approximate penalties of Seaweed-APT, arXiv 2501.08316, equation 4, here divided by σ² so that γ keeps
its meaning.

A penalty answers with one number for each verdict, shape ``(n,)``, whose mean is the penalty. When only
a share of the batch is looked at, the others answer 0 and the looked-at are scaled up to match: parts of
a round add up exactly as long as a part holds a whole number of 1/share verdicts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, cast, final

import torch
from torch import Tensor, nn

from ganforge.core import recipe
from ganforge.core.declared import PENALTIES, PenaltyTraits
from ganforge.core.errors import RecipeError
from ganforge.core.rng import Rng
from ganforge.objectives.adversarial import per_example, wide
from ganforge.objectives.evidence import (
    Evidence,
    Judge,
    Side,
    changes,
    every,
    gradients,
    spread,
    squared_gradients,
)

__all__ = [
    "R1",
    "R2",
    "Centring",
    "Dragan",
    "Evidence",
    "Interpolated",
    "LeCam",
    "Penalty",
    "Reconstruction",
    "ZeroCentred",
    "penalties",
    "penalty",
]


class Penalty(nn.Module, PenaltyTraits, ABC):
    """A term of the discriminator's loss.

    Attributes:
        differentiates_input: whether it would use gradients of the given logits with respect to
            ``evidence.real`` and ``evidence.fake``. If these had ``requires_grad`` set before they were
            judged, it saves a forward pass; it is right without.
    """

    def __init__(self) -> None:
        super().__init__()
        self.differentiates_input = False

    @classmethod
    def of(cls, entry: recipe.Penalty) -> Penalty:
        """The term that an entry of a recipe asks for; its weight and its rhythm are the game's."""
        settings: dict[str, Any] = {"share": entry.share} if cls.shares else {}
        return cls(**settings)

    @abstractmethod
    def forward(self, evidence: Evidence, weight: float | Tensor, rng: Rng) -> Tensor:
        """The term for each verdict, ``(n,)`` float32; its mean is the penalty times ``weight``."""


def _like(x: Tensor, numbers: Callable[..., Tensor]) -> Tensor:
    """Numbers of the shape of ``x``, in its precision (float32 at least)."""
    return numbers(*x.shape).to(wide(x))


class ZeroCentred(Penalty):
    """R1 on reals, R2 on fakes, or both: (γ/2)‖∇D‖², with γ the weight given at the call.

    Mescheder et al. 2018, arXiv 1801.04406, equation 9, with the factor ½ of the paper.

    Args:
        real, fake: which kinds it looks at. Both together cost one pass where the judge is independent.
        sigma: the step of the finite difference in model units; None takes the exact gradient.
        share: share of the verdicts looked at, rounded to 1/k: .25 is every fourth.
    """

    def __init__(
        self, *, real: bool = True, fake: bool = False, sigma: float | None = None, share: float = 1.0
    ) -> None:
        assert real or fake
        super().__init__()
        self.on_reals, self.on_fakes = real, fake
        self.sigma = sigma
        self.stride = _stride(share)
        self.differentiates_input = sigma is None and self.stride == 1

    def forward(self, evidence: Evidence, weight: float | Tensor, rng: Rng) -> Tensor:
        judge, sides = evidence.judge, self._sides(evidence)
        if self.sigma is None:
            squares = squared_gradients(judge, sides, rng, judged=self.stride == 1)
        else:
            # The numbers of each side are drawn apart, so that parts of a round draw their own rows.
            steps = [self.sigma * _like(side.examples, rng.normal) for side in sides]
            moves = changes(judge, sides, steps, independent=evidence.independent)
            squares = [per_example((move / self.sigma).square()) for move in moves]
        total = squares[0] if len(squares) == 1 else squares[0] + squares[1]
        return (0.5 * weight) * spread(total, evidence.verdicts, self.stride)

    @classmethod
    def by(cls, entry: recipe.Penalty, *, real: bool, fake: bool) -> ZeroCentred:
        """By the settings of an entry of a recipe."""
        sigma = entry.sigma if entry.method == "finite_difference" else None
        return ZeroCentred(real=real, fake=fake, sigma=sigma, share=entry.share)

    def _sides(self, evidence: Evidence) -> list[Side]:
        kinds: list[tuple[Tensor, Tensor | None, Tensor]] = []
        if self.on_reals:
            kinds.append((evidence.real, evidence.condition, evidence.real_logits))
        if self.on_fakes:
            kinds.append((evidence.fake, evidence.of_fakes, evidence.fake_logits))
        return [
            Side(
                every(examples, self.stride, evidence.packing),
                _every(condition, self.stride, evidence.packing),
                logits[:: self.stride],
            )
            for examples, condition, logits in kinds
        ]


@final
class R1(ZeroCentred):
    """:class:`ZeroCentred` on reals."""

    name = "r1"
    words = "D should be flat at real examples"
    on_gradient = shares = finite_difference = True
    usual = 0.05

    @classmethod
    def of(cls, entry: recipe.Penalty) -> Penalty:
        return cls.by(entry, real=True, fake=False)


@final
class R2(ZeroCentred):
    """:class:`ZeroCentred` on fakes."""

    name = "r2"
    words = "D should be flat at fakes"
    on_gradient = shares = finite_difference = True
    usual = 0.05

    @classmethod
    def of(cls, entry: recipe.Penalty) -> Penalty:
        return cls.by(entry, real=False, fake=True)


# --------------------------------------------------------------------------- gradients of norm 1


def _distance_from_slope_one(judge: Judge, x: Tensor, condition: Tensor | None) -> Tensor:
    """(‖∇D(x)‖ − 1)² of each verdict, ``(n,)``."""
    # vector_norm's gradient at 0 is 0; that of a square root of a sum would not be a number.
    return (torch.linalg.vector_norm(gradients(judge, x, condition), dim=1) - 1.0).square()


@final
class Interpolated(Penalty):
    """The gradient penalty of WGAN-GP: Gulrajani et al. 2017, arXiv 1704.00028, equation 3.

    One t for each verdict: examples that are judged together move along one line.
    """

    name = "interpolated"
    words = "D's slope should be 1 between reals and fakes"
    on_gradient = shares = True
    usual = 0.1

    def __init__(self, *, share: float = 1.0) -> None:
        super().__init__()
        self.stride = _stride(share)

    def forward(self, evidence: Evidence, weight: float | Tensor, rng: Rng) -> Tensor:
        real, fake, condition = _looked_at(evidence, self.stride)
        t = rng.uniform(real.shape[0] // evidence.packing, 1).to(real)  # (k, 1)
        t = t.repeat_interleave(evidence.packing, 0)
        if condition is not None and evidence.fake_condition is not None:  # what was asked lies between too
            other = every(evidence.fake_condition, self.stride, evidence.packing)
            condition = torch.lerp(condition, other, t)
        t = t.view(-1, *[1] * (real.dim() - 1))
        distance = _distance_from_slope_one(evidence.judge, torch.lerp(real, fake, t), condition)
        return weight * spread(distance, evidence.verdicts, self.stride)


@final
class Dragan(Penalty):
    """Kodali et al. 2017, arXiv 1705.07215, section 2.5: slope 1 around the reals.

    The noise is centred. The authors' own code draws u from [0, 1), which also makes every picture
    brighter. σₓ is the deviation of all numbers of the batch; in a round cut into parts it is the
    part's, so parts do not add up exactly.
    """

    name = "dragan"
    words = "D's slope should be 1 around the reals"
    on_gradient = shares = batchwise = True
    usual = 0.1

    def __init__(self, *, share: float = 1.0) -> None:
        super().__init__()
        self.stride = _stride(share)

    def forward(self, evidence: Evidence, weight: float | Tensor, rng: Rng) -> Tensor:
        real, _, condition = _looked_at(evidence, self.stride)
        u = 2.0 * _like(real, rng.uniform) - 1.0
        near = real + 0.5 * evidence.real.detach().std(correction=0) * u
        distance = _distance_from_slope_one(evidence.judge, near, condition)
        return weight * spread(distance, evidence.verdicts, self.stride)


def _looked_at(evidence: Evidence, stride: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """Reals, fakes and conditions of the looked-at verdicts, detached."""
    packing = evidence.packing
    return (
        every(evidence.real.detach(), stride, packing),
        every(evidence.fake.detach(), stride, packing),
        _every(evidence.condition, stride, packing),
    )


def _every(condition: Tensor | None, stride: int, packing: int) -> Tensor | None:
    return None if condition is None else every(condition, stride, packing)


# --------------------------------------------------------------------------- terms of logits


@final
class Centring(Penalty):
    """weight·(r + f)²: holds the level that a relativistic objective leaves free."""

    name = "centring"
    words = "keeps the level of D's verdict"
    usual = 0.001

    def forward(self, evidence: Evidence, weight: float | Tensor, rng: Rng) -> Tensor:
        return weight * per_example((wide(evidence.real_logits) + wide(evidence.fake_logits)).square())


@final
class LeCam(Penalty):
    """Tseng et al. 2021, arXiv 2104.03310, equation 4, one-sided: [(r − α_F)₊² + (α_R − f)₊²].

    The anchors α_R and α_F are moving averages of the mean logits, freed of their start at 0 as in
    Adam. They suit objectives with an absolute level. A call in training mode moves them first; in a
    round cut into parts every part does, so parts do not add up exactly.
    """

    name = "lecam"
    words = "holds D's verdict near its own average"
    usual = 0.01

    real_sum: Tensor
    fake_sum: Tensor
    total: Tensor

    def __init__(self, *, decay: float = 0.99) -> None:
        super().__init__()
        assert 0.0 <= decay < 1.0
        self.decay = decay
        for name in ("real_sum", "fake_sum", "total"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, evidence: Evidence, weight: float | Tensor, rng: Rng) -> Tensor:
        r, f = wide(evidence.real_logits), wide(evidence.fake_logits)
        if self.training:
            with torch.no_grad():
                self.real_sum.lerp_(r.mean().to(self.real_sum), 1.0 - self.decay)
                self.fake_sum.lerp_(f.mean().to(self.fake_sum), 1.0 - self.decay)
                self.total.lerp_(torch.ones_like(self.total), 1.0 - self.decay)
        total = self.total.clamp_min(torch.finfo(torch.float32).tiny)
        real_anchor, fake_anchor = self.real_sum / total, self.fake_sum / total
        term = (r - fake_anchor).relu().square() + (real_anchor - f).relu().square()
        return weight * per_example(term)


@final
class Reconstruction(Penalty):
    """The discriminator must be able to rebuild reals from its features: Liu et al. 2021 (FastGAN), arXiv
    2101.04775, equation 4.

    Needs a discriminator with a decoder, such as the family few_shot's.
    """

    name = "reconstruction"
    words = "D must be able to rebuild reals from its features"
    shares = True

    def __init__(self, *, share: float = 0.5) -> None:
        super().__init__()
        self.stride = _stride(share)

    def forward(self, evidence: Evidence, weight: float | Tensor, rng: Rng) -> Tensor:
        if evidence.reconstruction_loss is None:
            raise RecipeError(
                "the penalty reconstruction needs a discriminator that reconstructs; "
                "set discriminator.family to few_shot"
            )
        packing = evidence.packing
        looked_at = every(evidence.real.detach(), self.stride, packing)
        error = wide(evidence.reconstruction_loss(looked_at))  # (K,)
        return weight * spread(error.view(-1, packing).mean(1), evidence.verdicts, self.stride)


# --------------------------------------------------------------------------- from a recipe


def _stride(share: float) -> int:
    if not 0.0 < share <= 1.0:
        raise RecipeError(f"a penalty's share is {share}; it must be more than 0 and at most 1")
    return round(1.0 / share)


def penalty(entry: recipe.Penalty) -> Penalty:
    """The term that one entry of a recipe names; its weight and its rhythm are the caller's.

    Raises:
        RecipeError: the name or a value is wrong.
    """
    name, declared = entry.name, PENALTIES.find(entry.name)
    if entry.method == "finite_difference":
        if not declared.finite_difference:
            raise RecipeError(f"the penalty {name} has no finite_difference; set its method to exact")
        if not entry.sigma > 0.0:
            raise RecipeError(f"sigma of the penalty {name} is {entry.sigma}; it must be more than 0")
    if entry.every < 1:
        raise RecipeError(f"every of the penalty {name} is {entry.every}; it must be at least 1")
    return cast(type[Penalty], declared).of(entry)


def penalties(entries: Iterable[recipe.Penalty]) -> list[tuple[recipe.Penalty, Penalty]]:
    """The terms of a recipe, each with the entry whose weight and rhythm it keeps.

    r1 and r2 with otherwise equal settings become one term, which needs one pass instead of two.

    Raises:
        RecipeError: a name or a value is wrong, or a name comes twice.
    """
    wanted = list(entries)
    names = [entry.name for entry in wanted]
    for name in names:
        if names.count(name) > 1:
            raise RecipeError(f"the penalty {name} is there twice; keep one of them")
    by_name = {entry.name: entry for entry in wanted}
    r1, r2 = by_name.get(R1.name), by_name.get(R2.name)
    if r1 is None or r2 is None or replace(r2, name=R1.name) != r1:
        return [(entry, penalty(entry)) for entry in wanted]
    both = ZeroCentred.by(r1, real=True, fake=True)
    return [(entry, both if entry is r1 else penalty(entry)) for entry in wanted if entry is not r2]
