"""The training loop: rounds, ticks, saves, and a resume that continues bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ganforge.core.errors import DivergenceError, RunError, UsageError
from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.networks.players import condition_size
from ganforge.runs import checkpoint
from ganforge.runs.files import write_atomically
from ganforge.runs.folder import Run
from ganforge.runs.pictures import png, show
from ganforge.runs.sampler import GeneratorSampler
from ganforge.training.clock import Alarm, Budget, Plan
from ganforge.training.engine import Engine
from ganforge.training.rounds import Rounds
from ganforge.training.signals import StopRequest

__all__ = ["Outcome", "Tick", "Trainer"]

GALLERY = 64  # fixed latents, so that pictures are comparable through time
SCATTER = 2_000  # the same for points


@dataclass(frozen=True)
class Tick:
    """What is known when the log is written.

    Attributes:
        nimg, total_nimg: examples shown, and to be shown.
        seconds: seconds trained.
        seconds_left: an estimate, or None.
        record: the line of ``log.jsonl``.
        picture: the samples' file.
    """

    nimg: int
    total_nimg: int
    seconds: float
    seconds_left: float | None
    record: dict[str, Any]
    picture: Path


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        finished: whether the budget was used up.
        reason: why it ended, in words.
        exit_code: 0, or 130 after Ctrl-C, 143 after SIGTERM or SIGUSR1.
        nimg, seconds: how far it came.
    """

    finished: bool
    reason: str
    exit_code: int
    nimg: int
    seconds: float


def _ignore(_: Any) -> None:
    return


