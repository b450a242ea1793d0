"""How good made series are: told from real by two referees, useful, and how values depend on earlier ones.

Series are ``(N, F, T)`` float64 with NaN where nothing is: after their end, and where a cell is missing.
Nothing here knows how they were made.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from torch.nn import functional as F

from ganforge.metrics.classifier import Reader, one_thread
from ganforge.metrics.trees import tree_auc

__all__ = [
    "autocorrelation",
    "block_bootstrap",
    "class_accuracy",
    "cross_correlation",
    "lags_of",
    "lengths",
    "nearer",
    "network_auc",
    "next_step",
    "series_auc",
    "vector_autoregression",
    "window_features",
]

_MOST_PAIRS = 66  # of features, whose correlation is a window feature
_MOST_LAGS = 48
_PLACES = 6  # of a series, whose values are window features
_STEPS, _BATCH, _RATE = 300, 64, 2e-3  # of the referee that is a network
_ORDER = 3  # steps from which the next one is foretold


def lengths(x: np.ndarray) -> np.ndarray:
    """The last step of each series at which something is, plus one, ``(N,)``."""
    there: np.ndarray = np.any(~np.isnan(x), axis=1)
    return np.where(there.any(1), there.shape[1] - there[:, ::-1].argmax(1), 0)


def lags_of(x: np.ndarray) -> int:
    """How many lags are looked at: up to half of the median length."""
    return int(max(1, min(_MOST_LAGS, np.median(lengths(x)) // 2)))


def autocorrelation(x: np.ndarray, lags: int) -> np.ndarray:
    """Of each feature at lags 1 … ``lags``, the mean over series of each one's own, ``(F, lags)``."""
    own = x - _nanmean(x, 2)[:, :, None]
    power = np.nansum(own**2, 2)  # (N, F)
    found = np.full((x.shape[1], lags), np.nan)
    for lag in range(1, min(lags, x.shape[2] - 1) + 1):
        product = own[:, :, lag:] * own[:, :, :-lag]
        both = (~np.isnan(product)).sum(2)
        share = both / np.maximum((~np.isnan(own)).sum(2), 1)
        ratio = np.nansum(product, 2) / np.where(power * share > 0, power * share, np.nan)
        ratio = np.where(both >= 2, ratio, np.nan)
        found[:, lag - 1] = _nanmean(ratio, 0)
    return np.nan_to_num(found)


def cross_correlation(x: np.ndarray) -> np.ndarray:
    """Correlations of features at the same step, over all series, ``(F, F)``."""
    flat = x.transpose(1, 0, 2).reshape(x.shape[1], -1)
    flat = flat - _nanmean(flat, 1)[:, None]
    there = (~np.isnan(flat)).astype(float)
    z = np.nan_to_num(flat)
    product, power = z @ z.T, (z**2) @ there.T
    return product / np.sqrt(np.maximum(power * power.T, 1e-300))


def _nanmean(x: np.ndarray, axis: int) -> np.ndarray:
    count = (~np.isnan(x)).sum(axis)
    return np.where(count > 0, np.nansum(x, axis) / np.maximum(count, 1), np.nan)


