"""Arrays of numbers: pictures, shapes (voxels), clips or points, by their shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ganforge.core.errors import DataError
from ganforge.core.value_range import ValueRange
from ganforge.data.pixels import Fit, fit_array, to_channels
from ganforge.data.precision import as_points, constant_columns
from ganforge.data.ranges import Chosen, Survey, choose_range
from ganforge.data.raw import Raw, name_classes
from ganforge.data.sizes import choose_size, lost_by_shape
from ganforge.data.voxels import of_side, without_empty

__all__ = ["interpret"]

_CHANNELS = (1, 3, 4)
_WAVE = 1_000  # numbers of a row, from which on it may be a wave


def interpret(
    values: np.ndarray,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    *,
    form: str,
    source: Path,
    size: tuple[int, int] | None,
    channels: int | None,
    how: Fit = "crop",
    value_range: ValueRange | None = None,
    notes: Sequence[str] = (),
    clips: bool = False,
) -> Raw:
    """Read an array's shape: (N,) and (N, D) are points, (N, H, W), (N, H, W, C) and (N, C, H, W) pictures,
    (N, S, S, S) and (N, S, S, S, C) shapes, (N, T, H, W, C) and (N, T, C, H, W) clips, with C of 1, 3 or 4.

    Raises:
        DataError: the shape or the type fits none of them, or a number is not finite.
    """
    if values.dtype.kind not in "biuf":
        raise DataError(f"{source} holds {values.dtype}, not numbers; save it as uint8 or float32")
    if values.ndim == 0 or len(values) < 2:
        raise DataError(f"{source} has shape {values.shape}; a GAN needs at least 2 examples, along axis 0")
    if not values.size:
        raise DataError(f"{source} has shape {values.shape}, which holds no number at all; save it again")
    if values.ndim <= 2:
        if size is not None or channels is not None or value_range is not None:
            raise DataError(f"{source} holds points; size, channels and range are for pictures only")
        return _points(values, labels, class_names, form=form, source=source, notes=notes)
    frames = _frames(values, clips)
    if frames is not None:
        flat, each, note = frames
        many = None if labels is None else np.repeat(labels, each)
        raw = interpret(
            flat,
            many,
            class_names,
            form=form,
            source=source,
            size=size,
            channels=channels,
            how=how,
            value_range=value_range,
            notes=[*notes, note],
        )
        return replace(raw, clips=np.repeat(np.arange(len(flat) // each), each))
    axes, channel_count = _layout(values.shape, source)
    planar = values.transpose(axes) if channel_count else values[:, None]
    chosen = _range(values, source, value_range)
    kept, warnings = [*notes, *chosen.notes], [*chosen.warnings, *_odd_axes(values.shape)]
    indices, classes = (None, ()) if labels is None else name_classes(labels, class_names)
    modes = {str(values.dtype): len(values)}
    if planar.ndim == 5:
        if channels is not None:
            raise DataError("channels can be chosen for pictures only, not for shapes")
        raw = Raw(
            kind="shapes",
            form=form,
            values=planar,
            shape=planar.shape[1:],
            finish=partial(_finish, value_range=chosen.value_range, channels=planar.shape[1], recolour=False),
            labels=indices,
            classes=classes,
            value_range=chosen.value_range,
            modes=modes,
            notes=tuple(kept),
            warnings=tuple(warnings),
        )
        return without_empty(raw if size is None else of_side(raw, size))
    own = (planar.shape[3], planar.shape[2])
    why = "" if size is None else f"brought to {size[0]}×{size[1]}"
    if size is None:
        try:
            size, why = choose_size([own])
        except DataError as error:
            raise DataError(f"{source}: {error}{_one_picture(values.shape)}") from None
    finish = partial(
        _finish, value_range=chosen.value_range, channels=channels or planar.shape[1], recolour=True
    )
    if size != own:
        step = 1024
        blocks = [fit_array(finish(planar[i : i + step]), size, how) for i in range(0, len(planar), step)]
        planar = np.concatenate(blocks)
        finish = partial(to_channels, channels=channels or planar.shape[1])
        kept.append(why)
        cut, lost = lost_by_shape([own] * len(planar), size, how)
        kept, warnings = [*kept, *cut], [*warnings, *lost]
    return Raw(
        kind="pictures",
        form=form,
        values=planar,
        shape=(channels or planar.shape[1], *planar.shape[2:]),
        finish=finish,
        labels=indices,
        classes=classes,
        value_range=chosen.value_range,
        sizes={f"{own[0]}×{own[1]}": len(values)},
        modes=modes,
        notes=tuple(kept),
        warnings=tuple(warnings),
    )


def _range(values: np.ndarray, source: Path, wish: ValueRange | None) -> Chosen:
    """What becomes 0 and 255. DataError where a number is not finite."""
    survey = _surveyed(values, source)
    if values.dtype.kind == "b" or (values.dtype == np.uint8 and survey.high <= 1):
        wish = wish or ValueRange(0.0, 1.0, deep=False)
    deep = values.dtype.kind != "b" and values.dtype != np.uint8
    whole = values.dtype.kind != "f"
    return choose_range(survey, whole=whole, deep=deep, wish=wish, what=str(values.dtype))


def _odd_axes(shape: tuple[int, ...]) -> list[str]:
    """Warnings on shapes that can be meant in another way."""
    if len(shape) == 3 and shape[0] == shape[1] != shape[2]:
        return [
            f"the shape {shape} is read as {shape[0]} grey pictures of {shape[2]}×{shape[1]}; if the last"
            " axis counts the pictures, save numpy.moveaxis(x, -1, 0)"
        ]
    if len(shape) == 3 and shape[0] in (2, 3, 4):
        return [
            f"the shape {shape} is read as {shape[0]} grey pictures; if it is one picture in colour, it is"
            " too few: a GAN needs many"
        ]
    return []


def _one_picture(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[2] in (2, *_CHANNELS):
        return f"; if {shape} is one picture (H, W, C), it is too few: a GAN needs many"
    return ""


def _finish(
    chunk: np.ndarray, *, value_range: ValueRange | None, channels: int, recolour: bool
) -> np.ndarray:
    """Rows ``(n, C, …)`` in the array's own range to uint8 ``(n, channels, …)``."""
    if value_range is not None:
        chunk = value_range.to_bytes(chunk)
    return to_channels(chunk, channels) if recolour else chunk


