"""Symptoms: pure functions from a run's history to findings, each with its evidence and a remedy.

``diagnosis.diagnose`` decides; ``training.rescue`` and ``training.loop`` act on what it finds.
"""

from __future__ import annotations

__all__: list[str] = []
