"""Terms that are added to the generator's loss.

y is what was made, t the target that it should have become, s the input that it was made from; r is the
target where there is one and the input otherwise, so that a term of r has a meaning in games without pairs
too. ∂ₐ is the difference of neighbours along axis a, φₖ the discriminator's k-th stage, ↓ averages of
squares of 8 a side (4 where the shortest side is below 64). Everything is in model units, and every mean is
over one example.

===================  =============================================  ======  ==============================
name                 what is added for each example                 needs   source
===================  =============================================  ======  ==============================
l1                   mean |y − t|                                   t       Isola et al. 2017, equation 3
l2                   mean (y − t)²                                  t       Mathieu et al. 2016
gradient_difference  Σₐ mean ||∂ₐt| − |∂ₐy||                        t       the same, equation 6, α = 1
feature_matching     mean over k of mean |φₖ(y) − φₖ(t)|            t       Wang et al. 2018, section 3.2
low_pass             mean |↓y − ↓r|, grey where channels differ     r       downscaling consistency
edges                mean |‖∇y‖ − ‖∇r‖| in grey, Sobel's filters    r       Sobel & Feldman 1968
total_variation      Σₐ mean |∂ₐy|                                  –       Rudin et al. 1992, anisotropic
spectral             mean over sizes of SC + mean |log|S(y)|    t       Yamamoto et al. 2020, eqs. 2 to 5
                     − log|S(t)||, SC = ‖|S(t)| − |S(y)|‖ /
                     ‖S(t)‖, S a short-time spectrum
cycle                mean |F(y) − s|, F the direction back          –       Zhu et al. 2017, equation 2
identity             mean |G(x) − x|, x of the target's domain        –       the same, section 5.2
likelihood           − mean log p(hidden column | given ones)       –       Uria et al. 2014, section 4
===================  =============================================  ======  ==============================

The games compute cycle and identity themselves, both by :func:`l1`, and likelihood; they are declared here
with the others.
Mathieu et al.: arXiv 1511.05440; Yamamoto: 1910.11480; Isola: 1611.07004; Wang: 1711.11585; Zhu: 1703.10593.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ganforge.core import recipe
from ganforge.core.declared import TERMS, GameTraits, TermTraits
from ganforge.core.errors import RecipeError
from ganforge.objectives.adversarial import per_example, wide

__all__ = [
    "Generated",
    "Terms",
    "edges",
    "feature_matching",
    "gradient_difference",
    "l1",
    "l2",
    "low_pass",
    "spectral",
    "terms",
    "total_variation",
]

_AVERAGE: dict[int, Callable[..., Tensor]] = {
    1: F.adaptive_avg_pool1d,
    2: F.adaptive_avg_pool2d,
    3: F.adaptive_avg_pool3d,
}
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True)
class Generated:
    """What a generator makes, and what it is compared with.

    Attributes:
        made: ``(N, C, *sides)`` in model units, with its graph.
        target: ``(N, C, *sides)``, or None in games without pairs.
        source: the input, ``(N, C′, *sides′)``, or None.
        features: the discriminator's stages of such examples, each ``(n, …)`` with n = N or, where m
            examples are judged together, N / m.
    """

    made: Tensor
    target: Tensor | None = None
    source: Tensor | None = None
    features: Callable[[Tensor], tuple[Tensor, ...]] | None = None


def l1(made: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference, ``(N, …)``, ``(N, …)`` → ``(N,)``."""
    assert made.shape == target.shape, f"{tuple(made.shape)} against {tuple(target.shape)}"
    return per_example((wide(made) - wide(target)).abs())


