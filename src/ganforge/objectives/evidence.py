"""What a discriminator has seen and said, and how steep it is there.

Penalties ask two questions of a discriminator: its gradient (:func:`squared_gradients`,
:func:`gradients`) and its change along a step (:func:`changes`). Both work in float32, whatever the
precision around them. Where an example has several logits, the squares and the changes are those of
each of them, and :func:`gradients` is that of their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganforge.core.rng import Rng
from ganforge.objectives.adversarial import per_example, wide

__all__ = ["Evidence", "Judge", "Side", "changes", "every", "gradients", "spread", "squared_gradients"]

Judge = Callable[[Tensor, Tensor | None], Tensor]
"""Examples ``(N, *shape)`` and their conditions ``(N, C)`` or None to logits ``(n, *patch)``."""


@dataclass(frozen=True)
class Evidence:
    """What a discriminator has just seen and said.

    N is the number of examples and n that of verdicts: n = N, or N / m where m consecutive examples are
    judged together (packing).

    Attributes:
        judge: the discriminator, as it was asked for the logits below.
        real: ``(N, *shape)``, as the discriminator saw them: augmented.
        fake: ``(N, *shape)``, the same.
        condition: ``(N, C)`` of the reals, and of the fakes too where they have none of their own; or None.
        real_logits: ``(n, *patch)``, judge(real, condition).
        fake_logits: ``(n, *patch)``, judge(fake, condition).
        independent: whether the judge would answer the same about an example in any company, at any
            time: no batch normalisation, no dropout, no weights that move in a forward pass (spectral
            normalisation's power iteration). If so, the logits above are used again.
        reconstruction_loss: the error of the discriminator's own decoder on examples, ``(N,)``, if it
            has one.
        fake_condition: ``(N, C)`` of the fakes, where it is another than that of the reals.
    """

    judge: Judge
    real: Tensor
    fake: Tensor
    condition: Tensor | None
    real_logits: Tensor
    fake_logits: Tensor
    independent: bool = True
    reconstruction_loss: Callable[[Tensor], Tensor] | None = None
    fake_condition: Tensor | None = None

    @property
    def of_fakes(self) -> Tensor | None:
        """The condition of the fakes."""
        return self.condition if self.fake_condition is None else self.fake_condition

    @property
    def verdicts(self) -> int:
        return self.real_logits.shape[0]

    @property
    def packing(self) -> int:
        """Consecutive examples that share a verdict."""
        assert self.real.shape[0] % self.verdicts == 0
        return self.real.shape[0] // self.verdicts


@dataclass(frozen=True)
class Side:
    """The looked-at rows of one kind: ``examples`` ``(K, *shape)``, ``logits`` ``(k, *patch)``."""

    examples: Tensor
    condition: Tensor | None
    logits: Tensor


def every(x: Tensor, stride: int, packing: int) -> Tensor:
    """Every ``stride``-th whole group of ``packing`` consecutive rows."""
    if stride == 1:
        return x
    if packing == 1:
        return x[::stride]
    return x.unflatten(0, (-1, packing))[::stride].flatten(0, 1)


def spread(values: Tensor, n: int, stride: int) -> Tensor:
    """Values ``(k,)`` of every ``stride``-th verdict to ``(n,)`` with the same mean."""
    if stride == 1:
        return values
    out = values.new_zeros(n)
    out[::stride] = values * (n / values.shape[0])
    return out


def _in_reduced_precision(x: Tensor) -> bool:
    return torch.is_autocast_enabled(x.device.type)


def _of_verdicts(verdicts: Sequence[Tensor], examples: Sequence[Tensor]) -> list[Tensor]:
    """Gradient of each verdict ``(k,)``, ``(k, size)`` for each side, with its graph.

    With batch statistics an example's gradient is that of the whole batch's sum, as everywhere in the
    field: what it does to the others' logits counts too. :func:`changes` sees its own verdict alone.
    """
    # One backward pass for all sides: they may have been judged in one batch.
    total = torch.stack([side.sum() for side in verdicts]).sum()
    found = torch.autograd.grad(total, list(examples), create_graph=True)
    return [wide(g).reshape(side.shape[0], -1) for g, side in zip(found, verdicts, strict=True)]


def gradients(judge: Judge, examples: Tensor, condition: Tensor | None) -> Tensor:
    """∇D of each verdict's mean logit, ``(n, size)`` with its graph, judging ``(N, *shape)`` in float32."""
    return _gradients(judge, examples, condition, per_example)


def _gradients(
    judge: Judge, examples: Tensor, condition: Tensor | None, verdict: Callable[[Tensor], Tensor]
) -> Tensor:
    """The gradient of what ``verdict`` makes of logits ``(n, *patch)``, ``(n,)``."""
    with torch.autocast(examples.device.type, enabled=False):
        examples = wide(examples.detach()).requires_grad_()
        return _of_verdicts([verdict(wide(judge(examples, condition)))], [examples])[0]


def squared_gradients(judge: Judge, sides: Sequence[Side], rng: Rng, *, judged: bool = False) -> list[Tensor]:
    """‖∇D‖² for each verdict of each side, each ``(k,)``, with its graph.

    Of P logits D₁ … D_P it is the mean of ‖∇Dₚ‖², estimated by one gradient: that of Σ sₚDₚ/√P with
    signs sₚ by chance, whose square has this mean (Hutchinson 1990, 'A stochastic estimator of the trace').

    Args:
        rng: of the signs; one logit needs none.
        judged: whether the sides' logits are of these very tensors. Their graph is used again if the
            examples then had ``requires_grad``; otherwise each side is judged anew.
    """
    examples, logits = [side.examples for side in sides], [side.logits for side in sides]
    kept = all(x.requires_grad for x in examples) and all(side.requires_grad for side in logits)
    mixes = [_mix(side, rng) for side in logits]
    if judged and kept and not _in_reduced_precision(examples[0]):
        found = _of_verdicts([mix(wide(side)) for mix, side in zip(mixes, logits, strict=True)], examples)
    else:
        found = [
            _gradients(judge, side.examples, side.condition, mix)
            for side, mix in zip(sides, mixes, strict=True)
        ]
    return [gradient.square().sum(1) for gradient in found]


def _mix(like: Tensor, rng: Rng) -> Callable[[Tensor], Tensor]:
    """Logits ``(k, *patch)`` as ``like`` to ``(k,)``: with random signs, over the root of their number."""
    count = like[0].numel()
    if count == 1:
        return per_example
    signs = (2 * rng.integers(2, *like.shape) - 1).to(like.device)
    return lambda logits: (signs * logits).flatten(1).sum(1) * count**-0.5


def changes(
    judge: Judge, sides: Sequence[Side], steps: Sequence[Tensor], *, independent: bool
) -> list[Tensor]:
    """D(x + step) − D(x), each logit of each verdict of each side, each ``(k, *patch)``, in float32.

    An independent judge is asked once, about all the moved examples. Any other is asked about each side's
    x and x + step in one batch, so that both meet the same statistics and the same weights.
    """
    device = sides[0].examples.device.type
    # The difference would drown in bfloat16: logits that may have come from it are not used again.
    reuse = independent and not _in_reduced_precision(sides[0].examples)
    with torch.autocast(device, enabled=False):
        still = [replace(side, examples=wide(side.examples.detach())) for side in sides]
        moved = [
            replace(side, examples=side.examples + step) for side, step in zip(still, steps, strict=True)
        ]
        if reuse:
            after = _ask(judge, moved)
            return [now - wide(s.logits) for now, s in zip(after, sides, strict=True)]
        pairs = [_ask(judge, pair) for pair in zip(moved, still, strict=True)]
        return [after - before for after, before in pairs]


def _ask(judge: Judge, sides: Sequence[Side]) -> tuple[Tensor, ...]:
    """The logits of each side, each ``(k, *patch)``, from one batch of them all."""
    conditions = [side.condition for side in sides if side.condition is not None]
    logits = judge(
        torch.cat([side.examples for side in sides]), torch.cat(conditions) if conditions else None
    )
    return wide(logits).chunk(len(sides))
