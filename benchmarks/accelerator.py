"""What an accelerator changes: speed, bits that come again, float32 that is not, and memory that runs out.

    python benchmarks/accelerator.py --shared shared/data
    python benchmarks/accelerator.py --shared shared/data --only speed --games digits "pix2pix, 64 px"

speed: examples a second of each recipe, by the engine that the probe chooses; the second figure with kernels
    that repeat their bits.
bits: the same rounds played twice, and once more with a save and a load half-way: the same to the bit?
gradients: how far the finite difference of a penalty is off, with tf32 and without.
memory: only a share of the memory that the batch needs may be used: the batch must be played in parts.
moves: a run begun here, gone on with on the processor, and back.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from ganforge.core.batch import Batch
from ganforge.core.errors import MachineError
from ganforge.core.rng import Rng
from ganforge.tasks.experiment import Experiment, prepare, resume
from ganforge.training.clock import Budget
from ganforge.training.engine import Engine
from ganforge.training.probe import probe
from ganforge.training.rounds import Rounds, loader_of

WIDE = {"generator.width": 64, "generator.learning_rate": 2e-4, "batch": 16}
GAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "points (ring)": ("ring", {}),
    "digits": ("digits", {}),
    "dcgan, 28 px": ("mnist", {"recipe": "dcgan"}),
    "residual, 64 px": ("celeba64_10k.zip", {"recipe": "residual", "size": 64}),
    "few-shot, 128 px": ("flowers128_1k.zip", {"recipe": "few-shot", "size": 128}),
    "captions, 32 px": ("captioned-shapes", {}),
    "pix2pix, 64 px": ("facades_128pairs.zip", {"recipe": "pix2pix", "source": "right", "size": 64}),
    "pix2pix, 128 px, width 64": (
        "facades_128pairs.zip",
        {"recipe": "pix2pix", "source": "right", "size": 128, "changes": WIDE},
    ),
    "inpainting, 64 px": ("celeba64_10k.zip", {"recipe": "inpainting"}),
    "bigan": ("digits", {"recipe": "bigan"}),
}


def experiment(name: str, shared: Path, device: str) -> Experiment:
    data, options = GAMES[name]
    there = shared / data
    return prepare(there if there.exists() else data, device=device, **options)


def wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def pace(rounds: Rounds, seconds: float = 1.5) -> float:
    """Examples a second: rounds are given to the device as fast as they go, and waited for once."""
    step, device = rounds.recipe.batch * rounds.recipe.discriminator_moves, rounds.engine.device
    for _ in range(5):
        rounds.play()
    wait(device)
    found: list[float] = []
    for _ in range(3):
        began, played = time.perf_counter(), 0
        while time.perf_counter() - began < seconds / 3:
            for _ in range(4):
                rounds.play()
            played += 4
        wait(device)
        found.append(played * step / (time.perf_counter() - began))
    return median(found)


def reproducible(wanted: bool) -> None:
    """Whether kernels must give the same bits each time, where there are such kernels."""
    torch.backends.cudnn.deterministic = wanted
    torch.use_deterministic_algorithms(wanted, warn_only=True)


def speed(shared: Path, device: str, games: list[str]) -> None:
    print("\n| game | device | engine | examples a second | with kernels that repeat their bits |")
    print("|---|---|---|---|---|")
    for name in games:
        ready = experiment(name, shared, device)
        found = probe(ready.recipe, ready.dataset, device=ready.device)
        rounds = Rounds(ready.recipe, ready.dataset, found.engine)
        reproducible(False)
        free = pace(rounds)
        reproducible(True)
        held = pace(rounds)
        print(f"| {name} | {device} | {found.words} | {free:,.0f} | {held:,.0f} |", flush=True)


def state(rounds: Rounds) -> dict[str, Tensor]:
    tensors = rounds.tensors()
    return {f"{part}.{name}": value.clone() for part in tensors for name, value in tensors[part].items()}


def play(rounds: Rounds, n: int) -> Rounds:
    for _ in range(n):
        rounds.play(0.1)
    return rounds


def furthest(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    """0 where both are the same to the bit."""
    return max(
        (float((a[key].double() - b[key].double()).abs().max()) for key in a if a[key].numel()), default=0.0
    )


def bits(shared: Path, device: str, games: list[str], n: int = 24) -> None:
    for wanted in (False, True):
        reproducible(wanted)
        how = ", with kernels that repeat their bits" if wanted else ""
        print(f"\n| game{how} | twice the same | saved and loaded half-way | no such kernel |")
        print("|---|---|---|---|")
        for name in games:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                words = repeated(experiment(name, shared, device), n)
            said = [str(one.message) for one in heard]
            without = {line.split(" does not")[0] for line in said if "determinis" in line}
            print(f"| {name} | {words[0]} | {words[1]} | {', '.join(sorted(without))} |", flush=True)


def repeated(ready: Experiment, n: int) -> list[str]:
    engine = Engine(device=ready.device, channels_last=ready.dataset.space.dims == 2)

    def new() -> Rounds:
        return Rounds(ready.recipe, ready.dataset, engine)

    one, two, half = state(play(new(), n)), state(play(new(), n)), play(new(), n // 2)
    kept = {
        part: {key: value.cpu().clone() for key, value in values.items()}
        for part, values in half.tensors().items()
    }
    third = new()
    third.load(kept)
    third.nimg, third.rounds = half.nimg, half.rounds
    again = state(play(third, n - n // 2))
    return ["yes" if off == 0 else f"no: {off:.2g}" for off in (furthest(one, two), furthest(one, again))]


def gradients(shared: Path, device: str, games: list[str]) -> None:
    print("\n| game | here, with tf32 | without | on the processor |\n|---|---|---|---|")
    for name in ("dcgan, 28 px", "residual, 64 px"):
        ready = experiment(name, shared, device)
        rounds = play(Rounds(ready.recipe, ready.dataset, Engine(device=ready.device)), 40)
        batch = loader_of(ready.dataset.train, ready.recipe, ready.dataset.space).batch_at(0, 16)
        judge, cpu = rounds.game.players["discriminator"], torch.device("cpu")
        exact = change(judge, batch, cpu, torch.float64)
        off: list[float] = []
        for where, tf32 in ((ready.device, True), (ready.device, False), (cpu, False)):
            torch.backends.cudnn.allow_tf32 = tf32
            found = change(judge, batch, where, torch.float32)
            off.append(float((found - exact).norm() / exact.norm()))
        print(f"| {name} | {' | '.join(f'{x:.2e}' for x in off)} |", flush=True)


@torch.no_grad()
def change(judge: nn.Module, batch: Batch, device: torch.device, dtype: torch.dtype) -> Tensor:
    """D(x + σε) − D(x), as ``judge`` says it on this device and in this precision."""
    judge = copy.deepcopy(judge).to(device, dtype)
    given = None if batch.condition is None else batch.condition.to(device, dtype)
    moved = batch.real + 0.01 * Rng(1).normal(*batch.real.shape)
    before, after = (judge(x.to(device, dtype), given) for x in (batch.real, moved))
    return (after - before).double().cpu()


def memory(shared: Path, device: str, games: list[str]) -> None:
    """A run that may use too little memory for its batch: into how many parts is it cut, and does it end?"""
    ready = experiment("residual, 64 px", shared, device)
    changes = {"batch": 256, "generator.width": 64, "discriminator.width": 64}
    ready = replace(ready, recipe=ready.recipe.with_changes(changes), budget=Budget(kimg=2), rescue=False)
    engine = Engine(device=ready.device)
    torch.cuda.reset_peak_memory_stats()
    play(Rounds(ready.recipe, ready.dataset, engine), 2)
    whole = torch.cuda.max_memory_allocated()
    print(f"\nthe whole batch of {ready.recipe.batch} needs {whole / 2**30:.2f} GiB")
    total = torch.cuda.get_device_properties(0).total_memory
    for share in (0.8, 0.4, 0.25, 0.1):
        engine.release()
        torch.cuda.set_per_process_memory_fraction(share * whole / total)
        with tempfile.TemporaryDirectory() as scratch:
            try:
                trainer = ready.start(Path(scratch) / "run", on_event=lambda line: print("   ", line))
                outcome = trainer.train()
                words = f"{outcome.reason} after {outcome.nimg}, in {trainer.engine.parts} parts"
                del trainer  # and with it what it holds of the device
            except MachineError as error:
                words = str(error)
            print(f"with {share:.0%} of it: {words}", flush=True)
    torch.cuda.set_per_process_memory_fraction(1.0)


def moves(shared: Path, device: str, games: list[str]) -> None:
    """A run begun on the device, gone on with on the processor, and back."""
    ready = replace(experiment("digits", shared, device), budget=Budget(kimg=2), rescue=False)
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        ready.start(run).train()
        for kimg, where in ((3, "cpu"), (4, device)):
            trainer = resume(run, kimg=kimg, device=where, on_event=print)
            outcome = trainer.train()
            print(f"on {where}: {outcome.reason} at {outcome.nimg}", flush=True)


PARTS: dict[str, Callable[[Path, str, list[str]], None]] = {
    "speed": speed,
    "bits": bits,
    "gradients": gradients,
    "memory": memory,
    "moves": moves,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, required=True, help="the folder of real data")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--games", nargs="*", choices=list(GAMES), default=list(GAMES))
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    options = parser.parse_args()
    for part in options.only:
        PARTS[part](options.shared, options.device, options.games)


if __name__ == "__main__":
    main()
