"""A registered data set; separate from the settings, so that a machine that only trains needs no pydantic-settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from nas.data.folder.description import FolderDataset
from nas.storage import StorageUrl
from search_spaces.base import StrictModel

Layout = Literal["cityscapes", "voc2012", "ade20k"]


class DatasetEntry(StrictModel):
    """The root folder of a data set in a layout that says all the rest, classes included.

    Attributes:
        url: From where the root is fetched on a machine that does not have it, such as `s3://bucket/cityscapes`.
    """

    layout: Layout
    root: Path
    url: StorageUrl | None = Field(None, exclude_if=lambda url: url is None)


Registration = Annotated[DatasetEntry | FolderDataset, Field(discriminator="layout")]
"""What is registered under a data set's name."""
