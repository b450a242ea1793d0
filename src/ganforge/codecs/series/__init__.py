"""Series in time: read, resampled, encoded, decoded and written as they were.

``reader`` finds the columns that name the series and their times, ``clock`` is the grid of times, ``track``
what a network sees of a column that changes, and ``codec`` the kind of data.
"""

from ganforge.codecs.series.codec import Series

__all__ = ["Series"]
