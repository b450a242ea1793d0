"""`gan explore RUN WHAT`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from ganforge.cli.options import option, parse, run_or_last, seeds
from ganforge.core.errors import UsageError, nearest

if TYPE_CHECKING:
    from ganforge.tasks.answer import Answer
    from ganforge.tasks.subject import Subject

__all__ = ["WHATS", "main", "read"]


@dataclass(frozen=True)
class Common:
    out: Annotated[Path | None, option("FOLDER")] = None
    """where results go; RUN/explore by default"""
    data_at: Annotated[str | None, option("DATA")] = None
    """where the run's data are now, if they have moved"""


@dataclass(frozen=True)
class Interpolate(Common):
    """Walk between samples, or between pictures of your own.

    Writes a strip for each step of the walk, a sheet between the first four ends and a film, and says how
    smooth the generator is.
    """

    seeds: Annotated[str, option("LIST")] = "0-7"
    """ends of the walk: numbers and ranges, as in 0-7 or 3,7,20"""
    pictures: Annotated[tuple[Path, ...], option("FILE...")] = ()
    """pictures to walk between, in place of seeds"""
    classes: Annotated[str | None, option("NAME", name="class")] = None
    """the class of the pictures, where the run has classes"""
    way: Annotated[Literal["spherical", "linear"], option()] = "spherical"
    """along great circles, or straight"""
    frames: Annotated[int, option("N")] = 9
    """steps of a strip"""
    seconds: Annotated[float, option("S")] = 6.0
    """length of the film; 0 writes none"""
    pairs: Annotated[int, option("N")] = 100
    """random walks that the smoothness is measured on; 0 leaves it out"""

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.exploration import interpolate

        return interpolate(
            subject,
            seeds=seeds(self.seeds),
            ends=self.pictures,
            class_name=self.classes,
            frames=self.frames,
            way=self.way,
            seconds=self.seconds,
            pairs=self.pairs,
        )


@dataclass(frozen=True)
class Arithmetic(Common):
    """Compute with samples: mean of A, less the mean of B, plus the mean of C.

    A term is seeds, as in seeds:3,17,20, or qualities joined by a slash: a class, or an attribute followed by
    + or -, as in 7/slant+. Attributes of pictures are light, contrast, slant, wide, tall, left and top.
    """

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

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.exploration import arithmetic

        return arithmetic(subject, a=self.a, b=self.b, c=self.c, exemplars=self.exemplars, pool=self.pool)


@dataclass(frozen=True)
class Directions(Common):
    """Find directions in the latent space that change one thing.

    Principal ones and factorised ones need no label; a supervised one is fitted to every attribute, and to
    every class where the data have labels. They are kept in RUN/explore/directions.safetensors.
    """

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

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.exploration import directions

        return directions(
            subject,
            kinds=_words(self.kinds),
            count=self.count,
            attributes=_words(self.attributes),
            pool=self.pool,
            reach=self.reach,
            seeds=seeds(self.seeds),
        )


@dataclass(frozen=True)
class Invert(Common):
    """Find the latent of a picture; fill in what is hidden; draw by example; find what is strange.

    An encoder is trained once and kept in RUN/explore. What the generator cannot rebuild is a measure of how
    strange a picture is.
    """

    pictures: Annotated[tuple[Path, ...], option("FILE...")] = ()
    """pictures, or .npy in the data's units; held-out examples by default"""
    classes: Annotated[str | None, option("NAME", name="class")] = None
    """the class of the pictures, where the run has classes"""
    count: Annotated[int, option("N")] = 12
    """held-out examples to invert, where no pictures are given"""
    mask: Annotated[Path | None, option("FILE")] = None
    """a picture that is white where the examples are unknown"""
    hide: Annotated[str | None, option("L,T,R,B")] = None
    """a box that is unknown: left,top,right,bottom in pixels"""
    strokes: Annotated[Path | None, option("FILE")] = None
    """a drawing on a transparent ground, to be completed"""
    steps: Annotated[int, option("N")] = 150
    """of the search; 0 asks the encoder alone"""
    restarts: Annotated[int, option("N")] = 2
    """searches from random latents beside the encoder's"""
    rounds: Annotated[int, option("N")] = 1000
    """of the encoder's training"""

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.questions import invert

        return invert(
            subject,
            files=self.pictures,
            n=self.count,
            class_name=self.classes,
            mask=self.mask,
            hide=_box(self.hide),
            strokes=self.strokes,
            steps=self.steps,
            restarts=self.restarts,
            rounds=self.rounds,
        )


