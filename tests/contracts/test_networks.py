"""What every network that ships must keep to, whatever its family, its space, condition and packing."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganforge.core.declared import DISCRIMINATORS as DECLARED_DISCRIMINATORS
from ganforge.core.declared import GENERATORS as DECLARED_GENERATORS
from ganforge.core.declared import TRANSLATORS
from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks import (
    Reconstructing,
    discriminator,
    generator,
    seeded,
    translator,
)

SPACES = [
    Space(kind="points", shape=(1,)),
    Space(kind="points", shape=(2,)),
    Space(kind="points", shape=(5,)),
    Space(kind="waves", shape=(1, 256), sample_rate=8000),
    Space(kind="pictures", shape=(1, 8, 8)),
    Space(kind="pictures", shape=(3, 28, 28)),
    Space(kind="pictures", shape=(3, 48, 64)),
    Space(kind="pictures", shape=(4, 36, 20)),
    Space(kind="shapes", shape=(1, 16, 16, 16)),
]
LATENT = 6
# Players of tables need fitted columns, and latents for their chance: tests/networks/test_columns.py and
# test_recurrent.py.
OF_ROWS = {"columns", "recurrent"}
GENERATORS = {name: family for name, family in DECLARED_GENERATORS.items() if name not in OF_ROWS}
DISCRIMINATORS = {name: family for name, family in DECLARED_DISCRIMINATORS.items() if name not in OF_ROWS}
FAMILIES = [
    *(("generator", family) for family in GENERATORS),
    *(("discriminator", family) for family in DISCRIMINATORS),
    *(("translator", family) for family in TRANSLATORS),
]
# For what is slow; the others get SPACES[4].
ONE_SPACE_EACH = {
    "mlp": SPACES[1],
    "few_shot": SPACES[7],
    "folded": Space(kind="clips", shape=(2, 8, 16, 12)),
    "spectral": SPACES[3],
    "periods": SPACES[3],
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small tensors on several threads of a busy machine wait for each other most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _cases(known: dict[str, Any]) -> list[Any]:
    return [
        pytest.param(family, space, condition, id=f"{family}-{'x'.join(map(str, space.shape))}-{condition}")
        for family, chosen in known.items()
        for space in SPACES
        if chosen.allows(space)
        for condition in (0, 3)
    ]


G_CASES, D_CASES, T_CASES = _cases(GENERATORS), _cases(DISCRIMINATORS), _cases(TRANSLATORS)


def make_generator(family: str, space: Space, condition: int = 0, *, seed: int = 1, **options: Any) -> Any:
    with seeded(seed):
        return generator(
            family, space=space, latent=LATENT, condition=condition, width=8, depth=1, options=options
        )


def make_discriminator(
    family: str, space: Space, condition: int = 0, *, packing: int = 1, seed: int = 2, **options: Any
) -> Any:
    with seeded(seed):
        return discriminator(
            family, space=space, condition=condition, width=8, depth=1, packing=packing, options=options
        )


def make_translator(family: str, space: Space, condition: int = 0, *, seed: int = 1, **options: Any) -> Any:
    with seeded(seed):
        return translator(
            family,
            space=dataclasses.replace(space, source=space),
            condition=condition,
            width=8,
            depth=1,
            options=options,
        )


MAKE: dict[str, Any] = {
    "generator": make_generator,
    "discriminator": make_discriminator,
    "translator": make_translator,
}


def latents(n: int) -> Tensor:
    return torch.randn(n, LATENT, generator=torch.Generator().manual_seed(3))


def samples(space: Space, n: int, seed: int = 4) -> Tensor:
    """Noise on a level of each example's own: like data, not all of it is fine grain."""
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randn(n, space.channels, *(1 for _ in space.spatial), generator=generator)
    return (levels + torch.randn(n, *space.shape, generator=generator)).div(2).clamp(-1, 1)


def conditions(condition: int, n: int) -> Tensor | None:
    return torch.eye(condition)[torch.arange(n) % condition] if condition else None


def inputs(role: str, space: Space, n: int) -> Tensor:
    return latents(n) if role == "generator" else samples(space, n)


