"""The table as one file: a zip archive of JSON, NumPy arrays and a data card, every part with its checksum."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from nas.atomic import write_bytes_atomically
from nas.heads_bench.card import data_card
from nas.heads_bench.table import About, Head, HeadsTable, Numbers
from search_spaces.base import content_key

FORMAT = "segnas/heads-bench"
VERSION = 1

TABLE, HEADS, CARD = "table.json", "heads.json", "DATA_CARD.md"

_WRITTEN = (1980, 1, 1, 0, 0, 0)
"""Time of every part: equal tables are equal files."""

_ARRAYS: Mapping[str, tuple[Any, int]] = {
    "score": (np.float64, 3),
    "class_iou": (np.float32, 4),
    "seconds": (np.float64, 3),
    "parameters": (np.int64, 1),
    "multiply_adds": (np.int64, 1),
    "latency_ms": (np.float64, 2),
}
"""Type and number of axes of each array."""

assert list(_ARRAYS) == [field.name for field in fields(Numbers)]


def open_table(path: str | Path) -> HeadsTable:
    """Open a table, and check that it is what was written.

    Args:
        path: The file.

    Raises:
        ValueError: The file is no table, is damaged, or is of a later version; one sentence says which.
        OSError: The file cannot be read.
    """
    path = Path(path)
    content = path.read_bytes()
    try:
        return _read(content)
    except _BrokenError as error:
        raise ValueError(f"{path} {error}") from None


def write_table(path: str | Path, about: About, heads: Sequence[Head], numbers: Mapping[str, Numbers]) -> HeadsTable:
    """Write a table as a file, which appears when it is complete.

    Args:
        path: The file.
        about: Name, licence, settings, software.
        heads: In the order of the arrays' first axis.
        numbers: Of each data set, by its name.

    Returns:
        The table, read back from what was written.

    Raises:
        ValueError: Arrays, heads and settings do not fit together.
        OSError: The file cannot be written.
    """
    parts: dict[str, bytes] = {
        CARD: data_card(about, heads, numbers).encode(),
        HEADS: _json([head._asdict() for head in heads]),
    }
    for dataset, of in numbers.items():
        for name, (kind, _) in _ARRAYS.items():
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(getattr(of, name), dtype=kind), allow_pickle=False)
            parts[f"{dataset}/{name}.npy"] = buffer.getvalue()
    files = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    stored = {"format": FORMAT, "version": VERSION, "about": about.model_dump(mode="json"), "files": files}
    parts = {TABLE: _json({**stored, "hash": content_key(stored)}), **parts}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, part in parts.items():
            info = zipfile.ZipInfo(name, _WRITTEN)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            file.writestr(info, part, compresslevel=9)
    content = archive.getvalue()
    try:
        table = _read(content)
    except _BrokenError as error:
        raise ValueError(f"the table {error}") from None
    write_bytes_atomically(Path(path), content)
    return table


def read_card(path: str | Path) -> str:
    """Read the data card of a table, in Markdown.

    Raises:
        ValueError: The file is no table, or is damaged.
        OSError: The file cannot be read.
    """
    open_table(path)
    with zipfile.ZipFile(path) as file:
        return file.read(CARD).decode()


class _BrokenError(Exception):
    """What is wrong with a table, as the end of a sentence that begins with its name."""


def _read(content: bytes) -> HeadsTable:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            parts = {name: file.read(name) for name in file.namelist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise _BrokenError("is no table of heads: it is no whole zip archive") from None
        raise _BrokenError(f"is damaged: {error}") from None
    about, files, digest = _stored(parts)
    for name, expected in files.items():
        if name not in parts:
            raise _BrokenError(f"is damaged: it lacks {name}")
        if hashlib.sha256(parts[name]).hexdigest() != expected:
            raise _BrokenError(f"is damaged: {name} has changed since it was written")
    try:
        heads = tuple(Head(**head) for head in json.loads(parts[HEADS]))
        numbers = {
            setting.dataset: Numbers(**{name: _array(parts[f"{setting.dataset}/{name}.npy"]) for name in _ARRAYS})
            for setting in about.settings
        }
    except (LookupError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise _BrokenError(f"has parts that cannot be read: {error}") from None
    _check(about, heads, numbers)
    return HeadsTable(about, heads, numbers, digest)


def _stored(parts: Mapping[str, bytes]) -> tuple[About, dict[str, str], str]:
    """Read the table's JSON: what it is about, the checksums of the parts, the hash of all."""
    try:
        stored = json.loads(parts[TABLE])
        kind, version, digest = stored["format"], stored["version"], stored.pop("hash")
    except (LookupError, TypeError, ValueError, AttributeError):
        raise _BrokenError(f"is no table of heads: it has no {TABLE} that says so") from None
    if kind != FORMAT:
        raise _BrokenError(f"is no table of heads: its format is {kind!r}, not {FORMAT!r}")
    if version != VERSION:
        raise _BrokenError(f"is of version {version!r}, and this Segnas reads version {VERSION}")
    if content_key(stored) != digest:
        raise _BrokenError(f"is damaged: {TABLE} has changed since it was written")
    try:
        return About.model_validate(stored["about"]), dict(stored["files"]), str(digest)
    except (ValidationError, LookupError, TypeError, ValueError) as error:
        raise _BrokenError(f"has a {TABLE} that cannot be read: {str(error).splitlines()[0]}") from None


def _check(about: About, heads: Sequence[Head], numbers: Mapping[str, Numbers]) -> None:
    if not heads:
        raise _BrokenError("has no heads")
    if len({head.key for head in heads}) != len(heads):
        raise _BrokenError("has a head twice")
    for setting in about.settings:
        of = numbers[setting.dataset]
        sizes = (len(heads), len(setting.seeds), len(setting.rungs), len(setting.classes))
        for name, (kind, axes) in _ARRAYS.items():
            array, expected = getattr(of, name), sizes[:axes] if name != "latency_ms" else (len(heads), 2)
            if array.shape != expected or array.dtype != kind:
                raise _BrokenError(
                    f"does not fit together: {setting.dataset}/{name} has the shape {array.shape} of {array.dtype}, "
                    f"and heads, seeds, rungs and classes need {expected} of {np.dtype(kind)}"
                )
        if not (np.isfinite(of.score).all() and np.isfinite(of.seconds).all()):
            raise _BrokenError(f"does not fit together: a training on {setting.dataset} has no score or no seconds")


def _array(content: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    array.setflags(write=False)
    return array


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
