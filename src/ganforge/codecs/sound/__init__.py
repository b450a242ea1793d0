"""Sounds: files of any rate and width become spectrograms in mels, and come back as waves.

``mel`` is the map between the two, ``reader`` reads folders, ``codec`` is the kind of data.
"""

from ganforge.codecs.sound.codec import Sound

__all__ = ["Sound"]
