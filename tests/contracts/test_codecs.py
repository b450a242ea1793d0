"""Contracts of kinds of data: every one that is declared, in spaces of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError
from ganforge.core.sequential import Sequential
from ganforge.core.space import Space
from ganforge.metrics.choice import EXTRACTORS
from ganforge.objectives.augment import POLICIES
from ganforge.recipes import RECIPES
from tests import players

# Spaces of each kind: usual, and at an end of what is allowed.
SPACES = {
    "clips": [(1, 8, 5, 9), (3, 9, 8, 6), (4, 8, 7, 8), (5, 8, 8, 8)],
    "passages": [(30, 64)],
    "pictures": [(1, 5, 9), (2, 8, 8), (3, 8, 6), (4, 7, 8), (6, 8, 8)],
    "points": [(1,), (2,), (7,)],
    "rows": [(6,)],
    "series": [(9, 12)],
    "shapes": [(1, 4, 5, 6), (3, 8, 8, 8)],
    "sounds": [(1, 16, 20)],
    "texts": [(18, 8)],
    "waves": [(1, 100), (2, 64)],
}
FITTED = {"passages": players.passages, "texts": players.texts}  # kinds that have no random examples
CASES = [
    pytest.param(kind, shape, id=f"{kind} {'×'.join(map(str, shape))}")
    for kind, shapes in SPACES.items()
    for shape in shapes
]


def examples(kind: str, shape: tuple[int, ...], n: int = 40) -> tuple[Space, np.ndarray]:
    """A fitted space, and examples in declared units."""
    if kind in FITTED:
        made = FITTED[kind](n)
        return made.space, made.train.values[:n]
    if CODECS[kind].one_file:
        with TemporaryDirectory() as folder:
            table = players.series(Path(folder), n) if CODECS[kind].dims else players.table(n + 10)
        return table.space, table.train.values
    rate = {"sample_rate": 8_000} if CODECS[kind].dims == 1 else {}
    space = Space(kind=kind, shape=shape, **rate)
    rng, codec = np.random.default_rng(0), space.codec
    if codec.dtype == "uint8":
        values = rng.integers(0, 256, (n, *codec.shape), dtype=np.uint8)
    else:
        low, high = codec.limits or (-50.0, 70.0)
        values = rng.uniform(low, high, (n, *codec.shape)).astype(codec.dtype)
    return codec.fit(values, {}, standardise=True), values


def test_every_kind_has_spaces_here():
    assert set(SPACES) == set(CODECS)


@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_examples_come_back_and_are_the_same_each_time(kind: str, shape: tuple[int, ...]):
    space, values = examples(kind, shape)
    x = space.to_model(torch.from_numpy(values))
    assert x.dtype == torch.float32
    assert x.shape == (len(values), *space.shape)
    again = space.to_declared(x)
    assert str(again.dtype) == f"torch.{space.codec.dtype}"
    assert np.allclose(again.numpy(), values, rtol=1e-5, atol=1e-4)
    assert torch.equal(space.to_declared(x), again)
    assert torch.equal(space.to_declared(x[5:9]), again[5:9])  # each on its own
    if space.bounded:
        assert float(x.abs().max()) <= 1.0
        low, high = space.codec.limits or (0.0, 0.0)
        beyond = space.to_declared(torch.full((1, *space.shape), 3.0))
        assert float(beyond.max()) == high
        assert float(space.to_declared(torch.full((1, *space.shape), -3.0)).min()) == low
    # An exported graph computes open units; what it is fed is brought back by unit and empty.
    opened = space.codec.open(x)
    assert torch.allclose(space.codec.close(opened).double(), again.double())
    if space.bounded:
        assert torch.allclose(opened / space.codec.unit(opened) + space.codec.empty, x, atol=1e-6)


@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_what_is_fitted_travels_as_json(kind: str, shape: tuple[int, ...]):
    space, values = examples(kind, shape)
    again = Space.from_json(json.loads(json.dumps(space.to_json())))
    assert again == space
    assert torch.equal(again.to_model(torch.from_numpy(values)), space.to_model(torch.from_numpy(values)))


@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_it_can_be_written_and_looked_at(kind: str, shape: tuple[int, ...]):
    space, values = examples(kind, shape)
    codec = space.codec
    assert codec.file(values[0]) == codec.file(values[0].copy())
    assert codec.file(values[0]) != codec.file(values[1])
    assert codec.suffix.startswith(".")
    assert isinstance(codec.show(values, None if codec.pictured else values), Image.Image)
    assert isinstance(codec.picture(values[0]), Image.Image)
    if not codec.pictured:
        assert isinstance(
            codec.displacements(torch.from_numpy(values), torch.from_numpy(values + 1)), Image.Image
        )
    assert str(shape[-1]) in space.describe()
    assert codec.units().startswith(codec.dtype)
    assert codec.step > 0


@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_a_generators_last_numbers_are_kept_between_the_limits(kind: str, shape: tuple[int, ...]):
    space, _ = examples(kind, shape)
    x, z = torch.randn(6, *space.shape) * 3, torch.randn(6, 4)
    made = space.codec.finish(x, z, torch.tanh)
    assert made.shape == x.shape
    if isinstance(space.codec, Sequential):  # states are 0 or 1, and nothing stands after the end
        changing = made[:, space.codec.lasting :]
        ends = made[:, :, -1:] * 0 + space.codec.alive(made[:, : space.codec.lasting, 0])
        assert bool((changing[ends[:, space.codec.lasting :] == 0] == 0).all())
        states = [i for group in space.codec.choices for i in group]
        assert set(changing[:, states].unique().tolist()) == {0.0, 1.0}
        return
    assert torch.equal(made, x.tanh() if space.bounded else x)


@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_attributes_are_read_off_every_example(kind: str, shape: tuple[int, ...]):
    space, values = examples(kind, shape)
    names, found = space.codec.attributes(), space.codec.measure(torch.from_numpy(values).float())
    assert len(names) == len(found) == len(set(names))
    assert all(one.shape == (len(values),) and bool(one.isfinite().all()) for one in found)


def test_what_a_kind_names_is_there():
    for name, codec in CODECS.items():
        assert codec.recipe in RECIPES
        assert set(codec.augmentations) <= set(POLICIES), name
        assert codec.extractor in EXTRACTORS, name
        assert codec.headline in ("kernel_distance", "sliced_wasserstein"), name


def test_a_wrong_kind_or_shape_is_refused_in_words():
    with pytest.raises(DataError, match="unknown kind of example 'songs'; known: clips, passages, pictures"):
        Space(kind="songs", shape=(3,))
    with pytest.raises(DataError, match="pictures need a shape of 3 positive numbers"):
        Space(kind="pictures", shape=(3,))
    with pytest.raises(ValueError, match="waves have nothing that is fitted"):
        Space.from_json({"kind": "waves", "shape": [1, 8], "sample_rate": 8, "fitted": {"mel": 64}})
    with pytest.raises(AssertionError):
        replace(Space(kind="waves", shape=(1, 8)), scale=(1.0,))