def shake(network: nn.Module) -> None:
    """Move parameters off the zeros that fix-up initialisation leaves, which hide gradients."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))


def assert_every_parameter_moves(network: nn.Module) -> None:
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, f"{name} got no gradient"
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, f"{name} got a gradient of zeros"


def test_as_many_are_tested_as_ship() -> None:
    tested = {("generator", case.values[0]) for case in G_CASES}
    tested |= {("discriminator", case.values[0]) for case in D_CASES}
    tested |= {("translator", case.values[0]) for case in T_CASES}
    assert tested == set(FAMILIES)


@pytest.mark.parametrize(("family", "space", "condition"), G_CASES)
def test_generator(family: str, space: Space, condition: int) -> None:
    G = make_generator(family, space, condition)
    x = G(latents(4), conditions(condition, 4))
    assert x.shape == (4, *space.shape)
    assert x.dtype == torch.float32
    assert x.isfinite().all()
    assert 0.01 < x.std() < 2
    if space.bounded:
        assert x.abs().max() <= 1
    else:  # the last layer is linear: it scales
        with torch.no_grad():
            for parameter in G.output.parameters():
                parameter.mul_(100)
        assert G(latents(4), conditions(condition, 4)).allclose(100 * x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("family", "space", "condition"), G_CASES)
def test_generator_learns_through_a_discriminator(family: str, space: Space, condition: int) -> None:
    G, D = make_generator(family, space, condition), make_discriminator("mlp", space, condition)
    shake(G)
    c = conditions(condition, 4)
    D(G(latents(4), c), c).square().sum().backward()
    assert_every_parameter_moves(G)


@pytest.mark.parametrize(("family", "space", "condition"), T_CASES)
def test_translator(family: str, space: Space, condition: int) -> None:
    G, c = make_translator(family, space, condition), conditions(condition, 4)
    x = G(samples(space, 4), c)
    assert x.shape == (4, *space.shape)
    assert x.dtype == torch.float32
    assert x.isfinite().all()
    assert 0.01 < x.std() < 2
    assert x.abs().max() <= 1

    shake(G)
    D = make_discriminator("mlp", space, condition)
    D(G(samples(space, 4), c), c).square().sum().backward()
    assert_every_parameter_moves(G)


@pytest.mark.parametrize("packing", [1, 2])
@pytest.mark.parametrize(("family", "space", "condition"), D_CASES)
def test_discriminator(family: str, space: Space, condition: int, packing: int) -> None:
    D = make_discriminator(family, space, condition, packing=packing)
    x, c = samples(space, 4), conditions(condition, 4)
    logits = D(x, c)
    assert logits.shape[0] == 4 // packing
    grids = {"patch": 2 + space.dims, "periods": 2}  # a logit for each place; else one
    assert logits.dim() == grids.get(family, 1)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert 1e-3 < logits.std() < 4
    stages = D.features(x)
    assert isinstance(stages, tuple)
    assert stages
    assert all(stage.shape[0] == 4 // packing and stage.isfinite().all() for stage in stages)

    shake(D)
    loss = D(x, c).square().sum()
    if isinstance(D, Reconstructing):
        loss = loss + D.reconstruction_loss(x).sum()
    elif packing > 1 and isinstance(D.inner, Reconstructing):
        loss = loss + D.inner.reconstruction_loss(D.pack(x)).sum()
    loss.backward()
    assert_every_parameter_moves(D)


@pytest.mark.parametrize(("family", "space", "condition"), [c for c in D_CASES if c.values[2]])
def test_discriminator_heeds_the_condition(family: str, space: Space, condition: int) -> None:
    D = make_discriminator(family, space, condition).eval()
    x = samples(space, 1).expand(3, *space.shape)
    logits = D(x, torch.eye(3)).reshape(3, -1)
    assert logits.unique(dim=0).shape[0] == 3
    with pytest.raises(AssertionError, match="condition"):
        D(x)


@pytest.mark.parametrize(("family", "space", "condition"), D_CASES)
def test_examples_are_independent_exactly_where_it_is_said(family: str, space: Space, condition: int) -> None:
    x, c = samples(space, 8), conditions(condition, 8)
    for packing in (1, 2):
        D = make_discriminator(family, space, condition, packing=packing)
        few = D(x[:4], None if c is None else c[:4])
        alike = few.allclose(D(x, c)[: 4 // packing], rtol=1e-4, atol=1e-5)
        assert alike == D.examples_are_independent


@pytest.mark.parametrize("family", ["dcgan", "few_shot"])
def test_without_batch_statistics_examples_are_independent(family: str) -> None:
    options: dict[str, Any] = {"normalisation": "none", "spectral_norm": False}
    D = make_discriminator(family, SPACES[5], **options)
    x = samples(SPACES[5], 8)
    assert D.examples_are_independent
    torch.testing.assert_close(D(x[:3]), D(x)[:3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", list(DISCRIMINATORS))
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_a_gradient_penalty_has_the_gradient_that_differences_show(
    family: str, spectral_norm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Σ‖∇ₓD‖² along its own gradient: double backward against a central difference."""
    # The kinks of a rectifier make differences jump; a smooth one shows the same double backward.
    monkeypatch.setattr(torch.nn.functional, "leaky_relu", lambda x, *_: torch.nn.functional.silu(x))
    options: dict[str, Any] = {"spectral_norm": spectral_norm}
    if family in ("dcgan", "few_shot"):
        options["normalisation"] = "none"
    space = Space(kind="pictures", shape=(1, 16, 16))
    space = space if DISCRIMINATORS[family].allows(space) else ONE_SPACE_EACH[family]
    D = make_discriminator(family, space, **options).eval()  # eval: the power iteration rests
    shake(D)

    def penalty() -> Tensor:
        x = samples(space, 4).requires_grad_()
        (gradient,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
        return gradient.square().sum()

    parameters = list(D.parameters())
    gradients = torch.autograd.grad(penalty(), parameters, allow_unused=True)
    pairs = [(p, g) for p, g in zip(parameters, gradients, strict=True) if g is not None]
    assert len(pairs) >= len(parameters) / 3
    norm = torch.stack([g.square().sum() for _, g in pairs]).sum().sqrt()
    assert norm.isfinite()
    assert norm > 0
    if family == "autoencoder":  # its absolute differences keep their kinks
        return

    def penalty_after(step: float) -> float:
        with torch.no_grad():
            for p, g in pairs:
                p.add_(g / norm, alpha=step)
        value = penalty().item()
        with torch.no_grad():
            for p, g in pairs:
                p.sub_(g / norm, alpha=step)
        return value

    step = 3e-3
    slope = (penalty_after(step) - penalty_after(-step)) / (2 * step)
    assert slope == pytest.approx(norm.item(), rel=0.02)


@pytest.mark.parametrize(("role", "family"), FAMILIES)
def test_state_makes_a_round_trip_bit_for_bit(role: str, family: str) -> None:
    space = ONE_SPACE_EACH.get(family, SPACES[4])
    packing = {"packing": 2} if role == "discriminator" else {}
    one, other = (MAKE[role](family, space, 3, seed=seed, **packing) for seed in (1, 7))
    x, c = inputs(role, space, 4), conditions(3, 4)
    one(x, c)  # moves running statistics, where there are any
    assert not torch.equal(one.eval()(x, c), other.eval()(x, c))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x, c), other(x, c))
    assert torch.equal(one(x, c), copy.deepcopy(one)(x, c))
    assert torch.equal(one.train()(x, c), other.train()(x, c))


