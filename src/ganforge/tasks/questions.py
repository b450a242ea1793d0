"""What `gan explore` asks of both players: invert, feedback, features and resample.

Each function takes a :class:`Subject` and gives an :class:`Answer`, whose files go to ``explore/``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from ganforge.codecs import plots
from ganforge.core.errors import DataError, UsageError
from ganforge.data import builtin
from ganforge.latent import feedback as advice
from ganforge.latent import inversion, resampling, sheets
from ganforge.latent.probe import linear_probe, pooled
from ganforge.metrics.points import mixture_report
from ganforge.networks.players import build_discriminator
from ganforge.networks.protocols import Discriminator
from ganforge.tasks.answer import Answer
from ganforge.tasks.subject import ROUNDS, Subject

__all__ = ["METHODS", "features", "feedback", "invert", "resample"]

METHODS = ("rejection", "langevin")
_SHOWN = 12


def invert(
    subject: Subject,
    *,
    files: Sequence[Path] = (),
    n: int = 12,
    class_name: str | None = None,
    mask: Path | None = None,
    hide: tuple[int, int, int, int] | None = None,
    strokes: Path | None = None,
    steps: int = 150,
    restarts: int = 2,
    rounds: int = ROUNDS,
) -> Answer:
    """Latents of given pictures, of held-out ones, or of strokes; what is hidden is filled in.

    Args:
        files: pictures, or ``.npy`` in declared units; by default the first ``n`` held-out examples.
        class_name: of the pictures, where the run has classes.
        mask: a picture, white where the examples are unknown.
        hide: a box that is unknown: left, top, right, bottom in pixels.
        strokes: a picture, transparent where nothing was drawn; it is answered four times.
        steps, restarts: see ``latent.inversion.invert``; with anything hidden there are at least 4 restarts.
        rounds: of the encoder's training.
    """
    answer = Answer(subject.folder / "invert")
    labels: Tensor | None = None
    known: Tensor | None = None
    if strokes is not None:
        examples, known = _drawn(subject, strokes)
    elif files:
        examples = subject.read(files)
    else:
        examples, labels = subject.real(n)
    asked = subject.one_class(class_name, len(examples)) if labels is None else subject.asked(labels)
    if mask is not None:
        known = (subject.picture(mask, channels=3).float().mean(0, keepdim=True) < 128).float()
    if hide is not None:
        known = _box(subject, hide)
    if known is not None and not bool(known.any()):
        raise UsageError("everything is hidden; leave something to go by")
    encoder = None if strokes is not None else subject.encoder(rounds=rounds)
    began = time.perf_counter()
    if known is None:
        found = inversion.invert(
            subject.sampler, examples, condition=asked, encoder=encoder, steps=steps, restarts=restarts
        )
    else:  # little to go by: more starts, and both players say what is plausible
        opinion = subject.opinion if subject.has_opinion else None

        def realism(made: Tensor, beside: Tensor | None) -> Tensor:
            assert opinion is not None
            return opinion.odds.log_odds(opinion.logits(made, beside))

        found = inversion.invert(
            subject.sampler,
            examples,
            condition=asked,
            mask=known,
            encoder=encoder,
            steps=2 * steps,
            # Strokes are answered in four ways: each answer has starts of its own.
            restarts=2 if strokes is not None else max(restarts, 4),
            prior_weight=2e-2,
            realism=None if opinion is None else realism,
            realism_weight=1e-2,
        )
    seconds = (time.perf_counter() - began) / len(examples)
    _inverted_sheet(subject, answer, examples, found, known)
    scores = inversion.anomaly_scores(examples, found, space=subject.space)
    answer.numbers = {
        "error": found.error.tolist(),
        "anomaly": scores.tolist(),
        "seconds_each": seconds,
        "hidden": known is not None,
    }
    answer.array("latents.npy", found.latents.numpy())
    scale = "0 to 1 scale" if subject.space.bounded else "in standardised units"
    answer.say(
        "error", f"mean squared error {found.error.mean().item():.4f} ({scale}), {seconds:.2f} s an example"
    )
    if labels is not None and subject.labelled:
        told = found.rebuilt if known is None else found.filled
        same = subject.probabilities(told).argmax(1) == subject.probabilities(examples).argmax(1)
        answer.numbers["class_kept"] = same.double().mean().item()
        answer.say("class", f"kept in {100 * same.double().mean().item():.0f} %, as a classifier reads them")
    if known is None and len(scores) > 1:
        worst = scores.argsort(descending=True)[:3].tolist()
        words = ", ".join(f"number {i + 1} ({scores[i]:.3f})" for i in worst)
        answer.say("strangest", f"{words}; the median is {scores.median().item():.3f}")
    return answer.done()


def _drawn(subject: Subject, strokes: Path) -> tuple[Tensor, Tensor]:
    """Four copies of a drawing, and where it was drawn on."""
    drawn = subject.picture(strokes, channels=4)
    colours, known = drawn[:3], (drawn[3:] > 127).float()
    if subject.space.channels == 1:
        colours = colours.float().mean(0, keepdim=True).round().byte()
    if subject.space.channels == 4:
        colours = drawn
    if not bool(known.any()):
        raise UsageError(f"{strokes} is transparent everywhere; draw on a transparent ground")
    return colours.expand(4, *colours.shape).clone(), known


def _box(subject: Subject, hide: tuple[int, int, int, int]) -> Tensor:
    left, top, right, bottom = hide
    if not subject.space.codec.picture_files:
        raise UsageError(f"a box hides parts of pictures; this run is of {subject.space.describe()}")
    if not (left < right and top < bottom):
        raise UsageError(f"--hide takes left,top,right,bottom in pixels, not {hide}")
    known = torch.ones(1, *subject.space.spatial)
    known[:, max(top, 0) : bottom, max(left, 0) : right] = 0.0
    return known


def _inverted_sheet(
    subject: Subject, answer: Answer, examples: Tensor, found: inversion.Inverted, known: Tensor | None
) -> None:
    space = subject.space
    if not space.codec.pictured:
        answer.picture("sheet.png", space.codec.moves(examples, found.rebuilt))
        return
    given, made = examples[:_SHOWN], found.rebuilt[:_SHOWN]
    rows: list[sheets.Row] = []
    if known is None:
        gap = given.float() - made.float()
        top = max(float(gap.abs().mean(1).max()), 1e-9)
        left_over: list[sheets.Cell] = [sheets.heat(one, largest=top) for one in gap]
        rows = [("given", list(given)), ("sample", list(made)), ("left over", left_over)]
    else:
        veil = space.to_declared(torch.zeros(given.shape))
        seen = torch.where(known.expand_as(veil) > 0.5, given, veil)
        rows = [("known", list(seen)), ("filled in", list(found.filled[:_SHOWN])), ("sample", list(made))]
        if not bool((given == given[:1]).all()):  # of strokes there is no whole picture
            rows.append(("was", list(given)))
    errors = [f"{error:.4f}" for error in found.error[:_SHOWN].tolist()]
    notes = [errors if name == "sample" else [] for name, _ in rows]
    answer.picture("sheet.png", sheets.sheet(rows, space, notes=notes))


# --- feedback ---


def feedback(
    subject: Subject,
    *,
    seeds: Sequence[int] = range(8),
    files: Sequence[Path] = (),
    class_name: str | None = None,
    steps: int = 10,
    levels: float | None = None,
    important: int = 5,
) -> Answer:
    """What the discriminator says of samples or pictures, what following it does, and who hears it.

    Args:
        files: pictures, or ``.npy`` in declared units, in place of seeds.
        steps: how often the advice is followed.
        levels: the largest change of one step in declared units; 8 grey levels for pictures.
        important: numbers that the sentence names.
    """
    answer = Answer(subject.folder / "feedback")
    if files:
        examples = subject.read(files)
        asked = subject.one_class(class_name, len(examples))
    else:
        z, asked = subject.seeds(seeds)
        examples = subject.generate(z, asked)
    levels = subject.space.codec.step if levels is None else levels
    if not levels > 0 or steps < 1:
        raise UsageError("--levels must be more than 0, and --steps at least 1")
    opinion = subject.opinion
    told = advice.advise(opinion, examples, asked, levels=levels)
    followed = advice.follow(opinion, examples, asked, steps=steps, levels=levels)
    names = [path.name for path in files] or [f"seed {seed}" for seed in seeds]
    if len(names) != len(examples):  # a file of many
        names = [f"number {i + 1}" for i in range(len(examples))]
    how = opinion.odds
    answer.say("judge", f"the chance of being real is {how.how}")
    rows: list[dict[str, object]] = []
    for name, before, after, change in zip(
        names, followed.before.tolist(), followed.after_probability.tolist(), told.change, strict=True
    ):
        words = advice.sentence(change, most=important)
        rows.append({"name": name, "before": before, "after": after, "advice": words})
        if len(rows) <= _SHOWN:  # the rest is in result.json
            answer.say(name, f"real: {before:.2f}. {words}. After {steps} steps real: {after:.2f}")
    rose = (followed.after_probability > followed.before).double().mean().item()
    answer.say("followed", f"the chance rose in {100 * rose:.0f} % of {len(examples)}")
    z, turns = subject.pool(64, seed=0xFEED)
    heard = advice.heard(subject.sampler.network, opinion, z, turns)
    for layer in heard:
        answer.say(
            "heard by", f"{layer.name}: gradient {layer.gradient:.3g}, {layer.relative:.2g} of its size"
        )
    answer.numbers = {
        "calibration": vars(how),
        "examples": rows,
        "rose": rose,
        "layers": [vars(layer) | {"relative": layer.relative} for layer in heard],
    }
    _feedback_sheet(subject, answer, examples, told, followed)
    return answer.done()


def _feedback_sheet(
    subject: Subject, answer: Answer, examples: Tensor, told: advice.Advice, followed: advice.Followed
) -> None:
    space = subject.space
    if not space.codec.pictured:
        answer.picture("sheet.png", space.codec.moves(examples, followed.after))
        return
    given, after = examples[:_SHOWN], followed.after[:_SHOWN]
    rows: list[sheets.Row] = [
        ("given", list(given)),
        ("advice", [sheets.heat(one) for one in told.change[:_SHOWN]]),
        ("followed", list(after)),
        ("moved", [sheets.heat(one) for one in after.float() - given.float()]),
    ]
    chances = [
        [f"real {p:.2f}" for p in x[:_SHOWN].tolist()] for x in (followed.before, followed.after_probability)
    ]
    answer.picture("sheet.png", sheets.sheet(rows, space, notes=[chances[0], [], chances[1], []]))


# --- features ---


def features(
    subject: Subject, *, labels: int = 100, train: int = 5_000, test: int = 2_000, draws: int = 3
) -> Answer:
    """A linear classifier on the discriminator's activations, on an untrained one's, and on the numbers.

    Args:
        labels: labelled training examples that it learns from, each class alike.
        train: training examples that they are drawn from.
        test: held-out examples that it is tested on.
        draws: how often others are drawn.
    """
    answer = Answer(subject.folder / "features")
    if not subject.labelled:
        raise UsageError("a linear probe needs the labelled data of the run; name them with --data-at")
    if subject.run.recipe.packing > 1:
        raise UsageError("this discriminator judges packs; its features are not those of single examples")
    x, y = subject.real(train, held_out=False)
    test_x, test_y = subject.real(test)
    assert y is not None
    assert test_y is not None
    model = subject.space.to_model
    learned = subject.opinion.features
    untrained = cast(Discriminator, build_discriminator(subject.run.recipe, subject.space).eval()).features
    kinds = {
        "the discriminator": lambda x: pooled(learned, model(x)),
        "the same, untrained": lambda x: pooled(untrained, model(x)),
        "the numbers themselves": lambda x: model(x).flatten(1),
    }
    shares: dict[str, float] = {}
    for name, read in kinds.items():
        probe = linear_probe(read(x), y, read(test_x), test_y, count=labels, draws=draws)
        shares[name] = probe.accuracy
        answer.numbers[name] = vars(probe)
        spread = (max(probe.each) - min(probe.each)) / 2
        answer.say(
            "right", f"{100 * probe.accuracy:5.1f} % ± {100 * spread:.1f}  {name} ({probe.size:,} numbers)"
        )
    answer.say("from", f"{labels} labels, {draws} draws; tested on {len(test_y):,} held-out examples")
    answer.picture("accuracy.png", sheets.bars(shares))
    return answer.done()


# --- resample ---


def resample(
    subject: Subject,
    *,
    n: int | None = None,
    methods: Sequence[str] = METHODS,
    percentile: float | None = None,
    steps: int = 60,
    step: float = 0.05,
    seed: int = 0,
) -> Answer:
    """Samples as they come, and as the calibrated discriminator would have them, side by side.

    Args:
        n: samples of each kind; 2,500 points, or 500 of anything larger.
        percentile, steps, step: see ``latent.resampling``.
    """
    answer = Answer(subject.folder / "resample")
    n = n if n is not None else (2_500 if subject.space.codec.small else 500)
    for method in methods:
        if method not in METHODS:
            raise UsageError(f"there is no method {method!r}; there is {' and '.join(METHODS)}")
    if percentile is not None and not 0 <= percentile <= 100:
        raise UsageError(f"--percentile is {percentile:g}; it must be from 0 to 100")
    if n < 10 or steps < 1 or not step > 0:
        raise UsageError("--samples must be at least 10, --steps at least 1, and --step more than 0")
    if not subject.has_data:
        raise UsageError("resampling needs a calibrated discriminator, and that needs the data: --data-at")
    if subject.sampler.conditions or not subject.opinion.alone:
        raise UsageError("resampling is for runs without classes, packing or batch statistics")
    opinion = subject.opinion
    answer.say("judge", f"{opinion.odds.how}; a logit counts {opinion.odds.slope:.3g}")

    def log_odds(z: Tensor) -> Tensor:
        return opinion.odds.log_odds(opinion.logits(subject.network(z)))

    def plain(z: Tensor) -> Tensor:
        with torch.no_grad():
            return log_odds(z)

    z, _ = subject.pool(n, seed=seed)
    made, costs = {"as they come": subject.generate(z)}, {"as they come": ""}
    if "rejection" in methods:
        kept, how = _rejected(subject, plain, n, percentile, seed)
        made["rejection"] = subject.generate(kept.latents)
        costs["rejection"] = f"; {how}, kept {100 * kept.accepted:.1f} % of {kept.tried:,}"
    if "langevin" in methods:
        walked = resampling.langevin(log_odds, subject.prior, z, steps=steps, step=step, seed=seed)
        made["langevin"] = subject.generate(walked.latents)
        costs["langevin"] = f"; {steps} steps, {100 * walked.accepted:.0f} % taken"
    cells: list[sheets.Cell] = []
    for name, samples in made.items():
        numbers, words = _quality(subject, samples)
        answer.numbers[name] = numbers
        answer.say(name, f"{words}{costs[name]}")
        if not subject.space.codec.pictured:
            cells.append(subject.space.codec.show(samples.numpy(), real=subject.real(n)[0].numpy()))
        else:
            some = [subject.space.codec.picture(x.numpy()) for x in samples[:36]]
            cells.append(plots.grid(some, columns=6))
    answer.numbers["calibration"] = vars(opinion.odds)
    answer.picture("sheet.png", sheets.sheet([("", cells)], subject.space, columns=list(made)))
    return answer.done()


def _rejected(
    subject: Subject, log_odds: Callable[[Tensor], Tensor], n: int, percentile: float | None, seed: int
) -> tuple[resampling.Rejected, str]:
    """Exactly where that keeps enough, else by the paper's percentile, 80."""
    first = min(10_000, max(1_000, 4 * n))
    try:
        kept = resampling.rejection(
            log_odds, subject.prior, n, percentile=percentile, burn_in=first, seed=seed
        )
        return kept, "exact" if percentile is None else f"percentile {percentile:g}"
    except UsageError:
        if percentile is not None:
            raise
    kept = resampling.rejection(log_odds, subject.prior, n, percentile=80.0, burn_in=first, seed=seed)
    return kept, "percentile 80, because the exact rule keeps next to nothing"


