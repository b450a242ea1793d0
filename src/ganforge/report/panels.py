"""Which curves a run's log holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ganforge.health.history import Array, Examined, History
from ganforge.report.film import spread
from ganforge.report.plain import number, spaced

__all__ = ["POINTS", "Line", "Panel", "beside_panel", "game_panels", "score_panels"]

POINTS = 400  # ticks that are drawn, at most


@dataclass(frozen=True)
class Line:
    """One curve, a value for each of the panel's moments; NaN is a gap.

    Attributes:
        name: for people.
        tone: its colour's name: generator, discriminator, real, fake or second.
        values: what is drawn.
        low, high: a band around it; empty where there is none.
        floor: what real examples reach against real ones; empty where there is none.
        bridged: whether it is drawn through moments at which it was not measured, as of several runs.
    """

    name: str
    tone: str
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    floor: tuple[float, ...] = ()
    bridged: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves that share their axes.

    Attributes:
        key: its name in the page.
        title, hint: what it shows, and how to read it.
        nimg: the moments.
        lines: at least one of them has a finite value.
        within: fixed ends of the vertical axis; None takes them from the values.
        level: a height that is marked, as chance is; None for none.
        span: examples that its axis ends at; 0 is the page's.
    """

    key: str
    title: str
    hint: str
    nimg: tuple[float, ...]
    lines: tuple[Line, ...]
    within: tuple[float, float] | None = None
    level: float | None = None
    span: float = 0.0


def game_panels(history: History) -> list[Panel]:
    """Losses, logits, the margin and the gradients: what the players said and did."""
    groups = _alike(history.plain("rounds"))
    nimg = history.plain("nimg")[[group[-1] for group in groups]] if groups else np.zeros(0)
    pick = spread(len(groups), POINTS)
    groups = [groups[i] for i in pick]
    weights = np.diff(history.plain("rounds"), prepend=0.0)

    def pooled(values: Array) -> Array:
        return np.array([_mean(values[group], weights[group]) for group in groups])

    def line(name: str, tone: str, series: str, *, band: bool = False) -> Line:
        each = _safe(history.series(series))
        mean = pooled(each)
        if not band:
            return Line(name, tone, tuple(mean))
        square = pooled(_safe(history.series(series, "deviation")) ** 2 + each**2)
        deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
        return Line(name, tone, tuple(mean), tuple(mean - deviation), tuple(mean + deviation))

    players = ("generator", "discriminator")
    share = Line("pairs", "second", tuple(pooled(_safe(history.series("margin", "positive")))))
    panels = [
        (
            "logits",
            "What the discriminator says",
            "Logits: above 0 it takes an example for real. Bands are one deviation. "
            "The nearer the two curves, the harder it is to tell them apart.",
            (
                line("of reals", "real", "real_logits", band=True),
                line("of fakes", "fake", "fake_logits", band=True),
            ),
            None,
            0.0,
        ),
        (
            "margin",
            "Margin",
            "D(real) − D(fake) in pairs. At 0 the discriminator has nothing left to say.",
            (line("margin", "discriminator", "margin", band=True),),
            None,
            0.0,
        ),
        (
            "apart",
            "Discriminator right",
            "Share of pairs, one real and one fake, that the discriminator puts in the right order. "
            "Half is chance.",
            (share,),
            (0.0, 1.0),
            0.5,
        ),
        (
            "losses",
            "Losses",
            "Each player's own, with penalties. They are a balance of forces, not a measure of quality.",
            tuple(line(who, who, f"{who}_loss") for who in players),
            None,
            None,
        ),
        (
            "gradients",
            "Gradient norms",
            "How hard each step pushes. Growth without end, or silence, is a bad sign.",
            tuple(line(who, who, f"{who}_gradient") for who in players),
            None,
            None,
        ),
    ]
    moments = tuple(float(value) for value in nimg[pick])
    made = [
        Panel(key, title, hint, moments, lines, within, level)
        for key, title, hint, lines, within, level in panels
    ]
    return [panel for panel in made if _shows(panel)]


