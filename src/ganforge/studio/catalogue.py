"""What can be played, in words: data, settings, failures with their remedies. Plain data, quick to import."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ganforge.core.declared import OBJECTIVES, PENALTIES

__all__ = ["SLOW_STAGES", "TEXTBOOK", "SlowStage", "catalogue"]

# The small game of a textbook, as changes of the recipe points: two hidden layers, two numbers of noise, the
# non-saturating loss, no penalty, nothing else.
TEXTBOOK: dict[str, Any] = {
    "augmentation.noise": 0.0,
    "discriminator.activation": "leaky_relu",
    "discriminator.beta1": 0.5,
    "discriminator.beta2": 0.99,
    "discriminator.beta2_final": None,
    "discriminator.depth": 2,
    "discriminator.fourier": 0,
    "discriminator.learning_rate": 1e-3,
    "discriminator.learning_rate_final": None,
    "discriminator.width": 64,
    "ema_nimg": 10_000,
    "generator.activation": "leaky_relu",
    "generator.beta1": 0.5,
    "generator.beta2": 0.99,
    "generator.beta2_final": None,
    "generator.depth": 2,
    "generator.learning_rate": 1e-3,
    "generator.learning_rate_final": None,
    "generator.width": 64,
    "kimg": 400,
    "latent": 2,
    "latent_bits": 0,
    "objective": "non_saturating",
    "penalties": [],
}

_DATA = (
    ("gaussian", "A bell curve", 1, "points"),
    ("mixture", "Three bell curves", 1, "points"),
    ("line", "A line", 2, "points"),
    ("pair", "Two Gaussians", 2, "points"),
    ("ring", "Ring of eight Gaussians", 2, "points"),
    ("blobs", "Three blobs", 2, "points"),
    ("grid", "Grid of twenty-five Gaussians", 2, "points"),
    ("moons", "Two moons", 2, "points"),
    ("spirals", "Two spirals", 2, "points"),
    ("swissroll", "Swiss roll", 2, "points"),
    ("digits", "Handwritten digits, 8×8", 64, "pictures"),
)

_RECIPES = {
    "points": ("gaussian", "gaussian-original", "points", "ring", "grid"),
    "pictures": ("digits", "residual", "few-shot", "dcgan"),
}


@dataclass(frozen=True)
class SlowStage:
    """A stage of slow motion: its words, and the parts of the drawn game that light up in it, in order."""

    stage: str
    title: str
    words: str
    lights: tuple[str, ...]


SLOW_STAGES = (
    SlowStage(
        "generate",
        "Forward through G",
        "The generator turns noise into fakes. Nothing is learned yet.",
        ("noise", "generator", "generated"),
    ),
    SlowStage(
        "fakes",
        "D looks at fakes, label 0",
        "The discriminator should say 0 to fakes. How wrong it is gives a gradient, which is kept.",
        ("generated", "discriminator", "verdict"),
    ),
    SlowStage(
        "reals",
        "D looks at reals, label 1",
        "The discriminator should say 1 to real examples. That gives a second gradient.",
        ("real", "discriminator", "verdict"),
    ),
    SlowStage(
        "discriminator_loss",
        "D's loss",
        "What it was wrong by on fakes and on reals, and the penalty where there is one, is added up.",
        ("verdict", "discriminator_loss"),
    ),
    SlowStage(
        "update_discriminator",
        "The sum updates D",
        "The gradient of that sum goes back through the discriminator, and D moves. G stands still.",
        ("discriminator_gradient", "discriminator"),
    ),
    SlowStage(
        "judge",
        "G's fakes through the updated D",
        "New fakes go through the discriminator as it is now.",
        ("noise", "generator", "generated", "discriminator", "verdict"),
    ),
    SlowStage(
        "generator_loss",
        "G's loss",
        "The generator wants its fakes to be taken for real. How far it is from that is its loss.",
        ("verdict", "generator_loss"),
    ),
    SlowStage(
        "update_generator",
        "Back through D to G",
        "The gradient goes back through the discriminator, which stands still, to the generator; G moves.",
        ("generator_gradient", "generator"),
    ),
)


def _choice(
    key: str, title: str, choices: tuple[tuple[Any, str], ...], *, reset: bool, group: str
) -> dict[str, Any]:
    listed = [{"value": value, "words": words} for value, words in choices]
    return {"key": key, "title": title, "type": "choice", "choices": listed, "reset": reset, "group": group}


def _range(
    key: str, title: str, low: float, high: float, *, whole: bool, reset: bool, group: str, log: bool = False
) -> dict[str, Any]:
    return {
        "key": key,
        "title": title,
        "type": "whole" if whole else "number",
        "low": low,
        "high": high,
        "scale": "log" if log else "linear",
        "reset": reset,
        "group": group,
    }


def _player(role: str, title: str) -> list[dict[str, Any]]:
    activations = (("leaky_relu", ""), ("relu", ""), ("silu", ""), ("tanh", ""), ("sigmoid", ""))
    optimisers = (
        ("adam", "steps of like size for every weight"),
        ("muon", "steps of like size in every direction"),
        ("sgd", "plain steps"),
        ("rmsprop", ""),
    )
    own = [
        _range(f"{role}.depth", f"{title}: hidden layers", 1, 8, whole=True, reset=True, group=role),
        _range(
            f"{role}.width", f"{title}: neurons a layer", 1, 512, whole=True, reset=True, group=role, log=True
        ),
        _choice(f"{role}.activation", f"{title}: activation", activations, reset=True, group=role),
        _choice(f"{role}.optimiser", f"{title}: optimiser", optimisers, reset=False, group=role),
        _range(
            f"{role}.learning_rate",
            f"{title}: rate",
            1e-8,
            1.0,
            whole=False,
            reset=False,
            group=role,
            log=True,
        ),
        _range(f"{role}.beta1", f"{title}: momentum (β₁)", 0.0, 0.99, whole=False, reset=False, group=role),
        _range(f"{role}.fourier", f"{title}: octaves of sines", 0, 8, whole=True, reset=True, group=role),
    ]
    if role == "discriminator":
        truth = {"title": f"{title}: spectral norm", "type": "truth", "reset": True, "group": role}
        own.append({"key": f"{role}.spectral_norm", **truth})
        clip = _range(
            f"{role}.clip", f"{title}: clip", 1e-3, 1.0, whole=False, reset=False, group=role, log=True
        )
        own.append({**clip, "optional": True})
    return own


def _settings() -> list[dict[str, Any]]:
    objectives = tuple((name, objective.words) for name, objective in OBJECTIVES.items())
    priors = (("uniform", "evenly from −1 to 1"), ("normal", "a bell curve"))
    return [
        _choice("objective", "loss", objectives, reset=False, group="game"),
        {"key": "penalties", "title": "penalties", "type": "list", "reset": False, "group": "game"},
        _range(
            "discriminator_moves", "D's turns for each of G's", 1, 16, whole=True, reset=False, group="game"
        ),
        _range("batch", "examples a turn", 4, 2048, whole=True, reset=False, group="game", log=True),
        _range(
            "kimg", "budget, thousands of examples", 1, 1e5, whole=False, reset=False, group="game", log=True
        ),
        _range("packing", "judged together (packing)", 1, 8, whole=True, reset=True, group="game"),
        _range(
            "augmentation.noise", "noise on what D sees", 0.0, 2.0, whole=False, reset=False, group="game"
        ),
        _choice("prior", "noise for G", priors, reset=False, group="noise"),
        _range("latent", "numbers of noise", 1, 256, whole=True, reset=True, group="noise", log=True),
        _range("latent_bits", "of these, random bits", 0, 256, whole=True, reset=True, group="noise"),
        *_player("generator", "generator"),
        *_player("discriminator", "discriminator"),
    ]


def _rates(generator: float, discriminator: float) -> dict[str, Any]:
    return {"generator.learning_rate": generator, "discriminator.learning_rate": discriminator}


def _played(
    name: str, changes: dict[str, Any], recipe: str | None = "textbook", seed: int = 0
) -> dict[str, Any]:
    return {
        "data": {"kind": "builtin", "name": name},
        "recipe": recipe,
        "changes": dict(sorted(changes.items())),
        "seed": seed,
    }


def _pair(weight: float) -> list[dict[str, Any]]:
    fine: dict[str, Any] = {"weight": weight, "method": "finite_difference", "sigma": 2e-3, "share": 0.25}
    return [{"name": name, **fine} for name in ("r1", "r2")]


_SHARP = {"discriminator.fourier": 5, "kimg": 500}


def _failures() -> list[dict[str, Any]]:
    won = ["discriminator-loss-zero", "discriminator-too-strong", "vanishing-gradients"]
    return [
        {
            "name": "discriminator-loss-zero",
            "title": "The discriminator's loss approaches zero",
            "words": "D learns a hundred times as fast as G. Soon it knows every fake: its loss is near"
            " 0, its heat map is flat around the fakes, and with the original loss G gets no gradient.",
            "settings": _played("ring", {"objective": "minimax", **_SHARP, **_rates(2e-5, 5e-3)}),
            "remedy": {
                "words": "Equal rates, the loss that keeps its gradient, a penalty on D's slope, and noise on"
                " what D sees, so that far fakes feel the data.",
                "changes": {
                    "objective": "non_saturating",
                    "penalties": _pair(0.005),
                    "augmentation.noise": 0.5,
                    "augmentation.noise_final": 0.1,
                    **_rates(1e-3, 1e-3),
                },
            },
            "expect": won,
            "speed": 150,
        },
        {
            "name": "fake-loss-unbounded",
            "title": "The loss on generated examples rises without bound",
            "words": "A critic without penalty and without clip: nothing limits how large its verdict may"
            " grow, and every turn makes it larger.",
            "settings": _played("blobs", {"objective": "wasserstein", **_rates(1e-3, 1e-2)}),
            "remedy": {
                "words": "A penalty on the critic's gradient gives its verdict a scale.",
                "changes": {
                    "penalties": [{"name": "interpolated", "weight": 0.1}],
                    "discriminator_moves": 3,
                    **_rates(1e-3, 1e-3),
                },
            },
            "expect": ["fake-loss-unbounded", "exploding-gradients", "not-finite"],
            "speed": 150,
        },
        {
            "name": "accuracy-diverged",
            "title": "The accuracies drift apart",
            "words": "D hardly learns at all: it calls everything real, reals and fakes alike, so that its"
            " verdict means nothing and G runs wherever it likes.",
            "settings": _played("blobs", _rates(1e-3, 1e-8)),
            "remedy": {"words": "Give D a rate like G's.", "changes": _rates(1e-3, 1e-3)},
            "expect": ["accuracy-diverged", "discriminator-too-weak"],
            "speed": 150,
        },
        {
            "name": "mode-collapse",
            "title": "Mode collapse: all fakes are alike",
            "words": "G learns far faster than D. All of its samples run to the one place that D likes best"
            " at the moment, then to the next.",
            "settings": _played("blobs", {**_rates(2e-2, 1e-4), "generator.beta1": 0.9}),
            "remedy": {
                "words": "Equal rates: D must be able to follow.",
                "changes": {"generator.beta1": 0.5, **_rates(1e-3, 1e-3)},
            },
            "expect": ["mode-collapse", "low-support", "oscillation"],
            "speed": 150,
        },
    ]


def _why_randomness() -> list[dict[str, Any]]:
    return [
        {
            "name": "without-noise",
            "title": "A generator without noise",
            "words": "The same input every time can only give the same output: D pushes that one point about,"
            " and the best that it can become is the average of what is real.",
            "settings": {**_played("gaussian", {"latent": 1}), "noise": False},
        },
        {
            "name": "with-noise",
            "title": "The same with noise",
            "words": "Each draw of the noise may go elsewhere, and together they can take the data's shape.",
            "settings": _played("gaussian", {"latent": 1}),
        },
    ]


def catalogue() -> dict[str, Any]:
    """All of it, as it goes to the browser."""
    from ganforge.recipes import summary

    recipes: list[dict[str, Any]] = [
        {
            "name": "textbook",
            "words": "Small players, two numbers of noise, the non-saturating loss, no penalty.",
            "changes": TEXTBOOK,
            "base": "points",
            "kinds": ["points"],
        }
    ]
    for kind, names in _RECIPES.items():
        recipes += [
            {"name": name, "words": summary(name), "changes": {}, "base": name, "kinds": [kind]}
            for name in names
        ]
    return {
        "data": [{"name": n, "title": t, "dims": d, "kind": k} for n, t, d, k in _DATA],
        "recipes": recipes,
        "settings": _settings(),
        "penalties": _penalties(),
        "failures": _failures(),
        "why_randomness": _why_randomness(),
        "slow_stages": [asdict(stage) for stage in SLOW_STAGES],
    }


def _penalties() -> list[dict[str, Any]]:
    fine = {"method": "finite_difference", "sigma": 2e-3, "share": 0.25}
    return [
        {
            "name": name,
            "words": penalty.words,
            "defaults": {"weight": penalty.usual, **(fine if penalty.finite_difference else {})},
        }
        for name, penalty in PENALTIES.items()
        if penalty.usual
    ]
