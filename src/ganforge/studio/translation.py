"""A translator that is explored: a person's picture goes in, and the result stands beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL.Image import Image

from ganforge.codecs import plots
from ganforge.core.declared import GAMES
from ganforge.core.errors import UsageError
from ganforge.core.value_range import ValueRange
from ganforge.data.degrade import is_degradation
from ganforge.runs.files import write_atomically
from ganforge.runs.folder import Moment, Run
from ganforge.runs.inputs import read_inputs, source_space
from ganforge.runs.translator import NetworkTranslator, Translator, translates
from ganforge.shipping.opening import load
from ganforge.studio.bounds import Bounds
from ganforge.studio.shelf import doubtful
from ganforge.tasks.before_after import picture_of
from ganforge.tasks.frames import read_still
from ganforge.tasks.translation_direction import BeforeAfter, TranslationDirection, open_translation
from ganforge.training.preview import FEW

__all__ = ["Translation", "is_translator", "read_picture"]

_NOT = "this leads from pictures to pictures, and makes none from latents: drop a picture in Translation"
_CLIPS = "this makes the next frame of a clip, and one picture is none: gan translate RUN CLIP"
_SOUNDS = "this makes sounds from sounds: gan translate RUN SOUND; the inputs that the run keeps are below"

Tell = Callable[[float | None, str], None]


def is_translator(path: Path, moment: Moment) -> bool:
    """Whether ``path`` leads from examples to examples. Raises GanforgeError where nothing is there."""
    if (path / "run.json").is_file():
        return translates(Run.open(path).recipe)
    return isinstance(load(path, moment=moment), Translator)


def read_picture(file: Path, value_range: ValueRange | None) -> np.ndarray:
    """A person's picture ``(C, H, W)`` uint8, upright, in 1, 3 or 4 channels. Raises UsageError."""
    with doubtful(), file.open("rb") as opened:
        return read_still(opened, value_range=value_range)


