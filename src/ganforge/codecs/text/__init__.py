"""Short texts: lines of files become characters one after another, and come back as lines.

``reader`` reads files and folders, ``picture`` draws lines, and ``codec`` is the kind of data.
"""

from ganforge.codecs.text.codec import Texts

__all__ = ["Texts"]
