"""A translation, and how a picture or the frames of a clip become an input for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganforge.codecs.waves import Waves
from ganforge.core.declared import GAMES
from ganforge.core.errors import RunError, UsageError
from ganforge.core.rng import key
from ganforge.core.space import Space
from ganforge.core.value_range import ValueRange
from ganforge.data.degrade import Chance, Degradation, degradation, is_degradation, previous
from ganforge.data.pixels import to_channels
from ganforge.runs.folder import Moment, Run
from ganforge.runs.translator import TILE, Translator, load_translator
from ganforge.shipping.opening import load as load_shipped

_SAMPLES = 1 << 18  # of a sound, beyond which it is made of windows that overlap

__all__ = ["BeforeAfter", "TranslationDirection", "open_translation"]


@dataclass(frozen=True)
class BeforeAfter:
    """One result beside its input, ``(C, H, W)`` uint8 each; ``truth`` where it is known."""

    source: np.ndarray
    output: np.ndarray
    truth: np.ndarray | None = None


@dataclass(frozen=True)
class TranslationDirection:
    """A translator, and how inputs are made for it.

    Attributes:
        translator: of a run, a model folder or an ONNX file.
        source: as ``Recipe.source``; empty where it is not known, or on the way back.
        seed: of degradations.
        condition: ``(1, C)``, or None.
        tile: see ``Translator.translate``.
    """

    translator: Translator
    source: str = ""
    seed: int = 0
    condition: Tensor | None = None
    tile: int = TILE

    @cached_property
    def frames(self) -> int:
        """How many former frames an input is made of; 0 where it is one picture."""
        space, source = self.translator.space, self.translator.source
        declared = previous(self.source)
        if declared is not None:
            return declared
        many, rest = divmod(source.channels, space.channels)
        # A shipped network does not say where its inputs came from; its channels do.
        return many if many > 1 and not rest and source.channels not in (1, 3, 4) else 0

    @property
    def waves(self) -> Waves | None:
        """What sounds are written and shown by; None where pictures are translated."""
        codec = self.translator.space.codec
        return codec if isinstance(codec, Waves) else None

    @cached_property
    def fills_holes(self) -> bool:
        """Whether an input's first channel says where the hole is (``data.degrade``)."""
        if self.source:
            return self.source.partition(":")[0] in ("hole", "holes")
        return self.translator.source.channels == self.translator.space.channels + 1 in (2, 4)

    @property
    def widens(self) -> bool:
        """Whether it gives a higher rate to sounds of a lower one."""
        return self.source.partition(":")[0] == "low-rate"

    def translate_sound(
        self, waves: np.ndarray, number: int, *, degrade: bool = False
    ) -> tuple[np.ndarray, BeforeAfter]:
        """What becomes of waves ``(channels, T)`` of the run's rate, each channel by itself, as ``(channels,
        T)`` and as pictures; ``degrade``: the inputs are made from them as in training.

        Raises UsageError where this run's inputs are not made from its targets.
        """
        clean = torch.from_numpy(np.ascontiguousarray(waves))[:, None].clamp(-1, 1)
        chance = Chance(key(self.seed, 3), number)
        source = self.degradation.apply(clean, chance) if degrade else clean
        made = torch.cat([self.translate(one)[None] for one in source])
        return made[:, 0].numpy(), self._before_after(
            source[0], made[0], clean[0].numpy() if degrade else None
        )

    def input_range(self, degrade: bool = False) -> ValueRange | None:
        """What given pictures are read by: as inputs, or as clean ones of which inputs are made."""
        return (self.translator.space if degrade else self.translator.source).value_range

    def translate(self, source: Tensor) -> Tensor:
        """An input ``(C, H, W)`` uint8 to its result, the same."""
        return self.translator.translate(source[None], self.condition, tile=self.tile)[0]

    def translate_picture(self, pixels: np.ndarray) -> BeforeAfter:
        """A picture of 1, 3 or 4 channels as the network wants it, and what becomes of it.

        Raises UsageError where it cannot become an input.
        """
        source = torch.from_numpy(self.input_of(pixels))
        return self._before_after(source, self.translate(source))

    def translate_degraded(self, pixels: np.ndarray, number: int) -> BeforeAfter:
        """The same of a clean picture, from which the input is made as in training.

        Raises UsageError where this run's inputs are not made from its targets.
        """
        way, space = self.degradation, self.translator.space
        clean = to_channels(pixels[None], space.channels)
        if way.name == "low-resolution":
            height, width = (side - side % int(way.amount) for side in clean.shape[2:])
            clean = clean[:, :, :height, :width]
        whole = Space(kind="pictures", shape=tuple(clean.shape[1:]))
        made = way.apply(
            whole.to_model(torch.from_numpy(np.ascontiguousarray(clean))), Chance(key(self.seed, 3), number)
        )
        source = way.space(whole).to_declared(made)[0]
        return self._before_after(source, self.translate(source), clean[0])

    @property
    def degradation(self) -> Degradation:
        """How the run's inputs are made. Raises UsageError where they are not made."""
        if not is_degradation(self.source):
            came = "came from another place" if self.source else "are a domain, or not known here"
            raise UsageError(f"--degrade is for runs whose inputs were made from targets; this one's {came}")
        return degradation(self.source, self.translator.space)

    def input_of(self, pixels: np.ndarray) -> np.ndarray:
        """``(C, H, W)`` uint8 of 1, 3 or 4 channels to ``source.channels``. Raises UsageError."""
        channels = self.translator.source.channels
        if self.fills_holes:
            if len(pixels) != 4 or (pixels[3] >= 128).all():
                raise UsageError(
                    "this run fills holes: make what it shall fill transparent and save it as PNG; or "
                    "--degrade makes holes for a try"
                )
            hole = pixels[3:] < 128
            picture = to_channels(pixels[None, :3], channels - 1)
            return np.concatenate([hole.astype(np.uint8) * 255, np.where(hole, np.uint8(128), picture[0])])
        if channels not in (1, 3, 4):
            raise UsageError(
                f"this run's inputs have {channels} channels, and a picture has 1, 3 or 4; use it from "
                "Python: ganforge.load(RUN).translate(...)"
            )
        return to_channels(pixels[None], channels)[0]

    def next_frames(self, frames: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
        """``count`` further frames after ``frames``, of which the last ones are looked at.

        Raises UsageError where there are too few, or they differ in size.
        """
        need, channels = self.frames, self.translator.space.channels
        if len(frames) < need:
            raise UsageError(f"this run makes a frame from the {need} before it; here are {len(frames)} only")
        clip = [torch.from_numpy(to_channels(frame[None], channels)[0]) for frame in frames[-need:]]
        if len({frame.shape for frame in clip}) > 1:
            raise UsageError("the frames are not all of one size; bring them to one with --size WIDTHxHEIGHT")
        for _ in range(count):
            clip.append(self.translate(torch.cat(clip[-need:])))
        return [frame.numpy() for frame in clip[need:]]

    def translate_input(self, source: Tensor, truth: Tensor | None) -> BeforeAfter:
        """An input ``(C, H, W)``, what becomes of it, and, where it is known, what should have."""
        return self._before_after(source, self.translate(source), None if truth is None else truth.numpy())

    def visible(self, source: Tensor) -> Tensor:
        """An input as a person sees it: without the mask of a hole, and of several frames the last one."""
        if self.fills_holes:
            return source[1:]
        return source[-self.translator.space.channels :] if self.frames else source

    def _before_after(self, source: Tensor, made: Tensor, truth: np.ndarray | None = None) -> BeforeAfter:
        if self.waves is not None:
            draw = self.waves.pixels
            return BeforeAfter(
                draw(source.numpy()), draw(made.numpy()), None if truth is None else draw(truth)
            )
        return BeforeAfter(self.visible(source).numpy(), made.numpy(), truth)


def open_translation(
    path: Path,
    *,
    back: bool = False,
    moment: Moment = "chosen",
    tile: int = TILE,
    ask: Callable[[Translator], Tensor | None] | None = None,
) -> TranslationDirection:
    """The translation of a run folder, a model folder or an ONNX file.

    Args:
        back: of two domains, the way back.
        ask: gives the condition, once it is known what can be asked.

    Raises:
        RunError: there is none.
        UsageError: there is no way back, or what is asked for cannot be.
    """
    if (path / "run.json").is_file() or not path.exists():
        run, translator = Run.open(path), load_translator(path, back=back, moment=moment)
        source, seed = run.recipe.source if GAMES.find(run.recipe.game).paired else "", run.recipe.seed
    else:
        shipped = load_shipped(path, moment=moment)
        if not isinstance(shipped, Translator):
            raise RunError(f"{path} makes {shipped.space.describe()} from latents and translates nothing")
        translator, source, seed = shipped.turned() if back else shipped, "", 0
    sounds = isinstance(translator.space.codec, Waves)
    if not (translator.space.codec.picture_files or sounds):
        raise RunError(
            f"{path} is of {translator.space.describe()}, and gan translate is for pictures and waves; use "
            "it from Python: ganforge.load(RUN).translate(...)"
        )
    condition = None if ask is None else ask(translator)
    if condition is None and translator.asks is not None:
        asks = translator.asks
        option = {"class": "--class", "text": "--text"}.get(asks.kind, "--where")
        names = "" if asks.kind == "text" else f": {', '.join(asks.names[:12])}"
        raise UsageError(f"say with {option} what {path} shall make of it{names}")
    return TranslationDirection(translator, source, seed, condition, _SAMPLES if sounds else tile)
