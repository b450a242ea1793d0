"""`gan evaluate RUN`."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional

from ganforge.cli.options import parse, run_or_last
from ganforge.core.options import option

if TYPE_CHECKING:
    from ganforge.metrics.score import Score
    from ganforge.tasks.evaluation import Evaluation
    from ganforge.tasks.instrument import Instrument

__all__ = ["Evaluate", "main"]

_NO_TELLING = 0.9  # where honest samplers come this near to 1, copying cannot be told from chance


@dataclass(frozen=True)
class Evaluate:
    """Score a run: distances, variety, copies, classes, each beside what real examples score.

    The numbers are printed and kept in RUN/scores.json. The same seed gives the same numbers.
    """

    run: Annotated[Positional[Path | None], option("RUN")] = None
    """a run folder; the last one under runs/ by default"""
    against: Annotated[str | None, option("DATA")] = None
    """where the run's data are now, or other data to compare with"""
    samples: Annotated[int | None, option("N")] = None
    """how many to make; by default 10,000 points, or 1,000 to 10,000 of the rest"""
    extractor: Annotated[str | None, option("NAME")] = None
    """learned, raw, standardised, sketch, notes, characters, inception, mobilenet, squeezenet, or a FILE.py
    of your own"""
    weights: Annotated[Path | None, option("FILE")] = None
    """weights of inception, mobilenet or squeezenet; fetch has inception's fetched (95 MB)"""
    only: Annotated[str | None, option("GROUPS")] = None
    """groups of scores, joined by commas: distances, manifold, sliced, two_sample, support, memorisation,
    spectrum, histograms, modes, classes, stacked, paired, shapes, clips, rows, series, music,
    texts, or one of a plugin"""
    stacked: Annotated[Path | None, option("FILE")] = None
    """LeNet weights that read stacked digits"""
    target: Annotated[str | None, option("COLUMN")] = None
    """of a table: the column that made rows shall be useful for; the last one with a few words by default"""
    discriminator: bool = False
    """also calibrate the discriminator; of points, draw it beside the best one"""
    duality: bool = False
    """also estimate what each player could gain by moving alone"""
    duality_steps: Annotated[int, option("K")] = 200
    """steps of each copy for --duality"""
    seed: Annotated[int, option("N")] = 0
    """of the samples and of every choice made by chance"""
    json: bool = False
    """print what scores.json holds"""


def main(arguments: list[str]) -> int:
    options = parse(Evaluate, "evaluate", arguments)
    from ganforge.cli.screen import Screen
    from ganforge.core.errors import UsageError
    from ganforge.tasks.evaluation import EvaluationOptions, evaluate_run, keep

    if options.duality_steps < 1:
        raise UsageError(f"--duality-steps is {options.duality_steps}; it must be at least 1")
    screen = Screen()
    run = run_or_last(options.run, None if options.json else screen.say)
    chosen = EvaluationOptions(
        against=options.against,
        samples=options.samples,
        extractor=options.extractor,
        weights=options.weights,
        only=None if options.only is None else [name.strip() for name in options.only.split(",")],
        stacked=options.stacked,
        target=options.target,
        discriminator=options.discriminator,
        duality_steps=options.duality_steps if options.duality else 0,
        seed=options.seed,
    )
    with _telling() as progress:
        found = evaluate_run(run, chosen, write=False, progress=progress)
    # Shown before it is written: minutes of scoring are not lost with a disk that refuses.
    if options.json:
        screen.json(found.to_json())
    else:
        for line in _page(found):
            screen.say(line)
    files = keep(found)
    if not options.json:
        screen.table([(name, str(path)) for name, path in files.items()])
    return 0


