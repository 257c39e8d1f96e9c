"""Aids: writes that spare work later, and whose failure costs no work now."""

from __future__ import annotations

import atexit
import contextlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)

_said: set[tuple[str, object]] = set()


@contextlib.contextmanager
def aid(what: str, path: Path, without: str) -> Iterator[None]:
    """Within the context, an OSError costs the aid that was to be written, and one warning.

    A disk that is full stays so for many writes: the same failure of the same kind of aid is said once in a process.

    Args:
        what: The kind of aid, such as "checkpoint"; begins the warning.
        path: The file or folder that is written.
        without: How the work continues, such as "the training goes on without it".
    """
    try:
        yield
    except OSError as error:
        remark_once(what, error.errno, f"{what} {path} cannot be written ({reason_of(error)}): {without}")


def remark_once(what: str, cause: object, sentence: str) -> None:
    """Log a warning, unless this process has said the same: the same cause for the same kind of thing."""
    if (what, cause) not in _said:
        _said.add((what, cause))
        _log.warning("%s", sentence)


def reason_of(error: OSError) -> str:
    """Return what the operating system says, without number and path: "No space left on device"."""
    return error.strerror or str(error) or type(error).__name__


def writable_folder(folder: Path, what: str) -> Path:
    """Make a folder for scratch files; where nothing can be written there, a temporary one, with a warning.

    The temporary one is removed when the process ends.

    Args:
        folder: Where the files should be; made where it is not there.
        what: What the folder is for; begins the warning.

    Raises:
        OSError: There is no room for temporary files either.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
    except OSError as error:
        instead = Path(tempfile.mkdtemp(prefix="segnas-"))
        atexit.register(shutil.rmtree, instead, ignore_errors=True)
        remark_once(what, error.errno, f"{what} {folder} cannot be written ({reason_of(error)}): {instead} is used")
        return instead
    return folder
