"""What stands beside samples: real examples of a run, samples enough for a cloud, rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganforge.codecs import plots
from ganforge.core.errors import UsageError
from ganforge.runs.rows import conditions
from ganforge.runs.sampler import GeneratorSampler
from ganforge.studio import arguments
from ganforge.studio.model import Model
from ganforge.studio.translation import Translation

__all__ = ["CLOUD", "Beside", "real_beside", "table", "table_file"]

CLOUD = 2_000  # points in one answer
_PICTURES = 64
_ROWS = 1_000

Beside = tuple[dict[str, Any], dict[str, np.ndarray], list[bytes]]
"""Header, arrays and pictures of an answer."""


def real_beside(model: Model | Translation, fields: dict[str, Any]) -> Beside:
    """Real examples: held-out ones where there are some, and of a translation the inputs that its run keeps.

    Points come as the array ``real`` ``(n, D)``, and ``made`` beside it, samples 0 … n − 1 of seed 0; rows of
    a table as ``rows`` of cells; all others as a picture each. ``words`` says what they are.

    Raises:
        UsageError: there are none, as of a model folder, or the data are gone. Points are made all the same,
            and ``words`` says why they are alone.
    """
    arguments.only(fields, ("n",))
    n = arguments.whole(fields, "n", 12, 1, CLOUD)
    if isinstance(model, Translation):
        return _inputs(model, min(n, _PICTURES))
    if model.view in ("line", "plane", "numbers"):
        return _cloud(model, n)
    real, words = _real(model, min(n, _ROWS if model.view == "table" else _PICTURES))
    if model.view == "table":
        return {"words": words, "rows": _rows(model, real)}, {}, []
    shown = [plots.png(model.space.codec.picture(one), quick=True) for one in real]
    return {"words": words}, {}, shown


def _real(model: Model, n: int) -> tuple[np.ndarray, str]:
    """``(≤ n, *shape)`` in declared units, and what they are."""
    data = model.opened.dataset
    part = data.held_out if data.held_out.n else data.train
    words = f"{min(n, part.n):,} of {part.n:,} real examples, {_part(part is data.held_out)}"
    return np.array(part.values[:n]), words


def _part(held_out: bool) -> str:
    return (
        "held out: the training has not seen them" if held_out else "of the training part: none are held out"
    )


def _cloud(model: Model, n: int) -> Beside:
    z = model.prior.seeded(n, seed=0)
    made = model.sampler.generate(z, model.sampler.in_turn(range(n))).numpy()
    arrays = {"made": made.astype(np.float32)}
    try:
        real, words = _real(model, n)
        arrays["real"] = real.astype(np.float32)
    except UsageError as error:  # a model folder, or data that have moved
        words = f"samples alone: {error}"
    return {"words": words}, arrays, []


def _inputs(model: Translation, n: int) -> Beside:
    sources, _, _ = model.inputs
    shown = [plots.png(model.visible(source), quick=True) for source in sources[:n]]
    words = f"{len(shown)} of {len(sources)} inputs that the run keeps, {_part(model.held_out)}"
    return {"words": words}, {}, shown


def table(model: Model, fields: dict[str, Any]) -> dict[str, Any]:
    """Rows of a table as ``gan sample RUN --rows N --seed S --where …`` writes them.

    Raises UsageError where this makes no table, or no row can be as ``where`` says.
    """
    arguments.only(fields, ("n", "seed", "where"))
    n = arguments.whole(fields, "n", 200, 1, _ROWS)
    seed = arguments.whole(fields, "seed", 0, 0, (1 << 63) - 1)
    where = [str(word)[:200] for word in arguments.listed({"where": fields.get("where", [])}, "where", 32)]
    if model.view != "table" or not isinstance(model.sampler, GeneratorSampler):
        raise UsageError(f"this makes {model.space.describe()} and no table, or is a closed graph")
    codes = model.sampler.rows_maker().rows(n, where=conditions(where), seed=seed)
    return {"rows": _rows(model, codes)}


def table_file(model: Model, fields: dict[str, Any]) -> tuple[bytes, str, str]:
    """Rows of cells as a file like the one that was read: its bytes, suffix and media type. UsageError."""
    arguments.only(fields, ("rows",))
    rows = arguments.listed(fields, "rows", _ROWS)
    codec = model.space.codec
    if model.view != "table":
        raise UsageError(f"this makes {model.space.describe()} and no table")
    width = len(codec.heads())
    if not all(
        isinstance(row, list) and len(row) == width and all(isinstance(c, str) for c in row) for row in rows
    ):
        raise UsageError(f"rows are lists of {width} texts")
    return codec.written(rows), codec.suffix, codec.media


def _rows(model: Model, codes: np.ndarray) -> list[list[str]]:
    return [list(row) for row in zip(*model.space.codec.cells(codes), strict=True)]
