"""A registered data set; separate from the settings, so that a machine that only trains needs no pydantic-settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from search_spaces.base import StrictModel

Layout = Literal["cityscapes", "voc2012", "ade20k"]


class DatasetEntry(StrictModel):
    """The folder layout and the root folder of a data set."""

    layout: Layout
    root: Path
