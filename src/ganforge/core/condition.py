"""What a generator can be asked for beside its latent, and how it is said in numbers."""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from ganforge.core.errors import UsageError, nearest
from ganforge.core.fields import choice, listed, mapping, only, real, text
from ganforge.core.names import find_name

if TYPE_CHECKING:
    import torch

__all__ = ["Condition", "ConditionKind", "phrases"]

ConditionKind = Literal["class", "labels", "numbers", "text"]

_MANY = 10_000_000  # names, captions, examples, and numbers of one
_LONGEST = 100_000  # characters of a caption


def phrases(text: str) -> list[str]:
    """The words of ``text`` in lower case, then its pairs of neighbouring words.

    Pairs keep what belongs together apart: 'red circle, blue square' and 'blue circle, red square' have
    the same words (bags of n-grams: Joulin et al. 2016, 'Bag of Tricks for Efficient Text Classification').
    """
    words = re.findall(r"\w+", unicodedata.normalize("NFC", text).lower())
    return words + [f"{one} {two}" for one, two in itertools.pairwise(words)]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What examples of a data set say of themselves, and what samples can therefore be asked to be.

    Data keep a *row* of numbers for each example; networks read a *vector* of ``size`` numbers:

    ======= ============================================ ==================================================
    kind    row                                          vector
    ======= ============================================ ==================================================
    class   ``(1,)``: the class's number                 1 at the class, else 0
    labels  ``(C,)``: 1 for each label that holds        the same
    numbers ``(C,)``: in the data's own units            less the mean, by the deviation
    text    ``(L,)``: numbers of its phrases, then −1    1 / √count at each phrase, else 0
    text    ``(C,)``: what ``encoder`` makes of it       the same
    ======= ============================================ ==================================================

    A linear map of a text's vector is the mean of trained embeddings of its phrases: each player's first
    layer is its own small text encoder. With ``encoder``, a model that was trained elsewhere reads it.

    Attributes:
        kind: see above.
        names: of the classes, the labels or the numbers; of text, the phrases that are known, or the
            numbers of the encoder.
        mean, deviation: of numbers, one each.
        examples: rows of the data: what is asked for in turn where nobody says anything. Classes need none.
        captions: of text, what ``examples`` say.
        encoder: of text, the sentence encoder that reads it (``core.sentences``); empty is none.
    """

    kind: ConditionKind
    names: tuple[str, ...]
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    examples: tuple[tuple[float, ...], ...] = ()
    captions: tuple[str, ...] = ()
    encoder: str = ""

    def __post_init__(self) -> None:
        assert self.names
        assert self.kind != "numbers" or len(self.mean) == len(self.deviation) == len(self.names)

    @property
    def size(self) -> int:
        """How many numbers its vector has."""
        return len(self.names)

    def vectors(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows ``(N, K)`` as the data keep them to vectors ``(N, size)`` float32."""
        import torch

        if self.kind == "labels" or self.encoder:
            return rows.float()
        if self.kind == "numbers":
            return (rows.float() - rows.new_tensor(self.mean).float()) / rows.new_tensor(
                self.deviation
            ).float()
        rows = rows.long()
        known = (rows >= 0).float()
        vectors = torch.zeros(len(rows), self.size, device=rows.device)
        vectors.scatter_add_(1, rows.clamp(min=0), known)
        if self.kind == "text":
            vectors = vectors.clamp_(max=1.0)
            vectors /= vectors.sum(1, keepdim=True).clamp(min=1.0).sqrt()
        return vectors

    def in_turn(self, numbers: Iterable[int]) -> torch.Tensor:
        """Vectors ``(n, size)`` for the samples of these numbers, of which nobody said anything."""
        import torch

        turn = torch.tensor(list(numbers), dtype=torch.int64)
        if self.kind == "class":
            return self.vectors((turn % self.size)[:, None])
        assert self.examples
        return self.vectors(torch.tensor(self.examples)[turn % len(self.examples)])

    def read(self, words: str) -> torch.Tensor:
        """What a person asks for, ``(1, size)``.

        A class by its name or number; a text; numbers as ``NAME=VALUE`` joined by commas (what is not named
        is at its mean); or labels joined by commas, each with how much of it, ``NAME=0.8``, if not 1.

        Raises:
            UsageError: nothing of that name is known; the nearest one is suggested.
        """
        import torch

        return self.vectors(torch.tensor([self._row(words)]))

    def unknown(self, words: str) -> list[str]:
        """Single words of a text that no caption has, which are left out; other kinds refuse them."""
        if self.kind != "text" or self.encoder:
            return []
        known = set(self.names)
        return [word for word in dict.fromkeys(phrases(words)) if " " not in word and word not in known]

    def _row(self, words: str) -> list[float]:
        if self.kind == "class":
            return [self._number(words.strip())]
        if self.encoder:
            from ganforge.core.sentences import encode

            return [float(number) for number in encode(self.encoder, [words])[0]]
        if self.kind == "text":
            known = {name: i for i, name in enumerate(self.names)}
            found = [known[phrase] for phrase in phrases(words) if phrase in known]
            if not found:
                raise UsageError(f"no word of {words!r} was in the captions.{nearest(words, self.names)}")
            return [float(i) for i in dict.fromkeys(found)]
        row = list(self.mean) if self.kind == "numbers" else [0.0] * self.size
        for part in (part.strip() for part in words.split(",") if part.strip()):
            name, equals, value = part.partition("=")
            try:
                row[self._number(name.strip())] = float(value) if equals or self.kind == "numbers" else 1.0
            except ValueError:
                raise UsageError(f"{part!r} must be NAME=NUMBER, as in {self.names[0]}=0.8") from None
        return row

    def _number(self, name: str) -> int:
        """The index of a name, or of a number that is itself an index."""
        found = find_name(name, self.names)
        if found is not None:
            return found
        if name.isdecimal() and int(name) < self.size:
            return int(name)
        what = {"class": "class", "labels": "label", "numbers": "number"}[self.kind]
        known = ", ".join(self.names[:12]) + (", …" if self.size > 12 else "")
        raise UsageError(f"there is no {what} {name!r}.{nearest(name, self.names)} Known: {known}")

    def describe(self) -> str:
        """For a person: ``10 classes``, ``captions with 812 known phrases``, …"""
        if self.encoder:
            return f"captions as {self.encoder} reads them, {self.size:,} numbers"
        if self.kind == "text":
            return f"captions with {self.size:,} known phrases"
        if self.kind == "class":
            return f"{self.size} classes"
        what = self.kind.removesuffix("s") if self.size == 1 else self.kind
        return f"{self.size} {what}: {', '.join(self.names[:6])}{', …' if self.size > 6 else ''}"

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in ((), "")}

    @classmethod
    def from_json(cls, fields: Any, where: str = "condition") -> Condition:
        """The inverse of :meth:`to_json`, on plain data of unknown origin.

        Raises ValueError, TypeError or KeyError: a field is missing, unknown, or of the wrong type.
        """
        fields = mapping(fields, where)
        only(fields, [field.name for field in dataclass_fields(cls)], where)

        def numbers(value: Any) -> tuple[float, ...]:
            return tuple(real(number, where) for number in listed(value, where, _MANY))

        def texts(name: str) -> tuple[str, ...]:
            found = listed(fields.get(name, []), f"{where}.{name}", _MANY)
            return tuple(text(words, f"{where}.{name}", _LONGEST) for words in found)

        found = cls(
            kind=cast(ConditionKind, choice(fields["kind"], f"{where}.kind", get_args(ConditionKind))),
            names=texts("names"),
            mean=numbers(fields.get("mean", [])),
            deviation=numbers(fields.get("deviation", [])),
            examples=tuple(numbers(row) for row in listed(fields.get("examples", []), where, _MANY)),
            captions=texts("captions"),
            encoder=text(fields.get("encoder", ""), f"{where}.encoder"),
        )
        top = found.size - 1 if found.kind in ("class", "text") and not found.encoder else math.inf
        if any(number > top for row in found.examples for number in row) or 0 in found.deviation:
            raise ValueError(f"{where} names what it does not have")
        if found.kind != "class" and not (found.examples and len({len(row) for row in found.examples}) == 1):
            raise ValueError(f"{where} needs examples, all of one length")
        return found

    @classmethod
    def of_classes(cls, names: Sequence[str]) -> Condition:
        """The condition of examples that belong to one class each."""
        return cls(kind="class", names=tuple(names))
