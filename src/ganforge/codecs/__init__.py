"""Kinds of data, one file each: how examples become tensors, come back, and are looked at.

A file declares a class that extends ``core.codec.Codec``; ``core.declared.CODECS`` finds it by its name.
"""
