"""Every recipe that ships builds and plays; a copied one is the same."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

import ganforge.recipes
from ganforge import recipes
from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.data import Dataset
from ganforge.health.remedies import relative_rate
from ganforge.recipes import RECIPES
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds
from tests import players

# Recipe to a small data set of the kind that it is for.
DATA = {
    "gaussian": lambda: players.points(40, 1),
    "gaussian-original": lambda: players.points(40, 1),
    "points": lambda: players.points(40, 3),
    "rows": players.table,
    "series": lambda: players.series(Path(tempfile.mkdtemp())),
    "tokens": lambda: players.passages(40),
    "ring": lambda: players.points(40),
    "grid": lambda: players.points(40),
    "digits": lambda: players.pictures(40, classes=10),
    "dcgan": lambda: players.pictures(20, (3, 16, 24)),
    "residual": lambda: players.pictures(20, (3, 16, 8), classes=2),
    "growing": lambda: players.pictures(20, (3, 16, 24), classes=2),
    "clips": lambda: players.clips(20),
    "shapes": lambda: players.shapes(20),
    "few-shot": lambda: players.pictures(20, (3, 16, 16)),
    "captions": players.captioned,
    "bigan": lambda: players.pictures(20, (3, 16, 16)),
    "pix2pix": players.translated,
    "super-resolution": lambda: players.translated(source=(3, 4, 4)),
    "inpainting": lambda: players.translated(source=(4, 16, 16)),
    "colourisation": lambda: players.translated(source=(1, 16, 16)),
    "scribbles": lambda: players.translated(source=(1, 16, 16)),
    "next-frame": lambda: players.translated(source=(9, 16, 16)),
    "cyclegan": players.translated,
    "stargan": lambda: players.pictures(20, (3, 16, 16), classes=3),
    "painter": players.translated,
    "sound-to-sound": players.heard,
    "vocoder": players.heard,
}


def small(name: str) -> tuple[Recipe, Dataset]:
    """The recipe with narrow networks and a small batch."""
    data = DATA[name]()
    recipe = recipes.find(name).maker(data.space, data.train.n)
    assert recipe.name == name
    thin = {role: replace(getattr(recipe, role), width=8) for role in ("generator", "discriminator")}
    return replace(recipe, **thin, batch=8), data


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "gaussian"])
def test_no_recipes_own_rate_is_called_far_above_the_usual(name: str):
    """Pictures were told to learn at an eighth of their recipe's rate. The bell's discriminator is thirty
    times as fast as its kind on purpose."""
    recipe, _ = small(name)
    assert all(relative_rate(recipe, role) <= 5.0 for role in ("generator", "discriminator"))


@pytest.mark.parametrize("columns", [64, 65, 120])
def test_points_of_many_coordinates_are_played(columns: int):
    """A table of 120 columns of numbers was refused: of fourier, which nobody had asked for."""
    data = players.points(40, columns)
    recipe = replace(recipes.find("points").maker(data.space, data.train.n), batch=8)
    Rounds(recipe, data, Engine()).play(0.5)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_builds_and_plays_two_rounds(name: str):
    recipe, data = small(name)
    rounds = Rounds(recipe, data, Engine())
    before = {k: v.clone() for k, v in rounds.game.players.state_dict().items()}
    for _ in range(2):
        rounds.play(0.5)
    assert rounds.nimg == 16 * recipe.discriminator_moves
    noted = rounds.statistics.close()
    assert all(math.isfinite(values["mean"]) for values in noted.values())
    assert {"generator_loss", "discriminator_loss"} <= set(noted)
    after = rounds.game.players.state_dict()
    assert {k.split(".")[0] for k in before if not after[k].equal(before[k])} == {
        "generator",
        "discriminator",
    }


def test_the_number_tested_is_the_number_shipped():
    folder = Path(ganforge.recipes.__file__).parent
    others = {"__init__"}
    assert set(DATA) == set(RECIPES)
    assert {path.stem for path in folder.glob("*.py")} - others == set(RECIPES.values())


@pytest.mark.parametrize("name", RECIPES)
def test_a_copied_recipe_is_the_same_recipe(name: str, tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(recipes.source(name))
    space, n = DATA[name]().space, 5_000
    assert recipes.find(str(file)).maker(space, n) == recipes.find(name).maker(space, n)
    assert Recipe.from_json(recipes.find(name).maker(space, n).to_json()) == recipes.find(name).maker(
        space, n
    )


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_tells_what_it_is_and_how_it_is_run(name: str):
    text = recipes.source(name)
    assert 20 < len(recipes.summary(name)) <= 110
    assert "Command:   gan train" in text


def test_recipes_are_inferred_with_a_reason():
    picture, line = Space(kind="pictures", shape=(3, 64, 64)), Space(kind="points", shape=(2,))
    assert recipes.infer(line, 100).name == "points"
    few = recipes.infer(picture, 300)
    assert (few.name, few.reason) == ("growing", "the default for pictures")
    assert recipes.infer(picture, 3_000).name == "growing"
    shapes = Space(kind="shapes", shape=(1, 16, 16, 16))
    assert recipes.infer(shapes, 3_000).name == "shapes"
    small = recipes.infer(Space(kind="shapes", shape=(1, 6, 6, 6)), 300)
    assert small.maker(Space(kind="shapes", shape=(1, 6, 6, 6)), 300).generator.family == "residual"
    assert recipes.infer(line, 100, builtin="ring").name == "ring"
    assert recipes.infer(line, 100, builtin="moons").name == "points"
    with pytest.raises(RecipeError, match="Did you mean 'points'"):
        recipes.find("pionts")
