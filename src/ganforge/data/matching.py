"""Which names of two lists belong together: pairs, and what captions and tables call a picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from ganforge.core.names import folded, restored

__all__ = ["Matched", "match", "sides"]

_END = re.compile(
    r"\.(?:png|jpe?g?|jfif|webp|bmp|dib|gif|tiff?|p[pgbn]m|hei[cf]|avif|jp2|tga|svg|psd|raw"
    r"|np[yz]|mat|txt|json|xml|mp4|mov|mkv|webm|avi)$",
    re.IGNORECASE,
)  # says what a file is, and nothing of which picture it is
_ROLE = re.compile(
    r"a|b|x|y|in|out|inputs?|outputs?|source|target|im(?:a?g|ages?)|photos?|pic|pictures?|rgb|colou?r|real|fake"
    r"|masks?|labels?|seg\w*|gt|truth|maps?|edges?|sketch\w*|lines?|drawings?|depth|normals?|left|right|[lh]r"
    r"|high|low|small|large|clean|noisy|blur\w*|sharp|before|after|day|night|gr[ae]y|bw"
)  # what the two sides of a pair are called

_ROLE_LAST = re.compile(rf"(.+)[ _.-]({_ROLE.pattern})")
_ROLE_FIRST = re.compile(rf"({_ROLE.pattern})[ _.-](.+)")
_NEARLY = 0.9

Parts = tuple[str, ...]  # folders and the file, without those that all share
Form = Callable[[Parts], str]


@dataclass(frozen=True, eq=False)
class Matched:
    """Two lists of names compared.

    Attributes:
        pairs: names that belong together, of both, in the first's order.
        alone, others: what has no partner, of the first and of the second.
        how: what had to be overlooked, in words with an example; empty where folders and endings are all.
        doubtful: only numbers agree, under two words that say nothing of a pair: cat_1 and dog_1.
    """

    pairs: list[tuple[str, str]]
    alone: list[str]
    others: list[str]
    how: str = ""
    doubtful: bool = False


def match(names: Sequence[str], others: Sequence[str]) -> Matched:
    """Pair ``a/b.png`` with ``a/b.jpg``; folders that all of one side share do not count.

    What is left alone is compared by less, step by step: the file's own name without folders, names without
    case and in one Unicode form, numbers without leading zeros (``3`` and ``003``). Only if that pairs more
    of the two sides, names are compared without what all of one side begin or end with (``_mask``). What
    could be two names is neither.
    """
    one, two = _parts(names), _parts(others)
    found: dict[str, str] = {}
    how = ""
    for fold, words in _LEVELS:
        more = _step(names, others, (one, two), lambda i, key, fold=fold: fold(key), found)
        changed = next((pair for pair in more.items() if words and _unlike(*pair)), None)
        how = how if changed is None else f"{words}, as in {changed[0]} and {changed[1]}"
        found |= more
    if len(found) == min(len(names), len(others)):
        return _matched(names, others, found, how)
    affixes = _affixes([[_without_zeros(_stem(parts)) for parts in side] for side in (one, two)])
    if not any(text for affix in affixes for text in affix):
        return _matched(names, others, found, how)
    bare = _step(names, others, (one, two), lambda i, key: affixes[i].off(_without_zeros(key)), {})
    if len(bare) <= len(found):
        return _matched(names, others, found, how)
    name, other = next(iter(bare.items()))
    words = " and ".join(repr(text) for affix in affixes for text in affix if text)
    how = f"the names agree only without {words}, as in {name} and {other}"
    return _matched(names, others, bare, how, doubtful=_doubtful(list(bare), affixes))


def sides(names: Sequence[str]) -> tuple[str, str] | None:
    """Two names of one picture, as ``1.jpg`` and ``1_mask.png``, where nearly all are such pairs; or None."""
    pictures: dict[str, dict[str, str]] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        stem = folded(_END.sub("", file))
        end, start = _ROLE_LAST.fullmatch(stem), _ROLE_FIRST.fullmatch(stem)
        whole, role = (end[1], end[2]) if end else (start[2], start[1]) if start else (stem, "")
        pictures.setdefault(f"{folder}/{_without_zeros(whole)}", {})[role] = name
    roles = Counter(tuple(sorted(both)) for both in pictures.values())
    both, count = max(roles.items(), key=lambda item: item[1], default=((), 0))
    if len(both) != 2 or 2 * count < _NEARLY * len(names):
        return None
    first = next(found for found in pictures.values() if tuple(sorted(found)) == both)
    return first[both[0]], first[both[1]]


def _step(
    names: Sequence[str],
    others: Sequence[str],
    parts: tuple[list[Parts], list[Parts]],
    fold: Callable[[int, str], str],
    found: dict[str, str],
) -> dict[str, str]:
    """More pairs, of names that have none in ``found``: by paths first, by the files' own names last."""
    more: dict[str, str] = {}
    taken = set(found.values())
    flat = all(len(one) == 1 for side in parts for one in side)
    for form in _FORMS[::3] if flat else _FORMS:
        mine = _keys(names, parts[0], lambda p, form=form: fold(0, form(p)))
        theirs = _keys(others, parts[1], lambda p, form=form: fold(1, form(p)))
        for key, name in mine.items():
            other = theirs.get(key)
            if other is not None and other not in taken and name not in found and name not in more:
                more[name] = other
                taken.add(other)
        if len(found) + len(more) == min(len(names), len(others)):
            break
    return more