@dataclass(frozen=True)
class Anomaly(Common):
    """Score examples by how unlike the run's data they are, and show the least and the most unlike.

    Each is led to its latent and made again; what comes back otherwise was not learned. Writes scores.csv.
    Where --data has classes or subfolders, says how well the scores tell the others from the normal ones.
    """

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

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.anomaly import anomaly

        return anomaly(
            subject,
            data=self.data,
            normal=_words(self.normal),
            signs=_words(self.signs),
            quantile=self.quantile,
            steps=self.steps,
            rounds=self.rounds,
        )


@dataclass(frozen=True)
class Feedback(Common):
    """Ask the discriminator: how real is it, and which pixels should change?

    Writes the advice as a heat map (red: brighter, blue: darker) and as a sentence, follows it, and says how
    it flows into the generator's weights.
    """

    seeds: Annotated[str, option("LIST")] = "0-7"
    """samples to ask about"""
    pictures: Annotated[tuple[Path, ...], option("FILE...")] = ()
    """pictures to ask about, in place of seeds"""
    classes: Annotated[str | None, option("NAME", name="class")] = None
    """the class of the pictures, where the run has classes"""
    steps: Annotated[int, option("N")] = 10
    """how often the advice is followed"""
    levels: Annotated[float | None, option("X")] = None
    """largest change of one step in the data's units; 8 grey levels for pictures"""
    important: Annotated[int, option("N")] = 5
    """pixels that the sentence names"""

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.questions import feedback

        return feedback(
            subject,
            seeds=seeds(self.seeds),
            files=self.pictures,
            class_name=self.classes,
            steps=self.steps,
            levels=self.levels,
            important=self.important,
        )


@dataclass(frozen=True)
class Features(Common):
    """Use what the discriminator learned: a linear classifier on its activations.

    Its accuracy stands beside that of an untrained network's activations and of the pixels themselves.
    """

    labels: Annotated[int, option("N")] = 100
    """labelled examples to learn from"""
    test: Annotated[int, option("N")] = 2000
    """held-out examples to be tested on"""
    draws: Annotated[int, option("N")] = 3
    """how often other labelled examples are drawn"""

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.questions import features

        return features(subject, labels=self.labels, test=self.test, draws=self.draws)


@dataclass(frozen=True)
class Resample(Common):
    """Let the calibrated discriminator choose among samples, and show what is gained.

    By rejection, which throws samples away, and by Langevin's walk, which moves their latents. Nothing else
    in gan does this: samples come as they are unless you ask here.
    """

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

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.questions import resample

        return resample(
            subject,
            n=self.samples,
            methods=_words(self.methods),
            percentile=self.percentile,
            steps=self.steps,
            step=self.step,
            seed=self.seed,
        )


@dataclass(frozen=True)
class Truncate(Common):
    """Draw samples towards the centre of their own class, beside the prior's centre."""

    truncation: Annotated[float, option("T")] = 0.5
    """0 to 1: less is more typical"""
    pool: Annotated[int, option("N")] = 4000
    """samples that the centres are the means of"""

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.exploration import truncate

        return truncate(subject, truncation=self.truncation, pool=self.pool)


