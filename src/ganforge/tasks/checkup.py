"""Whether this machine can train: what `gan doctor` finds out."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch

import ganforge
from ganforge.core.errors import UsageError
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import prepare

__all__ = ["ShortRun", "machine", "trial"]

_PACKAGES = ("torch", "numpy", "pillow", "safetensors", "scikit-learn", "tyro", "rich")


@dataclass(frozen=True)
class ShortRun:
    """How ten seconds of training went."""

    healthy: bool
    lines: list[tuple[str, str]]


def machine() -> list[tuple[str, str]]:
    """Versions and hardware, each a name and its words."""
    lines = [
        ("ganforge", f"{ganforge.__version__} in {Path(ganforge.__file__).parent}"),
        ("python", f"{platform.python_version()} in {sys.prefix}"),
        ("system", platform.platform()),
        ("packages", ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)),
        (
            "processor",
            f"{os.cpu_count()} cores, {_capability()}, torch threads: {torch.get_num_threads()}",
        ),
    ]
    memory = _memory()
    if memory is not None:
        lines.append(("memory", f"{memory:.1f} GiB"))
    lines.append(("device", _accelerator()))
    lines.append(("disk", f"{shutil.disk_usage('.').free / 2**30:.1f} GiB free here"))
    if importlib.util.find_spec("torchvision") is not None:
        lines.append(("note", "torchvision is installed; ganforge neither needs nor imports it"))
    return lines


def trial(seconds: float) -> ShortRun:
    """Train on the built-in digits for ``seconds`` in a temporary folder, load the generator and sample.

    Raises UsageError where ``seconds`` is not positive.
    """
    if not seconds > 0:
        raise UsageError(f"--seconds is {seconds:g}; it must be more than 0")
    with tempfile.TemporaryDirectory() as folder:
        experiment = prepare("digits", minutes=seconds / 60).measure()
        trainer = experiment.start(Path(folder) / "doctor")
        outcome = trainer.train()
        samples = load(trainer.run.path).sample(16, seed=0)
        last = trainer.run.log()[-1]
    losses = [last[f"{name}_loss"]["mean"] for name in ("generator", "discriminator")]
    finite = all(loss is not None and math.isfinite(loss) for loss in losses)
    varied = samples.float().std(0).mean().item() > 1.0
    assert experiment.finding is not None
    lines = [
        ("fastest", experiment.finding.words),
        ("speed", f"{outcome.nimg / outcome.seconds:,.0f} digits a second"),
        ("saved", "checkpoint written, read back and sampled from"),
        (
            "health",
            "all is well" if finite and varied else "training did not behave: please report this page",
        ),
    ]
    return ShortRun(finite and varied, lines)


def _capability() -> str:
    return torch.backends.cpu.get_cpu_capability()


def _accelerator() -> str:
    if not torch.accelerator.is_available():
        return "no accelerator; the processor does the work"
    found = torch.accelerator.current_accelerator()
    name = torch.cuda.get_device_name() if found is not None and found.type == "cuda" else str(found)
    return f"{found} ({name})"


def _memory() -> float | None:
    """Physical memory in GiB, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return None
