"""From a budget of time to sizes: what pictures, networks and levels it is enough for on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ganforge.core.declared import PENALTIES
from ganforge.core.errors import UsageError
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.networks.operations import Operations
from ganforge.networks.players import build_discriminator, build_generator, condition_size
from ganforge.recipes import growing
from ganforge.training.clock import Budget

__all__ = [
    "OF_BUDGET",
    "Mirroring",
    "Sizing",
    "affordable",
    "check",
    "fitted",
    "mean_cost",
    "mirroring",
    "round_down",
    "side_for",
]

OF_BUDGET = 0.9  # share of a budget of time that is left for training: the rest is preparing and looking
# The least number of examples for which pictures of this side are worth while; with fewer, smaller ones are.
_NEEDED = {32: 0, 64: 8_000, 128: 120_000, 256: 400_000}
_WIDTHS = {32: 0, 48: 400_000, 64: 1_200_000, 96: 3_000_000, 128: 8_000_000}  # the same, of channels
_COSTS = (0.48, 0.66, 1.0)  # of an example of the last three levels, beside one of the last (64 pixels)
_EFFICIENCY = 0.3  # share of the speed of one large convolution that a round of small ones gets
_FEWEST_STEPS = 200  # from fewer nothing is learned
_TRIED, _TRIES = 0.1, 5  # seconds of measuring, and how often at least
_LOOKED_AT = 2_000  # pictures, of which mirroring is tried
_FOLDS = 5  # parts of these, each told by what was learned from the others
_HARMFUL = 0.6  # told apart as often, mirrored pictures are not as good as others
_ONE_SIDED = 1.28  # standard errors that one in ten exceeds
_DEFAULT = Budget(minutes=60)  # by which sizes are chosen where no time was given


@dataclass(frozen=True)
class Sizing:
    """What a budget is enough for.

    Attributes:
        side: the shortest side of the pictures, at most.
        examples: how many of that size can be shown, about.
    """

    side: int
    examples: float

    def words(self, wide: int, high: int, budget: Budget) -> str:
        """Why pictures of this width and height are made smaller."""
        shown = round_down(self.examples * (self.side / min(wide, high)) ** 2)
        whole = f"{wide}" if wide == high else f"{wide}x{high}"
        return (
            f"the shortest side is made {self.side} pixels: of {wide}×{high}, {budget.words()} would show "
            f"only about {shown:,}; in that size: --size {whole}"
        )


def round_down(number: float) -> int:
    """To two digits, as an estimate is printed."""
    whole = int(number)
    unit = 10 ** max(len(str(whole)) - 2, 0)
    return whole // unit * unit


def speed(budget: Budget, device: torch.device) -> float:
    """Operations a second of a convolution and its gradients in float32, by the budget's clock."""
    layer = torch.nn.Conv2d(48, 48, 3, padding=1, device=device)
    layer.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    x = torch.randn(16, 48, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    x.requires_grad_()
    ones = torch.ones_like(x)
    each = 3 * 2 * x.numel() * 48 * 9
    best, spent, tries = float("inf"), 0.0, 0
    while spent < _TRIED or tries < _TRIES:  # the first is slow: what is needed is loaded then
        began = budget.now()
        y = layer(x)
        torch.autograd.grad((y * ones).sum(), [x, *layer.parameters()])
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        took = max(budget.now() - began, 1e-6)
        best, spent, tries = min(best, took), spent + took, tries + 1
    return each / best


def operations(recipe: Recipe, space: Space) -> float:
    """Operations of a round for each real example, at the whole size: what passes and gradients need."""
    generator, discriminator = build_generator(recipe, space), build_discriminator(recipe, space)
    n, conditions = recipe.packing, condition_size(recipe, space)
    condition = torch.zeros(n, conditions) if conditions else None
    with torch.no_grad(), Operations() as generating:
        fake = generator(torch.zeros(n, recipe.latent), condition)
    with torch.no_grad(), Operations() as judging:
        discriminator(fake, condition)
    g, d = generating.total / n, judging.total / n
    # A pass and its two gradients, of reals and fakes; the generator's turn needs a pass and one gradient.
    looked = sum(2 * p.share / p.every for p in recipe.penalties if PENALTIES.find(p.name).on_gradient)
    moves = recipe.discriminator_moves
    return (3 * g + 2 * d) / moves + (6 + 1.5 * looked) * d


def affordable(budget: Budget | None, device: torch.device) -> float:
    """Operations of rounds that a budget of time is enough for; one in examples is taken for an hour."""
    budget = _DEFAULT if budget is None or budget.seconds is None else budget
    assert budget.seconds is not None
    return OF_BUDGET * budget.seconds * speed(budget, device) * _EFFICIENCY


def examples_affordable(recipe: Recipe, space: Space, operations_affordable: float) -> float:
    """How many examples so many operations are enough for, coarse ones included."""
    return operations_affordable / (mean_cost(recipe.growth) * operations(recipe, space))


def side_for(operations_affordable: float) -> Sizing:
    """The side of pictures that so many operations are enough for."""
    found = Sizing(min(_NEEDED), 0)
    for side, needed in _NEEDED.items():
        space = Space(kind="pictures", shape=(3, side, side))
        examples = examples_affordable(growing.recipe(space, 10_000), space, operations_affordable)
        if examples < needed:
            break
        found = Sizing(side, examples)
    return found


def fitted(recipe: Recipe, space: Space, operations_affordable: float) -> Recipe:
    """A recipe of growing players, as wide as so many operations are enough for."""
    found = recipe
    for width, needed in _WIDTHS.items():
        player = replace(recipe.generator, width=width)
        wider = replace(recipe, generator=player, discriminator=replace(recipe.discriminator, width=width))
        if examples_affordable(wider, space, operations_affordable) < needed:
            break
        found = wider
    return found


def mean_cost(growth: Sequence[float]) -> float:
    """What an example costs on the average of a budget in time, beside one of the whole size."""
    shares = [*growth, 1.0 - sum(growth)]
    costs = [_COSTS[max(level, -len(_COSTS))] for level in range(-len(shares), 0)]
    return 1.0 / sum(share / cost for share, cost in zip(shares, costs, strict=True))


def check(recipe: Recipe, space: Space, examples: float, budget: Budget) -> None:
    """Raise UsageError where a budget of time shows so few examples that nothing could be learned.

    Of small examples it is nobody's mistake: then a short budget was wanted.
    """
    steps = examples / (recipe.batch * recipe.discriminator_moves)
    large = min(space.spatial, default=0) > min(_NEEDED)
    if budget.seconds is not None and large and steps < _FEWEST_STEPS:
        more = budget.seconds / 60 * _FEWEST_STEPS / max(steps, 1e-9)
        smaller = ", or smaller pictures: --size" if space.codec.picture_files else ""
        raise UsageError(
            f"{budget.words()} are about {int(steps):,} steps of {recipe.batch} examples here, from which "
            f"nothing is learned; give {more:,.0f} minutes or more{smaller}"
        )


@dataclass(frozen=True)
class Mirroring:
    """Whether pictures are also shown mirrored, left to right.

    Attributes:
        allowed: nothing speaks against it.
        share: how well mirrored pictures are told from the others: .5 is not at all.
        high: the high end of its interval of 80 %, or that of chance.
    """

    allowed: bool
    share: float
    high: float

    def words(self) -> str:
        """What was decided, and why, for the plan."""
        if self.allowed:
            seldom = f"mirrored pictures are told from yours in {self.share:.0%} (chance: 50 %)"
            return f"also shown mirrored: {seldom}"
        other = "to have them all the same: --set mirror=true"
        if self.share - (self.high - self.share) > 0.5:
            return f"not shown mirrored: mirrored pictures are told from yours in {self.share:.0%}; {other}"
        return f"not shown mirrored: so few pictures do not say whether mirrored ones are as good; {other}"


def mirroring(values: np.ndarray, *, seed: int = 0) -> Mirroring:
    """Whether mirrored pictures look like the others ``(N, C, H, W)``.

    It is allowed where they are told apart so seldom that 60 % can be ruled out: few pictures, of which that
    is not known, are left as they are. What of each picture changes its sign by mirroring is read by two
    linear classifiers (ridge regression), each tried on the pictures that it did not see; the better one
    counts. One reads pixels. The other reads edges and which way they slant: sails of any colour point one
    way, of which pixels say nothing.
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    chosen = np.sort(rng.permutation(len(values))[:_LOOKED_AT])
    x = torch.from_numpy(np.array(values[chosen])).float() / 255
    parts = np.array_split(rng.permutation(len(x)), _FOLDS)
    pixels = _odd(F.interpolate(x, size=(16, 16), mode="area"))
    share = max(_recognised(read, parts) for read in (pixels, _slants(x)))
    high = max(share, 0.5) + _ONE_SIDED * 0.5 / len(x) ** 0.5
    return Mirroring(high < _HARMFUL, share, high)


def _odd(x: Tensor, sign: float = -1.0) -> Tensor:
    """What of ``(N, C, H, W)`` mirroring changes the sign of, ``(N, K)``; ``sign`` is 1 of what it turns."""
    return (x + sign * x.flip(-1))[..., : x.shape[-1] // 2].flatten(1)


def _slants(x: Tensor) -> Tensor:
    """The odd parts ``(N, K)`` of brightness, of edges, and of whether these rise or fall, of 8×8 places."""
    bright = F.interpolate(x[:, :3].mean(1, keepdim=True), size=(32, 32), mode="area")
    padded = F.pad(bright, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    edges = (across.square() + down.square()).sqrt()
    slant = across * down / (edges + 1e-3)
    found = [
        _odd(F.avg_pool2d(part, 4), sign) for part, sign in ((bright, -1.0), (edges, -1.0), (slant, 1.0))
    ]
    scaled = [part / part.square().mean().sqrt().clamp(min=1e-6) for part in found]
    return torch.cat(scaled, 1) / 8


def _recognised(odd: Tensor, parts: list[np.ndarray]) -> float:
    """Share of pictures that a classifier made from the other parts tells from their mirrored ones.

    It is odd itself: whether it is shown a picture or the mirrored one changes nothing, and all are shown as
    they are.
    """
    a = odd.double().numpy()
    right = 0
    for part in parts:
        seen = np.delete(a, part, axis=0)
        gram = seen.T @ seen + 0.01 * len(seen) * np.eye(seen.shape[1])
        right += int((a[part] @ np.linalg.solve(gram, seen.sum(0)) > 0).sum())
    return right / len(a)
