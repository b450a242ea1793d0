"""A run's data, read again as its players know them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganforge.core.declared import GAMES
from ganforge.core.errors import RecipeError, RunError
from ganforge.core.recipe import Recipe, TableFormat
from ganforge.data import Dataset, load
from ganforge.data.builtin import FORMS, NAMES
from ganforge.data.fetched import is_address
from ganforge.data.loading import has_columns
from ganforge.runs.folder import Run

__all__ = ["data_arguments", "in_units", "load_again", "source_of"]


def source_of(run: Run) -> tuple[str | Path, float]:
    """Where the data of a run were, or the name of a built-in set, and the share that was held out.

    Raises RunError where ``run.json`` does not say so.
    """
    try:
        source, share = run.data["source"], run.data["held_out_share"]
        # A folder that is called as a built-in set is does not become one; an address is no path.
        as_written = run.data.get("form") in (None, *FORMS) or is_address(source)
        return (source if as_written else Path(source)), share
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.file} is damaged ({type(error).__name__}: {error})") from None


def data_arguments(recipe: Recipe) -> dict[str, Any]:
    """What ``data.load`` is asked for a recipe, beside the data: what examples say, and inputs."""
    arguments: dict[str, Any] = {"condition": recipe.condition, "source": recipe.source}
    arguments["text_encoder"], arguments["table"] = recipe.text_encoder, recipe.table
    game = GAMES.find(recipe.game)
    if game.from_inputs and not game.paired:
        arguments["paired"] = False
    return arguments


def load_again(
    source: str | Path,
    run: Run,
    held_out: float,
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Examples of ``source``, as the recipe of ``run`` wants them, read as its own were.

    That is in the size, the channels and the range of values of its space, and cut or filled up alike.
    Columns and classes are those of the run by their names, whatever their order is now. Whether the examples
    are of that space in the end is for the caller to see: not every reader can be asked for it.
    Args and errors: see ``data.load``.
    """
    space = run.space
    built_in = isinstance(source, str) and source in NAMES
    arguments = data_arguments(run.recipe)
    tabular = has_columns(None if built_in else Path(source))
    if not tabular:  # what the person said of a table's columns is not of these
        arguments["table"] = TableFormat(what=run.recipe.table.what)

    def read() -> Dataset:
        return load(
            source,
            **space.codec.reread(),
            films=space.codec.of_frames if space.source is None else None,
            fit=run.data.get("fit", "crop"),
            value_range=None if built_in else space.value_range,
            source_range=None if space.source is None else space.source.value_range,
            held_out=held_out,
            **arguments,
            cache=cache,
            progress=progress,
        )

    dataset = read()
    now = dataset.space
    if tabular and now.columns and space.columns and now.columns != space.columns:
        arguments["table"] = run.recipe.table.taking(space.columns)
        dataset = read()
    if now.classes and now.classes != space.classes and dataset.train.labels is not None:
        dataset = dataset.with_classes(space.classes)
    return dataset


def in_units(dataset: Dataset, recipe: Recipe) -> Dataset:
    """Points in the units that the recipe wants: standardised, or as they are."""
    if recipe.standardise:
        return dataset
    if dataset.space.is_fine:
        raise RecipeError(
            f"the recipe {recipe.name} leaves points in their own units, and these lie so far from 0 that"
            " float32 cannot tell them apart there; take --set standardise=true"
        )
    return replace(dataset, space=replace(dataset.space, offset=(), scale=()))