def window_features(x: np.ndarray) -> np.ndarray:
    """What trees see of each series, ``(N, K)``: level, spread, ends, changes, lags, pairs, places."""
    n, features, _ = x.shape
    long = lengths(x)
    mean = _nanmean(x, 2)
    own = x - mean[:, :, None]
    spread = np.sqrt(_nanmean(own**2, 2))
    steps = np.diff(x, axis=2)
    turns = np.sign(steps[:, :, 1:]) * np.sign(steps[:, :, :-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = [long[:, None].astype(float), np.isnan(x).sum(2) - (x.shape[2] - long)[:, None], mean, spread]
        parts += [np.where(np.isnan(x), np.inf, x).min(2), np.where(np.isnan(x), -np.inf, x).max(2)]
        parts += [_nanmean(np.abs(steps), 2), np.sqrt(_nanmean(steps**2, 2)), _nanmean(turns, 2)]
        parts += [np.nanmax(np.abs(np.nan_to_num(steps)), 2)]
        for lag in (1, 2, 3, 5, 8):
            if lag < x.shape[2]:
                parts.append(_nanmean(own[:, :, lag:] * own[:, :, :-lag], 2) / spread**2)
        pairs = [(i, j) for i in range(features) for j in range(i)][:_MOST_PAIRS]
        for i, j in pairs:
            parts.append((_nanmean(own[:, i] * own[:, j], 1) / (spread[:, i] * spread[:, j]))[:, None])
    for place in np.linspace(0.0, 1.0, _PLACES):
        at = np.round(place * (np.maximum(long, 1) - 1)).astype(int)
        parts.append(x[np.arange(n), :, at])
    found = np.concatenate(parts, 1)
    return np.where(np.isfinite(found), found, np.nan)


def _halves(a: np.ndarray, b: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """As many of either, shuffled, cut in the middle: twice the numbers of both."""
    n = min(len(a), len(b)) // 2 * 2
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(x))[:n] for x in (a, b)]
    return [(orders[0][: n // 2], orders[1][: n // 2]), (orders[0][n // 2 :], orders[1][n // 2 :])]


def series_auc(real: np.ndarray, made: np.ndarray, *, seed: int = 0) -> float:
    """Area under the curve of boosted trees that tell made from real series; .5 is cannot tell."""
    return tree_auc(window_features(real), window_features(made), seed=seed)


def network_auc(real: np.ndarray, made: np.ndarray, *, seed: int = 0) -> float:
    """The same by a small 1-D convolutional network that sees the values themselves."""
    everything = np.concatenate([real, made])
    centre, scale = _standard(real)
    long = max(int(lengths(everything).max()), 4)
    x = (everything[:, :, :long] - centre[:, None]) / scale[:, None]
    there = (~np.isnan(x)).any(1, keepdims=True)
    planes = np.concatenate([np.nan_to_num(x).clip(-10.0, 10.0), there], 1).astype(np.float32)
    parts = _halves(real, made, seed)
    areas: list[float] = []
    for learnt, judged in (parts, parts[::-1]):
        rows, others = (np.concatenate([half[0], half[1] + len(real)]) for half in (learnt, judged))
        truth, answer = (np.repeat([1.0, 0.0], len(half[0])) for half in (learnt, judged))
        areas.append(float(roc_auc_score(answer, _judged(planes[rows], truth, planes[others], seed))))
    return float(np.mean(areas))


def _judged(x: np.ndarray, truth: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
    """Logits of ``others`` by a network that has learnt ``truth`` from ``x``."""
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Reader(x.shape[1:], 1)
        optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-2)
        inputs, wanted = torch.from_numpy(x), torch.from_numpy(truth).float()
        for step in range(_STEPS):
            for group in optimiser.param_groups:
                group["lr"] = 0.5 * _RATE * (1.0 + np.cos(np.pi * step / _STEPS))
            which = torch.randint(len(x), (min(_BATCH, len(x)),))
            loss = F.binary_cross_entropy_with_logits(network(inputs[which])[:, 0], wanted[which])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        with torch.inference_mode():
            return network(torch.from_numpy(others))[:, 0].numpy()


def _standard(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each feature, ``(F,)``."""
    flat = x.transpose(1, 0, 2).reshape(x.shape[1], -1)
    centre = np.nan_to_num(_nanmean(flat, 1))
    scale = np.sqrt(np.nan_to_num(_nanmean((flat - centre[:, None]) ** 2, 1)))
    return centre, np.where(scale > 0, scale, 1.0)


def class_accuracy(
    learnt: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray, *, seed: int = 0
) -> float:
    """Train on ``learnt`` ``(N, F, T)``, test on real series: the share whose class is read rightly.

    A forest on window features; ``labels`` ``(N,)`` and ``truth`` are classes.
    """
    if len(np.unique(labels)) < 2:
        return float((truth == labels[0]).mean())
    x, others = (np.nan_to_num(window_features(one)) for one in (learnt, test))
    forest = RandomForestClassifier(300, random_state=seed).fit(x, labels)
    return float((forest.predict(others) == truth).mean())


def next_step(learnt: np.ndarray, test: np.ndarray) -> float:
    """Train on ``learnt``, test on real series: R² of the next step foretold from the last ones, linearly.

    The mean over features; ridge regression on the last three steps of all of them.
    """
    centre, scale = _standard(learnt)
    x, y = _pasts((learnt - centre[:, None]) / scale[:, None])
    others, truth = _pasts((test - centre[:, None]) / scale[:, None])
    if len(x) < 2 or len(others) < 2:
        return 0.0
    weights = np.linalg.solve(x.T @ x + 1e-3 * len(x) * np.eye(x.shape[1]), x.T @ y)
    wrong = ((truth - others @ weights) ** 2).sum(0)
    spread = ((truth - truth.mean(0)) ** 2).sum(0)
    return float(np.mean(1.0 - wrong / np.maximum(spread, 1e-12)))


def _pasts(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last steps with a 1 beside them, ``(M, 3F + 1)``, and what follows ``(M, F)``; 0 where missing."""
    long = lengths(x)
    pasts, nexts = list[np.ndarray](), list[np.ndarray]()
    for t in range(_ORDER, x.shape[2]):
        some = np.nan_to_num(x[long > t])
        pasts.append(some[:, :, t - _ORDER : t].reshape(len(some), _ORDER * x.shape[1]))
        nexts.append(some[:, :, t])
    if not pasts:
        return np.empty((0, 1)), np.empty((0, x.shape[1]))
    past = np.concatenate(pasts)
    return np.concatenate([past, np.ones((len(past), 1))], 1), np.concatenate(nexts)


def nearer(train: np.ndarray, held_out: np.ndarray, made: np.ndarray) -> float:
    """The share of made series that lie nearer to a training one than to a held-out one; honest is .5.

    As many of either are looked at.
    """
    n = min(len(train), len(held_out))
    rng = np.random.default_rng(0)
    centre, scale = _standard(train)

    def flat(x: np.ndarray) -> np.ndarray:
        return np.nan_to_num((x - centre[:, None]) / scale[:, None]).reshape(len(x), -1)

    points = [flat(x[rng.permutation(len(x))[:n]]) for x in (train, held_out)]
    queries = flat(made)
    near = [NearestNeighbors(n_neighbors=1).fit(x).kneighbors(queries)[0][:, 0] for x in points]
    return float(np.mean(np.where(np.isclose(*near), 0.5, near[0] < near[1])))


# --- opponents without a game ---


def vector_autoregression(train: np.ndarray, n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Series ``(n, F, T)`` of a vector autoregression of order 1, and which training ones they begin as.

    x(t+1) = A x(t) + b + e with normal e; beginnings are normal with the moments of real ones; lengths are
    those of real ones, by chance.
    """
    rng = np.random.default_rng(seed)
    long = lengths(train)
    centre, scale = _standard(train)
    x = (train - centre[:, None]) / scale[:, None]
    features = x.shape[1]
    now, after = list[np.ndarray](), list[np.ndarray]()
    for t in range(1, x.shape[2]):
        some = np.nan_to_num(x[long > t])
        now.append(np.concatenate([some[:, :, t - 1], np.ones((len(some), 1))], 1))
        after.append(some[:, :, t])
    a, b = np.concatenate(now), np.concatenate(after)
    weights = np.linalg.solve(a.T @ a + 1e-6 * len(a) * np.eye(features + 1), a.T @ b)
    noise = _root(np.cov((b - a @ weights).T).reshape(features, features))
    first = np.nan_to_num(x[:, :, 0])
    root = _root(np.cov(first.T).reshape(features, features))
    which = rng.integers(len(train), size=n)
    made = np.full((n, features, x.shape[2]), np.nan)
    state = first.mean(0) + rng.standard_normal((n, features)) @ root
    for t in range(x.shape[2]):
        made[:, :, t] = np.where((long[which] > t)[:, None], state, np.nan)
        drift = np.concatenate([state, np.ones((n, 1))], 1) @ weights
        state = (drift + rng.standard_normal((n, features)) @ noise).clip(-50.0, 50.0)
    return made * scale[:, None] + centre[:, None], which


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T


def block_bootstrap(
    train: np.ndarray, n: int, *, labels: np.ndarray | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Series put together from stretches of training ones of the same class, and which gave the length.

    Nothing of it is new: a stretch is a fifth of a series, at least four steps, and keeps its place.
    """
    rng = np.random.default_rng(seed)
    long = lengths(train)
    which = rng.integers(len(train), size=n)
    block = max(4, int(np.median(long)) // 5)
    made = np.full((n, *train.shape[1:]), np.nan)
    for i, k in enumerate(which.tolist()):
        same = np.arange(len(train)) if labels is None else np.flatnonzero(labels == labels[k])
        for start in range(0, int(long[k]), block):
            able = same[long[same] >= min(start + block, int(long[k]))]
            end = min(start + block, int(long[k]))
            made[i, :, start:end] = train[rng.choice(able), :, start:end]
    return made, which
