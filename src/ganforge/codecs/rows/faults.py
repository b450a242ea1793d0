"""What a few hundred made rows show to be wrong: a word that never comes, a smeared spike, a broken rule."""

from __future__ import annotations

import numpy as np

from ganforge.codecs.rows.facts import TableFacts

__all__ = ["BROKEN", "NEVER", "SMEARED", "faults_of"]

NEVER, SMEARED, BROKEN = "never made: ", "smeared: ", "broken: "
_EXPECTED = 10.0  # times that a word should have come: by chance it is missing once in 20,000
_SPIKE = 0.1  # share of the real numbers of a column, from which one of them is a spike
_FEW = 10  # different numbers, of which none is a spike
_LEFT = 0.5  # of a spike, below which it is smeared
_RARELY = 0.01  # share of the rows that may break a rule


def faults_of(facts: TableFacts, samples: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """Of ``samples`` ``(N, K)`` beside ``real`` rows, codes both.

    ``never made: town=Ulm`` is the share of real rows that have the word, ``smeared: paid=0`` what is left of
    a spike's share, 0…1, and ``broken: start ≤ end`` the share of samples that break the rule.
    """
    samples, real = facts.gaps(samples), facts.gaps(real)
    found: dict[str, float] = {}
    for i, name in enumerate(facts.names):
        codes, counts = np.unique(real[:, i][~np.isnan(real[:, i])], return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            share, made = count / len(real), float((samples[:, i] == code).mean())
            if facts.words[i]:
                if not made and share * len(samples) >= _EXPECTED:
                    found[f"{NEVER}{name}={facts.say(i, code)}"] = share
            elif share >= _SPIKE and len(codes) > _FEW and made < _LEFT * share:
                found[f"{SMEARED}{name}={facts.say(i, code)}"] = made / share
    for rule in facts.rules:
        broken = float(rule.broken(samples, real).mean())
        # What decides is known of these rows alone, where they have it.
        if broken > _RARELY and rule.sort != "decides":
            found[f"{BROKEN}{rule.words(facts.names)}"] = broken
    return found
