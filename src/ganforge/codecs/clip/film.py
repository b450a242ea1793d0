"""One film: its frames in order, each as long as the others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageSequence

from ganforge.core.errors import DataError, UsageError
from ganforge.data.files import UnreadableError
from ganforge.data.pictures import MAX_PIXELS, open_picture
from ganforge.data.pixels import Fit, fit, normalise, to_channels

__all__ = [
    "ANIMATED",
    "FILMS",
    "RATE",
    "About",
    "about",
    "animated",
    "decode",
    "frames_a_second",
    "mp4",
    "write",
]

FILMS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".wmv")  # that need PyAV
ANIMATED = (".gif", ".webp")
RATE = 10.0  # frames a second where nothing says it
_FRAMES = 2_000  # of one film that are read
_PIXELS = 1 << 28  # of one film, before resizing
_ALIKE = 0.02  # difference of two rates that counts as none
_RATES = (0.1, 240.0)
_STANDS = 0.1  # seconds of a frame that says 0, as browsers show it


@dataclass(frozen=True)
class About:
    """What a film says of itself.

    Attributes:
        size: ``(width, height)``.
        frames: how many; 0 where that is not said.
        seconds: how long each stands, where that differs; else empty.
        rate: frames a second, on the average.
    """

    size: tuple[int, int]
    frames: int
    rate: float
    seconds: tuple[float, ...] = ()


def animated(file: BinaryIO) -> bool:
    """Whether a .gif or .webp has more than one frame."""
    return int(getattr(open_picture(file), "n_frames", 1)) > 1


def about(file: BinaryIO, suffix: str) -> About:
    """What is known of a film before its frames are kept.

    Raises UnreadableError where it is none, DataError where PyAV is needed and missing.
    """
    if suffix in FILMS:
        with _opened(file) as container:
            stream = _stream(container)
            rate = float(stream.average_rate or RATE)
            size = (int(stream.codec_context.width), int(stream.codec_context.height))
            _check_size(size)
            return About(size, int(stream.frames), _usual(rate))
    seconds: list[float] = []
    size = (0, 0)
    for frame in itertools.islice(_animation(file), _FRAMES):
        size = frame.size
        lasting = frame.info.get("duration", 0)
        seconds.append((float(lasting) if isinstance(lasting, (int, float)) else 0.0) / 1000 or _STANDS)
    # The last one often stands longer, to rest before it begins again.
    stand = [round(100 * lasting) for lasting in seconds[:-1] or seconds]  # hundredths, as a gif counts them
    if max(stand) - min(stand) < 2:
        return About(size, len(seconds), _usual(len(stand) / sum(seconds[: len(stand)])))
    # Frames that stand twice as long are two equal ones, as a rule, that were written as one.
    tick = math.gcd(*stand)
    rate = 100 / tick if tick > 1 else 1 / float(np.median(seconds))
    return About(size, len(seconds), _usual(rate), tuple(seconds))


def _usual(rate: float) -> float:
    return round(min(max(rate, _RATES[0]), _RATES[1]), 2)


def _check_size(size: tuple[int, int]) -> None:
    if min(size) < 1:
        raise UnreadableError("without pictures")
    if size[0] * size[1] > MAX_PIXELS:
        raise UnreadableError(f"too large: {size[0]}×{size[1]} is more than {MAX_PIXELS // 10**6} megapixels")


def frames_a_second(films: Sequence[About]) -> float:
    """The rate of most films."""
    rates = [film.rate for film in films]
    return max(sorted(set(rates)), key=lambda one: sum(abs(one / rate - 1) < _ALIKE for rate in rates))


def decode(
    file: BinaryIO, suffix: str, known: About, *, size: tuple[int, int], how: Fit, rate: float
) -> tuple[np.ndarray, bool]:
    """The frames of one film over white at ``rate``, ``(T, 3, H, W)`` uint8, and whether there are more.

    A film of another rate, or whose frames stand for different times, becomes what is seen at each tick.
    """
    most = min(_FRAMES, max(1, _PIXELS // max(1, known.size[0] * known.size[1])))
    found: list[np.ndarray] = []
    more = False
    pictures = _of_film(file) if suffix in FILMS else _animation(file)
    for picture in pictures:
        more = len(found) >= most
        if more:
            break
        pixels = np.asarray(fit(normalise(picture), size, how))
        planar = pixels[None, None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)[None]
        found.append(to_channels(planar, 3)[0])
    if not found:
        raise UnreadableError("it has no frames")
    return np.stack(found)[_ticks(known, len(found), rate)], more


def _animation(file: BinaryIO) -> Iterator[Image.Image]:
    """The frames of a .gif or .webp."""
    image = open_picture(file)
    frames = iter(ImageSequence.Iterator(image))
    while True:
        try:
            frame = next(frames)
            frame.load()  # a webp knows how long its frame stands once that is decoded
        except StopIteration:
            return
        except Exception as error:  # Pillow raises nearly anything on damaged files
            raise UnreadableError(f"damaged, or truncated ({_words(error)})") from None
        yield frame


def _ticks(known: About, n: int, rate: float) -> np.ndarray:
    """Which of ``n`` frames is seen at each tick of ``rate``."""
    if known.seconds:
        ends = np.cumsum(known.seconds[:n])
    elif abs(known.rate / rate - 1) >= _ALIKE:
        ends = np.arange(1, n + 1) / known.rate
    else:
        return np.arange(n)
    ticks = (np.arange(max(1, math.floor(ends[-1] * rate + 1e-6))) + 0.5) / rate
    return np.minimum(np.searchsorted(ends, ticks, side="right"), n - 1)


def _opened(file: BinaryIO) -> Any:
    """A film of PyAV."""
    try:
        import av  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise DataError(
            "films need one more package: pip install 'ganforge[film]'; .gif and .webp need none"
        ) from None
    start = file.read(64)
    if not start:
        raise UnreadableError("empty (0 bytes)")
    file.seek(0)
    try:
        return av.open(file)
    except (OSError, ValueError) as error:  # those of ffmpeg are both
        text = all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start)
        words = (
            "text, not a film"
            if text
            else f"not a film that can be read ({getattr(error, 'strerror', None) or _words(error)})"
        )
        raise UnreadableError(words) from None


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__


def _stream(container: Any) -> Any:
    if not container.streams.video:
        raise UnreadableError("without pictures")
    return container.streams.video[0]


def _of_film(file: BinaryIO) -> Iterator[Image.Image]:
    with _opened(file) as container:
        stream = _stream(container)
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            yield frame.to_image()


def write(frames: Sequence[Image.Image], rate: float, suffix: str = ".webp") -> bytes:
    """A .webp of L, RGB or RGBA frames without loss, or a .gif, that goes round for ever.

    Equal frames one after the other become one that stands longer, as the formats want it.
    """
    buffer = BytesIO()
    mode = "RGBA" if frames[0].mode == "RGBA" else "RGB"
    first, *others = [frame.convert(mode) for frame in frames]
    exactly: dict[str, Any] = {"lossless": True, "quality": 50, "method": 3, "exact": True}
    first.save(
        buffer,
        "GIF" if suffix == ".gif" else "WEBP",
        save_all=True,
        append_images=others,
        duration=max(1, round(1000 / rate)),
        loop=0,
        **({} if suffix == ".gif" else exactly),
    )
    return buffer.getvalue()


def mp4(frames: Sequence[Image.Image], rate: float) -> bytes:
    """An MP4 file over white. Raises UsageError where PyAV is missing."""
    try:
        import av  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UsageError("MP4 needs one more package: pip install 'ganforge[film]', or write .gif") from None
    width, height = (side + side % 2 for side in frames[0].size)  # the codec wants even sides
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            still = Image.new("RGB", (width, height), "white")
            still.paste(frame.convert("RGB"))
            for packet in stream.encode(av.VideoFrame.from_image(still)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return buffer.getvalue()
