"""Text that names a place elsewhere: a URL that fsspec can open."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import StringConstraints

StorageUrl: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*://[^\s:]\S*$")]
"""Such as `s3://bucket/prefix` or `file:///mnt/shared`."""
