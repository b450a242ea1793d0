"""The training loop: rounds, ticks, saves, and a resume that continues bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ganforge.core.errors import DivergenceError, MachineError, RunError, UsageError, out_of_memory
from ganforge.core.recipe import Recipe
from ganforge.data import Dataset
from ganforge.health.diagnosis import diagnose, with_measures
from ganforge.health.finding import Finding
from ganforge.health.measures import bad
from ganforge.health.numbers import broken_numbers
from ganforge.runs import checkpoint
from ganforge.runs.folder import Run
from ganforge.training.changes import changed_since, difference_of
from ganforge.training.clock import Alarm, Budget, Plan
from ganforge.training.engine import Engine
from ganforge.training.pace import Pace
from ganforge.training.preview import Preview
from ganforge.training.probe import fewer_threads
from ganforge.training.processes import Order, Together
from ganforge.training.progress import RunProgress
from ganforge.training.rescue import way_back, why_stop
from ganforge.training.rounds import Rounds
from ganforge.training.signals import StopRequest
from ganforge.training.statistics import Statistics
from ganforge.training.watch import Watch

__all__ = ["Outcome", "Tick", "Trainer"]

_MOST_PARTS = 8  # that a batch is cut into where it does not fit into memory: it is halved three times
_RETRY = 1.5  # seconds of the processor's time, to measure threads anew
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


class StopTraining(Exception):  # noqa: N818  no error
    """Raised in ``on_tick``: the training is saved and ends, as after Ctrl-C. Its text says why."""


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
        on_tick: called whenever the log is written. An error in it is not training's affair, but for
            :class:`StopTraining`.
        on_event: called with a line of text for the user: a damaged checkpoint, a refused update.
        accept_changes: continue although the recipe is no longer that of the checkpoint.
        rescue: where a failure is found that has a remedy, go back to the best moment and apply it.
        patience: stop where the score has not improved for so many examinations. None does not: rates,
            penalties and noise fall until the budget's end, and much of the quality comes last.
        tick_nimg: tick every so many examples; None ticks by the clock.
        save_seconds: longest time between two checkpoints.
        spent: seconds of the budget's clock that preparing has taken.
        together: the processes that train with this one, the first of them; ``engine.parts`` are shared out
            among them all.
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
    spent: float = 0.0
    together: Together | None = None

    def __post_init__(self) -> None:
        self.engine.apply()
        self._pace = Pace(self.engine)
        self.plan = self._planned(seconds=self.spent)
        self.opened: checkpoint.Opened | None = None  # what was resumed from, once it is
        self.run_progress = RunProgress()
        self.findings: tuple[Finding, ...] = ()
        self._failure: Finding | None = None  # seen often enough to act upon, at the last examination
        self._score: tuple[float, float] | None = None
        self._watching = 0.0
        self._stop = ""
        self._noted: tuple[int, dict[str, Statistics]] = (0, {})
        self._preview = Preview(self.run, self.dataset)
        self._play(self.run.recipe)
        self.watch = Watch(self.run, self.dataset, self.plan)

    def _play(self, recipe: Recipe) -> None:
        """Set the players up anew by ``recipe``."""
        self.rounds = Rounds(recipe, self.dataset, self.engine, self.together)
        self._followed = False  # whether the other processes have these players
        self._sampler = self._preview.sampler(self.rounds.average.network, recipe)
        self._window = (0, 0)  # rounds and refused moves where the watch over refusals began

    @property
    def nimg(self) -> int:
        return self.rounds.nimg

    # -- the loop ---------------------------------------------------------------------------------

    def _planned(self, **spent: Any) -> Plan:
        return Plan(self.budget, most_nimg=round(1000 * self.run.recipe.most_kimg), **spent)

    def _plan_anew(self, **spent: Any) -> None:
        """The plan from here on, also where a training that was too large goes on in smaller parts."""
        self.plan = self.watch.plan = self._planned(**spent)
        self.plan.costs = self.rounds.costs()

    def train(self, stop: StopRequest | None = None) -> Outcome:
        """Train until the budget is used up or somebody asks to stop; in both cases everything is saved.

        Raises:
            DivergenceError: updates were refused again and again, because gradients are not finite.
            MachineError: the disk is full, or the game does not fit into memory; what was saved before is
                intact.
            RunError: the run folder's data are not ``dataset``, or another process trains in it.
        """
        with self.run.locked(), stop or StopRequest() as request:
            try:
                self._resume()
                return self._loop(request)
            finally:
                if self.together is not None:
                    self.together.end()

    def _loop(self, request: StopRequest) -> Outcome:
        ticking = Alarm(first=1.0, longest=60.0, share=0.05, cost_factor=100.0)
        saving = Alarm(first=15.0, longest=self.save_seconds, share=0.5)
        self.watch.afford(self.rounds)
        if self.nimg == 0:  # the players before their first move: a picture and something to resume from
            self._notify(f"first samples, before training: {self._preview.write(self._sampler, self.nimg)}")
            self.tick(examine=True)
            self.save()
            self.plan.back_to(0)  # looking at what has not been trained is no measure of the speed
        done = ""
        while not done and request.exit_code is None:
            if self.nimg and self.plan.done(self.nimg):  # one round is played in the shortest of times
                done = "the budget is used up"
                break
            self._round()
            self._check_finite()
            if self.together is not None and self.together.exit_code and request.exit_code is None:
                request.ask("a signal to another process", self.together.exit_code)
            if self.together is None and self._pace.falls_short():
                self._choose_threads()
            step = self.rounds.recipe.batch * self.rounds.recipe.discriminator_moves
            if self.watch.due(self.nimg, step):
                self.tick(examine=True)
                ticking.acknowledge()
                done = self._act()
            elif ticking.rings() if self.tick_nimg is None else self.nimg % self.tick_nimg == 0:
                began = time.perf_counter()
                self.tick()
                ticking.acknowledge(time.perf_counter() - began)
            if self._stop and request.exit_code is None:
                request.ask(self._stop)
            if saving.rings() or request.save:
                began, request.save = time.perf_counter(), False
                self.save()
                saving.acknowledge(time.perf_counter() - began)
        self.tick(examine=bool(done) and self.watch.examined_at != self.nimg)
        if done:
            self._find(finished=True)  # what there is now is the result
        self.save()
        reason = done or f"stopped by {request.reason}"
        self.run.add_event(
            "finished" if done else "interrupted", nimg=self.nimg, seconds=self.plan.seconds, reason=reason
        )
        exit_code = request.exit_code or 0
        return Outcome(bool(done), reason, exit_code, self.nimg, self.plan.seconds, self._watching)

    def _round(self) -> None:
        """Play a round; where it does not fit into memory, go on from the last checkpoint in smaller parts.

        Raises MachineError where parts of an eighth do not fit either.
        """
        progress = self.plan.progress(self.nimg)
        if self.together is not None:
            if not self._followed:
                self._have_followers(self.together)
            self.together.order(Order.PLAY, progress)
        try:
            self.rounds.play(progress)
            return
        except RuntimeError as error:
            why = out_of_memory(error)
            if not why:
                raise
        # Only here, where the error and with it the round's tensors are gone, is there memory again.
        self._halve_parts(why)

    def _have_followers(self, together: Together) -> None:
        """Give the other processes what is played from now on."""
        together.begin(
            {
                "run": str(self.run.path),
                "data": self.dataset.manifest,
                "engine": self.engine.to_json(),
                "recipe": self.rounds.recipe.to_json(),
                "state": self.rounds.state(),
            }
        )
        self._followed = True

    def _halve_parts(self, why: str) -> None:
        """Cut batches into twice as many parts, whose gradients add up to the same."""
        recipe, device = self.rounds.recipe, self.engine.device
        parts = 2 * self.engine.parts
        if self.together is not None or parts > _MOST_PARTS or recipe.batch % (parts * recipe.packing):
            how = "whole" if self.engine.parts == 1 else f"in {self.engine.parts} parts too"
            raise MachineError(
                f"{device} has too little memory for this game, with the batch of {recipe.batch} played "
                f"{how} ({why}); close what else uses it, or choose smaller pictures "
                f"(--size) or networks (--set generator.width={max(recipe.generator.width // 2, 1)} "
                f"discriminator.width={max(recipe.discriminator.width // 2, 1)})"
            )
        self.run.add_event("out of memory", nimg=self.nimg, parts=parts, why=why)
        self._notify(
            f"out of memory at kimg {self.nimg / 1000:,.1f}: from the last checkpoint on, the batch of "
            f"{recipe.batch} is played in {parts} parts of {recipe.batch // parts}, to the same gradient"
        )
        self.engine = replace(self.engine, parts=parts)
        self._note_engine()
        del self.rounds, self._sampler
        self.engine.release()
        self._play(recipe)
        self._resume()

    def _choose_threads(self) -> None:
        """Go on with one thread where the machine has become busy, from a checkpoint of this moment."""
        engine = fewer_threads(self.engine, self.rounds.recipe, self.dataset, seconds=_RETRY)
        if engine == self.engine:
            self._pace.stays()
            return
        before = self.engine.threads or torch.get_num_threads()
        self.save()  # what follows has other bits: a resume must not repeat what was played until here
        self.engine = engine
        engine.apply()
        self.rounds.go_on_with(engine)
        self._pace = Pace(engine)
        self._note_engine(threads=torch.get_num_threads())
        self.run.add_event("fewer threads", nimg=self.nimg, threads=engine.threads, before=before)
        self._notify(
            f"the machine is busy, and {before} threads wait for each other: on with one thread, which is "
            "faster now; its results are not bit for bit those of more"
        )

    def _note_engine(self, **changes: Any) -> None:
        """Keep how it is computed now, so that a resume does the same."""
        self.run.info.update(engine=self.engine.to_json(), **changes)
        self.run.write()

    def tick(self, *, examine: bool = False) -> None:
        """Write the log and a picture. The one place where the host waits for the device."""
        began = time.perf_counter()
        noted = self.rounds.statistics.close()
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
        if self.rounds.recipe.growth:
            record["growth"] = self.rounds.growth
        better = self._examine(record) if examine else False
        self.run.add_log(record)  # before the save: a resume from there must know what was seen here
        if better:
            saving = time.perf_counter()
            self.save()
            began += time.perf_counter() - saving  # a checkpoint is no cost of watching
        picture = self._preview.write(self._sampler, self.nimg)
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
        except StopTraining as stop:
            self._stop = str(stop) or "its caller"
        except Exception as error:  # watching is never fatal
            self.run.add_event("watching failed", error=repr(error))
        self._watching += time.perf_counter() - began

    # -- examinations, and what follows from them -------------------------------------------------

    def _examine(self, record: dict[str, Any]) -> bool:
        """Look at the game from outside: the examination goes into ``record``, its findings are told.

        Says whether it is the best moment so far.
        """
        began = time.perf_counter()
        record["examination"] = self.watch.examine(self.rounds, self._sampler)
        record["since"] = self.rounds.statistics.close_longer()
        record |= self.watch.since(record)
        self.watch.examined(record, time.perf_counter() - began)
        last = self.watch.history(self.rounds).examined[-1]
        headline = record["examination"]["headline"]
        value, low, high, floor = (last.score(headline, part) for part in ("value", "low", "high", "floor"))
        self._score = (value, floor) if math.isfinite(value) else None
        self.run_progress.grown(self.rounds.growth)
        better = self.run_progress.examined(self.nimg, value, low, high, floor, bad=bad(last))
        self._find()
        self._failure = self.run_progress.confirmed(self.findings) if self.nimg else None
        return better

    def _find(self, *, finished: bool = False) -> None:
        """Ask what the examinations so far show; what is new, graver or gone is told."""
        former = {found.code: found.severity for found in self.findings}
        self.findings = diagnose(self.watch.history(self.rounds, finished=finished)).findings
        for found in self.findings:
            if former.pop(found.code, "") != found.severity:
                self.run.add_event("finding", nimg=self.nimg, finding=found.to_json())
                if found.rank >= 2:
                    self._notify(f"{found.severity}   {found.name}: {found.meaning} {found.remedy}")
        for code in former:
            self.run.add_event("finding gone", nimg=self.nimg, code=code)

    def _act(self) -> str:
        """After an examination: roll back, or say why to stop; empty to go on."""
        if self._failure is not None and self._rescued(self._failure):
            return ""
        return why_stop(self.run_progress, patience=self.patience, rescue=self.rescue)

    def _rescued(self, finding: Finding) -> bool:
        """Go the :func:`way_back` and on with ``finding.changes``; False where that cannot be."""
        if not self.rescue or not self.run_progress.rescues_left:
            return False
        try:
            way = way_back(self.run, self.run_progress, self.rounds.recipe, finding)
        except (RunError, UsageError) as error:
            self.run.add_event("rescue failed", nimg=self.nimg, code=finding.code, why=str(error))
            return False
        seen, rescues, before = self.nimg, self.run_progress.rescues, self.findings
        checkpoint.forget_after(self.run.checkpoints, way.nimg if way.best else -1)
        self._play(way.recipe)
        if way.best is not None:
            self._go_on_from(way.best, anew=("penalties.", "augment."))
        else:
            self.run_progress = RunProgress()
            self.watch.back_to(0)
        self.plan.back_to(self.nimg)
        self.run_progress.rescues = rescues
        self.run_progress.rescued(seen, way.nimg, finding)
        if way.best is None:
            self.save()
        self.run.add_event("rescued", **self.run_progress.rescues[-1])
        self._notify(f"rescue {len(self.run_progress.rescues)}: {way.in_words(seen)}")
        self.findings = before
        self._find()  # what is seen no more is told to be gone
        return True

    def _check_finite(self) -> None:
        """Stop, or roll back, where updates are refused again and again. Counted in rounds, not in time."""
        rounds, refused = self._window
        if not self.rounds.referee.waits and self.rounds.rounds - rounds < _WINDOW:
            return  # to count them would wait for the device
        since = self.rounds.referee.refused - refused
        moves = _WINDOW * (1 + self.rounds.recipe.discriminator_moves)
        if since >= max(3.0, 0.2 * moves):
            self._diverged(since)
        elif self.rounds.rounds - rounds >= _WINDOW:
            if since:
                self.run.add_event("refused", nimg=self.nimg, moves=since, of=moves)
                self._notify(f"{since} of {moves} updates refused: their gradients were not finite")
            self._window = (self.rounds.rounds, self.rounds.referee.refused)

    def _diverged(self, since: int) -> None:
        """Numbers are no longer finite: the rescue's first case. Raises DivergenceError where it is spent."""
        noted = self.rounds.statistics.close()
        broken = [name for name, values in noted.items() if not math.isfinite(values["mean"])]
        seen = ", ".join(broken) or "the gradient norm"
        self.run.add_log({"nimg": self.nimg, "refused": self.rounds.referee.refused, **noted})
        recipe = self.rounds.recipe
        moves = _WINDOW * (1 + recipe.discriminator_moves)
        self.run.add_event("diverged", nimg=self.nimg, refused=since, of=moves, not_finite=broken)
        finding = with_measures(broken_numbers(recipe, self.nimg, since, since / moves), recipe)
        self.run.add_event("finding", nimg=self.nimg, finding=finding.to_json())
        if self._rescued(finding):
            return
        raise DivergenceError(
            f"training stopped at {self.nimg} examples: {since} updates had gradients that are not finite "
            f"({seen}). The last good checkpoint is in {self.run.checkpoints}. Try smaller steps: "
            f"{finding.command()}"
        )

    # -- save and resume --------------------------------------------------------------------------

    def save(self) -> None:
        """Write a checkpoint of this moment and delete those that are no longer needed."""
        state = {
            "nimg": self.nimg,
            "round": self.rounds.rounds,
            "total_nimg": self.plan.total_nimg,
            "seconds": self.plan.seconds,
            "closing": self.plan.closing,
            "refused": self.rounds.referee.refused,
            "recipe": self.run.recipe.to_json(),
            "standing": self.run_progress.to_json(),
            "noted": self.rounds.statistics.state(),
        }
        checkpoint.write_checkpoint(self.run.checkpoints, state=state, tensors=self.rounds.tensors())
        checkpoint.prune(self.run.checkpoints, best=self.run_progress.best_nimg)

    def _resume(self) -> None:
        """Continue from the newest valid checkpoint, where there is one."""
        self.run.clean()
        found, passed_over = checkpoint.newest(self.run.checkpoints)
        for line in passed_over:
            self._notify(f"{line}; falling back to the one before")
            self.run.add_event("damaged checkpoint", what=line)
        if found is None:
            if passed_over:
                reasons = "; ".join(passed_over)
                raise RunError(
                    f"{self.run.path} has no checkpoint that can be read: {reasons}; train it anew"
                )
            self._plan_anew(seconds=self.spent)
            self._accept()
            return
        state = found.state
        difference = difference_of(state.get("recipe", {}), self.run.recipe)
        if difference and not self.accept_changes:
            raise RunError(
                f"{found.path} does not fit the recipe in {self.run.file}, which has been changed: "
                f"{difference}. Put it back, or accept it: --accept-changes"
            )
        recipe = self.run.recipe_at(found)
        if recipe != self.run.recipe:
            self._play(recipe)
        self._go_on_from(found)
        self._plan_anew(nimg=self.nimg, seconds=state["seconds"], total_nimg=state["total_nimg"])
        self.plan.closing = state.get("closing", 0.0)
        for moment in checkpoint.moments(self.run.checkpoints):
            if moment > self.nimg:  # damaged: it is written anew when training has come so far again
                checkpoint.set_aside(checkpoint.path_of(self.run.checkpoints, moment))
        self._accept()
        if self.nimg:
            self.opened = replace(
                found, why="in place of a damaged one" if passed_over else "the newest"
            ).opened
            self.run.add_event("resumed", nimg=self.nimg, checkpoint=found.path.name)
            self._notify_if_changed()
            if self.together is not None:
                self._note_engine()

    def _accept(self) -> None:
        """Keep what was changed by hand, now that it fits."""
        if self.accept_changes:
            self.run.write()

    def _go_on_from(self, found: checkpoint.Checkpoint, *, anew: tuple[str, ...] = ()) -> None:
        """Put the players, and how the run stands, where they were at this checkpoint."""
        state = found.state
        with checkpoint.fitting(found, self.run.file):
            self.rounds.load(found.tensors, anew=anew)
            self.rounds.nimg, self.rounds.rounds = state["nimg"], state["round"]
            self._followed = False
            self.rounds.referee.refused = state["refused"]
            self._window = (state["round"], state["refused"])
            self.rounds.statistics.load(state["noted"])
            self.run_progress = RunProgress.from_json(state["standing"])
        self.watch.back_to(self.nimg)
        self.findings = tuple(diagnose(self.watch.history(self.rounds)).findings) if self.nimg else ()

    def _notify(self, line: str) -> None:
        """Tell whoever trains a line. A screen that is gone is no reason to stop."""
        try:
            self.on_event(line)
        except Exception as error:
            self.run.add_event("watching failed", error=repr(error))

    def _notify_if_changed(self) -> None:
        """Bits depend on the device, the threads and torch itself: say so where they are others now."""
        moved = changed_since(self.run, self.engine)
        if moved:
            self.run.add_event("moved", nimg=self.nimg, changed=moved)
            words = ", ".join(f"{name} {old} → {new}" for name, (old, new) in moved.items())
            self._notify(f"moved: {words}; training goes on from the same state, but not bit for bit")
