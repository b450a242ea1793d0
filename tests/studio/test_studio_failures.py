"""The failures that the studio shows are those that they are called, and each remedy mends its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganforge.core.errors import UsageError
from ganforge.studio.bounds import Bounds
from ganforge.studio.catalogue import catalogue
from ganforge.studio.changing import needs_anew
from ganforge.studio.checkup import Checkup
from ganforge.studio.game import Game
from ganforge.studio.settings import Settings
from ganforge.studio.timeline import Timeline

FAILURES: list[dict[str, Any]] = catalogue()["failures"]


def played(settings: dict[str, Any], folder: Path) -> list[list[dict[str, Any]]]:
    """The findings of each examination of a game that is played to its budget's end."""
    made, _ = Settings.of(settings, Bounds()).experiment(Bounds(), folder)
    game = Game(made.recipe, made.dataset)
    timeline, checkup = Timeline(4, 1 << 26), Checkup(game, share=1e9)
    seen: list[list[dict[str, Any]]] = []
    while game.rounds.nimg < game.total:
        game.round()
        if checkup.due(game):
            seen.append(checkup.examine(game, timeline)["findings"])
    return seen


def failing(findings: list[dict[str, Any]]) -> set[str]:
    return {found["code"] for found in findings if found["severity"] == "failure"}


@pytest.mark.slow
@pytest.mark.parametrize("failure", FAILURES, ids=[failure["name"] for failure in FAILURES])
def test_a_failure_is_found_and_its_remedy_helps(failure: dict[str, Any], tmp_path: Path):
    seen = played(failure["settings"], tmp_path)
    found = [failing(findings) for findings in seen]
    assert failure["name"] in set.union(*found)
    assert sum(bool(codes & set(failure["expect"])) for codes in found) >= 3
    mended = {**failure["settings"]["changes"], **failure["remedy"]["changes"]}
    after = played({**failure["settings"], "changes": mended}, tmp_path)
    assert failing(after[-1]) == set()


def test_every_setting_of_the_catalogue_is_one_that_a_game_takes(tmp_path: Path):
    """Each can be set to each of its values, on the textbook, and says rightly whether that needs a reset."""
    told = catalogue()
    base = {"data": {"kind": "builtin", "name": "ring"}, "recipe": "textbook", "changes": {}, "seed": 0}
    plain = Settings.of(base, Bounds()).experiment(Bounds(), tmp_path)[0].recipe
    for setting in told["settings"]:
        values: list[Any] = [choice["value"] for choice in setting.get("choices", [])]
        values += [setting[end] for end in ("low", "high") if end in setting]
        values += [True] if setting["type"] == "truth" else []
        values += [[{"name": one["name"], **one["defaults"]}] for one in told["penalties"]] * (
            setting["type"] == "list"
        )
        assert values
        for value in values:
            changes = {setting["key"]: value}
            if setting["key"] == "latent_bits":
                changes["latent"] = 256
            recipe = (
                Settings.of({**base, "changes": changes}, Bounds()).experiment(Bounds(), tmp_path)[0].recipe
            )
            assert needs_anew(plain, recipe) in (setting["reset"], False), (setting["key"], value)


def test_data_and_recipes_of_the_catalogue_are_there(tmp_path: Path):
    told = catalogue()
    for data in told["data"]:
        made, _ = Settings.of(
            {"data": {"kind": "builtin", "name": data["name"]}, "recipe": None, "changes": {}}, Bounds()
        ).experiment(Bounds(), tmp_path)
        assert (made.dataset.space.kind, made.dataset.space.size) == (data["kind"], data["dims"])
    for recipe in told["recipes"]:
        name = "digits" if "points" not in recipe["kinds"] else "ring"
        fields = {"data": {"kind": "builtin", "name": name}, "recipe": recipe["name"], "changes": {}}
        if recipe["name"] in ("few-shot", "residual", "dcgan"):
            continue  # these are for larger pictures than digits
        Settings.of(fields, Bounds()).experiment(Bounds(), tmp_path)


@pytest.mark.parametrize("given", [{}, {"seed": 3}])
def test_a_seed_among_the_changes_is_the_seed(tmp_path: Path, given: dict[str, int]):
    """It was passed over without a word."""
    fields = {"data": {"kind": "builtin", "name": "ring"}, "recipe": "textbook", **given}
    made, settings = Settings.of({**fields, "changes": {"seed": 5}}, Bounds()).experiment(Bounds(), tmp_path)
    assert (made.recipe.seed, settings.seed, settings.changes) == (5, 5, {})
    with pytest.raises(UsageError, match="seed"):
        Settings.of({**fields, "changes": {"seed": -1}}, Bounds())
    with pytest.raises(UsageError, match="name is no setting of a game"):
        Settings.of({**fields, "changes": {"name": "mine"}}, Bounds()).experiment(Bounds(), tmp_path)
