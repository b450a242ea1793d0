"""The calibrated discriminator chooses among samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ganforge.codecs import plots
from ganforge.core.errors import DataError, UsageError
from ganforge.core.options import listed, option
from ganforge.data import builtin
from ganforge.latent import resampling, sheets
from ganforge.metrics.points import mixture_report
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Resample"]

_METHODS = ("rejection", "langevin")


@dataclass(frozen=True)
class Resample(Question):
    """Let the calibrated discriminator choose among samples, and show what is gained.

    By rejection, which throws samples away, and by Langevin's walk, which moves their latents. Nothing else
    in gan does this: samples come as they are unless you ask here.
    """

    name = "resample"
    words = "let the discriminator choose among samples"

    methods: Annotated[str, option("LIST")] = "rejection,langevin"
    """one or both"""
    samples: Annotated[int | None, option("N")] = None
    """of each kind; 2500 points or 500 of anything larger"""
    percentile: Annotated[float | None, option("P")] = None
    """keep more than the exact rule does, 0 to 100; the paper takes 80"""
    steps: Annotated[int, option("N")] = 60
    """of the walk"""
    step: Annotated[float, option("E")] = 0.05
    """length of its steps"""
    seed: Annotated[int, option("N")] = 0
    """of the samples"""

    def ask(self, opened: OpenedRun) -> Answer:
        answer = Answer(opened.folder / self.name)
        methods = listed(self.methods)
        n = self.samples if self.samples is not None else (2_500 if opened.space.codec.small else 500)
        for method in methods:
            if method not in _METHODS:
                raise UsageError(f"there is no method {method!r}; there is {' and '.join(_METHODS)}")
        if self.percentile is not None and not 0 <= self.percentile <= 100:
            raise UsageError(f"--percentile is {self.percentile:g}; it must be from 0 to 100")
        if n < 10 or self.steps < 1 or not self.step > 0:
            raise UsageError("--samples must be at least 10, --steps at least 1, and --step more than 0")
        if not opened.has_data:
            raise UsageError(
                "resampling needs a calibrated discriminator, and that needs the data: --data-at"
            )
        if opened.sampler.conditions or not opened.opinion.alone:
            raise UsageError("resampling is for runs without classes, packing or batch statistics")
        opinion = opened.opinion
        answer.say("judge", f"{opinion.odds.how}; a logit counts {opinion.odds.slope:.3g}")

        def log_odds(z: Tensor) -> Tensor:
            return opinion.odds.log_odds(opinion.logits(opened.network(z)))

        def plain(z: Tensor) -> Tensor:
            with torch.no_grad():
                return log_odds(z)

        z, _ = opened.pool(n, seed=self.seed)
        made, costs = {"as they come": opened.generate(z)}, {"as they come": ""}
        if "rejection" in methods:
            kept, how = _rejected(opened, plain, n, self.percentile, self.seed)
            made["rejection"] = opened.generate(kept.latents)
            costs["rejection"] = f"; {how}, kept {100 * kept.accepted:.1f} % of {kept.tried:,}"
        if "langevin" in methods:
            walked = resampling.langevin(
                log_odds, opened.prior, z, steps=self.steps, step=self.step, seed=self.seed
            )
            made["langevin"] = opened.generate(walked.latents)
            costs["langevin"] = f"; {self.steps} steps, {100 * walked.accepted:.0f} % taken"
        cells: list[sheets.Cell] = []
        for name, samples in made.items():
            numbers, words = _quality(opened, samples)
            answer.numbers[name] = numbers
            answer.say(name, f"{words}{costs[name]}")
            if not opened.space.codec.pictured:
                cells.append(opened.space.codec.show(samples.numpy(), real=opened.real(n)[0].numpy()))
            else:
                some = [opened.space.codec.picture(x.numpy()) for x in samples[:36]]
                cells.append(plots.grid(some, columns=6))
        answer.numbers["calibration"] = vars(opinion.odds)
        answer.picture("sheet.png", sheets.sheet([("", cells)], opened.space, columns=list(made)))
        return answer.done()


def _rejected(
    opened: OpenedRun, log_odds: Callable[[Tensor], Tensor], n: int, percentile: float | None, seed: int
) -> tuple[resampling.Rejected, str]:
    """Exactly where that keeps enough, else by the paper's percentile, 80."""
    first = min(10_000, max(1_000, 4 * n))
    try:
        kept = resampling.rejection(
            log_odds, opened.prior, n, percentile=percentile, burn_in=first, seed=seed
        )
        return kept, "exact" if percentile is None else f"percentile {percentile:g}"
    except UsageError:
        if percentile is not None:
            raise
    kept = resampling.rejection(log_odds, opened.prior, n, percentile=80.0, burn_in=first, seed=seed)
    return kept, "percentile 80, because the exact rule keeps next to nothing"


def _quality(opened: OpenedRun, samples: Tensor) -> tuple[dict[str, float], str]:
    """Against known modes, or as a classifier reads, or as the discriminator itself does."""
    try:
        modes = builtin.modes(str(opened.run.data["source"]))
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
    logits = opened.logits(opened.opinion, samples, None)
    chance = opened.opinion.odds.probability(logits).mean().item()
    if not opened.labelled:
        return {"probability": chance}, f"real with a chance of {chance:.3f} on average"
    probabilities = opened.probabilities(samples)
    sure = (probabilities.amax(1) >= 0.9).double().mean().item()
    rarest = torch.bincount(probabilities.argmax(1), minlength=probabilities.shape[1]).min().item() / len(
        probabilities
    )
    return {"confident": sure, "probability": chance, "rarest_class": rarest}, (
        f"{100 * sure:.1f} % have a clear class, the rarest class has {100 * rarest:.1f} %, "
        f"real with a chance of {chance:.3f} on average"
    )
