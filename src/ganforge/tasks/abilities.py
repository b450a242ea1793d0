"""What a served run can do besides sampling: its discriminator's advice, and latents of posted examples."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganforge.core.codec import PNG
from ganforge.core.errors import UsageError
from ganforge.latent.feedback import advise, sentence
from ganforge.latent.inversion import invert
from ganforge.runs.folder import Moment
from ganforge.shipping.service import Ability
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["abilities"]


def abilities(path: Path, moment: Moment = "chosen") -> dict[str, Ability]:
    """For ``shipping.service.Service``: feedback and invert of a run folder at a moment. Raises RunError."""
    opened = OpenedRun(path, moment=moment)
    space = opened.space

    def feedback(example: Tensor, label: int | None) -> dict[str, Any]:
        advice = advise(opened.opinion, example, _condition_of(opened, label), levels=space.codec.step)
        return {
            "probability": advice.probability[0].item(),
            "calibration": opened.opinion.odds.how,
            "advice": sentence(advice.change[0]),
            "change": advice.change[0].tolist(),
        }

    def inverted(example: Tensor, label: int | None) -> dict[str, Any]:
        # The run's own or one that was trained before: to train one here would keep whoever asks waiting.
        encoder = opened.known_encoder()
        found = invert(opened.sampler, example, condition=_condition_of(opened, label), encoder=encoder)
        answer: dict[str, Any] = {
            "latent": found.latents[0].tolist(),
            "error": found.error[0].item(),
            "encoder": encoder is not None,
        }
        if space.codec.media == PNG:
            picture = space.codec.file(found.rebuilt[0].numpy())
            return answer | {"picture": base64.b64encode(picture).decode()}
        return answer | {"numbers": found.rebuilt[0].flatten().tolist()}

    return {"feedback": Ability(space, feedback), "invert": Ability(space, inverted)}


def _condition_of(opened: OpenedRun, label: int | None) -> Tensor | None:
    """The condition ``(1, C)``. Raises UsageError where the run needs a class and none was named."""
    conditions = opened.sampler.conditions
    if not conditions:
        return None
    if label is None:
        raise UsageError("this run was trained with classes: say which the example is of, with class")
    return torch.nn.functional.one_hot(torch.tensor([label]), conditions).float()
