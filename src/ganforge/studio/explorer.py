"""A process that explores: opens generators, makes samples at once, and does what takes longer one by one."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
import select
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ganforge.core.errors import GanforgeError, UsageError
from ganforge.data.files import UnreadableError
from ganforge.data.pictures import open_picture
from ganforge.data.pixels import fit_array, normalise, to_channels
from ganforge.latent import directions, inversion, sheets
from ganforge.latent.feedback import advise, follow, sentence
from ganforge.runs import pictures
from ganforge.runs.folder import Moment
from ganforge.runs.sampler import GeneratorSampler
from ganforge.shipping.export import export
from ganforge.studio import asked
from ganforge.studio.bounds import Bounds
from ganforge.studio.model import Model, described, fault
from ganforge.studio.wire import Inbox, binary, post, text

__all__ = ["main"]

_NEWS = 0.2  # seconds between two words on how a task goes
_LEVELS = 8.0  # grey levels of one step of advice
_STEPS = 10
_POOL = 4_000  # latents that directions are found on
_DESCENT = 150  # steps of an inversion


class Explorer:
    """Models by their paths, the last few kept warm.

    Args:
        out: handle of the pipe to the server.
        folder: for what is found of generators that are no runs.
    """

    def __init__(self, out: int, folder: Path) -> None:
        self._out, self._folder, self._bounds = out, folder, Bounds()
        self._models: dict[tuple[str, str], tuple[float, Model]] = {}

    def take(self, message: dict[str, Any]) -> None:
        """Answer one call, or do one task."""
        name, call = str(message["session"]), cast(dict[str, Any], message["call"])
        path = Path(message["path"])
        if call["do"] == "task":
            self._task(name, path, call)
            return
        try:
            fields = {key: value for key, value in call.items() if key not in ("id", "do", "model", "moment")}
            model = self._model(path, call.get("moment", "chosen"))
            reply = self._answer(model, call["do"], fields, call.get("id"))
        except Exception as error:
            if not isinstance(error, GanforgeError):
                traceback.print_exc()
            reply = {"id": call.get("id"), "ok": False, "error": fault(error)}
        self._send(name, reply)

    def _model(self, path: Path, moment: Any) -> Model:
        """Raises UsageError."""
        which = asked.word({"moment": moment}, "moment", ("chosen", "newest", "best"))
        place = (str(path), which)
        written = max(_written(path / "checkpoints"), _written(path))
        kept = self._models.pop(place, None)
        if kept is None or kept[0] != written:  # a run that goes on is opened anew
            kept = written, Model(path, self._folder / _plain(path), cast(Moment, which))
        self._models[place] = kept
        while len(self._models) > self._bounds.explore_models:
            del self._models[next(iter(self._models))]
        return kept[1]

    def _send(self, name: str, message: dict[str, Any] | bytes, *, over: bool = False) -> None:
        if isinstance(message, bytes):
            post(self._out, {"session": name, "binary": True, "over": over}, message)
        else:
            post(self._out, {"session": name, "binary": False, "over": over}, text(message))

    # -- calls --------------------------------------------------------------------------------------------

    def _answer(self, model: Model, do: str, fields: dict[str, Any], number: Any) -> dict[str, Any] | bytes:
        match do:
            case "open":
                model.sampler.sample(1)  # the first one is slow
                return {"id": number, "ok": True, **model.to_json()}
            case "make":
                return self._make(model, fields, number)
            case "feedback":
                return self._feedback(model, fields, number)
            case _:
                raise UsageError(f"there is no call {do[:40]!r}; there is open, make, feedback, task, cancel")

    def _make(self, model: Model, fields: dict[str, Any], number: Any) -> bytes:
        asked.only(fields, ("slot", "latents", "class"))
        said = asked.listed(fields, "latents", self._bounds.pictures, 1)
        began = time.perf_counter()
        z, samples = model.make(said, fields.get("class"))
        seconds = time.perf_counter() - began
        arrays = {"latents": z.numpy()}
        shown: list[bytes] = []
        if model.view == "pictures":
            shown = model.shown(samples)
        else:
            arrays["samples"] = samples.float().numpy()
        header = {
            "type": "made",
            "id": number,
            "ok": True,
            "slot": fields.get("slot"),
            "seconds": round(seconds, 4),
        }
        return binary(header, arrays, shown)

    def _feedback(self, model: Model, fields: dict[str, Any], number: Any) -> bytes:
        asked.only(fields, ("latent", "class"))
        z = model.latent(fields.get("latent"))[None]
        condition = model.conditions(fields.get("class"), 1)
        subject, space = model.subject, model.space
        example = model.sampler.generate(z, condition).clone()
        scale = sum(space.scale) / len(space.scale) if space.scale else 1.0
        levels = _LEVELS if space.kind == "pictures" else 0.02 * scale
        told = advise(subject.opinion, example, condition, levels=levels)
        after = follow(subject.opinion, example, condition, steps=_STEPS, levels=levels)
        header = {
            "type": "feedback",
            "id": number,
            "ok": True,
            "probability": told.probability[0].item(),
            "after": after.after_probability[0].item(),
            "words": sentence(told.change[0]),
            "calibration": subject.opinion.odds.how,
            "steps": _STEPS,
        }
        arrays = {"change": told.change[0].numpy().astype(np.float32), "latents": z.numpy()}
        if model.view != "pictures":
            arrays |= {"sample": example[0].float().numpy(), "followed": after.after[0].float().numpy()}
            return binary(header, arrays)
        heat = pictures.png(sheets.heat(told.change[0]), quick=True)
        return binary(header, arrays, [*model.shown(example), heat, *model.shown(after.after)])

    # -- tasks --------------------------------------------------------------------------------------------

    def _task(self, name: str, path: Path, call: dict[str, Any]) -> None:
        kind = str(call.get("kind"))
        news = {"type": "task", "task": name, "kind": kind}
        last = 0.0

        def tell(done: float | None, words: str) -> None:
            nonlocal last
            if time.monotonic() - last >= _NEWS:
                last = time.monotonic()
                running = {"state": "running", "done": done, "words": words, "result": None}
                self._send(name, {**news, **running})

        try:
            fields = {
                key: value
                for key, value in call.items()
                if key not in ("id", "do", "kind", "model", "moment")
            }
            match kind:
                case "directions":
                    result, arrays, shown = self._directions(path, call, fields, tell), {}, list[bytes]()
                case "invert":
                    result, arrays, shown = self._invert(
                        self._model(path, call.get("moment", "chosen")), fields, tell
                    )
                case "export":
                    result, arrays, shown = _exported(path, fields, tell), {}, list[bytes]()
                case _:
                    raise UsageError(
                        f"there is no task {kind[:40]!r}; there is directions, invert and export"
                    )
        except Exception as error:
            if not isinstance(error, GanforgeError):
                traceback.print_exc()
            failed = {"state": "failed", "done": None, "words": fault(error), "result": None}
            self._send(name, {**news, **failed}, over=True)
            return
        done = {**news, "state": "done", "done": 1.0, "words": "done", "result": result}
        self._send(name, binary(done, arrays, shown) if shown else done, over=True)

    def _directions(
        self,
        path: Path,
        call: dict[str, Any],
        fields: dict[str, Any],
        tell: Callable[[float | None, str], None],
    ) -> dict[str, Any]:
        asked.only(fields, ("method", "count"))
        method = asked.word(fields, "method", ("pca", "principal", "factorised"), "pca")
        count = asked.whole(fields, "count", 8, 1, 32)
        model = self._model(path, call.get("moment", "chosen"))
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
        info: dict[str, Any] = {"reach": reach, "pool": _POOL}
        if model.is_run:
            info["checkpoint"] = model.subject.checkpoint
        directions.write_directions(model.keep, found, info)
        return {
            "directions": [described(one) for one in model.directions()],
            "found": [one.name for one in found],
        }

    def _invert(
        self, model: Model, fields: dict[str, Any], tell: Callable[[float | None, str], None]
    ) -> tuple[dict[str, Any], dict[str, np.ndarray], list[bytes]]:
        asked.only(fields, ("picture", "mask", "strokes", "class", "steps"))
        steps = asked.whole(fields, "steps", _DESCENT, 10, 1_000)
        if model.view != "pictures":
            raise UsageError(f"a picture cannot be found among {model.space.describe()}")
        sampler = model.sampler
        if not isinstance(sampler, GeneratorSampler):
            raise UsageError("an ONNX file is a closed graph; open the run or a model folder for this")
        examples, known = _given(model, fields)
        condition = model.conditions(fields.get("class"), len(examples))
        restarts = 2 if len(examples) > 1 else 4
        asked_so_far, all_steps = 0, restarts * (steps + 1)

        def count(made: Tensor, beside: Tensor | None) -> Tensor:
            """Says how plausible samples are, where much is unknown; and counts the steps in any case."""
            nonlocal asked_so_far
            asked_so_far += 1
            tell(min(asked_so_far / all_steps, 1.0), f"step {asked_so_far:,} of {all_steps:,}")
            if known is None or not model.is_run:
                return made.new_zeros(len(made))
            opinion = model.subject.opinion
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
        given = (
            examples[:1] if known is None else torch.where(known.expand_as(examples) > 0.5, examples, 128)[:1]
        )
        shown = [*model.shown(given), *model.shown(found.rebuilt)]
        if known is not None:
            shown += model.shown(found.filled)
        result = {"error": found.error.tolist(), "n": len(examples), "filled": known is not None}
        return result, {"latents": found.latents.numpy()}, shown


def _exported(
    path: Path, fields: dict[str, Any], tell: Callable[[float | None, str], None]
) -> dict[str, Any]:
    asked.only(fields, ("form",))
    form = asked.word(fields, "form", ("folder", "onnx"), "folder")
    tell(None, f"writing {form}, and comparing it with the network")
    made = export(path, to=form, moment="newest")
    return {"path": str(made.path), "bytes": made.size}


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
        with open_picture(io.BytesIO(content)) as image:
            pixels = np.asarray(normalise(image).convert("RGBA"))
    except (binascii.Error, ValueError, OSError, SyntaxError, UnreadableError) as error:
        raise UsageError(f"{name} cannot be read as a picture ({error})") from None
    height, width = model.space.spatial
    fitted = fit_array(np.ascontiguousarray(pixels.transpose(2, 0, 1))[None], (width, height))
    return torch.from_numpy(fitted[0] if channels == 4 else to_channels(fitted, channels)[0])


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _plain(path: Path) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in str(path.resolve()))[-100:]


def _newest_only(
    waiting: list[dict[str, Any]], say: Callable[[str, dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """Of the makes that wait in one slot only the newest; the others are told so."""
    kept: list[dict[str, Any]] = []
    taken: set[tuple[str, str]] = set()
    for message in reversed(waiting):
        call = message["call"]
        if call.get("do") == "make" and call.get("slot") is not None:
            slot = (str(message["session"]), str(call["slot"]))
            if slot in taken:
                overtaken = {
                    "id": call.get("id"),
                    "ok": False,
                    "error": "overtaken by a newer one",
                    "overtaken": True,
                }
                say(str(message["session"]), overtaken)
                continue
            taken.add(slot)
        kept.append(message)
    return kept[::-1]


def main() -> None:
    """Read messages from standard input, and write answers to what was standard output."""
    out = os.dup(1)
    os.dup2(2, 1)
    os.set_blocking(0, False)
    torch.set_num_threads(max(1, min(os.cpu_count() or 1, 2)))
    with tempfile.TemporaryDirectory(prefix="ganforge-explore-") as folder:
        kept = Path(os.environ.get("GANFORGE_STUDIO_KEEP", folder))
        explorer, inbox = Explorer(out, kept), Inbox()

        def say(name: str, message: dict[str, Any]) -> None:
            post(out, {"session": name, "binary": False}, text(message))

        post(out, {"session": "", "ready": True})
        waiting: list[dict[str, Any]] = []
        while True:
            ready, _, _ = select.select([0], [], [], 0.0 if waiting else None)
            if ready:
                some = os.read(0, 1 << 20)
                if not some:
                    return  # the server has gone
                waiting += [message for message, _body in inbox.add(some)]
                continue  # until there is no more to read
            waiting = _newest_only(waiting, say)
            if waiting:
                explorer.take(waiting.pop(0))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
