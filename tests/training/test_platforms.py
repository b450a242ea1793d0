"""Systems that lack what Linux has, and devices that lack float64: it trains, saves and resumes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganforge.training import foreach, statistics
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds
from tests import players
from tests.processes import environment

# Taken away before anything of ganforge is imported: what other systems do not have.
WITHOUT = """
import os, signal, sys
for name in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[name] = None
for name in ("getuid", "geteuid", "getgid", "getegid"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGXCPU"):
    delattr(signal, name)
"""

PROGRAM = (
    WITHOUT
    + """
import warnings
from pathlib import Path
from ganforge.cli import main
from ganforge.runs.folder import Run, is_held
from ganforge.core.errors import RunError
tiny = ["--set", "generator.width=8", "discriminator.width=8", "batch=32"]
assert main(["train", "moons", "--kimg", "0.2", "--out", "run", *tiny]) == 0
# Who trains alone loads no symbolic shapes: they take two seconds of the processor to import.
assert not {"sympy", "torch.fx.experimental.symbolic_shapes"} & set(sys.modules)
before = Run.open("run").checkpoint("newest").nimg
run = Run.open("run")
with run.locked():
    assert is_held(run.path)
    try:
        with Run.open("run").locked():
            raise AssertionError("two trainings in one folder")
    except RunError:
        pass
assert not is_held(run.path)
assert main(["train", "--resume", "run", "--kimg", "0.4"]) == 0
assert Run.open("run").checkpoint("newest").nimg > before
assert main(["sample", "run", "--seeds", "0-3"]) == 0
assert main(["check", "run"]) == 0
assert "fcntl" not in [name for name, module in sys.modules.items() if module is not None]
print("all is well")
"""
)


def test_without_what_other_systems_lack_it_trains_saves_and_resumes(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=environment(GANFORGE_CACHE="", HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache")),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "all is well"


class NoFloat64(TorchDispatchMode):
    """A device without float64: no operation may bring one forth from other numbers."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        def wide(values: Any) -> bool:
            return any(isinstance(x, torch.Tensor) and x.dtype == torch.float64 for x in tree_leaves(values))

        made = func(*args, **(kwargs or {}))
        assert wide(args) or not wide(made), f"{func} makes float64"
        return made


@contextmanager
def without_float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The mode, and how often numbers were widened on the processor, as they are for such a device."""
    widened: list[int] = []

    def on_the_processor(values: torch.Tensor) -> torch.Tensor:
        widened.append(values.numel())
        with torch.utils._python_dispatch._disable_current_modes():
            return wide(values)

    wide = foreach.wide
    monkeypatch.setattr(statistics, "wide", on_the_processor)
    with NoFloat64():
        yield widened


CASES = {
    "points": (players.recipe, players.points),
    "pictures with classes": (
        lambda: players.picture_recipe("residual", conditional=True),
        lambda: players.pictures(classes=3),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_float64_is_made_on_a_device_that_has_none(case: str, monkeypatch: pytest.MonkeyPatch):
    recipe, data = (make() for make in CASES[case])
    with without_float64(monkeypatch) as widened:
        rounds = Rounds(recipe, data, Engine())
        for _ in range(3):
            rounds.play(0.5)
        noted = rounds.statistics.close()
        state = rounds.statistics.state()
    assert widened
    assert noted
    assert all(isinstance(number, float) for sums in state.values() for number in sums)
    with pytest.raises(AssertionError, match="makes float64"), NoFloat64():
        torch.ones(2).double()


def test_where_there_is_no_float64_numbers_are_widened_on_the_processor(monkeypatch: pytest.MonkeyPatch):
    went: list[str] = []
    monkeypatch.setattr(foreach, "_NO_FLOAT64", ("cpu",))
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: went.append("cpu") or self)
    assert foreach.wide(torch.ones(3)).dtype == torch.float64
    assert went == ["cpu"]
