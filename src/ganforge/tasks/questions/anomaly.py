"""How unlike its data a run finds examples."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

import numpy as np
import torch
from torch import Tensor, nn

from ganforge.core.declared import GAMES
from ganforge.core.errors import UsageError, nearest
from ganforge.core.options import listed, option
from ganforge.data.readers import Source, has_names, names_of
from ganforge.latent import anomaly as strange
from ganforge.latent import sheets
from ganforge.networks.protocols import Discriminator
from ganforge.tasks.again import load_again
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Anomaly"]

_HELD_OUT = 2_000  # normal examples that signs are standardised on
_MEMORY = 10_000  # normal examples that the nearest is sought among
_SHOWN = 8
_USUAL = ("normal", "good")  # what a folder of normal examples is called


@dataclass(frozen=True)
class Anomaly(Question):
    """Score examples by how unlike the run's data they are, and show the least and the most unlike.

    Each is led to its latent and made again; what comes back otherwise was not learned. Writes scores.csv.
    Where --data has classes or subfolders, says how well the scores tell the others from the normal ones.
    """

    name = "anomaly"
    words = "how unlike the data is it, beside what the run makes of it?"

    data: Annotated[str | None, option("DATA")] = None
    """examples to score, such as a folder; the run's held-out ones by default"""
    normal: Annotated[str, option("LIST")] = ""
    """the classes of --data that are normal; by default one called normal or good"""
    signs: Annotated[str, option("LIST")] = "relative,neighbours"
    """what counts: residual, relative, features, logit, neighbours"""
    quantile: Annotated[float, option("Q")] = 0.95
    """share of held-out examples below the threshold"""
    steps: Annotated[int, option("N")] = 0
    """of a search for each latent, from the encoder's answer; 0 takes the answer"""
    rounds: Annotated[int, option("N")] = 1000
    """of the encoder's training, where the run has none of its own"""

    def ask(self, opened: OpenedRun) -> Answer:
        signs = listed(self.signs)
        _check(opened, signs, self.steps)
        answer = Answer(opened.folder / self.name)
        held_out, _ = opened.real(_HELD_OUT)
        known, _ = opened.real(_MEMORY, held_out=False)
        to_score = _held_out(held_out) if self.data is None else _read(opened, self.data)
        good = _normal_kinds(to_score, listed(self.normal))
        encoder = opened.encoder(rounds=self.rounds)
        judge, of_pairs = _judge(opened)
        memory = strange.remember(opened.space, known, encoder=encoder)

        def look(examples: Tensor) -> strange.Seen:
            return strange.look(
                opened.sampler,
                examples,
                encoder=encoder,
                judge=judge,
                of_pairs=of_pairs,
                memory=memory,
                steps=self.steps,
            )

        normals = look(held_out)
        measure = strange.Normal.of(normals.signs, signs)
        seen = normals if self.data is None else look(to_score.examples)
        scores = measure.score(seen.signs)
        limit = measure.threshold(self.quantile)
        answer.write("scores.csv", _table(to_score, scores, limit, seen))
        _sheet(opened, answer, to_score, seen, scores)
        above = (scores > limit).double().mean().item()
        answer.numbers = {
            "threshold": limit,
            "quantile": self.quantile,
            "signs": list(measure.mean),
            "above": above,
        }
        what = "held-out examples" if self.data is None else "examples"
        normally = f"{100 * (1 - self.quantile):.3g} % of normal ones are"
        answer.say(
            "score", f"by {' and '.join(measure.mean)}, in deviations of {len(held_out):,} held-out examples"
        )
        answer.say("above", f"{limit:.2f}, as {normally}: {100 * above:.1f} % of {len(scores):,} {what}")
        order = scores.argsort(descending=True)[:3].tolist()
        answer.say("strangest", ", ".join(f"{to_score.names[i]} ({scores[i]:.2f})" for i in order))
        if good:
            _write_accuracy(answer, to_score, good, seen, scores, limit)
        return answer.done()


@dataclass(frozen=True, eq=False)
class _ToScore:
    """Examples to be scored: ``(N, *shape)`` in declared units, their names, and their classes' names."""

    examples: Tensor
    names: list[str]
    kinds: list[str] | None


def _check(opened: OpenedRun, signs: Sequence[str], steps: int) -> None:
    game = GAMES.find(opened.run.recipe.game)
    if game.from_inputs:
        raise UsageError(
            f"anomalies are found by way of latents, and a run of {game.name} has none; see gan train"
        )
    if opened.sampler.conditions:
        raise UsageError("anomalies are found by runs without conditions; train one: --set conditional=false")
    if not opened.has_data:
        raise UsageError("a score needs normal examples that training has not seen: name the data, --data-at")
    for name in signs:
        if name not in strange.SIGNS:
            hint = nearest(name, strange.SIGNS)
            raise UsageError(f"there is no sign {name!r}.{hint} There is {', '.join(strange.SIGNS)}")
    if not signs or steps < 0:
        raise UsageError("name at least one sign, and --steps that are not negative")


def _judge(opened: OpenedRun) -> tuple[nn.Module | None, bool]:
    """The discriminator, if it judges examples one by one, and whether it wants their latents too."""
    network, recipe = opened.discriminator, opened.run.recipe_at(opened.found)
    if recipe.packing > 1 or not cast(Discriminator, network).examples_are_independent:
        return None, False
    return network.eval().requires_grad_(False), GAMES.find(recipe.game).judged_with == "latent"


