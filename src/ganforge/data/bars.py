"""Bars of one colour at the edges of pictures, as films and scans have them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ganforge.data.duplicates import grey

__all__ = ["bars"]

_LOOKED_AT = 256  # pictures, spread over all
_EQUAL = 12.0  # steps of 0…255 within which a line is of one colour: JPEG's noise
_BLUR = 3  # lines in which JPEG and resizing blur a bar's end
_INSIDE = 0.8  # share of the line behind a bar that is of another colour; behind a mere background it is less
_THICK = 0.03  # share of the side, below which a bar is a thin frame
_SMALLEST = 32  # pixels of a side, below which a thing before a background may fill it like a film's picture
_SHARE = 0.25  # of the pictures, from which on bars are named


def bars(values: np.ndarray, finish: Callable[[np.ndarray], np.ndarray]) -> str:
    """A warning where many examples ``(N, …)`` have bars on two opposite edges; empty where few have.

    ``finish`` brings rows to pictures ``(N, C, H, W)``. A background of one colour is no bar: behind it the
    picture does not begin along a whole line.
    """
    which = np.unique(np.linspace(0, len(values) - 1, min(len(values), _LOOKED_AT)).astype(int))
    light = grey(finish(np.asarray(values[which])))
    if min(light.shape[1:]) < _SMALLEST:
        return ""
    for lines, words in ((light, "above and below"), (light.swapaxes(1, 2), "left and right")):
        one, other = _thickness(lines), _thickness(lines[:, ::-1])
        height = lines.shape[1]
        have = (np.minimum(one, other) >= _THICK * height) & (one + other < height / 2)
        if have.mean() >= _SHARE:
            share = np.median((one + other)[have]) / height
            return (
                f"{have.mean():.0%} of the pictures have bars of one colour {words}, {share:.0%} of the side:"
                " they are learned like all else; cut them off first"
            )
    return ""


def _thickness(light: np.ndarray) -> np.ndarray:
    """Lines ``(N,)`` of the bar at the first edge of pictures ``(N, H, W)``; 0 where there is none."""
    apart = np.abs(light - np.median(light[:, :1], axis=2, keepdims=True))
    plain = np.all(apart <= _EQUAL, axis=2)
    thick = np.where(np.all(plain, axis=1), 0, np.argmin(plain, axis=1))
    inside = np.minimum(thick + _BLUR, light.shape[1] - 1)
    begins = (apart[np.arange(len(light)), inside] > _EQUAL).mean(axis=1) >= _INSIDE
    return np.where(begins, thick, 0)
