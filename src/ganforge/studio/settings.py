"""The settings of a game, the arguments of ``ganforge.train``: checked, made canonical, shown as Python."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ganforge.core.declared import GAMES
from ganforge.core.errors import DataError, RecipeError, UsageError, nearest
from ganforge.core.recipe import Recipe
from ganforge.data.builtin import NAMES
from ganforge.recipes import RECIPES
from ganforge.studio import asked
from ganforge.studio.bounds import Bounds
from ganforge.studio.catalogue import TEXTBOOK
from ganforge.tasks.experiment import Experiment, prepare

__all__ = ["Settings", "as_python"]

_FEWEST = 16  # points drawn
_BASE = "points"  # what the textbook's changes start from


@dataclass(frozen=True)
class Settings:
    """What a game is played by.

    Attributes:
        data: ``{"kind": "builtin", "name"}``, ``{"kind": "drawn", "points"}`` or ``{"kind": "uploaded", …}``.
        recipe: a recipe's name, ``textbook``, or None for the package's own choice.
        changes: keys of the recipe.
        seed: of everything.
        noise: whether the generator hears its latents; without, it always makes the same example.
    """

    data: dict[str, Any]
    recipe: str | None
    changes: dict[str, Any]
    seed: int = 0
    noise: bool = True

    @classmethod
    def of(cls, fields: dict[str, Any], bounds: Bounds) -> Settings:
        """From a browser. Raises UsageError."""
        asked.only(fields, ("data", "recipe", "changes", "seed", "noise"))
        recipe = fields.get("recipe")
        known = ("textbook", *RECIPES)
        if recipe is not None and recipe not in known:
            word = str(recipe)[:60]
            raise RecipeError(f"there is no recipe {word!r}.{nearest(word, known)} Known: {', '.join(known)}")
        return cls(
            _checked_data(asked.mapping(fields, "data"), bounds),
            recipe,
            asked.mapping(fields, "changes", {}),
            asked.whole(fields, "seed", 0, 0, 2**31 - 1),
            asked.truth(fields, "noise", True),
        )

    def experiment(self, bounds: Bounds, folder: Path, upload: str | None = None) -> Experiment:
        """Data and recipe, checked against ``bounds``.

        Args:
            folder: where drawn points are written.
            upload: the file that an uploaded name stands for.

        Raises:
            UsageError: they cannot be played.
        """
        made = prepare(
            self._source(folder, upload),
            recipe=_BASE if self.recipe == "textbook" else self.recipe,
            seed=self.seed,
            device="cpu",
            size=_small(upload),
            changes={**(TEXTBOOK if self.recipe == "textbook" else {}), **self.changes},
        )
        _check(made, bounds)
        return made

    def _source(self, folder: Path, upload: str | None) -> str | Path:
        match self.data["kind"]:
            case "builtin":
                return str(self.data["name"])
            case "drawn":
                path = folder / "drawn.npy"
                np.save(path, np.array(self.data["points"], np.float32), allow_pickle=False)
                return path
            case _:
                if upload is None:
                    raise DataError("that file is no longer here; upload it again")
                return Path(upload)

    def to_json(self) -> dict[str, Any]:
        """For an address: keys in one order."""
        changes = dict(sorted(self.changes.items()))
        fields = {"data": self.data, "recipe": self.recipe, "changes": changes, "seed": self.seed}
        return fields if self.noise else {**fields, "noise": False}

    def simplified(self, recipe: Recipe, plain: Recipe) -> Settings:
        """The same without the changes that change nothing.

        Args:
            recipe: what the settings resolve to.
            plain: the same without any changes.
        """
        return replace(self, changes=difference(plain, recipe))


def difference(base: Recipe, recipe: Recipe) -> dict[str, Any]:
    """Dotted keys that make ``recipe`` out of ``base``, sorted; families' options included."""
    before, after = base.to_json(), recipe.to_json()
    found: dict[str, Any] = {}
    for name, value in after.items():
        former = before[name]
        if name in ("name", "seed") or value == former:
            continue
        if name in ("generator", "discriminator", "augmentation") and isinstance(former, dict):
            found |= _parts(name, cast(dict[str, Any], former), value)
        else:
            found[name] = list(value) if isinstance(value, tuple) else value
    return dict(sorted(found.items()))


