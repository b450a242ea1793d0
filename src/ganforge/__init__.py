"""ganforge: train, watch, diagnose, measure, explore and ship generative adversarial networks.

::

    run = ganforge.train("photos/", minutes=30)      # what `gan train photos/ --minutes 30` does
    sampler = ganforge.load(run.path)                # the generator; a model folder or .onnx will do too
    pictures = sampler.sample(16, seed=0)            # (16, C, H, W) uint8

    painter = ganforge.load("runs/painter")          # of a run that leads from pictures to pictures
    painted = painter.translate(pictures)            # (16, C, H, W) uint8, any H and W

    ganforge.plugin("tilted.py")                     # what a file of your own declares, as --plugin does

Nothing heavy is imported until a name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganforge.core.plugins import plugin
    from ganforge.runs.folder import Run
    from ganforge.shipping.opening import load
    from ganforge.tasks.experiment import train
    from ganforge.training.loop import StopTraining

__all__ = ["Run", "StopTraining", "__version__", "load", "plugin", "train"]

_HOMES = {
    "Run": "ganforge.runs.folder",
    "StopTraining": "ganforge.training.loop",
    "load": "ganforge.shipping.opening",
    "plugin": "ganforge.core.plugins",
    "train": "ganforge.tasks.experiment",
}

__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganforge' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
