"""What the discriminator says of a sample, and what following it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.options import option, seeds
from ganforge.latent import feedback as advice
from ganforge.latent import sheets
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Feedback"]

_SHOWN = 12


@dataclass(frozen=True)
class Feedback(Question):
    """Ask the discriminator: how real is it, and which pixels should change?

    Writes the advice as a heat map (red: brighter, blue: darker) and as a sentence, follows it, and says how
    it flows into the generator's weights.
    """

    name = "feedback"
    words = "how real is it, and which pixels should change?"

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

    def ask(self, opened: OpenedRun) -> Answer:
        answer = Answer(opened.folder / self.name)
        if self.pictures:
            examples = opened.read(self.pictures)
            conditions = opened.one_class(self.classes, len(examples))
        else:
            z, conditions = opened.seeds(seeds(self.seeds))
            examples = opened.generate(z, conditions)
        levels = opened.space.codec.step if self.levels is None else self.levels
        if not levels > 0 or self.steps < 1:
            raise UsageError("--levels must be more than 0, and --steps at least 1")
        opinion = opened.opinion
        advised = advice.advise(opinion, examples, conditions, levels=levels)
        followed = advice.follow(opinion, examples, conditions, steps=self.steps, levels=levels)
        names = [path.name for path in self.pictures] or [f"seed {seed}" for seed in seeds(self.seeds)]
        if len(names) != len(examples):  # a file of many
            names = [f"number {i + 1}" for i in range(len(examples))]
        how = opinion.odds
        answer.say("judge", f"the chance of being real is {how.how}")
        rows: list[dict[str, object]] = []
        for name, before, after, change in zip(
            names, followed.before.tolist(), followed.after_probability.tolist(), advised.change, strict=True
        ):
            words = advice.sentence(change, most=self.important)
            rows.append({"name": name, "before": before, "after": after, "advice": words})
            if len(rows) <= _SHOWN:  # the rest is in result.json
                answer.say(name, f"real: {before:.2f}. {words}. After {self.steps} steps real: {after:.2f}")
        rose = (followed.after_probability > followed.before).double().mean().item()
        answer.say("followed", f"the chance rose in {100 * rose:.0f} % of {len(examples)}")
        z, turns = opened.pool(64, seed=0xFEED)
        layers = advice.gradients_by_layer(opened.sampler.network, opinion, z, turns)
        for layer in layers:
            answer.say(
                "reaches", f"{layer.name}: gradient {layer.gradient:.3g}, {layer.relative:.2g} of its size"
            )
        answer.numbers = {
            "calibration": vars(how),
            "examples": rows,
            "rose": rose,
            "layers": [vars(layer) | {"relative": layer.relative} for layer in layers],
        }
        _feedback_sheet(opened, answer, examples, advised, followed)
        return answer.done()


def _feedback_sheet(
    opened: OpenedRun, answer: Answer, examples: Tensor, advised: advice.Advice, followed: advice.Followed
) -> None:
    space = opened.space
    if not space.codec.pictured:
        answer.picture("sheet.png", space.codec.displacements(examples, followed.after))
        return
    given, after = examples[:_SHOWN], followed.after[:_SHOWN]
    rows: list[sheets.Row] = [
        ("given", list(given)),
        ("advice", [sheets.heat(one) for one in advised.change[:_SHOWN]]),
        ("followed", list(after)),
        ("moved", [sheets.heat(one) for one in after.float() - given.float()]),
    ]
    chances = [
        [f"real {p:.2f}" for p in x[:_SHOWN].tolist()] for x in (followed.before, followed.after_probability)
    ]
    answer.picture("sheet.png", sheets.sheet(rows, space, notes=[chances[0], [], chances[1], []]))
