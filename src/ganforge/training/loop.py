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
from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.health.diagnosis import diagnose
from ganforge.health.finding import Finding
from ganforge.health.measures import bad
from ganforge.health.numbers import broken_numbers
from ganforge.runs import checkpoint
from ganforge.runs.files import write_atomically
from ganforge.runs.folder import Run
from ganforge.runs.pictures import png, show
from ganforge.runs.sampler import sampler_of
from ganforge.training.clock import Alarm, Budget, Plan
from ganforge.training.engine import Engine
from ganforge.training.ledger import Statistics
from ganforge.training.rounds import Rounds
from ganforge.training.signals import StopRequest
from ganforge.training.standing import Standing
from ganforge.training.watch import Watch

__all__ = ["Outcome", "Tick", "Trainer"]

GALLERY = 64  # fixed latents, so that pictures are comparable through time
SCATTER = 2_000  # the same for points
_LOST = 8  # examinations in a row past its best, after which a run that may be rescued is stopped
_WINDOW = 32  # rounds, in which a fifth of the moves may be refused


@dataclass(frozen=True)
class Tick:
    """What is known when the log is written.

    Attributes:
        nimg, total_nimg: examples shown, and to be shown.
        seconds: seconds trained.
        seconds_left: an estimate, or None.
        record: the line of ``log.jsonl``.
        picture: the samples' file.
        findings: of the last examination.
        score: value and floor of the score that the run is judged by, at the last examination, or None.
    """

    nimg: int
    total_nimg: int
    seconds: float
    seconds_left: float | None
    record: dict[str, Any]
    picture: Path
    findings: tuple[Finding, ...] = ()
    score: tuple[float, float] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        finished: whether the budget was used up.
        reason: why it ended, in words.
        exit_code: 0, or 130 after Ctrl-C, 143 after SIGTERM or SIGUSR1.
        nimg, seconds: how far it came.
        watching: seconds of these that went into log, pictures, examinations and findings, since the start
            or the last resume.
    """

    finished: bool
    reason: str
    exit_code: int
    nimg: int
    seconds: float
    watching: float = 0.0


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
        rescue: where a failure is found that has a remedy, go back to the best moment and apply it.
        patience: stop where the score has not improved for so many examinations. None does not: rates,
            penalties and noise fall until the budget's end, and much of the quality comes last.
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
    rescue: bool = False
    patience: int | None = None
    tick_nimg: int | None = None
    save_seconds: float = 120.0

    def __post_init__(self) -> None:
        self.engine.apply()
        self.plan = Plan(self.budget)
        self.standing = Standing()
        self.findings: tuple[Finding, ...] = ()
        self._score: tuple[float, float] | None = None
        self._watching = 0.0
        self._noted: tuple[int, dict[str, Statistics]] = (0, {})
        self._play(self.run.recipe)
        self.watch = Watch(self.run, self.dataset, self.plan)

    def _play(self, recipe: Recipe) -> None:
        """Set the players up anew by ``recipe``."""
        self.rounds = Rounds(recipe, self.dataset, self.engine)
        self._sampler = sampler_of(self.rounds.average.network, recipe, self.run.space)
        self._window = (0, 0)  # rounds and refused moves where the watch over refusals began

    @property
    def nimg(self) -> int:
        return self.rounds.nimg

    # -- the loop ---------------------------------------------------------------------------------

    def train(self, stop: StopRequest | None = None) -> Outcome:
        """Train until the budget is used up or somebody asks to stop; in both cases everything is saved.

        Raises:
            DivergenceError: updates were refused again and again, because gradients are not finite.
            MachineError: the disk is full; what was saved before is intact.
            RunError: the run folder's data are not ``dataset``, or another process trains in it.
        """
        with self.run.locked(), stop or StopRequest() as request:
            self._resume()
            return self._loop(request)

    def _loop(self, request: StopRequest) -> Outcome:
        ticking = Alarm(first=1.0, longest=60.0, share=0.05, cost_factor=100.0)
        saving = Alarm(first=15.0, longest=self.save_seconds, share=0.5)
        self.watch.afford(self.rounds)
        if self.nimg == 0:  # the players before their first move: a picture and something to resume from
            self.on_event(f"first samples, before any move: {self._picture()}")
            self.tick(examine=True)
            self.save()
        done = ""
        while not done and request.exit_code is None:
            if self.nimg and self.plan.done(self.nimg):  # one round is played in the shortest of times
                done = "the budget is used up"
                break
            self.rounds.play(self.plan.progress(self.nimg))
            self._check_finite()
            step = self.rounds.recipe.batch * self.rounds.recipe.discriminator_moves
            if self.watch.due(self.nimg, step):
                self.tick(examine=True)
                done = self._act()
            elif ticking.rings() if self.tick_nimg is None else self.nimg % self.tick_nimg == 0:
                began = time.perf_counter()
                self.tick()
                ticking.answered(time.perf_counter() - began)
            if saving.rings():
                began = time.perf_counter()
                self.save()
                saving.answered(time.perf_counter() - began)
        self.tick(examine=bool(done) and self.watch.examined_at != self.nimg)
        self.save()
        reason = done or f"stopped by {request.reason}"
        self.run.add_event(
            "finished" if done else "interrupted", nimg=self.nimg, seconds=self.plan.seconds, reason=reason
        )
        exit_code = request.exit_code or 0
        return Outcome(bool(done), reason, exit_code, self.nimg, self.plan.seconds, self._watching)

    def tick(self, *, examine: bool = False) -> None:
        """Write the log and a picture. The one place where the host waits for the device."""
        began = time.perf_counter()
        noted = self.rounds.ledger.close()
        if not noted and not examine:
            return
        if not noted and self._noted[0] == self.nimg:  # an examination right after a tick retells its line
            noted = self._noted[1]
        self._noted = (self.nimg, noted)
        self.plan.follow(self.nimg)
        record: dict[str, Any] = {
            "nimg": self.nimg,
            "rounds": self.rounds.rounds,
            "seconds": round(self.plan.seconds, 3),
            "progress": self.plan.progress(self.nimg),
            "refused": self.rounds.referee.refused,
            **noted,
        }
        if examine:
            self._examine(record)
        self.run.add_log(record)
        picture = self._picture()
        tick = Tick(
            self.nimg,
            self.plan.total_nimg,
            self.plan.seconds,
            self.plan.seconds_left(self.nimg),
            record,
            picture,
            self.findings,
            self._score,
        )
        try:
            self.on_tick(tick)
        except Exception as error:  # watching is never fatal
            self.run.add_event("watching failed", error=repr(error))
        self._watching += time.perf_counter() - began

    # -- examinations, and what follows from them -------------------------------------------------

    def _examine(self, record: dict[str, Any]) -> None:
        """Look at the game from outside: the examination goes into ``record``, its findings are told."""
        began = time.perf_counter()
        record["examination"] = self.watch.examine(self.rounds, self._sampler)
        record["since"] = self.rounds.ledger.close_longer()
        record |= self.watch.since(record)
        self.watch.examined(record, time.perf_counter() - began)
        history = self.watch.history(self.rounds)
        last = history.examined[-1]
        headline = record["examination"]["headline"]
        value, low, high, floor = (last.score(headline, part) for part in ("value", "low", "high", "floor"))
        self._score = (value, floor) if math.isfinite(value) else None
        if self.standing.examined(self.nimg, value, low, high, floor, bad=bad(last)):
            saving = time.perf_counter()
            self.save()
            self._watching -= time.perf_counter() - saving  # a checkpoint is no cost of watching
        former = {found.code for found in self.findings}
        self.findings = tuple(diagnose(history).findings)
        for found in self.findings:
            if found.code not in former:
                self.run.add_event("finding", nimg=self.nimg, finding=found.to_json())
                if found.rank >= 2:
                    self.on_event(f"{found.severity}   {found.code}: {found.meaning} {found.remedy}")
        for code in former - {found.code for found in self.findings}:
            self.run.add_event("finding gone", nimg=self.nimg, code=code)

    def _act(self) -> str:
        """After an examination: roll back, or say why to stop; empty to go on."""
        failure = self.standing.confirmed(self.findings)
        if failure is not None and self._rescued(failure):
            return ""
        standing, best = self.standing, f"it was best at kimg {(self.standing.best_nimg or 0) / 1000:,.1f}"
        if self.patience is not None and standing.since_best >= self.patience:
            return f"the score has not improved for {standing.since_best} examinations; {best}"
        if self.rescue and standing.worse >= _LOST:
            return f"the score has been much worse than its best for {standing.worse} examinations; {best}"
        return ""

    def _rescued(self, finding: Finding) -> bool:
        """Go back to the best moment and on with ``finding.changes``; False where that cannot be.

        Where even the best samples were bad, its players are no good either: then the run begins anew.
        """
        if not self.rescue or not self.standing.rescues_left:
            return False
        goal = self.standing.best_nimg if self.standing.worth_keeping else 0
        assert goal is not None
        try:
            recipe = self.rounds.recipe.with_changes(finding.changes)
            path = checkpoint.path_of(self.run.checkpoints, goal)
            best = checkpoint.read_checkpoint(path) if goal else None
        except (RunError, UsageError) as error:
            self.run.add_event("rescue failed", nimg=self.nimg, code=finding.code, why=str(error))
            return False
        seen, rescues = self.nimg, self.standing.rescues
        checkpoint.forget_after(self.run.checkpoints, goal if goal else -1)
        self._play(recipe)
        if best is not None:
            self._go_on_from(best, anew=("penalties.", "augment."))
        else:
            self.standing = Standing()
            self.watch.back_to(0)
        self.plan.back_to(self.nimg)
        self.standing.rescues = rescues
        self.standing.rescued(seen, goal, finding)
        if best is None:
            self.save()
        self.run.add_event("rescued", **self.standing.rescues[-1])
        changes = ", ".join(f"{key} = {value}" for key, value in finding.changes.items())
        where = f"back to kimg {goal / 1000:,.1f}, and on" if goal else "from the start again,"
        self.on_event(
            f"rescue {len(self.standing.rescues)}: {finding.code} at kimg {seen / 1000:,.1f}; "
            f"{where} with {changes}"
        )
        return True

    def _check_finite(self) -> None:
        """Stop, or roll back, where updates are refused again and again. Counted in rounds, not in time."""
        rounds, refused = self._window
        since = self.rounds.referee.refused - refused
        moves = _WINDOW * (1 + self.rounds.recipe.discriminator_moves)
        if since >= max(3.0, 0.2 * moves):
            self._diverged(since)
        elif self.rounds.rounds - rounds >= _WINDOW:
            if since:
                self.run.add_event("refused", nimg=self.nimg, moves=since, of=moves)
                self.on_event(f"{since} of {moves} updates refused: their gradients were not finite")
            self._window = (self.rounds.rounds, self.rounds.referee.refused)

    def _diverged(self, since: int) -> None:
        """Numbers are no longer finite: the rescue's first case. Raises DivergenceError where it is spent."""
        noted = self.rounds.ledger.close()
        broken = [name for name, values in noted.items() if not math.isfinite(values["mean"])]
        seen = ", ".join(broken) or "the gradient norm"
        self.run.add_log({"nimg": self.nimg, "refused": self.rounds.referee.refused, **noted})
        self.run.add_event("diverged", nimg=self.nimg, refused=since, not_finite=broken)
        recipe = self.rounds.recipe
        moves = _WINDOW * (1 + recipe.discriminator_moves)
        finding = broken_numbers(recipe, self.nimg, since, since / moves)
        self.run.add_event("finding", nimg=self.nimg, finding=finding.to_json())
        if self._rescued(finding):
            return
        raise DivergenceError(
            f"training stopped at {self.nimg} examples: {since} updates had gradients that are not finite "
            f"({seen}). The last good checkpoint is in {self.run.checkpoints}. Try smaller steps: "
            f"{finding.command()}"
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
            "standing": self.standing.to_json(),
            "noted": self.rounds.ledger.state(),
        }
        checkpoint.write_checkpoint(self.run.checkpoints, state=state, tensors=self.rounds.tensors())
        checkpoint.prune(self.run.checkpoints, best=self.standing.best_nimg)

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
            self.plan = self.watch.plan = Plan(self.budget)
            return
        state = found.state
        difference = _difference(state.get("recipe", {}), self.run.recipe)
        if difference and not self.accept_changes:
            raise RunError(
                f"{found.path} does not fit the recipe in {self.run.path / 'run.json'}, which has been "
                f"changed: {difference}. Put it back, or accept it: --accept-changes"
            )
        recipe = self.run.recipe_at(found)
        if recipe != self.run.recipe:
            self._play(recipe)
        self._go_on_from(found)
        self.plan = self.watch.plan = Plan(
            self.budget, nimg=self.nimg, seconds=state["seconds"], total_nimg=state["total_nimg"]
        )
        if self.nimg:
            self.run.add_event("resumed", nimg=self.nimg, checkpoint=found.path.name)
            self._say_if_moved()

    def _go_on_from(self, found: checkpoint.Checkpoint, *, anew: tuple[str, ...] = ()) -> None:
        """Put the players, and how the run stands, where they were at this checkpoint."""
        state = found.state
        try:
            self.rounds.load(found.tensors, anew=anew)
            self.rounds.nimg, self.rounds.rounds = state["nimg"], state["round"]
            self.rounds.referee.refused = state["refused"]
            self._window = (state["round"], state["refused"])
            self.rounds.ledger.load(state["noted"])
            self.standing = Standing.from_json(state["standing"])
        except (KeyError, RuntimeError, TypeError, ValueError, IndexError) as error:
            reason = " ".join(str(error).split())[:300]
            raise RunError(f"{found.path} does not fit the recipe in run.json: {reason}") from None
        self.watch.back_to(self.nimg)
        self.findings = tuple(diagnose(self.watch.history(self.rounds)).findings) if self.nimg else ()

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
