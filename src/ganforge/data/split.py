"""What no game sees: which examples are held out, how many, and what is learnt from the others alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganforge.core.condition import Condition
from ganforge.core.rng import permutation
from ganforge.core.space import Space
from ganforge.core.value_range import ValueRange
from ganforge.data.cache import Stored
from ganforge.data.dataset import Dataset, Examples
from ganforge.data.pixels import Fit
from ganforge.data.report import Scan
from ganforge.data.words import encoded_condition, numbers_condition, text_condition

__all__ = ["MOST_HELD_OUT", "SPLIT_SEED", "cut_off", "split", "split_order", "usual_share"]

_DEAR = 1_000  # examples, up to which a tenth is all that can be spared
_ENOUGH = 500  # examples held out, with which copying can be told from chance
SPLIT_SEED = 0x5EED  # the same split for every run: their scores on held-out examples compare
MOST_HELD_OUT = 10_000


def split_order(group: np.ndarray) -> np.ndarray:
    """Indices ``(N,)`` shuffled, with equal groups side by side: any cut between groups is a fair split.

    Groups of more than 1 % go last, where the training part is, so that no cut has to move far.
    """
    n = len(group)
    place = np.empty(n, np.int64)
    place[permutation(n, seed=SPLIT_SEED, epoch=0)] = np.arange(n)
    rank = np.full(n, n, np.int64)
    np.minimum.at(rank, group, place)
    large = np.bincount(group, minlength=n) > max(1, n // 100)
    return np.lexsort((place, rank[group], large[group]))


def usual_share(n: int) -> float:
    """The share of ``n`` examples that is held out where nothing was said.

    Scores need some hundred examples: under 500 of them, whether samples lean towards the training set
    cannot be told from chance. Sets of up to 1,000 are too dear for that.
    """
    return 0.1 if n <= _DEAR else max(0.1, min(0.25, _ENOUGH / n))


def split(
    stored: Stored,
    found: Scan,
    *,
    standardise: bool,
    held_out: float,
    words: list[str],
    text_encoder: str = "",
    fit: Fit = "crop",
) -> Dataset:
    """Cut the front off as held out, between two groups of duplicates.

    Means, deviations and known phrases are those of the training part.
    """
    n = len(stored.values)
    cut = cut_off(stored.group, held_out)
    parts = slice(0, cut), slice(cut, n)
    condition, rows = _condition(stored, cut, text_encoder)
    held, train = (
        Examples(
            stored.values[part],
            None if stored.labels is None else stored.labels[part],
            stored.origin[part],
            None if rows is None else rows[part],
            None if stored.inputs is None else stored.inputs[part],
        )
        for part in parts
    )
    meta = stored.meta
    space = Space(
        kind=meta["kind"],
        shape=tuple(meta["shape"]),
        classes=tuple(meta["classes"]),
        columns=tuple(meta["columns"]),
        condition=condition,
        source=None
        if stored.inputs is None
        else Space(
            kind=meta["kind"], shape=stored.inputs.shape[1:], value_range=_value_range(meta, "input_range")
        ),
        value_range=_value_range(meta, "value_range"),
    )
    space = space.codec.fit(train.values, meta.get("about", {}), standardise=standardise)
    manifest: dict[str, Any] = {
        "source": meta["source"],
        "form": found.form,
        "fingerprint": meta["fingerprint"],
        "n": n,
        "train": train.n,
        "held_out": held.n,
        "held_out_share": held_out,
        "split_seed": SPLIT_SEED,
        "skipped": len(found.skipped),
        "space": space.to_json(),
        "notes": [*found.notes, *words],
        "warnings": [*found.warnings],
    }
    if fit != "crop":
        manifest["fit"] = fit
    return Dataset(space, train, held, manifest, found)


def _value_range(meta: dict[str, Any], name: str) -> ValueRange | None:
    return ValueRange.from_json(meta[name]) if meta.get(name) else None


def _condition(stored: Stored, cut: int, text_encoder: str) -> tuple[Condition | None, np.ndarray | None]:
    """What examples say of themselves beside their class, and its rows ``(N, K)``."""
    if stored.texts is not None:
        if text_encoder:
            return encoded_condition(stored.texts, cut, text_encoder)
        return text_condition(stored.texts, cut)
    if stored.rows is not None:
        said = stored.meta["said"]
        return numbers_condition(stored.rows, cut, kind=said["kind"], names=tuple(said["names"])), stored.rows
    return None, None


def cut_off(group: np.ndarray, share: float) -> int:
    """How many of the first examples are held out: never through a group of duplicates."""
    n = len(group)
    if share == 0 or n <= 10:
        return 0
    wish = min(max(1, round(share * n)), MOST_HELD_OUT)
    starts = np.flatnonzero(np.diff(group)) + 1  # cuts that part no group
    if len(starts) == 0:
        return 0
    below = starts[starts <= wish]
    return int(below[-1] if len(below) else starts[0])
