"""What helps, in words and as dotted keys of the recipe: each a pure function of the recipe or the history.

Where a run is young, to train on comes first. A remedy changes one thing, and never the networks: a run goes
on with it from a checkpoint. It goes as far as the recipe is from what is usual: a rate of 1 is brought to
the usual one at once, and a penalty that the person made lighter or took away is brought back to the
recipe's own.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Literal, NamedTuple

from ganforge.core.declared import (
    DISCRIMINATORS,
    GENERATORS,
    OBJECTIVES,
    PENALTIES,
    TRANSLATORS,
    FamilyTraits,
)
from ganforge.core.recipe import Penalty, Player, Recipe
from ganforge.core.space import Space
from ganforge.health.history import History
from ganforge.health.measures import YOUNG, at_size, ended, headline, improving, late, played, trained, window

__all__ = [
    "Remedy",
    "augment_more",
    "brake",
    "calm",
    "longer",
    "loosen",
    "lower_rates",
    "penalise_less",
    "penalise_more",
    "raise_rate",
    "relative_rate",
    "settle",
    "train_first",
]

Role = Literal["generator", "discriminator"]
Changes = dict[str, Any]

_ROLES: tuple[Role, ...] = ("generator", "discriminator")

_FAST = 8.0  # times the usual rate: far above it
_WILD = 16.0  # times the usual rate: not tried by anybody who meant it
_DECAY = 0.3  # of weights that muon moves: without, longer trainings got worse (results/growing.md)
_SHOWN = 0.25  # of the examples that a recipe is made for: fewer are few
_FEW_LOOKS = 4  # with fewer examinations nothing is known of where a score goes


class Remedy(NamedTuple):
    """One sentence, and the recipe's keys with their new values; without keys it is the user's to do."""

    words: str
    changes: Changes


def longer(history: History) -> str:
    """What helps a run of a few steps or examples, or one that still gets better; empty for any other."""
    go_on = "Train for longer" if ended(history) else "Train on"
    steps = played(history)
    if steps < YOUNG:
        few = "1 step" if steps == 1 else f"{steps:,} steps"
        return f"{go_on}: {few}{at_size(history)} {'is' if steps == 1 else 'are'} few."
    if _nearer(history):
        return f"{go_on}: the distance to real data still falls."
    made_for = 1000 * history.recipe.kimg
    if len(history.examined) < _FEW_LOOKS and history.nimg < _SHOWN * made_for:
        return f"{go_on}: {history.nimg:,} examples are few, the recipe is made for {made_for:,.0f}."
    return ""


def _nearer(history: History) -> bool:
    """Whether the last examination has the lowest distance of a run whose distance was falling until then."""
    scores = window(trained(history), headline)
    if len(scores) < 2 or scores[-1] > min(scores):
        return False
    recent = late(history)
    apart = bool(recent) and headline(recent[-1], "high") < headline(recent[0], "low")
    return len(history.examined) >= _FEW_LOOKS and (apart or improving(history))


def train_first(history: History, then: Remedy, also: str = "") -> Remedy:
    """What :func:`longer` says; where it says nothing, ``then``, with ``also`` behind its words."""
    first = longer(history)
    return Remedy(first, {}) if first else Remedy(f"{then.words} {also}".rstrip(), then.changes)


def _player(recipe: Recipe, role: Role) -> Player:
    return recipe.generator if role == "generator" else recipe.discriminator


def _usual(player: Player) -> float:
    """The rate at which this family of networks learns well, with this optimiser."""
    if player.optimiser == "sgd":
        return 1e-2
    for families in (GENERATORS, DISCRIMINATORS, TRANSLATORS):
        if player.family in families:
            return families[player.family].usual_rate
    return FamilyTraits.usual_rate


def _peak(player: Player) -> float:
    return max(player.learning_rate, player.learning_rate_final or 0.0)


def relative_rate(recipe: Recipe, role: Role) -> float:
    """A player's highest rate over the usual one."""
    player = _player(recipe, role)
    return _peak(player) / _usual(player)


def _fast(recipe: Recipe) -> list[Role]:
    """Whose rate is far above the usual one."""
    return [role for role in _ROLES if relative_rate(recipe, role) >= _FAST]


def _set_rate(recipe: Recipe, role: Role, rate: float) -> Changes:
    """A player's rate; where it falls during the run it still falls by the same factor."""
    player, rate = _player(recipe, role), _short(rate)
    if rate == player.learning_rate:
        return {}
    changes: Changes = {f"{role}.learning_rate": rate}
    final = player.learning_rate_final
    if final is not None:
        kept = final / player.learning_rate if player.learning_rate > 0 else 0.1
        changes[f"{role}.learning_rate_final"] = _short(rate * min(kept, 1.0))
    return changes