def _matched(
    names: Sequence[str], others: Sequence[str], found: dict[str, str], how: str, doubtful: bool = False
) -> Matched:
    pairs = [(name, found[name]) for name in dict.fromkeys(names) if name in found]
    taken = set(found.values())
    alone = [name for name in names if name not in found]
    return Matched(pairs, alone, [other for other in others if other not in taken], how, doubtful)


def _unlike(one: str, other: str) -> bool:
    return _stem(_parts([one])[0]) != _stem(_parts([other])[0])


def _doubtful(names: Sequence[str], affixes: Sequence[_Affix]) -> bool:
    """Whether two different words stand beside bare numbers, and neither is one of a pair's."""
    words = [re.findall(r"[^\W\d_]+", f"{affix.prefix} {affix.suffix}") for affix in affixes]
    if not all(words) or any(_ROLE.fullmatch(word) for side in words for word in side):
        return False
    stems = (_without_zeros(_stem(parts)) for parts in _parts(names[:100]))
    return all(affixes[0].off(stem).isdecimal() for stem in stems)


# --- names to what is compared ---


def _parts(names: Sequence[str]) -> list[Parts]:
    """Folders and file of each, whichever way the slashes lean, without the folders that all share."""
    split = [
        tuple(part for part in _path(name).split("/") if part not in ("", ".")) or ("",) for name in names
    ]
    if not split:
        return []
    folders = [parts[:-1] for parts in split]
    shared = len(_common(min(folders), max(folders)))
    return [parts[shared:] for parts in split]


def _common(one: Sequence[str], other: Sequence[str]) -> Sequence[str]:
    """What two sequences begin with; of the least and the greatest of many, what all begin with."""
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    return one[:same]


def _path(name: str) -> str:
    if "://" in name:
        name = unquote(name.partition("?")[0])
    return restored(name).strip().replace("\\", "/")


def _stem(parts: Parts) -> str:
    return _END.sub("", parts[-1])


def _whole(parts: Parts) -> str:
    return "/".join((*parts[:-1], _stem(parts)))


_FORMS: tuple[Form, ...] = (
    "/".join,
    _whole,
    lambda parts: _whole(parts[-2:]),
    _stem,
)


def _plain(key: str) -> str:
    return key


def _without_zeros(key: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", folded(key))


_LEVELS: tuple[tuple[Callable[[str], str], str], ...] = (
    (_plain, ""),
    (folded, "the names agree only without regard to capitals and the spelling of accents"),
    (_without_zeros, "the numbers in the names agree only without leading zeros"),
)


def _keys(names: Sequence[str], parts: Sequence[Parts], key: Callable[[Parts], str]) -> dict[str, str]:
    """Key to name; a key that two names have is left out."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, one in zip(names, parts, strict=True):
        word = key(one)
        if found.setdefault(word, name) != name:
            twice.add(word)
    return {word: name for word, name in found.items() if word and word not in twice}


class _Affix(NamedTuple):
    """What all names of a side begin and end with."""

    prefix: str = ""
    suffix: str = ""

    def off(self, key: str) -> str:
        folders, slash, name = key.rpartition("/")
        if len(name) < len(self.prefix) + len(self.suffix):
            return key
        return folders + slash + name.removeprefix(self.prefix).removesuffix(self.suffix)


def _affixes(sides: Sequence[Sequence[str]]) -> list[_Affix]:
    """What all of each side share, where the sides differ in it."""
    one, two = (_affix(side) for side in sides)
    prefixes = ("", "") if one.prefix == two.prefix else (one.prefix, two.prefix)
    suffixes = ("", "") if one.suffix == two.suffix else (one.suffix, two.suffix)
    return [_Affix(prefixes[i], suffixes[i]) for i in (0, 1)]


def _affix(stems: Sequence[str]) -> _Affix:
    """Whole words and signs that all share, never a part of a number or of a word."""
    stems = list(dict.fromkeys(stems))
    if len(stems) < 2:
        return _Affix()
    prefix = str(_common(min(stems), max(stems)))
    while prefix and not _ends_well(prefix, [stem[len(prefix) :] for stem in stems]):
        prefix = prefix[:-1]
    mirrored = [stem[len(prefix) :][::-1] for stem in stems]
    suffix = str(_common(min(mirrored), max(mirrored)))
    while suffix and not _ends_well(suffix, [stem[len(suffix) :] for stem in mirrored]):
        suffix = suffix[:-1]
    return _Affix(prefix, suffix[::-1])


def _ends_well(affix: str, rests: Sequence[str]) -> bool:
    """Whether an affix ends between two words, or between a word and a number."""
    if not all(rests):
        return False
    last = affix[-1]
    if not last.isalnum():
        return True
    return not last.isdecimal() and all(rest[0].isdecimal() for rest in rests)
