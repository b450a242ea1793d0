"""A finished generator on its way to its users: exported files, the model folder, the HTTP service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganforge.shipping.opening import Shipped, load

__all__ = ["Shipped", "load"]


def __getattr__(name: str) -> Any:
    # The parts of a service that only answer and count must not wait for torch.
    if name in ("Shipped", "load"):
        from ganforge.shipping import opening

        return opening.load if name == "load" else opening.Shipped
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