def _parts(name: str, former: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    found = {f"{name}.{key}": item for key, item in value.items() if key != "options" and item != former[key]}
    options, plain = value.get("options", {}), former.get("options", {})
    found |= {f"{name}.{key}": item for key, item in options.items() if plain.get(key) != item}
    return found


def _checked_data(data: dict[str, Any], bounds: Bounds) -> dict[str, Any]:
    kind = asked.word(data, "kind", ("builtin", "drawn", "uploaded"))
    if kind == "builtin":
        asked.only(data, ("kind", "name"))
        return {"kind": kind, "name": asked.word(data, "name", NAMES)}
    if kind == "uploaded":
        asked.only(data, ("kind", "id", "name"))
        return {"kind": kind, "id": str(data.get("id", ""))[:64], "name": str(data.get("name", ""))[:200]}
    asked.only(data, ("kind", "points"))
    points = asked.listed(data, "points", bounds.points, _FEWEST)
    try:
        values = np.array(cast(Any, points), np.float64)
    except (ValueError, TypeError):
        raise DataError("points must be a list of [x, y], or of [x], of numbers") from None
    if values.ndim != 2 or values.shape[-1] not in (1, 2):
        raise DataError("points must be a list of [x, y], or of [x], of numbers")
    if not np.isfinite(values).all() or np.abs(values).max() > 1e6:
        raise DataError("points must be finite numbers within ±1,000,000")
    # Three digits are what a screen shows; they keep an address short.
    return {"kind": kind, "points": [[float(f"{x:.4g}") for x in row] for row in values]}


def _small(upload: str | None) -> int | None:
    """Side of uploaded pictures in pixels: a game of larger ones is for `gan train`."""
    return 16 if upload is not None and upload.lower().endswith(".zip") else None


def _check(made: Experiment, bounds: Bounds) -> None:
    """Raises RecipeError for a game that is too large to be played here."""
    recipe = made.recipe
    game = GAMES.find(recipe.game)
    if game.from_inputs or game.judged_with:
        raise RecipeError(
            f"the studio plays games of latents and of samples judged alone, not {game.name}; use gan train"
        )
    for name, value, most in (
        ("generator.width", recipe.generator.width, bounds.width),
        ("discriminator.width", recipe.discriminator.width, bounds.width),
        ("generator.depth", recipe.generator.depth, bounds.depth),
        ("discriminator.depth", recipe.discriminator.depth, bounds.depth),
        ("batch", recipe.batch, bounds.batch),
        ("latent", recipe.latent, bounds.latent),
        ("discriminator_moves", recipe.discriminator_moves, 64),
    ):
        if value > most:
            raise RecipeError(f"{name} is {value:,}; the studio plays up to {most:,}, gan train any size")
    size = made.dataset.train.n * made.dataset.space.size
    if size > bounds.examples:
        raise DataError(
            f"the examples are {size:,} numbers; the studio plays up to {bounds.examples:,}: use gan train"
        )


def as_python(settings: Settings) -> dict[str, Any]:
    """The same experiment as a script, and as a command where there is one."""
    changes = {**(TEXTBOOK if settings.recipe == "textbook" else {}), **settings.changes}
    base = _BASE if settings.recipe == "textbook" else settings.recipe
    data, lines, command = settings.data, ["import ganforge"], None
    if data["kind"] == "builtin":
        source = repr(data["name"])
        words = [
            "gan",
            "train",
            data["name"],
            *(["--recipe", base] if base else []),
            "--seed",
            str(settings.seed),
        ]
        pairs = [f"{key}={_typed(value)}" for key, value in changes.items()]
        command = shlex.join([*words, *(["--set", *pairs] if pairs else [])])
    elif data["kind"] == "drawn":
        source = '"drawn.npy"'
        lines = [
            "import numpy as np",
            "",
            "import ganforge",
            "",
            f"points = np.array({data['points']!r}, np.float32)",
        ]
        lines += ['np.save("drawn.npy", points)']
    else:
        source = repr(data["name"])
    arguments = [source]
    if base is not None:
        arguments.append(f"recipe={base!r}")
    arguments.append(f"seed={settings.seed}")
    if settings.noise:
        arguments += [f"{key.replace('.', '__')}={value!r}" for key, value in changes.items()]
        lines += [
            "",
            "run = ganforge.train(",
            *(f"    {argument}," for argument in arguments),
            ")",
            *_AFTERWARDS,
        ]
    else:
        command = None
        arguments += ['device="cpu"', f"changes={changes!r}"]
        lines = [line for line in lines if line != "import ganforge"]
        lines += [*_NOISELESS[:4], *(f"    {argument}," for argument in arguments), *_NOISELESS[4:]]
    return {"python": "\n".join(lines).lstrip() + "\n", "command": command, "settings": settings.to_json()}


_AFTERWARDS = (
    "print(run.path)  # the run folder: gan studio shows it, gan sample draws from it",
    "samples = ganforge.load(run.path).sample(1000, seed=0)",
)
_NOISELESS = (
    "import torch",
    "from ganforge.tasks.experiment import prepare",
    "from ganforge.training.engine import Engine",
    "from ganforge.training.rounds import Rounds\n\nmade = prepare(",
    ")",
    "rounds = Rounds(made.recipe, made.dataset, Engine(threads=1))",
    "generator = rounds.game.players['generator']",
    "generator.register_forward_pre_hook(lambda _, given: (torch.zeros_like(given[0]), *given[1:]))",
    "for _ in range(2_000):",
    "    rounds.play()",
    "print(generator(torch.zeros(1, made.recipe.latent)))  # whatever the noise is",
)


def _typed(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"))
    return "none" if value is None else str(value)


def upload_of(settings: Any, uploads: dict[str, str]) -> str | None:
    """The path of the file that settings from a browser name; None where they name none, or it has gone."""
    if not isinstance(settings, dict):
        return None
    data = cast(dict[str, Any], settings).get("data")
    if not isinstance(data, dict) or cast(dict[str, Any], data).get("kind") != "uploaded":
        return None
    return uploads.get(str(cast(dict[str, Any], data).get("id")))


def unknown(do: str, known: list[str]) -> UsageError:
    return UsageError(f"there is no call {do[:40]!r}; there is {', '.join(known)}.{nearest(do[:40], known)}")
