"""Recorded rounds: a game is listened to once, and then played from what was heard.

A round of a tiny game spends its time in Python and in autograd's bookkeeping, not in arithmetic. But
which operations a round consists of is the same in every round. So a round is played once while a
:class:`~ganforge.training.tape.Tape` listens underneath autograd, where forward and backward passes are
one plain sequence of operations. That sequence is written out as one Python generator function, which
takes what the game took, and yields a step where the game yielded a turn: what follows a
``yield`` reads the parameters as they then are. Nothing is compiled to native code.

A recording must not hold what was true only once: a number read out of a tensor, a value that depends on
the moment. So every branch of a game is listened to twice, with other random numbers, other reals and at
another moment, and the two texts must be the same to the letter. Otherwise the game is refused: it is
played as it is, and :attr:`Recorder.refusal` says why. What a game keeps, it must keep in parameters and
buffers, as a resume demands too; what it was built with must not change.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ganforge.core.batch import Batch, NextBatch
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment
from ganforge.training.tape import RefusedError, Step, Steps, Tape

__all__ = ["Recordable", "Recorder"]


@runtime_checkable
class Recordable(Protocol):
    """A game that can tell its branches apart."""

    def branch(self, moment: Moment) -> Hashable:
        """Whatever of the moment decides which operations the round consists of.

        Between two moments of one branch only values of ``moment.at`` may differ.
        """
        ...


class Recorder:
    """Plays rounds from recordings, one for each branch.

    Args:
        steps: the round as it is played without a recording.
        branch: see :meth:`Recordable.branch`.
        state: the tensors that last from round to round: parameters and buffers. They keep their memory.

    Attributes:
        refusal: why rounds of some branch are not played from a recording; None while all are.
    """

    def __init__(self, steps: Steps, branch: Callable[[Moment], Hashable], state: Sequence[Tensor]) -> None:
        self.refusal: str | None = None
        self._steps = steps
        self._branch = branch
        self._state = list(state)
        self._recordings: dict[Hashable, Steps] = {}

    def play(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Iterator[Step]:
        """One round, from a recording where there can be one."""
        branch = self._branch(moment)
        steps = self._recordings.get(branch)
        if steps is None:
            batches: list[Batch] = []
            try:
                steps = self._record(next_batch, rng.device, moment, batches)
            except Exception as error:  # if it is the game itself that fails, it fails again when played
                self.refusal = (str(error) or repr(error)).splitlines()[0]
                steps = self._steps
            self._recordings[branch] = steps
            next_batch = _again(batches, next_batch)
        return steps(next_batch, rng, moment)

    def _record(
        self, next_batch: NextBatch, device: torch.device, moment: Moment, batches: list[Batch]
    ) -> Steps:
        """A recording of the round's branch. What it takes is kept in ``batches``; nothing else changes."""

        def keep() -> Batch:
            batches.append(next_batch())
            return _changed(batches[-1], torch.clone)

        tape = self._listen(keep, Rng(1, device=device), moment)
        others = iter([_changed(batch, lambda x: x.flip(0) * -0.75) for batch in batches])
        other = self._listen(lambda: next(others), Rng(2, device=device), self._other(moment))
        for one, two in zip(tape.operations, other.operations, strict=False):
            if one.text != two.text:
                raise RefusedError(
                    f"a round depends on values: {one.text!r} was {two.text!r} in another round"
                )
        if len(tape.operations) != len(other.operations):
            raise RefusedError(
                "a round depends on values: it has more operations in one round than in another"
            )
        return tape.function()

    def _listen(self, next_batch: NextBatch, rng: Rng, moment: Moment) -> Tape:
        """Play a round without making its steps; the state is as before."""
        before = [tensor.detach().clone() for tensor in self._state]
        tape = Tape(self._state)
        try:
            with tape:
                listened = _Listened(tape, rng), _Schedules(tape, moment)
                for step in self._steps(lambda: tape.batch_of(next_batch), *listened):
                    tape.step(step)
        finally:
            with torch.no_grad():
                for tensor, value in zip(self._state, before, strict=True):
                    tensor.copy_(value)
        return tape

    def _other(self, moment: Moment) -> Moment:
        """A moment of the same branch at which whatever depends on progress has another value."""
        for shift in (0.01, -0.01, 1e-5, -1e-5):
            progress = min(max(moment.progress + shift, 0.0), 1.0)
            other = replace(moment, nimg=moment.nimg + 1, progress=progress)
            if progress != moment.progress and self._branch(other) == self._branch(moment):
                return other
        raise RefusedError("a branch of the game lasts for a moment only")


def _again(batches: list[Batch], next_batch: NextBatch) -> NextBatch:
    """First the batches that were taken already, then new ones."""
    kept = iter(batches)
    return lambda: next(kept, None) or next_batch()


def _changed(batch: Batch, change: Callable[[Tensor], Tensor]) -> Batch:
    parts = (batch.real, batch.source, batch.condition)
    real, source, condition = (None if x is None else change(x) for x in parts)
    assert real is not None
    return Batch(real, source, condition)


class _Listened(Rng):
    """Random numbers the tape knows by the call that made them."""

    def __init__(self, tape: Tape, rng: Rng) -> None:
        super().__init__(rng.seed, device=rng.device)
        self._tape = tape

    def normal(self, n: int, *shape: int) -> Tensor:
        return self._tape.ask(f"rng.normal{(n, *shape)}", lambda: super(_Listened, self).normal(n, *shape))

    def uniform(self, n: int, *shape: int) -> Tensor:
        return self._tape.ask(f"rng.uniform{(n, *shape)}", lambda: super(_Listened, self).uniform(n, *shape))

    def integers(self, high: int, n: int, *shape: int) -> Tensor:
        call = f"rng.integers{(high, n, *shape)}"
        return self._tape.ask(call, lambda: super(_Listened, self).integers(high, n, *shape))


class _Schedules(Moment):
    """A moment whose schedules the tape reads anew in every round."""

    _tape: Tape

    def __init__(self, tape: Tape, moment: Moment) -> None:
        super().__init__(moment.nimg, moment.round, moment.progress)
        object.__setattr__(self, "_tape", tape)  # a moment is frozen

    def at(self, schedule: Callable[[float], float]) -> Tensor:
        return self._tape.schedule(schedule, self.progress)
