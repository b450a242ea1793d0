"""Directions in the latent space along which samples change in one way, and how purely they do."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ganforge.core.errors import DamageWarning, RunError, UsageError, nearest
from ganforge.core.logistic import fit_logistic
from ganforge.core.prior import Prior
from ganforge.networks.layers import CONV, CONV_TRANSPOSED, LatentInput
from ganforge.runs.files import machine_faults, read_sealed, sealed, sha256, write_atomically

__all__ = [
    "Direction",
    "Effects",
    "FirstLayer",
    "effects",
    "factorised",
    "first_layer",
    "named",
    "principal",
    "read_directions",
    "rename_direction",
    "shift",
    "supervised",
    "write_directions",
]

_LONGEST = 40  # letters of a name
Kind = Literal["principal", "factorised", "supervised"]
Measure = Callable[[Tensor], Mapping[str, Tensor]]
"""Samples ``(N, *space.shape)`` in declared units to named numbers ``(N,)``."""
_BATCH = 256
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction in the latent space.

    Attributes:
        name: for a person and for the file.
        kind: how it was found.
        vector: of length 1, ``(L,)`` float32; 0 for random bits.
        strength: principal: share of the features' variance; factorised: share of the squared weights;
            supervised: balanced accuracy of the fit on latents it has not seen.
        reach: how far to go for the strip's ends, in latent units.
        moves: what changes from one end to the other, in words; empty where nobody measured it.
    """

    name: str
    kind: Kind
    vector: Tensor
    strength: float
    reach: float = 3.0
    moves: str = ""


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """What a generator does first with its latent.

    Attributes:
        weight: of its first linear map, the part that reads the latent, ``(F, L)``.
        features: what its second layer reads, latents ``(N, L)`` and condition to ``(N, F')``.
    """

    weight: Tensor
    features: Callable[[Tensor, Tensor | None], Tensor]


def first_layer(network: nn.Module, latent: int, condition: Tensor | None = None) -> FirstLayer:
    """The first layer of any generator of ours, found by watching one pass.

    Raises UsageError where the first map is not linear in the latent alone, as with sines of it.
    """
    device = next(network.parameters()).device
    embeds = [module.embed for module in network.modules() if isinstance(module, LatentInput)]
    kinds = (nn.Linear, *CONV.values(), *CONV_TRANSPOSED.values())
    layers = [m for m in network.modules() if isinstance(m, kinds) and not any(m is e for e in embeds)]

    def watch(z: Tensor, condition: Tensor | None) -> list[tuple[nn.Module, Tensor]]:
        seen: list[tuple[nn.Module, Tensor]] = []

        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if len(seen) < 2:
                seen.append((module, inputs[0].detach()))

        hooks = [layer.register_forward_pre_hook(note) for layer in layers]
        try:
            with torch.no_grad():
                network(z.to(device), None if condition is None else condition.to(device))
        finally:
            for hook in hooks:
                hook.remove()
        return seen

    seen = watch(torch.zeros(2, latent), None if condition is None else condition[:1].expand(2, -1))
    sizes = [module.size for module in network.modules() if isinstance(module, LatentInput)]
    first = seen[0][0] if seen else None
    if len(seen) < 2 or not isinstance(first, nn.Linear) or sizes != [first.in_features]:
        raise UsageError(
            "this generator's first layer is no linear map of the latent; try supervised directions: "
            "--kinds supervised"
        )

    def features(z: Tensor, condition: Tensor | None) -> Tensor:
        rows: list[Tensor] = []
        for start in range(0, len(z), _BATCH):
            part = None if condition is None else condition[start : start + _BATCH]
            rows.append(watch(z[start : start + _BATCH], part)[1][1].flatten(1).float().cpu())
        return torch.cat(rows)

    return FirstLayer(first.weight.detach()[:, :latent].float().cpu(), features)


def principal(features: Tensor, latents: Tensor, *, prior: Prior, count: int) -> list[Direction]:
    """Principal components of first features, carried back to latents (GANSpace: Härkönen et al. 2020).

    Components V of features ``(N, F)`` give coordinates X = (Y − mean) Vᵀ; the directions are the columns of
    the least-squares solution U of U x_j = z_j over all j (section 3.2), brought to length 1.

    Args:
        latents: ``(N, L)``, that the features were made from.
    """
    smooth = prior.size - prior.bits
    y = features.double()
    y = y - y.mean(0)
    _, spread, components = torch.linalg.svd(y, full_matrices=False)
    count = min(count, len(spread), smooth)
    coordinates = y @ components[:count].T  # (N, count)
    z = latents[:, :smooth].double()
    solution = torch.linalg.lstsq(coordinates, z - z.mean(0)).solution  # (count, smooth)
    shares = spread.square() / spread.square().sum()
    return [
        Direction(f"principal-{i + 1}", "principal", _unit(solution[i], prior), shares[i].item())
        for i in range(count)
    ]