def _layout(shape: tuple[int, ...], source: Path) -> tuple[tuple[int, ...], bool]:
    """The axes in the order (N, C, …), and whether there is an axis of channels."""
    cube = len(set(shape[1:4])) == 1
    if len(shape) == 3:
        return (0, 1, 2), False
    if len(shape) == 4:
        last = shape[3] in _CHANNELS and min(shape[1:3]) > 4
        first = shape[1] in _CHANNELS and min(shape[2:4]) > 4
        if last != first:
            return ((0, 3, 1, 2) if last else (0, 1, 2, 3)), True
        if cube and min(shape[1:]) > 4:
            return (0, 1, 2, 3), False
    if len(shape) == 5 and cube and shape[4] in _CHANNELS:
        return (0, 4, 1, 2, 3), True
    if len(shape) == 5 and shape[1] in _CHANNELS and len(set(shape[2:])) == 1:
        return (0, 1, 2, 3, 4), True
    raise DataError(
        f"{source} has shape {shape}; it can be (N, D) points, (N, H, W), (N, H, W, C) or (N, C, H, W)"
        f" pictures, (N, S, S, S, C) shapes, or (N, frames, H, W, C) clips, with C of 1, 3 or 4{_hint(shape)}"
    )


def _hint(shape: tuple[int, ...]) -> str:
    """What is probably meant by a shape that is none of ours."""
    if len(shape) == 4:
        if shape[2] in _CHANNELS and min(shape[:2]) > 4:
            return "; if it is (H, W, C, N), save numpy.moveaxis(x, -1, 0)"
        if shape[0] in _CHANNELS and min(shape[2:]) > 4:
            return "; if it is (C, N, H, W), save numpy.moveaxis(x, 0, 1)"
        if min(shape[1:]) > 4 and shape[3] > 5:
            return "; of grey clips (N, frames, H, W) say --what clips"
        if 2 in (shape[1], shape[3]):
            return "; two channels are neither grey nor RGB: save one of them, or three"
    return ""


