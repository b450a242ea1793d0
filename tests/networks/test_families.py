"""What is particular to each family."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks import discriminator, generator, parameters_count, seeded
from ganforge.networks.packed import packed_space
from ganforge.recipes import find

POINTS = Space(kind="points", shape=(2,))
RGB64 = Space(kind="pictures", shape=(3, 64, 64))


def build_generator(family: str, space: Space, **changes: Any) -> Any:
    with seeded(1):
        return generator(family, **{"space": space, "latent": 4, "width": 8, "depth": 1, **changes})


def build_discriminator(family: str, space: Space, **changes: Any) -> Any:
    with seeded(2):
        return discriminator(family, **{"space": space, "width": 8, "depth": 1, **changes})


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# mlp


def test_mlp_of_depth_2_is_three_linear_maps_with_tanh_between() -> None:
    D = build_discriminator("mlp", POINTS, depth=2, options={"activation": "tanh"})
    maps = [module for module in D.modules() if isinstance(module, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in maps] == [(2, 8), (8, 8), (8, 1)]
    x = noise(5, 2)
    expected = maps[2](maps[1](maps[0](x).tanh()).tanh())[:, 0]
    torch.testing.assert_close(D(x), expected)
    assert [stage.shape for stage in D.features(x)] == [(5, 8), (5, 8)]


@pytest.mark.parametrize("name", ["leaky_relu", "silu", "relu", "tanh", "sigmoid"])
def test_mlp_activations(name: str) -> None:
    functions = {
        "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
        "silu": F.silu,
        "relu": F.relu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
    }
    D = build_discriminator("mlp", POINTS, options={"activation": name})
    first = next(module for module in D.modules() if isinstance(module, nn.Linear))
    x = noise(5, 2)
    torch.testing.assert_close(D.features(x)[0], functions[name](first(x)))


def test_mlp_fourier_appends_sines_and_cosines() -> None:
    D = build_discriminator("mlp", POINTS, options={"fourier": 3})
    first = next(module for module in D.modules() if isinstance(module, nn.Linear))
    a, b = 0.1, -0.7
    angles = [math.pi * octave * x for x in (a, b) for octave in (1, 2, 4)]
    inputs = torch.tensor([[a, b, *map(math.sin, angles), *map(math.cos, angles)]])
    expected = F.leaky_relu(first(inputs), 0.2)
    torch.testing.assert_close(D.features(torch.tensor([[a, b]]))[0], expected)


def test_mlp_residual_layers_add_to_their_input() -> None:
    D = build_discriminator("mlp", POINTS, depth=2, options={"residual": True})
    second = [module for module in D.modules() if isinstance(module, nn.Linear)][1]
    first, last = D.features(noise(5, 2))
    torch.testing.assert_close(last, first + F.leaky_relu(second(first), 0.2))


def test_mlp_refuses_many_sinusoids_and_no_layers() -> None:
    with pytest.raises(RecipeError, match="set fourier to 0"):
        build_discriminator("mlp", RGB64, options={"fourier": 2})
    with pytest.raises(RecipeError, match="at least 1 hidden layer"):
        build_discriminator("mlp", POINTS, depth=0)


# dcgan


def test_dcgan_at_64_has_the_papers_parameters() -> None:
    G = build_generator("dcgan", RGB64, latent=100, width=64, depth=0)
    D = build_discriminator("dcgan", RGB64, width=64, depth=0)
    assert parameters_count(G) == 3_576_704
    assert parameters_count(D) == 2_765_568
    shapes = [tuple(m.weight.shape) for m in G.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert shapes == [(512, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)]
    shapes = [tuple(m.weight.shape) for m in D.modules() if isinstance(m, nn.Conv2d)]
    assert shapes == [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4)]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in D.modules()) == 3  # none at the first stage
    weights = torch.cat([m.weight.flatten() for m in G.modules() if isinstance(m, nn.ConvTranspose2d)])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)


def test_dcgans_first_and_last_maps_are_the_convolutions_of_the_paper() -> None:
    space = Space(kind="pictures", shape=(3, 16, 16))
    G = build_generator("dcgan", space, depth=0)
    z = noise(2, 4)
    kernel = G.first.weight.reshape(*G.start, 4).permute(3, 0, 1, 2)  # (latent, C, 4, 4)
    grid = F.conv_transpose2d(z[:, :, None, None], kernel)
    torch.testing.assert_close(G.first(z).reshape(2, *G.start), grid, rtol=1e-4, atol=1e-6)

    D = build_discriminator("dcgan", space, depth=0).eval()
    last = D.features(noise(2, 3, 16, 16))[-1]
    logits = F.conv2d(last, D.head.linear.weight.reshape(1, *last.shape[1:]))
    torch.testing.assert_close(D(noise(2, 3, 16, 16)), logits.flatten(), rtol=1e-4, atol=1e-6)


def test_dcgan_depth_adds_a_convolution_a_stage() -> None:
    counts = [
        sum(isinstance(m, nn.Conv2d) for m in build_generator("dcgan", RGB64, depth=depth).modules())
        for depth in (0, 1, 2)
    ]
    assert counts == [0, 4, 8]


# residual


@pytest.mark.parametrize("block", ["dense", "bottleneck"])
def test_residual_blocks_start_as_the_identity(block: str) -> None:
    D = build_discriminator("residual", RGB64, width=16, options={"block": block})
    for stage in D.trunk.stages:
        h = noise(2, stage[-1].layers[0].in_channels, 8, 8)
        assert torch.equal(stage[-1](h), h)
        nn.init.ones_(stage[-1].layers[-1].weight)
        assert not torch.equal(stage[-1](h), h)


@pytest.mark.parametrize(("block", "power"), [("dense", -1 / 2), ("bottleneck", -1 / 4)])
def test_residual_blocks_are_scaled_by_the_number_of_blocks(block: str, power: float) -> None:
    """Fix-up: blocks^(−1/(2m−2)) times He's deviation √(2 / (1 + .2²) / fan)."""
    space = Space(kind="pictures", shape=(3, 32, 32))
    D = build_discriminator("residual", space, width=128, depth=4, options={"block": block})
    first = D.trunk.stages[0][-1].layers[0].weight
    he = math.sqrt(2 / 1.04 / first[0].numel())
    assert first.std().item() == pytest.approx(he * 16**power, rel=0.02)


