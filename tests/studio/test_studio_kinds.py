"""Explore, of every kind of data and every game that begins with noise: a seed is what `gan sample` makes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ganforge
from ganforge.codecs import plots
from ganforge.core.declared import CODECS
from ganforge.data import Dataset
from ganforge.runs.sampler import GeneratorSampler, LatentSampler
from ganforge.studio.beside import table
from ganforge.studio.explorer import Explorer
from ganforge.studio.model import Model
from tests import players
from tests.studio.conftest import unpacked
from tests.translations import trained

DATA: dict[str, Callable[[Path], Dataset]] = {
    "points": lambda _: players.points(),
    "pictures": lambda _: players.pictures(20, classes=3),
    "clips": lambda _: players.clips(),
    "shapes": lambda _: players.shapes(),
    "rows": lambda _: players.table(),
    "series": players.series,
    "passages": lambda _: players.passages(),
    "texts": lambda _: players.texts(),
    "sounds": lambda folder: ganforge.data.load(players.tones(folder / "tones"), cache=folder / "cache"),
}
OWN = {"points": "points", "rows": "rows", "series": "series", "passages": "tokens", "texts": "tokens"}


def test_every_kind_is_here():
    assert set(DATA) == set(CODECS) - {"waves"}  # which are sounds of before


def opened(folder: Path, recipe: str, data: Dataset) -> tuple[Model, LatentSampler]:
    trained(recipe, folder / "run", data)
    sampler = ganforge.load(folder / "run")
    assert isinstance(sampler, LatentSampler)
    return Model(folder / "run", folder / "keep", "chosen"), sampler


SLOW = ("shapes", "series", "passages", "texts")  # a training of some rounds takes as many seconds


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] if kind in SLOW else []) for kind in (*DATA, "bigan")],
)
def test_a_seed_is_what_gan_sample_makes(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = players.pictures(20) if kind == "bigan" else DATA[kind](tmp_path)
    recipe = "bigan" if kind == "bigan" else OWN.get(kind, "residual")
    model, sampler = opened(tmp_path, recipe, data)
    _, made = model.make([{"seed": 4}, {"seed": 9, "start": 3}], None)
    wanted = torch.cat([sampler.sample(1, seed=4), sampler.sample(1, seed=9, start=3)])
    # Bytes are equal; numbers but for the last bit, which a row's place in its pass decides.
    assert torch.allclose(made.double(), wanted.double(), rtol=1e-5, atol=1e-6)
    assert made.dtype == wanted.dtype
    assert made.is_floating_point() or torch.equal(made, wanted)
    codec = sampler.space.codec
    if codec.view == "table":
        assert isinstance(sampler, GeneratorSampler)
        cells = codec.cells(sampler.rows_maker().rows(5, seed=2))
        assert table(model, {"n": 5, "seed": 2})["rows"] == [list(row) for row in zip(*cells, strict=True)]
        return
    said: list[bytes] = []
    monkeypatch.setattr("ganforge.studio.explorer.post", lambda _out, _header, body: said.append(body))
    explorer = Explorer(0, tmp_path / "keep")
    call = {"id": 1, "do": "make", "latents": [{"seed": 4}], "heard": True}
    explorer.take({"session": "s", "path": str(tmp_path / "run"), "call": call})
    _, arrays = unpacked(said[-1])
    if codec.view in ("pictures", "drawn"):
        shown = np.asarray(Image.open(io.BytesIO(arrays["pictures"][0])))
        assert (
            shown == np.asarray(Image.open(io.BytesIO(plots.png(codec.picture(wanted[0].numpy())))))
        ).all()
        assert len(arrays["pictures"]) == 1 + (codec.audible or codec.moving)
        assert ("voxels" in arrays) == codec.solid
    else:
        assert np.allclose(arrays["samples"], wanted[:1].float().numpy(), rtol=1e-5, atol=1e-6)
    call = {"id": 2, "do": "file", "latents": [{"seed": 4}]}
    explorer.take({"session": "s", "path": str(tmp_path / "run"), "call": call})
    assert unpacked(said[-1])[1]["pictures"] == [codec.file(wanted[0].numpy())]
