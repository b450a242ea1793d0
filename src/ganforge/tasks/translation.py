"""A translation applied to a person's own pictures: what `gan translate` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import groupby
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from ganforge.codecs.sound.reader import resampled
from ganforge.core.errors import DataError, UsageError
from ganforge.data.files import is_archive, printable
from ganforge.data.pixels import to_channels
from ganforge.data.raw import Skipped
from ganforge.runs import pictures
from ganforge.runs.files import machine_faults, write_atomically
from ganforge.runs.translator import Translator
from ganforge.tasks.before_after import picture_of, sheet_of
from ganforge.tasks.frames import Size, Still, is_clip, natural, read_clip, stills
from ganforge.tasks.recordings import as_written, recordings, write_recording
from ganforge.tasks.translation_direction import BeforeAfter, TranslationDirection
from ganforge.training.signals import StopRequest

__all__ = ["Outcome", "default_out", "translate"]

Progress = Callable[[int, int], None]
_STILLS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")  # that results can be written as
_ROWS = 16  # of the sheet


@dataclass
class Outcome:
    """What was done.

    Attributes:
        written: files, in order.
        skipped: inputs that could not be read.
        sheet: where before and after stand side by side; None where nothing was made.
        stopped: the exit code that goes with having been asked to stop, else 0; what is written stays.
        left: how many inputs were then not reached.
        note: a sentence on the size of the pictures, or empty.
    """

    written: list[Path] = field(default_factory=list[Path])
    skipped: list[Skipped] = field(default_factory=list[Skipped])
    sheet: Path | None = None
    stopped: int = 0
    left: int = 0
    note: str = ""


def default_out(folder: Path, given: Path, direction: TranslationDirection) -> Path:
    """Where results go that were given no place: in ``folder``, named after the input."""
    name = given.stem if given.is_file() else given.resolve().name
    if direction.waves is not None and given.is_file() and not is_archive(given):
        return folder / as_written(given.name)
    if not given.is_file() or is_archive(given) or direction.frames:
        return folder / name
    if not is_clip(given):
        return folder / f"{name}.png"
    suffix = given.suffix.lower()
    return folder / f"{name}{suffix if suffix in pictures.FILM_FORMATS else '.mp4'}"


def translate(
    direction: TranslationDirection,
    given: Path,
    out: Path,
    *,
    size: Size = None,
    degrade: bool = False,
    frames: int | None = None,
    sheet: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Translate a file, a folder, an archive or a clip, and write the results and a sheet.

    A folder is gone through to the bottom, and names are kept, ending in ``.png``. Ctrl-C keeps what is
    written.

    Args:
        out: of a picture, a file or a folder; of a clip, a film or a folder; else a folder.
        size: pictures are brought to it first.
        degrade: the given ones are clean, and inputs are made from them as in training. Of a clip, the last
            ``frames`` are the truth.
        frames: of a run that makes next frames, how many (1 by default).
        sheet: where before and after are shown; beside the results by default.

    Raises:
        UsageError: ``given`` cannot be used, or not by this run.
        MachineError: ``out`` cannot be written.
    """
    if frames is not None and not 1 <= frames <= 10_000:
        raise UsageError(f"--frames is {frames}; it must be from 1 to 10,000")
    if frames is not None and not direction.frames:
        raise UsageError("--frames is for runs that make the next frame of a clip (recipe next-frame)")
    if degrade and not direction.frames:
        direction.degradation  # says so where there is none  # noqa: B018
    if direction.waves is not None and size is not None:
        raise UsageError("--size is for pictures; sounds keep their length: leave it out")
    if sheet is not None and sheet.suffix.lower() not in _STILLS:
        raise UsageError(f"a sheet is a picture: name it .png or .jpg, not {sheet.name}")
    if out.resolve() == given.resolve():
        raise UsageError(f"{out} is the input itself, which is never written over: choose another --out")
    job = _Job(direction, given, out, size, degrade, progress or (lambda done, total: None))
    if direction.waves is not None:
        job.sounds()
    elif direction.frames:
        job.clips(frames or 1)
    elif is_clip(given):
        job.film()
    else:
        job.pictures()
    job.finish(sheet)
    return job.outcome