def test_residual_widths_follow_growth_and_cap() -> None:
    G = build_generator("residual", RGB64, width=64, options={"growth": 2.0, "cap": 4.0})
    assert G.basis.shape == (256, 4, 4)
    D = build_discriminator("residual", RGB64, width=48, options={"cap": 2.7})
    assert [stage[-1].layers[0].in_channels for stage in D.trunk.stages] == [48, 72, 112, 128, 128]


def test_residual_latent_weighs_the_basis() -> None:
    G = build_generator("residual", Space(kind="pictures", shape=(1, 8, 8)), depth=0, condition=0)
    before: list[Tensor] = []
    G.stages[0].register_forward_pre_hook(lambda _, inputs: before.append(inputs[0]))
    z = noise(2, 4)
    G(z)
    expected = torch.einsum("nc,chw->nchw", F.linear(z, G.mix.weight), G.basis)
    torch.testing.assert_close(before[0], expected)


def test_residual_styles_are_silent_at_first_and_then_factors_of_the_stages_inputs() -> None:
    space = Space(kind="pictures", shape=(3, 16, 16))
    G = build_generator("residual", space, depth=1, condition=2, options={"styles": True})
    plain = build_generator("residual", space, depth=1, condition=2)
    plain.load_state_dict({name: value for name, value in G.state_dict().items() if "styles" not in name})
    z, condition = noise(3, 4), torch.eye(2)[[0, 1, 0]]
    torch.testing.assert_close(G(z, condition), plain(z, condition))
    nn.init.constant_(G.styles[0].bias, 0.5)
    before: list[Tensor] = []
    for net in (G, plain):
        net.stages[1].register_forward_pre_hook(lambda _, inputs: before.append(inputs[0]))
        net(z, condition)
    torch.testing.assert_close(before[0], 1.5 * before[1])


