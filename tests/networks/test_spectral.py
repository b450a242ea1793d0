"""The translator of spectra and the discriminator of folded waves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from ganforge.core.errors import RecipeError
from ganforge.core.space import Space
from ganforge.networks import discriminator, seeded, translator

WAVES = Space(kind="waves", shape=(1, 1_024), sample_rate=8_000)


def build(space: Space = WAVES, **changes: Any) -> Any:
    with seeded(1):
        return translator(
            "spectral", space=replace(space, source=replace(space, **changes)), width=8, depth=1
        )


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) / 5


@pytest.mark.parametrize("rate", [8_000, 22_050])
def test_spectra_and_back_are_nothing_lost(rate: int) -> None:
    G, x = build(replace(WAVES, sample_rate=rate)), noise(2, 1, 9 * round(0.008 * rate))
    assert torch.allclose(G._wave(G._spectrum(x)), x, atol=1e-5)


def test_it_begins_as_what_it_is_given_at_any_length() -> None:
    G = build()
    for samples in (1, 100, 1_024, 3_001):
        x = noise(2, 1, samples)
        made = G(x)
        assert made.shape == x.shape
        assert (made - x).square().mean() < 0.1 * x.square().mean() + 1e-3


def test_a_spectrum_is_that_of_the_definition() -> None:
    G, x = build(), noise(1, 1, 1_024)
    frame = x[0, 0, 5 * 64 - 96 : 5 * 64 + 160] * torch.hann_window(256)
    wanted = torch.fft.rfft(frame)
    found = G._spectrum(x)[0, :, :, 5]
    assert torch.allclose(torch.complex(found[0], found[1]), wanted, atol=1e-4)


def test_inputs_of_another_length_are_refused() -> None:
    with pytest.raises(RecipeError, match="spectral leads to waves from waves as long"):
        build(shape=(1, 512))


def test_a_period_sees_its_own_columns_alone() -> None:
    """What is added to every other sample from the second on is seen in one of two columns of logits."""
    with seeded(2):
        D: Any = discriminator("periods", space=WAVES, width=4, depth=2, options={"periods": 1})
    x = noise(1, 1, 1_024)
    y = x.clone()
    y[:, :, 1::2] += 0.5
    changed = (D(x) != D(y)).reshape(-1, 2).any(0)
    assert changed.tolist() == [False, True]


def test_options_that_do_not_fit_are_refused() -> None:
    for options in ({"periods": 0}, {"periods": 7}, {"channels": 2}):
        with pytest.raises(RecipeError, match=r"discriminator\.(periods|channels)"):
            discriminator("periods", space=WAVES, width=4, depth=2, options=options)
