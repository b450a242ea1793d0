"""An extractor by its name, as it is asked for on the command line."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ganforge.codecs.music.codec import BAR
from ganforge.core.errors import UsageError, nearest
from ganforge.metrics.arrays import Examples
from ganforge.metrics.features import Extractor, learned, measured, raw, sketch, standardised
from ganforge.metrics.foreign import mobilenet_v2, squeezenet
from ganforge.metrics.inception import STANDARD_FILE, fetch_standard, inception
from ganforge.metrics.music import window_features
from ganforge.metrics.texts import text_features

__all__ = ["EXTRACTORS", "WEIGHED", "named_extractor"]

WEIGHED: dict[str, Callable[[Path], Extractor]] = {
    "inception": inception,
    "mobilenet": mobilenet_v2,
    "squeezenet": squeezenet,
}
"""Extractors whose weights come from a file."""

EXTRACTORS = ("learned", "raw", "standardised", "sketch", "notes", "characters", *WEIGHED)
"""Every name that :func:`named_extractor` knows; a file ending in .py is one more."""


def named_extractor(
    name: str,
    training: Examples,
    labels: Examples | None = None,
    *,
    weights: Path | None = None,
    cache: Path | None = None,
) -> Extractor:
    """The extractor called ``name``.

    Args:
        name: one of ``EXTRACTORS``, or the path of a file ending in .py, which is run and must define
            ``features(x)``: a batch ``(n, *shape)`` in declared units to ``(n, D)``.
        training: ``(M, *shape)`` in declared units, for extractors that are fitted to the data.
        labels: ``(M,)`` or None, for ``learned``.
        weights: the file of weights, for those in ``WEIGHED``; for ``inception``, ``fetch`` takes the
            standard file from the cache, or from the net.
        cache: a folder in which ``learned`` keeps its network.

    Raises:
        UsageError: the name is unknown, weights are missing or not wanted, or the file cannot be used.
        DataError: the file of weights is not one.
        MachineError: it cannot be fetched.
    """
    if name not in EXTRACTORS and not name.endswith(".py"):
        raise UsageError(
            f"there is no extractor {name!r}.{nearest(name, EXTRACTORS)} "
            f"Known: {', '.join(EXTRACTORS)}, or a file ending in .py"
        )
    if name in WEIGHED:
        if weights is None:
            file = f" {STANDARD_FILE}" if name == "inception" else ""
            fetch = ", or --weights fetch to have it fetched" if name == "inception" else ""
            raise UsageError(
                f"the extractor {name} needs its file of weights{file}: give --weights FILE{fetch}"
            )
        if name == "inception" and str(weights) == "fetch":
            assert cache is not None
            weights = fetch_standard(cache)
        return WEIGHED[name](weights)
    if weights is not None:
        raise UsageError(f"the extractor {name} takes no weights; those that do: {', '.join(WEIGHED)}")
    if name == "learned":
        return learned(training, labels, cache=cache)
    if name == "raw":
        return raw()
    if name == "standardised":
        return standardised(training)
    if name == "notes":
        return measured(name, training, lambda x: window_features(x, BAR))
    if name == "characters":
        return measured(name, training, text_features)
    return sketch(training[:4096]) if name == "sketch" else _from_file(Path(name))


def _from_file(path: Path) -> Extractor:
    """The function ``features`` of a file of the user's own, which is run: like a recipe, it is a program."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}; it would define features(x), from (n, *shape) to (n, D)")
    spec = importlib.util.spec_from_file_location(f"extractor_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        own: Callable[[Tensor], Tensor] = module.features
    except Exception as error:
        raise _unusable(path, error) from error

    def read(x: Tensor) -> Tensor:
        try:
            found = own(x)
            if not isinstance(found, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
                found = torch.as_tensor(found)
            if found.ndim < 2 or len(found) != len(x):
                raise ValueError(f"{len(x)} examples gave {tuple(found.shape)}")
        except Exception as error:
            raise _unusable(path, error) from error
        return found

    return Extractor(path.stem, read)


def _unusable(path: Path, error: Exception) -> UsageError:
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return UsageError(
        f"the extractor file {path} cannot be used ({what}); it must define features(x), from "
        "(n, *shape) in the data's own units to (n, D)"
    )
