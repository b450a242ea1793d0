"""To and from a hub of models, through huggingface_hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

from ganforge.core.errors import MachineError, UsageError
from ganforge.shipping.folder import NAMES

__all__ = ["HUB", "Hub", "pull", "push", "repository"]

HUB = "hub:"


class Hub(Protocol):
    """What is needed of ``huggingface_hub.HfApi``."""

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> Any: ...
    def upload_folder(
        self, *, repo_id: str, folder_path: str, allow_patterns: list[str], commit_message: str
    ) -> Any: ...
    def snapshot_download(self, repo_id: str, *, allow_patterns: list[str]) -> str: ...


def repository(text: str) -> str:
    """``hub:USER/NAME`` to ``USER/NAME``. Raises UsageError."""
    name = text.removeprefix(HUB)
    if re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", name) is None:
        raise UsageError(f"a model on the hub is named hub:USER/NAME, not {text!r}")
    return name


def push(folder: Path, name: str, hub: Hub | None = None) -> str:
    """Upload a model folder to ``USER/NAME``, made private where it is new; gives its address.

    Raises:
        MachineError: huggingface_hub is not installed, or the hub cannot be reached or refuses.
    """
    chosen = _hub() if hub is None else hub
    try:
        address = str(chosen.create_repo(name, private=True, exist_ok=True))
        chosen.upload_folder(
            repo_id=name, folder_path=str(folder), allow_patterns=list(NAMES), commit_message="A generator"
        )
    except Exception as error:  # the client raises errors of several libraries
        raise MachineError(
            f"the hub did not take {name} ({_reason(error)}); the folder is at {folder}. "
            "To log in: hf auth login"
        ) from None
    return address


def pull(name: str, hub: Hub | None = None) -> Path:
    """Download the three files of ``USER/NAME``'s model folder into the hub's cache.

    Raises:
        MachineError: huggingface_hub is not installed, or the hub cannot be reached or refuses.
    """
    chosen = _hub() if hub is None else hub
    try:
        return Path(chosen.snapshot_download(name, allow_patterns=list(NAMES)))
    except Exception as error:  # the client raises errors of several libraries
        raise MachineError(f"{name} did not come from the hub ({_reason(error)})") from None


def _hub() -> Hub:
    try:
        from huggingface_hub import HfApi  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MachineError("the hub needs one more package: pip install 'ganforge[hub]'") from None
    return HfApi()


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
