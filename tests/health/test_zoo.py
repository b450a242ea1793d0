"""The zoo's inhabitants are what its table says: their recipes exist, and so do the names accepted."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks import zoo_kinds as kinds
from ganforge import recipes
from ganforge.core.declared import SYMPTOMS
from tests import players


def test_the_zoo_is_large_enough_and_its_recipes_are_valid():
    assert len(kinds.FAILURES) >= 12
    assert len(kinds.HEALTHY) >= 20
    assert {"ring", "digits"} <= {kind.data for kind in kinds.FAILURES}
    points, pictures = players.points(40), players.pictures(40, (1, 16, 16), classes=10)
    for kind in (*kinds.FAILURES, *kinds.HEALTHY, *kinds.RESCUED):
        data = pictures if kind.data == "digits" else points
        own = str(kinds.DIGITS_RECIPE) if kind.data == "digits" else kind.data
        own = own if own in recipes.RECIPES or kind.data == "digits" else "points"
        made = recipes.find(kind.recipe or own)
        made.maker(data.space, data.train.n).with_changes(kind.changes)
        assert set(kind.right) <= set(SYMPTOMS)
        assert bool(kind.right) == (kind not in kinds.HEALTHY)
    names = [kind.name for kind in (*kinds.FAILURES, *kinds.HEALTHY)]
    assert len(names) == len(set(names))


def test_plants_do_what_they_say():
    data = players.pictures(60, (1, 8, 8), classes=2)
    assert kinds.few(10)(data).train.n == 10
    game = nn.ModuleDict({"generator": nn.Flatten(0, -1)})
    kinds.deaf(game)
    assert float(game["generator"](torch.ones(3)).abs().sum()) == 0.0
    game = nn.ModuleDict({"generator": nn.Identity()})
    kinds.coarse(game)
    made = game["generator"](torch.randn(2, 1, 8, 8))
    assert made.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).std(4).max() < 1e-6
    points = players.points(400)
    made = kinds.LeavesOut(points, kinds.Drifting(points, points)).sample(50)
    assert len(made) == 50
    assert float(torch.atan2(made[:, 1], made[:, 0]).abs().min()) > 0.39
    drifting = kinds.Drifting(points, points)
    first, second = (drifting.sample(200).mean(0) for _ in range(2))
    assert (second > first).all()
    blurred = kinds.Blurred(points, kinds.Drifting(points, points)).sample(400, seed=3)
    assert 1.1 < float(blurred.std() / torch.from_numpy(points.train.values).std()) < 1.3
    asked = torch.eye(2)[torch.arange(20) % 2]
    one = kinds.OnePicture(data, kinds.Copier(data, data)).sample(20, condition=asked).float()
    assert float(one[::2].std(0).mean()) < 0.25 * float(
        torch.from_numpy(data.train.values).float().std(0).mean()
    )
    copies = kinds.Copier(data, data).sample(20, seed=1)
    distance = (copies.float()[:, None] - torch.from_numpy(data.train.values).float()[None]).abs()
    assert float(distance.flatten(2).amax(2).min(1).values.max()) <= 4
