"""A finished generator on its way to its users: exported files, the model folder, the HTTP service."""

from ganforge.shipping.opening import Shipped, load

__all__ = ["Shipped", "load"]
