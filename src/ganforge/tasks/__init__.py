"""What the verbs do, step by step: a task brings rooms together; `cli` only parses, calls and prints."""

from __future__ import annotations

__all__: list[str] = []
