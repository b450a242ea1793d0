"""What is no longer as it was when a run was last trained: its recipe, and the machine under it."""

from __future__ import annotations

from typing import Any

import torch

from ganforge.core.errors import UsageError
from ganforge.core.fields import leaves
from ganforge.core.recipe import Recipe
from ganforge.runs.folder import Run
from ganforge.training.engine import Engine

__all__ = ["changed_since", "difference_of"]


def changed_since(run: Run, engine: Engine) -> dict[str, tuple[Any, Any]]:
    """What the bits depend on, before and now, where it is another one: device, threads, torch itself."""
    former = {
        "device": run.info.get("engine", {}).get("device"),
        "threads": run.info.get("threads"),
        "torch": run.info.get("torch"),
    }
    now = {
        "device": str(engine.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    return {name: (old, now[name]) for name, old in former.items() if old not in (None, now[name])}


def difference_of(former: dict[str, Any], now: Recipe) -> str:
    """What differs between a recipe as plain data and another one, in words; empty where nothing does."""
    if not former:
        return ""
    try:
        before, after = leaves(Recipe.from_json(former).to_json()), leaves(now.to_json())
    except UsageError as error:
        return str(error)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name)} → {after.get(name)}" for name in names)