def factorised(weight: Tensor, *, prior: Prior, count: int) -> list[Direction]:
    """Closed-form factorisation of the first weights (SeFa: Shen & Zhou 2021, eq. 5).

    The directions that the first map ``weight (F, L)`` stretches most: eigenvectors of AᵀA, largest
    eigenvalue first.
    """
    smooth = prior.size - prior.bits
    a = weight[:, :smooth].double()
    values, vectors = torch.linalg.eigh(a.T @ a)
    values, vectors = values.flip(0), vectors.flip(1)
    shares = values / values.sum()
    return [
        Direction(f"factorised-{i + 1}", "factorised", _unit(vectors[:, i], prior), shares[i].item())
        for i in range(min(count, smooth))
    ]


def supervised(
    name: str,
    latents: Tensor,
    scores: Tensor,
    *,
    prior: Prior,
    threshold: float | None = None,
    ridge: float = 1e-2,
) -> Direction:
    """The normal of the plane that best splits latents by a score (InterFaceGAN: Shen et al. 2020).

    A logistic regression tells scores above the threshold from those below by the latents, both sides of
    equal weight; a quarter of them is kept aside for its accuracy. Along the direction the score goes up.

    Args:
        latents: ``(N, L)``.
        scores: ``(N,)``: a label, a probability, or any attribute.
        threshold: the median by default; one half for a probability.

    Raises:
        UsageError: all scores are on one side.
    """
    smooth = prior.size - prior.bits
    wanted = (scores > (scores.median() if threshold is None else threshold)).double()
    z = torch.cat([latents[:, :smooth].double(), torch.ones(len(latents), 1, dtype=torch.float64)], 1)
    test = torch.arange(len(z)) % 4 == 3
    for part in (test, ~test):
        if not 0 < wanted[part].sum() < part.sum():
            raise UsageError(f"too few samples differ in {name}; there is no direction to find")
    share = wanted[~test].mean()
    weight = torch.where(wanted[~test] > 0, 0.5 / share, 0.5 / (1 - share)) / (~test).sum()
    rows, target, penalty = z[~test].numpy(), wanted[~test].numpy(), np.full(z.shape[1], ridge)
    w = torch.from_numpy(fit_logistic(rows, target, weight.numpy(), penalty, near=1e-9).weights)
    right = ((z[test] @ w) > 0) == (wanted[test] > 0)
    sides = [right[wanted[test] == side].double().mean().item() for side in (0.0, 1.0)]
    return Direction(name, "supervised", _padded(w[:-1], prior), sum(sides) / 2)


def _padded(vector: Tensor, prior: Prior) -> Tensor:
    """Length 1, and noughts for the random bits."""
    vector = vector / vector.norm().clamp_min(1e-12)
    return torch.cat([vector.float(), torch.zeros(prior.bits)])


def _unit(vector: Tensor, prior: Prior) -> Tensor:
    """The same where the sign means nothing: the largest number is positive, whatever the solver chose."""
    return _padded(vector if vector[vector.abs().argmax()] > 0 else -vector, prior)


def shift(
    prior: Prior, z: Tensor, vector: Tensor, amount: float | Tensor, *, keep_length: bool = False
) -> Tensor:
    """``z (N, L)`` moved along ``vector (L,)`` by ``amount``, one number or ``(N,)``; random bits stay.

    Args:
        keep_length: normal numbers keep their former length, so that they stay where training was.
    """
    far = torch.as_tensor(amount, dtype=z.dtype).reshape(-1, 1)
    there = z + far * vector
    if prior.kind == "uniform":
        return there.clamp(-1.0, 1.0)
    return there


@dataclass(frozen=True, eq=False)
class Effects:
    """What directions change.

    Attributes:
        directions, attributes: names, D and A of them.
        change: mean change of each attribute from one end of the direction to the other, in standard
            deviations of the attribute among samples, ``(D, A)``.
        flips: share of the samples on the lower side of an attribute's threshold that cross it when they move
            by the reach to where the attribute rises, ``(D, A)``; NaN where there is none.
        returns: the same from the upper side, where it falls.
    """

    directions: tuple[str, ...]
    attributes: tuple[str, ...]
    change: Tensor
    flips: Tensor
    returns: Tensor

    def entanglement(self, direction: int, attribute: int) -> float:
        """How far the others move for each step of ``attribute``: the root mean square of their changes over
        its own; 0 is pure."""
        own = self.change[direction, attribute].abs()
        others = torch.cat([self.change[direction, :attribute], self.change[direction, attribute + 1 :]])
        if not len(others):
            return 0.0
        return (others.square().mean().sqrt() / own.clamp_min(1e-9)).item()

    def words(self, direction: int) -> str:
        """What the direction changes most, in standard deviations among samples: the first is what it is for,
        the others come with it."""
        order = self.change[direction].abs().argsort(descending=True)[:3].tolist()
        return ", ".join(f"{self.attributes[j]} {self.change[direction, j]:+.1f}" for j in order) + " sd"


