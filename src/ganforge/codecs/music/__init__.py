"""Music: MIDI files become passages of voices on a grid of steps, and come back as MIDI files.

``midi`` reads and writes files, ``voices`` puts notes into voices, ``reader`` reads folders, ``sound`` plays
them, ``picture`` draws them, and ``codec`` is the kind of data.
"""

from ganforge.codecs.music.codec import Music

__all__ = ["Music"]
