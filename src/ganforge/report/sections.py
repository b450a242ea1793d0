"""The parts of the page, from top to bottom."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ganforge.codecs.plots import png
from ganforge.core.space import Space
from ganforge.health.finding import Finding
from ganforge.report.commands import next_commands, remedy, started_with
from ganforge.report.curves import chart, glyph
from ganforge.report.events import Moment
from ganforge.report.film import Frame, data_uri, fitted
from ganforge.report.markup import Child, Markup, join, tag
from ganforge.report.panels import Panel
from ganforge.report.plain import counted, duration, entries, kimg, mapping, number, short, spaced, words
from ganforge.report.recipe_words import recipe_lines
from ganforge.runs.folder import Run

__all__ = ["Pair", "Strip", "curves", "film", "findings", "header", "nearest", "next_steps", "provenance"]
__all__ += ["section", "strips"]

Pair = tuple[np.ndarray, np.ndarray, float]


@dataclass(frozen=True)
class Strip:
    """A row of examples ``space.shape`` in declared units, each with what stands below it, if anything.

    Attributes:
        space: of the examples; None is that of the run.
        cells: of rows of a table, in place of examples: the heads, then a row each.
    """

    title: str
    words: str
    examples: Sequence[tuple[np.ndarray, str]] = ()
    space: Space | None = None
    cells: Sequence[Sequence[str]] = ()


_MOMENTS = 60  # moments in the list
_FOUND = 30  # findings of a kind
_LONGEST = 2_000  # characters of a line
_RECIPE = 100_000  # characters of the whole recipe
_PAIRS = 16
_PAIR_BYTES = 40_000
_STRIPS = 12
_STRIP_BYTES = 16_000  # of an example in a row
_SOUND_BYTES = 300_000  # of a sound that the page plays
_FILM_TIMES = 3  # as large as a picture a clip may be that the page shows as it moves


def section(identity: str, title: str, *children: Child) -> Markup:
    heading = tag("h2", title, id=f"{identity}-title")
    return tag("section", heading, *children, id=identity, aria_labelledby=f"{identity}-title")


def header(name: str, verdict: str, tone: str, facts: Sequence[str]) -> Markup:
    """Title, verdict, and the few numbers that say how far it came."""
    return tag(
        "header",
        tag("p", "ganforge report", class_="eyebrow"),
        tag("h1", name),
        tag("p", glyph(tone), verdict, class_=f"verdict {tone}"),
        tag("p", *_between(facts), class_="facts"),
    )


def _between(facts: Sequence[str]) -> list[Markup]:
    return [tag("span", fact) for fact in facts if fact]


# -- what was trained on what ---------------------------------------------------------------------


def provenance(run: Run, *, seconds: float, nimg: float, ended: str, best: str, rescues: str) -> Markup:
    """Data, recipe, machine and how it was started."""
    lines = [
        ("Data", _data(run)),
        *(("Note", words(note)) for note in entries(run.data.get("notes"))[:12]),
        ("Recipe", _chosen(run)),
        *recipe_lines(run.recipe, run.space),
        ("Trained", _trained(run, seconds, nimg)),
        ("Best look", best),
        ("Rescued", rescues),
        ("Ended", ended),
        ("Machine", _machine(run.info)),
        ("Versions", _versions(run.info)),
        ("Started", words(run.info.get("started") or "not known").replace("T", " ")),
    ]
    rows = [tag("div", tag("dt", subject), tag("dd", value[:_LONGEST])) for subject, value in lines if value]
    typed = started_with(run.info)
    if typed and sum(map(len, typed)) < _LONGEST:
        rows.append(tag("div", tag("dt", "Command"), tag("dd", _typed(typed))))
    whole = json.dumps(run.recipe.to_json(), indent=2, ensure_ascii=False, default=repr)
    full = tag("details", tag("summary", "The whole recipe"), tag("pre", whole[:_RECIPE], tabindex="0"))
    return section("made", "What was trained on what", tag("dl", *rows, class_="lines"), full)


def _typed(command: Sequence[str]) -> Markup:
    """A command, quoted so that a shell takes it as it is meant; a line breaks between its words only."""
    spans = [tag("span", shlex.quote(word)) for word in command]
    return tag("code", Markup(" ".join(spans)), class_="typed")


def _data(run: Run) -> str:
    data, space = run.data, run.space
    source, form = words(data.get("source") or "a source that is not known"), words(data.get("form") or "")
    train, held_out, skipped = (number(data.get(name)) for name in ("train", "held_out", "skipped"))
    parts = [
        f"{source}{f' ({form})' if form else ''}",
        f"{counted(train, 'example')} to train on, {counted(held_out, 'held out', 'held out')}",
        space.describe(),
    ]
    if space.classes:
        named = ", ".join(words(name) for name in space.classes[:12])
        more = ", …" if len(space.classes) > 12 else ""
        parts.append(f"{counted(len(space.classes), 'class', 'classes')}: {named}{more}")
    if skipped > 0:
        parts.append(f"{counted(skipped, 'file')} skipped")
    return " · ".join(parts)


def _chosen(run: Run) -> str:
    why = words(run.info.get("why") or "")
    return f"{words(run.recipe.name)}{f': {why}' if why else ''} · seed {run.recipe.seed}"


def _trained(run: Run, seconds: float, nimg: float) -> str:
    budget = mapping(run.info.get("budget"))
    limits = [f"{short(number(budget[name]))} {name}" for name in ("kimg", "minutes") if budget.get(name)]
    of = f" · {' and '.join(limits)} asked for" if limits else ""
    speed = f" · {nimg / seconds:,.0f} examples a second" if seconds > 0 and nimg > 0 else ""
    return f"{kimg(nimg)} in {duration(seconds)}{of}{speed}"


def _machine(info: dict[str, Any]) -> str:
    engine, machine = mapping(info.get("engine")), mapping(info.get("machine"))
    cores, threads = number(machine.get("cores")), number(info.get("threads"))
    parts = [
        words(engine.get("device") or "device not known"),
        words(engine.get("precision") or ""),
        "" if math.isnan(threads) else counted(threads, "thread"),
        "" if math.isnan(cores) else counted(cores, "core"),
        words(machine.get("system") or ""),
    ]
    return " · ".join(part for part in parts if part)


def _versions(info: dict[str, Any]) -> str:
    return " · ".join(f"{name} {words(info.get(name) or '?')}" for name in ("ganforge", "torch", "python"))


# -- the pictures through time --------------------------------------------------------------------


def film(frames: Sequence[Frame], unreadable: int, space: Space) -> Markup:
    """The fixed latents at several moments: a strip of all, and with a script one of them large."""
    if not frames:
        note = "None of the pictures can be read." if unreadable else "There are no pictures of this run."
        return section("film", "The pictures through time", tag("p", note, class_="quiet"))
    note = "What becomes of the same latents while the generator learns."
    if not space.codec.pictured:
        note = f"Generated {space.kind} in orange over real ones in grey, while the generator learns."
    if unreadable:
        note += f" {counted(unreadable, 'picture')} could not be read."
    last = len(frames) - 1
    sharp = space.codec.pictured and max(space.spatial) <= 128
    strip = [
        tag(
            "li",
            tag(
                "img",
                src=Markup(frame.source),
                alt=f"samples after {kimg(frame.nimg)}",
                width=str(frame.width),
                height=str(frame.height),
                data_nimg=str(frame.nimg),
            ),
            tag("span", kimg(frame.nimg)),
        )
        for frame in frames
    ]
    factor = max(1, 560 // frames[last].width) if sharp else 1
    controls = tag(
        "div",
        tag("button", "Play", type="button", id="play"),
        tag("label", "Examples shown", for_="time", class_="unseen"),
        tag("input", type="range", id="time", min="0", max=str(last), value=str(last), step="1"),
        tag("output", kimg(frames[last].nimg), for_="time", id="moment"),
        class_="controls",
    )
    screen = tag(
        "img",
        id="screen",
        alt=f"samples after {kimg(frames[last].nimg)}",
        width=str(frames[last].width * factor),
        height=str(frames[last].height * factor),
        class_="sharp" if sharp else None,
    )
    return section(
        "film",
        "The pictures through time",
        tag("p", note, class_="quiet"),
        tag(
            "div",
            tag("div", screen, controls, class_="screen", hidden=True),
            tag("ol", *strip, class_="strip", aria_label="All of these pictures, oldest first"),
            class_="film",
        ),
    )


# -- curves ---------------------------------------------------------------------------------------


def curves(
    quality: Sequence[Panel], game: Sequence[Panel], moments: Sequence[Moment], span: float, note: str
) -> Markup:
    """All panels, and the list of what is marked on them."""
    if not quality and not game:
        empty = tag("p", "The log holds no numbers yet.", class_="quiet")
        return section("curves", "The curves", empty, _timeline(moments))
    parts: list[Markup] = []
    for title, panels in (("How good the samples are", quality), ("How the game went", game)):
        if panels:
            parts.append(tag("h3", title))
            parts.append(tag("div", *(chart(panel, moments, span) for panel in panels), class_="panels"))
    floors = "Dashed lines are the best possible: what real examples reach. " if quality else ""
    about = f"Against examples shown, in thousands. {floors}{note}"
    return section("curves", "The curves", tag("p", about, class_="quiet"), *parts, _timeline(moments))


def _timeline(moments: Sequence[Moment]) -> Markup:
    if not moments:
        return Markup("")
    items = [
        tag("li", glyph(one.tone), tag("span", kimg(one.nimg), class_="when"), tag("span", one.words))
        for one in moments[-_MOMENTS:]
    ]
    earlier = len(moments) - len(items)
    more = tag("p", f"{earlier:,} earlier ones are in events.jsonl.", class_="quiet") if earlier else None
    title = tag("h3", "What happened, as marked on the curves")
    return join(title, more, tag("ol", *items, class_="timeline"))


# -- findings -------------------------------------------------------------------------------------


def findings(now: Sequence[Finding], earlier: Sequence[Finding], run: Run) -> Markup:
    """What is found now, the gravest first, and what was found earlier and is no more."""
    if not now and not earlier:
        body = tag("p", "Nothing was found, good or bad.", class_="quiet")
        return section("findings", "Findings", body)
    parts = [_finding(one, run) for one in now[:_FOUND]]
    if earlier:
        parts.append(tag("h3", "Seen earlier" if now else "Seen while training"))
        parts += [_finding(one, run) for one in earlier[:_FOUND]]
    return section("findings", "Findings", *parts)


def _finding(found: Finding, run: Run) -> Markup:
    evidence = [
        tag("div", tag("dt", spaced(name)), tag("dd", short(number(value))))
        for name, value in list(found.evidence.items())[:12]
    ]
    command = remedy(found, run)
    return tag(
        "article",
        tag(
            "p",
            glyph(found.severity),
            tag("span", found.severity, class_="severity"),
            tag("span", f"at {kimg(found.nimg)}", class_="when"),
        ),
        tag("h4", spaced(found.code)),
        tag("p", found.meaning),
        tag("dl", *evidence, class_="evidence") if evidence else None,
        tag("p", tag("b", "What helps: "), found.remedy) if found.remedy else None,
        tag("p", _typed(command)) if command else None,
        tag("p", "More: ", tag("span", found.page), class_="quiet") if found.rank else None,
        class_=f"finding {found.severity}",
    )


# -- what it makes --------------------------------------------------------------------------------


def strips(shown: Sequence[Strip], space: Space) -> Markup:
    """Rows of examples, real and made; nothing where there are none."""
    if not shown:
        return Markup("")
    rows = [
        tag(
            "div",
            tag("h3", strip.title, tag("span", f" {strip.words}", class_="quiet")),
            _cells(strip) if strip.cells else _row(strip, strip.space or space),
        )
        for strip in shown[:_STRIPS]
    ]
    return section("examples", "Real and made", *rows)


def _row(strip: Strip, space: Space) -> Markup:
    figures = [
        tag(
            "figure",
            _small(example, space, f"{strip.title}: {caption}".rstrip(": "), _STRIP_BYTES),
            _player(example, space, ""),
            tag("figcaption", caption) if caption else None,
        )
        for example, caption in strip.examples
    ]
    return tag("div", *figures, class_="row")


def _cells(strip: Strip) -> Markup:
    """Rows of a table, which scrolls where the page is narrow."""
    heads, *rows = strip.cells
    head = tag("thead", tag("tr", *(tag("th", words, scope="col") for words in heads)))
    body = tag("tbody", *(tag("tr", *(tag("td", words) for words in row)) for row in rows))
    whole = tag("table", head, body)
    return tag("div", whole, class_="cells", tabindex="0", role="region", aria_label=strip.title)


# -- nearest training examples --------------------------------------------------------------------


def nearest(pairs: Sequence[Pair] | None, space: Space, held_out: float) -> Markup:
    """Samples beside the training examples that are nearest to them; nothing for points.

    ``held_out`` is the middle distance from a held-out example to its nearest; NaN where it is not known.
    """
    if not pairs or not space.codec.pictured:
        return Markup("")
    shown = [
        tag(
            "figure",
            _small(sample, space, "a sample"),
            _small(training, space, "the training example nearest to it"),
            _player(sample, space, "sample"),
            _player(training, space, "training"),
            tag("figcaption", f"distance {short(number(float(distance)))}"),
        )
        for sample, training, distance in pairs[:_PAIRS]
    ]
    caption = (
        "Left a sample, right the training example that is nearest to it. Alike is well; "
        "the same, down to the grain, would be a copy."
    )
    if math.isfinite(held_out):
        caption += f" Examples held out from training are {short(held_out)} from theirs, in the middle."
    return section(
        "nearest",
        "Nearest training examples",
        tag("p", caption, class_="quiet"),
        tag("div", *shown, class_="pairs"),
    )


def _small(example: np.ndarray, space: Space, alt: str, most: int = _PAIR_BYTES) -> Markup:
    codec = space.codec
    film = codec.file(example) if codec.moving and codec.media.startswith("image/") else b""
    if 0 < len(film) <= _FILM_TIMES * most:
        sharp = "sharp" if max(space.spatial) < 96 else None
        source = Markup(data_uri(film, codec.media.partition("/")[2]))
        return tag("img", src=source, alt=f"{alt}, as it moves", width="96", class_=sharp)
    image: Image.Image = codec.picture(example)
    content, form = png(image), "png"
    if len(content) > most:
        content, form = fitted(image, most)[0], "webp"
    sharp = "sharp" if max(image.size) < 96 else None
    return tag("img", src=Markup(data_uri(content, form)), alt=alt, width="96", class_=sharp)


def _player(example: np.ndarray, space: Space, what: str) -> Markup:
    """To listen to it; nothing for what is not heard, or is too long for a page."""
    content = space.codec.listen(example) if space.codec.audible else b""
    if not 0 < len(content) <= _SOUND_BYTES:
        return Markup("")
    source = Markup(data_uri(content, "wav", sort="audio"))
    player = tag(
        "audio", controls=True, preload="metadata", src=source, aria_label=f"play the {what} example"
    )
    return tag("div", tag("span", what), player, class_="heard")


# -- next -----------------------------------------------------------------------------------------


def next_steps(run: Run, state: str) -> Markup:
    items = [
        join(tag("dt", _typed(command)), tag("dd", purpose))
        for command, purpose in next_commands(run, state=state)
    ]
    return section("next", "What to type next", tag("dl", *items, class_="next"))
