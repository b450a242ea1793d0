"""Every symptom by its code, causes before what follows from them."""

from __future__ import annotations

from collections.abc import Callable

from ganforge.health import balance, course, numbers, result, variety
from ganforge.health.finding import Finding
from ganforge.health.history import History

__all__ = ["FOLLOW", "SYMPTOMS", "UNTOLD", "Symptom"]

Symptom = Callable[[History], Finding | None]

# A run that fails shows many of these at once. The order names the cause: what stands above explains what
# stands below it (a dead generator makes the discriminator's loss vanish, not the other way round).
SYMPTOMS: dict[str, Symptom] = {
    "not-finite": numbers.not_finite,
    "fake-loss-unbounded": balance.fake_loss_unbounded,
    "exploding-gradients": numbers.exploding_gradients,
    "generator-too-weak": balance.generator_too_weak,
    "memorisation": variety.memorisation,
    "discriminator-overfitting": variety.discriminator_overfitting,
    "past-its-best": course.past_its_best,
    "accuracy-diverged": balance.accuracy_diverged,
    "discriminator-too-weak": balance.discriminator_too_weak,
    "vanishing-gradients": numbers.vanishing_gradients,
    "shortcut": variety.shortcut,
    "one-picture-a-class": variety.one_picture_a_class,
    "mode-collapse": variety.mode_collapse,
    "discriminator-loss-zero": balance.discriminator_loss_zero,
    "discriminator-too-strong": balance.discriminator_too_strong,
    "oscillation": course.oscillation,
    "worse-than-before-training": result.worse_than_before_training,
    "too-early": course.too_early,
    "few-examples": course.few_examples,
    "low-support": variety.low_support,
    "far-from-the-data": result.far_from_the_data,
    "modes-missed": result.modes_missed,
    "class-lagging": variety.class_lagging,
    "equilibrium": result.equilibrium,
    "near-the-best": result.near_the_best,
}
# What follows wherever samples are bad: it is left out where a failure says why they are.
FOLLOW = frozenset({"low-support", "far-from-the-data", "modes-missed"})
# Why nothing can be said yet.
UNTOLD = frozenset({"too-early", "few-examples"})
