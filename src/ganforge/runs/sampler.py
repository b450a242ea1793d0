"""The finished generator: what goes from latents to samples, and how a run folder is opened as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast, final

import numpy as np
import torch
from torch import Tensor, nn

from ganforge.codecs.music import Music
from ganforge.core.condition import Condition
from ganforge.core.declared import GAMES
from ganforge.core.errors import UsageError
from ganforge.core.prior import Inputs, Prior
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.networks.columns import ColumnsGenerator
from ganforge.networks.encoder import Encoder
from ganforge.networks.mlp import MlpGenerator
from ganforge.networks.players import Inverse, build_generator, condition_size
from ganforge.networks.recurrent import RecurrentGenerator
from ganforge.runs.checkpoint import Checkpoint, Opened, fitting
from ganforge.runs.folder import Moment, Run
from ganforge.runs.inputs import read_inputs
from ganforge.runs.music import MusicMaker
from ganforge.runs.rows import RowsMaker
from ganforge.runs.series import SeriesMaker

__all__ = ["GeneratorSampler", "LatentSampler", "load", "sampler_at", "sampler_of", "sampler_of_inputs"]

# Samples are always made in batches of this many rows, the last one filled up: the same seed then gives
# the same bits whatever the number asked for, because matrix products differ with the number of rows.
_ROWS = 8
# The weights of a fully connected layer are read once a pass, and cost more than a few rows do.
_ROWS_OF_LAYERS, _ROWS_OF_POINTS = 64, 256


class LatentSampler(ABC):
    """A Sampler (``core.sampler``) that makes each sample from a latent of a prior, and perhaps a condition.

    Attributes:
        space: what a sample is.
        prior: what latents are drawn from.
        conditions: how many numbers a condition has; 0 for none.
    """

    def __init__(self, *, space: Space, prior: Prior, conditions: int = 0) -> None:
        self.space = space
        self.prior = prior
        self.conditions = conditions

    @final
    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        start: int = 0,
        condition: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """Samples ``start … start + n − 1`` of ``seed``, ``(n, *space.shape)`` in declared units, on the CPU.

        Args:
            n: how many; at least 1.
            condition: ``(n, C)`` or ``(1, C)``; None is :meth:`in_turn`.
            truncation: see :meth:`truncated`.

        Raises:
            UsageError: n, truncation or the condition's shape is wrong.
        """
        if n < 1:
            raise UsageError(f"cannot make {n} samples; ask for at least 1")
        z = self.truncated(self.prior.seeded(n, seed=seed, start=start), truncation)
        if condition is None:
            condition = self.in_turn(range(start, start + n))
        return self.generate(z, condition)

    @final
    def generate(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latents ``(N, prior.size)`` to samples ``(N, *space.shape)`` in declared units, on the CPU.

        ``condition`` is ``(N, C)`` or ``(1, C)``; None without classes. Raises UsageError for other shapes.
        """
        return self._generate(z, self._checked(z, condition))

    @final
    def truncated(self, z: Tensor, truncation: float) -> Tensor:
        """Latents ``(N, prior.size)`` drawn towards the prior's centre, which trades variety for typicality.

        They are scaled by ``truncation``, 0…1 (the truncation trick: Brock et al. 2019, section 3.1; Karras
        et al. 2019, appendix B). Raises UsageError for another one.
        """
        if not 0.0 <= truncation <= 1.0:
            raise UsageError(f"truncation is {truncation}; it must be from 0 to 1")
        return self.prior.truncated(z, truncation)

    @final
    @property
    def asks(self) -> Condition | None:
        """What samples can be asked to be, or None."""
        if not self.conditions:
            return None
        found = self.space.condition
        return (
            found
            if found is not None and found.size == self.conditions
            else Condition.of_classes(self.space.classes)
        )

    @final
    def in_turn(self, numbers: Iterable[int]) -> Tensor | None:
        """Conditions ``(N, C)`` that take turns by the samples' numbers: the classes, or what examples say.

        None where nothing can be asked for.
        """
        return None if self.asks is None else self.asks.in_turn(numbers)

    @abstractmethod
    def _generate(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """What :meth:`generate` promises, of latents ``(N, L)`` and conditions ``(N, C)`` that fit."""

    def _checked(self, z: Tensor, condition: Tensor | None) -> Tensor | None:
        if z.dim() != 2 or z.shape[1] != self.prior.size:
            raise UsageError(f"latents have the shape (N, {self.prior.size}) here, not {tuple(z.shape)}")
        if not self.conditions:
            if condition is not None:
                raise UsageError("this generator takes no condition: it was trained without one")
            return None
        if condition is None or condition.dim() != 2 or condition.shape[1] != self.conditions:
            shape = None if condition is None else tuple(condition.shape)
            raise UsageError(f"this generator needs a condition of shape (N, {self.conditions}), not {shape}")
        return condition.expand(len(z), -1) if len(condition) == 1 else condition


@final
class GeneratorSampler(LatentSampler):
    """A Sampler around a generator network.

    Args:
        network: latents ``(N, prior.size)`` and conditions to samples in model units.
        space, prior, conditions: see ``LatentSampler``.
        encoder: the way back that was trained with it, of the game ``inference``.

    Attributes:
        opened: of a run folder, which moment and weights these are; None otherwise.
    """

    opened: Opened | None = None

    def __init__(
        self,
        network: nn.Module,
        *,
        space: Space,
        prior: Prior,
        conditions: int = 0,
        encoder: Encoder | None = None,
    ) -> None:
        super().__init__(space=space, prior=prior, conditions=conditions)
        self.network = network.eval()
        self.encoder = None if encoder is None else encoder.eval()
        self._device = next(network.parameters()).device
        self._rows = _ROWS_OF_LAYERS if isinstance(network, MlpGenerator) else _ROWS
        self._rows = _ROWS_OF_POINTS if space.codec.small else self._rows

    def rows_maker(self) -> RowsMaker:
        """Of a table: what makes rows with conditions. Raises UsageError for other kinds of data."""
        if not isinstance(self.network, ColumnsGenerator):
            raise UsageError(f"this run makes {self.space.codec.name}, not rows of a table")
        return RowsMaker(self.network, self.prior)

    def file_maker(self) -> RowsMaker | SeriesMaker:
        """What makes a file of many examples, perhaps with conditions. UsageError for other kinds of data."""
        if isinstance(self.network, RecurrentGenerator):
            return SeriesMaker(self.network, self.prior)
        return self.rows_maker()

    def series_maker(self) -> SeriesMaker:
        """Of series: what makes them, and goes on with given ones. UsageError for other kinds of data."""
        found = self.file_maker()
        if not isinstance(found, SeriesMaker):
            raise UsageError(f"this run makes {self.space.codec.name}, not series")
        return found

    def music_maker(self, condition: Tensor | None = None) -> MusicMaker:
        """Of music: what goes on from a piece. UsageError for other kinds of data.

        Args:
            condition: ``(1, C)``; None takes the first that can be asked for.
        """
        if not isinstance(self.network, RecurrentGenerator) or not isinstance(self.space.codec, Music):
            raise UsageError(
                f"this run makes {self.space.codec.name}: --continue is for series and music, --complete for"
                " tables and music"
            )
        return MusicMaker(self.network, self.prior, self.in_turn([0]) if condition is None else condition)

    def sample_rows(
        self, n: int, *, where: Mapping[str, Any] | None = None, balance: str = "", seed: int = 0
    ) -> dict[str, np.ndarray]:
        """``n`` rows of a table as columns of values, by name.

        Args:
            where: columns' names to what they shall be: a value, ``"LOW..HIGH"``, ``(low, high)``, or words
                parted by ``|``.
            balance: a column of words, each of which comes as often.
            seed: the same seed makes the same rows.

        Raises:
            UsageError: it is no table, there is no such column or word, or no row can be so.
        """
        maker = self.rows_maker()
        return maker.codec.frame(maker.rows(n, where=where, balance=balance, seed=seed))

    @torch.inference_mode()
    def _generate(self, z: Tensor, condition: Tensor | None) -> Tensor:
        samples: list[Tensor] = []
        for first in range(0, len(z), self._rows):
            rows = z[first : first + self._rows]
            given = None if condition is None else condition[first : first + self._rows]
            missing = self._rows - len(rows)
            if missing:
                rows = torch.cat([rows, rows[-1:].expand(missing, -1)])
                given = None if given is None else torch.cat([given, given[-1:].expand(missing, -1)])
            made = self.network(rows.to(self._device), None if given is None else given.to(self._device))
            samples.append(self.space.to_declared(made)[: self._rows - missing].cpu())
        return torch.cat(samples)


class _OfInputs(nn.Module):
    """A translator that is fed inputs as rows of numbers, ``(N, size)``, as a generator is fed latents."""

    def __init__(self, translator: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.translator = translator
        self.shape = shape

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.translator(z.unflatten(1, self.shape), condition)


def sampler_of(
    network: nn.Module, recipe: Recipe, space: Space, inputs: Tensor | None = None
) -> GeneratorSampler:
    """A sampler around the generator ``network`` of ``recipe`` for ``space``.

    Args:
        inputs: of a translation, what samples are made from, ``(K, *shape)`` in model units.
    """
    prior = Prior.of(recipe)
    if GAMES.find(recipe.game).from_inputs:
        assert inputs is not None, "a translation makes samples from inputs"
        network, prior = _OfInputs(network, tuple(inputs.shape[1:])), Inputs.among(inputs)
    encoder = None
    if isinstance(network, Inverse):
        network, encoder = network.network, cast(Encoder, network.encoder)
    return GeneratorSampler(
        network, space=space, prior=prior, conditions=condition_size(recipe, space), encoder=encoder
    )


def sampler_of_inputs(sampler: GeneratorSampler, inputs: Tensor) -> GeneratorSampler:
    """The same translation, of other inputs ``(K, *shape)`` in model units."""
    return GeneratorSampler(
        sampler.network, space=sampler.space, prior=Inputs.among(inputs), conditions=sampler.conditions
    )


def load(path: Path | str, *, moment: Moment = "chosen") -> GeneratorSampler:
    """The generator of a run folder.

    Args:
        moment: which checkpoint: the ``newest``, the ``best`` by the score, as ``chosen`` the newest
            unless its score is significantly worse than the best one, or that of a number of examples
            (``Run.checkpoint``).

    Raises:
        RunError: ``path`` is not a run folder, or no checkpoint in it can be read.
    """
    run = Run.open(path)
    return sampler_at(run, run.checkpoint(moment, only=("average",)))


def sampler_at(run: Run, found: Checkpoint) -> GeneratorSampler:
    """The generator of ``run`` at the moment ``found``, of which ``average`` has been read.

    Raises:
        RunError: it does not fit the run's recipe.
    """
    recipe = run.recipe_at(found)
    with fitting(found, run.file):
        network = build_generator(recipe, run.space)
        network.load_state_dict(found.tensors["average"])
    kept = read_inputs(run)
    inputs = None if kept is None else kept.inputs
    sampler = sampler_of(network.requires_grad_(False), recipe, run.space, inputs)
    sampler.opened = found.opened
    return sampler
