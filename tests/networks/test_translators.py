"""Translators and the patch discriminator: sizes, conditions, fields of view, and that they learn."""

from __future__ import annotations

import dataclasses
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ganforge.core.declared import TRANSLATORS
from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks import discriminator, seeded, translator
from ganforge.networks.layers import CONV
from ganforge.networks.patch import PatchDiscriminator
from ganforge.networks.translating import Conditioned, Enlarge, Translating, enlargement, factors, reflected

KINDS = {1: "points", 2: "waves", 3: "pictures", 4: "shapes"}
OF_ANY = [name for name, family in TRANSLATORS.items() if len(family.dims) > 1]  # test_spectral.py
BOTH = pytest.mark.parametrize("family", OF_ANY)


def space(*shape: int) -> Space:
    return Space(kind=KINDS[len(shape)], shape=shape, sample_rate=8000 if len(shape) == 2 else None)


def between(source: tuple[int, ...], target: tuple[int, ...]) -> Space:
    return dataclasses.replace(space(*target), source=space(*source))


def build(
    family: str, source: tuple[int, ...], target: tuple[int, ...], condition: int = 0, **options: Any
) -> Any:
    with seeded(3):
        return translator(
            family, space=between(source, target), condition=condition, width=8, depth=1, options=options
        )


def patch(
    *shape: int, condition: int = 0, width: int = 8, depth: int = 2, **options: Any
) -> PatchDiscriminator:
    with seeded(4):
        made = discriminator(
            "patch", space=space(*shape), condition=condition, width=width, depth=depth, options=options
        )
    assert isinstance(made, PatchDiscriminator)
    return made


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def shake(network: nn.Module) -> None:
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))


def test_normalised_weights_are_the_same_function_and_turn_less_the_longer_they_are() -> None:
    plain, normalised = (
        build("unet", (3, 32, 32), (3, 32, 32), condition=2, weight_norm=on) for on in (False, True)
    )
    x, told = noise(2, 3, 32, 32), noise(2, 2)
    assert torch.allclose(plain(x, told), normalised(x, told), atol=1e-5)
    directions = {name: p for name, p in normalised.named_parameters() if name.endswith("original1")}
    assert len(directions) > 10
    shake(normalised)
    made = normalised(x, told)
    made.square().sum().backward()
    for name, v in directions.items():  # a gradient along a direction would change nothing
        along = (v.grad * v).flatten(1).sum(1)
        assert along.abs().max() <= 1e-3 * (v.grad.flatten(1).norm(dim=1) * v.flatten(1).norm(dim=1)).max(), (
            name
        )
    with torch.no_grad():
        for v in directions.values():
            v.mul_(3.0)
    assert torch.allclose(made, normalised(x, told), atol=1e-5)


# --------------------------------------------------------------------------- sizes


