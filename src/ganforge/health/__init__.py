"""Symptoms: pure functions from a run's history to findings, each with its evidence and a remedy."""

from __future__ import annotations

__all__: list[str] = []
