"""Shapes of voxels in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganforge.codecs.pictures import Levels
from ganforge.codecs.shape import mesh

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from ganforge.data.files import Listing
    from ganforge.data.raw import Raw

__all__ = ["Shapes"]


class Shapes(Levels):
    """``(C, D, H, W)``, 0 where a voxel is empty; as ``mesh`` says how they lie."""

    name = "shapes"
    words = "shapes of voxels in bytes"
    one = "shape"
    counted = "shapes"
    dims = 3
    augmentations = ("translation", "cutout")  # a colour where nothing is full would mean something
    recipe = "shapes"
    solid = True
    suffixes = (".obj", ".stl", ".ply", ".glb", ".off")

    @property
    def suffix(self) -> str:
        return ".glb" if mesh.can_write() else ".npy"

    @property
    def media(self) -> str:
        return "model/gltf-binary" if mesh.can_write() else "application/octet-stream"

    def describe(self) -> str:
        sides = "×".join(str(side) for side in reversed(self.space.spatial))
        channels = self.space.channels
        return f"{sides} voxels, {channels} channel{'s' * (channels > 1)}"

    @classmethod
    def read_files(cls, path: Path, listing: Listing, **wishes: Any) -> Raw:
        from ganforge.codecs.shape.reader import read_meshes

        return read_meshes(path, listing, **wishes)

    def reread(self) -> dict[str, Any]:
        return {"size": self.space.spatial[:2]}

    def file(self, sample: np.ndarray, suffix: str = "") -> bytes:
        """A closed mesh as .glb; an array as .npy where trimesh or scikit-image are missing."""
        return mesh.glb(sample) if mesh.can_write() else super().file(sample)

    @property
    def view(self) -> str:
        return "drawn"

    def picture(self, sample: np.ndarray) -> Image:
        """Seen from above at a corner, shaded."""
        from ganforge.codecs.shape.picture import shaded

        return shaded(sample)

    def attributes(self) -> tuple[str, ...]:
        return ("full",)

    def measure(self, x: Tensor) -> list[Tensor]:
        """``full``: the mean."""
        return [x.flatten(1).mean(1)]