@BOTH
@pytest.mark.parametrize(
    ("source", "target", "scale"),
    [
        ((3, 32, 32), (3, 32, 32), 1),
        ((1, 12, 20), (3, 24, 40), 2),
        ((3, 8, 8), (3, 32, 32), 4),
        ((2, 9, 6), (1, 27, 18), 3),
        ((4, 4, 4), (3, 24, 24), 6),
        ((9, 28, 28), (3, 28, 28), 1),
        ((1, 64), (2, 128), 2),
        ((1, 8, 8, 8), (1, 16, 16, 16), 2),
    ],
)
def test_the_result_is_a_whole_multiple_at_any_size(
    family: str, source: tuple[int, ...], target: tuple[int, ...], scale: int
) -> None:
    G = build(family, source, target)
    shake(G)
    assert G(noise(2, *source)).shape == (2, *target)
    for side in (1, 5, 31):
        sides = (side, *source[2:])
        made = G(noise(2, source[0], *sides))
        assert made.shape == (2, target[0], *(scale * n for n in sides))
        assert made.isfinite().all()
        assert made.abs().max() <= 1

    G.zero_grad()
    G(noise(2, *source)).square().sum().backward()
    for name, parameter in G.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ((3, 32, 32), (3, 48, 48), "whole multiple"),
        ((3, 32, 32), (3, 16, 16), "whole multiple"),
        ((3, 16, 16), (3, 32, 48), "whole multiple"),
        ((1, 64), (1, 8, 8), "both must be"),
        ((2,), (2,), "both must be"),
    ],
)
@BOTH
def test_inputs_that_do_not_fit_are_refused(
    family: str, source: tuple[int, ...], target: tuple[int, ...], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        build(family, source, target)


def test_a_translator_needs_inputs_and_a_known_family_and_option() -> None:
    with pytest.raises(RecipeError, match="set source"):
        translator("unet", space=space(3, 32, 32), width=8, depth=1)
    with pytest.raises(RecipeError, match=r"unknown translator family 'unett'.*Did you mean 'unet'"):
        build("unett", (3, 32, 32), (3, 32, 32))
    with pytest.raises(RecipeError, match=r"no generator option 'skip_inputs'.*Did you mean 'skip_input'"):
        build("unet", (3, 32, 32), (3, 32, 32), skip_inputs=True)
    with pytest.raises(RecipeError, match="can be none, instance, group"):
        build("unet", (3, 32, 32), (3, 32, 32), normalisation="batch")


def test_enlargement_and_its_steps() -> None:
    assert enlargement(between((3, 16, 24), (3, 64, 96))) == 4
    assert enlargement(between((9, 16, 24), (3, 16, 24))) == 1
    assert [factors(scale) for scale in (1, 2, 4, 3, 12)] == [[], [2], [2, 2], [3], [2, 2, 3]]


def test_reflection_by_hand() -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0]]])
    assert reflected(x, [7]).tolist() == [[[3, 2, 1, 2, 3, 2, 1]]]
    assert reflected(x, [12]).tolist() == [[[1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]]]  # more than once over
    assert reflected(x[..., :1], [3]).tolist() == [[[1, 1, 1]]]
    picture = noise(2, 3, 9, 7)
    assert torch.equal(reflected(picture, [12, 12]), F.pad(picture, (2, 3, 1, 2), mode="reflect"))
    assert reflected(picture, [9, 7]) is picture


class _Same(Translating):
    """A body that changes nothing but the size: what is left is the padding and the crop."""

    def __init__(self, space: Space) -> None:
        super().__init__(space, grid=8, width=3, kernel=3, skip_input=False)
        with torch.no_grad():
            self.output.weight.zero_()
            for channel in range(3):
                self.output.weight[channel, channel, 1, 1] = 1

    def body(self, x: Tensor, condition: Tensor | None) -> Tensor:
        assert all(side % 8 == 0 and side >= 16 for side in x.shape[2:])
        return F.interpolate(x, scale_factor=float(self.scale))


@pytest.mark.parametrize("sides", [(16, 16), (17, 30), (3, 9)])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_what_is_added_around_is_taken_off_again(sides: tuple[int, int], scale: int) -> None:
    G = _Same(between((3, 16, 16), (3, 16 * scale, 16 * scale)))
    x = noise(2, 3, *sides)
    assert torch.equal(G(x), F.interpolate(x, scale_factor=float(scale)))


# --------------------------------------------------------------------------- the base


@BOTH
def test_with_skip_input_it_begins_with_its_input(family: str) -> None:
    x = noise(2, 3, 21, 16)
    assert torch.equal(build(family, (3, 16, 16), (3, 16, 16), skip_input=True)(x), x)
    frames = noise(2, 9, 16, 16)
    assert torch.equal(build(family, (9, 16, 16), (3, 16, 16), skip_input=True)(frames), frames[:, 6:])
    grey = noise(2, 1, 16, 16)
    assert torch.equal(
        build(family, (1, 16, 16), (3, 16, 16), skip_input=True)(grey), grey.expand(2, 3, 16, 16)
    )
    larger = F.interpolate(x, scale_factor=2.0, mode="bicubic").clamp(-1, 1)
    torch.testing.assert_close(build(family, (3, 16, 16), (3, 32, 32), skip_input=True)(x), larger)
    assert not torch.equal(build(family, (3, 16, 16), (3, 16, 16))(x), x)  # without it, it does not


@BOTH
def test_two_channels_are_no_base_of_three(family: str) -> None:
    build(family, (2, 16, 16), (3, 16, 16))
    with pytest.raises(RecipeError, match="skip_input=false"):
        build(family, (2, 16, 16), (3, 16, 16), skip_input=True)


# --------------------------------------------------------------------------- conditions and statistics