@dataclass(frozen=True)
class Mix(Common):
    """Give the coarse shapes of some samples the finer making of others.

    For generators where the latent enters at several places: few_shot, and residual with its styles.
    """

    content: Annotated[str, option("LIST")] = "0-4"
    """seeds of the shapes"""
    style: Annotated[str, option("LIST")] = "100-104"
    """seeds of the finer making"""

    def ask(self, subject: Subject) -> Answer:
        from ganforge.tasks.exploration import mix

        return mix(subject, content=seeds(self.content), style=seeds(self.style))


Question = (
    Interpolate | Arithmetic | Directions | Invert | Anomaly | Feedback | Features | Resample | Truncate | Mix
)
# What can be asked, with its words in the overview.
WHATS: dict[str, tuple[type[Question], str]] = {
    "interpolate": (Interpolate, "walk between samples, or between pictures of your own"),
    "arithmetic": (Arithmetic, "compute with samples: A less B plus C"),
    "directions": (Directions, "find directions that change one thing, and name them"),
    "invert": (Invert, "from a picture to its latent; fill in, complete a drawing, find what is strange"),
    "anomaly": (Anomaly, "how unlike the data is it, beside what the run makes of it?"),
    "feedback": (Feedback, "how real is it, and which pixels should change?"),
    "features": (Features, "what the discriminator learned, as a classifier"),
    "resample": (Resample, "let the discriminator choose among samples"),
    "truncate": (Truncate, "samples nearer to the middle of their class"),
    "mix": (Mix, "the coarse shapes of some samples with the finer making of others"),
}


def read(arguments: Sequence[str]) -> tuple[Path | None, Question] | None:
    """The run that is asked about and the question; None where the overview is asked for.

    Raises UsageError.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        return None
    words = list(arguments)
    run = None if words[0] in WHATS and not Path(words[0], "run.json").is_file() else Path(words.pop(0))
    if run is not None and str(run).startswith("-"):
        raise UsageError(
            f"there is no option {run}; a run and what to explore come first. See: gan explore --help"
        )
    if not words or words[0] in ("-h", "--help"):
        raise UsageError(
            f"say what to explore: {', '.join(WHATS)}, as in gan explore {run} {next(iter(WHATS))}"
        )
    what = words.pop(0)
    if what not in WHATS:
        raise UsageError(
            f"there is no {what!r} to explore.{nearest(what, WHATS)} There is {', '.join(WHATS)}"
        )
    return run, parse(WHATS[what][0], f"explore RUN {what}", words)


def main(arguments: list[str]) -> int:
    asked = read(arguments)
    if asked is None:
        print(_overview())
        return 0
    run, question = asked
    from ganforge.cli.screen import Screen
    from ganforge.tasks.subject import Subject

    screen = Screen()
    subject = Subject(run_or_last(run, screen.say), out=question.out, data=question.data_at, say=screen.say)
    screen.table([("opened", subject.found.opened.words)])
    with screen.busy("exploring …"):
        answer = question.ask(subject)
    screen.table(answer.lines)  # shown before it is written
    screen.table([("wrote", str(path)) for path in answer.keep()])
    return 0


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _box(text: str | None) -> tuple[int, int, int, int] | None:
    if text is None:
        return None
    try:
        left, top, right, bottom = (int(number) for number in text.split(","))
    except ValueError:
        raise UsageError(
            f"--hide takes left,top,right,bottom in pixels, as in 0,14,28,28, not {text!r}"
        ) from None
    return left, top, right, bottom


def _overview() -> str:
    rows = "\n".join(f"  {what:<12} {words}" for what, (_, words) in WHATS.items())
    return (
        "usage: gan explore [RUN] WHAT [--options]\n\n"
        "Explore what a run has learned, and question it. RUN is a run folder; the last one under runs/ by\n"
        "default. Results go to RUN/explore/WHAT: pictures to look at, and result.json.\n\n"
        f"{rows}\n\n"
        "gan explore RUN WHAT --help   its options"
    )
