"""Registrations: one file for each data set and each checkpoint, in the home folder, read anew at every use.

    HOME/datasets/NAME.yaml     a layout and its root, or a `FolderDataset`
    HOME/weights/NAME.yaml      a `WeightsEntry`

A file appears by renaming, so that a reader sees a registration whole or not at all. They stand above what the
configuration registers under the same name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from nas.aids import reason_of
from nas.atomic import write_text_atomically
from nas.data.entry import Registration
from nas.specs.fields import NAME_PATTERN
from nas.weights.entry import WeightsEntry
from nas.yaml_files import entry_below, read_model, read_yaml
from nas.yaml_text import dump_yaml

T = TypeVar("T")

DATASETS, WEIGHTS = "datasets", "weights"
"""Subfolders of the home folder."""

_SUFFIX = ".yaml"


class Registered(Mapping[str, T], Generic[T]):
    """What is registered, by name; a name whose file is broken raises a ValueError that says so when it is looked up.

    The registrations are those of the moment when the mapping was made; it can be sent to another process.

    Attributes:
        unread: Why there may be more: the folder of the registration files cannot be read; None where it was read.
    """

    def __init__(self, entries: Mapping[str, T | ValueError], unread: str | None = None) -> None:
        self._entries = dict(sorted(entries.items()))
        self.unread = unread

    def __getitem__(self, name: str) -> T:
        entry = self._entries[name]
        if isinstance(entry, ValueError):
            raise entry
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def registered_datasets(home: Path, configured: Mapping[str, Registration]) -> Registered[Registration]:
    """Read which data sets are registered.

    Args:
        home: The home folder.
        configured: Those of the configuration.
    """
    return _registered(home / DATASETS, configured, read_registration)


def registered_weights(home: Path, configured: Mapping[str, WeightsEntry]) -> Registered[WeightsEntry]:
    """Read which weights are registered; see `registered_datasets`."""
    return _registered(home / WEIGHTS, configured, _read_weights)


def _registered(folder: Path, configured: Mapping[str, T], read: Callable[[Path], T]) -> Registered[T]:
    entries: dict[str, T | ValueError] = dict(configured)
    try:
        return Registered(entries | _read(folder, read))
    except OSError as error:
        return Registered(entries, f"{folder.name} of the home folder cannot be read: {reason_of(error)}")


def read_registration(path: Path) -> Registration:
    """Read the registration file of a data set.

    Raises:
        ValueError: The file cannot be read or a field is wrong; the message names the file and the field.
    """
    registration: Registration = read_model(Registration, path, entry_below(path.parent, read_yaml(path), "root"))
    return registration


def _read_weights(path: Path) -> WeightsEntry:
    return read_model(WeightsEntry, path, entry_below(path.parent, read_yaml(path), "path"))


def _read(folder: Path, read: Callable[[Path], T]) -> dict[str, T | ValueError]:
    entries: dict[str, T | ValueError] = {}
    try:
        paths = sorted(folder.iterdir())  # a glob would find nothing, without a word, where nobody may look
    except FileNotFoundError:
        return entries
    for path in paths:
        if path.suffix != _SUFFIX or not re.fullmatch(NAME_PATTERN, path.stem):
            continue  # of an editor, or of another program: no spec could name it
        try:
            status = path.stat()
            entries[path.stem] = _read_once(read, path, (status.st_mtime_ns, status.st_size, status.st_ino))
        except FileNotFoundError:
            continue  # removed since the folder was listed
        except ValueError as error:
            # A ValueError itself, since any process can read it; and a server's answers do not name its folders.
            text = str(error).replace(str(path), f"{folder.name}/{path.name} of the home folder")
            entries[path.stem] = ValueError(text)
    return entries


@lru_cache(maxsize=1024)
def _read_once(
    read: Callable[[Path], T],
    path: Path,
    stamp: tuple[int, int, int],  # noqa: ARG001  part of the cache's key: another file is read anew
) -> T:
    # Each answer of the service looks names up, and YAML of 150 classes takes 50 ms. Errors are not kept.
    return read(path)


def registration_path(home: Path, what: str, name: str) -> Path:
    """Return the registration file of a name.

    Args:
        home: The home folder.
        what: `DATASETS` or `WEIGHTS`.
        name: Of the data set or the weights.

    Raises:
        ValueError: Specs could not use the name.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ValueError(
            f"{name!r} cannot be a name: use small letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
        )
    return home / what / f"{name}{_SUFFIX}"


def write_registration(path: Path, registration: BaseModel) -> None:
    """Write a registration file; a reader sees the old one or the new one."""
    content = registration.model_dump(mode="json")
    write_text_atomically(path, dump_yaml(content))
