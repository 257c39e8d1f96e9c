"""JSON files that carry a checksum of their content, and may carry the checksums of files that belong to them."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.aids import reason_of
from nas.digests import file_digests
from search_spaces.base import content_key

CHECKSUM = "checksum"
"""The field with the sha256 of the other fields in canonical JSON."""

FILES = "files"
"""The field with size and sha256 of each file that belongs to a report, by its name."""


class BrokenEntryError(Exception):
    """A cache entry is damaged; the message names the file and what is wrong with it."""


class ChangedMeanwhileError(OSError):
    """A cache entry was changed while it was in use: what was computed since means nothing, and is to be done again."""


class MissingEntryError(Exception):
    """There is no such cache entry."""


def sealed(content: Mapping[str, Any]) -> str:
    """Write a JSON object as text, with the checksum of its content as one more field.

    Args:
        content: Plain JSON values, all of them finite.
    """
    return json.dumps({**content, CHECKSUM: content_key(dict(content))}, indent=1) + "\n"


def read_sealed(path: Path) -> dict[str, Any]:
    """Read a file that `sealed` wrote.

    Returns:
        The content, without the checksum.

    Raises:
        MissingEntryError: There is no file.
        BrokenEntryError: The file cannot be read, or is not what was written.
    """
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise MissingEntryError(f"there is no {path}") from None
    except OSError as error:
        raise broken_by(error, path) from error
    return unsealed(text, str(path))


def unsealed(text: bytes, where: str) -> dict[str, Any]:
    """Parse what `sealed` wrote.

    Args:
        text: The content of a file.
        where: The file, for the message of an error.

    Returns:
        The content, without the checksum.

    Raises:
        BrokenEntryError: It is not what was written.
    """
    try:
        stored = json.loads(text.decode())
        checksum = stored.pop(CHECKSUM)
        whole = content_key(stored) == checksum
    except (ValueError, RecursionError):
        raise BrokenEntryError(f"{where} is no JSON, as was written there") from None
    except (LookupError, AttributeError, TypeError):
        raise BrokenEntryError(f"{where} has no checksum: it is damaged, or of an earlier version") from None
    if not whole:
        raise BrokenEntryError(f"{where} has changed since it was written: its checksum is another one")
    content: dict[str, Any] = stored
    return content


def broken_by(error: OSError, path: Path) -> OSError | BrokenEntryError:
    """Tell a file that cannot be read from a process that can read none; returns what is to be raised."""
    if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}:
        return error
    return BrokenEntryError(f"{path} cannot be read ({reason_of(error)})")


def file_entry(size: int, sha256: str) -> dict[str, Any]:
    """Describe a file for the field `FILES` of a report.

    Args:
        size: In bytes.
        sha256: Of the content, in hex.
    """
    return {"bytes": size, "sha256": sha256}


def check_files(folder: Path, report: Mapping[str, Any], remembered: Path | None = None) -> None:
    """Compare the files of a report with their checksums.

    A file is read again only when the file system says that it has changed, or nobody has read it yet.

    Args:
        folder: Where the files are.
        report: What `read_sealed` read, with the field `FILES`.
        remembered: Where other processes have noted what they read; see `nas.digests.file_digests`.

    Raises:
        BrokenEntryError: A file is missing, cannot be read, or is not what was written.
    """
    try:
        files: Mapping[str, Any] = report[FILES]
        for name, written in files.items():
            size = (folder / name).stat().st_size
            if size != written["bytes"]:
                raise BrokenEntryError(f"{folder / name} has {size} bytes instead of {written['bytes']}")
        digests = file_digests([folder / name for name in files], remembered)
    except LookupError:
        raise BrokenEntryError(f"the report of {folder} names no files: it is of an earlier version") from None
    except OSError as error:
        raise broken_by(error, Path(error.filename or folder)) from error
    for (name, written), digest in zip(files.items(), digests, strict=True):
        if digest != written["sha256"]:
            raise BrokenEntryError(f"{folder / name} has changed since it was written: its checksum is another one")
