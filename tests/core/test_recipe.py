"""Recipes are plain data: they survive JSON, and wrong keys are named."""

import json

import pytest

from ganforge.core.errors import RecipeError
from ganforge.core.recipe import Penalty, Player, Recipe

RECIPE = Recipe(
    name="x",
    generator=Player(family="mlp"),
    discriminator=Player(family="mlp", clip=0.01),
    penalties=(Penalty(name="r1"), Penalty(name="centring", weight=0.01)),
)


def test_json_round_trip():
    assert Recipe.from_json(json.loads(json.dumps(RECIPE.to_json()))) == RECIPE


def test_text_from_a_command_line_takes_the_fields_type():
    changed = RECIPE.with_changes(
        {
            "batch": "32",
            "generator.width": "96",
            "generator.activation": "tanh",
            "discriminator.spectral_norm": "true",
            "discriminator.clip": "none",
            "discriminator.normalisation": "none",
            "penalties.centring.weight": "1",
            "augmentation.target": ".6",
            "conditional": "false",
        }
    )
    assert changed.batch == 32
    assert changed.generator.width == 96
    assert changed.generator.options == {"activation": "tanh"}
    assert changed.discriminator.options == {"spectral_norm": True, "normalisation": "none"}
    assert changed.discriminator.clip is None
    assert [penalty.weight for penalty in changed.penalties] == [1.0, 1.0]
    assert changed.augmentation.target == 0.6
    assert changed.conditional is False
    assert RECIPE.batch == 64


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("bacth", 1, "batch"),
        ("generater.width", 3, "generator"),
        ("batch", "x", "int"),
        ("batch", True, "int"),
        ("batch", 1.5, "int"),
        ("batch", 0, "from 1 to"),
        ("packing", 3, "multiple"),
        ("prior", "norml", "normal"),
        ("penalties.r3.weight", 1, "r1"),
        ("penalties", "r1", "list"),
        ("kimg", -1, "from 0 to"),
        ("generator", "mlp", "mapping"),
    ],
)
def test_what_is_wrong_is_named_with_the_fix(key: str, value: object, named: str):
    with pytest.raises(RecipeError, match=named) as caught:
        RECIPE.with_changes({key: value})
    assert "\n" not in str(caught.value)
