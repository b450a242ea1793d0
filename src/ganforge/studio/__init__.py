"""The browser application: play a game and see it, watch runs, explore what they learned.

A small server, which never trains and never imports torch, stands between browsers and worker processes. The
browser's side is under ``web``; what both say to one another is in docs/reference/studio-protocol.md.
"""

from __future__ import annotations

__all__: list[str] = []
