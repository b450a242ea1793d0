"""A recipe as a person would tell it."""

from __future__ import annotations

from ganforge.core.recipe import Augmentation, Penalty, Player, Recipe
from ganforge.core.space import Space
from ganforge.report.plain import counted, short

__all__ = ["recipe_lines"]


def recipe_lines(recipe: Recipe, space: Space) -> list[tuple[str, str]]:
    """Subject and words, a line each."""
    lines = [
        ("Game", _game(recipe)),
        ("Generator", f"{_latent(recipe)} → {_player(recipe.generator)}"),
        ("Discriminator", _player(recipe.discriminator)),
    ]
    if recipe.conditional and space.classes:
        lines.append(("Classes", f"{len(space.classes)}, asked of both players"))
    if recipe.augmentation.policy or recipe.augmentation.noise:
        lines.append(("Augmentation", _augmentation(recipe.augmentation)))
    if recipe.mirror:
        lines.append(("Mirror", "pictures are also shown mirrored, left to right"))
    if recipe.ema_nimg:
        half_life = counted(recipe.ema_nimg, "example")
        lines.append(("Samples by", f"the generator's moving average, with a half-life of {half_life}"))
    return lines


def _game(recipe: Recipe) -> str:
    parts = [recipe.objective, *(_penalty(penalty) for penalty in recipe.penalties)]
    moves = ""
    if recipe.discriminator_moves > 1:
        moves = f"; {recipe.discriminator_moves} steps of the discriminator to each of the generator"
    packed = f", judged {recipe.packing} at a time" if recipe.packing > 1 else ""
    return f"{' + '.join(parts)}; {recipe.batch} examples a step{packed}{moves}"


def _towards(start: float, end: float | None) -> str:
    return short(start) if end is None or end == start else f"{short(start)} falling to {short(end)}"


def _penalty(penalty: Penalty) -> str:
    rhythm = f", every {penalty.every} rounds" if penalty.every > 1 else ""
    return f"{penalty.name} ({_towards(penalty.weight, penalty.weight_final)}{rhythm})"


def _latent(recipe: Recipe) -> str:
    random_bits = f", {recipe.latent_bits} of them random bits" if recipe.latent_bits else ""
    return f"{recipe.latent} {recipe.prior} numbers{random_bits}"


def _player(player: Player) -> str:
    rate = _towards(player.learning_rate, player.learning_rate_final)
    size = f"{player.family}, {player.width} wide, {player.depth} deep"
    return f"{size}; {player.optimiser} at a rate of {rate}"


def _augmentation(augmentation: Augmentation) -> str:
    parts: list[str] = []
    if augmentation.policy:
        policies = augmentation.policy.replace(",", ", ")
        strength = f"with a probability of {short(augmentation.probability)}"
        if augmentation.target is not None:
            strength += f", adapted to hold {short(augmentation.target)}"
        parts.append(f"{policies}, {strength}")
    if augmentation.noise:
        parts.append(f"noise of {_towards(augmentation.noise, augmentation.noise_final)}")
    return "; ".join(parts) + "; on reals and fakes alike"
