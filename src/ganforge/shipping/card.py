"""The model card: what a stranger should know of a generator before using it (Mitchell et al. 2019)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganforge.core.recipe import Recipe
from ganforge.core.space import Space
from ganforge.runs.checkpoint import Opened
from ganforge.runs.folder import Run
from ganforge.runs.translator import translates
from ganforge.shipping.compare import Loss
from ganforge.shipping.description import Description

__all__ = ["card"]

_GRAVE = ("failure", "warning", "notice")


def card(run: Run, description: Description, *, opened: Opened, loss: Loss | None = None) -> str:
    """Markdown with the front matter that model hubs read. The licence is left for the owner to fill in.

    ``opened`` is what is shipped: scores of other weights are not told as its own.
    """
    measured, other = _measured(run, opened)
    space, recipe = run.space, run.recipe
    lines = ["---", "license: other", "license_name: to-be-filled-in", "library_name: ganforge", "tags:"]
    lines += ["- gan", f"- {space.kind}", "---", ""]
    lines += [f"# {_plain(run.path.name)}", ""]
    lines += [
        f"{_what(description)}, trained with the recipe `{_plain(recipe.name)}` of ganforge. It "
        f"makes samples from {_from(description)}; its discriminator is not here.",
        "",
        "**Licence:** to be filled in by who owns the data and the model.",
        "",
        "## Use",
        "```python",
        "import ganforge",
        "",
        *_use(description),
        "```",
        f"Samples are {_declared(description.space)}. {_sameness(description)} Weights are stored as "
        f"{description.precision} and compute in float32; opening the folder runs no code from it.",
        "",
    ]
    if space.classes and description.conditions:
        names = ", ".join(_plain(name) for name in space.classes[:40])
        lines += [f"Classes: {names}{' …' if len(space.classes) > 40 else ''}.", ""]
    lines += ["## Data", *_data(run), ""]
    lines += ["## Training", *_training(run, opened), ""]
    lines += ["## Scores", *_scores(measured, other), ""]
    lines += ["## Does it copy?", *_copies(measured), ""]
    lines += ["## Findings", *_findings(run), ""]
    if loss is not None:
        lines += ["## Precision", f"{description.precision} against float32: {loss.words()}.", ""]
    lines += [
        "## Limits",
        "It shows what its data show, with their gaps and their leanings, and nothing more. What it makes "
        "is made up: it is no evidence of anything.",
        "",
    ]
    return "\n".join(lines)


def _plain(value: Any) -> str:
    """One line, without what Markdown or a front matter would take for itself."""
    return " ".join(str(value).split())[:200].translate(str.maketrans("`|<>[]", "'/()()"))


def _what(description: Description) -> str:
    space = description.space
    if space.source is None:
        return f"A generator of {space.describe()}"
    return f"A translator from {space.source.describe()} to {space.describe()}"


def _from(description: Description) -> str:
    return "latents" if description.prior is not None else "such inputs, of this size or another"


def _use(description: Description) -> list[str]:
    if description.prior is not None:
        return ['sampler = ganforge.load("this/folder")', "samples = sampler.sample(16, seed=0)"]
    argument = ", translator.asks.in_turn([0])" if description.conditions else ""
    return ['translator = ganforge.load("this/folder")', f"samples = translator.translate(inputs{argument})"]


def _sameness(description: Description) -> str:
    if description.space.source is None:
        return "The same seed gives the same sample."
    return f"Inputs are {_declared(description.space.source)}. The same input gives the same sample."


def _declared(space: Space) -> str:
    shape = ", ".join(str(side) for side in space.codec.shape)
    return f"`(N, {shape})`, {space.codec.units()}"


def _data(run: Run) -> list[str]:
    data = run.data
    source = _plain(Path(str(data.get("source", "not recorded"))).name)
    form = f" ({_plain(data['form'])})" if data.get("form") else ""
    lines = [f"- source: {source}{form}"]
    lines += [
        f"- {words}: {_plain(data[name])}"
        for name, words in (
            ("train", "examples trained on"),
            ("held_out", "held out"),
            ("skipped", "bad files skipped"),
            ("fingerprint", "fingerprint (SHA-256)"),
        )
        if data.get(name) not in (None, "")
    ]
    lines.append("- licence and consent: to be filled in")
    return lines


def _latent(recipe: Recipe) -> str:
    if translates(recipe):
        return ""
    return f"; latent of {recipe.latent}, {recipe.prior}"


def _training(run: Run, opened: Opened) -> list[str]:
    recipe = run.recipe
    lines = [
        f"- {opened.nimg / 1000:,.1f} thousand examples shown, batch {recipe.batch}, "
        f"objective {_plain(recipe.objective)}",
        f"- generator {_plain(recipe.generator.family)}, width {recipe.generator.width}, "
        f"depth {recipe.generator.depth}{_latent(recipe)}",
        f"- seed {recipe.seed}; ganforge {_plain(run.info.get('ganforge'))}, "
        f"torch {_plain(run.info.get('torch'))}",
    ]
    average = f"- the weights are the moving average of the generator; in the run, SHA-256 {opened.weights}"
    return [*lines, average]


def _measured(run: Run, opened: Opened) -> tuple[list[dict[str, Any]], str]:
    """The scores that `gan evaluate` left in the run for these weights; else none, and whose they are."""
    record = run.scores()
    nimg, weights = record.get("nimg"), record.get("weights")
    own = nimg in (None, opened.nimg) and weights in (None, opened.weights)  # None: of an earlier ganforge
    scores = record.get("scores")
    if not isinstance(scores, list) or not own:
        return [], f" (those in scores.json are of {_number(nimg)} examples)" if record and not own else ""
    return [dict(score) for score in scores if isinstance(score, dict)], ""


def _scores(scores: list[dict[str, Any]], other: str) -> list[str]:
    if not scores and other:
        return [f"Not measured for these weights{other}. `gan evaluate RUN`, then export again."]
    if not scores:
        return ["Not measured. `gan evaluate RUN` measures them; then export again."]
    lines = ["| score | value | interval of 95 % | best possible | better | n |", "|---|---|---|---|---|---|"]
    for score in scores:
        interval = score.get("interval")
        ends = [_number(end) for end in interval] if isinstance(interval, list) else []
        protocol = score.get("protocol")
        n = protocol.get("n", "") if isinstance(protocol, dict) else ""
        name = _plain(score.get("name", score.get("key", "")))
        row = [name, _number(score.get("value")), " to ".join(ends), _number(score.get("floor"))]
        lines.append("| " + " | ".join([*row, _plain(score.get("direction", "")), _plain(n)]) + " |")
    return [*lines, "", "The best possible is the same score of real examples against real ones."]


def _copies(scores: list[dict[str, Any]]) -> list[str]:
    for score in scores:
        if score.get("key") == "memorisation":
            protocol = score.get("protocol")
            settings = protocol.get("settings", {}) if isinstance(protocol, dict) else {}
            copies = settings.get("exact_copies") if isinstance(settings, dict) else None
            words = f"Of its samples, {_number(score.get('value'))} are nearer to a training example than to "
            words += f"a held-out one; {_number(score.get('floor'))} is right."
            return [words + ("" if copies is None else f" Exact copies found: {_plain(copies)}.")]
    return ["Not measured: the audit of nearest training examples is part of `gan evaluate RUN`."]


def _findings(run: Run) -> list[str]:
    """The last finding of each code, the gravest first."""
    found: dict[str, dict[str, Any]] = {}
    for event in run.events():
        finding = event.get("finding")
        if event.get("event") == "finding" and isinstance(finding, dict):
            found[str(finding.get("code"))] = finding
    grave = [one for one in found.values() if one.get("severity") in _GRAVE]
    if not grave:
        return ["None recorded."]
    grave.sort(key=lambda one: _GRAVE.index(one["severity"]))
    return [
        f"- **{_plain(one.get('code'))}** ({one['severity']}): {_plain(one.get('meaning', ''))}"
        for one in grave
    ]


def _number(value: Any) -> str:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return "–"
    return f"{value:.4g}"
