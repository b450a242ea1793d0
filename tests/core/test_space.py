"""Units change in one place, and back again."""

import json

import pytest
import torch

from ganforge.core.errors import DataError
from ganforge.core.space import Space


def test_every_level_of_grey_survives_the_way_to_model_units_and_back():
    space = Space(kind="pictures", shape=(1, 16, 16))
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    model = space.to_model(levels)
    assert float(model.min()) == -1
    assert float(model.max()) == 1
    assert torch.equal(space.to_declared(model), levels)


def test_model_units_out_of_range_are_clamped_not_wrapped():
    space = Space(kind="pictures", shape=(1, 1, 2))
    assert space.to_declared(torch.tensor([[[[-3.0, 3.0]]]])).flatten().tolist() == [0, 255]


def test_points_are_standardised_by_their_own_numbers():
    space = Space(kind="points", shape=(2,), offset=(4.0, -1.0), scale=(2.0, 0.5))
    x = torch.tensor([[6.0, 0.0]])
    assert space.to_model(x).tolist() == [[1.0, 2.0]]
    assert space.to_declared(space.to_model(x)).tolist() == x.tolist()
    assert not space.bounded


def test_sound_stays_within_its_range():
    space = Space(kind="waves", shape=(1, 2), sample_rate=8000)
    assert space.to_declared(torch.tensor([[[-2.0, 0.5]]])).flatten().tolist() == [-1.0, 0.5]


def test_json_round_trip():
    space = Space(kind="pictures", shape=(3, 48, 64), classes=("cat", "dog"))
    assert Space.from_json(json.loads(json.dumps(space.to_json()))) == space
    assert space.describe() == "64×48 RGB"


@pytest.mark.parametrize(
    ("kind", "shape"), [("pictures", (3, 4)), ("points", (2, 2)), ("pictures", (3, 0, 4)), ("films", (1,))]
)
def test_a_shape_that_does_not_fit_its_kind_is_refused(kind: str, shape: tuple[int, ...]):
    with pytest.raises(DataError):
        Space(kind=kind, shape=shape)
