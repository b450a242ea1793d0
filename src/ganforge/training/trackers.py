"""Trackers of other programs, which get each line of the log and each sheet: `gan train … --log tensorboard`.

A tracker is one class. What goes wrong in it never ends a training.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ganforge.core.errors import UsageError
from ganforge.core.registry import Registry
from ganforge.runs.folder import Run

if TYPE_CHECKING:
    from ganforge.training.loop import Tick, Trainer

__all__ = ["TRACKERS", "Tracker", "numbers", "tracked"]


class Tracker:
    """Where the lines of a log go.

    Attributes:
        name, words: what it is called, and what it is in a line.
        package: what must be installed.
    """

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""
    package: ClassVar[str] = ""

    def __init__(self, module: Any, run: Run) -> None:
        """Begin; ``module`` is the package."""

    def take(self, nimg: int, values: Mapping[str, float], picture: Path) -> None:
        """One line's numbers, and the sheet of that moment. ``nimg`` is the number of examples shown."""
        raise NotImplementedError

    def close(self) -> None:
        """The training has ended."""


class TensorBoard(Tracker):
    name = "tensorboard"
    words = "event files in the run folder: tensorboard --logdir RUN/tensorboard"
    package = "tensorboard"

    def __init__(self, module: Any, run: Run) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(run.path / "tensorboard"))

    def take(self, nimg: int, values: Mapping[str, float], picture: Path) -> None:
        import numpy as np
        from PIL import Image

        for name, value in values.items():
            self._writer.add_scalar(name, value, nimg)
        with Image.open(picture) as sheet:
            self._writer.add_image("samples", np.asarray(sheet.convert("RGB")), nimg, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class Wandb(Tracker):
    name = "wandb"
    words = "Weights & Biases, as `wandb login` has set it up"
    package = "wandb"
    _project = "ganforge"

    def __init__(self, module: Any, run: Run) -> None:
        self._module = module
        module.init(project=self._project, name=run.path.name, config=run.recipe.to_json())

    def take(self, nimg: int, values: Mapping[str, float], picture: Path) -> None:
        self._module.log({**values, "nimg": nimg, "samples": self._module.Image(str(picture))})

    def close(self) -> None:
        self._module.finish()


class Trackio(Wandb):
    name = "trackio"
    words = "trackio, which keeps its runs on this machine"
    package = "trackio"


class Mlflow(Tracker):
    name = "mlflow"
    words = "MLflow, where MLFLOW_TRACKING_URI says"
    package = "mlflow"

    def __init__(self, module: Any, run: Run) -> None:
        self._module = module
        module.start_run(run_name=run.path.name)
        module.log_dict(run.recipe.to_json(), "recipe.json")

    def take(self, nimg: int, values: Mapping[str, float], picture: Path) -> None:
        self._module.log_metrics({name.replace(":", "/"): value for name, value in values.items()}, step=nimg)
        self._module.log_artifact(str(picture), "samples")

    def close(self) -> None:
        self._module.end_run()


TRACKERS: Registry[type[Tracker]] = Registry("tracker", Tracker, __name__)


def numbers(record: Mapping[str, Any]) -> dict[str, float]:
    """A line of the log as names and finite numbers: means of what was noted, values of scores."""
    found: dict[str, float] = {}
    for name, value in record.items():
        if isinstance(value, dict) and "mean" in value:
            found[name] = value["mean"]
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and name != "nimg":
            found[name] = float(value)
    scores = record.get("examination", {}).get("scores", {})
    found |= {
        f"scores/{name}": score["value"] for name, score in scores.items() if score["value"] is not None
    }
    return {name: value for name, value in found.items() if math.isfinite(value)}


@contextmanager
def tracked(trainer: Trainer, names: Iterable[str]) -> Generator[None]:
    """Within it, each tick of a training goes to the trackers of these names, too.

    Raises:
        RecipeError: there is no such tracker.
        UsageError: its package is not installed, or it cannot begin.
    """
    with ExitStack() as open_ones:
        trackers: list[Tracker] = []
        for name in names:
            declared = TRACKERS.find(name)
            try:
                tracker = declared(import_module(declared.package), trainer.run)
            except ImportError:
                raise UsageError(f"--log {name} needs its package: pip install {declared.package}") from None
            except Exception as error:  # of another program: any
                raise UsageError(f"--log {name} cannot begin: {error}") from None
            open_ones.callback(_never_fatal(trainer, name, tracker.close))
            trackers.append(tracker)
        if trackers:
            before = trainer.on_tick

            def tick(tick: Tick) -> None:
                before(tick)
                values = numbers(tick.record)
                for tracker in trackers:
                    _never_fatal(trainer, tracker.name, tracker.take)(tick.nimg, values, tick.picture)

            trainer.on_tick = tick
        yield


def _never_fatal(trainer: Trainer, name: str, work: Any) -> Any:
    def careful(*arguments: Any) -> None:
        try:
            work(*arguments)
        except Exception as error:
            trainer.run.add_event("tracking failed", tracker=name, error=repr(error))

    return careful
