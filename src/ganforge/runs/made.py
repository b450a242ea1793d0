"""What a sampler makes, as files: single samples, a grid, a film of a walk."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.prior import spherical
from ganforge.runs import pictures
from ganforge.runs.files import machine_faults, write_atomically
from ganforge.runs.sampler import LatentSampler
from ganforge.runs.translator import Translator

__all__ = ["condition_from", "film_frames", "latents", "walk", "write_files", "write_film", "write_grid"]

_FRAMES_PER_SECOND = 20
_LONGEST = 600  # seconds of film: 12,000 pictures


_OPTIONS = {"class": "--class", "text": "--text", "labels": "--where", "numbers": "--where"}


def condition_from(sampler: LatentSampler | Translator, **words: str | None) -> Tensor | None:
    """The condition ``(1, C)`` that the options class, text or where ask for; None where none is given.

    Raises UsageError where this generator cannot be asked that, or does not know the words.
    """
    given = [(f"--{name}", said) for name, said in words.items() if said is not None]
    if not given:
        return None
    (option, said), asks = given[0], sampler.asks
    if asks is None:
        raise UsageError(f"this generator was trained without conditions; leave {option} out")
    if len(given) > 1 or option != _OPTIONS[asks.kind]:
        raise UsageError(f"this generator was trained with {asks.describe()}; ask with {_OPTIONS[asks.kind]}")
    return asks.read(said)


def latents(sampler: LatentSampler, seeds: Sequence[int], truncation: float) -> Tensor:
    """One latent a seed, ``(len(seeds), L)``: the first of each seed's sequence."""
    z = torch.cat([sampler.prior.seeded(1, seed=seed) for seed in seeds])
    return sampler.truncated(z, truncation)


def _conditions(sampler: LatentSampler, seeds: Sequence[int], condition: Tensor | None) -> Tensor | None:
    """What each seed is asked for, ``(len(seeds), C)``: the condition given, or those that take turns."""
    if condition is None or not sampler.conditions:
        return sampler.in_turn(seeds)
    return condition.expand(len(seeds), -1)


def _samples(
    sampler: LatentSampler, seeds: Sequence[int], condition: Tensor | None, truncation: float
) -> np.ndarray:
    wishes = _conditions(sampler, seeds, condition)
    return sampler.generate(latents(sampler, seeds, truncation), wishes).numpy()


def write_files(
    sampler: LatentSampler,
    seeds: Sequence[int],
    folder: Path,
    *,
    condition: Tensor | None = None,
    words: str = "",
    truncation: float = 1.0,
    suffix: str = "",
) -> list[Path]:
    """One file a seed, named after it and after the words asked for: as its codec writes an example.

    Raises UsageError for a ``suffix`` that the codec does not write.
    """
    named = f"-{_file_name(words)}" if words else ""
    codec = sampler.space.codec
    if suffix not in ("", codec.suffix, *codec.formats):
        known = ", ".join(one[1:] for one in (codec.suffix, *codec.formats))
        raise UsageError(f"{codec.counted} are not written as {suffix[1:]}: --format can be {known}")
    suffix = suffix or codec.suffix
    with machine_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for seed, sample in zip(seeds, _samples(sampler, seeds, condition, truncation), strict=True):
        files.append(folder / f"seed{seed:06d}{named}{suffix}")
        write_atomically(files[-1], codec.file(sample, suffix))
    return files


def write_joined(
    sampler: LatentSampler,
    seeds: Sequence[int],
    path: Path,
    *,
    condition: Tensor | None = None,
    truncation: float = 1.0,
) -> None:
    """One file of all seeds, in their order, as the codec joins them."""
    samples = np.stack(list(_samples(sampler, seeds, condition, truncation)))
    with machine_faults(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, sampler.space.codec.file_of(samples))


def _file_name(words: str) -> str:
    """Words without what a file's name cannot hold."""
    return re.sub(r"[^\w.-]+", "_", words)[:80]


def write_grid(
    sampler: LatentSampler,
    seeds: Sequence[int],
    path: Path,
    *,
    condition: Tensor | None = None,
    truncation: float = 1.0,
) -> None:
    """One picture of all seeds; of clips, a film of them as .gif or .webp.

    Raises UsageError where Pillow cannot write the suffix.
    """
    codec = sampler.space.codec
    if codec.moving and path.suffix.lower() in (".gif", ".webp"):
        frames = codec.reel(_samples(sampler, seeds, condition, truncation))
        pictures.film(frames, path, seconds=len(frames) / codec.rate, rest=0.0)
        return
    Image.init()
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"a grid is a picture: name it .png, .jpg or .webp, not {path.name}")
    sheet = sampler.space.codec.show(_samples(sampler, seeds, condition, truncation))
    buffer = BytesIO()
    suffix = path.suffix.lower()
    (sheet.convert("RGB") if suffix in (".jpg", ".jpeg") else sheet).save(
        buffer, Image.registered_extensions()[suffix]
    )
    write_atomically(path, buffer.getvalue())


def walk(ends: Tensor, frames: int) -> Tensor:
    """A closed walk through latents ``(K, L)`` in ``frames`` equal steps on circles, ``(frames, L)``."""
    steps = torch.arange(frames, dtype=torch.float64) * len(ends) / frames
    first = steps.floor().long()
    t = (steps - first).unsqueeze(1)
    return spherical(ends[first % len(ends)], ends[(first + 1) % len(ends)], t)


def write_film(
    sampler: LatentSampler,
    seeds: Sequence[int],
    path: Path,
    *,
    condition: Tensor | None = None,
    truncation: float = 1.0,
    seconds: float = 12.0,
) -> None:
    """A walk from seed to seed and back to the first; of points, the samples' movement through it.

    Raises UsageError for a length that is not positive, or a suffix that is no film's.
    """
    if not 0 < seconds <= _LONGEST:
        raise UsageError(f"--seconds is {seconds:g}; it must be more than 0 and at most {_LONGEST}")
    if path.suffix.lower() not in pictures.FILM_FORMATS:
        raise UsageError(f"a film ends in {', '.join(pictures.FILM_FORMATS)}, not {path.name!r}")
    ends, wishes = latents(sampler, seeds, truncation), _conditions(sampler, seeds, condition)
    pictures.film(film_frames(sampler, ends, wishes, seconds), path, seconds=seconds)


def film_frames(
    sampler: LatentSampler, ends: Tensor, wishes: Tensor | None, seconds: float
) -> list[Image.Image]:
    """The frames of a walk from each of ``ends (K, L)`` to the next and back to the first, enlarged to 256
    pixels; ``wishes (K, C)`` is what each end is asked for.

    Raises UsageError where single samples are not pictures.
    """
    if not sampler.space.codec.pictured:
        raise UsageError("a walk of a single point is no film; the run's samples/ show how the points moved")
    frames = max(2, math.ceil(seconds * _FRAMES_PER_SECOND))
    path_z, path_c = walk(ends, frames), None
    if wishes is not None:  # what is asked for fades over along a straight line
        steps = torch.arange(frames) * len(ends) / frames
        first = steps.floor().long()
        t = (steps - first).unsqueeze(1)
        path_c = (1 - t) * wishes[first % len(ends)] + t * wishes[(first + 1) % len(ends)]
    made = sampler.generate(path_z, path_c).numpy()
    stills = [sampler.space.codec.still(sample, at) for at, sample in enumerate(made)]
    factor = max(1, 256 // max(stills[0].size))
    return [
        still.resize((still.width * factor, still.height * factor), Image.Resampling.NEAREST)
        for still in stills
    ]
