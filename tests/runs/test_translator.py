"""A run's translation: any size, any company, in tiles without seams, there and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganforge.core.errors import RunError, UsageError
from ganforge.runs import translator as translators
from ganforge.runs.folder import Run
from ganforge.runs.inputs import read_inputs
from ganforge.runs.sampler import load
from ganforge.runs.tiling import Axis, as_of, plan, tiled
from ganforge.runs.translator import load_translator
from tests import players
from tests.translations import clean, photo, space, trained, translating, untrained


@pytest.fixture(scope="module")
def cyclegan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("cyclegan", tmp_path_factory.mktemp("runs") / "two", players.translated())


@pytest.fixture(scope="module")
def stargan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = players.pictures(20, (3, 16, 16), classes=3)
    return trained("stargan", tmp_path_factory.mktemp("runs") / "three", data)


def test_a_run_translates_what_its_sampler_shows(cyclegan: Path):
    found = load_translator(cyclegan)
    kept = read_inputs(Run.open(cyclegan))
    assert kept is not None
    sampler = load(cyclegan)
    inputs = found.source.to_declared(kept.inputs)
    which = sampler.prior.numbers(5, seed=3)
    made = found.translate(inputs[which])
    assert made.shape == (5, 3, 16, 16)
    assert made.dtype == torch.uint8
    assert (made.int() - sampler.sample(5, seed=3).int()).abs().max() <= 1  # other batches round otherwise
    assert not torch.equal(made, inputs[which])


@pytest.mark.parametrize("sides", [(16, 16), (5, 7), (64, 24), (1, 1), (33, 130)])
def test_every_size_is_taken_and_company_changes_nothing(sides: tuple[int, int]):
    found = untrained("unet")
    both = torch.cat([photo(*sides), photo(*sides, seed=1)])
    made = found.translate(both)
    assert made.shape == (2, 3, *sides)
    assert torch.equal(made, torch.cat([found.translate(both[:1]), found.translate(both[1:])]))
    assert torch.equal(made.flip(0), found.translate(both.flip(0)))
    assert found.translate(both[:0]).shape == (0, 3, *sides)


def test_sizes_are_a_multiple_where_the_target_is_larger():
    found = untrained("unet", space((3, 16, 16), (3, 4, 4)), skip_input=True)
    assert found.scale == 4
    assert found.translate(photo(9, 5)).shape == (1, 3, 36, 20)


def test_there_and_back_are_two_arrows(cyclegan: Path):
    there, back = load_translator(cyclegan), load_translator(cyclegan, back=True)
    x = photo(16, 16)
    assert torch.equal(there.translate(x, back=True), back.translate(x))
    assert torch.equal(back.translate(x, back=True), there.translate(x))
    assert not torch.equal(there.translate(x), back.translate(x))
    assert (there.goes_back, back.space.shape) == (True, there.source.shape)


def test_one_arrow_for_many_classes_needs_a_class(stargan: Path):
    found = load_translator(stargan)
    x = photo(16, 16)
    assert found.asks is not None
    made = [found.translate(x, found.asks.read(name)) for name in "012"]
    assert not torch.equal(made[0], made[1])
    with pytest.raises(UsageError, match="3 classes: say which"):
        found.translate(x)
    with pytest.raises(UsageError, match=r"\(N, 3\)"):
        found.translate(x, torch.zeros(1, 4))
    with pytest.raises(UsageError, match="no way back"):
        load_translator(stargan, back=True)


def test_what_cannot_be_translated_is_said_in_one_line(cyclegan: Path, tmp_path: Path):
    found = load_translator(cyclegan)
    wrong = {
        r"shape \(N, 3, H, W\)": photo(16, 16, channels=1),
        "uint8 here": photo(16, 16).float(),
    }
    for words, x in wrong.items():
        with pytest.raises(UsageError, match=words) as told:
            found.translate(x)
        assert "\n" not in str(told.value)
    with pytest.raises(UsageError, match="no condition"):
        found.translate(photo(16, 16), torch.zeros(1, 3))
    with pytest.raises(UsageError, match="too small"):
        found.translate(photo(16, 16), tile=8)
    duel = trained("residual", tmp_path / "duel", players.pictures(20, (3, 16, 16)))
    with pytest.raises(RunError, match="translates nothing"):
        load_translator(duel)
    with pytest.raises(RunError, match="not a run folder"):
        load_translator(tmp_path)


@pytest.mark.parametrize("grid", [1, 4, 16])
@pytest.mark.parametrize("side", [16, 512, 528, 1600, 4000])
def test_weights_of_tiles_are_one_in_sum_and_no_place_lies_in_three(side: int, grid: int):
    axis = plan(side, largest=512, overlap=128, grid=grid)
    assert axis.tile <= 512
    assert all(start % grid == 0 for start in (*axis.starts, axis.tile))
    assert axis.starts[-1] + axis.tile == side
    for scale in (1, 4):
        total, cover = torch.zeros(scale * side), torch.zeros(scale * side)
        for start, weight in zip(axis.starts, axis.weights(scale), strict=True):
            total[scale * start : scale * (start + axis.tile)] += weight
            cover[scale * start : scale * (start + axis.tile)] += 1
            assert 0 <= weight.min() <= weight.max() <= 1
        assert torch.allclose(total, torch.ones_like(total), atol=1e-6)
        assert cover.max() <= 2
    assert (len(axis.starts) == 1) == (side <= 512)


def test_tiles_that_only_copy_give_the_picture_back():
    x = photo(120, 400).float()
    axes = [plan(side, largest=64, overlap=16, grid=4) for side in x.shape[2:]]
    assert len(axes[1].starts) > 5
    assert torch.allclose(tiled(lambda part: part, x, axes, scale=1, channels=3), x, atol=1e-3)
    # A planted fault: weights without the ramp count what is shared twice.
    flat = [Axis(axis.starts, axis.tile) for axis in axes]
    for axis in flat:
        object.__setattr__(axis, "weights", lambda scale=1, a=axis: [torch.ones(a.tile)] * len(a.starts))
    assert not torch.allclose(tiled(lambda part: part, x, flat, scale=1, channels=3), x, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(300, 700), (129, 641)])
@pytest.mark.parametrize("source", [(3, 16, 16), (3, 8, 8)])
def test_tiled_is_whole_for_a_network_that_does_not_see_far(
    height: int, width: int, source: tuple[int, int, int]
):
    found = untrained("translator", space((3, 16, 16), source), normalisation="none")
    x = photo(height, width)
    whole = found.translate(x, tile=4096)
    made = found.translate(x, tile=256)
    assert made.shape == whole.shape
    # Another order of the same sums: at most a grey level apart, and rarely.
    assert (made.int() - whole.int()).abs().max() <= 1
    assert (made != whole).double().mean() < 0.01


def steps(picture: torch.Tensor, at: list[int]) -> float:
    """Mean absolute step from column to column at these columns, of ``(1, C, H, W)``."""
    found = picture.double().diff(dim=3).abs().mean((0, 1, 2))
    return float(found[at].mean())


def test_tiles_leave_no_step_where_they_meet():
    """Instance normalisation makes tiles differ; the step at seams stays that of the whole picture."""
    found = untrained("translator", normalisation="instance")
    x = photo(256, 900)
    x[..., 450:] //= 3  # tiles of other brightness
    whole, made = found.translate(x, tile=4096), found.translate(x, tile=256)
    axis = plan(900, largest=256, overlap=64, grid=4)
    seams = sorted({start + shift for start in axis.starts[1:] for shift in (-1, 0, 15, 16, 47, 48)})
    seams += sorted({start + axis.tile - 1 for start in axis.starts[:-1]})
    assert steps(made, seams) <= 1.15 * steps(whole, seams) + 0.5
    # A control: tiles side by side without overlap do leave one.
    parts = [found.translate(x[..., i : i + 100], tile=4096) for i in range(0, 900, 100)]
    hard = list(range(99, 899, 100))
    assert steps(torch.cat(parts, 3), hard) > 1.5 * steps(whole, hard) + 0.5


def test_tiles_keep_the_statistics_of_the_whole_picture(monkeypatch: pytest.MonkeyPatch):
    found = untrained("translator", normalisation="instance")
    x = photo(256, 900)
    x[..., 450:] //= 3
    whole = found.translate(x, tile=4096).double()
    apart = (found.translate(x, tile=256).double() - whole).abs().mean()

    def own(*_: object):
        from contextlib import nullcontext

        return nullcontext()

    monkeypatch.setattr(translators, "as_of", own)
    assert apart < 0.6 * (found.translate(x, tile=256).double() - whole).abs().mean()


def test_statistics_are_those_that_were_met_and_leave_no_trace():
    network, x = translating("translator"), torch.randn(1, 3, 16, 16)
    other = torch.randn(1, 3, 16, 16)
    expected, before = network(x), network(other)
    with as_of(network, lambda: network(x)):
        assert torch.allclose(network(x), expected, atol=1e-5)
        assert not torch.allclose(network(other), before, atol=1e-2)
    assert torch.equal(network(other), before)


def test_a_run_whose_inputs_are_made_has_their_space(tmp_path: Path):
    path = trained("super-resolution", tmp_path / "sr", clean(source=(3, 4, 4)))
    found = load_translator(path)
    assert (found.source.shape, found.space.shape, found.scale) == ((3, 4, 4), (3, 16, 16), 4)
    assert found.translate(photo(10, 6)).shape == (1, 3, 40, 24)
