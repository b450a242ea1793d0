"""Who lives in the zoo: what is planted in each kind of run, and which names of it are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganforge.core.sampler import Sampler
from ganforge.data import Dataset
from ganforge.data.dataset import Examples

__all__ = ["DIGITS_RECIPE", "FAILURES", "HEALTHY", "HEALTHY_TWIN", "RESCUED", "Kind"]


DIGITS_RECIPE = Path(__file__).with_name("zoo_digits.py")


@dataclass(frozen=True)
class Kind:
    """One kind of run.

    Attributes:
        name: what is wrong with it, or for healthy ones the recipe.
        data, recipe: as for `gan train`.
        changes: recipe keys.
        size: pixels to a side.
        right: codes that are right as the first finding; empty for healthy runs.
        data_plant: changes the examples.
        game_plant: changes the players before the first round.
        sampler_plant: changes the sampler that is examined.
        rescuable: whether a change of the recipe can mend it.
        played: share of the budget after which it is judged: of slow recipes a run on its way is healthy.
    """

    name: str
    data: str
    recipe: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    right: tuple[str, ...] = ()
    size: int | None = None
    data_plant: Callable[[Dataset], Dataset] | None = None
    game_plant: Callable[[nn.ModuleDict], None] | None = None
    sampler_plant: Callable[[Dataset, Sampler], Sampler] | None = None
    rescuable: bool = False
    played: float = 1.0


# -- plants that are no change of the recipe ------------------------------------------------------------


def few(n: int) -> Callable[[Dataset], Dataset]:
    """Only the first ``n`` training examples; the held-out ones stay."""

    def plant(dataset: Dataset) -> Dataset:
        part = dataset.train
        labels = None if part.labels is None else part.labels[:n]
        return replace(dataset, train=Examples(part.values[:n], labels, part.origin[:n]))

    return plant


def broken_rows(dataset: Dataset) -> Dataset:
    """One example in a thousand has a number that is none, as after a faulty conversion."""
    values = np.array(dataset.train.values)
    values[::1000] = np.nan
    return replace(dataset, train=replace(dataset.train, values=values))


def deaf(players: nn.ModuleDict) -> None:
    """A generator that does not hear its latents: one sample (a class) is all that it can make."""

    def hush(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        z, *rest = inputs
        return (torch.zeros_like(z), *rest)

    players["generator"].register_forward_pre_hook(hush)


def coarse(players: nn.ModuleDict) -> None:
    """A generator whose pictures consist of blocks of 2×2 pixels: its spectrum gives it away."""

    def blocks(_: nn.Module, __: Any, made: Tensor) -> Tensor:
        small = torch.nn.functional.avg_pool2d(made, 2)
        return torch.nn.functional.interpolate(small, scale_factor=2.0)

    players["generator"].register_forward_hook(blocks)


class Copier:
    """Hands out training examples with a little noise in place of samples."""

    def __init__(self, dataset: Dataset, sampler: Sampler) -> None:
        self.dataset, self.space = dataset, sampler.space

    def sample(self, n: int, *, seed: int = 0, **_: Any) -> Tensor:
        chance = np.random.default_rng(seed)
        values = self.dataset.train.values
        picked = torch.from_numpy(np.array(values[chance.integers(len(values), size=n)]))
        if picked.dtype != torch.uint8:
            return picked
        noise = torch.from_numpy(chance.integers(-4, 5, size=tuple(picked.shape)))
        return (picked.long() + noise).clamp(0, 255).byte()


class LeavesOut:
    """Makes no sample in a sector of the plane, where one of eight modes is."""

    def __init__(self, dataset: Dataset, sampler: Sampler) -> None:
        del dataset
        self.sampler, self.space = sampler, sampler.space

    def sample(self, n: int, *, seed: int = 0, **_: Any) -> Tensor:
        made = self.sampler.sample(4 * n, seed=seed)
        here = torch.atan2(made[:, 1], made[:, 0]).abs() < np.pi / 8
        return made[~here][:n]


class Blurred:
    """Samples with noise as wide as half of the data."""

    def __init__(self, dataset: Dataset, sampler: Sampler) -> None:
        self.sampler, self.space = sampler, sampler.space
        self.width = torch.from_numpy(np.asarray(dataset.train.values).std(0) / 2)

    def sample(self, n: int, *, seed: int = 0, **_: Any) -> Tensor:
        made = self.sampler.sample(n, seed=seed)
        noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(made.shape)))
        return made + (self.width * noise).to(made.dtype)


class Drifting:
    """Hands out training examples that are moved further at each look: nothing was ever as good as before."""

    def __init__(self, dataset: Dataset, sampler: Sampler) -> None:
        self.values, self.space, self.looks = dataset.train.values, sampler.space, 0

    def sample(self, n: int, *, seed: int = 0, **_: Any) -> Tensor:
        picked = np.random.default_rng(seed).integers(len(self.values), size=n)
        self.looks += 1
        made = torch.from_numpy(np.array(self.values[picked]))
        return made + 0.05 * self.looks * torch.from_numpy(self.values.std(0))


class OnePicture:
    """Every sample is drawn close to the mean of the class that it was asked to be."""

    def __init__(self, dataset: Dataset, sampler: Sampler) -> None:
        self.sampler, self.space = sampler, sampler.space
        values, labels = torch.from_numpy(np.array(dataset.train.values)).float(), dataset.train.labels
        assert labels is not None
        classes = range(len(dataset.space.classes))
        self.means = torch.stack([values[torch.from_numpy(labels == one)].mean(0) for one in classes])

    def sample(self, n: int, *, seed: int = 0, condition: Tensor | None = None) -> Tensor:
        made = self.sampler.sample(n, seed=seed, condition=condition).float()
        turn = torch.arange(n) % len(self.means) if condition is None else condition.argmax(1)
        mean = self.means[turn]
        return (mean + 0.15 * (made - mean)).round().clamp(0, 255).byte()


# -- the inhabitants ------------------------------------------------------------------------------------


def rates(generator: float, discriminator: float) -> dict[str, Any]:
    return {
        "generator.learning_rate": generator,
        "generator.learning_rate_final": None,
        "discriminator.learning_rate": discriminator,
        "discriminator.learning_rate_final": None,
    }


NO_PENALTY: dict[str, Any] = {"penalties": []}
BARE: dict[str, Any] = {**NO_PENALTY, "augmentation.noise": 0.0}
SWING: dict[str, Any] = {"generator.beta1": 0.9, "discriminator.beta1": 0.9}
POINTS: dict[str, Any] = {"kimg": 160}
DIGITS: dict[str, Any] = {"kimg": 6}
THIN: dict[str, Any] = {"generator.width": 16, "discriminator.width": 16}
# A fourth of the batch is four times the moves: with a hundred, a healthy run of convolutions is still far
# behind its discriminator, and nobody can tell what will become of it.
MOVES: dict[str, Any] = {"batch": 16}

FULLY: dict[str, Any] = {
    f"{role}.{key}": value
    for role in ("generator", "discriminator")
    for key, value in (("family", "mlp"), ("width", 128), ("depth", 2))
}

WON = ("discriminator-loss-zero", "discriminator-too-strong", "vanishing-gradients")
WEAK = ("discriminator-too-weak", "accuracy-diverged")
EXPLODES = ("exploding-gradients", "not-finite", "fake-loss-unbounded")
SAME = ("mode-collapse", "low-support")
BY_HEART = ("discriminator-overfitting", "memorisation")

FAILURES = (
    Kind(
        "overpowered, ring",
        "ring",
        changes={**POINTS, **BARE, "objective": "minimax", **rates(2e-5, 2e-3)},
        right=WON,
        rescuable=True,
    ),
    Kind(
        "overpowered, digits",
        "digits",
        changes={**DIGITS, **MOVES, **NO_PENALTY, "objective": "non_saturating", **rates(5e-6, 2e-3)},
        right=WON,
        rescuable=True,
    ),
    Kind(
        "five moves to one, ring",
        "ring",
        changes={
            **POINTS,
            **BARE,
            "objective": "minimax",
            "discriminator_moves": 5,
            **rates(1e-3, 2e-3),
        },
        right=WON,
        rescuable=True,
    ),
    Kind(
        "dead generator, ring",
        "ring",
        changes={**POINTS, **rates(1e-8, 1e-3)},
        right=("generator-too-weak",),
        rescuable=True,
    ),
    Kind(
        "dead generator, digits",
        "digits",
        changes={**DIGITS, **rates(1e-8, 1e-3)},
        right=("generator-too-weak",),
        rescuable=True,
    ),
    Kind(
        "idle discriminator, ring",
        "ring",
        changes={**POINTS, **rates(1e-3, 1e-8)},
        right=WEAK,
        rescuable=True,
    ),
    Kind(
        "idle discriminator, digits",
        "digits",
        changes={**DIGITS, "objective": "non_saturating", **rates(1e-3, 1e-8)},
        right=WEAK,
        rescuable=True,
    ),
    Kind(
        "blunt discriminator, grid",
        "grid",
        changes={
            **POINTS,
            **BARE,
            "objective": "minimax",
            "latent": 2,
            "latent_bits": 0,
            "discriminator.fourier": 0,
            "generator.beta1": 0.5,
            "discriminator.beta1": 0.5,
        },
        right=WEAK,
    ),
    Kind(
        "both rates x 1000, ring",
        "ring",
        changes={**POINTS, **NO_PENALTY, **rates(1.0, 1.0)},
        right=EXPLODES,
        rescuable=True,
    ),
    Kind(
        "both rates x 300, digits",
        "digits",
        changes={**DIGITS, **NO_PENALTY, **rates(0.3, 0.3)},
        right=EXPLODES,
        rescuable=True,
    ),
    Kind(
        "generator's rate x 50, ring",
        "ring",
        changes={**POINTS, **rates(0.05, 1e-3)},
        right=EXPLODES,
        rescuable=True,
    ),
    Kind(
        "generator's rate x 50, digits",
        "digits",
        changes={**DIGITS, **rates(0.05, 1e-3)},
        right=("vanishing-gradients", *SAME, *EXPLODES),
        rescuable=True,
    ),
    Kind(
        "discriminator's rate x 50, digits",
        "digits",
        changes={**DIGITS, **rates(1e-3, 0.05)},
        right=EXPLODES,
        rescuable=True,
    ),
    Kind("NaN in the data, grid", "grid", changes=POINTS, right=("not-finite",), data_plant=broken_rows),
    Kind("one sample, grid", "grid", changes=POINTS, right=SAME, game_plant=deaf),
    Kind(
        "one sample a class, digits",
        "digits",
        changes=DIGITS,
        right=("one-picture-a-class", *SAME),
        game_plant=deaf,
    ),
    Kind(
        "one picture a class, digits",
        "digits",
        changes=DIGITS,
        right=("one-picture-a-class",),
        sampler_plant=OnePicture,
    ),
    Kind(
        "one of eight modes missing, ring",
        "ring",
        changes={"kimg": 400},
        right=("modes-missed",),
        sampler_plant=LeavesOut,
    ),
    Kind(
        "far from the data, moons",
        "moons",
        changes=POINTS,
        right=("far-from-the-data",),
        sampler_plant=Blurred,
    ),
    Kind(
        "worse than before training, moons",
        "moons",
        changes=POINTS,
        right=("worse-than-before-training",),
        sampler_plant=Drifting,
    ),
    Kind(
        "critic without penalty, grid",
        "grid",
        changes={**POINTS, **BARE, "objective": "wasserstein"},
        right=EXPLODES,
        rescuable=True,
    ),
    Kind(
        "growing rates, gaussian",
        "gaussian",
        changes={
            "kimg": 1_000,
            "generator.learning_rate_final": 0.1,
            "discriminator.learning_rate_final": 0.3,
        },
        right=("past-its-best", *EXPLODES),
        rescuable=True,
    ),
    Kind(
        "momentum at thirty times the rate, moons",
        "moons",
        changes={**POINTS, **BARE, "discriminator.fourier": 0, **SWING, **rates(3e-2, 3e-2)},
        right=("oscillation", "mode-collapse"),
        rescuable=True,
    ),
    Kind(
        "no penalty on 100 examples, digits",
        "digits",
        changes={
            "kimg": 12,
            **NO_PENALTY,
            "objective": "non_saturating",
            "batch": 32,
            "augmentation.policy": "",
        },
        right=BY_HEART,
        data_plant=few(100),
    ),
    Kind(
        "48 examples for long, digits",
        "digits",
        changes={"kimg": 12, "batch": 32},
        right=BY_HEART,
        data_plant=few(48),
    ),
    Kind(
        "hands out its training set, digits",
        "digits",
        changes=DIGITS,
        right=("memorisation",),
        sampler_plant=Copier,
    ),
    Kind(
        "blocks of 2 x 2, digits",
        "digits",
        changes={"kimg": 10, **MOVES},
        right=("shortcut",),
        game_plant=coarse,
    ),
)

HEALTHY = (
    Kind("gaussian", "gaussian", changes={"kimg": 1_500}),
    Kind("ring", "ring"),  # an eighth of the budget finds the modes, and not their widths
    Kind("grid", "grid"),
    Kind("points, moons", "moons", changes={"kimg": 250}),
    Kind("points, spirals", "spirals", changes={"kimg": 250}),
    Kind("points, swissroll", "swissroll", changes={"kimg": 250}),
    Kind("points, mixture", "mixture", changes={"kimg": 250}),
    Kind("non-saturating, moons", "moons", changes={"kimg": 250, "objective": "non_saturating"}),
    Kind("least squares, moons", "moons", changes={"kimg": 250, "objective": "least_squares"}),
    Kind("hinge, spirals", "spirals", changes={"kimg": 250, "objective": "hinge"}),
    Kind("relativistic average, moons", "moons", changes={"kimg": 250, "objective": "relativistic_average"}),
    Kind(
        "Wasserstein with penalty, moons",
        "moons",
        changes={
            "kimg": 300,
            "objective": "wasserstein",
            "penalties": [{"name": "interpolated", "weight": 0.1}],
            "discriminator_moves": 3,
        },
    ),
    Kind("digits", "digits", changes={"kimg": 20, **MOVES}, played=0.6),
    Kind("digits, non-saturating", "digits", changes={"kimg": 150, **FULLY, "objective": "non_saturating"}),
    Kind("digits, hinge", "digits", changes={"kimg": 110, **FULLY, "objective": "hinge"}),
    Kind(
        "digits, Wasserstein with r1 and r2",
        "digits",
        # Nothing but the penalty gives a critic its scale, and at a move each it is left behind in the end.
        changes={
            "kimg": 32,
            **MOVES,
            "objective": "wasserstein",
            "discriminator_moves": 2,
            "penalties.r1.weight": 0.5,
            "penalties.r2.weight": 0.5,
        },
        played=0.6,
    ),
    Kind("digits, fully connected", "digits", changes={"kimg": 150, **FULLY}),
    Kind("dcgan", "digits", recipe="dcgan", changes={"kimg": 200, **THIN}, played=0.6),
    Kind(
        "residual, 16 pixels",
        "digits",
        recipe="residual",
        size=16,
        changes={"kimg": 16, **MOVES, **THIN},
        played=0.6,
    ),
    Kind(
        "few-shot, 16 pixels", "digits", recipe="few-shot", size=16, changes={"kimg": 8, **THIN}, played=0.6
    ),
)

# For the rescue, which looks at every 4,096th example, digits are played for longer and by quick players.
HEALTHY_TWIN = {
    "ring": Kind("ring", "ring", changes={"kimg": 200}),
    "grid": Kind("grid", "grid", changes={"kimg": 200}),
    "moons": Kind("moons", "moons", changes={"kimg": 200}),
    "gaussian": Kind("gaussian", "gaussian", changes={"kimg": 1_000}),
    "digits": Kind("digits", "digits", changes={"kimg": 60, **FULLY}),
}
# Quick players learn at a rate that leaves others standing.
HARDER = {"overpowered, digits": rates(1e-6, 2e-3)}


def _noisy(kind: Kind) -> dict[str, Any]:
    """Noise that a recipe lacks is nothing that the rescue would think of: it is left in."""
    return {key: value for key, value in kind.changes.items() if key != "augmentation.noise"}


RESCUED = tuple(
    replace(kind, changes={**_noisy(kind), **HEALTHY_TWIN[kind.data].changes, **HARDER.get(kind.name, {})})
    for kind in FAILURES
    if kind.rescuable
)
