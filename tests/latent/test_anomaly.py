"""Signs of strangeness by hand, how they are joined, and the verb on a small run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ganforge.cli.explore import main as explore
from ganforge.cli.export import main as export
from ganforge.cli.train import main as train
from ganforge.core.errors import UsageError
from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.latent.anomaly import SIGNS, Normal, auroc, look, look_at, remember
from ganforge.networks import seeded
from ganforge.networks.encoder import Encoder
from ganforge.networks.players import Inverse
from ganforge.runs.sampler import GeneratorSampler, load
from ganforge.shipping.folder import open_folder


class Sums(nn.Module):
    """D(x, z) = the sum of x, less that of z; one stage, x itself."""

    examples_are_independent = True

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x,)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        less = 0.0 if condition is None else condition.sum(1)
        return self.one * (x.flatten(1).sum(1) - less)


def test_signs_by_hand():
    """Two pixels of a picture, in grey levels, and what came back of them."""
    space = Space(kind="pictures", shape=(1, 1, 2))
    given = torch.tensor([[[[255, 0]]]], dtype=torch.uint8)
    again = torch.tensor([[[[0, 0]]]], dtype=torch.uint8)
    found = look_at(space, given, again, judge=Sums(), beside=torch.tensor([[3.0]]))
    # In model units (1, −1) and (−1, −1).
    assert found["residual"].tolist() == pytest.approx([2.0])
    assert found["relative"].tolist() == pytest.approx([1.0])  # of (2, 0) above black nothing came back
    assert found["features"].tolist() == pytest.approx([1.0])  # at right angles
    assert found["logit"].tolist() == pytest.approx([3.0])  # −(1 − 1 − 3)
    assert set(look_at(space, given, again)) == {"residual", "relative"}


def test_points_and_sound_are_relative_to_what_they_are():
    points = Space(kind="points", shape=(2,))
    x = torch.tensor([[3.0, 4.0]])
    found = look_at(points, x, x * 0)
    assert found["relative"].tolist() == found["residual"].tolist() == [12.5]
    sound = Space(kind="waves", shape=(1, 2), sample_rate=8_000)
    wave = torch.tensor([[[0.5, -0.5]]])
    assert look_at(sound, wave, wave * 0.5)["relative"].tolist() == pytest.approx([0.25])


def test_a_score_is_in_deviations_of_what_is_normal():
    normal = {"residual": torch.tensor([1.0, 2.0, 3.0]), "logit": torch.tensor([0.0, 0.0, 30.0])}
    measure = Normal.of(normal, ("residual", "logit", "features"))  # there are no features here
    assert measure.mean == {"residual": 2.0, "logit": 10.0}
    assert measure.deviation["residual"] == pytest.approx(1.0)
    assert measure.deviation["logit"] == pytest.approx(17.3205, rel=1e-4)
    strange = {"residual": torch.tensor([5.0]), "logit": torch.tensor([44.641])}
    assert measure.score(strange).tolist() == pytest.approx([(3.0 + 2.0) / 2], rel=1e-4)
    assert list(measure.scores) == sorted(measure.scores)
    # Anomalies have no say: scoring others beside it changes nothing.
    both = {name: torch.cat([strange[name], 1e6 * strange[name]]) for name in strange}
    assert measure.score(both)[0] == measure.score(strange)[0]


def test_the_threshold_is_a_quantile_of_the_normal():
    measure = Normal.of({"residual": torch.arange(101.0)}, ("residual",))
    limit = measure.threshold(0.95)
    assert measure.score({"residual": torch.tensor([94.9, 95.1])}).gt(limit).tolist() == [False, True]
    for wrong in (0.0, 1.0, 1.5):
        with pytest.raises(UsageError, match="between 0 and 1"):
            measure.threshold(wrong)


def test_too_little_to_measure_by_is_refused():
    with pytest.raises(UsageError, match="at least 2"):
        Normal.of({"residual": torch.ones(1)}, ("residual",))
    with pytest.raises(UsageError, match="there is residual"):
        Normal.of({"residual": torch.ones(5)}, ("logit",))


def test_auroc_by_hand():
    scores = torch.tensor([0.1, 0.4, 0.35, 0.8])
    strange = torch.tensor([False, False, True, True])
    assert auroc(scores, strange) == pytest.approx(0.75)  # of four pairs, one is the wrong way round
    assert auroc(-scores, strange) == pytest.approx(0.25)
    assert auroc(torch.zeros(4), strange) == pytest.approx(0.5)
    half = torch.tensor([1.0, 0.0, 1.0, 2.0])
    assert auroc(half, strange) == pytest.approx(3.5 / 4)  # one tie


def test_auroc_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    scores, strange = rng.integers(0, 20, 500) / 7, rng.random(500) < 0.2
    own = auroc(torch.from_numpy(scores), torch.from_numpy(strange))
    assert own == pytest.approx(metrics.roc_auc_score(strange, scores), abs=1e-12)


class Line(nn.Module):
    """One number to a point on the line (1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.one * torch.cat([z, z], 1)


def test_what_lies_off_the_generators_line_is_strange():
    space = Space(kind="points", shape=(2,))
    sampler = GeneratorSampler(Line().requires_grad_(False), space=space, prior=Prior(1))
    with seeded(0):
        encoder = Encoder(space=space, latent=1, width=2)
    on, off = torch.tensor([[0.5, 0.5], [-1.0, -1.0]]), torch.tensor([[1.0, -1.0], [-0.8, 0.8]])
    memory = remember(space, on, encoder=encoder)
    assert memory.norm(dim=1).tolist() == pytest.approx([1.0, 1.0])
    seen = look(
        sampler,
        torch.cat([on, off]),
        encoder=encoder,
        judge=Sums(),
        of_pairs=True,
        memory=memory,
        steps=200,
    )
    assert set(seen.signs) == set(SIGNS)
    residual = seen.signs["residual"]
    assert residual[:2].max() < 0.02 < 0.5 < residual[2:].min()
    assert seen.signs["neighbours"][:2].abs().max() < 1e-5  # they are their own neighbours
    assert seen.latents.shape == (4, 1)
    # The discriminator of pairs was told the latents.
    x, z = torch.cat([on, off]), seen.latents
    assert seen.signs["logit"].tolist() == pytest.approx((z.sum(1) - x.sum(1)).tolist(), abs=1e-5)


# --- the verb ---


def draw(folder: Path, bright: int, n: int, seed: int) -> None:
    """Small pictures: a bar on black, upright or (where ``bright`` is 0) lying."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for i in range(n):
        pixels = np.zeros((8, 8), np.uint8)
        at = rng.integers(1, 6)
        if bright:
            pixels[:, at : at + 2] = rng.integers(180, 256)
        else:
            pixels[at : at + 2, :] = rng.integers(180, 256)
        Image.fromarray(pixels).save(folder / f"{i:03}.png")


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of the game ``inference`` on upright bars, and bars of both kinds."""
    place = tmp_path_factory.mktemp("bars")
    draw(place / "data", 1, 200, seed=0)
    draw(place / "mixed" / "good", 1, 30, seed=1)
    draw(place / "mixed" / "lying", 0, 20, seed=2)
    small = ["--set", "generator.width=8", "--set", "encoder.width=8", "--set", "precision=float32"]
    words = [str(place / "data"), "--recipe", "bigan", "--kimg", "6", "--out", str(place / "run")]
    assert train([*words, *small]) == 0
    return place


def test_the_verb_scores_files_and_tells_kinds_apart(
    bars: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    run = str(bars / "run")
    assert explore([run, "anomaly", "--data", str(bars / "mixed")]) == 0
    said = capsys.readouterr().out
    assert "training an encoder" not in said  # the run has its own
    assert "auroc" in said
    folder = bars / "run" / "explore" / "anomaly"
    numbers = json.loads((folder / "result.json").read_text())
    assert numbers["auroc"] > 0.9
    assert set(numbers["auroc_of_signs"]) == set(SIGNS)
    rows = list(csv.DictReader((folder / "scores.csv").read_text().splitlines()))
    assert len(rows) == 50
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert {row["class"] for row in rows} == {"good", "lying"}
    assert all(row["name"].startswith(row["class"]) for row in rows)
    assert [row["above"] == "1" for row in rows] == [score > numbers["threshold"] for score in scores]
    with Image.open(folder / "sheet.png") as image:
        assert len(np.unique(np.asarray(image))) > 10
    assert explore([run, "anomaly", "--data", str(bars / "mixed"), "--normal", "lying"]) == 0
    turned = json.loads((folder / "result.json").read_text())
    assert turned["auroc"] == pytest.approx(1 - numbers["auroc"])
    assert explore([run, "anomaly", "--signs", "residual"]) == 0  # of the held-out examples
    alone = json.loads((folder / "result.json").read_text())
    assert "auroc" not in alone
    assert alone["above"] == pytest.approx(0.05, abs=0.04)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "mixed", "--normal", "upright"], "there is no class 'upright'"),
        (["--data", "mixed", "--normal", "good,lying"], "every class is normal"),
        (["--normal", "good"], "names a class of --data"),
        (["--signs", "residuals"], "Did you mean 'residual'?"),
        (["--quantile", "95"], "between 0 and 1"),
        (["--data", "ring"], "size and channels are for pictures only"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    bars: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(bars)
    with pytest.raises(UsageError) as refused:
        explore([str(bars / "run"), "anomaly", *words])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_questions_that_need_a_judge_of_examples_say_so(bars: Path, monkeypatch: pytest.MonkeyPatch):
    for what in ("feedback", "resample"):
        with pytest.raises(UsageError, match="judges pairs, and no example alone"):
            explore([str(bars / "run"), what])


def test_inversion_starts_from_the_runs_own_encoder(
    bars: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    run = str(bars / "run")
    asked = ["--count", "4", "--steps", "3", "--restarts", "0"]
    assert explore([run, "invert", *asked]) == 0
    assert explore([run, "invert", *asked, "--hide", "0,4,8,8"]) == 0
    assert "training an encoder" not in capsys.readouterr().out
    assert not (bars / "run" / "explore" / "encoder.json").exists()


def test_an_opened_run_has_its_encoder_beside_its_generator(bars: Path, tmp_path: Path):
    sampler = load(bars / "run")
    assert sampler.encoder is not None
    z = sampler.prior.seeded(20, seed=3)
    back = sampler.encoder(sampler.network(z))
    assert back.shape == z.shape
    assert not isinstance(sampler.network, Inverse)
    # What is shipped is the generator alone.
    assert export([str(bars / "run"), "--to", "folder", "--out", str(tmp_path / "shipped")]) == 0
    shipped = open_folder(tmp_path / "shipped")
    assert isinstance(shipped, GeneratorSampler)
    assert shipped.encoder is None
    assert torch.equal(shipped.generate(z), sampler.generate(z))