# Scores that share a panel, its title, its hint, and the fixed ends of its axis.
_SCORES: tuple[tuple[tuple[str, ...], str, str, tuple[float, float] | None], ...] = (
    (
        ("sliced_wasserstein",),
        "Distance, along lines",
        "How far samples would have to be moved to become real examples. Lower is better.",
        None,
    ),
    (("kernel_distance",), "Distance", "From the samples to real examples. Lower is better.", None),
    (
        ("precision", "recall"),
        "Precision and recall",
        "Samples that look real, and real examples that are within reach. Higher is better.",
        (0.0, 1.0),
    ),
    (
        ("density", "coverage"),
        "Density and coverage",
        "The same two questions, asked in a way that outliers cannot fool. Higher is better.",
        None,
    ),
    (("support_size",), "Different samples", "How many there seem to be, by the birthday paradox.", None),
    (
        ("memorisation",),
        "Nearer to training than to held-out",
        "Share of samples. Half is what a generator does that copies nothing.",
        (0.0, 1.0),
    ),
)
_SHORT = {"sliced_wasserstein": "sliced Wasserstein", "support_size": "about", "memorisation": "share"}
_TONES = ("generator", "discriminator", "second", "real")


def score_panels(history: History) -> list[Panel]:
    """The scores of the examinations, with their floors and intervals."""
    examined = [history.examined[i] for i in spread(len(history.examined), POINTS)]
    if not examined:
        return []
    moments = tuple(number(one.nimg) for one in examined)
    panels: list[Panel] = []
    for keys, title, hint, within in _SCORES:
        lines = tuple(_score_line(examined, key, tone) for key, tone in zip(keys, _TONES, strict=False))
        panels.append(Panel(keys[0], title, hint, moments, lines, within))
    return [panel for panel in panels if _shows(panel)]


def beside_panel(histories: Mapping[str, History]) -> Panel | None:
    """The headline score of several runs by their names over one another; None where they share none."""
    some = {name: {number(one.nimg): one for one in history.examined} for name, history in histories.items()}
    heads = {one.headline for looks in some.values() for one in looks.values()}
    if len(heads) != 1 or not all(some.values()):
        return None
    (key,) = heads
    moments = sorted({nimg for looks in some.values() for nimg in looks})
    moments = [moments[i] for i in spread(len(moments), POINTS)]

    def line(name: str, tone: str) -> Line:
        looks = some[name]
        values = tuple(looks[at].score(key) if at in looks else math.nan for at in moments)
        return Line(name, tone, tuple(map(number, values)), bridged=True)

    words = next((hint for keys, _, hint, _ in _SCORES if key in keys), "")
    lines = tuple(line(name, tone) for name, tone in zip(some, _TONES, strict=False))
    panel = Panel("beside", spaced(key), words, tuple(moments), lines, span=moments[-1])
    return panel if _shows(panel) else None


def _score_line(examined: Sequence[Examined], key: str, tone: str) -> Line:
    def part(name: str) -> tuple[float, ...]:
        return tuple(number(one.score(key, name)) for one in examined)

    return Line(_SHORT.get(key, spaced(key)), tone, part("value"), part("low"), part("high"), part("floor"))


def _alike(rounds: Array) -> list[list[int]]:
    """Ticks in groups of about as many rounds, so that a tick of a few does not stand out by its noise.

    ``rounds`` are those until each tick, ``(T,)``. A group has at least a quarter of the middle tick's.
    """
    played = np.diff(rounds, prepend=0.0)
    if not (played >= 0).all() or not played.any():  # a damaged log: every tick for itself
        return [[i] for i in range(len(played))]
    least = 0.25 * float(np.median(played[played > 0]))
    groups: list[list[int]] = []
    open_group: list[int] = []
    for i in np.flatnonzero(played).tolist():  # the look before the first move has no rounds
        open_group.append(i)
        if played[open_group].sum() >= least:
            groups.append(open_group)
            open_group = []
    if open_group and groups:
        groups[-1] += open_group
    return groups


def _mean(values: Array, weights: Array) -> float:
    """Weighted mean; of a single value that value, whatever its weight."""
    return float(values[0]) if len(values) == 1 else float((values * weights).sum() / weights.sum())


def _safe(values: Array) -> Array:
    """The same with NaN for what is not finite or too large to be drawn."""
    return np.where(np.abs(values) < 1e150, values, np.nan)


def _shows(panel: Panel) -> bool:
    return any(math.isfinite(value) for line in panel.lines for value in line.values)
