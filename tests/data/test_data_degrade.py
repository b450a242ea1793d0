"""Inputs that are made from their targets: what they are, and that they depend on seed and position alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ganforge.core.errors import DataError
from ganforge.core.space import Space
from ganforge.data import Examples, Loader, load
from ganforge.data.degrade import DEGRADATIONS, Chance, degradation, is_degradation, previous

COLOUR = Space(kind="pictures", shape=(3, 16, 24))
WAVES = Space(kind="waves", shape=(1, 640), sample_rate=8_000)
HEARD = {"low-rate", "mel"}  # of sounds alone
ALL = [
    *(name for name in DEGRADATIONS if name not in HEARD),
    "low-resolution:2",
    "low-resolution:8",
    "hole:.25",
    "holes:.9",
    "noise:1",
    "blur:0.5",
]


def _pictures(n: int = 5, shape: tuple[int, ...] = (3, 16, 24)) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (n, *shape)).astype(np.float32))


@pytest.mark.parametrize("text", ALL)
def test_each_gives_its_space_whatever_the_batch(text: str) -> None:
    way, real = degradation(text), _pictures()
    kept = real.clone()
    space = way.space(COLOUR)
    whole = way.apply(real, Chance(7, 100))
    assert torch.equal(real, kept)
    assert whole.shape == (5, *space.shape)
    assert whole.dtype == torch.float32
    assert -1 <= whole.min() < whole.max() <= 1
    pieces = [way.apply(real[i : i + k], Chance(7, 100 + i)) for i, k in ((0, 2), (2, 3))]
    assert torch.equal(torch.cat(pieces), whole)
    assert way.apply(real[:0], Chance(7)).shape == (0, *space.shape)
    assert degradation(way.text) == way


@pytest.mark.parametrize("text", ["noise", "noise:-5", "low-rate", "low-rate:4", "mel", "mel:20"])
def test_each_of_sounds_is_as_long_whatever_the_batch(text: str) -> None:
    way, real = degradation(text, WAVES), _pictures(5, (1, 641))
    assert way.space(WAVES) == WAVES
    whole = way.apply(real, Chance(7, 100))
    assert whole.shape == real.shape
    assert whole.dtype == torch.float32
    assert -1 <= whole.min() < whole.max() <= 1
    pieces = [way.apply(real[i : i + k], Chance(7, 100 + i)) for i, k in ((0, 2), (2, 3))]
    torch.testing.assert_close(torch.cat(pieces), whole, rtol=1e-3, atol=1e-3)
    assert way.apply(real[:0], Chance(7)).shape == (0, 1, 641)
    assert degradation(way.text, WAVES) == way


def test_noise_of_sounds_is_as_loud_as_was_asked_for() -> None:
    tone = 0.3 * torch.sin(torch.arange(8_000) * 0.3).view(1, 1, -1).repeat(400, 1, 1)
    noise = degradation("noise:5", WAVES).apply(tone, Chance(1)) - tone
    ratio = 10 * torch.log10(tone.square().mean(2) / noise.square().mean(2))
    assert 4.5 < ratio.min() < 6
    assert 24 < ratio.max() < 25.5
    assert abs(ratio.mean() - 15) < 1.2


def test_a_lower_rate_loses_what_is_above_half_of_it() -> None:
    at = torch.arange(4_000) / 8_000
    hertz = torch.tensor([500.0, 1_500.0, 2_500.0, 3_500.0])
    tones = torch.sin(2 * torch.pi * hertz[:, None] * at)[:, None]
    made = degradation("low-rate:2", WAVES).apply(tones, Chance(0))[:, 0, 200:-200]
    kept = (made.square().mean(1) / 0.5).tolist()
    assert kept[:2] == pytest.approx([1, 1], abs=0.05)
    assert max(kept[2:]) < 0.01


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("noise:50", "noise takes the least signal-to-noise ratio"),
        ("low-rate:5", "low-rate takes 2, 3 or 4"),
        ("mel:8", "mel takes 16 to 128 bands"),
        ("grey", "grey is made from pictures, and the examples are waves"),
    ],
)
def test_of_sounds_what_does_not_fit_is_named(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        degradation(text, WAVES)


@pytest.mark.parametrize("text", ["scribbles", "holes", "noise"])
def test_chance_depends_on_seed_and_position(text: str) -> None:
    way, real = degradation(text), _pictures(4, (3, 64, 64))
    first = way.apply(real, Chance(0, 8))
    assert torch.equal(first, way.apply(real, Chance(0, 8)))
    assert not torch.equal(first, way.apply(real, Chance(1, 8)))
    assert not torch.equal(first, way.apply(real, Chance(0, 12)))


def test_known_values() -> None:
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    chance = Chance(0)
    assert degradation("grey").apply(red, chance).mean().item() == pytest.approx(2 * 0.299 - 1, abs=1e-6)
    clear = torch.cat([red, torch.full((1, 1, 8, 8), -1.0)], dim=1)  # seen through: the white behind it
    assert degradation("grey").apply(clear, chance).mean().item() == pytest.approx(1.0, abs=1e-6)
    ramp = torch.arange(8.0).view(1, 1, 1, 8).expand(1, 1, 8, 8)
    small = degradation("low-resolution:2").apply(ramp, chance)
    assert small[0, 0, 0].tolist() == [0.5, 2.5, 4.5, 6.5]
    holed = degradation("hole:.5").apply(ramp + 1, chance)
    assert (holed[0, 1, 2:6, 2:6] == 0).all()
    assert (holed[0, 0, 2:6, 2:6] == 1).all()
    assert holed[0, 0].sum().item() == 16 - 48
    assert torch.equal(holed[0, 1, :2], ramp[0, 0, :2] + 1)
    for seed in range(20):
        inside = degradation("holes:.5").apply(_pictures(), Chance(seed))[:, 0] == 1
        assert ((inside.sum((1, 2)) >= 4 * 6) & (inside.sum((1, 2)) <= 9 * 13)).all()
    noisy = degradation("noise:0.2").apply(torch.zeros(2, 3, 64, 64), chance)
    assert noisy.std().item() == pytest.approx(0.2, rel=0.02)
    dot = torch.zeros(1, 1, 33, 33)
    dot[0, 0, 16, 16] = 1.0
    spread = degradation("blur:2").apply(dot, chance)[0, 0]
    assert spread.sum().item() == pytest.approx(1.0, abs=1e-5)
    place = torch.arange(33.0) - 16
    assert (spread.sum(0) * place**2).sum().item() == pytest.approx(4.0, rel=0.05)  # the variance


def test_edges_are_dark_where_brightness_jumps() -> None:
    picture = torch.full((2, 1, 16, 16), -1.0)
    picture[0, :, :, 8:] = 1.0
    drawn = degradation("edges").apply(picture, Chance(0))
    assert (drawn[0, 0, :, 7:9] == -1).all()
    assert (drawn[0, 0, :, :6] == 1).all()
    assert (drawn[1] == 1).all()  # flat: nothing to draw


def test_scribbles_are_few_broken_and_of_two_tones() -> None:
    grid = torch.stack(torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij"))
    disc = ((grid - 32).square().sum(0).sqrt() < 20).float() * 2 - 1
    drawn = degradation("scribbles").apply(disc.expand(4, 1, 64, 64), Chance(0))
    ink = (drawn < 0).float().mean((1, 2, 3))
    assert ((ink > 0.02) & (ink < 0.25)).all()
    assert ((drawn.abs() == 1).float().mean() > 0.8).all()
    assert not torch.equal(drawn[0], drawn[1])  # each is broken elsewhere
    flat = degradation("scribbles").apply(torch.zeros(1, 1, 64, 64), Chance(0))
    assert (flat == 1).all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("edgs", "there is no source 'edgs'.*Did you mean 'edges'"),
        ("hole:2", "source=hole:2 does not fit: hole takes a share"),
        ("hole:", "does not fit"),
        ("low-resolution:3", "takes 2, 4 or 8"),
        ("noise:nan", "does not fit"),
        ("noise:25", "does not fit: noise takes a deviation above 0 and up to 2"),
        ("blur:x", "does not fit"),
        ("edges:3", "edges takes no number"),
        ("previous:0", "previous takes a number of frames"),
        ("previous:1.5", "previous takes a number of frames"),
        ("previous:1000", "previous takes a number of frames"),
        ("no/such/folder", "neither a path nor one of"),
        ("x" * 5000, "neither a path nor one of"),
    ],
)
def test_errors_are_one_line(text: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        load("digits", source=text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_what_cannot_be_made() -> None:
    for source, what, says in [
        ("edges", "ring", "edges is made from pictures, and the examples are points"),
        ("low-rate", "digits", "low-rate is made from sounds, and the examples are pictures"),
        ("grey", "digits", "grey already"),
        ("low-resolution:8", "digits", "cannot be made 8 times smaller"),
        ("left", "ring", "cuts pictures in two"),
        ("left", "digits", "give --size"),
        ("previous:2", "digits", "needs clips"),
    ]:
        with pytest.raises(DataError, match=says):
            load(what, source=source)


def test_words() -> None:
    assert [previous(text) for text in ("previous", "previous:3", "edges", "")] == [1, 3, None, None]
    assert is_degradation("hole:junk")
    assert not is_degradation("left")


@pytest.mark.parametrize("source", ["edges", "holes:.5", "noise:.2", "low-resolution:2"])
@pytest.mark.parametrize("mirror", [False, True])
def test_deals_are_made_from_what_is_dealt(source: str, mirror: bool) -> None:
    data = load("digits", source=source)
    assert data.space.source == degradation(source).space(data.space)
    assert data.train.sources is None
    loader = Loader(data.train, data.space, seed=3, mirror=mirror, source=source)
    whole = loader.batch_at(1300, 100)  # into the second epoch
    assert whole.source is not None
    fresh = Loader(data.train, data.space, seed=3, mirror=mirror, source=source)
    pieces = [fresh.batch_at(1300 + i, k) for i, k in ((0, 30), (30, 70))]
    assert torch.equal(torch.cat([piece.source for piece in pieces]), whole.source)
    assert torch.equal(torch.cat([piece.real for piece in pieces]), whole.real)
    plain = Loader(data.train, data.space, seed=3, mirror=mirror).batch_at(1300, 100)
    assert torch.equal(plain.real, whole.real)
    assert torch.equal(plain.condition, whole.condition)
    if source in ("edges", "low-resolution:2"):  # mirrored with its target
        assert torch.equal(degradation(source).apply(whole.real, Chance(0)), whole.source)
    held = Loader(data.held_out, data.space, seed=3, source=source)
    some, again = held.at(np.array([5, 2, 9])), held.at(np.array([2, 5]))
    assert torch.equal(some.source[:2].flip(0), again.source)
    assert torch.equal(some.real[0], data.space.to_model(torch.from_numpy(data.held_out.values[5:6]))[0])


def test_manifest_and_fingerprint_tell_inputs_apart() -> None:
    found = [load("digits", source=source).manifest for source in ("", "edges", "hole:.5", "hole:.25")]
    assert len({manifest["fingerprint"] for manifest in found}) == 4
    assert "inputs" not in found[0]
    assert found[2]["inputs"] == {"source": "hole:0.5"}
    assert Space.from_json(json.loads(json.dumps(found[1]["space"]))) == load("digits", source="edges").space
    assert "input: edges, made from each picture: 8×8 grey" in load("digits", source="edges").scan.lines()


def test_examples_without_inputs_have_none() -> None:
    values = np.zeros((4, 1, 8, 8), np.uint8)
    loader = Loader(Examples(values, None, np.arange(4)), Space(kind="pictures", shape=(1, 8, 8)), seed=0)
    assert loader.batch_at(0, 2).source is None
    assert loader.at(np.array([0])).source is None
