"""What a round consists of, written down: the operations beneath autograd, in order.

A tensor is known by where it lies in memory (address, shape, strides), never by its Python object. So an
alias (a tensor detached, a matrix transposed twice) is the tensor that it is an alias of, and an operation
on a parameter or a buffer reads, or writes, the live one. When the tape is written out, views of
parameters and numbers that are the same in every round are made once, and what nobody reads is left out.

An example, from the discriminator's turn of the recipe gaussian-original::

    v26 = aten_addmm_default(state14, v24, v25)
    v27 = aten_sigmoid_default(v26); del v26
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, nan
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ganforge.core.batch import Batch, NextBatch
from ganforge.core.rng import Rng
from ganforge.core.schedule import Moment

__all__ = ["RefusedError", "Step", "Steps", "Tape"]


class Step(NamedTuple):
    """A turn that has become a gradient.

    Attributes:
        player: who steps.
        gradients: of that player's loss, one for each of its parameters.
        notes: for the statistics: the loss, and what the turn noted; a name may come several times.
    """

    player: str
    gradients: list[Tensor]
    notes: list[tuple[str, Tensor]]


Steps = Callable[[NextBatch, Rng, Moment], Iterator[Step]]
"""A round as the steps it consists of; whoever iterates makes each one before asking for the next."""


class RefusedError(Exception):
    """This round cannot be written down; the text says why."""


@dataclass
class _Operation:
    """A line of the round.

    Attributes:
        text: what is done, ``addmm(state3, hand0_real, state1)``.
        makes: the names that its results get; ``_`` is for what nobody needs a name for.
        reads: the names in it.
        result: the tensor it made, where it makes one and does nothing else.
        kept: whether it stays although nobody reads what it makes.
        several: whether it makes a list.
    """

    text: str
    makes: list[str]
    reads: list[str]
    result: Tensor | None = None
    kept: bool = False
    several: bool = False

    def line(self) -> str:
        targets = ", ".join(self.makes)
        return f"{f'[{targets}]' if self.several else targets} = {self.text}" if self.makes else self.text


class Tape(TorchDispatchMode):
    """Writes down a round that is played within ``with tape:``.

    Args:
        state: the tensors that last from round to round: parameters and buffers.

    Attributes:
        operations: what was done, in order. Two rounds are the same if their operations' texts are.
    """

    def __init__(self, state: Sequence[Tensor]) -> None:
        super().__init__()
        self.operations: list[_Operation] = []
        self._meaning: dict[str, Any] = {"torch": torch, "device": torch.device, "inf": inf, "nan": nan}
        self._meaning |= {"tensor": torch.tensor, "below_autograd": torch.inference_mode, "Step": Step}
        self._names: dict[_Place, str] = {}
        self._paused = False
        self._alive: list[Any] = []  # nothing is freed while listening, so no place is used twice
        self._written: set[int] = set()  # storages that some operation writes to
        self._state = {_storage(tensor) for tensor in state}
        self._buffers = {_storage(tensor) for tensor in state if not tensor.requires_grad}
        for tensor in state:
            self._names[_place(tensor)] = self._bind("state", tensor.detach())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch would load its compiler, which takes seconds

    # -- what the round asks for -------------------------------------------------------------------

    def batch_of(self, next_batch: NextBatch) -> Batch:
        with self._pause():
            batch = next_batch()
        name = f"batch{len(self.operations)}"
        shape = tuple(batch.real.shape)
        self.operations.append(_Operation("next_batch()", [name], [], kept=True))
        self.operations.append(_Operation(f"assert {name}.real.shape == {shape}", [], [name], kept=True))
        for part, x in (("real", batch.real), ("source", batch.source), ("condition", batch.condition)):
            if x is not None:
                self.operations.append(_Operation(f"{name}.{part}", [self._new(x)], [name]))
        return batch

    def ask(self, call: str, make: Callable[[], Tensor]) -> Tensor:
        """A tensor that every round asks for anew, by this call."""
        with self._pause():
            x = make()
        self.operations.append(_Operation(call, [self._new(x)], [], kept=True))
        return x

    def schedule(self, schedule: Callable[[float], float], progress: float) -> Tensor:
        name = self._bind("schedule", schedule)
        return self.ask(f"tensor({name}(moment.progress))", lambda: torch.tensor(schedule(progress)))

    def step(self, step: Step) -> None:
        notes = ", ".join(f"({name!r}, {self._word(x)})" for name, x in step.notes)
        text = f"yield Step({step.player!r}, {self._word(step.gradients)}, [{notes}])"
        reads = [self._names[_place(x)] for x in [*step.gradients, *(x for _, x in step.notes)]]
        self.operations.append(_Operation(text, [], reads, kept=True))

    @contextmanager
    def _pause(self) -> Generator[None]:
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    # -- what it does ------------------------------------------------------------------------------

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self._paused:
            return func(*args, **kwargs)
        if func is torch.ops.aten.lift_fresh.default:  # torch.tensor(…): numbers written in the game
            return self._literal(args[0])
        if torch.Tag.data_dependent_output in func.tags or torch.Tag.dynamic_output_shape in func.tags:
            raise RefusedError(f"{func} depends on a value")
        words = [self._word(x) for x in args] + [f"{name}={self._word(x)}" for name, x in kwargs.items()]
        given = _tensors([*args, *kwargs.values()])
        reads = [self._names[_place(x)] for x in given]
        result = func(*args, **kwargs)
        writes = func._schema.is_mutable
        if not writes and not _tensors(result):
            return result  # about types and shapes, which are the same in every round
        several = not isinstance(result, Tensor)
        made: list[Any] = list(result or ()) if several else [result]
        self._alive += [given, made]
        name = str(func).replace(".", "_")
        self._meaning[name] = _FASTER.get(func, func._op)  # calling func only adds a look-up of _op
        if writes:
            self._written |= {_storage(x) for x in given}
        fresh = [self._new(x) if x is not None and _place(x) not in self._names else "_" for x in made]
        if set(fresh) == {"_"}:
            if not writes:
                return result  # it lies where something lies already: it is that
            fresh = []
        # An operation that draws by itself, or that is given a buffer, may do more than it says.
        kept = writes or torch.Tag.nondeterministic_seeded in func.tags
        kept = kept or any(_storage(x) in self._buffers for x in given)
        once = None if kept or several else made[0].detach()
        self.operations.append(
            _Operation(f"{name}({', '.join(words)})", fresh, reads, result=once, kept=kept, several=several)
        )
        return result

    def _literal(self, x: Tensor) -> Tensor:
        with self._pause():
            numbers = x.tolist()
        self._alive.append(x)
        text = f"tensor({numbers}, dtype={x.dtype}, device={self._word(x.device)})"
        self.operations.append(_Operation(text, [self._new(x)], [], result=x))
        return x

    def _bind(self, kind: str, meaning: Any) -> str:
        name = f"{kind}{len(self._meaning)}"
        self._meaning[name] = meaning
        return name

    def _new(self, x: Tensor) -> str:
        self._alive.append(x)
        return self._names.setdefault(_place(x), f"v{len(self._names)}")

    def _word(self, value: Any) -> str:
        """``value`` as text."""
        if isinstance(value, Tensor):
            if _place(value) not in self._names:
                raise RefusedError(
                    f"a tensor {tuple(value.shape)} is neither a player's nor made in the round"
                )
            return self._names[_place(value)]
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(self._word(x) for x in value)}]"
        if isinstance(value, torch.device):
            return f"device({str(value)!r})"
        if value is None or isinstance(
            value, (bool, int, float, str, torch.dtype, torch.layout, torch.memory_format)
        ):
            return repr(value)
        raise RefusedError(f"{value!r} cannot be written down")

    # -- writing it out ----------------------------------------------------------------------------

    def function(self) -> Steps:
        """The round as a generator function."""
        source = "def play(next_batch, rng, moment):\n" + "\n".join(self._lines(self._left()))
        # The text consists of our own words, names and numbers: nothing of a user's is run here.
        exec(compile(source, "<recording>", "exec"), self._meaning)
        return self._meaning["play"]

    def _left(self) -> list[_Operation]:
        """The operations to take in every round: neither those whose result lasts nor those nobody reads."""
        constants: set[str] = set()
        lasting: set[str] = set()
        for operation in self.operations:
            if operation.result is None:
                continue
            storage = _storage(operation.result)
            if storage in self._state:
                lasting.update(operation.makes)  # a view of a parameter or a buffer
            elif storage not in self._written and constants.issuperset(operation.reads):
                constants.update(operation.makes)
            else:
                continue
            self._meaning[operation.makes[0]] = operation.result
        lasting |= constants
        needed: set[str] = set()
        left: list[_Operation] = []
        for operation in reversed(self.operations):
            if lasting.intersection(operation.makes) or not (
                operation.kept or needed.intersection(operation.makes)
            ):
                continue
            needed.update(operation.reads)
            left.append(operation)
        return left[::-1]

    def _lines(self, operations: list[_Operation]) -> Iterator[str]:
        last = {name: operation for operation in operations for name in operation.reads}
        made: set[str] = set()
        below = False
        for operation in operations:
            yields = operation.text.startswith("yield")
            if not yields and not below:
                yield "    with below_autograd():"
            below = not yields
            made.update(operation.makes)
            gone = sorted(name for name in set(operation.reads) & made if last[name] is operation)
            yield "    " * (1 + below) + operation.line() + (f"; del {', '.join(gone)}" if gone else "")


def _tanh(x: Tensor) -> Tensor:
    """tanh x = 2σ(2x) − 1, to 1e-7: on a processor σ takes a sixth of the time that tanh does."""
    return torch.add(_MINUS_ONE, torch.mul(x, 2.0).sigmoid_(), alpha=2.0)


_MINUS_ONE = torch.tensor(-1.0)


_aten = torch.ops.aten
# The usual operations under the names by which Python reaches them soonest.
_FASTER: dict[Any, Callable[..., Tensor]] = {
    _aten.add.Tensor: torch.add,
    _aten.addmm.default: torch.addmm,
    _aten.cat.default: torch.cat,
    _aten.div.Tensor: torch.div,
    _aten.expand.default: Tensor.expand,
    _aten.mm.default: torch.mm,
    _aten.mul.Tensor: torch.mul,
    _aten.neg.default: torch.neg,
    _aten.sigmoid.default: torch.sigmoid,
    _aten.softplus.default: torch.nn.functional.softplus,
    _aten.sub.Tensor: torch.sub,
    _aten.sum.dim_IntList: torch.sum,
    _aten.t.default: Tensor.t,
    _aten.tanh.default: _tanh,
    _aten.unsqueeze.default: Tensor.unsqueeze,
    _aten.view.default: Tensor.view,
}

_Place = tuple[int, tuple[int, ...], tuple[int, ...], torch.dtype]


def _place(x: Tensor) -> _Place:
    """Where a tensor lies: two with the same place are the same numbers."""
    return x.data_ptr(), tuple(x.shape), x.stride(), x.dtype


def _storage(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def _tensors(values: Any) -> list[Tensor]:
    """The tensors in nested lists and tuples, in order."""
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, (list, tuple)):
        return [x for value in values for x in _tensors(value)]
    return []
