"""The error of a data set whose files or folders cannot be used."""

from __future__ import annotations


class DatasetError(ValueError):
    """A file or folder of a data set is missing, broken or not as its layout requires; the message names it."""
