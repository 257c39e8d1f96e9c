"""What is in a cache: every entry with its size, what it is, and when it was last used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nas.atomic import TEMPORARY
from nas.cache.boots import CHECKED, this_boot
from nas.cache.entries import BROKEN, set_aside, size_of
from nas.cache.sealed import FILES, BrokenEntryError, MissingEntryError, check_files, read_sealed
from nas.cache.tally import FOLDERS
from nas.cache.use import last_use, unused

State = Literal["", "in use", "set aside", "left over"]
"""Of an entry: nothing to say, held by a running process, found broken, or left by a process that was killed."""

LOCK = ".lock"


@dataclass(frozen=True)
class Entry:
    """Something in a cache.

    Attributes:
        kind: What it is, such as "feature bank".
        path: Its file or folder.
        report: The sealed JSON file that describes it; None where there is none.
        size: Bytes, with the report.
        used: When it was last used, in seconds since 1970.
        about: Of which data and backbone, in words; empty where it cannot be read.
        state: See `State`.
    """

    kind: str
    path: Path
    report: Path | None
    size: int
    used: float
    about: str
    state: State

    @property
    def name(self) -> str:
        """The folder of the cache and the first digits of the key, which tell the entry from all others."""
        return f"{self.path.parent.name}/{self.path.name.lstrip('.')[:12]}"


def entries(cache: Path) -> list[Entry]:
    """List what is in a cache folder, the entry that was used last first; what vanishes meanwhile is left out.

    Args:
        cache: The folder; nothing is listed where there is none.

    Raises:
        OSError: The folder cannot be read.
    """
    found: list[Entry] = []
    for folder in FOLDERS:
        for path in sorted((cache / folder).iterdir() if (cache / folder).is_dir() else ()):
            with contextlib.suppress(FileNotFoundError):
                entry = _entry(path)
                found += [] if entry is None else [entry]
    return sorted(found, key=lambda entry: entry.used, reverse=True)


def old_notes(cache: Path) -> list[Path]:
    """List the notes of what was verified before this machine started anew, which nobody believes."""
    notes = cache / CHECKED
    return [path for path in notes.iterdir() if path.name != this_boot()] if notes.is_dir() else []


def verify(cache: Path) -> Iterator[tuple[Entry, str | None]]:
    """Read every entry of a cache in full and compare it with its checksum; a broken one is set aside.

    Yields:
        Each entry with what is wrong with it, None where nothing is.
    """
    for entry in entries(cache):
        if entry.report is None or entry.state in ("set aside", "left over"):
            continue
        try:
            check(entry)
        except MissingEntryError as error:
            if entry.path.exists():
                yield _broken(entry, f"{entry.path} is not complete or of an earlier version ({error})")
        except BrokenEntryError as error:
            yield _broken(entry, str(error))
        else:
            yield entry, None


def check(entry: Entry) -> None:
    """Read an entry in full.

    Raises:
        MissingEntryError: It has no report.
        BrokenEntryError: It is not what was written.
    """
    assert entry.report is not None
    report = read_sealed(entry.report)
    if entry.report != entry.path:
        files = entry.path if entry.path.is_dir() else entry.path.parent
        check_files(files, report)
        if not entry.path.is_dir() and entry.path.name not in report[FILES]:
            raise BrokenEntryError(f"{entry.report} does not describe {entry.path.name}")


def _broken(entry: Entry, reason: str) -> tuple[Entry, str]:
    set_aside(entry.path, reason, "and made anew when it is needed")
    return entry, reason


def _entry(path: Path) -> Entry | None:
    """Recognise what a path below a folder of the cache is; None for locks and parts of other entries."""
    if path.name.endswith(LOCK):
        return None
    state: State = ""
    if path.name.endswith(BROKEN):
        state = "set aside"
    elif path.name.startswith(".") and path.name.endswith(TEMPORARY):
        state = "left over"
    kind, report = _kind(path)
    if kind is None:
        return None
    about, size = "", size_of(path)
    if not state and report is not None:
        with contextlib.suppress(MissingEntryError, BrokenEntryError):
            about = str(read_sealed(report).get("about", ""))
        if report.parent == path.parent and report != path:
            size += size_of(report)
    if state != "set aside":
        with unused(owner_of(path)) as free:
            state = state if free else "in use"
    return Entry(kind, path, report, size, last_use(path), about, state)


def owner_of(path: Path) -> Path:
    """Return the entry whose lock protects a path: of what is being written under a temporary name, the entry."""
    if path.name.startswith(".") and path.name.endswith(TEMPORARY):
        return path.with_name(path.name[1:].removesuffix(TEMPORARY).rpartition(".")[0])
    return path


def _kind(path: Path) -> tuple[str | None, Path | None]:
    """The kind of an entry in words, and its report."""
    name = owner_of(path).name.removesuffix(BROKEN)
    kind: tuple[str | None, Path | None] = (None, None)
    match path.parent.name, Path(name).suffix:
        case "banks", _:
            kind = ("feature bank", path / "report.json")
        case "backbones", ".safetensors":
            kind = ("backbone", path.with_suffix(".json"))
        case "statistics", ".json":
            kind = (_DOCUMENTS.get(name.rpartition("-")[2], "feature statistics"), path)
        case _ if path.name != name:
            kind = ("report", None)
    return kind


_DOCUMENTS = {"labels.json": "label counts", "cooccurrence.json": "co-occurrence of classes"}
"""Kinds of documents by the ends of their names."""
