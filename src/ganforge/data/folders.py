"""Folders and archives of examples, one a file: of which kind they are, and what else lies there."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from ganforge.core.codec import Codec
from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError
from ganforge.data.facts import SUFFIXES as FACT_SUFFIXES
from ganforge.data.facts import caption_files
from ganforge.data.files import Entry, Listing, UnreadableError, is_archive, list_files, printable
from ganforge.data.kinds import words_on_others
from ganforge.data.raw import Progress, Skipped

__all__ = ["aside_of", "at_least", "counter", "example_suffixes", "form_of", "kind_of_file", "list_examples"]
__all__ += ["moving", "one_file", "plainly", "read_each"]


_T = TypeVar("_T")


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def example_suffixes() -> tuple[str, ...]:
    """Of all kinds whose examples are files."""
    return tuple(suffix for codec in CODECS.values() for suffix in codec.suffixes)


def kind_of_file(path: Path) -> type[Codec] | None:
    """The kind whose examples end as this file does, or None."""
    return next((codec for codec in CODECS.values() if _suffix(path.name) in codec.suffixes), None)


def _kind_of(listing: Listing) -> type[Codec]:
    """The kind that most files are of; pictures where none is of any."""
    counts = Counter(_suffix(entry.name) for entry in listing.entries)
    counts += Counter(_suffix(file.name) for file in listing.skipped)
    kinds = [codec for codec in CODECS.values() if codec.suffixes]

    def rank(codec: type[Codec]) -> tuple[bool, int, bool]:
        own = sum(counts[one] for one in codec.suffixes)
        if codec.lies_beside:  # captions and notes: of their own kind only where they are most of all files
            others = any(counts[one] for kind in kinds if kind is not codec for one in kind.suffixes)
            own = own if not others and 2 * own > counts.total() else -1
        return own > 0, own, codec.picture_files

    return max(kinds, key=rank)


def moving(path: Path, kind: type[Codec], listing: Listing, films: bool | None) -> type[Codec]:
    """The kind that claims these files for what is in them, else ``kind``.

    ``films`` says whether they are; None finds it out.
    """
    if not kind.picture_files or films is False:
        return kind
    others = (codec for codec in CODECS.values() if codec.claims(path, listing, certain=films is True))
    return next(others, kind)


def list_examples(path: Path, films: bool | None = False) -> tuple[type[Codec], Listing]:
    """The kind of a folder's or archive's examples, and their files; ``films`` as of :func:`moving`."""
    listing = list_files(path)
    kind = _kind_of(listing)
    if kind.picture_files and films is not False:
        more = tuple(suffix for codec in CODECS.values() if codec.also for suffix in codec.suffixes)
        kind = moving(path, kind, _only(listing, (*kind.suffixes, *more)), films)
    return kind, _only(listing, (*kind.suffixes, *kind.also))


def _only(listing: Listing, suffixes: Collection[str]) -> Listing:
    """The files that end so, and what is left out of them."""
    entries = [entry for entry in listing.entries if _suffix(entry.name) in suffixes]
    skipped = [file for file in listing.skipped if _suffix(file.name) in (*suffixes, "")]
    return replace(listing, entries=entries, skipped=skipped)


def one_file(path: Path) -> Listing:
    """A file that holds many examples by itself, as a listing of one."""
    found = path.stat()
    entry = Entry(path.name, found.st_size, found.st_mtime_ns)
    return Listing([entry], [], lambda _: open(path, "rb"))


def aside_of(listing: Listing, kind: type[Codec]) -> tuple[list[str], list[str], int]:
    """Notes and warnings on what else lies in a folder or archive of examples, and how many files these are.

    Tables, json and captions are spoken of by who looks into them (``data.conditions``).

    Args:
        kind: of the examples.
    """
    suffixes = (*kind.suffixes, *kind.also)
    # There may be a million: most end as they should.
    others = [entry.name for entry in listing.entries if not entry.name.lower().endswith(suffixes)]
    if not others:
        return [*listing.notes], [*listing.warnings], 0
    examples = {printable(entry.name) for entry in listing.entries if _suffix(entry.name) in suffixes}
    captions = {entry.name for entry in caption_files(listing, examples).values()}
    named = [name for name in others if _suffix(name) not in FACT_SUFFIXES and name not in captions]
    warnings = [*listing.warnings]
    if named:
        warnings.append(f"not read: {words_on_others(named)}")
    return [*listing.notes], warnings, len(others)


def plainly(entry: Entry, work: Callable[[], _T]) -> _T | Skipped:
    """A file's result, or why it has none."""
    try:
        return work()
    except DataError:  # a library is missing: that is not the file's fault
        raise
    except UnreadableError as error:
        return Skipped(printable(entry.name), str(error))
    # Readers of other people raise nearly anything on damaged files; each costs one file only.
    except Exception as error:
        words = " ".join(str(error).split()) or type(error).__name__
        return Skipped(printable(entry.name), "truncated" if "truncated" in words else f"damaged ({words})")


def read_each(
    entries: Sequence[Entry],
    work: Callable[[Entry], _T],
    *,
    done: Callable[[int], None],
    skipped: list[Skipped],
) -> list[tuple[Entry, _T]]:
    """Every file with its result; one that has none is added to ``skipped`` with the reason."""
    found: list[tuple[Entry, _T]] = []
    for entry in entries:
        result = plainly(entry, partial(work, entry))
        done(1)
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            found.append((entry, result))
    return found


def form_of(path: Path, many: str, one: str) -> str:
    """What a source of files is called: ``many`` in a folder or an archive, or ``one`` alone."""
    if path.is_dir():
        return f"folder of {many}"
    return f"archive of {many}" if is_archive(path) else one


def counter(progress: Progress | None, total: int) -> Callable[[int], None]:
    """Called with how many more are done, it tells ``progress``."""
    state = 0

    def done(more: int) -> None:
        nonlocal state
        state += more
        if progress is not None:
            progress(state, total)

    return done


def at_least(path: Path, n: int, skipped: Sequence[Skipped], one: str) -> None:
    """DataError where none is left."""
    if n:
        return
    bad = f" ({len(skipped)} could not be read; {skipped[0].name}: {skipped[0].reason})" if skipped else ""
    raise DataError(f"no readable {one} in {path}{bad}; a GAN needs many examples, better 100 or more")
