"""What folders mean: classes, parts that are taken together, and the two domains of a translation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unicodedata import normalize

import numpy as np

from ganforge.core.errors import DataError
from ganforge.data.builtin import NAMES
from ganforge.data.files import printable
from ganforge.data.matching import match
from ganforge.data.raw import name_classes
from ganforge.data.report import Scan

__all__ = ["Domains", "classes_from_folders", "domains_of"]

_SPLITS = frozenset(
    {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "evaluation"}
)
_PAIRED = 0.9  # share of the names that two folders have in common, from which on they may be pairs
# What folders of pairs are called; the classes of a data set rarely are.
_PARTNERS = frozenset(
    {"input", "inputs", "output", "outputs", "target", "targets", "source", "image", "images", "img", "imgs"}
    | {"mask", "masks", "label", "labels", "seg", "segmentation", "annotation", "annotations", "gt", "truth"}
    | {"edges", "sketch", "sketches", "depth", "before", "after", "low", "high", "lr", "hr", "noisy", "clean"}
)


@dataclass(frozen=True)
class Domains:
    """The two domains of a translation in one folder; A leads to B.

    Attributes:
        examples, inputs: the folders of B and A that are meant for training.
        others: what else lies there.
    """

    examples: Path
    inputs: Path
    others: tuple[str, ...]

    def told(self, found: Scan) -> Scan:
        """The same report with words on what was taken for what."""
        words = f"two domains: {self.inputs} leads to {self.examples}; the other way round: name --from"
        left = f"not read: {', '.join(self.others)}; see the result on them with gan translate"
        warnings = (*found.warnings, left) if self.others else found.warnings
        if self.inputs.name.lower() == "traina" and any(" pairs by name " in line for line in found.found):
            pairs = "the names in both folders agree, which makes pairs of them; if they are none"
            warnings = (*warnings, f"{pairs}: --recipe cyclegan")
        return replace(found, notes=(*found.notes, words), warnings=warnings)


def domains_of(data: str | Path) -> Domains | None:
    """The domains of a folder that is laid out as CycleGAN's and pix2pix's data are; None for any other.

    That is ``trainA`` and ``trainB``, or ``A/train`` and ``B/train`` (Zhu et al. 2017; Isola et al. 2017).
    """
    folder = Path(data).expanduser()
    if isinstance(data, str) and data in NAMES:
        return None
    inside = _folders(folder)
    if {"traina", "trainb"} <= inside.keys():
        others = tuple(path.name for name, path in inside.items() if name not in ("traina", "trainb"))
        return Domains(inside["trainb"], inside["traina"], others)
    if not {"a", "b"} <= inside.keys():
        return None
    one, two = _folders(inside["a"]), _folders(inside["b"])
    if not ("train" in one and "train" in two):
        return None
    others = [f"{path.parent.name}/{path.name}" for path in (*one.values(), *two.values())]
    return Domains(two["train"], one["train"], tuple(name for name in others if name[2:].lower() != "train"))


def _folders(folder: Path) -> dict[str, Path]:
    """Subfolders by their names in lower case, sorted; nothing where there is no such folder."""
    try:
        return {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    except OSError:
        return {}


def classes_from_folders(
    names: Sequence[str], one: str = "picture"
) -> tuple[np.ndarray | None, tuple[str, ...], list[str], list[str]]:
    """Class indices ``(N,)`` and names from the top folders of ``a/b/c.png`` names, with notes and warnings.

    Folders that all names share are left out first, and so are folders called train, test, … Classes
    need every file in a folder, and two folders or more. ``one`` is what a file is called.

    Raises:
        DataError: the folders are the two domains of a translation.
    """
    folders = [name.split("/")[:-1] for name in names]
    notes: list[str] = []
    warnings: list[str] = []
    while all(folders) and len(tops := {folder[0] for folder in folders}) >= 1:
        split = {top.lower() for top in tops} <= _SPLITS
        if len(tops) > 1 and not split:
            break
        if len(tops) > 1:
            together = ", ".join(sorted(tops))
            warnings.append(
                f"the folders {together} are taken together, also what is meant for tests: name one of them"
                " to train on it alone"
            )
        folders = [folder[1:] for folder in folders]
    if not all(folders):
        loose = sum(not folder for folder in folders)
        if loose < len(folders):
            where = f"{loose:,} {f'{one} lies' if loose == 1 else f'{one}s lie'} beside the subfolders"
            warnings.append(
                f"no classes: {where}; move {'it' if loose == 1 else 'them'} into one for classes"
            )
        return None, (), notes, warnings
    _check_domains(folders)
    # macOS writes é as two characters: a folder of the same name to the eye is the same class.
    labels, classes = name_classes(np.array([normalize("NFC", folder[0]) for folder in folders]))
    if len(labels) < 2 * len(classes):
        few = f"no classes: {len(classes)} subfolders have about one {one} each; a class needs several"
        return None, (), notes, [*warnings, few]
    classes = tuple(printable(name) for name in classes)
    warnings += _perhaps_pairs(names, folders, classes)
    return labels, classes, [*notes, f"{len(classes)} classes from subfolders"], warnings


def _perhaps_pairs(
    names: Sequence[str], folders: Sequence[Sequence[str]], classes: Sequence[str]
) -> list[str]:
    """A warning where the files of two classes pair by name, and names or folders are those of pairs."""
    if len(classes) != 2:
        return []
    files: dict[str, list[str]] = {}
    for name, folder in zip(names, folders, strict=True):
        files.setdefault(folder[0], []).append("/".join([*folder[1:], name.rpartition("/")[2]]))
    if len(files) != 2:
        return []
    one, two = files.values()
    found = match(one, two)
    if found.doubtful or len(found.pairs) < _PAIRED * max(len(one), len(two)):
        return []
    called = any(set(re.findall(r"[a-z]+", folder.lower())) & _PARTNERS for folder in files)
    numbers = all(re.fullmatch(r"\d+\.\w+", name.rpartition("/")[2]) for pair in found.pairs for name in pair)
    if not called and numbers:
        return []
    first, second = files
    return [
        f"the folders {printable(first)} and {printable(second)} hold files whose names pair and are read"
        f" as two classes; if they are pairs, give {printable(second)} as the data and {printable(first)}"
        " with --from"
    ]


def _check_domains(folders: Sequence[Sequence[str]]) -> None:
    """Raises DataError where folders are no classes but two domains, which classes would mix."""
    tops = {folder[0].lower() for folder in folders}
    pair = None
    if {"traina", "trainb"} <= tops:
        pair = "trainB", "trainA"
    elif tops == {"a", "b"} and all(len(folder) > 1 and folder[1].lower() in _SPLITS for folder in folders):
        pair = "B/train", "A/train"
    if pair is not None:
        raise DataError(
            f"the folders are the two domains of a translation: give {pair[0]} as the data and {pair[1]} as"
            f" the inputs, as in gan train DATA/{pair[0]} --from DATA/{pair[1]} (an archive must be unpacked)"
        )
