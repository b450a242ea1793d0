"""A two-sample test by boosted trees, on what is read off examples."""

from __future__ import annotations

import numpy as np

__all__ = ["tree_auc"]

_FEW = 200  # examples, below which leaves may be small


def tree_auc(real: np.ndarray, made: np.ndarray, *, seed: int = 0) -> float:
    """Area under the curve of trees that tell rows of features ``(N, K)``; .5 is cannot tell.

    A classifier two-sample test (Lopez-Paz and Oquab 2017): they learn on one half and are judged on the
    other, both ways, on as many real as made rows.
    """
    # Slow to import, and not needed by a training.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    n = min(len(real), len(made)) // 2 * 2
    rng = np.random.default_rng(seed)
    some = [x[rng.permutation(len(x))[:n]] for x in (real, made)]
    halves = [
        np.concatenate([x[: n // 2] for x in some]),
        np.concatenate([x[n // 2 :] for x in some]),
    ]
    truth = np.repeat([1.0, 0.0], n // 2)
    areas: list[float] = []
    for learnt, judged in (halves, halves[::-1]):
        trees = HistGradientBoostingClassifier(
            random_state=0,
            early_stopping=False,  # pyright: ignore[reportArgumentType]
            min_samples_leaf=5 if n // 2 < _FEW else 20,
        ).fit(learnt, truth)
        areas.append(float(roc_auc_score(truth, trees.predict_proba(judged)[:, 1])))
    return float(np.mean(areas))
