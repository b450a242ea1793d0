"""Adversarial losses on logits: what the discriminator and the generator each want.

Throughout, r = D(x) and f = D(G(z)) are logits, ``(N,)`` or ``(N, *patch)``; sp(t) = log(1 + eᵗ) is
softplus, (t)₊ is max(t, 0), and a higher logit means 'more real' for every objective. A loss is taken
for each logit and then averaged for each example, so every loss has shape ``(N,)``.

=====================  ==============================  =======================  ========
name                   the discriminator lowers        the generator lowers     level
=====================  ==============================  =======================  ========
minimax                sp(−r) + sp(f)                  −sp(f)                   0
non_saturating         sp(−r) + sp(f)                  sp(−f)                   0
least_squares          ½(r − 1)² + ½f²                 ½(f − 1)²                ½
wasserstein            f − r                           −f                       free
hinge                  (1 − r)₊ + (1 + f)₊             −f                       0
relativistic           sp(−(r − f))                    sp(−(f − r))             free
relativistic_average   sp(−(r − f̄)) + sp(f − r̄)       sp(−(f − r̄)) + sp(r − f̄)  free
began                  ℓ(x) − k·ℓ(G(z))                ℓ(G(z))                  free
=====================  ==============================  =======================  ========

*Level* is the logit at which the discriminator is undecided; it is free where only differences between
logits matter. WGAN is ``wasserstein`` with the player's ``clip``; WGAN-GP is ``wasserstein`` with the
penalty ``interpolated``; DRAGAN is ``non_saturating`` with the penalty ``dragan``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import cast, final

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganforge.core.declared import OBJECTIVES, ObjectiveTraits
from ganforge.core.errors import RecipeError, nearest

__all__ = [
    "Began",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "Objective",
    "Relativistic",
    "RelativisticAverage",
    "Separate",
    "Wasserstein",
    "adversarial",
    "per_example",
    "wide",
]


def wide(x: Tensor) -> Tensor:
    """``x`` in float32 at least: half precisions are widened, float64 stays."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def per_example(values: Tensor) -> Tensor:
    """``(N,)`` or ``(N, *patch)`` to ``(N,)``: the mean over the patch."""
    return values if values.dim() == 1 else values.flatten(1).mean(1)


