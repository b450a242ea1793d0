"""Pooled features and their probe, attributes, truncation about a class, styles, and sheets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.core.errors import UsageError
from ganforge.core.prior import Prior
from ganforge.core.space import Space
from ganforge.latent import sheets
from ganforge.latent.probe import linear_probe, pooled
from ganforge.latent.styles import class_centres, mixed, towards
from ganforge.networks import generator, seeded


def measured(x: torch.Tensor, space: Space) -> dict[str, torch.Tensor]:
    return dict(zip(space.codec.attributes(), space.codec.measure(x.float()), strict=True))


def test_activations_are_pooled_by_their_maximum():
    x = torch.arange(2 * 64.0).reshape(2, 1, 8, 8)
    rows = pooled(lambda x: (x, x.mean((2, 3)), x[:, 0, 0]), x)
    assert rows.shape == (2, 16 + 1 + 8)
    assert rows[0, :4].tolist() == [9.0, 11.0, 13.0, 15.0]  # of 2×2 each
    assert rows[1, 16] == x[1].mean()
    assert rows[0, 17:].tolist() == list(range(8))
    small = pooled(lambda x: (x[:, :, :3, :3],), x)
    assert small.shape == (2, 9)  # never larger than it is


def test_a_probe_reads_what_is_there_and_nothing_else():
    chance = torch.Generator().manual_seed(0)
    y = torch.arange(600) % 3
    noise = torch.randn(600, 5, generator=chance)
    clear = noise + 4 * torch.nn.functional.one_hot(y, 5)
    half = slice(0, 300), slice(300, 600)
    good = linear_probe(clear[half[0]], y[half[0]], clear[half[1]], y[half[1]], count=30)
    bad = linear_probe(noise[half[0]], y[half[0]], noise[half[1]], y[half[1]], count=30)
    assert good.accuracy > 0.95
    assert bad.accuracy == pytest.approx(1 / 3, abs=0.1)
    assert (good.labels, good.size, len(good.each)) == (30, 5, 3)
    with pytest.raises(UsageError, match="14 labels are too few for 3 classes; give 15"):
        linear_probe(clear, y, clear, y, count=14)
    with pytest.raises(UsageError, match="fewer than 300 examples"):
        linear_probe(clear, y, clear, y, count=900)


def test_attributes_of_strokes():
    space = Space(kind="pictures", shape=(1, 9, 9))
    strokes = torch.zeros(4, 1, 9, 9, dtype=torch.uint8)
    strokes[0, 0, range(1, 8), range(7, 0, -1)] = 255  # leans to the right, going up
    strokes[1, 0, range(1, 8), range(1, 8)] = 255
    strokes[2, 0, 4, 2:7] = 255  # lies
    strokes[3, 0, 0:3, 0:3] = 255  # a corner
    found = measured(strokes, space)
    assert tuple(found) == space.codec.attributes()
    assert found["slant"].tolist() == pytest.approx([1.0, -1.0, 0.0, 0.0], abs=1e-5)
    assert found["wide"][2] > found["tall"][2]
    assert found["left"].argmax() == found["top"].argmax() == 3
    assert found["light"].tolist() == pytest.approx([255 * n / 81 for n in (7, 7, 5, 9)])
    assert found["wide"][0].item() == pytest.approx(2.0)  # the deviation of 1 … 7


def test_attributes_of_other_kinds():
    points = measured(torch.tensor([[1.0, 2.0]]), Space(kind="points", shape=(2,), columns=("age", "size")))
    assert {name: value.item() for name, value in points.items()} == {"age": 1.0, "size": 2.0}
    red = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    red[:, 0] = 30
    colours = measured(red, Space(kind="pictures", shape=(3, 8, 8)))
    assert [colours[name].item() for name in ("red", "green", "blue")] == pytest.approx([20.0, -10.0, -10.0])
    t = torch.arange(100.0)
    tones = torch.stack([torch.sin(0.1 * t), 0.5 * torch.sin(2.0 * t)])[:, None]
    sound = measured(tones, Space(kind="waves", shape=(1, 100), sample_rate=100))
    assert sound["loud"][0] > sound["loud"][1]
    assert sound["bright"][0] < sound["bright"][1]


def test_centres_of_classes_and_truncation_about_them():
    z = torch.tensor([[1.0, 0.0], [3.0, 2.0], [10.0, 1.0]])
    centres = class_centres(z, torch.tensor([0, 0, 2]), 3)
    assert centres.tolist() == [[2.0, 1.0], [0.0, 0.0], [10.0, 1.0]]
    assert towards(Prior(2), z[:1], centres[0], 0.5).tolist() == [[1.5, 0.5]]
    assert towards(Prior(2), z[:1], centres[0], 1.0).tolist() == z[:1].tolist()
    assert towards(Prior(2), z[:1], centres[0], 0.0).tolist() == [[2.0, 1.0]]
    random_bits = torch.tensor([[4.0, -1.0]])
    assert towards(Prior(2, bits=1), random_bits, torch.zeros(2), 0.25).tolist() == [[1.0, -1.0]]
    with pytest.raises(UsageError, match=r"truncation is 1\.5"):
        towards(Prior(2), z, centres[0], 1.5)


@pytest.mark.parametrize(("family", "options"), [("few_shot", {}), ("residual", {"styles": True})])
def test_styles_mix_where_there_are_places(family: str, options: dict[str, bool]):
    space = Space(kind="pictures", shape=(3, 64, 64))
    with seeded(0):
        network = generator(family, space=space, latent=6, width=8, depth=1, options=options)
        # Styles begin with zeros, and gates near one half: both as if something had been learned.
        for name, parameter in network.named_parameters():
            if name.startswith(("styles", "gates")):
                parameter.data.normal_(std=0.5)
        with torch.no_grad():
            for seed in range(30):  # running statistics
                network.train()(Prior(6).seeded(16, seed=seed))
        network.eval()
    content, style = Prior(6).seeded(4, seed=1).split(2)
    with torch.no_grad():
        plain = network(content)
    torch.testing.assert_close(mixed(network, content, content), plain)
    other = mixed(network, content, style)
    assert (other - plain).abs().max() > 1e-3
    with torch.no_grad():
        torch.testing.assert_close(network(content), plain)  # no hook is left behind
        assert (other - network(style)).abs().max() > 1e-3


def test_styles_do_not_mix_where_there_is_one_place():
    space = Space(kind="pictures", shape=(1, 16, 16))
    for family in ("residual", "dcgan"):
        network = generator(family, space=space, latent=4, width=8, depth=1)
        with pytest.raises(UsageError, match="at one place"):
            mixed(network, torch.zeros(1, 4), torch.zeros(1, 4))


def test_heat_maps_say_up_in_red_and_down_in_blue():
    change = torch.tensor([[[2.0, -1.0], [0.0, -2.0]]])
    pixels = np.asarray(sheets.heat(change))
    assert pixels.tolist() == [[[255, 0, 0], [128, 128, 255]], [[255, 255, 255], [0, 0, 255]]]
    halved = np.asarray(sheets.heat(change, largest=4.0))
    assert halved[0, 0].tolist() == [255, 128, 128]


def test_a_sheet_shows_its_cells_where_they_belong():
    space = Space(kind="pictures", shape=(1, 28, 28))
    black, white = torch.zeros(1, 28, 28).byte(), torch.full((1, 28, 28), 255).byte()
    page = sheets.sheet([("", [black, white]), ("", [None, black])], space)
    assert page.size == (2 * 59 - 3, 2 * 59 - 3)  # twice enlarged, 3 pixels between
    assert page.getpixel((10, 10)) == page.getpixel((80, 80)) == (0, 0, 0)
    assert page.getpixel((80, 10)) == page.getpixel((10, 80)) == (255, 255, 255)
    worded = sheets.sheet([("name", [black])], space, columns=["over"], notes=[["under"]])
    assert worded.size[0] > 56
    assert worded.size[1] == 56 + 28
    assert np.asarray(worded)[:14].min() < 255


def test_points_and_where_they_went():
    for space in (Space(kind="points", shape=(2,)), Space(kind="points", shape=(1,))):
        before = torch.zeros(3, space.channels)
        image = space.codec.displacements(before, before + torch.arange(3.0)[:, None])
        assert isinstance(image, Image.Image)
        assert np.unique(np.asarray(image).reshape(-1, 3), axis=0).shape[0] > 3
    assert sheets.bars({"one": 0.5, "another": 1.0}).size[1] == 60