def l2(made: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference, ``(N, …)``, ``(N, …)`` → ``(N,)``."""
    assert made.shape == target.shape, f"{tuple(made.shape)} against {tuple(target.shape)}"
    return per_example((wide(made) - wide(target)).square())


def gradient_difference(made: Tensor, target: Tensor) -> Tensor:
    """How far the steepness is off, whatever its sign: ``(N, C, *sides)`` twice → ``(N,)``.

    Mathieu et al. 2016, equation 6 with α = 1, as a mean along each axis instead of a sum.
    """
    assert made.shape == target.shape, f"{tuple(made.shape)} against {tuple(target.shape)}"
    made, target = wide(made), wide(target)
    found = [
        per_example((target.diff(dim=axis).abs() - made.diff(dim=axis).abs()).abs())
        for axis in range(2, made.dim())
    ]
    return torch.stack(found).sum(0)


def total_variation(made: Tensor) -> Tensor:
    """How much neighbours differ, ``(N, C, *sides)`` → ``(N,)``."""
    made = wide(made)
    return torch.stack([per_example(made.diff(dim=axis).abs()) for axis in range(2, made.dim())]).sum(0)


def low_pass(made: Tensor, reference: Tensor, *, factor: int | None = None) -> Tensor:
    """Difference of both averaged down: colour and layout are kept, and texture is free.

    Args:
        made: ``(N, C, *sides)``.
        reference: ``(N, C′, *sides′)``; where C′ is not C, both are compared in grey.
        factor: how many numbers a side are averaged, of the smaller of both; None is 8, or 4 where its
            shortest side is below 64.
    """
    sides = _smaller(made, reference)
    factor = factor or (8 if min(sides) >= 64 else 4)
    grid = tuple(-(-side // factor) for side in sides)
    made, reference = _same_channels(wide(made), wide(reference))
    return l1(_averaged(made, grid), _averaged(reference, grid))


def edges(made: Tensor, reference: Tensor) -> Tensor:
    """Difference of the steepness of both in grey, a number a pixel: outlines are kept.

    ``(N, C, *sides)``, ``(N, C′, *sides′)`` → ``(N,)``; the larger is averaged down to the smaller.
    """
    sides = _smaller(made, reference)
    return l1(*(_steepness(_averaged(_grey(wide(x)), sides)) for x in (made, reference)))


def feature_matching(
    made: Tensor, target: Tensor, features: Callable[[Tensor], tuple[Tensor, ...]]
) -> Tensor:
    """Difference of a discriminator's stages, the target's held: ``(N, …)``, ``(N, …)`` → ``(N,)``.

    Wang et al. 2018, section 3.2, as a mean over the stages instead of a sum.
    """
    with torch.no_grad():
        wanted = features(target)
    found = torch.stack([l1(ours, theirs) for ours, theirs in zip(features(made), wanted, strict=True)])
    return found.mean(0).repeat_interleave(made.shape[0] // found.shape[1])


def spectral(made: Tensor, target: Tensor) -> Tensor:
    """Difference of the magnitudes of both spectra at several sizes: ``(N, C, T)`` twice → ``(N,)``.

    Yamamoto et al. 2020, equations 2 to 5, with windows of 64 to 2,048 samples, a quarter apart, as far as
    two fit. −60 dB is added to magnitudes, so that silence is no ruin. What has more sides is taken row
    after row.
    """
    assert made.shape == target.shape, f"{tuple(made.shape)} against {tuple(target.shape)}"
    y, t = wide(made).flatten(2), wide(target).flatten(2)
    sizes = [size for size in (64, 128, 256, 512, 1024, 2048) if 2 * size <= y.shape[2]]
    found: list[Tensor] = []
    for size in sizes or [y.shape[2]]:
        ours, theirs = (_magnitudes(x, size) for x in (y, t))
        off = (theirs - ours).flatten(1).norm(dim=1) / (theirs + 1e-3).flatten(1).norm(dim=1)
        found.append(off + per_example(((theirs + 1e-3).log() - (ours + 1e-3).log()).abs()))
    return torch.stack(found).mean(0)


# --------------------------------------------------------------------------- parts


def _magnitudes(x: Tensor, size: int) -> Tensor:
    """``(N, C, T)`` to the magnitudes of its spectra ``(N, C, bins, frames)``, about 1 for a full sine."""
    window = torch.hann_window(size, device=x.device, dtype=x.dtype)
    step = max(1, size // 4)
    found = torch.stft(x.flatten(0, 1), size, step, window=window, center=False, return_complex=True)
    power = found.real.square() + found.imag.square()
    return ((power + 1e-9).sqrt() * (4.0 / size)).unflatten(0, x.shape[:2])


def _smaller(made: Tensor, reference: Tensor) -> tuple[int, ...]:
    """The sides of the smaller of both."""
    return tuple(min(pair) for pair in zip(made.shape[2:], reference.shape[2:], strict=True))


def _averaged(x: Tensor, sides: tuple[int, ...]) -> Tensor:
    """``(N, C, *larger)`` → ``(N, C, *sides)``, each number a mean."""
    return x if x.shape[2:] == sides else _AVERAGE[len(sides)](x, sides)


def _grey(x: Tensor) -> Tensor:
    """``(N, C, …)`` → ``(N, 1, …)``: luminance of RGB and RGBA pictures, else the mean of the channels."""
    if x.dim() == 4 and x.shape[1] in (3, 4):
        weights = x.new_tensor(_LUMINANCE).view(3, 1, 1)
        return (x[:, :3] * weights).sum(1, keepdim=True)
    return x.mean(1, keepdim=True)


def _same_channels(made: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    if made.shape[1] == reference.shape[1]:
        return made, reference
    return _grey(made), _grey(reference)


def _steepness(x: Tensor) -> Tensor:
    """‖∇x‖ by Sobel's filters, a number a pixel, ``(N, 1, *sides)`` → the same shape.

    A difference along one axis, ``[−1, 0, 1] / 2``, is smoothed along the others, ``[1, 2, 1] / 4``.
    """
    axes = range(2, x.dim())
    x = F.pad(x, (1, 1) * len(axes), mode="replicate")  # a frame of zeros would be an edge
    slopes: list[Tensor] = []
    for along in axes:
        slope = x
        for axis in axes:
            n = x.shape[axis] - 2
            before, here, after = (slope.narrow(axis, start, n) for start in range(3))
            slope = (after - before) / 2 if axis == along else (before + 2 * here + after) / 4
        slopes.append(slope)
    # vector_norm's gradient at 0 is 0; that of a square root of a sum would not be a number.
    return torch.linalg.vector_norm(torch.stack(slopes), dim=0)


# --------------------------------------------------------------------------- from a recipe


def _target(made: Generated) -> Tensor:
    assert made.target is not None
    return made.target


def _reference(made: Generated) -> Tensor:
    found = made.source if made.target is None else made.target
    assert found is not None
    return found


def _matching(made: Generated) -> Tensor:
    assert made.features is not None
    return feature_matching(made.made, _target(made), made.features)


L1 = TermTraits(
    "l1", "absolute difference from the target", "target", lambda made: l1(made.made, _target(made))
)
L2 = TermTraits(
    "l2", "squared difference from the target", "target", lambda made: l2(made.made, _target(made))
)
GRADIENT_DIFFERENCE = TermTraits(
    "gradient_difference",
    "as much contrast at each place as the target has",
    "target",
    lambda made: gradient_difference(made.made, _target(made)),
)
FEATURE_MATCHING = TermTraits(
    "feature_matching",
    "difference from the target in what the discriminator sees",
    "target",
    _matching,
    needs_features=True,
)
LOW_PASS = TermTraits(
    "low_pass",
    "the coarse colours of the target, or of the input",
    "input",
    lambda made: low_pass(made.made, _reference(made)),
)
EDGES = TermTraits(
    "edges",
    "the outlines of the target, or of the input",
    "input",
    lambda made: edges(made.made, _reference(made)),
)
SPECTRAL = TermTraits(
    "spectral",
    "magnitudes of the target's spectra at several sizes, for waves",
    "target",
    lambda made: spectral(made.made, _target(made)),
)
TOTAL_VARIATION = TermTraits(
    "total_variation",
    "difference between neighbours, so that results are smooth",
    "input",
    lambda made: total_variation(made.made),
)
CYCLE = TermTraits("cycle", "what is led there and back comes back as it was")
IDENTITY = TermTraits("identity", "what already is of the target's domain stays as it is")
LIKELIHOOD = TermTraits("likelihood", "each hidden column of a row is likely beside the given ones")


@dataclass(frozen=True)
class Terms:
    """The terms of a recipe.

    Attributes:
        weights: of each term by its name, those that the game computes itself too.
    """

    weights: dict[str, float]

    def weight(self, name: str) -> float:
        """That of one term; 0 where the recipe does not have it."""
        return self.weights.get(name, 0.0)

    def __call__(self, made: Generated) -> dict[str, Tensor]:
        """Each term that is computed from ``made``, by its name, unweighted: ``(N,)`` float32."""
        return {name: of(made) for name in self.weights if (of := TERMS[name].of) is not None}

    def total(self, found: dict[str, Tensor]) -> Tensor | float:
        """The weighted sum of what a call gave, ``(N,)``; 0.0 without terms."""
        return sum((self.weights[name] * value for name, value in found.items()), start=0.0)

    def added(self, loss: Tensor | None, *found: dict[str, Tensor]) -> Tensor:
        """A loss ``(n,)`` with the weighted sums of what calls gave, one after the other.

        Where m examples are judged together, a verdict's share is their mean.
        """
        for some in found:
            if loss is not None:
                n = len(loss)
                some = {k: x if len(x) == n else x.unflatten(0, (n, -1)).mean(1) for k, x in some.items()}
            total = self.total(some)
            if isinstance(total, Tensor):
                loss = total if loss is None else loss + total
        assert loss is not None, "there is nothing to lower"
        return loss


def terms(entries: Sequence[recipe.Term], game: type[GameTraits]) -> Terms:
    """The terms of a recipe for its game.

    Raises:
        RecipeError: an unknown name, one that comes twice, a negative weight, or one that the game cannot
            compute: without pairs there is no target, and not every game leads back.
    """
    able = [name for name, term in TERMS.items() if term.needs in game.compares or name in game.own_terms]
    weights: dict[str, float] = {}
    for entry in entries:
        name = entry.name
        term = TERMS.find(name)
        if name in weights:
            raise RecipeError(f"the term {name} is there twice; keep one of them")
        if not entry.weight >= 0.0:
            raise RecipeError(f"weight of the term {name} is {entry.weight}; it must not be negative")
        if name not in able:
            why = f"the game {game.name} cannot compute the term {name}"
            if term.needs == "target":
                why = f"the term {name} needs a target, which the game {game.name} does not have"
            raise RecipeError(f"{why}; it can have {', '.join(able) or 'none'}")
        weights[name] = entry.weight
    return Terms(weights)
