"""A small referee: a classifier trained on the labelled real data, which then reads the samples.

Chance comes from explicit seeds, and training runs in one thread: the same data and seed give the same
network, and a network this small loses more than it gains from more threads.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ganforge.core.errors import DataError
from ganforge.core.rng import permutation
from ganforge.metrics.arrays import Array, Examples, Indices, numpy_of, shrunk, tensor_of

__all__ = [
    "ClassReport",
    "Classifier",
    "Reader",
    "class_report",
    "one_thread",
    "seen_shape",
    "train_classifier",
]


_SIDE = 64  # longer sides are averaged down: a referee is small and quick


class Reader(nn.Module):
    """Examples ``(N, C, *spatial)`` in about −1…1 to logits ``(N, classes)``, by way of ``width`` features.

    Pictures and shapes are halved, and sound is quartered, by convolutions until no side is longer than 4;
    points go through two hidden layers.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, *, width: int = 64) -> None:
        super().__init__()
        dims = len(shape) - 1
        if dims == 0:
            layers: list[nn.Module] = [nn.Linear(shape[0], 2 * width), nn.SiLU()]
            size = 2 * width
        else:
            conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1]
            # Thousands of samples, halved, cost 13 ms each; quartered by wider filters a tenth of it.
            first, stride, reach = (4, 4, 4) if dims == 1 else (1, 2, 1)
            layers = [conv(shape[0], 16, 2 * reach + 1, stride=first, padding=reach), nn.SiLU()]
            channels, sides = 16, tuple(-(-side // first) for side in shape[1:])
            while max(sides) > 4:
                wider = min(2 * channels, width)
                layers.append(conv(channels, wider, 2 * reach + 1, stride=stride, padding=reach))
                layers += [nn.GroupNorm(4, wider), nn.SiLU()]
                channels, sides = wider, tuple(-(-side // stride) for side in sides)
            layers.append(nn.Flatten())
            size = channels * int(np.prod(sides))
        self.body = nn.Sequential(*layers, nn.Linear(size, width), nn.SiLU())
        self.head = nn.Linear(width, classes)

    def features(self, x: Tensor) -> Tensor:
        """``(N, width)``, what the last layer reads."""
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


@dataclass(frozen=True)
class Classifier:
    """A trained referee.

    Attributes:
        network: see :class:`Reader`.
        shape: of one example, ``(C, *spatial)``.
        classes: how many.
        accuracy: on the held-out examples, 0…1; NaN where none were given.
        offset, scale: examples enter the network as ``(x − offset) / scale``, broadcast.
    """

    network: Reader
    shape: tuple[int, ...]
    classes: int
    accuracy: float
    offset: Tensor
    scale: Tensor

    @property
    def seen(self) -> tuple[int, ...]:
        """The shape that the network reads: sides above 64 are averaged down."""
        return seen_shape(self.shape)

    def probabilities(self, examples: Examples, *, batch: int = 512) -> Array:
        """``(N, classes)`` float64 for examples ``(N, *shape)`` in the units of the training."""
        return self._run(examples, batch, lambda x: self.network(x).double().softmax(1))

    def features(self, examples: Examples, *, batch: int = 512) -> Array:
        """``(N, width)`` float64: what the last layer reads."""
        return self._run(examples, batch, lambda x: self.network.features(x).double())

    def _run(self, examples: Examples, batch: int, read: Callable[[Tensor], Tensor]) -> Array:
        x = tensor_of(examples)
        if tuple(x.shape[1:]) != self.shape:
            raise DataError(f"the classifier reads examples of shape {self.shape}, not {tuple(x.shape[1:])}")
        parts: list[Tensor] = []
        with torch.inference_mode():
            for start in range(0, len(x), batch):
                part = shrunk(x[start : start + batch], _SIDE)
                parts.append(read(_standardised(part, self.offset, self.scale)))
        return torch.cat(parts).numpy()


def seen_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """What is left of examples of ``shape`` ``(C, *spatial)`` once they are small enough to read."""
    return tuple(shrunk(torch.empty(1, *shape), _SIDE).shape[1:])


@contextmanager
def one_thread() -> Generator[None]:
    """torch's CPU work in one thread, and the former number afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def train_classifier(
    examples: Examples,
    labels: Examples,
    *,
    held_out: Examples | None = None,
    held_out_labels: Examples | None = None,
    classes: int | None = None,
    kimg: float = 60.0,
    batch: int = 64,
    width: int = 64,
    seed: int = 0,
) -> Classifier:
    """Train a referee on labelled real data; deterministic for a seed.

    Args:
        examples: ``(N, C, *spatial)`` or points ``(N, D)``, in any units; bring them in the same units
            as what is judged later.
        labels: ``(N,)`` whole numbers from 0.
        held_out, held_out_labels: never trained on; the accuracy is measured there.
        classes: how many; None takes the largest label.
        kimg: thousands of examples shown (Adam, learning rate 2e-3 that falls to 0 with a cosine).

    Raises:
        DataError: labels do not fit the examples, or there is only one class.
    """
    x, y = tensor_of(examples), tensor_of(labels).long().reshape(-1)
    classes = int(y.max()) + 1 if classes is None else classes
    if len(x) != len(y):
        raise DataError(f"{len(x)} examples have {len(y)} labels: give one label an example")
    if classes < 2 or int(y.min()) < 0 or int(y.max()) >= classes:
        raise DataError(f"labels must be whole numbers from 0 to {classes - 1}, of at least 2 classes")
    shape = tuple(x.shape[1:])
    x = shrunk(x, _SIDE)
    offset, scale = _standard(x)
    with torch.random.fork_rng(devices=[]):  # the layers' own initialisation reads the global state
        torch.manual_seed(seed)
        network = Reader(tuple(x.shape[1:]), classes, width=width)
    batch = min(batch, len(x))
    rounds = max(1, round(kimg * 1000 / batch))
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, rounds)
    with one_thread(), torch.enable_grad():
        for picked in _order(len(x), batch, rounds, seed):
            loss = F.cross_entropy(network(_standardised(x[picked], offset, scale)), y[picked])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval().requires_grad_(False)
    reader = Classifier(network, shape, classes, float("nan"), offset, scale)
    if held_out is None or held_out_labels is None:
        return reader
    predicted = reader.probabilities(held_out).argmax(1)
    return replace(reader, accuracy=float((predicted == numpy_of(held_out_labels).reshape(-1)).mean()))


@dataclass(frozen=True)
class ClassReport:
    """How a referee sees samples.

    Attributes:
        shares: of the samples told as each class, ``(classes,)``, sum 1.
        confident: share of samples whose class has a probability of at least ``threshold``.
        confident_shares: share of each class's samples that are confident, ``(classes,)``; NaN where the
            class has none.
        balance_kl: KL(shares ‖ expected shares) in nats; 0 is best.
        agreement: share of samples told as the class that was asked for; NaN where none was asked.
        agreement_shares: the same by class asked for, ``(classes,)``; NaN where none was asked.
        hardest: the class with the least agreement (or, where none was asked, the least share against
            what is expected).
        n: samples.
    """

    shares: tuple[float, ...]
    confident: float
    confident_shares: tuple[float, ...]
    balance_kl: float
    agreement: float
    agreement_shares: tuple[float, ...]
    hardest: int
    n: int


def class_report(
    probabilities: Array,
    *,
    expected: Examples | None = None,
    wishes: Examples | None = None,
    threshold: float = 0.9,
) -> ClassReport:
    """Read a referee's ``probabilities`` ``(N, classes)``.

    Args:
        expected: shares of the classes in the training data ``(classes,)``; None is equal shares.
        wishes: the class that each sample was asked to be, ``(N,)``, or None.
        threshold: of confidence.
    """
    n, classes = probabilities.shape
    predicted = probabilities.argmax(1)
    sure = probabilities.max(1) >= threshold
    shares = np.bincount(predicted, minlength=classes) / n
    wanted = np.full(classes, 1 / classes) if expected is None else numpy_of(expected).astype(np.float64)
    assert wanted.shape == (classes,)
    held = shares > 0
    with np.errstate(divide="ignore"):  # a class that the data lacks and the samples have: infinite
        kl = float((shares[held] * np.log(shares[held] / (wanted[held] / wanted.sum()))).sum())
    agreement, by_class = float("nan"), np.full(classes, np.nan)
    if wishes is not None:
        goal = numpy_of(wishes).reshape(-1).astype(np.int64)
        agreement = float((predicted == goal).mean())
        by_class = _by_class((predicted == goal), goal, classes)
    lag = shares / np.maximum(wanted, 1e-12) if wishes is None else by_class
    return ClassReport(
        shares=tuple(shares.tolist()),
        confident=float(sure.mean()),
        confident_shares=tuple(_by_class(sure, predicted, classes).tolist()),
        balance_kl=max(kl, 0.0),
        agreement=agreement,
        agreement_shares=tuple(by_class.tolist()),
        hardest=int(np.nanargmin(lag)),
        n=n,
    )


def _by_class(hit: NDArray[np.bool_], label: Indices, classes: int) -> Array:
    """Mean of ``hit`` by class, ``(classes,)``; NaN for a class without members."""
    count = np.bincount(label, minlength=classes)
    total = np.bincount(label, weights=hit.astype(np.float64), minlength=classes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _standard(x: Tensor) -> tuple[Tensor, Tensor]:
    """One offset and scale for all of a picture; one a coordinate for points, ``(D,)``."""
    if x.ndim > 2:
        # A picture's range is known from its type: no statistics, so that a few examples do not matter.
        return (torch.tensor(127.5), torch.tensor(127.5)) if x.dtype == torch.uint8 else _all(x)
    values = x.double()
    deviation = values.std(0, unbiased=False)
    kept = torch.promote_types(x.dtype, torch.float32)
    return values.mean(0).to(kept), torch.where(deviation > 0, deviation, 1.0).to(kept)


def _standardised(x: Tensor, offset: Tensor, scale: Tensor) -> Tensor:
    """``(x − offset) / scale`` in float32; of float64 nothing is rounded before the offset is taken out."""
    return ((x.to(torch.promote_types(x.dtype, torch.float32)) - offset) / scale).float()


def _all(x: Tensor) -> tuple[Tensor, Tensor]:
    return x.float().mean(), x.float().std().clamp(min=1e-6)


def _order(n: int, batch: int, rounds: int, seed: int) -> Iterator[Tensor]:
    """Indices of ``rounds`` batches: shuffled epochs, the last odd batch of each left out."""
    done, epoch = 0, 0
    while done < rounds:
        order = torch.from_numpy(permutation(n, seed=seed, epoch=epoch))
        for start in range(0, n - batch + 1, batch):
            if done == rounds:
                return
            yield order[start : start + batch]
            done += 1
        epoch += 1