def _frames(values: np.ndarray, clips: bool) -> tuple[np.ndarray, int, str] | None:
    """Clips as frames ``(N·T, …)``, how many each has, and a note; None where the array holds no clips."""
    shape = values.shape
    cube = len(set(shape[1:4])) == 1
    if len(shape) == 4 and clips:
        last = shape[3] in _CHANNELS and min(shape[1:3]) > 4
        first = shape[1] in _CHANNELS and min(shape[2:4]) > 4
        if last or first or min(shape[2:]) <= 4:
            return None
        if shape[1] >= 1000 and shape[1] >= 10 * shape[0]:  # as moving MNIST comes
            values = values.transpose(1, 0, 2, 3)
            shape = values.shape
    elif len(shape) == 5 and (clips or not cube):
        last = shape[4] in _CHANNELS and min(shape[2:4]) > 4
        first = shape[2] in _CHANNELS and min(shape[3:5]) > 4
        shapes = shape[1] in _CHANNELS and len(set(shape[2:])) == 1
        if not (last or first) or (shapes and not clips):
            return None
    else:
        return None
    note = f"{shape[0]:,} clips of {shape[1]} frames"
    return values.reshape(-1, *shape[2:]), shape[1], note


def _surveyed(values: np.ndarray, source: Path) -> Survey:
    """The extent of an array. DataError where a number is not finite."""
    survey = Survey(len(values), values.size)
    step = max(1, (32 << 20) // max(1, values[:1].nbytes))
    for start in range(0, len(values), step):
        chunk = values[start : start + step]
        if chunk.dtype.kind == "f" and not np.isfinite(chunk).all():
            row = start + int(np.flatnonzero(~np.isfinite(chunk.reshape(len(chunk), -1)).all(axis=1))[0])
            raise DataError(
                f"{source} has a number that is not finite in example {row}; remove or replace it, as in"
                " numpy.nan_to_num(x)"
            )
        survey.add(chunk)
    return survey


def _points(
    values: np.ndarray,
    labels: np.ndarray | None,
    class_names: Sequence[str],
    *,
    form: str,
    source: Path,
    notes: Sequence[str],
) -> Raw:
    points = values[:, None] if values.ndim == 1 else values
    if points.shape[1] < 1:
        raise DataError(f"{source} has shape {values.shape}: no columns")
    _surveyed(points, source)
    indices, classes = (None, ()) if labels is None else name_classes(labels, class_names)
    modes = {str(values.dtype): len(values)}
    points = as_points(points, source)
    return Raw(
        kind="points",
        form=form,
        values=points,
        shape=points.shape[1:],
        modes=modes,
        labels=indices,
        classes=classes,
        notes=tuple(notes),
        warnings=(*_flattened(points), *constant_columns(points)),
    )


def _flattened(points: np.ndarray) -> list[str]:
    """A warning where rows look like pictures that lost their shape: whole numbers up to 255, many a row."""
    wide = points.shape[1]
    some = points[:1000]
    if wide >= _WAVE and some.min() < 0 and np.abs(some).max() <= 1:
        return [
            f"rows of {wide:,} numbers from -1 to 1 are read as points; if they are sounds:"
            " numpy.savez(path, waves=x, rate=16000)"
        ]
    if wide < 64 or some.min() < 0 or some.max() > 255:
        return []
    for c in _CHANNELS:
        side = math.isqrt(wide // c)
        if side * side * c == wide:
            last = f", {c}" if c > 1 else ""
            return [
                f"rows of {wide:,} numbers from 0 to 255 are read as points; if they are pictures, save"
                f" x.reshape(-1, {side}, {side}{last})"
            ]
    return []