def test_residual_pictures_are_more_the_latents_than_the_classes_at_first() -> None:
    """A condition as loud as the latent is a way to a picture that all latents share."""
    space = Space(kind="pictures", shape=(1, 16, 16))
    shares: list[float] = []
    for loudness in (0.1, 1.0):
        G = build_generator("residual", space, latent=64, condition=10, options={"loudness": loudness})
        classes = torch.eye(10).repeat(40, 1)
        with torch.no_grad():
            made = G(noise(400, 64), classes).unflatten(0, (40, 10))  # (latents, classes, 1, 16, 16)
        of_classes = made.mean(0).var(0).mean()
        shares.append((of_classes / made.flatten(0, 1).var(0).mean()).item())
    assert shares[0] < 0.1
    assert 0.3 < shares[1] < 0.7


@pytest.mark.parametrize("side", [8, 9, 17, 28, 37, 63, 100])
@pytest.mark.parametrize("family", ["dcgan", "residual", "few_shot"])
def test_pictures_of_any_size(family: str, side: int) -> None:
    space = Space(kind="pictures", shape=(1, side, side + 3))
    if family == "few_shot" and side < 16:
        return
    assert build_generator(family, space)(noise(2, 4)).shape == (2, 1, side, side + 3)
    assert build_discriminator(family, space)(noise(2, 1, side, side + 3)).shape == (2,)


# few_shot


def test_few_shot_gates_join_grids_16_times_apart() -> None:
    for side in (16, 32, 64):
        assert len(build_generator("few_shot", Space(kind="pictures", shape=(3, side, side))).gates) == 1
    wide = build_generator("few_shot", Space(kind="pictures", shape=(3, 256, 256)), width=2, depth=0)
    assert [gate.layers[0].kernel_size for gate in wide.gates] == [1, 2, 4]  # 4, 8, 16 → 4 a side


def test_few_shot_gate_multiplies_channels() -> None:
    space = Space(kind="pictures", shape=(3, 32, 32))
    G = build_generator("few_shot", space).eval()
    z, gated = noise(2, 4), []
    G.output.register_forward_pre_hook(lambda _, inputs: gated.append(inputs[0]))
    nn.init.zeros_(G.gates[0].layers[3].weight)
    for value in (0.0, math.log(3)):  # sigmoid: a half, then three quarters
        nn.init.constant_(G.gates[0].layers[3].bias, value)
        G(z)
    torch.testing.assert_close(gated[1], 1.5 * gated[0])


@pytest.mark.parametrize(("side", "reduced"), [(16, 8), (32, 16), (50, 24), (64, 32), (256, 128)])
def test_few_shot_decoder_rebuilds_the_picture_at_half_its_sides(side: int, reduced: int) -> None:
    D = build_discriminator("few_shot", Space(kind="pictures", shape=(3, side, side)), width=2)
    assert D.reconstruct(noise(2, 3, side, side)).shape == (2, 3, reduced, reduced)


def test_few_shot_reconstruction_loss_is_the_mean_absolute_difference() -> None:
    space = Space(kind="pictures", shape=(1, 32, 32))
    D = build_discriminator("few_shot", space, options={"spectral_norm": False})
    nn.init.zeros_(D.decoder[-1].weight)
    nn.init.constant_(D.decoder[-1].bias, math.atanh(0.25))  # it says .25 everywhere
    x = torch.stack((torch.full((1, 32, 32), 0.25), torch.full((1, 32, 32), -0.5)))
    torch.testing.assert_close(D.reconstruction_loss(x), torch.tensor([0.0, 0.75]))
    chequered = torch.ones(2, 1, 32, 32)
    chequered[:, :, ::2] = -1  # averages to 0
    torch.testing.assert_close(D.reconstruction_loss(chequered), torch.tensor([0.25, 0.25]))


# autoencoder


@pytest.mark.parametrize("space", [POINTS, Space(kind="pictures", shape=(1, 8, 8))])
def test_autoencoder_energy_is_the_mean_absolute_error(space: Space) -> None:
    D = build_discriminator("autoencoder", space, options={"code": 3})
    x = noise(4, *space.shape).clamp(-1, 1)
    rebuilt = D.reconstruct(x)
    expected = torch.stack([(a - b).abs().mean() for a, b in zip(x, rebuilt, strict=True)])
    torch.testing.assert_close(D(x), expected)
    assert D.features(x)[-1].shape == (4, 3)


