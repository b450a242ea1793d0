"""What a training shows in a notebook: one line that moves, and the newest sheet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganforge.training.loop import Tick

__all__ = ["in_notebook"]


def in_notebook() -> Callable[[Tick], None] | None:
    """What shows the ticks of a training in the notebook that this code runs in; None elsewhere."""
    if "ipykernel" not in sys.modules:  # a terminal of IPython has no place for pictures
        return None
    from IPython.display import HTML, Image, display  # pyright: ignore[reportMissingImports]

    shown: list[Any] = []

    def show(tick: Tick) -> None:
        from ganforge.health.diagnosis import verdict_of

        share = tick.record.get("progress", 0.0)
        health = verdict_of(tick.findings).words
        line = HTML(
            f"<progress value='{share:.3f}' style='width:20em'></progress> "
            f"{tick.nimg:,} examples · {100 * share:.0f} % · {health}"
        )
        sheet = Image(filename=str(tick.picture))
        if shown:
            shown[0].update(line)
            shown[1].update(sheet)
        else:
            shown.extend(display(what, display_id=True) for what in (line, sheet))

    return show
