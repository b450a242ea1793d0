"""Runs that were never trained: folders with a log, events and pictures that a test makes up."""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganforge.core.space import Space
from ganforge.health.finding import Finding
from ganforge.runs.folder import Run
from tests import players

PICTURES = Space(kind="pictures", shape=(1, 8, 8), classes=("cat", "dog"))
MakeRun = Callable[..., Run]


def note(mean: float) -> dict[str, float]:
    return {"mean": mean, "deviation": 0.5, "positive": 0.6}


def tick(nimg: int, *, examined: bool = False) -> dict[str, Any]:
    """A line of the log as training writes it."""
    names = ("discriminator_loss", "generator_loss", "real_logits", "fake_logits", "margin")
    names += ("discriminator_gradient", "generator_gradient")
    line: dict[str, Any] = {"nimg": nimg, "rounds": nimg // 16, "seconds": nimg / 100, "progress": 0.5}
    line |= {"refused": 0} | {name: note(math.sin(nimg) + i) for i, name in enumerate(names)}
    if examined:
        line["examination"] = {
            "n": 180,
            "extractor": "sketch-8",
            "headline": "kernel_distance",
            "split": "held-out",
            "scores": {
                "precision": {"value": 0.7, "low": 0.65, "high": 0.75, "floor": 0.9},
                "kernel_distance": {"value": 0.0814, "low": 0.075, "high": 0.087, "floor": 0.004},
                "memorisation": {"value": 0.52, "low": 0.46, "high": 0.58, "floor": 0.5},
            },
            "judged": {},
            "probes": {},
            "fingerprint": [],
        }
    return line


def finding(code: str = "low-support", severity: Any = "warning", **changes: Any) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        nimg=2000,
        evidence={"support_size": 212.0},
        meaning=f"The meaning of {code}.",
        remedy="Do something else." if severity != "good" else "",
        changes=changes,
    )


def picture_file(path: Path, side: int = 32, *, seed: int = 0, grey: bool = True) -> None:
    chance = np.random.default_rng(seed)
    shape = (side, side) if grey else (side, side, 3)
    buffer = BytesIO()
    Image.fromarray(chance.integers(0, 256, shape, dtype=np.uint8)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A run of pictures: ``ticks`` lines in the log, examined every third, and ``samples`` pictures."""

    def make(name: str = "run", *, ticks: int = 9, samples: int = 3, **fields: Any) -> Run:
        data = {
            "source": "pets",
            "form": "folder",
            "train": 90,
            "held_out": 10,
            "skipped": 3,
            "notes": ["one"],
        }
        info = {"command": ["/usr/bin/gan", "train", "pets", "--kimg", "9"], "why": "few pictures"}
        run = Run.create(
            tmp_path / name,
            recipe=fields.get("recipe", players.picture_recipe()),
            space=fields.get("space", PICTURES),
            data={**data, **fields.get("data", {})},
            info={**info, **fields.get("info", {})},
        )
        for i in range(1, ticks + 1):
            run.add_log(tick(1000 * i, examined=i % 3 == 0))
        for i in range(samples):
            picture_file(run.path / "samples" / f"{1000 * i:012d}.png", seed=i)
        return run

    return make
