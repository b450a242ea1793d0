"""A process that explores: opens generators, makes samples at once, and does what takes longer one by one."""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from ganforge.codecs import plots
from ganforge.core.errors import GanforgeError, UsageError
from ganforge.latent import sheets
from ganforge.latent.directions import rename_direction
from ganforge.latent.feedback import advise, follow, sentence
from ganforge.runs.folder import Moment
from ganforge.shipping.reading import words_of
from ganforge.studio import arguments, tasks
from ganforge.studio.beside import real_beside, table, table_file
from ganforge.studio.bounds import Bounds
from ganforge.studio.model import Model, described
from ganforge.studio.translation import Translation, is_translator
from ganforge.studio.wire import Inbox, binary, post, text

__all__ = ["main"]

_CORES = max(1, min(os.cpu_count() or 1, 2))  # threads of what is heavy
_HEAVY = 0.06  # seconds of one sample by one thread, from which it is heavy
_STEPS = 10


class Explorer:
    """Models by their paths, the last few kept warm.

    Args:
        out: handle of the pipe to the server.
        folder: for what is found of generators that are no runs.
    """

    def __init__(self, out: int, folder: Path) -> None:
        self._out, self._folder, self._bounds = out, folder, Bounds()
        self._models: dict[tuple[str, str], tuple[float, Model | Translation]] = {}

    def take(self, message: dict[str, Any]) -> None:
        """Answer one call, or do one task."""
        name, call = str(message["session"]), cast(dict[str, Any], message["call"])
        path = Path(message["path"])
        if call["do"] == "task":
            torch.set_num_threads(_CORES)
            task = tasks.Task(name, message, lambda news, over: self._send(name, news, over=over))
            tasks.do(task, self._generator, self._translation, self._bounds)
            return
        try:
            fields = {key: value for key, value in call.items() if key not in ("id", "do", "model", "moment")}
            moment = call.get("moment", "chosen")
            if call["do"] == "open":
                model = self._model(path, moment)
                if isinstance(model, Model):
                    self._settle(model)
                reply = {"id": call.get("id"), "ok": True, "model": call.get("model"), **model.to_json()}
            elif call["do"] == "examples":
                header, arrays, shown = real_beside(self._model(path, moment), fields)
                answer = {"type": "examples", "id": call.get("id"), "ok": True, **header}
                reply = binary(answer, arrays, shown)
            else:
                reply = self._respond(self._generator(path, moment), call["do"], fields, call.get("id"))
        except Exception as error:
            if not isinstance(error, GanforgeError):
                traceback.print_exc()
            known = {str(path): path.name}
            reply = {"id": call.get("id"), "ok": False, "error": words_of(error, known)}
        self._send(name, reply)

    def _generator(self, path: Path, moment: Any) -> Model:
        """Raises UsageError where nothing begins with noise."""
        model = self._model(path, moment)
        if isinstance(model, Translation):
            raise UsageError("this leads from pictures to pictures; it makes none from latents")
        return model

    def _translation(self, path: Path, moment: Any) -> Translation:
        """Raises UsageError where pictures are not led to pictures."""
        model = self._model(path, moment)
        if isinstance(model, Model):
            raise UsageError("this makes samples from latents; it was not trained to translate pictures")
        return model

    def _model(self, path: Path, moment: Any) -> Model | Translation:
        """Raises UsageError."""
        which = arguments.word({"moment": moment}, "moment", ("chosen", "newest", "best"))
        place = (str(path), which)
        written = max(_written(path / "checkpoints"), _written(path))
        kept = self._models.pop(place, None)
        if kept is None or kept[0] != written:  # a run that goes on is opened anew
            kept = written, self._opened(path, cast(Moment, which))
        self._models[place] = kept
        while len(self._models) > self._bounds.explore_models:
            del self._models[next(iter(self._models))]
        return kept[1]

    def _opened(self, path: Path, moment: Moment) -> Model | Translation:
        if is_translator(path, moment):
            return Translation(path, moment)
        return Model(path, self._folder / _plain(path), moment)

    @staticmethod
    def _settle(model: Model) -> None:
        """Choose how many threads make its samples, where that is not known yet.

        Threads wait for one another after each layer. A light network is quicker with one, and by far where a
        browser is busy beside it: 9 ms against 24 for 64×64 pictures on two cores.
        """
        if not model.threads:
            torch.set_num_threads(1)
            model.make([{"seed": 0}], None)  # the first one is slow
            began = time.perf_counter()
            model.make([{"seed": 0}], None)
            model.threads = 1 if time.perf_counter() - began < _HEAVY else _CORES
        torch.set_num_threads(model.threads)

    def _send(self, name: str, message: dict[str, Any] | bytes, *, over: bool = False) -> None:
        if isinstance(message, bytes):
            post(self._out, {"session": name, "binary": True, "over": over}, message)
        else:
            post(self._out, {"session": name, "binary": False, "over": over}, text(message))

    # -- calls --------------------------------------------------------------------------------------------

    def _respond(self, model: Model, do: str, fields: dict[str, Any], number: Any) -> dict[str, Any] | bytes:
        match do:
            case "make":
                self._settle(model)
                return self._make(model, fields, number)
            case "feedback":
                return self._feedback(model, fields, number)
            case "table":
                return {"id": number, "ok": True, **table(model, fields)}
            case "file":
                return self._file(model, fields, number)
            case "name":
                arguments.only(fields, ("direction", "name"))
                rename_direction(model.keep, str(fields.get("direction")), str(fields.get("name")))
                return {"id": number, "ok": True, "directions": [described(d) for d in model.directions()]}
            case _:
                known = "open, make, file, table, examples, feedback, name, task, cancel"
                raise UsageError(f"there is no call {do[:40]!r}; there is {known}")

    def _make(self, model: Model, fields: dict[str, Any], number: Any) -> bytes:
        arguments.only(fields, ("slot", "latents", "class", "heard"))
        said = arguments.listed(fields, "latents", self._bounds.pictures, 1)
        began = time.perf_counter()
        z, samples = model.make(said, fields.get("class"))
        seconds = time.perf_counter() - began
        arrays = {"latents": z.numpy()}
        shown: list[bytes] = []
        codec = model.space.codec
        if model.view in ("pictures", "drawn"):
            shown = model.pngs(samples)
            if fields.get("heard") is True and (codec.audible or codec.moving):
                shown += model.files(samples)
            if fields.get("heard") is True and codec.solid:
                arrays["voxels"] = samples[0].numpy()
        else:
            arrays["samples"] = samples.float().numpy()
        header = {
            "type": "made",
            "id": number,
            "ok": True,
            "slot": fields.get("slot"),
            "seconds": round(seconds, 4),
            "note": model.note(fields.get("class")),
        }
        return binary(header, arrays, shown)

    def _file(self, model: Model, fields: dict[str, Any], number: Any) -> bytes:
        """One file: a sample as `gan sample` writes it, a sheet, a film, or rows of a table."""
        if "rows" in fields:
            content, suffix, media = table_file(model, fields)
        else:
            arguments.only(fields, ("latents", "class", "form", "seconds"))
            said = arguments.listed(fields, "latents", self._bounds.pictures, 1)
            seconds = arguments.number(fields, "seconds", 6.0, 0.1, 60.0)
            form = arguments.word(fields, "form", ("own", "sheet", "film"), "own")
            content, suffix, media = model.file(said, fields.get("class"), form, seconds)
        header = {"type": "file", "id": number, "ok": True, "suffix": suffix, "media": media}
        return binary(header, {}, [content])

    def _feedback(self, model: Model, fields: dict[str, Any], number: Any) -> bytes:
        arguments.only(fields, ("latent", "class"))
        z = model.latent(fields.get("latent"))[None]
        condition = model.conditions(fields.get("class"), 1)
        opened, space = model.opened, model.space
        example = model.sampler.generate(z, condition).clone()
        levels = space.codec.step
        advice = advise(opened.opinion, example, condition, levels=levels)
        after = follow(opened.opinion, example, condition, steps=_STEPS, levels=levels)
        header = {
            "type": "feedback",
            "id": number,
            "ok": True,
            "probability": advice.probability[0].item(),
            "after": after.after_probability[0].item(),
            "words": sentence(advice.change[0]),
            "calibration": opened.opinion.odds.how,
            "steps": _STEPS,
        }
        arrays = {"change": advice.change[0].numpy().astype(np.float32), "latents": z.numpy()}
        if model.view == "drawn":
            return binary(header, arrays, [*model.pngs(example), *model.pngs(after.after)])
        if model.view != "pictures":
            arrays |= {"sample": example[0].float().numpy(), "followed": after.after[0].float().numpy()}
            return binary(header, arrays)
        heat = plots.png(sheets.heat(advice.change[0]), quick=True)
        return binary(header, arrays, [*model.pngs(example), heat, *model.pngs(after.after)])


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
    torch.set_num_threads(_CORES)
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
