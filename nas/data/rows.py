"""Where the rows of a feature bank go while they are computed: .npy files in a folder, or arrays in memory."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from nas.cache.sealed import file_entry

MEMORY_SHARE = 0.5
"""Part of the memory that is available which a bank may take; the rest is for the training."""


class Rows(Protocol):
    """Takes the rows of several arrays, a batch at a time."""

    def reserve(self, size: int) -> None:
        """Refuse at once what will not fit.

        Args:
            size: Bytes that all rows of all arrays will take.

        Raises:
            OSError: There is no room.
        """

    def append(self, name: str, rows: NDArray[Any], total: int) -> None:
        """Append rows (n, ...) to the array `name`, which will have `total` of them.

        Raises:
            OSError: The rows cannot be written.
        """

    def close(self) -> None:
        """Close the arrays so far, each of which is complete."""


class NpyWriter:
    """Writes a .npy file of `rows` rows piece by piece; a full disk raises OSError (mapped memory: a bus error).

    Attributes:
        size: Bytes written so far.
    """

    def __init__(self, path: Path, rows: int) -> None:
        self._file: BinaryIO = path.open("wb")
        self._rows = rows
        self._written = 0
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hex."""
        return self._digest.hexdigest()

    def __enter__(self) -> NpyWriter:
        return self

    def close(self) -> None:
        """Close the file, whether it is complete or not."""
        self._file.close()

    def __exit__(self, *failure: object) -> None:
        self.close()
        assert failure[0] is not None or self._written == self._rows

    def write(self, content: bytes | memoryview) -> None:
        """Write bytes as they are."""
        self._file.write(content)
        self._digest.update(content)
        self.size += len(content)

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows (n, ...); the first call fixes the dtype and the shape of a row."""
        if not self._written:
            header = {"descr": rows.dtype.str, "fortran_order": False, "shape": (self._rows, *rows.shape[1:])}
            np.lib.format.write_array_header_1_0(self, header)
        self.write(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)
        self._written += len(rows)


class FolderRows:
    """Writes arrays as .npy files into a folder; a context, at whose end no file is left open.

    Attributes:
        written: Size and sha256 of each file that is complete, by its name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, NpyWriter] = {}
        self.written: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> FolderRows:
        return self

    def __exit__(self, *_failure: object) -> None:
        with ExitStack() as files:  # closes all of them, also where one cannot write its last bytes
            for writer in self._writers.values():
                files.callback(writer.close)

    def reserve(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if size > free:
            reason = f"{os.strerror(errno.ENOSPC)}: {size / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free"
            raise OSError(errno.ENOSPC, reason, str(self._folder))

    def append(self, name: str, rows: NDArray[Any], total: int) -> None:
        if name not in self._writers:
            self._writers[name] = NpyWriter(self._folder / f"{name}.npy", total)
        self._writers[name].append(rows)

    def close(self) -> None:
        for name, writer in self._writers.items():
            with writer:
                self.written[f"{name}.npy"] = file_entry(writer.size, writer.sha256)
        self._writers.clear()


class MemoryRows:
    """Keeps arrays in memory, where they fit.

    Args:
        reason: Why they are not in files; begins the message of the error.
        make_room: Called with the bytes that are needed and a function that says how many may be taken; returns whether
            there is room.

    Attributes:
        arrays: By name.
    """

    def __init__(self, reason: str, make_room: Callable[[int, Callable[[], int]], bool]) -> None:
        self._reason = reason
        self._make_room = make_room
        self._filled: dict[str, int] = {}
        self.arrays: dict[str, NDArray[Any]] = {}

    def reserve(self, size: int) -> None:
        def free() -> int:
            return int(MEMORY_SHARE * available_memory())

        if not self._make_room(size, free):
            raise OSError(
                f"{self._reason}, nor held in memory: it takes {size / 1e9:.2f} GB, and {free() / 1e9:.2f} GB may be "
                f"taken; free disk space, or let SEGNAS_HOME name a folder with space",
            )

    def append(self, name: str, rows: NDArray[Any], total: int) -> None:
        if name not in self.arrays:
            self.arrays[name] = np.empty((total, *rows.shape[1:]), rows.dtype)
            self._filled[name] = 0
        start = self._filled[name]
        self.arrays[name][start : start + len(rows)] = rows
        self._filled[name] += len(rows)

    def close(self) -> None:
        assert all(len(array) == self._filled[name] for name, array in self.arrays.items())


def available_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory that a process may still take: of the machine, or of its container if that has less.

    Args:
        root: Where `proc` and `sys` are.
    """
    found = [os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    try:
        lines = (root / "proc/meminfo").read_text("ascii").splitlines()
        found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")] or found
    except (OSError, ValueError, IndexError):
        pass
    try:
        limit, used = ((root / "sys/fs/cgroup" / f"memory.{name}").read_text("ascii") for name in ("max", "current"))
        found.append(int(limit) - int(used))
    except (OSError, ValueError):  # no container, or "max": no limit
        pass
    return max(0, min(found))