class Translation:
    """One translator and what can be done with it.

    Args:
        path: a run folder, a model folder or an ONNX file.
        moment: of a run, which checkpoint.
    """

    def __init__(self, path: Path, moment: Moment) -> None:
        def nothing(translator: Translator) -> torch.Tensor | None:
            return torch.zeros(1, translator.conditions) if translator.asks is not None else None

        self.path = path
        self._direction = open_translation(
            path, moment=moment, ask=nothing
        )  # each picture brings its own condition

    @property
    def translator(self) -> Translator:
        return self._direction.translator

    @cached_property
    def inputs(self) -> tuple[torch.Tensor, torch.Tensor, bool]:
        """Held-out inputs that the run keeps ``(K, *source.shape)``, as many examples of what they become
        ``(K, *space.shape)``, in declared units, and whether these belong to one another.

        Raises UsageError for what is no run, which keeps none.
        """
        if not (self.path / "run.json").is_file():
            raise UsageError("a model folder keeps no inputs of its training: drop a picture of your own")
        run = Run.open(self.path)
        kept = read_inputs(run)
        assert kept is not None, "a translation has inputs"
        sources = source_space(run.space).to_declared(kept.inputs)
        return sources, run.space.to_declared(kept.targets), GAMES.find(run.recipe.game).paired

    @property
    def held_out(self) -> bool:
        """Whether the run's :attr:`inputs` are of the part that it was not trained on."""
        return Run.open(self.path).data.get("held_out", 0) >= FEW

    def visible(self, source: torch.Tensor) -> Image:
        """An input ``(C, H, W)`` as a person sees it."""
        return picture_of(self._direction.visible(source).numpy())

    def to_json(self) -> dict[str, Any]:
        """For the browser."""
        to, asks = self.translator, self.translator.asks
        can = dict.fromkeys(("feedback", "invert", "directions", "mix"), _NOT)
        made = is_degradation(self._direction.source) and self._not() is None
        return {
            "name": self.path.resolve().name,
            "space": to.space.to_json(),
            "words": f"{to.source.describe()} to {to.space.describe()}, and other sizes too"
            + ("" if to.opened is None else f"; {to.opened.words}"),
            "view": "translation",
            "latent": 0,
            "prior": None,
            "conditions": to.conditions,
            "classes": list(asks.names) if asks is not None and asks.kind == "class" else [],
            "condition": None if asks is None else {"kind": asks.kind, "names": list(asks.names[:500])},
            "can": {**can, "translate": self._not()},
            "directions": [],
            "translation": {
                "from": to.source.describe(),
                "to": to.space.describe(),
                "goes_back": to.goes_back,
                "makes_inputs": self._direction.source if made else None,
            },
        }

    def _not(self) -> str | None:
        """Why no picture can be dropped, or None."""
        return _SOUNDS if self._direction.waves is not None else _CLIPS if self._direction.frames else None

    def write(
        self, file: Path, to: list[Path], *, back: bool, degrade: bool, label: Any, bounds: Bounds, tell: Tell
    ) -> dict[str, Any]:
        """Translate the picture in ``file``; input and result are written as PNG into the two of ``to``.

        Args:
            back: the other way round.
            degrade: the picture is clean: an input is made from it as in the training.
            label: what the result is asked to be, in words or by a class's number.

        Raises:
            UsageError: the picture cannot be read, is too large, or is none for this network.
        """
        if self._direction.waves is not None:
            raise UsageError(_SOUNDS)
        direction = self._conditioned(label, back)
        tell(None, "reading the picture")
        pixels = read_picture(file, direction.input_range(degrade))
        height, width = (direction.translator.scale * side for side in pixels.shape[1:])
        if height * width > bounds.translated_pixels:
            raise UsageError(
                f"the result would have {height * width / 1e6:.1f} million pixels, and the studio makes up to"
                f" {bounds.translated_pixels / 1e6:g} million: make it smaller first, or use gan translate"
            )
        began = time.monotonic()
        sides = (
            [-(-side // direction.translator.scale) for side in pixels.shape[1:]]
            if degrade
            else pixels.shape[1:]
        )
        with _counted(direction.translator, direction.translator.tiles(sides), tell):
            result = (
                direction.translate_degraded(pixels, 0) if degrade else direction.translate_picture(pixels)
            )
        note = _about_size(direction.translator, result.source)
        return _written(replace(result, truth=None), to, time.monotonic() - began) | {"note": note}

    def write_example(
        self, number: int, to: list[Path], *, back: bool, label: Any, tell: Tell
    ) -> dict[str, Any]:
        """Translate input ``number`` of :attr:`inputs`, or on the way ``back`` that of the other domain; into
        the three of ``to`` go the input, the result, and what should have come out, where that is known.

        Raises UsageError where there is no such input, or no way back.
        """
        sources, targets, paired = self.inputs
        if number >= len(sources):
            raise UsageError(f"the run keeps {len(sources)} inputs, from 0 on; there is none of {number}")
        direction = self._conditioned(label, back, frames=True)
        tell(None, "translating")
        began = time.monotonic()
        result = direction.translate_input(
            (targets if back else sources)[number], targets[number] if paired else None
        )
        return _written(result, to, time.monotonic() - began) | {"note": ""}

    def _conditioned(self, label: Any, back: bool, *, frames: bool = False) -> TranslationDirection:
        """``frames``: an input of several frames will do. Raises UsageError."""
        asks = self.translator.asks
        direction = self._direction
        if direction.frames and not frames:
            raise UsageError(_CLIPS)
        if asks is None:
            if label is not None:
                raise UsageError("this translation was trained without classes; leave class out")
        else:
            if label is None:
                raise UsageError(f"say what the result shall be: {asks.describe()}")
            direction = replace(direction, condition=asks.read(str(label)[:1_000]))
        return replace(direction, translator=direction.translator.turned(), source="") if back else direction


def _written(result: BeforeAfter, to: list[Path], seconds: float) -> dict[str, Any]:
    """Input, result and perhaps the truth as PNG, and what the browser is told of them."""
    samples = [result.source, result.output, *([] if result.truth is None else [result.truth])]
    for path, sample in zip(to, samples, strict=False):
        write_atomically(path, plots.png(picture_of(sample), quick=True), lasting=False)
    sides = [list(sample.shape[:0:-1]) for sample in samples]
    names = [path.name for path in to[: len(samples)]]
    return {
        "source": names[0],
        "made": names[1],
        "truth": names[2] if len(names) > 2 else None,
        "from": sides[0],
        "to": sides[1],
        "seconds": round(seconds, 3),
    }


@contextmanager
def _counted(translator: Translator, tiles: int, tell: Tell) -> Generator[None]:
    """Says how many of the tiles are done: a large picture takes a while."""
    tell(None, "translating")
    if tiles == 1 or not isinstance(translator, NetworkTranslator):
        yield
        return
    passes = 0  # with statistics of the whole picture there is one more, to meet them

    def count(*_: Any) -> None:
        nonlocal passes
        passes += 1
        tell(min(passes / tiles, 1.0), f"translating, {min(passes, tiles)} of {tiles} tiles")

    hook = translator.network.register_forward_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _about_size(translator: Translator, source: np.ndarray) -> str:
    """What a person should know of a picture that is far larger than those of the training."""
    trained, now = max(translator.source.spatial), max(source.shape[1:])
    if now <= 2 * trained:
        return ""
    times = now / trained
    return (
        f"It was trained on pictures of {trained} pixels: what it knows is {times:.0f} times as small here."
    )
