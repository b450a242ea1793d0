"""What the discriminator learned, as a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from ganforge.core.errors import UsageError
from ganforge.core.options import option
from ganforge.latent import sheets
from ganforge.latent.probe import linear_probe, pooled
from ganforge.networks.players import build_discriminator
from ganforge.networks.protocols import Discriminator
from ganforge.tasks.answer import Answer, Question
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Features"]

_TRAIN = 5_000  # training examples that labelled ones are drawn from


@dataclass(frozen=True)
class Features(Question):
    """Use what the discriminator learned: a linear classifier on its activations.

    Its accuracy stands beside that of an untrained network's activations and of the pixels themselves.
    """

    name = "features"
    words = "what the discriminator learned, as a classifier"

    labels: Annotated[int, option("N")] = 100
    """labelled examples to learn from"""
    test: Annotated[int, option("N")] = 2000
    """held-out examples to be tested on"""
    draws: Annotated[int, option("N")] = 3
    """how often other labelled examples are drawn"""

    def ask(self, opened: OpenedRun) -> Answer:
        answer = Answer(opened.folder / self.name)
        if not opened.labelled:
            raise UsageError("a linear probe needs the labelled data of the run; name them with --data-at")
        if opened.run.recipe.packing > 1:
            raise UsageError("this discriminator judges packs; its features are not those of single examples")
        x, y = opened.real(_TRAIN, held_out=False)
        test_x, test_y = opened.real(self.test)
        assert y is not None
        assert test_y is not None
        model = opened.space.to_model
        learned = opened.opinion.features
        untrained = cast(Discriminator, build_discriminator(opened.run.recipe, opened.space).eval()).features
        kinds = {
            "the discriminator": lambda x: pooled(learned, model(x)),
            "the same, untrained": lambda x: pooled(untrained, model(x)),
            "the numbers themselves": lambda x: model(x).flatten(1),
        }
        shares: dict[str, float] = {}
        for name, read in kinds.items():
            probe = linear_probe(read(x), y, read(test_x), test_y, count=self.labels, draws=self.draws)
            shares[name] = probe.accuracy
            answer.numbers[name] = vars(probe)
            spread = (max(probe.each) - min(probe.each)) / 2
            answer.say(
                "right",
                f"{100 * probe.accuracy:5.1f} % ± {100 * spread:.1f}  {name} ({probe.size:,} numbers)",
            )
        answer.say(
            "from", f"{self.labels} labels, {self.draws} draws; tested on {len(test_y):,} held-out examples"
        )
        answer.picture("accuracy.png", sheets.bars(shares))
        return answer.done()
