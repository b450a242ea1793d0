"""What takes longer than a moment: directions, inversion, translation, export; with news of how it goes."""

from __future__ import annotations

import base64
import binascii
import io
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganforge.core.errors import GanforgeError, UsageError
from ganforge.data.files import UnreadableError
from ganforge.data.pictures import open_upright
from ganforge.data.pixels import fit_array, to_channels
from ganforge.latent import directions, dragging, inversion
from ganforge.runs.sampler import GeneratorSampler
from ganforge.shipping.export import export
from ganforge.shipping.reading import words_of
from ganforge.studio import arguments
from ganforge.studio.bounds import Bounds
from ganforge.studio.model import Model, described
from ganforge.studio.process_control import save_now
from ganforge.studio.translation import Translation
from ganforge.studio.wire import binary

__all__ = ["Task", "do"]

_NEWS = 0.2  # seconds between two words on how a task goes
_POOL = 4_000  # latents that directions are found on
_DESCENT = 150  # steps of an inversion
_SHOWN = 7  # moments of a drag
_MOVED = 32  # samples that say what a direction changes

Tell = Callable[[float | None, str], None]
Outcome = tuple[dict[str, Any], dict[str, np.ndarray], list[bytes]]
"""A result, and arrays and pictures that come along."""


class Task:
    """One task: what it is about, and how its news are told.

    Args:
        name: the server's.
        message: of the server: ``path``, ``call``, and files that it made room for.
        say: takes news, and whether they are the last ones.
    """

    def __init__(
        self, name: str, message: dict[str, Any], say: Callable[[dict[str, Any] | bytes, bool], None]
    ) -> None:
        call: dict[str, Any] = message["call"]
        self.kind = str(call.get("kind"))
        self.path = Path(message["path"])
        self.moment = call.get("moment", "chosen")
        without = ("id", "do", "kind", "model", "moment")
        self.fields = {key: value for key, value in call.items() if key not in without}
        self.file, self.to = message.get("file"), [Path(one) for one in message.get("to", ())]
        self._news = {"type": "task", "task": name, "kind": self.kind}
        self._say = say
        self._last = 0.0

    def report(self, done: float | None, words: str) -> None:
        """How it goes, not too often."""
        if time.monotonic() - self._last >= _NEWS:
            self._last = time.monotonic()
            self._say({**self._news, "state": "running", "done": done, "words": words, "result": None}, False)

    def done(self, outcome: Outcome) -> None:
        result, arrays, shown = outcome
        news = {**self._news, "state": "done", "done": 1.0, "words": "done", "result": result}
        self._say(binary(news, arrays, shown) if shown else news, True)

    def failed(self, error: Exception) -> None:
        if not isinstance(error, GanforgeError):
            traceback.print_exc()
        words = words_of(error, {str(self.path): self.path.name})
        news = {**self._news, "state": "failed", "done": None, "words": words, "result": None}
        self._say(news, True)


def do(
    task: Task,
    generator: Callable[[Path, Any], Model],
    translation: Callable[[Path, Any], Translation],
    bounds: Bounds,
) -> None:
    """Do it, and say how it ended. ``generator`` and ``translation`` open what lies at a path."""
    try:
        match task.kind:
            case "directions":
                outcome = _directions(generator(task.path, task.moment), task.fields, task.report)
            case "drag":
                outcome = _drag(generator(task.path, task.moment), task.fields, task.report)
            case "invert":
                outcome = _invert(generator(task.path, task.moment), task.fields, task.report)
            case "translate":
                outcome = _translate(translation(task.path, task.moment), task, bounds)
            case "export":
                outcome = _exported(task.path, task.fields, task.report)
            case _:
                raise UsageError(f"there is no task {task.kind[:40]!r}")
        task.done(outcome)
    except Exception as error:  # also a fault of ours: the process goes on with the next task
        task.failed(error)


