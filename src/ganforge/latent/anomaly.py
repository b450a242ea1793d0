"""How unlike its data a run finds an example: by what comes back of it, and by what its discriminator says.

A generator has learned normal examples only. Where there is a way from an example to its latent, the example
is made again, and what does not come back was not learned. Every sign is larger for what is stranger.

==========  ==============================================================  ================================
sign        what it is, of an example x, its latent z and x′ = G(z)         source
==========  ==============================================================  ================================
residual    mean (x − x′)²                                                  AnoGAN: Schlegl et al. 2017
relative    mean (x − x′)² / mean x², from black or silence: minus the      the same, for examples of which
            signal-to-noise ratio. Of points it is the residual.            some have less to get wrong
features    1 − cosine of φ(x) and φ(x′), mean over the stages φ of the     Zenati et al. 2018; f-AnoGAN:
            discriminator                                                   Schlegl et al. 2019, equation 5
logit       −D(x, z) of a discriminator of pairs, −D(x) of any other        Zenati et al. 2018, section 3
neighbours  1 − cosine of ε(x) and the nearest ε of normal examples, ε the  Bergman et al. 2020
            encoder's last hidden layer
==========  ==============================================================  ================================

AnoGAN: arXiv 1703.05921. Zenati et al., 'Efficient GAN-based anomaly detection': arXiv 1802.06222. The papers
take absolute differences of one stage's features: a cosine does not count how loud they are. Bergman et al.,
'Deep nearest neighbor anomaly detection': arXiv 2002.10445.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.errors import UsageError
from ganforge.core.space import Space
from ganforge.latent.inversion import invert
from ganforge.networks.encoder import Encoder
from ganforge.networks.protocols import Discriminator
from ganforge.runs.sampler import GeneratorSampler

__all__ = ["COMBINED", "SIGNS", "Normal", "Seen", "auroc", "look", "look_at", "remember"]

SIGNS = ("residual", "relative", "features", "logit", "neighbours")
COMBINED = ("relative", "neighbours")
"""The signs that count unless others are named: what the generator cannot make, and what the encoder has not
met. Chosen on two digits of a seed that no table has (``benchmarks/results/anomaly.md``)."""

_ROWS = 250  # examples at once


@dataclass(frozen=True, eq=False)
class Seen:
    """Examples, and what was made of them.

    Attributes:
        latents: ``(N, L)``.
        rebuilt: ``(N, *space.shape)`` in declared units.
        signs: ``(N,)`` each, by name.
    """

    latents: Tensor
    rebuilt: Tensor
    signs: dict[str, Tensor]


def look(
    sampler: GeneratorSampler,
    examples: Tensor,
    *,
    encoder: Encoder,
    condition: Tensor | None = None,
    judge: nn.Module | None = None,
    of_pairs: bool = False,
    memory: Tensor | None = None,
    steps: int = 0,
) -> Seen:
    """Make ``examples (N, *space.shape)``, in declared units, again, and measure every sign there is.

    Args:
        encoder: the way back, the run's own or one that was trained afterwards (``latent.inversion``).
        condition: ``(N, C)`` where the generator takes one.
        judge: a discriminator whose examples are independent; without one there are no features, no logit.
        of_pairs: whether it is told the latent too (the game ``inference``).
        memory: normal examples as :func:`remember` gives them; without one there are no neighbours.
        steps: of a search from the encoder's answer (AnoGAN's way); 0 takes the answer as it is.
    """
    found: list[Seen] = []
    for start in range(0, len(examples), _ROWS):
        rows = slice(start, start + _ROWS)
        conditions = None if condition is None else condition[rows]
        back = invert(sampler, examples[rows], condition=conditions, encoder=encoder, steps=steps, restarts=0)
        beside = conditions
        if of_pairs:
            beside = back.latents if conditions is None else torch.cat([back.latents, conditions], 1)
        signs = look_at(sampler.space, examples[rows], back.rebuilt, judge=judge, beside=beside)
        if memory is not None:
            own = remember(sampler.space, examples[rows], encoder=encoder, condition=conditions)
            signs["neighbours"] = 1.0 - (own @ memory.T).amax(1)
        found.append(Seen(back.latents, back.rebuilt, signs))
    return Seen(
        torch.cat([one.latents for one in found]),
        torch.cat([one.rebuilt for one in found]),
        {name: torch.cat([one.signs[name] for one in found]) for name in found[0].signs},
    )


@torch.no_grad()
def remember(space: Space, examples: Tensor, *, encoder: Encoder, condition: Tensor | None = None) -> Tensor:
    """The encoder's last hidden layer of ``examples (N, *space.shape)``, in declared units, at length 1.

    ``(N, F)`` on the CPU.
    """
    device = next(encoder.parameters()).device
    found: list[Tensor] = []
    for start in range(0, len(examples), _ROWS):
        rows = slice(start, start + _ROWS)
        conditions = None if condition is None else condition[rows].to(device)
        h = encoder.features(space.to_model(examples[rows]).to(device), conditions)
        found.append(F.normalize(h.float(), dim=1).cpu())
    return torch.cat(found)


@torch.no_grad()
def look_at(
    space: Space,
    examples: Tensor,
    rebuilt: Tensor,
    *,
    judge: nn.Module | None = None,
    beside: Tensor | None = None,
) -> dict[str, Tensor]:
    """The signs of ``examples`` and what was made of them, ``(N, *space.shape)`` in declared units.

    Args:
        judge: examples in model units and what stands ``beside`` them, ``(N, K)``, to logits.
    """
    x, again = space.to_model(examples), space.to_model(rebuilt)
    residual = (x - again).square().flatten(1).mean(1)
    found = {"residual": residual, "relative": residual}
    if space.bounded:
        energy = (x - space.codec.empty).square().flatten(1).mean(1)
        found["relative"] = residual / energy.clamp_min(1e-4)
    if judge is not None:
        device = next(judge.parameters()).device
        x, again = x.to(device), again.to(device)
        stages = cast(Discriminator, judge).features
        apart = [
            1.0 - F.cosine_similarity(mine.flatten(1), other.flatten(1))
            for mine, other in zip(stages(x), stages(again), strict=True)
        ]
        logits = cast(Tensor, judge(x, None if beside is None else beside.to(device))).float()
        found["features"] = torch.stack(apart).mean(0).float().cpu()
        found["logit"] = -(logits.flatten(1).mean(1) if logits.dim() > 1 else logits).cpu()
    return found


@dataclass(frozen=True)
class Normal:
    """What normal examples look like that training has not seen: it makes signs comparable.

    Attributes:
        mean, deviation: of each sign that counts, over the normal examples.
        scores: of these examples themselves, sorted.
    """

    mean: dict[str, float]
    deviation: dict[str, float]
    scores: tuple[float, ...]

    @classmethod
    def of(cls, signs: Mapping[str, Tensor], names: Sequence[str] = COMBINED) -> Normal:
        """From the signs of normal examples ``(M,)``. Of ``names``, those that are there count.

        Raises UsageError where there are fewer than two examples or none of these signs.
        """
        names = [name for name in names if name in signs]
        if not names:
            raise UsageError(f"there is no sign to score by; there is {', '.join(signs)}")
        if len(signs[names[0]]) < 2:
            raise UsageError("a score needs at least 2 normal examples that training has not seen")
        mean = {name: signs[name].double().mean().item() for name in names}
        deviation = {name: max(signs[name].double().std().item(), 1e-12) for name in names}
        plain = cls(mean, deviation, ())
        return cls(mean, deviation, tuple(plain.score(signs).sort().values.tolist()))

    def score(self, signs: Mapping[str, Tensor]) -> Tensor:
        """How strange examples are, ``(N,)``: the mean over signs of their distance from normal.

        In deviations of normal examples; anomalies have no say in it.
        """
        far = [(signs[name].double() - self.mean[name]) / self.deviation[name] for name in self.mean]
        return torch.stack(far).mean(0).float()

    def threshold(self, quantile: float) -> float:
        """Above it lies a share of 1 − ``quantile`` of the normal examples. Raises UsageError."""
        if not 0.0 < quantile < 1.0:
            raise UsageError(f"the quantile is {quantile:g}; it must be between 0 and 1, as in 0.95")
        return float(np.quantile(self.scores, quantile))


def auroc(scores: Tensor, anomalous: Tensor) -> float:
    """Chance that an anomaly has the higher score than a normal example; .5 is none, ties count one half.

    The area under the curve of hits over false alarms, as Mann and Whitney's U (Hanley & McNeil 1982).

    Args:
        scores: ``(N,)``.
        anomalous: ``(N,)`` bool; both kinds must be there.
    """
    strange = anomalous.bool().cpu().numpy()
    positives, negatives = int(strange.sum()), int((~strange).sum())
    assert positives > 0, "no anomaly among the examples"
    assert negatives > 0, "no normal example among the examples"
    _, place, counts = np.unique(scores.double().cpu().numpy(), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[place.reshape(-1)]  # from 1; ties share their middle
    return float((ranks[strange].sum() - positives * (positives + 1) / 2) / (positives * negatives))