@dataclass
class Trainer:
    """Trains the recipe of ``run`` on ``dataset``.

    Attributes:
        run: the folder; the newest valid checkpoint in it is continued.
        dataset: what to learn; its fingerprint must be the run's.
        budget: how long, in all (the time before a resume counts).
        engine: device, precision, memory format, threads and parts.
        on_tick: called whenever the log is written. An error in it is not training's affair.
        on_event: called with a line of text for the user: a damaged checkpoint, a refused update.
        accept_changes: continue although the recipe is no longer that of the checkpoint.
        tick_nimg: tick every so many examples; None ticks by the clock.
        save_seconds: longest time between two checkpoints.
    """

    run: Run
    dataset: Dataset
    budget: Budget
    engine: Engine = field(default_factory=Engine)
    on_tick: Callable[[Tick], None] = _ignore
    on_event: Callable[[str], None] = _ignore
    accept_changes: bool = False
    tick_nimg: int | None = None
    save_seconds: float = 120.0

    def __post_init__(self) -> None:
        recipe = self.run.recipe
        self.engine.apply()
        self.rounds = Rounds(recipe, self.dataset, self.engine)
        self.plan = Plan(self.budget)
        self._refused_before = 0
        self._rounds_before = 0
        self._sampler = GeneratorSampler(
            self.rounds.average.network,
            space=self.run.space,
            prior=Prior(recipe.latent, recipe.prior, recipe.latent_bits),
            conditions=condition_size(recipe, self.run.space),
        )

    @property
    def nimg(self) -> int:
        return self.rounds.nimg

    # -- the loop ---------------------------------------------------------------------------------

    def train(self, stop: StopRequest | None = None) -> Outcome:
        """Train until the budget is used up or somebody asks to stop; in both cases everything is saved.

        Raises:
            DivergenceError: most updates since the last tick were refused, because gradients are not finite.
            MachineError: the disk is full; what was saved before is intact.
            RunError: the run folder's data are not ``dataset``, or another process trains in it.
        """
        with self.run.locked(), stop or StopRequest() as request:
            self._resume()
            return self._loop(request)

    def _loop(self, request: StopRequest) -> Outcome:
        ticking = Alarm(first=1.0, longest=60.0, share=0.05)
        saving = Alarm(first=15.0, longest=self.save_seconds, share=0.5)
        if self.nimg == 0:  # the players before their first move: a picture and something to resume from
            self.save()
            self.on_event(f"first samples, before any move: {self._picture()}")
        while not self.plan.done(self.nimg) and request.exit_code is None:
            self.rounds.play(self.plan.progress(self.nimg))
            due = ticking.rings() if self.tick_nimg is None else self.nimg % self.tick_nimg == 0
            if due:
                began = time.perf_counter()
                self.tick()
                ticking.answered(time.perf_counter() - began)
            if saving.rings():
                began = time.perf_counter()
                self.save()
                saving.answered(time.perf_counter() - began)
        finished = request.exit_code is None
        self.tick()
        self.save()
        reason = "the budget is used up" if finished else f"stopped by {request.reason}"
        self.run.add_event(
            "finished" if finished else "interrupted",
            nimg=self.nimg,
            seconds=self.plan.seconds,
            reason=reason,
        )
        return Outcome(finished, reason, request.exit_code or 0, self.nimg, self.plan.seconds)

    def tick(self) -> None:
        """Write the log and a picture. The one place where the host waits for the device."""
        noted = self.rounds.ledger.close()
        if not noted:
            return
        self.plan.follow(self.nimg)
        seconds = self.plan.seconds
        record: dict[str, Any] = {
            "nimg": self.nimg,
            "rounds": self.rounds.rounds,
            "seconds": round(seconds, 3),
            "progress": self.plan.progress(self.nimg),
            "refused": self.rounds.referee.refused,
            **noted,
        }
        self.run.add_log(record)
        picture = self._picture()
        self._check_finite(noted)
        tick = Tick(
            self.nimg, self.plan.total_nimg, seconds, self.plan.seconds_left(self.nimg), record, picture
        )
        try:
            self.on_tick(tick)
        except Exception as error:  # watching is never fatal
            self.run.add_event("watching failed", error=repr(error))

    def _check_finite(self, noted: dict[str, dict[str, float]]) -> None:
        """Stop where updates are being refused again and again; a single refusal is only reported."""
        since = self.rounds.referee.refused - self._refused_before
        played = self.rounds.rounds - self._rounds_before
        self._refused_before, self._rounds_before = self.rounds.referee.refused, self.rounds.rounds
        if not since:
            return
        moves = played * (1 + self.run.recipe.discriminator_moves)
        self.run.add_event("refused", nimg=self.nimg, moves=since, of=moves)
        self.on_event(f"{since} of {moves} updates refused: their gradients were not finite")
        broken = [name for name, values in noted.items() if not math.isfinite(values["mean"])]
        if since >= 3 and since >= 0.2 * moves:
            self.run.add_event("diverged", nimg=self.nimg, not_finite=broken)
            raise DivergenceError(
                f"training stopped at {self.nimg} examples: {since} of the last {moves} updates had "
                f"gradients that are not finite ({', '.join(broken) or 'the gradient norm'}). The last good "
                f"checkpoint is in {self.run.checkpoints}. Try half the rate: --set "
                f"generator.learning_rate={self.run.recipe.generator.learning_rate / 2:g}"
            )

    def _picture(self) -> Path:
        """Samples of the fixed latents by the moving average, ``samples/<nimg>.png``."""
        space = self.run.space
        n = SCATTER if space.kind == "points" else GALLERY
        samples = self._sampler.sample(n, seed=self.run.recipe.seed)
        real = self.dataset.train.values[:SCATTER] if space.kind == "points" else None
        path = self.run.path / "samples" / f"{self.nimg:012d}.png"
        write_atomically(path, png(show(samples.numpy(), space, real=real)))
        return path

    # -- save and resume --------------------------------------------------------------------------

    def save(self) -> None:
        """Write a checkpoint of this moment and delete those that are no longer needed."""
        state = {
            "nimg": self.nimg,
            "round": self.rounds.rounds,
            "total_nimg": self.plan.total_nimg,
            "seconds": self.plan.seconds,
            "refused": self.rounds.referee.refused,
            "recipe": self.run.recipe.to_json(),
        }
        checkpoint.write_checkpoint(self.run.checkpoints, state=state, tensors=self.rounds.tensors())
        checkpoint.prune(self.run.checkpoints)

    def _resume(self) -> None:
        """Continue from the newest valid checkpoint, where there is one."""
        self.run.clean()
        found, passed_over = checkpoint.newest(self.run.checkpoints)
        for line in passed_over:
            self.on_event(f"{line}; falling back to the one before")
            self.run.add_event("damaged checkpoint", what=line)
        if found is None:
            if passed_over:
                reasons = "; ".join(passed_over)
                raise RunError(
                    f"{self.run.path} has no checkpoint that can be read: {reasons}; train it anew"
                )
            self.plan = Plan(self.budget)
            return
        state = found.state
        difference = _difference(state.get("recipe", {}), self.run.recipe)
        if difference and not self.accept_changes:
            raise RunError(
                f"{found.path} does not fit the recipe in {self.run.path / 'run.json'}, which has been "
                f"changed: {difference}. Put it back, or accept it: --accept-changes"
            )
        try:
            self.rounds.load(found.tensors)
            self.rounds.nimg, self.rounds.rounds = state["nimg"], state["round"]
            self.rounds.referee.refused = self._refused_before = state["refused"]
            self._rounds_before = self.rounds.rounds
            self.plan = Plan(
                self.budget, nimg=self.nimg, seconds=state["seconds"], total_nimg=state["total_nimg"]
            )
        except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as error:
            reason = " ".join(str(error).split())[:300]
            raise RunError(f"{found.path} does not fit the recipe in run.json: {reason}") from None
        if self.nimg:
            self.run.add_event("resumed", nimg=self.nimg, checkpoint=found.path.name)
            self._say_if_moved()

    def _say_if_moved(self) -> None:
        """Bits depend on the device, the threads and torch itself: say so where they are others now."""
        info = self.run.info
        former = {
            "device": info.get("engine", {}).get("device"),
            "threads": info.get("threads"),
            "torch": info.get("torch"),
        }
        now = {
            "device": str(self.engine.device),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
        moved = {name: [old, now[name]] for name, old in former.items() if old not in (None, now[name])}
        if moved:
            self.run.add_event("moved", nimg=self.nimg, changed=moved)
            words = ", ".join(f"{name} {old} → {new}" for name, (old, new) in moved.items())
            self.on_event(f"moved: {words}; training goes on from the same state, but not bit for bit")


def _difference(former: dict[str, Any], now: Recipe) -> str:
    """What differs between a recipe as plain data and another one, in words; empty where nothing does."""
    if not former:
        return ""
    try:
        before, after = _flat(Recipe.from_json(former).to_json()), _flat(now.to_json())
    except UsageError as error:
        return str(error)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name)} → {after.get(name)}" for name in names)


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested plain data as dotted names."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = [
            (str(item.get("name", i)) if isinstance(item, dict) else str(i), item)
            for i, item in enumerate(value)
        ]
    else:
        return {name: value}
    return {k: v for key, item in items for k, v in _flat(item, f"{name}.{key}".lstrip(".")).items()}
