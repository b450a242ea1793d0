"""A person's files, checked, decoded once, and given out as batches in a declared space.

``load`` reads anything that ``gan train`` takes, ``scan`` reports on it, and a ``Loader`` makes batches.
One file of this room belongs to each kind of source. Importing the room costs nothing: a name is loaded when
it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganforge.data.dataset import Dataset, Examples
    from ganforge.data.loader import Loader
    from ganforge.data.loading import load, scan
    from ganforge.data.report import Scan

__all__ = ["Dataset", "Examples", "Loader", "Scan", "load", "scan"]


def __getattr__(name: str) -> Any:
    if name in ("load", "scan"):
        from ganforge.data import loading

        return loading.load if name == "load" else loading.scan
    if name in ("Dataset", "Examples"):
        from ganforge.data import dataset

        return dataset.Dataset if name == "Dataset" else dataset.Examples
    if name == "Loader":
        from ganforge.data.loader import Loader

        return Loader
    if name == "Scan":
        from ganforge.data.report import Scan

        return Scan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
