"""Short texts as characters, one of a vocabulary at each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganforge.codecs.text.facts import TextFacts
from ganforge.codecs.text.picture import columns
from ganforge.codecs.tokens import Tokens
from ganforge.core.fields import mapping, only, text

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.core.space import Space
    from ganforge.data.files import Listing
    from ganforge.data.raw import Raw

__all__ = ["MOST_LETTERS", "FittedTexts", "Texts"]

MOST_LETTERS = 128


@dataclass(frozen=True)
class FittedTexts:
    """What is known of texts: their characters."""

    letters: str

    def to_json(self) -> dict[str, Any]:
        return {"letters": self.letters}

    @classmethod
    def from_json(cls, fields: Any, where: str) -> FittedTexts:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, ["letters"], where)
        letters = text(fields["letters"], f"{where}.letters", MOST_LETTERS)
        if not letters or len(set(letters)) < len(letters):
            raise ValueError(f"{where}.letters must be different characters")
        return cls(letters)


class Texts(Tokens):
    """Texts ``(1, T)`` uint8: the places of characters in the vocabulary, from 1; 0 is the end, and after it.

    A network sees them one-hot.
    """

    name = "texts"
    extractor = "characters"
    keeps_alike = False  # a short name is made anew by right
    words = "short texts, such as names, character by character"
    one = "text"
    counted = "texts"
    suffixes = (".txt",)
    cuts_up = True
    lies_beside = True
    joined = True
    pictured = False

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        fitted = space.fitted
        if isinstance(fitted, FittedTexts):
            self.fitted = fitted

    @property
    def shape(self) -> tuple[int, ...]:
        return self.space.shape if self.space.fitted is None else (1, self.space.shape[1])

    @property
    def suffix(self) -> str:
        return ".txt"

    @property
    def media(self) -> str:
        return "text/plain"

    def describe(self) -> str:
        words = f"texts of up to {self.space.shape[1]} characters"
        return words if self.space.fitted is None else f"{words}, {len(self.fitted.letters)} different ones"

    def units(self) -> str:
        return "uint8: places of characters in the vocabulary, from 1; 0 is the end"

    # -- files and what is fitted --------------------------------------------------------------------------

    @classmethod
    def read_files(cls, path: Path, listing: Listing, **wishes: Any) -> Raw:
        from ganforge.codecs.text.reader import read_texts

        return read_texts(path, listing, **wishes)

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        del standardise
        letters = str(about["letters"])
        return replace(self.space, shape=(1 + len(letters), train.shape[2]), fitted=FittedTexts(letters))

    @classmethod
    def fitted_from_json(cls, fields: Any, where: str) -> FittedTexts:
        return FittedTexts.from_json(fields, where)

    # -- units ---------------------------------------------------------------------------------------------

    @property
    def choices(self) -> tuple[tuple[int, ...], ...]:
        return (tuple(range(self.space.shape[0])),)

    def context(self, lasting: Tensor) -> Tensor:
        """The place, and how much of the longest text is left."""
        import torch

        steps = self.space.shape[1]
        places = torch.eye(steps, device=lasting.device)
        share = torch.arange(steps, device=lasting.device)[None] / steps
        return torch.cat([places, share]).expand(lasting.shape[0], -1, -1)

    def encode(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        del u
        import torch

        return torch.nn.functional.one_hot(x[:, 0].long(), self.space.shape[0]).transpose(1, 2).float()

    def settled(self, x: Tensor) -> Tensor:
        """After the first end there is nothing else."""
        import torch

        end = x[:, :1].detach()
        over = ((end.cumsum(2) - end) > 0.5).to(x)
        nothing = torch.zeros_like(x)
        nothing[:, :1] = 1.0
        return torch.lerp(x, nothing, over)

    def close(self, x: Tensor) -> Tensor:
        import torch

        codes = x.argmax(1, keepdim=True)
        ended = (codes == 0).cumsum(2) > 0
        return torch.where(ended, 0, codes).to(torch.uint8)

    # -- files and pictures --------------------------------------------------------------------------------

    def lines(self, samples: np.ndarray) -> list[str]:
        """Examples ``(N, 1, T)`` as texts."""
        return self.facts().lines(samples)

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        return self.file_of(sample[None])

    def file_of(self, samples: np.ndarray) -> bytes:
        """Texts ``(N, 1, T)``, a line each."""
        return "".join(f"{line}\n" for line in self.lines(samples)).encode()

    @property
    def view(self) -> str:
        return "drawn"

    def picture(self, sample: np.ndarray) -> Image:
        return columns([""], [self.lines(sample[None])])

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        if real is None:
            return columns(["made"], [self.lines(samples)])
        return columns(["real", "made"], [self.lines(real), self.lines(samples)])

    def displacements(self, before: Tensor, after: Tensor) -> Image:
        import numpy as np

        pairs = (np.asarray(one.cpu()).round().astype(np.int64) for one in (before, after))
        known = [np.clip(one, 0, len(self.fitted.letters)) for one in pairs]
        return columns(["before", "after"], [self.lines(one) for one in known])

    # -- questions -----------------------------------------------------------------------------------------

    def facts(self) -> TextFacts:
        return TextFacts(self.fitted.letters)

    def attributes(self) -> tuple[str, ...]:
        return ("long",)

    def measure(self, x: Tensor) -> list[Tensor]:
        """``long``: how many characters."""
        return [(x[:, 0] > 0.5).float().sum(1)]
