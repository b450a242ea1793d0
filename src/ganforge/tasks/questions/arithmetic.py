"""Sums of latents: Radford et al. 2015, arXiv 1511.06434, section 6.3.2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ganforge.core.errors import UsageError, nearest
from ganforge.core.options import option
from ganforge.latent import sheets
from ganforge.latent.arithmetic import combine, neighbours
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Arithmetic"]

_SPREAD = 0.25  # of the noise around the result


@dataclass(frozen=True)
class Arithmetic(Question):
    """Compute with samples: mean of A, less the mean of B, plus the mean of C.

    A term is seeds, as in seeds:3,17,20, or qualities joined by a slash: a class, or an attribute followed by
    + or -, as in 7/slant+. Attributes of pictures are light, contrast, slant, wide, tall, left and top.
    """

    name = "arithmetic"
    words = "compute with samples: A less B plus C"

    a: Annotated[str, option("TERM")] = "slant+"
    """what has the quality"""
    b: Annotated[str, option("TERM")] = "slant-"
    """the same without it"""
    c: Annotated[str, option("TERM")] = "slant-"
    """what should get it"""
    exemplars: Annotated[int, option("N")] = 20
    """samples of each term of qualities; the paper takes 3, more are steadier"""
    pool: Annotated[int, option("N")] = 4000
    """samples that they are sought among"""

    def ask(self, opened: OpenedRun) -> Answer:
        answer = Answer(opened.folder / self.name)
        if self.exemplars < 1 or self.pool < self.exemplars:
            raise UsageError(f"--exemplars is {self.exemplars}; it must be from 1 to --pool, {self.pool}")
        words = {"a": self.a, "b": self.b, "c": self.c}
        groups = _groups(opened, words, self.exemplars, self.pool)
        (za, ca), (zb, cb), (zc, cc) = groups.values()
        renormalise = len(za) != 3
        result = combine(opened.prior, za, zb, zc, renormalise=renormalise)
        beside = None
        if ca is not None and cb is not None and cc is not None:
            beside = (ca.mean(0) - cb.mean(0) + cc.mean(0)).expand(9, -1)
        around = torch.cat([result[None], neighbours(opened.prior, result, 8, spread=_SPREAD)])
        made = opened.generate(around, beside)
        _sum_sheet(opened, answer, words, groups, made, renormalise)
        answer.numbers |= words | {"exemplars": len(za), "latent": result.tolist()}
        terms = {
            name: opened.measure(opened.generate(z, condition)) for name, (z, condition) in groups.items()
        }
        terms["sum"] = opened.measure(made)
        means = {term: {k: v.mean().item() for k, v in found.items()} for term, found in terms.items()}
        answer.numbers["measured"] = means
        named = {q.rstrip("+-") for text in words.values() for q in text.split("/")} & set(means["sum"])
        for name in sorted(named or set(list(means["sum"])[:3])):
            answer.say(name, ", ".join(f"{term} {found[name]:.3g}" for term, found in means.items()))
        return answer.done()


def _sum_sheet(
    opened: OpenedRun,
    answer: Answer,
    words: dict[str, str],
    groups: dict[str, tuple[Tensor, Tensor | None]],
    made: Tensor,
    renormalise: bool,
) -> None:
    """The figure of Radford et al. 2015: exemplars, the mean of each term, and 3×3 around the sum."""
    nine = [*made[1:5], made[0], *made[5:]]
    rows: list[sheets.Row] = []
    for i, (sign, (name, (z, condition))) in enumerate(zip(("", "- ", "+ "), groups.items(), strict=True)):
        mean = z.mean(0, keepdim=True)
        if renormalise and opened.prior.kind == "normal":
            mean = mean * (opened.prior.size**0.5 / mean.norm().clamp_min(1e-6))
        middle = opened.generate(mean, None if condition is None else condition.mean(0, keepdim=True))
        some = opened.generate(z[:3], None if condition is None else condition[:3])
        cells: list[sheets.Cell] = [*some, *[None] * (3 - len(some)), None, middle[0], None]
        rows.append((f"{sign}{words[name]}", [*cells, *nine[3 * i : 3 * i + 3]]))
    columns = ["some", "", "", "", "mean", "", "around", "the sum", ""]
    answer.picture("sheet.png", sheets.sheet(rows, opened.space, columns=columns))


def _groups(
    opened: OpenedRun, words: dict[str, str], count: int, pool: int
) -> dict[str, tuple[Tensor, Tensor | None]]:
    """Latents ``(N, L)`` and conditions of each term."""
    found: dict[str, tuple[Tensor, Tensor | None]] = {}
    z, conditions = opened.pool(pool)
    values: dict[str, Tensor] | None = None
    for term, text in words.items():
        if text.startswith("seeds:"):
            numbers = [int(number) for number in re.findall(r"\d+", text)]
            if not numbers:
                raise UsageError(f"{text!r} names no seeds; write it as in seeds:3,17,20")
            found[term] = opened.seeds(numbers)
            continue
        values = opened.measure(opened.generate(z, conditions)) if values is None else values
        keep = _with_qualities(opened, values, text)
        picked = keep.nonzero()[:count, 0]
        if len(picked) < min(count, 3):
            raise UsageError(f"only {len(picked)} of {pool:,} samples are {text}; give a larger --pool")
        found[term] = (z[picked], None if conditions is None else conditions[picked])
    return found


def _with_qualities(opened: OpenedRun, values: dict[str, Tensor], text: str) -> Tensor:
    """Which samples have every quality of ``text``, ``(N,)`` bool.

    A class is had where its probability is .9 or more; of an attribute, + is the upper fifth of those that
    have the qualities before it, and − the lower fifth.
    """
    classes = opened.space.classes if opened.labelled else ()
    attributes = [name for name in values if name not in classes]
    keep = torch.ones(len(next(iter(values.values()))), dtype=torch.bool)
    for quality in text.split("/"):
        name, sign = quality[:-1], quality[-1:]
        if quality in classes:
            keep &= values[quality] >= 0.9
        elif sign in ("+", "-") and name in attributes:
            if keep.any():
                limit = torch.quantile(values[name][keep], 0.8 if sign == "+" else 0.2)
                keep &= values[name] >= limit if sign == "+" else values[name] <= limit
        else:
            known = [f"{name}{sign}" for name in attributes for sign in "+-"] + list(classes)
            raise UsageError(
                f"there is no quality {quality!r}.{nearest(quality, known)} "
                f"Known: {', '.join(known)}; or seeds:1,2,3"
            )
    return keep
