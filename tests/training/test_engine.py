"""How the arithmetic is laid out must not change what is computed."""

import os
import platform
import resource
import subprocess
import sys

import pytest
import torch

from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds
from tests import players


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_last_plays_the_same_game(channels: int):
    """One channel is the case that lies: its memory format is ambiguous."""
    data = players.pictures(shape=(channels, 12, 12), classes=2)
    recipe = players.picture_recipe()
    plain, last = Rounds(recipe, data, Engine()), Rounds(recipe, data, Engine(channels_last=True))
    for _ in range(2):
        plain.play()
        last.play()
    for name, value in plain.game.state_dict().items():
        torch.testing.assert_close(last.game.state_dict()[name], value, rtol=1e-3, atol=1e-4, msg=name)


def test_json_round_trip():
    engine = Engine(precision=torch.bfloat16, channels_last=True, threads=1, parts=2)
    assert Engine.from_json(engine.to_json()) == engine


def test_labels_are_left_aside_where_the_recipe_is_not_conditional():
    rounds = Rounds(players.picture_recipe(conditional=False), players.pictures(classes=3), Engine())
    rounds.play()
    assert rounds.nimg == 16


def test_cuda_repeats_its_bits_and_float32_is_float32(monkeypatch: pytest.MonkeyPatch):
    """Which switches these are was found on such a device (benchmarks/results/accelerator.md)."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = (torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32)
    try:
        Engine().apply()
        assert not torch.are_deterministic_algorithms_enabled()  # the processor needs none of it
        Engine(device=torch.device("cuda")).apply()
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.allow_tf32
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(False)
        torch.utils.deterministic.fill_uninitialized_memory = True
        torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.skipif(sys.platform != "linux" or not platform.libc_ver()[0], reason="this is of glibc")
@pytest.mark.parametrize("own", [False, True])
def test_large_tensors_keep_their_memory(own: bool):
    """Pages that are given back are filled with zeros anew. Who set malloc's own variables keeps them."""
    program = (
        "import resource, torch; from ganforge.training.engine import Engine; Engine().apply()\n"
        "make = lambda: [torch.ones(12_000_000) for _ in range(3)] and None\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(12): before = faults(); make()\n"
        "print(faults() - before)"
    )
    environment = os.environ | ({"MALLOC_TRIM_THRESHOLD_": "131072"} if own else {})
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    pages = 3 * 48_000_000 // resource.getpagesize()
    assert int(done.stdout) > pages / 2 if own else int(done.stdout) < pages / 50


@pytest.mark.parametrize(
    "changes",
    [
        {"parts": "x" * 30},
        {"parts": 0},
        {"threads": 10**9},
        {"workers": None},
        {"recorded": 1},
        {"device": 3},
    ],
)
def test_a_strange_way_to_compute_is_refused(changes: dict[str, object]):
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        Engine.from_json({**Engine().to_json(), **changes})
