"""What is done about a run that fails: where it goes back to, what is changed, and when it is given up.

Here it is decided; the loop does it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ganforge.core.recipe import Recipe
from ganforge.health.finding import Finding
from ganforge.runs import checkpoint
from ganforge.runs.folder import Run
from ganforge.training.progress import RunProgress

__all__ = ["WayBack", "way_back", "why_stop"]

_LOST = 8  # examinations in a row past its best, after which a run that may be rescued is stopped


@dataclass(frozen=True)
class WayBack:
    """A moment to go back to, and what is changed from there on.

    Attributes:
        finding: the failure.
        recipe: with the changes of its remedy.
        nimg: examples shown at that moment.
        best: the checkpoint of it; None begins the run anew.
    """

    finding: Finding
    recipe: Recipe
    nimg: int
    best: checkpoint.Checkpoint | None

    def in_words(self, seen: int) -> str:
        """For a failure that was seen at ``seen`` examples, in two sentences."""
        where = f"goes back to {self.nimg:,} examples, its best moment" if self.best else "begins anew"
        return (
            f"the run was found to be failing after {seen:,} examples ({self.finding.name}). It {where}, and"
            f" goes on with {self.finding.changed()}."
        )


def way_back(run: Run, progress: RunProgress, recipe: Recipe, finding: Finding) -> WayBack:
    """To the best moment of a run that plays ``recipe``, with the changes that ``finding`` names.

    Where even the best samples were bad, its players are no good either: then the run begins anew.

    Raises:
        RunError: the checkpoint of that moment cannot be read.
        UsageError: the changes do not suit the recipe.
    """
    goal = progress.best_nimg if progress.worth_keeping else 0
    assert goal is not None
    changed = recipe.with_changes(finding.changes)
    best = checkpoint.read_checkpoint(checkpoint.path_of(run.checkpoints, goal)) if goal else None
    return WayBack(finding, changed, goal, best)


def why_stop(progress: RunProgress, *, patience: int | None, rescue: bool) -> str:
    """Why a run that stands so is given up before its budget's end; empty to go on.

    Args:
        patience: examinations without a better score, after which it is; None for never.
        rescue: it may be rescued, and so is not left to a score that is lost.
    """
    best = f"it was best at kimg {(progress.best_nimg or 0) / 1000:,.1f}"
    if patience is not None and progress.since_best >= patience:
        return f"the score has not improved for {progress.since_best} examinations; {best}"
    if rescue and progress.worse >= _LOST:
        return f"the score has been much worse than its best for {progress.worse} examinations; {best}"
    return ""
