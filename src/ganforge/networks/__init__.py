"""Bodies of players, one family per file, built from a space, a width and a depth.

``generator("residual", space=…, latent=64, width=64, depth=1)`` and ``discriminator(…)`` build them by
name, as a recipe does; the classes can be used alone as well. What they draw at construction comes from
torch's global state: build within ``with seeded(seed):`` to make it a function of a seed.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal

from torch import nn

from ganforge.core.declared import DISCRIMINATORS, GENERATORS, TRANSLATORS
from ganforge.core.errors import RecipeError, nearest
from ganforge.core.registry import Registry
from ganforge.core.space import Space
from ganforge.networks.layers import seeded
from ganforge.networks.packed import Packed, packed_space
from ganforge.networks.protocols import Discriminator, Generator, Reconstructing, Translator
from ganforge.networks.translating import enlargement

__all__ = [
    "Discriminator",
    "Generator",
    "Reconstructing",
    "Translator",
    "discriminator",
    "generator",
    "parameters_count",
    "seeded",
    "translator",
]

_COMMON = ("space", "latent", "condition", "width", "depth")


def generator(
    family: str,
    *,
    space: Space,
    latent: int,
    condition: int = 0,
    width: int,
    depth: int,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """A generator of ``family``: see :class:`Generator` for what it offers.

    Raises:
        RecipeError: no such family, an option that it does not have, or a space that it does not allow.
    """
    chosen = _choose("generator", GENERATORS, family, space, options or {})
    return chosen(
        space=space, latent=latent, condition=condition, width=width, depth=depth, **(options or {})
    )


def discriminator(
    family: str,
    *,
    space: Space,
    condition: int = 0,
    width: int,
    depth: int,
    packing: int = 1,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """A discriminator of ``family``: see :class:`Discriminator` for what it offers.

    With ``packing`` m > 1 it judges m consecutive examples as one, and returns ``(N / m,)`` logits.

    Raises:
        RecipeError: no such family, an option that it does not have, or a space that it does not allow.
    """
    chosen = _choose("discriminator", DISCRIMINATORS, family, space, options or {})
    inner = chosen(
        space=packed_space(space, packing) if packing > 1 else space,
        condition=condition * packing,
        width=width,
        depth=depth,
        **(options or {}),
    )
    return inner if packing == 1 else Packed(inner, packing=packing)


def translator(
    family: str,
    *,
    space: Space,
    condition: int = 0,
    width: int,
    depth: int,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """A translator of ``family`` from ``space.source`` to ``space``: see :class:`Translator`.

    It takes the generator's part in a game of translation, and errors speak of it so.

    Raises:
        RecipeError: no such family, an option that it does not have, or inputs and targets that do not fit
            each other or the family.
    """
    enlargement(space)
    chosen = _choose("generator", TRANSLATORS, family, space, options or {})
    return chosen(space=space, condition=condition, width=width, depth=depth, **(options or {}))


def parameters_count(network: nn.Module) -> int:
    """How many numbers an optimiser moves."""
    return sum(parameter.numel() for parameter in network.parameters())


def _choose(
    role: str, known: Registry[Any], family: str, space: Space, options: Mapping[str, Any]
) -> Callable[..., Any]:
    """The class of a family, once its options and the space are known to fit."""
    chosen = known.find(family)
    if not chosen.allows(space):
        able = [name for name, other in known.items() if other.allows(space)]
        raise RecipeError(
            f"{family} is not for {space.describe()}; set {role}.family to one of {', '.join(able)}"
        )
    signature = inspect.signature(chosen, eval_str=True)
    own = {name: p.annotation for name, p in signature.parameters.items() if name not in _COMMON}
    for name, value in options.items():
        if name not in own:
            listed = ", ".join(own) or "none"
            raise RecipeError(f"{family} has no {role} option {name!r}; it has {listed}.{nearest(name, own)}")
        _check(own[name], value, f"{role}.{name}")
    return chosen


def _check(kind: Any, value: Any, where: str) -> None:
    """Raise RecipeError unless ``value`` is of ``kind``: a Literal, bool, int or float."""
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            hint = nearest(str(value), choices)
            raise RecipeError(f"{where} is {value!r}; it can be {', '.join(choices)}.{hint}")
        return
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise RecipeError(f"{where} is {value!r}; it must be of type {kind.__name__}")
    if kind is not bool and value < 0:
        raise RecipeError(f"{where} is {value!r}; it must not be negative")
