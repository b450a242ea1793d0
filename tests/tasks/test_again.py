"""A run's data are found again where they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.data import load
from ganforge.data.builtin import NAMES
from ganforge.runs.folder import Run
from ganforge.tasks.again import source_of
from tests import players


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_set_is_found_by_its_name(name: str, tmp_path: Path):
    data = load(name)
    run = Run.create(tmp_path / "run", recipe=players.recipe(), space=data.space, data=data.manifest)
    assert source_of(run) == (name, data.manifest["held_out_share"])
    assert isinstance(source_of(run)[0], str)


def test_a_folder_of_the_same_name_is_a_folder(tmp_path: Path):
    manifest = {"source": "digits", "form": "folder of pictures", "held_out_share": 0.1}
    run = Run.create(tmp_path / "run", recipe=players.recipe(), space=players.points().space, data=manifest)
    assert source_of(run) == (Path("digits"), 0.1)