def lower_rates(recipe: Recipe) -> Remedy:
    """Every rate that is far above the usual one is lowered; where none is, both are halved."""
    fast = _fast(recipe)
    changes: Changes = {}
    for role in fast or list(_ROLES):
        player, relative = _player(recipe, role), relative_rate(recipe, role)
        usual = _usual(player)
        calmer = usual if relative >= _WILD else max(_peak(player) / 8, usual)
        rate = calmer if relative >= _FAST else _peak(player) / 2
        changes |= _set_rate(recipe, role, rate)
    who = f"the {fast[0]}'s learning rate" if len(fast) == 1 else "both learning rates"
    return Remedy(f"Lower {who}.", changes)


def settle(recipe: Recipe) -> Remedy:
    """Smaller moves from here on: both rates halved, and a tenth of that in the end.

    Weights that muon moves by one length, without decay, get ever larger at any rate: those decay first.
    """
    changes: Changes = {
        f"{role}.weight_decay": _DECAY
        for role in _ROLES
        if (player := _player(recipe, role)).optimiser == "muon" and not player.weight_decay
    }
    if changes:
        return Remedy("Let the weights that muon moves decay.", changes)
    for role in _ROLES:
        player = _player(recipe, role)
        rate = player.learning_rate / 2
        final = min(player.learning_rate_final or rate, rate) / 10
        changes[f"{role}.learning_rate"] = _short(rate)
        changes[f"{role}.learning_rate_final"] = _short(final)
    return Remedy("Go back to the best checkpoint, and on from there with lower rates.", changes)


def raise_rate(recipe: Recipe, role: Role) -> Remedy:
    """The other player's rate, if that is a usual one; else the usual one, or twice its own."""
    player = _player(recipe, role)
    opponent = _player(recipe, "discriminator" if role == "generator" else "generator")
    usual, other = _usual(player), opponent.learning_rate
    comparable = opponent.optimiser == player.optimiser and usual / _FAST <= other <= usual * _FAST
    goal = other if comparable else usual
    rate = goal if goal > 1.5 * player.learning_rate else 2 * player.learning_rate
    return Remedy(f"Raise the {role}'s rate: both players need their turns.", _set_rate(recipe, role, rate))


def penalise_more(history: History, factor: float = 2.0) -> Remedy:
    """Every penalty on the gradient times ``factor``, or back to what the recipe has by itself.

    A pair of r1 and r2 where there is none that weighs anything.
    """
    recipe = history.recipe
    taken = _taken_away(history)
    if taken:
        return Remedy("Put the recipe's own penalty on the discriminator's gradient back.", taken)
    acting = _acting(recipe)
    if not acting:
        others = [entry for entry in recipe.penalties if not PENALTIES.find(entry.name).on_gradient]
        added = [*others, *_pair(recipe, history.space)]
        words = "Add the penalties r1 and r2 on the discriminator's gradient."
        return Remedy(words, {"penalties": [asdict(entry) for entry in added]})
    changes: Changes = {}
    for entry in acting:
        changes[f"penalties.{entry.name}.weight"] = _short(entry.weight * factor)
        if entry.weight_final is not None:
            changes[f"penalties.{entry.name}.weight_final"] = _short(entry.weight_final * factor)
    return Remedy("A heavier penalty on the discriminator's gradient.", changes)


def _acting(recipe: Recipe) -> list[Penalty]:
    """The penalties on the gradient that weigh anything."""
    return [
        entry for entry in recipe.penalties if PENALTIES.find(entry.name).on_gradient and entry.weight > 0
    ]


def _taken_away(history: History) -> Changes:
    """The recipe's own values of those penalties on the gradient that the person made lighter."""
    recipe, own = history.recipe, history.own
    if _has_critic(recipe) and "objective" in own:
        return {}  # a critic's needs another weight than that of the recipe's own objective
    whole = own.get("penalties")
    if isinstance(whole, (list, tuple)):
        before = replace(recipe, penalties=()).with_changes({"penalties": list(whole)})
        heavy = sum(entry.weight for entry in _acting(before))
        return {"penalties": list(whole)} if sum(entry.weight for entry in _acting(recipe)) < heavy else {}
    return {
        key: value
        for key, value in own.items()
        if key.startswith("penalties.")
        and ".weight" in key
        and PENALTIES.find(key.split(".")[1]).on_gradient
        and isinstance(value, (int, float))
        and (recipe.value(key) or 0) < value
    }


