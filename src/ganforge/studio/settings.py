"""The settings of a game, the arguments of ``ganforge.train``: checked, made canonical, shown as Python."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from ganforge.core.declared import GAMES
from ganforge.core.errors import DataError, RecipeError, UsageError, nearest
from ganforge.core.recipe import Recipe
from ganforge.data.builtin import NAMES
from ganforge.games import build_game
from ganforge.recipes import RECIPES
from ganforge.studio import arguments
from ganforge.studio.bounds import Bounds
from ganforge.studio.catalogue import TEXTBOOK
from ganforge.tasks.experiment import Experiment, prepare

__all__ = ["Settings", "as_python"]

_FEWEST = 16  # points drawn
_BASE = "points"  # what the textbook's changes start from
_PLACES = ("source", "text_encoder")  # keys of a recipe that may name a file, a folder or a place in the net
_LAST_SEED = 2**31 - 1
_LONGEST = 100  # letters of a key


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
        arguments.only(fields, ("data", "recipe", "changes", "seed", "noise"))
        recipe = fields.get("recipe")
        known = ("textbook", *RECIPES)
        if recipe is not None and recipe not in known:
            word = str(recipe)[:60]
            raise RecipeError(f"there is no recipe {word!r}.{nearest(word, known)} Known: {', '.join(known)}")
        return cls(
            _checked_data(arguments.mapping(fields, "data"), bounds),
            recipe,
            {},
            arguments.whole(fields, "seed", 0, 0, _LAST_SEED),
            arguments.truth(fields, "noise", True),
        ).changed(arguments.mapping(fields, "changes", {}))

    def changed(self, changes: dict[str, Any]) -> Settings:
        """With these keys of the recipe; its seed is the settings' own. Raises UsageError."""
        seed = arguments.whole(changes, "seed", self.seed, 0, _LAST_SEED)
        others = {key: value for key, value in changes.items() if key != "seed"}
        return replace(self, changes=others, seed=seed)

    def experiment(
        self, bounds: Bounds, folder: Path, upload: str | None = None
    ) -> tuple[Experiment, Settings]:
        """Data and recipe, checked against ``bounds``; and these settings without what changes nothing.

        Args:
            folder: where drawn points lie while they are read.
            upload: the file that an uploaded name stands for.

        Raises:
            UsageError: they cannot be played.
        """
        _check_names(self.changes)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            source, cache = self._source(Path(place), upload)
            made = self._prepared(source, cache, self.changes)
            _check(made, bounds)
            plain = self._prepared(source, cache, {}) if self.changes else made
        return made, replace(self, changes=difference(plain.recipe, made.recipe))

    def _prepared(self, source: str | Path, cache: Path | None, changes: dict[str, Any]) -> Experiment:
        return prepare(
            source,
            recipe=_BASE if self.recipe == "textbook" else self.recipe,
            seed=self.seed,
            device="cpu",
            size=_small(self.data),
            cache=cache,
            changes={**(TEXTBOOK if self.recipe == "textbook" else {}), **changes},
        )

    def _source(self, place: Path, upload: str | None) -> tuple[str | Path, Path | None]:
        """The data, and where they are kept once they are read: what is a browser's own goes with it."""
        match self.data["kind"]:
            case "builtin":
                return str(self.data["name"]), None
            case "drawn":
                path = place / "drawn.npy"
                np.save(path, np.array(self.data["points"], np.float32), allow_pickle=False)
                return path, place / "cache"
            case _:
                if upload is None or not Path(upload).is_file():
                    raise DataError("that file is no longer here; upload it again")
                return Path(upload), Path(upload).parent / "cache"

    def to_json(self) -> dict[str, Any]:
        """For an address: keys in one order."""
        changes = dict(sorted(self.changes.items()))
        fields = {"data": self.data, "recipe": self.recipe, "changes": changes, "seed": self.seed}
        return fields if self.noise else {**fields, "noise": False}


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
    kind = arguments.word(data, "kind", ("builtin", "drawn", "uploaded"))
    if kind == "builtin":
        arguments.only(data, ("kind", "name"))
        return {"kind": kind, "name": arguments.word(data, "name", NAMES)}
    if kind == "uploaded":
        arguments.only(data, ("kind", "id", "name"))
        return {"kind": kind, "id": str(data.get("id", ""))[:64], "name": str(data.get("name", ""))[:200]}
    arguments.only(data, ("kind", "points"))
    points = arguments.listed(data, "points", bounds.points, _FEWEST)
    rows = [cast(list[Any], row) for row in points if isinstance(row, list) and len(cast(Any, row)) <= 2]
    plain = all(isinstance(x, (int, float)) and -1e6 <= x <= 1e6 for row in rows for x in row)
    try:
        values = np.array(rows if plain and len(rows) == len(points) else [], np.float64)
    except ValueError:  # some are [x], some [x, y]
        values = np.array([])
    if values.ndim != 2 or values.shape[-1] not in (1, 2):
        raise DataError("points must be a list of [x, y], or of [x], of numbers within ±1,000,000")
    # Three digits are what a screen shows; they keep an address short.
    return {"kind": kind, "points": [[float(f"{x:.4g}") for x in row] for row in values]}