def test_autoencoder_body_can_be_chosen() -> None:
    space = Space(kind="pictures", shape=(1, 8, 8))
    body = build_discriminator("autoencoder", space, options={"body": "mlp"})
    assert not any(isinstance(m, nn.Conv2d) for m in body.modules())
    assert any(isinstance(m, nn.Conv2d) for m in build_discriminator("autoencoder", space).modules())
    with pytest.raises(RecipeError, match=r"set discriminator\.body to mlp"):
        build_discriminator("autoencoder", POINTS, options={"body": "residual"})


# packing


def test_packing_joins_consecutive_examples_and_their_conditions() -> None:
    D = build_discriminator("mlp", POINTS, packing=2, condition=3)
    x, c = noise(4, 2), torch.eye(3)[[0, 2, 1, 1]]
    inner = D.inner(
        torch.stack((torch.cat((x[0], x[1])), torch.cat((x[2], x[3])))),
        torch.tensor([[1.0, 0, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]]),
    )
    torch.testing.assert_close(D(x, c), inner)
    with pytest.raises(AssertionError, match="a batch of 3 cannot be packed by 2"):
        D(x[:3], c[:3])


def test_packed_space_joins_channels() -> None:
    assert packed_space(RGB64, 2).shape == (6, 64, 64)
    scaled = Space(kind="points", shape=(2,), offset=(1.0, 2.0), scale=(3.0, 4.0), columns=("a", "b"))
    packed = packed_space(scaled, 2)
    assert packed.shape == (4,)
    assert packed.offset == (1.0, 2.0, 1.0, 2.0)


# builders


@pytest.mark.parametrize(
    ("build", "family", "options", "message"),
    [
        (build_generator, "residul", {}, "unknown generator family 'residul'; .* Did you mean 'residual'"),
        (build_generator, "autoencoder", {}, "unknown generator family 'autoencoder'; there is .*mlp"),
        (build_discriminator, "mlp", {"fourrier": 2}, "no discriminator option 'fourrier'.* mean 'fourier'"),
        (build_generator, "mlp", {"spectral_norm": True}, "it has activation, fourier, residual"),
        (build_generator, "mlp", {"activation": "silo"}, r"generator\.activation is 'silo'.* mean 'silu'"),
        (build_generator, "mlp", {"residual": 1}, r"generator\.residual is 1; it must be of type bool"),
        (build_generator, "mlp", {"fourier": 1.5}, r"generator\.fourier is 1\.5; it must be of type int"),
        (build_generator, "mlp", {"fourier": True}, r"generator\.fourier is True; it must be of type int"),
        (build_generator, "mlp", {"fourier": -1}, r"generator\.fourier is -1; it must not be negative"),
        (build_generator, "mlp", {"width": 9}, "no generator option 'width'"),
        (build_generator, "dcgan", {}, "dcgan is not for 2-D points; set generator.family to one of mlp$"),
    ],
)
def test_builders_name_what_is_wrong(build: Any, family: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(family, POINTS, options=options)


def test_a_whole_number_serves_where_a_number_is_wanted() -> None:
    assert build_generator("residual", RGB64, options={"cap": 4, "growth": 2}).basis.shape == (32, 4, 4)


def test_parameters_count() -> None:
    assert parameters_count(nn.Linear(3, 2)) == 8


def test_each_side_can_be_halved_on_its_own():
    long = Space(kind="shapes", shape=(1, 16, 64, 64))
    options = {"halved": "apart"}
    G = build_generator("residual", space=long, latent=3, width=8, depth=1, options=options)
    D = build_discriminator("residual", space=long, width=8, depth=1, options=options)
    assert G.basis.shape[1:] == D.basis.shape[1:] == (4, 4, 4)
    x = G(torch.randn(2, 3))
    assert x.shape == (2, *long.shape)
    assert [tuple(stage.shape[2:]) for stage in D.features(x)] == [
        (16, 64, 64),
        (8, 32, 32),
        (4, 16, 16),
        (4, 8, 8),
        (4, 4, 4),
    ]


@pytest.mark.parametrize(
    ("shape", "options"),
    [((3, 48, 64), {}), ((3, 64, 64), {}), ((3, 16, 128), {"halved": "apart"}), ((1, 256), {})],
)
def test_only_what_is_long_is_halved_apart_by_the_recipe(shape, options):
    kind = {2: "waves", 3: "pictures"}[len(shape)]
    recipe = find("residual").maker(Space(kind=kind, shape=shape), 1_000)
    assert recipe.generator.options == recipe.discriminator.options == options