def _translate(model: Translation, task: Task, bounds: Bounds) -> Outcome:
    fields = task.fields
    arguments.only(fields, ("picture", "example", "back", "degrade", "class"))
    label, back = fields.get("class"), arguments.truth(fields, "back")
    if "example" in fields:
        number = arguments.whole(fields, "example", 0, 0, 1_000_000)
        done = model.write_example(number, task.to, back=back, label=label, tell=task.report)
        return {"back": back, **done}, {}, []
    assert task.file is not None, "the server names the file of a picture"
    degrade = arguments.truth(fields, "degrade")
    done = model.write(
        Path(task.file),
        task.to,
        back=back,
        degrade=degrade,
        label=label,
        bounds=bounds,
        tell=task.report,
    )
    return {"back": back, **done}, {}, []


def _directions(model: Model, fields: dict[str, Any], tell: Tell) -> Outcome:
    arguments.only(fields, ("method", "count"))
    method = arguments.word(fields, "method", ("pca", "principal", "factorised"), "pca")
    count = arguments.whole(fields, "count", 8, 1, 32)
    prior = model.prior
    tell(None, "looking at the generator's first layer")
    z = prior.seeded(_POOL, seed=0)
    condition = model.conditions(None, _POOL)
    first = directions.first_layer(model.network, prior.size, condition)
    if method == "factorised":
        found = directions.factorised(first.weight, prior=prior, count=count)
    else:
        tell(0.2, f"{_POOL:,} samples")
        found = directions.principal(first.features(z, condition), z, prior=prior, count=count)
    reach = 3.0 if prior.kind == "normal" else 1.0
    found = [replace(one, reach=reach) for one in found]
    codec = model.space.codec
    if codec.attributes():
        tell(0.5, "what each changes")

        def measure(samples: Tensor) -> dict[str, Tensor]:
            return dict(zip(codec.attributes(), codec.measure(samples.float()), strict=True))

        beside = None if condition is None else condition[:_MOVED]
        seen = directions.effects(
            lambda latents: model.sampler.generate(latents, beside), prior, found, measure, z[:_MOVED]
        )
        found = [replace(one, moves=seen.words(i)) for i, one in enumerate(found)]
    info: dict[str, Any] = {"reach": reach, "pool": _POOL}
    if model.is_run:
        info["checkpoint"] = model.opened.checkpoint
    directions.write_directions(model.keep, found, info)
    result = {
        "directions": [described(one) for one in model.directions()],
        "found": [one.name for one in found],
    }
    return result, {}, []


def _drag(model: Model, fields: dict[str, Any], tell: Tell) -> Outcome:
    arguments.only(fields, ("latent", "class", "from", "to", "layer", "steps"))
    if not isinstance(model.sampler, GeneratorSampler):
        raise UsageError("an ONNX file is a closed graph; open the run or a model folder for this")
    start, goal = _points(fields, "from"), _points(fields, "to")
    if len(start) != len(goal):
        raise UsageError(f"from has {len(start)} points and to has {len(goal)}; each needs its goal")
    condition = model.conditions(fields.get("class"), 1)
    found = dragging.drag(
        model.sampler,
        model.latent(fields.get("latent"))[None],
        start,
        goal,
        condition=condition,
        layer=None if fields.get("layer") is None else arguments.whole(fields, "layer", None, 0, 99),
        steps=arguments.whole(fields, "steps", 150, 1, 1_000),
        progress=lambda step, steps: tell(step / steps, f"step {step} of at most {steps}"),
    )
    moments = torch.linspace(0, len(found.latents) - 1, min(_SHOWN, len(found.latents))).round().long()
    z = found.latents[moments]
    made = model.sampler.generate(z, None if condition is None else condition.expand(len(z), -1))
    result = {
        "share": found.share.tolist(),
        "points": found.points[moments].tolist(),
        "steps": len(found.latents) - 1,
        "rest": dragging.change_elsewhere(model.sampler, made[[0, -1]], torch.cat([start, goal])),
    }
    return result, {"latents": z.numpy()}, model.pngs(made)


def _points(fields: dict[str, Any], name: str) -> Tensor:
    """``(P, 2)`` pixels. Raises UsageError."""
    rows = arguments.listed(fields, name, 16, 1)
    if not all(
        isinstance(row, list)
        and len(row) == 2
        and all(isinstance(n, (int, float)) and abs(n) < 1e6 for n in row)
        for row in rows
    ):
        raise UsageError(f"{name} is a list of points [x, y] in pixels")
    return torch.tensor(rows, dtype=torch.float32)


