"""The storage behind a cache: what is made on one node is published once, and fetched where it is missing.

An entry is published as objects named by their content, and a sealed manifest that is written last. So it is there
whole or not at all; nodes that publish the same entry at once do no harm, even if the bytes that they made differ; and
whoever fetches it finds out what is damaged. The storage is an aid: without it, every node makes its own.

    <url>/cache/<folder>/<name>/manifest.json     the files of the entry, each with size and sha256
    <url>/cache/<folder>/<name>/<sha256>          the content of a file
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from nas.aids import reason_of, remark_once
from nas.atomic import write_atomically, write_folder_atomically
from nas.cache.sealed import FILES, BrokenEntryError, file_entry, sealed, unsealed
from nas.cache.tally import count
from nas.digests import file_digests
from nas.storage import Remote, StorageError

MANIFEST = "manifest.json"

AWAY_SECONDS = 300.0
"""For so long a process leaves a storage alone that failed: else everything that is missing would wait for it."""

_log = logging.getLogger(__name__)

_shared: dict[Path, SharedCache] = {}
"""The storages of caches, by the cache folder."""


def share(cache: Path, url: str | None) -> None:
    """Let this process fetch missing entries of a cache from a storage, and publish those that it makes.

    Args:
        cache: The folder.
        url: Of the storage; None leaves the cache alone.
    """
    if url is None:
        _shared.pop(cache, None)
    elif cache not in _shared or _shared[cache].url != url:
        _shared[cache] = SharedCache(Remote(url))


def shared_by(path: Path) -> SharedCache | None:
    """Find the storage behind the cache of an entry, `<cache>/<folder>/<name>`; None where there is none."""
    return _shared.get(path.parent.parent)


class SharedCache:
    """The published entries of a cache; neither method raises for what is wrong with the storage or the disk.

    Args:
        remote: The storage.
    """

    def __init__(self, remote: Remote) -> None:
        self.url = remote.url
        self._remote = remote
        self._away_until: float | None = None

    def fetch(self, path: Path) -> bool:
        """Put a published entry in its place; the caller holds the entry's lock.

        A damaged one is set aside in the storage and named in the log, so that it is made and published anew.

        Args:
            path: The entry's file or folder, which is not there.

        Returns:
            Whether the entry is there now.
        """
        if self._is_away():
            return False
        began = time.monotonic()
        try:
            manifest = self._manifest(path)
            if manifest is None:
                return False
            self._place(path, manifest)
        except BrokenEntryError as error:
            _log.warning("%s; it is set aside there and made anew", error)
            count(path, "broken")
            self.reject(path)
            return False
        except StorageError as error:
            self._is_away_now(error, "nothing is fetched or published")
            return False
        except OSError as error:
            remark_once("fetch", error.errno, f"{path} cannot be written ({reason_of(error)}): it is not fetched")
            return False
        _log.info("fetched %s from %s in %.1f s", path.name, self.url, time.monotonic() - began)
        return True

    def reject(self, path: Path) -> None:
        """Set a published entry aside in the storage, so that nobody fetches it and whoever makes it publishes it."""
        self._try(lambda: self._remote.set_aside(_name(path, MANIFEST)))

    def publish(self, path: Path) -> bool:
        """Publish an entry that was made here, unless somebody has; whether it is published now."""
        if self._is_away():
            return False
        began = time.monotonic()
        try:
            if self._remote.size(_name(path, MANIFEST)) is None:
                self._upload(path)
                _log.info("published %s to %s in %.1f s", path.name, self.url, time.monotonic() - began)
        except StorageError as error:
            self._is_away_now(error, "nothing is fetched or published")
            return False
        except OSError as error:
            remark_once("publish", error.errno, f"{path} cannot be read ({reason_of(error)}): it is not published")
            return False
        return True

    def _upload(self, path: Path) -> None:
        files = _files(path)
        entries = {
            file.name: file_entry(file.stat().st_size, digest)
            for file, digest in zip(files, file_digests(files), strict=True)
        }
        for file in files:
            name = _name(path, entries[file.name]["sha256"])
            if self._remote.size(name) != entries[file.name]["bytes"]:  # a half of it, where somebody was cut off
                self._remote.upload(file, name)
        manifest = {"folder": path.is_dir(), FILES: entries}
        self._remote.write(_name(path, MANIFEST), sealed(manifest).encode())

    def _manifest(self, path: Path) -> dict[str, Any] | None:
        content = self._remote.read(_name(path, MANIFEST))
        if content is None:
            return None
        where = self._remote.url_of(_name(path, MANIFEST))
        manifest = unsealed(content, where)
        names = {path.name, path.with_suffix(".json").name}
        if any(Path(name).name != name or not (manifest["folder"] or name in names) for name in manifest[FILES]):
            raise BrokenEntryError(f"{where} names files that are no part of the entry")
        return manifest

    def _place(self, path: Path, manifest: Mapping[str, Any]) -> None:
        files: Mapping[str, Any] = manifest[FILES]

        def fill(folder: Path) -> None:
            for name, entry in files.items():
                self._download(path, entry, folder / name)

        if manifest["folder"]:
            write_folder_atomically(path, fill)
            return
        for name in sorted(files, key=lambda name: name == path.name):  # the file that makes the entry last
            write_atomically(path.with_name(name), partial(self._download, path, files[name]))

    def _download(self, path: Path, entry: Mapping[str, Any], file: Path) -> None:
        name = _name(path, entry["sha256"])
        digest = self._remote.download(name, file)
        if digest is None:
            raise BrokenEntryError(f"{self._remote.url_of(name)} is missing, which the manifest beside it names")
        if digest != entry["sha256"]:
            self._try(lambda: self._remote.set_aside(name))  # its size may be right: nobody would upload it again
            raise BrokenEntryError(f"{self._remote.url_of(name)} is not what was written: its checksum is another one")

    def _is_away(self) -> bool:
        return self._away_until is not None and time.monotonic() < self._away_until

    def _is_away_now(self, error: StorageError, without: str) -> None:
        self._away_until = time.monotonic() + AWAY_SECONDS
        remark_once("storage", self.url, f"{error}: {without}")

    def _try(self, change: Callable[[], None]) -> None:
        try:
            change()
        except StorageError as error:
            self._is_away_now(error, "what is broken there stays")


def _files(path: Path) -> list[Path]:
    """The files that make an entry, the one that readers look for last."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    report = path.with_suffix(".json")
    return [path] if report == path else [report, path]


def _name(path: Path, part: str) -> str:
    return f"cache/{path.parent.name}/{path.name}/{part}"