def effects(
    generate: Callable[[Tensor], Tensor],
    prior: Prior,
    directions: Sequence[Direction],
    measure: Measure,
    latents: Tensor,
    *,
    thresholds: Mapping[str, float] | None = None,
) -> Effects:
    """Move ``latents (N, L)`` along each direction, and see how every attribute moves.

    Args:
        generate: latents to samples in declared units.
        measure: all attributes of samples.
        thresholds: where an attribute flips; the median by default.
    """
    base = {name: values.double() for name, values in measure(generate(latents)).items()}
    limits = {name: (thresholds or {}).get(name, values.median().item()) for name, values in base.items()}
    shape = (len(directions), len(base))
    change, flips, returns = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
    for i, direction in enumerate(directions):
        ends = [
            measure(generate(shift(prior, latents, direction.vector, sign * direction.reach)))
            for sign in (-1.0, 1.0)
        ]
        for j, (name, values) in enumerate(base.items()):
            low, high = (end[name].double() for end in ends)
            change[i, j] = ((high - low).mean() / values.std().clamp_min(1e-9)).item()
            up, down = (high, low) if change[i, j] >= 0 else (low, high)
            below = values <= limits[name]
            flips[i, j] = (up[below] > limits[name]).double().mean().item()
            returns[i, j] = (down[~below] <= limits[name]).double().mean().item()
    return Effects(tuple(d.name for d in directions), tuple(base), change, flips, returns)


def write_directions(folder: Path, directions: Sequence[Direction], info: Mapping[str, Any]) -> None:
    """Write ``directions.safetensors`` and ``directions.json``; former ones of the same name are replaced.

    Args:
        info: what they belong to; ``checkpoint`` names the weights that they were found on. Directions
            of other weights are not kept.
    """
    kept: dict[str, Direction] = {}
    if (folder / "directions.json").is_file():
        try:
            former, words = read_directions(folder)
        except RunError as error:
            warnings.warn(
                f"{error}: it is replaced, and its directions are lost", DamageWarning, stacklevel=2
            )
            former, words = [], {}
        if words.get("checkpoint") == info.get("checkpoint"):
            kept = {direction.name: direction for direction in former}
    kept |= {direction.name: direction for direction in directions}
    _write(folder, list(kept.values()), info)


def rename_direction(folder: Path, name: str, new: str) -> None:
    """Give a direction that was written another name, by which it is asked for from then on.

    Raises:
        UsageError: there is none of that name, or the new one is taken or no name.
        RunError: there are none, or they are damaged.
    """
    found, info = read_directions(folder)
    old = named(found, name)
    if not new or len(new) > _LONGEST or new != new.strip() or not new.isprintable():
        raise UsageError(f"a direction's name has 1 to {_LONGEST} letters, without blanks around them")
    if new != name and any(one.name == new for one in found):
        raise UsageError(f"there is a direction {new!r} already")
    _write(folder, [replace(one, name=new) if one is old else one for one in found], info)


def _write(folder: Path, directions: Sequence[Direction], info: Mapping[str, Any]) -> None:
    content = safetensors.torch.save({one.name: one.vector.contiguous() for one in directions})
    listed = [{k: v for k, v in vars(one).items() if k != "vector"} for one in directions]
    record = {"format": FORMAT, "sha256": sha256(content), "info": dict(info), "directions": listed}
    with machine_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "directions.safetensors", content)
    write_atomically(folder / "directions.json", sealed(record))


def read_directions(folder: Path) -> tuple[list[Direction], dict[str, Any]]:
    """What :func:`write_directions` wrote. Raises RunError where it is missing or damaged."""
    file = folder / "directions.json"
    try:
        record, sound = read_sealed(file)
        content = (folder / "directions.safetensors").read_bytes()
        if sound is False or record["format"] != FORMAT or record["sha256"] != sha256(content):
            raise ValueError("its checksum or format does not match")
        vectors = safetensors.torch.load(content)
        found = [Direction(vector=vectors[fields["name"]], **fields) for fields in record["directions"]]
        info = dict(record["info"])
    except FileNotFoundError:
        raise RunError(
            f"there are no directions in {folder}; gan explore RUN directions finds some"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise RunError(f"{file} is damaged ({error}); gan explore RUN directions finds them anew") from None
    return found, info


def named(directions: Sequence[Direction], name: str) -> Direction:
    """One of ``directions`` by its name. Raises UsageError with the nearest."""
    for direction in directions:
        if direction.name == name:
            return direction
    known = [direction.name for direction in directions]
    raise UsageError(f"there is no direction {name!r}.{nearest(name, known)} Known: {', '.join(known)}")
