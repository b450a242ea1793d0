"""Directions in latent space that change one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor

from ganforge.core.errors import UsageError, nearest
from ganforge.core.options import listed, option, seeds
from ganforge.latent import directions as axes
from ganforge.latent import sheets
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Directions"]

_KINDS = ("principal", "factorised", "supervised")
_EFFECTS_ON = 100  # samples that directions are judged by: each is made twice for every direction


@dataclass(frozen=True)
class Directions(Question):
    """Find directions in the latent space that change one thing.

    Principal ones and factorised ones need no label; a supervised one is fitted to every attribute, and to
    every class where the data have labels. They are kept in RUN/explore/directions.safetensors.
    """

    name = "directions"
    words = "find directions that change one thing, and name them"

    kinds: Annotated[str, option("LIST")] = "principal,factorised,supervised"
    """which kinds to look for"""
    count: Annotated[int, option("N")] = 5
    """of the kinds without labels"""
    attributes: Annotated[str, option("LIST")] = ""
    """fit these only, as in slant,light; all by default"""
    reach: Annotated[float, option("R")] = 3.0
    """how far to go, in latent units"""
    pool: Annotated[int, option("N")] = 4000
    """samples that they are found on"""
    seeds: Annotated[str, option("LIST")] = "3,6"
    """samples that the strips start from"""

    def ask(self, opened: OpenedRun) -> Answer:
        kinds, attributes = listed(self.kinds), listed(self.attributes)
        answer = Answer(opened.folder / self.name)
        prior = opened.prior
        for kind in kinds:
            if kind not in _KINDS:
                raise UsageError(f"there is no kind of direction {kind!r}.{nearest(kind, _KINDS)} See --help")
        for name in attributes:
            if name not in opened.attributes:
                known = ", ".join(opened.attributes)
                raise UsageError(
                    f"there is no attribute {name!r}.{nearest(name, opened.attributes)} Known: {known}"
                )
        z, conditions = opened.pool(self.pool)
        found: list[axes.Direction] = []
        if "principal" in kinds or "factorised" in kinds:
            first = axes.first_layer(opened.sampler.network, prior.size, conditions)
            if "principal" in kinds:
                found += axes.principal(first.features(z, conditions), z, prior=prior, count=self.count)
            if "factorised" in kinds:
                found += axes.factorised(first.weight, prior=prior, count=self.count)
        if "supervised" in kinds:
            values = opened.measure(opened.generate(z, conditions))
            for name in attributes or opened.attributes:
                limit = opened.thresholds.get(name)
                try:
                    found.append(axes.supervised(name, z, values[name], prior=prior, threshold=limit))
                except UsageError as error:
                    answer.say("skipped", str(error))
        if not found:
            raise UsageError("there is no direction to find in these samples; has the generator collapsed?")
        found = [replace(direction, reach=self.reach) for direction in found]
        for kind in dict.fromkeys(direction.kind for direction in found):
            _strips(opened, answer, [d for d in found if d.kind == kind], seeds(self.seeds))
        _write_effects(
            opened, answer, found, z[:_EFFECTS_ON], None if conditions is None else conditions[:_EFFECTS_ON]
        )
        info = {"checkpoint": opened.checkpoint, "reach": self.reach, "pool": self.pool}
        files = [opened.cache / f"directions.{suffix}" for suffix in ("safetensors", "json")]
        answer.later(files, lambda: axes.write_directions(opened.cache, found, info))
        return answer.done()


def _write_effects(
    opened: OpenedRun, answer: Answer, found: Sequence[axes.Direction], z: Tensor, conditions: Tensor | None
) -> None:
    """What each direction changes, and how purely."""
    seen = axes.effects(
        lambda latents: opened.generate(latents, conditions),
        opened.prior,
        found,
        opened.measure,
        z,
        thresholds=opened.thresholds,
    )
    answer.numbers["attributes"] = list(seen.attributes)
    rows: list[dict[str, object]] = []
    for i, direction in enumerate(found):
        moves = seen.words(i)
        row: dict[str, object] = {
            "name": direction.name,
            "kind": direction.kind,
            "strength": direction.strength,
            "change": seen.change[i].tolist(),
        }
        if direction.kind == "supervised":
            own = seen.attributes.index(direction.name)
            there, back = seen.flips[i, own].item(), seen.returns[i, own].item()
            purity = seen.entanglement(i, own)
            row |= {"flips": there, "returns": back, "entanglement": purity}
            answer.say(
                direction.kind,
                f"{direction.name}: {100 * there:.0f} % get it and {100 * back:.0f} % lose it; "
                f"others move {purity:.2f} as far; {moves}",
            )
        else:
            share = "of the variance" if direction.kind == "principal" else "of the weights"
            answer.say(direction.kind, f"{direction.name}: {100 * direction.strength:.0f} % {share}; {moves}")
        rows.append(row)
    answer.numbers["directions"] = rows


def _strips(opened: OpenedRun, answer: Answer, found: Sequence[axes.Direction], seeds: Sequence[int]) -> None:
    """Seven steps along each direction, from each seed; of points, where many of them go."""
    name, space = f"{found[0].kind}.png", opened.space
    if not space.codec.pictured:
        z, conditions = opened.pool(500)
        here = opened.generate(z, conditions)
        cells: list[sheets.Cell] = []
        for direction in found:
            there = axes.shift(opened.prior, z, direction.vector, direction.reach)
            cells.append(space.codec.displacements(here, opened.generate(there, conditions)))
        answer.picture(name, sheets.sheet([("", cells)], space, columns=[one.name for one in found]))
        return
    steps = torch.linspace(-1, 1, 7) * found[0].reach
    z, conditions = opened.seeds(seeds)
    rows: list[sheets.Row] = []
    for direction in found:
        samples: list[sheets.Cell] = []
        for i in range(len(z)):
            there = axes.shift(opened.prior, z[i : i + 1], direction.vector, steps)
            made = opened.generate(
                there, None if conditions is None else conditions[i : i + 1].expand(len(there), -1)
            )
            samples += [*([None] if i else []), *made]
        rows.append((direction.name, samples))
    words = ["0" if abs(s) < 1e-6 else f"{s:+.1f}" for s in steps.tolist()]
    columns = [word for i in range(len(z)) for word in ([""] if i else []) + words]
    answer.picture(name, sheets.sheet(rows, space, columns=columns))
