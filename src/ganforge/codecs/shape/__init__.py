"""Shapes: voxels, from arrays or from meshes, that come back as closed meshes.

``mesh`` is the map between the two, ``reader`` reads folders, ``picture`` shades, ``codec`` is the kind of
data.
"""

from ganforge.codecs.shape.codec import Shapes

__all__ = ["Shapes"]