class _Job:
    """One call of :func:`translate`."""

    def __init__(
        self,
        direction: TranslationDirection,
        given: Path,
        out: Path,
        size: Size,
        degrade: bool,
        progress: Progress,
    ) -> None:
        self.direction, self.given, self.out, self.size, self.degrade = direction, given, out, size, degrade
        self.progress = progress
        self.outcome = Outcome()
        self.results: list[BeforeAfter] = []
        self.folder = out

    def pictures(self) -> None:
        found, self.outcome.skipped = stills(self.given, self.out)
        alone = self.given.is_file() and not is_archive(self.given)
        if self.out.suffix and alone:
            if self.out.suffix.lower() not in _STILLS:
                raise UsageError(f"a picture ends in {', '.join(_STILLS)}, not {self.out.suffix}: {self.out}")
            places, self.folder = [self.out], self.out.parent
        else:
            places = [self.out / name for name in _names([one.name for one in found])]

        def one(i: int) -> None:
            pixels = found[i].read(self.size, self.direction.input_range(self.degrade))
            if isinstance(pixels, Skipped):
                self.outcome.skipped.append(pixels)
                return
            result = self.result_of(pixels, i)
            self.write(places[i], result.output)
            self.keep_for_sheet(result)

        self.each(len(found), one)
        if not self.outcome.written and not self.outcome.stopped:
            raise DataError(_nothing(self.given, self.outcome.skipped))

    def sounds(self) -> None:
        """Sounds, each as long, of the rate, the width and the channels that it had."""
        found = recordings(self.given, self.out)
        alone = self.given.is_file() and not is_archive(self.given)
        if self.out.suffix and alone:
            places, self.folder = [self.out], self.out.parent
        else:
            places = [self.out / as_written(one.name) for one in found]
        rate = self.direction.translator.space.sample_rate or 0

        def one(i: int) -> None:
            recording = found[i].read()
            if isinstance(recording, Skipped):
                self.outcome.skipped.append(recording)
                return
            waves, result = self.direction.translate_sound(
                resampled(recording.waves, recording.rate, rate), i, degrade=self.degrade
            )
            after = max(rate, recording.rate) if self.direction.widens else recording.rate
            length = round(recording.waves.shape[1] * after / recording.rate)
            made = replace(recording, waves=resampled(waves, rate, after)[:, :length], rate=after)
            write_recording(places[i], made)
            self.outcome.written.append(places[i])
            self.keep_for_sheet(result)
            if recording.rate > rate:
                lost = f"{places[i].name} has {recording.rate:,} Hz and the run {rate:,}: nothing above"
                self.outcome.note = f"{lost} {rate / 2:,.0f} Hz is left"

        self.each(len(found), one)
        if not self.outcome.written and not self.outcome.stopped:
            raise DataError(_nothing(self.given, self.outcome.skipped))

    def film(self) -> None:
        """A clip, frame by frame."""
        film = self.film_format()
        frames, seconds = read_clip(self.given, self.size, self.direction.input_range(self.degrade))
        stills: list[Image.Image] = []

        def one(i: int) -> None:
            result = self.result_of(frames[i], i)
            if film:
                stills.append(picture_of(result.output))
            else:
                self.write(self.out / f"{i + 1:04}.png", result.output)
            if i % max(1, len(frames) // _ROWS) == 0:
                self.keep_for_sheet(result)

        self.each(len(frames), one)
        if film and stills:
            self.write_film(stills, seconds * len(stills) / len(frames))

    def clips(self, count: int) -> None:
        """Next frames of a clip, or of each folder of frames."""
        film, seconds = self.film_format(), 0.0
        clips: list[tuple[str, list[np.ndarray]]] = []
        if is_clip(self.given):
            frames, seconds = read_clip(self.given, self.size, self.direction.input_range(self.degrade))
            clips.append(("", frames))
        else:
            found, self.outcome.skipped = stills(self.given, self.out)
            found.sort(key=lambda one: (str(PurePosixPath(one.name).parent), natural(one.name)))
            for folder, group in groupby(found, lambda one: str(PurePosixPath(one.name).parent)):
                clips.append((folder, self.read(list(group), count)))
        if film and len(clips) > 1:
            raise UsageError(f"{self.given} has {len(clips)} clips; give a folder for them, not {self.out}")

        def one(i: int) -> None:
            name, frames = clips[i]
            truth = frames[len(frames) - count :] if self.degrade else []
            before = frames[: len(frames) - len(truth)]
            made = self.direction.next_frames(before, count)
            for k, frame in enumerate(made):
                self.keep_for_sheet(BeforeAfter(before[-1], frame, truth[k] if truth else None))
                if not film:
                    self.write(self.out / name / f"{len(before) + k + 1:04}.png", frame)
            if film:
                leading = [to_channels(frame[None], len(made[0]))[0] for frame in before]
                each = seconds / len(frames) or 0.1
                self.write_film([picture_of(x) for x in (*leading, *made)], each * (len(leading) + len(made)))

        self.each(len(clips), one)

    def read(self, group: Sequence[Still], count: int) -> list[np.ndarray]:
        """The frames of one folder; those that nothing is made from are not read unless a film shows them."""
        need = self.direction.frames + (count if self.degrade else 0)
        frames: list[np.ndarray] = []
        for one in group if self.out.suffix else group[-need:]:
            pixels = one.read(self.size, self.direction.input_range(self.degrade))
            if isinstance(pixels, Skipped):
                name = printable(one.name)
                raise DataError(f"the frame {name} is {pixels.reason}: a clip needs each of them")
            frames.append(pixels)
        if len(frames) < need:
            raise UsageError(f"{self.given} has {len(frames)} frames, and {need} are needed")
        return frames

    def result_of(self, pixels: np.ndarray, number: int) -> BeforeAfter:
        return (
            self.direction.translate_degraded(pixels, number)
            if self.degrade
            else self.direction.translate_picture(pixels)
        )

    def each(self, n: int, work: Callable[[int], None]) -> None:
        """All of it, until Ctrl-C."""
        done = 0
        self.progress(0, n)
        with StopRequest() as request:  # an exception could be lost in a destructor that it meets
            while done < n and request.exit_code is None:
                work(done)
                done += 1
                self.progress(done, n)
        if request.exit_code is not None:
            self.outcome.stopped, self.outcome.left = request.exit_code, n - done

    def film_format(self) -> bool:
        """Whether the result is one film. Raises UsageError for a suffix that is none."""
        suffix = self.out.suffix.lower()
        if suffix and suffix not in pictures.FILM_FORMATS:
            raise UsageError(
                f"of a clip, --out is a folder for frames, or ends in {', '.join(pictures.FILM_FORMATS)}, "
                f"not {suffix}: {self.out}"
            )
        self.folder = self.out.parent if suffix else self.out
        return bool(suffix)

    def write(self, path: Path, made: np.ndarray) -> None:
        picture, buffer = picture_of(made), BytesIO()
        if path.suffix.lower() in (".jpg", ".jpeg"):
            picture = picture.convert("L" if picture.mode == "L" else "RGB")
            picture.save(buffer, "JPEG", quality=95)
        else:
            Image.init()
            picture.save(buffer, Image.registered_extensions()[path.suffix.lower()])
        with machine_faults(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, buffer.getvalue(), lasting=False)
        self.outcome.written.append(path)

    def write_film(self, frames: list[Image.Image], seconds: float) -> None:
        with machine_faults(self.out):
            self.out.parent.mkdir(parents=True, exist_ok=True)
        pictures.film(frames, self.out, seconds=seconds, rest=0.0)
        self.outcome.written.append(self.out)

    def keep_for_sheet(self, result: BeforeAfter) -> None:
        if not self.results and self.direction.waves is None:
            self.outcome.note = _about_size(self.direction.translator, result)
        if len(self.results) < _ROWS:
            self.results.append(result)

    def finish(self, sheet: Path | None) -> None:
        if not self.results:
            return
        if sheet is None:
            sheet = self.folder / "sheet.png"
            if self.folder != self.out or sheet in self.outcome.written:
                stem = self.out.stem if self.folder != self.out else "before-after"
                sheet = self.folder / f"{stem}-sheet.png"
        written = len(self.outcome.written)
        self.write(sheet, sheet_of(self.results))
        del self.outcome.written[written:]
        self.outcome.sheet = sheet


def _names(names: Sequence[str]) -> list[str]:
    """Names of results: those of the inputs with ``.png``, their own ending kept where two would meet."""
    plain = [str(PurePosixPath(name).with_suffix(".png")) for name in names]
    return [
        f"{name}.png" if plain.count(new) > 1 and not name.lower().endswith(".png") else new
        for name, new in zip(names, plain, strict=True)
    ]


def _nothing(given: Path, skipped: Sequence[Skipped]) -> str:
    first = f" ({printable(skipped[0].name)}: {skipped[0].reason})" if skipped else ""
    return f"nothing in {given} can be read{first}"


def _about_size(translator: Translator, result: BeforeAfter) -> str:
    """What a person should know of a picture that is far larger than those of the training."""
    trained, now = translator.source.spatial, result.source.shape[1:]
    if max(now) <= 2 * max(trained):
        return ""
    sides = [f"{width}×{height}" for height, width in (trained, now)]
    return (
        f"trained at {sides[0]}, used at {sides[1]}: what it knows is {max(now) / max(trained):.0f} times as "
        f"small there; --size {max(trained)} shows it as in training"
    )