def _quality(subject: Subject, samples: Tensor) -> tuple[dict[str, float], str]:
    """Against known modes, or as a classifier reads, or as the discriminator itself does."""
    try:
        modes = builtin.modes(str(subject.run.data["source"]))
    except DataError:
        modes = None
    if modes is not None:
        report = mixture_report(samples, modes.centres, modes.sigma)
        found = {
            "high_quality": report.high_quality,
            "covered": float(report.covered),
            "reverse_kl": report.reverse_kl,
            "sigma_ratio": report.sigma_ratio,
        }
        perfect = 100 * report.high_quality_perfect
        return found, (
            f"{100 * report.high_quality:.2f} % good (a perfect sampler: {perfect:.2f}), "
            f"{report.covered} of {report.modes} modes, reverse KL {report.reverse_kl:.4f} "
            f"(best possible {report.reverse_kl_floor:.4f}), width {report.sigma_ratio:.2f}"
        )
    logits = subject.logits(subject.opinion, samples, None)
    chance = subject.opinion.odds.probability(logits).mean().item()
    if not subject.labelled:
        return {"probability": chance}, f"real with a chance of {chance:.3f} on average"
    told = subject.probabilities(samples)
    sure = (told.amax(1) >= 0.9).double().mean().item()
    rarest = torch.bincount(told.argmax(1), minlength=told.shape[1]).min().item() / len(told)
    return {"confident": sure, "probability": chance, "rarest_class": rarest}, (
        f"{100 * sure:.1f} % have a clear class, the rarest class has {100 * rarest:.1f} %, "
        f"real with a chance of {chance:.3f} on average"
    )
