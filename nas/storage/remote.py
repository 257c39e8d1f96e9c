"""A folder of objects at a URL, by fsspec: S3 and whatever else a package of it speaks to.

Credentials and addresses come from where those packages look for them (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`,
`~/.aws`, `FSSPEC_S3`, ...), never from a setting of ours.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.escaping import one_line

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

OPTIONS: dict[str, dict[str, Any]] = {
    # botocore waits for a minute, five times: a bucket that is away would cost every process minutes.
    "s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 2}}},
}
"""What the packages are told beside the URL, by protocol."""

BLOCK = 8 << 20
"""Bytes that are read at a time."""


class StorageError(Exception):
    """The storage cannot be used. The message is a sentence that names the URL and what is wrong."""


class Remote:
    """The objects below a URL, which is opened with the first use.

    Every method but `url_of` raises `StorageError` when the storage does not answer, refuses, or lacks its package.

    Args:
        url: Of a folder, such as `s3://bucket/prefix`; it need not exist.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def url_of(self, name: str) -> str:
        """Return the URL of an object."""
        return f"{self.url}/{name}".rstrip("/")

    def read(self, name: str) -> bytes | None:
        """Read an object; None where there is none."""
        with self._errors():
            try:
                content: bytes = self._files.cat_file(self._path(name))
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        """Write an object at once: readers see the old one or the new one."""
        with self._errors():
            self._make_folder(name)
            self._files.pipe_file(self._path(name), content)

    def size(self, name: str) -> int | None:
        """Return the bytes of an object; None where there is none."""
        with self._errors():
            try:
                return int(self._files.info(self._path(name))["size"])
            except FileNotFoundError:
                return None

    def upload(self, file: Path, name: str) -> None:
        """Write a file of this machine to an object."""
        with self._errors():
            self._make_folder(name)
            self._files.put_file(str(file), self._path(name))

    def download(self, name: str, file: Path) -> str | None:
        """Write an object to a file of this machine.

        Returns:
            The sha256 of what was read, in hex; None where there is no such object.

        Raises:
            OSError: The file cannot be written.
        """
        digest = hashlib.sha256()
        with file.open("wb") as written:
            for block in self._blocks(name):
                if block is None:
                    return None
                digest.update(block)
                written.write(block)
        return digest.hexdigest()

    def set_aside(self, name: str) -> None:
        """Rename an object to `<name>.broken`, where nobody looks for it; one that is not there stays away."""
        with self._errors(), contextlib.suppress(FileNotFoundError):
            self._files.mv(self._path(name), self._path(f"{name}.broken"))

    def list(self) -> dict[str, int]:
        """List the objects below the URL with their bytes, by their names below it: of a file's URL, the empty name."""
        with self._errors():
            root = self._root.rstrip("/")
            try:
                found = self._files.find(root, detail=True)
            except FileNotFoundError:
                return {}
            # Some programs mark folders by empty objects whose names end in a slash.
            names = {path: path[len(root) + 1 :] for path in found if not path.endswith("/")}
            return {name: int(found[path]["size"]) for path, name in names.items()}

    def _blocks(self, name: str) -> Iterator[bytes | None]:
        """The content piece by piece; errors of the storage are told from those of the file it is written to."""
        with self._errors():
            try:
                opened = self._files.open(self._path(name), "rb", block_size=BLOCK, cache_type="readahead")
            except FileNotFoundError:
                opened = None
        if opened is None:
            yield None
            return
        with contextlib.closing(opened):
            while True:
                with self._errors():
                    block = opened.read(BLOCK)
                if not block:
                    return
                yield block

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}".rstrip("/")

    def _make_folder(self, name: str) -> None:
        if "file" in self._protocols:  # elsewhere a folder is part of a name
            self._files.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)

    @property
    def _files(self) -> AbstractFileSystem:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    @property
    def _protocols(self) -> tuple[str, ...]:
        protocol = self._files.protocol
        return (protocol,) if isinstance(protocol, str) else tuple(protocol)

    @functools.cached_property
    def _opened(self) -> tuple[AbstractFileSystem, str]:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise StorageError(f"{self.url} needs fsspec: pip install 'segnas[storage]'") from None
        protocol = self.url.partition("://")[0]
        # Other processes change what is there, so no listing is remembered; and connections are this object's own.
        options = {"use_listings_cache": False, "skip_instance_cache": True, **OPTIONS.get(protocol, {})}
        opened: tuple[AbstractFileSystem, str] = url_to_fs(self.url, **options)
        return opened

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except ImportError as error:
            package = "segnas[storage]" if self.url.startswith("s3://") else str(error)
            raise StorageError(f"{self.url} cannot be used without its package: pip install '{package}'") from error
        except Exception as error:  # every package has exceptions of its own
            raise StorageError(
                f"{self.url} cannot be used: {one_line(str(error))[:300] or type(error).__name__}"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url}  # a connection stays in its process