@BOTH
@pytest.mark.parametrize("normalisation", ["none", "instance", "group"])
def test_each_condition_gives_another_picture_of_the_same_input(family: str, normalisation: str) -> None:
    G = build(family, (3, 16, 16), (3, 16, 16), condition=3, normalisation=normalisation)
    x = noise(1, 3, 16, 16).expand(3, 3, 16, 16)
    made = G(x, torch.eye(3))
    assert all((made[a] - made[b]).abs().mean() > 0.02 for a, b in ((0, 1), (0, 2), (1, 2)))
    with pytest.raises(AssertionError, match="condition"):
        G(x)
    with pytest.raises(AssertionError, match="condition"):
        build(family, (3, 16, 16), (3, 16, 16))(x, torch.eye(3))


@BOTH
@pytest.mark.parametrize("normalisation", ["none", "instance", "group"])
def test_a_picture_does_not_depend_on_its_company(family: str, normalisation: str) -> None:
    G = build(family, (3, 16, 16), (3, 16, 16), normalisation=normalisation)
    shake(G)
    x = noise(5, 3, 16, 16)
    torch.testing.assert_close(G(x)[:2], G(x[:2]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(G(x), G.eval()(x))


def test_instance_normalisation_and_the_condition_by_hand() -> None:
    part = Conditioned(2, 1, "instance")
    assert part.modulate is not None
    with torch.no_grad():
        part.modulate.weight.copy_(torch.tensor([[1.0], [0.0], [0.0], [5.0]]))
    x = torch.tensor([[[1.0, 3.0], [10.0, 30.0]]])
    # Each channel becomes (−1, 1); the first is doubled (1 + 1), the second moved by 5.
    torch.testing.assert_close(
        part(x, torch.ones(1, 1)), torch.tensor([[[-2.0, 2.0], [4.0, 6.0]]]), rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(part(x, torch.zeros(1, 1)), F.instance_norm(x), rtol=1e-4, atol=1e-4)


def test_enlarging_leaves_no_checkerboard() -> None:
    """A constant stays constant inside, whatever the weights; a transposed convolution's does not."""
    with seeded(1):
        part, transposed = Enlarge(4, 4, 2), nn.ConvTranspose2d(4, 4, 3, stride=2)
    constant = torch.ones(1, 4, 6, 6)
    assert part(constant)[..., 2:-2, 2:-2].std((2, 3)).max() < 1e-6
    assert transposed(constant)[..., 2:-2, 2:-2].std((2, 3)).max() > 1e-2


def test_the_residual_translator_works_on_a_quarter_of_the_targets_grid() -> None:
    strides = {1: 4, 2: 2, 4: 1, 8: 1}
    for scale, grid in strides.items():
        G = build("translator", (3, 16, 16), (3, 16 * scale, 16 * scale))
        assert G.grid == grid
    assert build("translator", (3, 16, 16), (3, 16, 16), halvings=3).grid == 8
    assert build("unet", (3, 64, 64), (3, 64, 64)).grid == 16  # to 4 a side
    assert build("unet", (3, 64, 64), (3, 64, 64), halvings=2).grid == 4


# --------------------------------------------------------------------------- patches


@pytest.mark.parametrize(("depth", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_logit_sees_as_far_as_the_papers(depth: int, field: int) -> None:
    D = patch(1, 256, width=2, depth=depth)
    x = noise(1, 1, 256).requires_grad_()
    logits = D(x)
    assert logits.shape == (1, 1, 256 // 2**depth)
    (gradient,) = torch.autograd.grad(logits[0, 0, logits.shape[2] // 2], x)
    seen = gradient[0, 0].nonzero().flatten()
    assert seen[-1] - seen[0] + 1 == field


@pytest.mark.parametrize("shape", [(1, 64), (6, 32, 48), (3, 28, 28), (1, 16, 16, 16)])
@pytest.mark.parametrize("scales", [1, 2, 3])
def test_scales_stand_beside_each_other_on_the_finest_grid(shape: tuple[int, ...], scales: int) -> None:
    D = patch(*shape, scales=scales)
    x = noise(2, *shape)
    logits = D(x)
    grid = tuple(side // 4 for side in shape[1:])
    assert logits.shape == (2, scales, *grid)
    assert len(D.features(x)) == 3 * scales
    if len(shape) == 3 and scales > 1:
        coarse = D.scales[1](F.avg_pool2d(x, 2), None)
        torch.testing.assert_close(logits[:, 1:2], F.interpolate(coarse, size=grid))
        assert not torch.equal(logits[:, 0], logits[:, 1])


def test_the_condition_counts_at_each_place_by_projection() -> None:
    D = patch(3, 32, 32, condition=3)
    x = noise(1, 3, 32, 32).expand(3, 3, 32, 32)
    logits, phi = D(x, torch.eye(3)), D.features(x)[-1]  # φ (3, C, 8, 8)
    embed: Any = D.scales[0]
    weight = embed.embed.weight  # (C, 3)
    expected = torch.einsum("chw,c->hw", phi[0], weight[:, 0] - weight[:, 2])
    torch.testing.assert_close(logits[0, 0] - logits[2, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("normalisation", ["none", "instance"])
def test_patches_of_one_example_do_not_depend_on_another(normalisation: str) -> None:
    D = patch(3, 32, 32, normalisation=normalisation, scales=2)
    assert D.examples_are_independent
    x = noise(5, 3, 32, 32)
    torch.testing.assert_close(D(x)[:2], D(x[:2]), rtol=1e-4, atol=1e-5)


def test_spectral_normalisation_holds_every_convolution_and_moves_in_a_pass() -> None:
    D = patch(3, 32, 32, spectral_norm=True)
    assert not D.examples_are_independent
    x = noise(2, 3, 32, 32)
    for _ in range(50):
        D(x)
    D.eval()
    norms = [
        torch.linalg.matrix_norm(module.weight.flatten(1), 2).item()
        for module in D.modules()
        if isinstance(module, tuple(CONV.values()))
    ]
    assert len(norms) == 4
    assert norms == pytest.approx([1.0] * 4, rel=0.02)


def test_a_space_too_small_for_its_stages_is_refused() -> None:
    patch(3, 32, 32, depth=3, scales=3)
    with pytest.raises(RecipeError, match="needs sides of 32 at least"):
        patch(3, 16, 64, depth=3, scales=3)
    with pytest.raises(RecipeError, match="needs sides of 16 at least"):
        patch(3, 8, 8, depth=3, normalisation="instance")
    for scales in (0, 4):
        with pytest.raises(RecipeError, match="must be 1, 2 or 3"):
            patch(3, 32, 32, scales=scales)


# --------------------------------------------------------------------------- real work


def _flowers(folder: Path, n: int, side: int) -> Tensor:
    with zipfile.ZipFile(folder / "flowers128_1k.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))[::50][:n]
        pictures = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]
    stacked = np.stack([np.asarray(picture.resize((side, side))) for picture in pictures])
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).float() / 127.5 - 1


@BOTH
@pytest.mark.parametrize("task", ["grey", "low_resolution"])
def test_it_learns_a_few_real_pictures(shared_data: Path, family: str, task: str) -> None:
    target = _flowers(shared_data, 6, 32)
    if task == "grey":
        source = target.mean(1, keepdim=True)
        start = source.expand_as(target)
    else:
        source = F.avg_pool2d(target, 2)
        start = F.interpolate(source, scale_factor=2.0, mode="bicubic").clamp(-1, 1)
    G = build(family, tuple(source.shape[1:]), (3, 32, 32), skip_input=True)
    optimiser = torch.optim.Adam(G.parameters(), 5e-3)
    before = (start - target).abs().mean().item()
    for _ in range(70):
        loss = (G(source) - target).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (G(source) - target).abs().mean().item() < 0.75 * before


@pytest.mark.slow
@BOTH
def test_onnx_gives_the_same_at_any_batch_size(family: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    G = build(family, (3, 16, 16), (3, 32, 32), condition=2, skip_input=True).eval()
    shake(G)
    batch = torch.export.Dim("batch", min=1, max=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, about itself
        torch.onnx.export(
            G,
            (noise(2, 3, 16, 16), torch.eye(2)),
            tmp_path / "g.onnx",
            dynamo=True,
            dynamic_shapes=({0: batch}, {0: batch}),
            external_data=False,
            verbose=False,
        )
    session = runtime.InferenceSession(tmp_path / "g.onnx", providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    for n in (1, 5):
        x, c = noise(n, 3, 16, 16, seed=n), torch.eye(2)[torch.arange(n) % 2]
        (made,) = session.run(None, dict(zip(names, (x.numpy(), c.numpy()), strict=True)))
        torch.testing.assert_close(torch.from_numpy(made), G(x, c), rtol=1e-4, atol=1e-4)