def _held_out(examples: Tensor) -> _ToScore:
    return _ToScore(examples, [f"number {i + 1}" for i in range(len(examples))], None)


def _read(opened: OpenedRun, data: str) -> _ToScore:
    """Examples of a folder, a file or a built-in set, in the run's size. Raises UsageError."""
    found = load_again(data, opened.run, 0.0)
    if found.space.shape != opened.space.shape or found.space.kind != opened.space.kind:
        raise UsageError(
            f"{data} holds {found.space.describe()}, and the run was trained on {opened.space.describe()}"
        )
    part = found.train
    order = np.argsort(part.origin)
    values = torch.from_numpy(np.array(part.values[order]))
    path = Source.of(data).path
    files = names_of(path) if path is not None and has_names(path) else []
    # Files that could not be read are left out: numbers are then all that is sure.
    named = len(files) == len(values)
    names = files if named else [f"number {number + 1}" for number in part.origin[order].tolist()]
    kinds = None
    if part.labels is not None and found.space.classes:
        kinds = [found.space.classes[label] for label in part.labels[order].tolist()]
    return _ToScore(values, names, kinds)


def _normal_kinds(to_score: _ToScore, normal: Sequence[str]) -> set[str]:
    """Which classes are normal; empty where nothing can be told apart. Raises UsageError."""
    known = sorted(set(to_score.kinds or ()))
    if normal:
        if not known:
            raise UsageError("--normal names a class of --data, and there are none; put them in subfolders")
        for name in normal:
            if name not in known:
                raise UsageError(
                    f"there is no class {name!r}.{nearest(name, known)} There is {', '.join(known)}"
                )
    good = set(normal) or {name for name in known if name.lower() in _USUAL}
    if normal and good >= set(known):
        raise UsageError("every class is normal; leave one that is not")
    return good if good < set(known) else set()


def _table(to_score: _ToScore, scores: Tensor, limit: float, seen: strange.Seen) -> str:
    """One line an example, the strangest first."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    classes = ["class"] if to_score.kinds is not None else []
    writer.writerow(["name", *classes, "score", "above", *seen.signs])
    for i in scores.argsort(descending=True).tolist():
        kind = [to_score.kinds[i]] if to_score.kinds is not None else []
        score = scores[i].item()
        signs = [f"{values[i].item():.6g}" for values in seen.signs.values()]
        writer.writerow([to_score.names[i], *kind, f"{score:.6g}", int(score > limit), *signs])
    return page.getvalue()


def _sheet(opened: OpenedRun, answer: Answer, to_score: _ToScore, seen: strange.Seen, scores: Tensor) -> None:
    """The least and the most unlike, what the run makes of them, and what is left over."""
    space = opened.space
    if not space.codec.pictured:
        answer.picture("sheet.png", space.codec.displacements(to_score.examples, seen.rebuilt))
        return
    order = scores.argsort()
    half = min(_SHOWN, (len(order) + 1) // 2)
    least, most = order[:half].tolist(), order[len(order) - min(half, len(order) // 2) :].tolist()
    picked = [*least, None, *most]
    gap = to_score.examples.float() - seen.rebuilt.float()
    top = max(float(gap[[i for i in picked if i is not None]].abs().mean(1).max()), 1e-9)
    rows: list[sheets.Row] = [
        ("given", [None if i is None else to_score.examples[i] for i in picked]),
        ("again", [None if i is None else seen.rebuilt[i] for i in picked]),
        ("left over", [None if i is None else sheets.heat(gap[i], largest=top) for i in picked]),
    ]
    words = ["" if i is None else f"{scores[i]:+.1f}" for i in picked]
    columns = ["least", *[""] * (len(least) - 1), "", "most unlike"]
    answer.picture("sheet.png", sheets.sheet(rows, space, columns=columns, notes=[words, [], []]))


def _write_accuracy(
    answer: Answer, to_score: _ToScore, good: set[str], seen: strange.Seen, scores: Tensor, limit: float
) -> None:
    """How well the scores tell the other classes from the normal ones."""
    assert to_score.kinds is not None
    kinds = np.array(to_score.kinds)
    usual = torch.from_numpy(np.isin(kinds, sorted(good)))
    area = strange.auroc(scores, ~usual)
    each = {name: strange.auroc(values, ~usual) for name, values in seen.signs.items()}
    by_kind: dict[str, float] = {}
    for kind in sorted(set(to_score.kinds) - good):
        rows = usual | torch.from_numpy(kinds == kind)
        by_kind[kind] = strange.auroc(scores[rows], ~usual[rows])
    caught = (scores[~usual] > limit).double().mean().item()
    false = (scores[usual] > limit).double().mean().item()
    answer.numbers |= {"auroc": area, "auroc_of_signs": each, "auroc_of_classes": by_kind}
    answer.numbers |= {"caught": caught, "false_alarms": false}
    answer.say(
        "auroc", f"{area:.3f}: the chance that another class scores higher than {', '.join(sorted(good))}"
    )
    for name, value in each.items():
        answer.say("by sign", f"{value:.3f}  {name}")
    for name, value in list(by_kind.items())[:20]:
        answer.say("by class", f"{value:.3f}  {name}")
    answer.say("caught", f"{100 * caught:.0f} % of the others, with {100 * false:.1f} % false alarms")
