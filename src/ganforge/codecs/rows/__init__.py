"""Tables of mixed columns: read, encoded, decoded and written as they were.

``column`` says how a column's cells are written, ``reading`` and ``reader`` find that out, ``layout`` is the
file's style, ``block`` what a network sees, ``rules`` what holds between columns, and
``codec`` the kind of data.
"""

from ganforge.codecs.rows.codec import Rows

__all__ = ["Rows"]
