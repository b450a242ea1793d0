"""Clips: short films that are learned whole.

``film`` reads and writes single films, ``reader`` folders of them and of frames, ``codec`` is the kind.
"""

from ganforge.codecs.clip.codec import Clips

__all__ = ["Clips"]