def _small(data: dict[str, Any]) -> int | None:
    """Side of uploaded pictures in pixels: a game of larger ones is for `gan train`."""
    return 16 if data["kind"] == "uploaded" and data["name"].lower().endswith(".zip") else None


def _check_names(changes: dict[str, Any]) -> None:
    """Raises RecipeError for a key that could name a place on this machine, before anything is read."""
    for key in _PLACES:
        if changes.get(key, "") != "":
            raise RecipeError(
                f"{key} cannot be set here: the studio plays with the data alone; use gan train"
            )
    if "name" in changes:
        raise RecipeError("name is no setting of a game: leave it out, or name a recipe by 'recipe'")
    for key in changes:
        if len(key) > _LONGEST:
            raise RecipeError(f"unknown recipe key {key[:_LONGEST]!r}…")


def _check(made: Experiment, bounds: Bounds) -> None:
    """Raises RecipeError for a game that is too large to be played here, before its players are built."""
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
        ("discriminator_moves", recipe.discriminator_moves, bounds.moves),
        ("packing", recipe.packing, bounds.moves),
        ("kimg", recipe.kimg, bounds.kimg),
        ("number of penalties", len(recipe.penalties), bounds.moves),
        ("number of terms", len(recipe.terms), bounds.moves),
        *(
            (f"{role}.{name}", value, bounds.width)
            for role, player in (("generator", recipe.generator), ("discriminator", recipe.discriminator))
            for name, value in player.options.items()
            if isinstance(value, (int, float))
        ),
    ):
        if value > most:
            raise RecipeError(f"{name} is {value:,}; the studio plays up to {most:,}, gan train any size")
    size = made.dataset.train.n * made.dataset.space.size
    if size > bounds.examples:
        raise DataError(
            f"the examples are {size:,} numbers; the studio plays up to {bounds.examples:,}: use gan train"
        )
    with _at_most(bounds.parameters):
        build_game(recipe, made.dataset.space)


@contextmanager
def _at_most(parameters: int) -> Generator[None]:
    """Networks that are built within have so many parameters together at most. Raises RecipeError."""
    seen = 0

    def count(_: nn.Module, __: str, parameter: nn.Parameter | None) -> None:
        nonlocal seen
        seen += 0 if parameter is None else parameter.numel()
        if seen > parameters:  # at once, before further ones take memory
            raise RecipeError(
                f"the players have more than {parameters:,} parameters, which is the most that the studio"
                " plays: make them narrower, or use gan train"
            )

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def as_python(settings: Settings, recipe: Recipe, rounds: int = 0) -> dict[str, Any]:
    """The same experiment as a script, and as a command where there is one.

    Args:
        recipe: the whole one that the settings make.
        rounds: how long it is: as many as were played; 0 is the recipe's own budget.
    """
    changes = {**(TEXTBOOK if settings.recipe == "textbook" else {}), **settings.changes}
    examples = recipe.batch * recipe.discriminator_moves  # of a round
    said: list[str] = []
    if rounds:
        said = [f"# As long as on the screen: {rounds:,} rounds of {examples:,} examples."]
    if rounds and settings.noise:
        changes["kimg"] = rounds * examples / 1000
        if changes["kimg"] != recipe.kimg and _follows_budget(recipe):
            said.append(
                f"# The budget there was {recipe.kimg:g} kimg: rates, weights and noise that change over the"
                " budget change over this one here."
            )
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
            *said,
            "run = ganforge.train(",
            *(f"    {argument}," for argument in arguments),
            ")",
            *_AFTERWARDS,
        ]
    else:
        command = None
        arguments += ['device="cpu"', f"changes={changes!r}"]
        lines = [line for line in lines if line != "import ganforge"]
        loop = (*said, f"for _ in range({rounds or max(int(recipe.kimg * 1000) // examples, 1):_}):")
        lines += [*_NOISELESS[:4], *(f"    {argument}," for argument in arguments), *_NOISELESS[4:8]]
        lines += [*loop, *_NOISELESS[8:]]
    return {"python": "\n".join(lines).lstrip() + "\n", "command": command, "settings": settings.to_json()}


def _follows_budget(recipe: Recipe) -> bool:
    """Whether anything changes over the budget."""
    players = (recipe.generator, recipe.discriminator)
    finals = [one for player in players for one in (player.learning_rate_final, player.beta2_final)]
    finals += [penalty.weight_final for penalty in recipe.penalties]
    return recipe.augmentation.noise > 0 or any(one is not None for one in finals)


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
    "    rounds.play(min(rounds.nimg / (1000 * made.recipe.kimg), 1.0))",
    "print(generator(torch.zeros(1, made.recipe.latent)))  # whatever the noise is",
)


def _typed(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"))
    return "none" if value is None else str(value)


def unknown(do: str, known: list[str]) -> UsageError:
    return UsageError(f"there is no call {do[:40]!r}; there is {', '.join(known)}.{nearest(do[:40], known)}")