def _pair(recipe: Recipe, space: Space) -> tuple[Penalty, Penalty]:
    """r1 and r2 by finite differences, of a weight that suits the examples."""
    if space.codec.small:
        fine = bool(recipe.discriminator.options.get("fourier"))
        weight, sigma = (2e-3, 2e-3) if fine else (0.05, 2e-3)
        # A critic has no scale of its own: the penalty alone gives it one.
        weight = max(weight, 0.1) if _has_critic(recipe) else weight
    else:
        # Zero-centred penalties grow with the area (Karras et al. 2020).
        weight, sigma = 0.1 * (max(space.spatial, default=32) / 32) ** 2, 0.01
    weight = _short(weight)
    r1 = Penalty(
        name="r1",
        weight=weight,
        weight_final=weight / 10,
        method="finite_difference",
        sigma=sigma,
        share=0.25,
    )
    return r1, replace(r1, name="r2")


def penalise_less(recipe: Recipe) -> Remedy:
    """A quarter of every penalty on the gradient; only words where there is none."""
    changes: Changes = {
        f"penalties.{entry.name}.{part}": _short(value / 4)
        for entry in _acting(recipe)
        for part, value in (("weight", entry.weight), ("weight_final", entry.weight_final))
        if value is not None
    }
    lighter = "a lighter penalty, " if changes else ""
    words = f"Let the discriminator see more: {lighter}a larger width; for points fourier=6."
    return Remedy(words, changes)


def augment_more(history: History) -> Remedy:
    """Show the discriminator its examples changed, more often; points get noise."""
    augmentation = history.recipe.augmentation
    if not history.space.codec.augmentations:
        noise = _short(max(2 * augmentation.noise, 0.1))
        changes: Changes = {"augmentation.noise": noise, "augmentation.noise_final": _short(noise / 5)}
        changes["augmentation.noise_until"] = 1.0
        return Remedy("Add noise to what the discriminator sees, or find more examples.", changes)
    on = augmentation.probability if augmentation.policy else 0.0
    if on >= 1.0:
        return penalise_more(history)
    own = history.own.get("augmentation.policy") or "translation"
    changes = {} if augmentation.policy else {"augmentation.policy": own}
    changes["augmentation.probability"] = min(max(2 * on, 0.5), 1.0)
    return Remedy("Show the discriminator its examples augmented, more often; or find more.", changes)


def loosen(history: History) -> Remedy:
    """Let latents matter beside the condition: no reward for obeying it, else augmentation."""
    if history.recipe.mismatched > 0:
        return Remedy("Ask less for obedience to the condition.", {"mismatched": 0.0})
    return augment_more(history)


def brake(history: History) -> Remedy:
    """Hold back a discriminator that runs ahead: equal rates and a penalty, equal turns, a better loss."""
    recipe = history.recipe
    if _fast(recipe):
        return lower_rates(recipe)  # who is thrown about is caught by anybody
    generator, discriminator = recipe.generator, recipe.discriminator
    free = not _acting(recipe)
    penalty = penalise_more(history)
    ahead = discriminator.learning_rate >= 4 * generator.learning_rate
    if ahead and discriminator.optimiser == generator.optimiser:
        fair = _short(min(discriminator.learning_rate, _usual(generator)))
        changes = {**_set_rate(recipe, "generator", fair), **_set_rate(recipe, "discriminator", fair)}
        # Without any penalty equal rates alone do not hold a discriminator that has been ahead.
        changes |= penalty.changes if free else {}
        return Remedy(f"Balance the players: equal rates{', and a penalty' if free else ''}.", changes)
    if free:
        return penalty
    if recipe.discriminator_moves > 1 and not _has_critic(recipe):
        return Remedy("Let the players take equal turns.", {"discriminator_moves": 1})
    if OBJECTIVES.find(recipe.objective).saturates:
        return Remedy("Let the generator raise log D instead.", {"objective": "non_saturating"})
    return penalise_more(history, 4.0)


def calm(history: History, factor: float = 2.0) -> Remedy:
    """What steadies a game: lower rates where one is far above the usual, else a heavier penalty."""
    if _fast(history.recipe):
        return lower_rates(history.recipe)
    return penalise_more(history, factor)


def _has_critic(recipe: Recipe) -> bool:
    return OBJECTIVES.find(recipe.objective).logit == "distance"


def _short(value: float) -> float:
    return float(f"{value:.3g}")
