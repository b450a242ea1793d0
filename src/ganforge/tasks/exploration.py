"""What `gan explore` makes of the latents: interpolate, arithmetic, directions, truncate and mix.

Each function takes a :class:`Subject` and gives an :class:`Answer`, whose files go to ``explore/``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganforge.codecs import plots
from ganforge.core.errors import UsageError, nearest
from ganforge.latent import directions as axes
from ganforge.latent import sheets, styles
from ganforge.latent.arithmetic import combine, neighbours
from ganforge.latent.inversion import invert
from ganforge.latent.paths import Way, between, bilinear, path_length
from ganforge.tasks.answer import Answer
from ganforge.tasks.subject import Subject

__all__ = ["KINDS", "arithmetic", "directions", "interpolate", "mix", "truncate"]

_SEEN = 0.1  # share of two samples' difference, below which a style is hardly seen

KINDS = ("principal", "factorised", "supervised")
_FRAMES_PER_SECOND = 20
_EFFECTS_ON = 300  # samples that directions are judged by


def interpolate(
    subject: Subject,
    *,
    seeds: Sequence[int] = range(8),
    ends: Sequence[Path] = (),
    class_name: str | None = None,
    frames: int = 9,
    way: Way = "spherical",
    seconds: float = 6.0,
    pairs: int = 100,
) -> Answer:
    """Strips from each seed to the next, a sheet between the first four, a film, and the path length.

    Args:
        ends: pictures to walk between, in place of seeds; they are inverted first.
        class_name: of the pictures, where the run has classes.
        frames: steps of a strip, both ends included.
        seconds: of film; 0 is none.
        pairs: random walks that the path length is measured on; 0 is none.
    """
    answer = Answer(subject.folder / "interpolate")
    if len(ends) == 1 or (not ends and len(seeds) < 2):
        raise UsageError("a walk needs two ends: give two --seeds or two --pictures, or more")
    if frames < 3:
        raise UsageError(f"--frames is {frames}; a walk needs 3 or more")
    examples: Tensor | None = None
    if ends:
        examples = subject.read(ends)
        asked = subject.one_class(class_name, len(examples))
        found = invert(subject.sampler, examples, condition=asked, encoder=subject.encoder())
        z = found.latents
        answer.numbers["inversion_error"] = found.error.tolist()
        answer.say("ends", f"inverted with a mean squared error of {found.error.mean().item():.4f}")
    else:
        z, asked = subject.seeds(seeds)
    t = torch.linspace(0, 1, frames)
    walks: list[Tensor] = []
    for i in range(len(z) - 1):
        pair = torch.tensor([i, i + 1])
        walks.append(_walk(subject, z[pair], None if asked is None else asked[pair], t, way))
    if not subject.space.codec.pictured:
        real = subject.real(2_000)[0].numpy() if subject.has_data else None
        answer.picture("strip.png", subject.space.codec.show(torch.cat(walks).numpy(), real=real))
    else:
        rows: list[sheets.Row] = []
        for i, walk in enumerate(walks):  # pictures stand beside what they were inverted to
            given = [] if examples is None else [examples[i : i + 1], examples[i + 1 : i + 2]]
            rows.append((str(i + 1), list(torch.cat([*given[:1], walk, *given[1:]]))))
        answer.picture("strip.png", sheets.sheet(rows, subject.space))
        if len(z) >= 4:
            answer.picture("grid.png", _corners(subject, z[:4], asked, frames, way))
        if seconds > 0:
            _film(subject, answer, z, asked, way, seconds)
    if pairs > 1:
        _smoothness(subject, answer, way, pairs)
    return answer.done()


def _walk(subject: Subject, z: Tensor, asked: Tensor | None, t: Tensor, way: Way) -> Tensor:
    """Samples on the way between two latents ``(2, L)``; conditions fade along a straight line."""
    path = between(subject.prior, z[:1], z[1:], t, way=way)[0]
    fade = None if asked is None else torch.lerp(asked[0], asked[1], t[:, None])
    return subject.generate(path, fade)


def _corners(subject: Subject, z: Tensor, asked: Tensor | None, side: int, way: Way) -> Image.Image:
    fade = None
    if asked is not None:
        down, across = (torch.linspace(0, 1, side).reshape(shape) for shape in ((-1, 1, 1), (1, -1, 1)))
        left, right = torch.lerp(asked[0], asked[2], down), torch.lerp(asked[1], asked[3], down)
        fade = torch.lerp(left, right, across).flatten(0, 1)
    made = subject.generate(bilinear(subject.prior, z, side, side, way=way), fade)
    return plots.grid([subject.space.codec.picture(x.numpy()) for x in made], columns=side)


def _film(
    subject: Subject, answer: Answer, z: Tensor, asked: Tensor | None, way: Way, seconds: float
) -> None:
    """From each end to the next, and from the last back to the first."""
    count = max(2, round(_FRAMES_PER_SECOND * seconds / len(z)))
    t = torch.arange(count) / count
    order = [torch.tensor([i, (i + 1) % len(z)]) for i in range(len(z))]
    frames = torch.cat(
        [_walk(subject, z[pair], None if asked is None else asked[pair], t, way) for pair in order]
    )
    factor = max(1, 256 // max(subject.space.spatial))
    stills = [subject.space.codec.picture(x.numpy()) for x in frames]
    big = [s.resize((s.width * factor, s.height * factor), Image.Resampling.NEAREST) for s in stills]
    answer.film("walk.gif", big, seconds)


def _smoothness(subject: Subject, answer: Answer, way: Way, pairs: int) -> None:
    """The path length and, with labels, how sure a classifier is on the way."""
    beside = subject.pool(1)[1]  # one class for all

    def samples(z: Tensor) -> Tensor:
        with torch.no_grad():
            return subject.network(z, None if beside is None else beside.expand(len(z), -1))

    def read(z: Tensor) -> Tensor:
        x = samples(z)
        if not subject.labelled:
            return x
        # Not rounded to whole levels: the difference of near samples would be lost.
        return torch.from_numpy(subject.classifier.features(subject.space.codec.open(x)))

    kind = "a classifier's features" if subject.labelled else "the numbers themselves, in model units"
    found = path_length(read, subject.prior, pairs=pairs, way=way)
    answer.numbers["path_length"] = vars(found) | {"features": kind}
    answer.say("length", f"perceptual path length {found.value:.4g} ± {found.error:.2g}, in {kind}")
    if not subject.labelled:
        return
    z, asked = subject.pool(2 * pairs, seed=0x1A7)
    t = torch.linspace(0, 1, 9)
    path = between(subject.prior, z[:pairs], z[pairs:], t, way=way).flatten(0, 1)
    fade = None
    if asked is not None:
        fade = torch.lerp(asked[:pairs, None], asked[pairs:, None], t[:, None]).flatten(0, 1)
    sure = subject.probabilities(subject.generate(path, fade)).amax(1).reshape(pairs, 9)
    answer.numbers["confidence"] = {
        "median": sure.median().item(),
        "middle": sure[:, 4].median().item(),
        "weakest": sure.amin(1).median().item(),
        "share_at_least_.8": (sure >= 0.8).double().mean().item(),
    }
    answer.say(
        "sure",
        f"a classifier is {sure.median().item():.2f} sure along {pairs} walks (median), "
        f"{sure[:, 4].median().item():.2f} in the middle, {sure.amin(1).median().item():.2f} at the weakest",
    )


# --- arithmetic ---


def arithmetic(
    subject: Subject, *, a: str, b: str, c: str, exemplars: int = 20, pool: int = 4_000, spread: float = 0.25
) -> Answer:
    """mean(a) − mean(b) + mean(c), and the samples around the result.

    Args:
        a, b, c: ``seeds:1,2,3``, or qualities joined by ``/``: classes, and attributes with + or −.
        exemplars: samples of each term, where it is a quality; the paper takes 3, more are steadier.
        pool: samples that exemplars are sought among.
        spread: of the noise around the result.
    """
    answer = Answer(subject.folder / "arithmetic")
    if exemplars < 1 or pool < exemplars:
        raise UsageError(f"--exemplars is {exemplars}; it must be from 1 to --pool, {pool}")
    words = {"a": a, "b": b, "c": c}
    groups = _groups(subject, words, exemplars, pool)
    (za, ca), (zb, cb), (zc, cc) = groups.values()
    renormalise = len(za) != 3
    result = combine(subject.prior, za, zb, zc, renormalise=renormalise)
    beside = None
    if ca is not None and cb is not None and cc is not None:
        beside = (ca.mean(0) - cb.mean(0) + cc.mean(0)).expand(9, -1)
    around = torch.cat([result[None], neighbours(subject.prior, result, 8, spread=spread)])
    made = subject.generate(around, beside)
    _sum_sheet(subject, answer, words, groups, made, renormalise)
    answer.numbers |= words | {"exemplars": len(za), "latent": result.tolist()}
    terms = {name: subject.measure(subject.generate(z, asked)) for name, (z, asked) in groups.items()}
    terms["sum"] = subject.measure(made)
    means = {term: {k: v.mean().item() for k, v in found.items()} for term, found in terms.items()}
    answer.numbers["measured"] = means
    asked_for = {q.rstrip("+-") for text in words.values() for q in text.split("/")} & set(means["sum"])
    for name in sorted(asked_for or set(list(means["sum"])[:3])):
        answer.say(name, ", ".join(f"{term} {found[name]:.3g}" for term, found in means.items()))
    return answer.done()


def _sum_sheet(
    subject: Subject,
    answer: Answer,
    words: dict[str, str],
    groups: dict[str, tuple[Tensor, Tensor | None]],
    made: Tensor,
    renormalise: bool,
) -> None:
    """The figure of Radford et al. 2015: exemplars, the mean of each term, and 3×3 around the sum."""
    nine = [*made[1:5], made[0], *made[5:]]
    rows: list[sheets.Row] = []
    for i, (sign, (name, (z, asked))) in enumerate(zip(("", "- ", "+ "), groups.items(), strict=True)):
        mean = z.mean(0, keepdim=True)
        if renormalise and subject.prior.kind == "normal":
            mean = mean * (subject.prior.size**0.5 / mean.norm().clamp_min(1e-6))
        middle = subject.generate(mean, None if asked is None else asked.mean(0, keepdim=True))
        some = subject.generate(z[:3], None if asked is None else asked[:3])
        cells: list[sheets.Cell] = [*some, *[None] * (3 - len(some)), None, middle[0], None]
        rows.append((f"{sign}{words[name]}", [*cells, *nine[3 * i : 3 * i + 3]]))
    columns = ["some", "", "", "", "mean", "", "around", "the sum", ""]
    answer.picture("sheet.png", sheets.sheet(rows, subject.space, columns=columns))


def _groups(
    subject: Subject, words: dict[str, str], count: int, pool: int
) -> dict[str, tuple[Tensor, Tensor | None]]:
    """Latents ``(N, L)`` and conditions of each term."""
    found: dict[str, tuple[Tensor, Tensor | None]] = {}
    z, asked = subject.pool(pool)
    values: dict[str, Tensor] | None = None
    for term, text in words.items():
        if text.startswith("seeds:"):
            numbers = [int(number) for number in re.findall(r"\d+", text)]
            if not numbers:
                raise UsageError(f"{text!r} names no seeds; write it as in seeds:3,17,20")
            found[term] = subject.seeds(numbers)
            continue
        values = subject.measure(subject.generate(z, asked)) if values is None else values
        keep = _with_qualities(subject, values, text)
        picked = keep.nonzero()[:count, 0]
        if len(picked) < min(count, 3):
            raise UsageError(f"only {len(picked)} of {pool:,} samples are {text}; give a larger --pool")
        found[term] = (z[picked], None if asked is None else asked[picked])
    return found


def _with_qualities(subject: Subject, values: dict[str, Tensor], text: str) -> Tensor:
    """Which samples have every quality of ``text``, ``(N,)`` bool.

    A class is had where its probability is .9 or more; of an attribute, + is the upper fifth of those that
    have the qualities before it, and − the lower fifth.
    """
    classes = subject.space.classes if subject.labelled else ()
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


# --- directions ---


def directions(
    subject: Subject,
    *,
    kinds: Sequence[str] = KINDS,
    count: int = 5,
    attributes: Sequence[str] = (),
    pool: int = 4_000,
    reach: float = 3.0,
    seeds: Sequence[int] = (3, 6),
) -> Answer:
    """Directions of every kind, each as a strip; what they change; kept in ``explore/directions.*``.

    Args:
        count: of the principal and of the factorised ones.
        attributes: for which a supervised one is fitted; all by default.
        pool: samples that they are found on.
        reach: how far the strips go, and the effects are measured, in latent units.
        seeds: two that the strips start from.
    """
    answer = Answer(subject.folder / "directions")
    prior = subject.prior
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"there is no kind of direction {kind!r}.{nearest(kind, KINDS)} See --help")
    for name in attributes:
        if name not in subject.attributes:
            known = ", ".join(subject.attributes)
            raise UsageError(
                f"there is no attribute {name!r}.{nearest(name, subject.attributes)} Known: {known}"
            )
    z, asked = subject.pool(pool)
    found: list[axes.Direction] = []
    if "principal" in kinds or "factorised" in kinds:
        first = axes.first_layer(subject.sampler.network, prior.size, asked)
        if "principal" in kinds:
            found += axes.principal(first.features(z, asked), z, prior=prior, count=count)
        if "factorised" in kinds:
            found += axes.factorised(first.weight, prior=prior, count=count)
    if "supervised" in kinds:
        values = subject.measure(subject.generate(z, asked))
        for name in attributes or subject.attributes:
            limit = subject.thresholds.get(name)
            try:
                found.append(axes.supervised(name, z, values[name], prior=prior, threshold=limit))
            except UsageError as error:
                answer.say("skipped", str(error))
    if not found:
        raise UsageError("there is no direction to find in these samples; has the generator collapsed?")
    found = [replace(direction, reach=reach) for direction in found]
    for kind in dict.fromkeys(direction.kind for direction in found):
        _strips(subject, answer, [d for d in found if d.kind == kind], seeds)
    _tell_effects(subject, answer, found, z[:_EFFECTS_ON], None if asked is None else asked[:_EFFECTS_ON])
    info = {"checkpoint": subject.checkpoint, "reach": reach, "pool": pool}
    files = [subject.cache / f"directions.{suffix}" for suffix in ("safetensors", "json")]
    answer.later(files, lambda: axes.write_directions(subject.cache, found, info))
    return answer.done()


def _tell_effects(
    subject: Subject, answer: Answer, found: Sequence[axes.Direction], z: Tensor, asked: Tensor | None
) -> None:
    """What each direction changes, and how purely."""
    seen = axes.effects(
        lambda latents: subject.generate(latents, asked),
        subject.prior,
        found,
        subject.measure,
        z,
        thresholds=subject.thresholds,
    )
    answer.numbers["attributes"] = list(seen.attributes)
    rows: list[dict[str, object]] = []
    for i, direction in enumerate(found):
        order = seen.change[i].abs().argsort(descending=True)[:3].tolist()
        moves = ", ".join(f"{seen.attributes[j]} {seen.change[i, j]:+.1f}" for j in order) + " sd"
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


def _strips(subject: Subject, answer: Answer, found: Sequence[axes.Direction], seeds: Sequence[int]) -> None:
    """Seven steps along each direction, from each seed; of points, where many of them go."""
    name, space = f"{found[0].kind}.png", subject.space
    if not space.codec.pictured:
        z, asked = subject.pool(500)
        here = subject.generate(z, asked)
        cells: list[sheets.Cell] = []
        for direction in found:
            there = axes.moved(subject.prior, z, direction.vector, direction.reach)
            cells.append(space.codec.moves(here, subject.generate(there, asked)))
        answer.picture(name, sheets.sheet([("", cells)], space, columns=[one.name for one in found]))
        return
    steps = torch.linspace(-1, 1, 7) * found[0].reach
    z, asked = subject.seeds(seeds)
    rows: list[sheets.Row] = []
    for direction in found:
        samples: list[sheets.Cell] = []
        for i in range(len(z)):
            there = axes.moved(subject.prior, z[i : i + 1], direction.vector, steps)
            made = subject.generate(there, None if asked is None else asked[i : i + 1].expand(len(there), -1))
            samples += [*([None] if i else []), *made]
        rows.append((direction.name, samples))
    words = ["0" if abs(s) < 1e-6 else f"{s:+.1f}" for s in steps.tolist()]
    columns = [word for i in range(len(z)) for word in ([""] if i else []) + words]
    answer.picture(name, sheets.sheet(rows, space, columns=columns))


# --- truncation and styles ---


def truncate(subject: Subject, *, truncation: float = 0.5, pool: int = 4_000, each: int = 50) -> Answer:
    """Samples drawn towards the centre of their own class, beside those drawn towards the prior's centre.

    Args:
        pool: samples that the classes' centres are the means of.
        each: samples of each class that are compared.
    """
    answer = Answer(subject.folder / "truncate")
    if not subject.labelled:
        raise UsageError("centres of classes need the labelled data of the run; name them with --data-at")
    z, asked = subject.pool(pool)
    classes = len(subject.space.classes)
    if asked is None:
        told = subject.probabilities(subject.generate(z)).argmax(1)
        centres = styles.class_centres(z, told, classes)
    else:
        told, centres = asked.argmax(1), torch.zeros(classes, subject.prior.size)
    rows: list[sheets.Row] = []
    sure: dict[str, list[float]] = {"as they are": [], "prior's centre": [], "class's centre": []}
    for index, name in enumerate(subject.space.classes):
        own = (told == index).nonzero()[:each, 0]
        if not len(own):
            continue
        beside = None if asked is None else asked[own]
        latents = (
            z[own],
            subject.prior.truncated(z[own], truncation),
            styles.towards(subject.prior, z[own], centres[index], truncation),
        )
        cells: list[sheets.Cell] = []
        for kind, some in zip(sure, latents, strict=True):
            made = subject.generate(some, beside)
            sure[kind] += subject.probabilities(made)[:, index].tolist()
            cells += [*made[:5], *[None] * (5 - len(made[:5])), None]
        rows.append((name, cells[:-1]))
    columns = [word for kind in sure for word in (*kind.split(" ", 1), "", "", "", "")]
    answer.picture("sheet.png", sheets.sheet(rows, subject.space, columns=columns[:-1]))
    answer.numbers = {kind: float(np.mean(values)) for kind, values in sure.items()}
    for kind, value in answer.numbers.items():
        answer.say("sure", f"{value:.3f}  of the class, {kind}")
    return answer.done()


def mix(
    subject: Subject, *, content: Sequence[int] = range(5), style: Sequence[int] = range(100, 105)
) -> Answer:
    """Shapes of some seeds with the textures of others, where the network has places to mix.

    Raises UsageError where it has none.
    """
    answer = Answer(subject.folder / "mix")
    zc, cc = subject.seeds(content)
    zs, cs = subject.seeds(style)
    tops = subject.generate(zs, cs)
    rows: list[sheets.Row] = [("", [None, *tops])]
    moved: list[Tensor] = []
    for i, seed in enumerate(content):
        beside = None if cc is None else cc[i : i + 1].expand(len(zs), -1)
        made = styles.mixed(subject.sampler.network, zc[i : i + 1].expand(len(zs), -1), zs, beside)
        own = subject.generate(zc[i : i + 1], None if cc is None else cc[i : i + 1])
        shown = subject.space.to_declared(made).cpu()
        rows.append((f"{seed}", [own[0], *shown]))
        moved.append((shown.float() - own.float()).abs().mean() / (tops.float() - own.float()).abs().mean())
    answer.picture("sheet.png", sheets.sheet(rows, subject.space, columns=["", *(f"{s}" for s in style)]))
    share = float(torch.stack(moved).mean())
    few = "; so little is hard to see: train longer, or with more stages" if share < _SEEN else ""
    answer.say("style", f"changes {100 * share:.0f} % of what sets two samples apart{few}")
    answer.numbers = {"content": list(content), "style": list(style), "changed": share}
    return answer.done()
