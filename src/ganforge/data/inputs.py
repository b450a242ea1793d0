"""Where inputs of a translation come from, and data sets that have them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Literal

from ganforge.core.errors import DataError
from ganforge.data.dataset import Dataset
from ganforge.data.degrade import SIDES, degradation, is_degradation, previous
from ganforge.data.readers import Source, is_there
from ganforge.data.report import Scan

__all__ = ["Way", "two_domains", "way_of", "with_degraded", "with_domain", "with_manifest"]

Way = Literal["none", "made", "side", "previous", "pairs", "domain"]
"""No inputs; made from the examples when a batch is; one side of each picture; the frames before it;
those of another place one by one; or a domain of their own."""


def way_of(source: str, paired: bool) -> Way:
    """How inputs of ``source`` come about.

    Raises:
        DataError: it is no path and no known word, or its number does not fit.
    """
    if not source:
        return "none"
    if is_degradation(source):
        degradation(source)
        return "made"
    if source in SIDES:
        return "side"
    if previous(source) is not None:
        return "previous"
    path = Source.of(source).path
    if path is not None and not is_there(path):
        degradation(source)  # says that it is neither
    return "pairs" if paired else "domain"


def with_degraded(dataset: Dataset, source: str) -> Dataset:
    """The same with inputs that are made from the examples."""
    way = degradation(source, dataset.space)
    space = replace(dataset.space, source=way.space(dataset.space))
    assert space.source is not None
    words = f"input: {way.text}, made from each {space.codec.one}: {space.source.describe()}"
    found = replace(dataset.scan, found=(*dataset.scan.found, words))
    return with_manifest(replace(dataset, space=space), {"source": way.text}, found, way.text)


def with_manifest(dataset: Dataset, inputs: dict[str, Any], found: Scan, mark: str) -> Dataset:
    """The same with a manifest that speaks of the inputs, and a fingerprint that depends on ``mark``.

    A path must be no mark, since data may move: what lies there is part of the fingerprint already.
    """
    manifest = {**dataset.manifest, "inputs": inputs, "space": dataset.space.to_json()}
    if mark:
        both = f"{manifest['fingerprint']} {mark}"
        manifest["fingerprint"] = hashlib.sha256(both.encode()).hexdigest()
    return replace(dataset, manifest=manifest, scan=found)


def two_domains(dataset: Dataset, domain: Dataset, source: str) -> Dataset:
    """The examples of one with those of the other as inputs, each part its own."""
    if dataset.space.kind != domain.space.kind:
        raise DataError(
            f"the examples are {dataset.space.kind} and those of {source} {domain.space.kind}: an exchange"
            " needs two domains of one kind"
        )
    space = replace(dataset.space, source=replace(domain.space, classes=(), condition=None))
    names = ("source", "fingerprint", "n", "train", "held_out", "skipped")
    inputs = {**{name: domain.manifest[name] for name in names}, "paired": False}
    both = replace(
        dataset,
        space=space,
        train=replace(dataset.train, sources=domain.train.values),
        held_out=replace(dataset.held_out, sources=domain.held_out.values),
    )
    found = with_domain(dataset.scan, domain.scan, source)
    return with_manifest(both, inputs, found, str(domain.manifest["fingerprint"]))


def with_domain(one: Scan, other: Scan, source: str) -> Scan:
    """What was found in both domains."""
    words = [f"input: an unpaired domain of {other.headline()}, from {source}", *other.found]
    skipped = [replace(file, name=f"{source}: {file.name}") for file in other.skipped]
    return replace(
        one,
        found=(*one.found, *words),
        skipped=(*one.skipped, *skipped),
        notes=(*one.notes, *(f"of the inputs: {note}" for note in other.notes)),
        warnings=(*one.warnings, *(f"of the inputs: {warning}" for warning in other.warnings)),
    )
