"""What a machine needs and does not have yet, fetched from a URL: a data set's folder, a checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath

from nas.atomic import locked, remove_left_overs, write_atomically, write_folder_atomically
from nas.storage.remote import Remote, StorageError

AT_ONCE = 8
"""Objects that are downloaded at a time: data sets have thousands of small files."""

_log = logging.getLogger(__name__)


Fetched = Callable[[int, int], None]
"""Called with the objects that are there and those that there will be."""


def fetch_once(place: Path, url: str, fetched: Fetched | None = None) -> None:
    """Fetch what is at a URL, one file or all below a folder, to a place where there is nothing.

    One of the concurrent processes of a machine fetches, the others wait. The place appears when all is there; a fetch
    that was cut off begins anew. What is there already stays as it is, whatever has become of the URL.

    Args:
        place: A file or folder of this machine.
        url: Of a file or a folder.
        fetched: Called after each object of a folder.

    Raises:
        StorageError: The URL cannot be used, or there is nothing.
        OSError: The place cannot be written.
    """
    if place.exists():
        return
    with locked(place):
        if place.exists():
            return
        remove_left_overs(place)
        began, remote = time.monotonic(), Remote(url)
        objects = remote.list()
        if not objects:
            raise StorageError(f"there is nothing at {url}")
        if objects.keys() == {""}:
            write_atomically(place, lambda file: _download(remote, "", objects[""], file))
        else:
            write_folder_atomically(place, lambda folder: _download_all(remote, objects, folder, fetched))
        size = sum(objects.values())
        _log.info("fetched %s to %s: %.1f MB in %.1f s", url, place, size / 1e6, time.monotonic() - began)


def _download_all(remote: Remote, objects: Mapping[str, int], folder: Path, fetched: Fetched | None = None) -> None:
    for name in objects:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise StorageError(f"{remote.url_of(name)} would lie outside of its folder: rename it")
    for below in {(folder / name).parent for name in objects}:
        below.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
        futures = [pool.submit(_download, remote, name, size, folder / name) for name, size in objects.items()]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                if fetched is not None:
                    fetched(done, len(futures))
        finally:
            pool.shutdown(cancel_futures=True)


def _download(remote: Remote, name: str, size: int, file: Path) -> None:
    if remote.download(name, file) is None or file.stat().st_size != size:
        raise StorageError(f"{remote.url_of(name)} changed while it was fetched; try again when nobody writes there")
