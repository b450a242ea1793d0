"""The copula that few rows begin with: exact beside any given columns, and a table of its own at once."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch

from ganforge.codecs.rows.reader import read_frame
from ganforge.core.columns import Columnar, normal_score
from ganforge.core.space import Space
from ganforge.networks import generator, seeded
from ganforge.networks.copula import Copula
from tests import players

SPACE: Any = players.table().space
CODEC: Any = SPACE.codec


def rows(n: int) -> torch.Tensor:
    return SPACE.to_model(torch.from_numpy(players.table().train.values[:n].copy()))


def test_given_is_the_conditional_normal_distribution_and_one_by_one_is_the_same():
    copula, x = Copula(CODEC), rows(12)
    n, blocks = len(x), len(CODEC.blocks)
    mask = (torch.rand(n, blocks, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    found, after = copula.given(x, mask), copula.nothing(n)
    for b in range(blocks):
        after = copula.more(after, x, mask, [b])
    assert torch.allclose(found.mean, after.mean, atol=2e-3)
    assert torch.allclose(found.covariance, after.covariance, atol=2e-3)
    scores = torch.cat(CODEC.scores(x), 1)
    gaps = [block.levels - 1 if block.ordered and block.gaps else None for block, _ in CODEC.slices]
    for i in range(n):
        seen = [
            d
            for b, (_, channels) in enumerate(CODEC.slices)
            for d in copula.places[b]
            if mask[i, b] and not (gaps[b] is not None and x[i, channels][cast(int, gaps[b])])
        ]
        R = copula.correlations.double()
        inner = torch.linalg.inv(R[seen][:, seen] + 1e-5 * torch.eye(len(seen)))
        mean = R[:, seen] @ inner @ scores[i, seen].double()
        assert torch.allclose(found.mean[i].double(), mean, atol=2e-3)
        assert torch.allclose(found.covariance[i].double(), R - R[:, seen] @ inner @ R[seen], atol=2e-3)


def test_before_training_rows_have_the_correlations_of_the_data_and_any_column_steers_the_others():
    rng = np.random.default_rng(0)
    base = rng.standard_normal(400)
    table = {
        "length": [float(round(v, 3)) for v in base],
        "area": [float(round(np.exp(v + 0.05 * rng.standard_normal()), 4)) for v in base],
        "noise": [float(round(v, 3)) for v in rng.standard_normal(400)],
        "large": ["yes" if v > 0 else "no" for v in base],
    }
    raw = read_frame(table)
    space = Space(kind=raw.kind, shape=raw.shape).codec.fit(raw.values, raw.about, standardise=True)
    codec = cast(Columnar, space.codec)
    with seeded(0):
        G: Any = generator(
            "columns", space=space, latent=codec.chances + 8, width=8, depth=1, options={"copula": 0.02}
        )
    z = torch.randn(2_000, codec.chances + 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        made = space.to_declared(G(z)).numpy()
    ranks = made[:, :3].argsort(0).argsort(0)
    found = np.corrcoef(ranks.T)
    # Within a level too: the levels alone, a twentieth of the rows each, leave .99 at the most.
    assert found[0, 1] > 0.98
    assert abs(found[0, 2]) < 0.15
    yes = raw.about["columns"][3]["levels"].index("yes")
    assert made[made[:, 3] == yes, 0].mean() > made[made[:, 3] != yes, 0].mean() + 0.8
    mask = torch.zeros(200, len(codec.slices))
    real = space.to_model(torch.from_numpy(np.tile(raw.values[[int(base.argmax())]], (200, 1))))
    mask[:, 1] = 1.0  # a large area is of a great length
    with torch.no_grad():
        high = space.to_declared(G.complete(z[:200], real, mask)).numpy()
    assert high[:, 0].mean() > 1.5


def test_normal_scores_are_exact_to_single_precision():
    place = torch.linspace(1e-6, 1.0 - 1e-6, 10_001, dtype=torch.float64)
    assert torch.allclose(normal_score(place), torch.special.ndtri(place), atol=1e-5)
