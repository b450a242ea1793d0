"""A kind of data: one reversible, fitted map between a person's examples and tensors that networks eat.

A kind is one class in one file of ``ganforge.codecs``. It answers whatever any other room asks of examples:
``space.codec.picture(sample)``. No room asks for its name.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from ganforge.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.core.recipe import TableFormat
    from ganforge.core.space import Space

__all__ = ["PNG", "Codec", "Fitted"]

PNG = "image/png"


class Fitted(Protocol):
    """What a codec learns from the training part, as ``Space.fitted``: equal where it says the same."""

    def to_json(self) -> dict[str, Any]:
        """Plain data, which run folders and exported files carry."""
        ...


class Codec:
    """What a kind of data says of itself, and how its examples become tensors and come back.

    Three units exist. *Declared* ones are a person's, what files hold. *Model* ones are a network's, float32.
    Between them lie *open* ones, declared units before they are rounded and cut off: what an exported graph
    computes. So a class says :meth:`encode`, :meth:`open` and :meth:`close`.

    Args:
        space: of the examples; what was fitted stands in it.

    Attributes:
        name, words: what it is called, in the plural, and what it is in a line.
        one: the name of one example; ``counted``: of many on the line that moves.
        dims: number of spatial dimensions.
        limits: ends of declared units where there are some; model units then end at −1 and 1.
        dtype: of declared units: uint8, float32 or float64.
        dithers: whether :meth:`encode` wants random numbers, anew each time that an example is in a batch.
        small: whether an example is a few numbers, so that thousands cost nothing.
        pictured: whether one example can be looked at by itself; else many are shown together.
        picture_files: whether an example is a picture in pixels: of any size, cut, mirrored, drawn on.
        keeps_alike: whether equal examples are copies, which stay on one side of the split.
        empty: what is nothing in model units: black, silence.
        heard: whether it can be listened to, so that a page plays it.
        moving: whether its files are films, which a page shows as they move.
        solid: whether it is a body of voxels, which a page turns.
        of_frames: whether an example is pictures in order, which its reader hands over frame by frame.
        mirrors: whether left and right may be exchanged.
        augmentations: policies of the discriminator's augmentation that keep the meaning.
        headline: the score that a training is judged by.
        extractor: what scores are measured on by default (``metrics.features``).
        suffixes: of files of examples, which a folder is made of; empty where they come in one file.
        also: of files that are examples of this kind by what is in them (:meth:`claims`), or belong to some.
        cuts_up: whether one such file can be many examples by itself.
        one_file: whether many examples go into one file.
        joined: whether samples are written into one file, by :meth:`file_of`.
        lies_beside: whether such files often lie beside examples of other kinds: a folder is theirs only
            where it has no others, and they are most of it.
        precedence: kinds of a higher one are asked first whether a table of text is theirs.
        recipe: the recipe by default; ``translation_recipe``: of a translation to such.
        translated: the kind that such files are read as where they are translated, if it is another one.
        suffix: of a file of one example; ``media``: its media type.
        formats: other suffixes that :meth:`file` can write.
    """

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    one: ClassVar[str] = "example"
    counted: ClassVar[str] = "examples"
    dims: ClassVar[int] = 0
    limits: ClassVar[tuple[float, float] | None] = None
    dithers: ClassVar[bool] = False
    small: ClassVar[bool] = False
    pictured: ClassVar[bool] = True
    picture_files: ClassVar[bool] = False
    keeps_alike: ClassVar[bool] = True
    empty: ClassVar[float] = 0.0
    audible: ClassVar[bool] = False
    moving: ClassVar[bool] = False
    solid: ClassVar[bool] = False
    of_frames: ClassVar[bool] = False
    mirrors: ClassVar[bool] = False
    augmentations: ClassVar[tuple[str, ...]] = ()
    headline: ClassVar[str] = "kernel_distance"
    extractor: ClassVar[str] = "learned"
    suffixes: ClassVar[tuple[str, ...]] = ()
    also: ClassVar[tuple[str, ...]] = ()
    cuts_up: ClassVar[bool] = False
    one_file: ClassVar[bool] = False
    joined: ClassVar[bool] = False
    lies_beside: ClassVar[bool] = False
    precedence: ClassVar[int] = 0
    recipe: ClassVar[str] = "residual"
    translation_recipe: ClassVar[str] = "pix2pix"
    translated: ClassVar[str] = ""
    formats: ClassVar[tuple[str, ...]] = ()

    def __init__(self, space: Space) -> None:
        self.space = space

    # -- what it is ------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example in declared units; ``space.shape`` is that of model units."""
        return self.space.shape

    @property
    def dtype(self) -> Literal["uint8", "float32", "float64"]:
        return "float32"

    @property
    def suffix(self) -> str:
        return ".npy"

    @property
    def media(self) -> str:
        return "application/octet-stream"

    @property
    def rate(self) -> float:
        """Frames a second of what is :attr:`moving`."""
        return 10.0

    def describe(self) -> str:
        """One example for a person: ``64×48 RGB``, ``2-D points``, …"""
        raise NotImplementedError

    def units(self) -> str:
        """Declared units for a person: ``uint8, 0 to 255``."""
        raise NotImplementedError

    def faults(self, samples: np.ndarray, real: np.ndarray) -> dict[str, float]:
        """What this kind of data sees at once in ``samples`` beside ``real`` examples: words to a number.

        The words begin with what is wrong, as a finding of ``health`` looks for it.
        """
        del samples, real
        return {}

    # -- files of tables ---------------------------------------------------------------------------------

    @classmethod
    def read_table(cls, path: Path, wish: TableFormat) -> Any:
        """A csv file as ``data.raw.Raw`` if it is of this kind, else None.

        Raises DataError where it is, and cannot be used.
        """
        del path, wish
        return None

    # -- files of examples ---------------------------------------------------------------------------------

    @classmethod
    def read_files(cls, path: Path, listing: Any, **wishes: Any) -> Any:
        """The examples of a folder or archive, as ``data.raw.Raw``.

        Args:
            path: its own, for messages.
            listing: a ``data.files.Listing`` of its files that end in :attr:`suffixes`.
            wishes: ``size``, ``channels``, ``scratch``, ``progress``, ``only``, ``halves``, ``how``,
                ``value_range`` and perhaps ``rate``, as ``data.readers.read`` takes them.

        Raises DataError where nothing there can be used, or a wish makes no sense of this kind.
        """
        raise NotImplementedError

    @classmethod
    def claims(cls, path: Path, listing: Any, *, certain: bool) -> bool:
        """Whether files of another kind, by their names, are examples of this one by what is in them.

        Args:
            path: of the folder, archive or file.
            listing: a ``data.files.Listing`` of those files.
            certain: whether it is known that they are, if any can be.
        """
        del path, listing, certain
        return False

    def reread(self) -> dict[str, Any]:
        """What ``data.load`` is asked for, so that other files become examples of this space."""
        return {}

    # -- fitted on the training part ---------------------------------------------------------------------

    def fit(self, train: np.ndarray, about: Mapping[str, Any], *, standardise: bool) -> Space:
        """The space with what must be known of the training part.

        Args:
            train: ``(n, *shape)`` in declared units.
            about: what the reader found out, ``data.raw.Raw.about``.
            standardise: whether mean and deviation may be taken out.
        """
        del train, about, standardise
        return self.space

    @classmethod
    def fitted_from_json(cls, fields: Any, where: str) -> Fitted:
        """The inverse of ``Fitted.to_json``, on plain data of unknown origin. Raises ValueError."""
        del fields
        raise ValueError(f"{where}: {cls.name} have nothing that is fitted")

    # -- units ---------------------------------------------------------------------------------------------

    def encode(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """Declared units ``(N, *shape)`` to model units, float32, on the device where ``x`` is.

        ``u`` is uniform on [0, 1), ``(N, *shape)``, for what :attr:`dithers`; without it a value's middle is
        taken.
        """
        del u
        return x.float()

    def open(self, x: Tensor) -> Tensor:
        """Model units to open ones, ``(N, *space.shape)``: operations of torch alone, which are exported."""
        return x.float()

    def close(self, x: Tensor) -> Tensor:
        """Open units to declared ones, ``(N, *shape)``: rounded, and cut off at :attr:`limits`."""
        return x if self.limits is None else x.clamp(*self.limits)

    def finish(self, x: Tensor, z: Tensor, hold: Callable[[Tensor], Tensor]) -> Tensor:
        """A generator's last numbers ``(N, *space.shape)`` to model units.

        Args:
            z: the latents that they were made from, ``(N, L)``.
            hold: the family's own way to keep numbers between −1 and 1.
        """
        del z
        return x if self.limits is None else hold(x)

    def unit(self, like: Tensor) -> Tensor | float:
        """Open units in one model unit: a number, or one for each coordinate on the device of ``like``."""
        del like
        return 1.0

    @property
    def step(self) -> float:
        """A change that a person can see, in open units: one step of advice."""
        return 0.02

    @property
    def colours(self) -> int:
        """How many of the channels an augmentation of colours may change."""
        return self.space.channels

    # -- files and pictures ------------------------------------------------------------------------------

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        """One example in declared units as a file that ends in :attr:`suffix`, or in one of :attr:`formats`.

        Raises UsageError where what writes such a file is not installed.
        """
        del suffix
        import numpy as np

        buffer = io.BytesIO()
        np.save(buffer, sample, allow_pickle=False)
        return buffer.getvalue()

    def file_of(self, samples: np.ndarray, /) -> bytes:
        """Many examples ``(N, *shape)`` of a kind that is :attr:`joined` or :attr:`one_file` as one file."""
        raise NotImplementedError

    def listen(self, sample: np.ndarray) -> bytes:
        """One example of a kind that is :attr:`heard` as a wav file."""
        return self.file(sample)

    def picture(self, sample: np.ndarray) -> Image:
        """One example in declared units as a picture."""
        raise NotImplementedError

    def reel(self, samples: np.ndarray) -> list[Image]:
        """Many examples ``(N, *shape)`` of a kind that is :attr:`moving` side by side, as a film's frames."""
        raise NotImplementedError

    def still(self, sample: np.ndarray, at: int) -> Image:
        """What a film of a walk shows as its frame ``at``, where this example is on the way."""
        del at
        return self.picture(sample)

    def show(self, samples: np.ndarray, real: np.ndarray | None = None) -> Image:
        """Many examples ``(N, *shape)`` in declared units as one picture; ``real`` ones beside them where
        examples are not :attr:`pictured`."""
        raise NotImplementedError

    def cells(self, samples: np.ndarray, /) -> list[list[str]]:
        """Many examples ``(N, *shape)`` of a kind whose :attr:`view` is a ``table``, a list for each of
        :meth:`heads`."""
        raise NotImplementedError

    def heads(self) -> list[str]:
        """The names of a table's columns."""
        raise NotImplementedError

    def written(self, rows: Sequence[Sequence[str]]) -> bytes:
        """Rows of a table, as cells in the order of :meth:`heads`, as a file like the one that was read."""
        raise NotImplementedError

    def displacements(self, before: Tensor, after: Tensor) -> Image:
        """Examples ``(N, *shape)`` in declared units and what became of each, where they are not
        :attr:`pictured`."""
        del before, after
        raise UsageError(f"of {self.describe()} there is no picture of what became of each")

    @property
    def view(self) -> str:
        """How the studio shows it: points on a ``line`` or in a ``plane``; ``pictures`` of its own pixels;
        ``drawn`` one by one (:meth:`picture`); rows of a ``table`` (:meth:`cells`); or ``numbers``."""
        return "numbers"

    def facts(self) -> Any:
        """What the scores of this kind alone need to know of it (``ScoreGroup.facts``); else None."""
        return None

    # -- questions ---------------------------------------------------------------------------------------

    def attributes(self) -> tuple[str, ...]:
        """Names of what :meth:`measure` reads off examples."""
        return ()

    def measure(self, x: Tensor) -> list[Tensor]:
        """What can be read off any example without a label, ``(N,)`` each, in the order of
        :meth:`attributes`.

        Args:
            x: ``(N, *shape)`` in declared units, as float32.
        """
        del x
        return []