@contextmanager
def _telling() -> Generator[Callable[[str], None]]:
    """What is being done, on one moving line of standard error; in a pipe nothing."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda words: None
        return
    with console.status("loading") as status:
        yield status.update


def _page(found: Evaluation) -> list[str]:
    """The whole answer, a line each."""
    lines = [
        f"run       {found.run}: {found.samples:,} samples, seed {found.seed}",
        f"opened    {found.opened.words}",
        f"data      {_data(found.data)}",
    ]
    lines += [f"note      {note}" for note in found.notes]
    if found.scores:
        lines.append(f"headline  {_headline(found.scores[0])}")
    lines += _table(found.scores)
    if found.classes:
        lines += ["", *_classes(found)]
    if found.instrument is not None:
        lines += ["", *_instrument(found.instrument)]
    lines += [
        "",
        "best      the best possible: what real examples score against other real ones",
        "[ … ]     95 % interval; 'like real' where it holds the best possible or beats it, else how far off",
    ]
    return lines


def _data(data: dict[str, Any]) -> str:
    if not data["own"]:
        return f"{data['source']}, not the run's own: compared with {data['compared']:,} of its examples"
    of = "of them" if data["split"] == "training" else "held-out ones"
    return (
        f"{data['source']}: {data['training']:,} training examples, compared with {data['compared']:,} {of}"
    )


def _table(scores: Sequence[Score]) -> list[str]:
    """Scores under a heading for each protocol: what was compared, and how much of it."""
    blocks: dict[str, list[Score]] = {}
    for score in scores:
        protocol = score.protocol
        heading = " · ".join(part for part in (f"n {protocol.n:,}", protocol.split, protocol.resize) if part)
        blocks.setdefault(heading, []).append(score)
    widest = max((len(score.name) for score in scores), default=0)
    lines: list[str] = []
    for heading, block in blocks.items():
        lines += ["", f"{heading:<{widest}}  {'score':>7}  {'interval':<16}  {'best':>7}  better"]
        lines += [_row(score, widest) for score in block]
    return lines


def _headline(score: Score) -> str:
    from ganforge.metrics.score import short

    line = f"{score.name} {short(score.value)}"
    if not math.isfinite(score.floor):  # as of PSNR, which a perfect result would make infinite
        own = score.protocol.settings.get("input")
        beside = f", of the input itself {short(own)}" if isinstance(own, float) else ""
        return f"{line}{beside}; {score.direction} is better"
    words = "like real examples" if _reading(score) == "like real" else "not like real examples"
    return f"{line}, best possible {short(score.floor)}: {words}"


def _row(score: Score, widest: int) -> str:
    from ganforge.metrics.score import short

    interval = ""
    if score.interval is not None:
        interval = f"[{short(score.interval[0])}, {short(score.interval[1])}]"
    settings = " · ".join(
        f"{name.replace('_', ' ')} {short(value)}"
        for name, value in score.protocol.settings.items()
        if name != "hardest_class"  # its name stands in the lines of the classes
    )
    better = "near" if score.direction == "floor" else score.direction
    best = short(score.floor) if math.isfinite(score.floor) else "–"
    return (
        f"{score.name:<{widest}}  {short(score.value):>7}  {interval:<16}  {best:>7}"
        f"  {better:<6}  {_reading(score):<9}  {settings}"
    ).rstrip()


def _reading(score: Score) -> str:
    """Whether it can be told from real examples, or how far it is on the worse side."""
    from ganforge.metrics.score import short

    if not math.isfinite(score.value) or not math.isfinite(score.gap):
        return ""
    low, high = score.interval or (score.value, score.value)
    honest = score.protocol.settings.get("honest_high")
    if isinstance(honest, float) and honest > _NO_TELLING:
        return "too few"
    fair = low <= score.floor <= high or (isinstance(honest, float) and score.value <= honest)
    return "like real" if score.gap <= 0 or fair else f"off {short(score.gap)}"


def _classes(found: Evaluation) -> list[str]:
    widest = max(5, *(len(line.name) for line in found.classes))
    lines = [f"{'class':<{widest}}  share (real)  read right (real)  covered (real)"]
    for line in found.classes:
        read = "" if not line.asked else f"{line.read:>6.0%} ({_percent(line.read_real)})"
        lines.append(
            f"{line.name:<{widest}}  {line.share:>5.1%} ({line.share_real:.1%})".ljust(widest + 15)
            + f" {read:<18} {_percent(line.coverage):>6} ({_percent(line.coverage_real)})"
        )
    return [*lines, f"{found.lags}"]


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0%}"


def _instrument(found: Instrument) -> list[str]:
    lines: list[str] = []
    if found.calibration is not None:
        c = found.calibration
        lines += [
            f"discriminator, on {c.n:,} held-out examples and as many samples that it was not fitted to",
            f"  p(real) = σ(a·D + b)   a {c.slope:.3g} ± {c.slope_error:.2g}   b {c.offset:+.3g} ± "
            f"{c.offset_error:.2g}",
            f"  calibration error {c.error:.3f} (its own word: {c.raw_error:.3f})   log loss {c.loss:.3f} "
            f"(a random guess: .693)   right {c.accuracy:.0%} (a random guess: 50%)",
            "  says   is      examples",
        ]
        lines += [
            f"  {one.predicted:>4.2f}   {one.observed:>4.2f}   {one.count:>7,}" for one in c.bins if one.count
        ]
    if found.optimal is not None:
        o = found.optimal
        lines.append(
            f"  it is {o.distance:.3f} from the best discriminator D* on average; a random guess is "
            f"{o.guess:.3f} from it, and {o.floor:.3f} is noise (data: {o.density})"
        )
    if found.duality is not None:
        d = found.duality
        lines.append(
            f"duality gap at least {d.value:.3f} [{d.interval[0]:.3f}, {d.interval[1]:.3f}] nats after "
            f"{d.steps:,} steps; 0 at equilibrium. Alone, the discriminator could gain "
            f"{_gain(d.discriminator_gain)}, the generator {_gain(d.generator_gain)}"
        )
    lines += [f"note      {note}" for note in found.notes]
    return lines


def _gain(value: float) -> str:
    return f"{value:.3f}" if value > 0 else "nothing that was found"