class Objective(nn.Module, ObjectiveTraits, ABC):
    """What each player lowers, from logits of the same number of reals and fakes."""

    @final
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss, ``(N,)`` float32, from logits of one shape, ``(N, *patch)``."""
        _check(real, fake)
        return per_example(self._discriminator(wide(real), wide(fake)))

    @final
    def generator(self, real: Tensor | None, fake: Tensor) -> Tensor:
        """The generator's loss, ``(N,)`` float32; ``real`` is read only where ``generator_sees_reals``."""
        if not self.generator_sees_reals:
            return per_example(self._generator(wide(fake), wide(fake)))
        assert real is not None, "this objective needs the logits of reals for the generator's turn"
        _check(real, fake)
        return per_example(self._generator(wide(real), wide(fake)))

    @abstractmethod
    def _discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The loss of each logit."""

    @abstractmethod
    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """The loss of each logit; ``real`` is meaningless unless ``generator_sees_reals``."""

    def probability(self, logits: Tensor) -> Tensor:
        """Logits of which 0 is undecided, unless the level is another, as probabilities of being real."""
        return torch.sigmoid(logits)


class Separate(Objective):
    """An objective whose discriminator lowers the sum of a term of the reals and one of the fakes."""

    @abstractmethod
    def of_reals(self, real: Tensor) -> Tensor:
        """The term of each real logit."""

    @abstractmethod
    def of_fakes(self, fake: Tensor) -> Tensor:
        """The term of each fake logit."""

    @final
    def _discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.of_reals(real) + self.of_fakes(fake)


def _check(real: Tensor, fake: Tensor) -> None:
    # (N,) minus (N, 1) would silently be (N, N).
    assert real.shape == fake.shape, f"logits of reals {real.shape} and fakes {fake.shape} must match"


@final
class Minimax(Separate):
    """The original game: Goodfellow et al. 2014, arXiv 1406.2661, equation 1."""

    name = "minimax"
    words = "the original game: G lowers log(1 − D(G(z)))"
    saturates = True

    def of_reals(self, real: Tensor) -> Tensor:
        return softplus(-real)

    def of_fakes(self, fake: Tensor) -> Tensor:
        return softplus(fake)

    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        # log(1 − σ(f)) = −sp(f): its gradient vanishes where the discriminator is sure.
        return -softplus(fake)


@final
class NonSaturating(Separate):
    """The generator raises log σ(f) instead: Goodfellow et al. 2014, section 3."""

    name = "non_saturating"
    words = "G raises log D(G(z)) instead: the same goal, with gradients when D is sure"

    def of_reals(self, real: Tensor) -> Tensor:
        return softplus(-real)

    def of_fakes(self, fake: Tensor) -> Tensor:
        return softplus(fake)

    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-fake)


@final
class LeastSquares(Separate):
    """Mao et al. 2017, arXiv 1611.04076, equation 9 (a = 0, b = c = 1), on logits: no sigmoid."""

    name = "least_squares"
    words = "squares in place of logarithms"
    level = 0.5

    def of_reals(self, real: Tensor) -> Tensor:
        return 0.5 * (real - 1.0).square()

    def of_fakes(self, fake: Tensor) -> Tensor:
        return 0.5 * fake.square()

    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * (fake - 1.0).square()

    def probability(self, logits: Tensor) -> Tensor:
        return logits.clamp(0.0, 1.0)  # without a sigmoid its output is the probability


@final
class Wasserstein(Separate):
    """Arjovsky et al. 2017, arXiv 1701.07875, equation 2. It needs a clip or a penalty on the gradient."""

    name = "wasserstein"
    words = "a critic that measures a distance; it needs a penalty or a clip"
    level = None
    logit = "distance"

    def of_reals(self, real: Tensor) -> Tensor:
        return -real

    def of_fakes(self, fake: Tensor) -> Tensor:
        return fake

    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -fake


@final
class Hinge(Separate):
    """Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957, equations 16 and 17."""

    name = "hinge"
    words = "D stops caring about what it already knows"

    def of_reals(self, real: Tensor) -> Tensor:
        return (1.0 - real).relu()

    def of_fakes(self, fake: Tensor) -> Tensor:
        return (1.0 + fake).relu()

    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -fake


@final
class Relativistic(Objective):
    """Relativistic pairing, RpGAN: Jolicoeur-Martineau 2018, arXiv 1807.00734; R3GAN, arXiv 2501.05441.

    Real i is compared with fake i. On its own it does not converge: add r1 and r2.
    """

    name = "relativistic"
    words = "D judges pairs: which of the two is real?"
    generator_sees_reals = True
    level = None

    def _discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real)

    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(real - fake)


@final
class RelativisticAverage(Objective):
    """RaGAN: Jolicoeur-Martineau 2018, arXiv 1807.00734, section 4.2, without the later code's half.

    Each logit is compared with the mean of the other kind over the batch, at the same place of a patch.
    In a round cut into parts the mean is the part's, so parts do not add up exactly.
    """

    name = "relativistic_average"
    words = "D judges against the average of the other side"
    generator_sees_reals = True
    level = None
    batchwise = True

    def _discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake.mean(0) - real) + softplus(fake - real.mean(0))

    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(real.mean(0) - fake) + softplus(real - fake.mean(0))


@final
class Began(Objective):
    """Boundary equilibrium: Berthelot et al. 2017, arXiv 1703.10717, section 3.4.

    The energy of an example is ℓ = |logit|. With a discriminator that auto-encodes and answers with
    minus its error of reconstruction this is the paper's loss; with any other it is a distance from 0.

    The balance ``k`` is a buffer. A call of :meth:`discriminator` in training mode uses it and then
    moves it, without waiting for the device: k ← clip(k + rate·(diversity·ℓ(x) − ℓ(G(z))), 0, 1). In a
    round cut into parts every part moves it, so parts do not add up exactly.

    Args:
        diversity: γ, the ratio ℓ(G(z)) / ℓ(x) that the balance holds, 0…1. Lower gives typical samples.
        rate: λ, the step of k.
    """

    name = "began"
    words = "D rebuilds reals better than fakes; a balance keeps the two in step"
    level = None
    logit = "energy"
    options = ("diversity", "rate")

    k: Tensor

    def __init__(self, *, diversity: float = 0.5, rate: float = 0.001) -> None:
        super().__init__()
        if not 0.0 <= diversity <= 1.0:
            raise RecipeError(f"began's diversity is {diversity}; it must be from 0 to 1")
        if not rate >= 0.0:
            raise RecipeError(f"began's rate is {rate}; it must be 0 or more")
        self.diversity = diversity
        self.rate = rate
        self.register_buffer("k", torch.zeros(()))

    def _discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        real_energy, fake_energy = real.abs(), fake.abs()
        # A copy: backward still needs this k after the buffer has moved.
        loss = real_energy - self.k.clone() * fake_energy
        if self.training:
            with torch.no_grad():
                error = self.diversity * real_energy.mean() - fake_energy.mean()
                self.k.add_(self.rate * error).clamp_(0.0, 1.0)
        return loss

    def _generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.abs()


def adversarial(name: str, **options: float) -> Objective:
    """The objective called ``name``.

    Args:
        name: one of ``core.declared.OBJECTIVES``.
        options: keyword arguments of that objective; only ``began`` has any.

    Raises:
        RecipeError: the name, an option or an option's value is wrong.
    """
    objective = cast(type[Objective], OBJECTIVES.find(name))
    for option in options:
        if option not in objective.options:
            known = ", ".join(objective.options) or "none"
            hint = nearest(option, objective.options)
            raise RecipeError(f"unknown option {option!r} of objective {name}; there is {known}.{hint}")
    return objective(**options)
