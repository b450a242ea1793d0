"""Meshes to voxels, and voxels to closed meshes. Needs trimesh, and scikit-image for the way back.

An array ``(D, H, W)`` lies as a picture does: W to the right, H downwards, D away from the viewer. A mesh has
x to the right, y upwards and z towards the viewer, as glTF has.
"""

from __future__ import annotations

import json
import struct
from importlib.util import find_spec
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ganforge.core.errors import DataError
from ganforge.data.files import UnreadableError
from ganforge.data.voxels import solid

__all__ = ["can_write", "glb", "solid", "voxels"]

_FACES = 5_000_000  # of one mesh
_HALF = 127.5


def _trimesh() -> Any:
    """The library. Raises DataError where it is missing."""
    try:
        import trimesh
    except ImportError:
        raise DataError("meshes need trimesh, which is missing: pip install 'ganforge[shapes]'") from None
    return trimesh


def can_write() -> bool:
    """Whether meshes can be written here."""
    return find_spec("trimesh") is not None and find_spec("skimage") is not None


def voxels(file: BinaryIO, suffix: str, side: int) -> tuple[NDArray[np.uint8], bool]:
    """A mesh as ``(side, side, side)``, 255 inside and 0 outside, and whether it is closed.

    Its longest side fills the cube, its middle lies in the middle. What is closed is filled.

    Raises:
        UnreadableError: it holds no mesh, or one without an extent.
    """
    trimesh = _trimesh()
    try:
        found = trimesh.load(file, file_type=suffix.removeprefix("."), force="mesh", process=True)
    except (ImportError, UnicodeDecodeError):  # what is no text is guessed at by a package that need not be
        raise UnreadableError(f"not a mesh: no text, as {suffix} files are") from None
    faces = np.asarray(getattr(found, "faces", ()))
    if not len(faces):
        raise UnreadableError("without a single face")
    if len(faces) > _FACES:
        raise UnreadableError(f"of {len(faces):,} faces, more than {_FACES:,}")
    if not np.isfinite(found.vertices).all():
        raise UnreadableError("it has places that are not numbers")
    extent = float(found.extents.max())
    if not extent > 0:
        raise UnreadableError("without an extent")
    matrix = np.asarray(found.voxelized(extent / (side - 1)).fill().matrix)[:side, :side, :side]
    whole = np.zeros((side, side, side), bool)
    at = [(side - have) // 2 for have in matrix.shape]
    whole[tuple(slice(a, a + have) for a, have in zip(at, matrix.shape, strict=True))] = matrix
    return whole.transpose(2, 1, 0)[::-1, ::-1].astype(np.uint8) * 255, bool(found.is_watertight)


def glb(sample: NDArray[np.uint8]) -> bytes:
    """A closed mesh around the voxels that are more than half full, as a binary glTF file.

    The surface is that of marching cubes (Lewiner et al. 2003), a voxel's side is 1. Three or four channels
    are colours. Without a full voxel it is a file without a mesh.
    """
    full = solid(sample).astype(np.float32)
    if not (full > _HALF).any():
        return _empty()
    from skimage.measure import marching_cubes

    places, faces, _, _ = marching_cubes(np.pad(full, 1), _HALF)
    colours = None
    if len(sample) >= 3:
        # A corner of the surface lies between two voxels: its colour is that of the fuller one.
        low, high = (
            tuple(np.clip(side(places[:, i]) - 1, 0, full.shape[i] - 1).astype(int) for i in range(3))
            for side in (np.floor, np.ceil)
        )
        first = full[low] >= full[high]
        colours = np.where(first, sample[:3][:, *low], sample[:3][:, *high]).T
    depth, down, right = places.T
    turned = np.stack([right, full.shape[1] - down, -depth], axis=1)
    mesh = _trimesh().Trimesh(turned, faces, vertex_colors=colours, process=False)
    return bytes(mesh.export(file_type="glb"))


def _empty() -> bytes:
    text = json.dumps({"asset": {"version": "2.0"}, "scene": 0, "scenes": [{}]}).encode()
    text += b" " * (-len(text) % 4)
    return b"glTF" + struct.pack("<III", 2, 20 + len(text), len(text)) + b"JSON" + text