def _invert(model: Model, fields: dict[str, Any], tell: Tell) -> Outcome:
    arguments.only(fields, ("picture", "mask", "strokes", "class", "steps"))
    steps = arguments.whole(fields, "steps", _DESCENT, 10, 1_000)
    if model.view != "pictures":
        raise UsageError(f"a picture cannot be found among {model.space.describe()}")
    sampler = model.sampler
    if not isinstance(sampler, GeneratorSampler):
        raise UsageError("an ONNX file is a closed graph; open the run or a model folder for this")
    examples, known = _given(model, fields)
    condition = model.conditions(fields.get("class"), len(examples))
    restarts = 2 if len(examples) > 1 else 4
    steps_done, all_steps = 0, restarts * (steps + 1)

    def count(made: Tensor, beside: Tensor | None) -> Tensor:
        """Says how plausible samples are, where much is unknown; and counts the steps in any case."""
        nonlocal steps_done
        steps_done += 1
        tell(min(steps_done / all_steps, 1.0), f"step {steps_done:,} of {all_steps:,}")
        if known is None or not model.is_run:
            return made.new_zeros(len(made))
        opinion = model.opened.opinion
        return opinion.odds.log_odds(opinion.logits(made, beside))

    found = inversion.invert(
        sampler,
        examples,
        condition=condition,
        mask=known,
        steps=steps,
        restarts=restarts,
        prior_weight=2e-3 if known is None else 2e-2,
        realism=count,
        realism_weight=0.0 if known is None else 1e-2,
    )
    given = examples[:1] if known is None else torch.where(known.expand_as(examples) > 0.5, examples, 128)[:1]
    shown = [*model.pngs(given), *model.pngs(found.rebuilt)]
    if known is not None:
        shown += model.pngs(found.filled)
    result = {"error": found.error.tolist(), "n": len(examples), "filled": known is not None}
    return result, {"latents": found.latents.numpy()}, shown


def _exported(path: Path, fields: dict[str, Any], tell: Tell) -> Outcome:
    arguments.only(fields, ("form",))
    form = arguments.word(fields, "form", ("folder", "onnx"), "folder")
    if save_now(path):
        tell(None, "the training has saved this moment")
    tell(None, f"writing {form}, and comparing it with the network")
    made = export(path, to=form, moment="newest")
    return {"path": str(made.path), "bytes": made.size}, {}, []


def _given(model: Model, fields: dict[str, Any]) -> tuple[Tensor, Tensor | None]:
    """The picture to find ``(n, C, H, W)`` uint8, and where it is known, ``(1, H, W)`` or None."""
    channels = model.space.channels
    known: Tensor | None = None
    if fields.get("strokes"):
        drawn = _decoded(fields, "strokes", model, 4)
        known = (drawn[3:] > 127).float()
        colours = (
            drawn[:3].float().mean(0, keepdim=True).round().byte() if channels == 1 else drawn[:channels]
        )
        examples = colours.expand(4, *colours.shape).clone()  # four answers
    else:
        if not fields.get("picture"):
            raise UsageError("give a picture, or strokes on a transparent ground")
        examples = _decoded(fields, "picture", model, channels)[None]
    if fields.get("mask"):
        known = (_decoded(fields, "mask", model, 3).float().mean(0, keepdim=True) < 128).float()
    if known is not None and not bool(known.any()):
        raise UsageError("nothing is known of this picture: draw something, or hide less of it")
    return examples, known


def _decoded(fields: dict[str, Any], name: str, model: Model, channels: int) -> Tensor:
    """A picture in base64, cut to the model's size, ``(channels, H, W)`` uint8. Raises UsageError."""
    said = fields[name]
    if not isinstance(said, str):
        raise UsageError(f"{name} must be a picture in base64")
    try:
        content = base64.b64decode(said.rpartition(",")[2], validate=True)
        whole = open_upright(io.BytesIO(content), model.space.value_range)
        pixels = np.asarray(whole.convert("RGBA"))
    except (binascii.Error, ValueError, OSError, SyntaxError, UnreadableError) as error:
        raise UsageError(f"{name} cannot be read as a picture ({error})") from None
    height, width = model.space.spatial
    fitted = fit_array(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None], (width, height))
    return torch.from_numpy(fitted[0] if channels == 4 else to_channels(fitted, channels)[0])
