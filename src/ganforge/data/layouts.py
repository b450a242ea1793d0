"""What folders mean: classes, parts that are taken together, and the two domains of a translation."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unicodedata import normalize

import numpy as np

from ganforge.core.errors import DataError
from ganforge.data.builtin import NAMES
from ganforge.data.files import printable
from ganforge.data.matching import match, sides
from ganforge.data.raw import name_classes
from ganforge.data.report import Scan

__all__ = ["Domains", "are_numbered", "classes_from_folders", "domains_of"]

_SPLITS = frozenset(
    {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "evaluation"}
)
_PAIRED = 0.9  # share of the names that two folders have in common, from which on they may be pairs
_FRAME = re.compile(r"(?:^|/|[ ._-])frame[ ._-]?\d+\.\w+$", re.IGNORECASE)
_CERTAIN = 64  # pairs from which on such as tell nothing of each other are none
_MOST_WORDS, _MEMBERS = 50, 5  # that names begin with, and examples of each, where these may be classes
_LOOKED_AT = 96  # pairs, for whether they tell of each other
# What folders of pairs are called; the classes of a data set rarely are.
_PARTNERS = frozenset(
    {"input", "inputs", "output", "outputs", "target", "targets", "source", "image", "images", "img", "imgs"}
    | {"mask", "masks", "label", "labels", "seg", "segmentation", "annotation", "annotations", "gt", "truth"}
    | {"edges", "sketch", "sketches", "depth", "before", "after", "low", "high", "lr", "hr", "noisy", "clean"}
)

Related = Callable[[np.ndarray, np.ndarray], bool]


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

    def report(self, found: Scan) -> Scan:
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
        with os.scandir(folder) as found:  # it knows folders without a look at each of a million files
            return {name.lower(): folder / name for name in sorted(one.name for one in found if one.is_dir())}
    except OSError:
        return {}


def classes_from_folders(
    names: Sequence[str], one: str = "picture", related: Related | None = None
) -> tuple[np.ndarray | None, tuple[str, ...], list[str], list[str]]:
    """Class indices ``(N,)`` and names from the top folders of ``a/b/c.png`` names, with notes and warnings.

    Folders that all names share are left out first, and so are folders called train, test, … Classes
    need every file in a folder, and two folders or more. ``one`` is what a file is called; ``related`` says
    whether the files at some positions tell of those at others, one by one, as pairs do.

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
        else:
            warnings += _perhaps_classes(names)
        return None, (), notes, warnings
    _check_domains(folders)
    # macOS writes é as two characters: a folder of the same name to the eye is the same class.
    labels, classes = name_classes(np.array([normalize("NFC", folder[0]) for folder in folders]))
    if len(labels) < 2 * len(classes):
        few = f"no classes: {len(classes)} subfolders have about one {one} each; a class needs several"
        return None, (), notes, [*warnings, few]
    classes = tuple(printable(name) for name in classes)
    if one == "picture" and all(_FRAME.search(name) for name in names):
        films = "if each is a film: --what clips, or --recipe next-frame"
        warnings.append(f"the folders hold numbered frames and are read as {len(classes)} classes; {films}")
    warnings += _perhaps_pairs(names, folders, classes, related)
    return labels, classes, [*notes, f"{len(classes)} classes from subfolders"], warnings


def _perhaps_classes(names: Sequence[str]) -> list[str]:
    """A warning where names begin with one of a few words, as in cat.0.jpg and dog.1.jpg."""
    stems = [
        re.fullmatch(r"([^\W\d_]+)[ ._-]*\d+", os.path.splitext(name.rpartition("/")[2])[0]) for name in names
    ]
    words = Counter(stem[1] for stem in stems if stem)
    many = 2 <= len(words) <= _MOST_WORDS and min(words.values()) >= _MEMBERS
    if not many or words.total() < len(names) or sides(names) is not None:
        return []
    first, second = sorted(words)[:2]
    return [
        f"names begin with one of {len(words)} words, as {printable(first)} and {printable(second)}: if these"
        " are classes, put each into a folder of its own, or name them in a csv"
    ]


def _perhaps_pairs(
    names: Sequence[str], folders: Sequence[Sequence[str]], classes: Sequence[str], related: Related | None
) -> list[str]:
    """A warning where the folders are as likely the sides of pairs as classes.

    Names that all folders have are a reason, but not such as 001 or img_001, which every camera and program
    gives: of these, what the files hold decides, or else what the folders are called.
    """
    files: dict[str, dict[str, int]] = {}
    for at, (name, folder) in enumerate(zip(names, folders, strict=True)):
        files.setdefault(folder[0], {})["/".join([*folder[1:], name.rpartition("/")[2]])] = at
    if len(files) != len(classes):
        return []
    first, *others = files
    found = [match(list(files[first]), list(files[other])) for other in others]
    if any(
        one.doubtful or len(one.pairs) < _PAIRED * max(len(files[first]), len(files[other]))
        for one, other in zip(found, others, strict=True)
    ):
        return []
    if all(are_numbered(list(side)) for side in files.values()):
        pairs = found[0].pairs
        some = [pairs[i] for i in np.linspace(0, len(pairs) - 1, min(len(pairs), _LOOKED_AT)).astype(int)]
        same = related is not None and related(
            np.array([files[first][a] for a, _ in some]), np.array([files[others[0]][b] for _, b in some])
        )
        called = any(set(re.findall(r"[a-z]+", folder.lower())) & _PARTNERS for folder in files)
        if not same and (not called or (related is not None and len(pairs) >= _CERTAIN)):
            return []
    one, other = printable(first), printable(others[0])
    if len(others) == 1:
        return [
            f"the folders {one} and {other} hold files whose names pair and are read as two classes; if they"
            f" are pairs, give {other} as the data and {one} with --from"
        ]
    return [
        f"the {len(files)} folders hold files of the same names and are read as classes; if they are inputs"
        f" and targets, give one as the data and its inputs with --from, such as {other} --from {one}"
    ]


def are_numbered(names: Sequence[str]) -> bool:
    """Whether files are numbered one after the other, which says nothing of what they hold."""
    inside: dict[str, list[str]] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        inside.setdefault(folder, []).append(os.path.splitext(file)[0])
    for files in inside.values():
        stems = [re.fullmatch(r"(\D*)(\d+)(\D*)", file) for file in files]
        if len({stem and (stem[1], stem[3]) for stem in stems}) != 1 or stems[0] is None:
            return False
        numbers = {int(stem[2]) for stem in stems if stem}
        if max(numbers) - min(numbers) >= len(files) / _PAIRED:
            return False
    return True


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