@pytest.mark.parametrize(("role", "family"), FAMILIES)
def test_building_is_a_function_of_the_seed_and_leaves_no_trace(role: str, family: str) -> None:
    space = ONE_SPACE_EACH.get(family, SPACES[4])
    make = MAKE[role]
    before = torch.random.get_rng_state()
    one, same, other = make(family, space, seed=5), make(family, space, seed=5), make(family, space, seed=6)
    assert torch.equal(torch.random.get_rng_state(), before)
    states = [network.state_dict() for network in (one, same, other)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert not all(torch.equal(value, states[2][name]) for name, value in states[0].items())


@pytest.mark.parametrize(("role", "family"), FAMILIES)
def test_bfloat16_autocast_gives_float32_near_float32(role: str, family: str) -> None:
    space = ONE_SPACE_EACH.get(family, SPACES[4])
    network, x, c = MAKE[role](family, space, 3), inputs(role, space, 8), conditions(3, 8)
    exact = copy.deepcopy(network)(x, c)
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(x, c)
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)  # bfloat16 was in use
    assert (rough - exact).square().mean().sqrt() < 0.1 * exact.square().mean().sqrt()
    rough.sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize(("role", "family"), [pair for pair in FAMILIES if pair[0] != "discriminator"])
def test_what_makes_samples_exports_with_any_batch_size(role: str, family: str) -> None:
    space = ONE_SPACE_EACH.get(family, SPACES[5])
    G = MAKE[role](family, space, 3).eval()
    batch = torch.export.Dim("batch", min=1, max=4096)
    arguments = (inputs(role, space, 2), torch.eye(3)[:2])
    program = torch.export.export(G, arguments, dynamic_shapes=({0: batch}, {0: batch}))
    x, c = inputs(role, space, 5), torch.eye(3)[torch.arange(5) % 3]
    torch.testing.assert_close(program.module()(x, c), G(x, c))


@pytest.mark.parametrize(("role", "family"), [pair for pair in FAMILIES if pair[0] != "translator"])
def test_a_space_that_is_not_allowed_is_refused_with_families_that_are(role: str, family: str) -> None:
    chosen: Any = GENERATORS[family] if role == "generator" else DISCRIMINATORS[family]
    refused = [space for space in SPACES if not chosen.allows(space)]
    assert bool(refused) == (family not in ("mlp", "autoencoder"))
    for space in refused:
        with pytest.raises(RecipeError, match=rf"{family} is not for .*set {role}.family to one of .*mlp"):
            MAKE[role](family, space)
