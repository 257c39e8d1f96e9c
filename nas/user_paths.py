"""Paths as people write them, with `~` and links, made absolute; and what the system says of a file, in words."""

from __future__ import annotations

from pathlib import Path


def expanded(path: Path, what: str) -> Path:
    """Replace `~` or `~USER` at the beginning of a path.

    Args:
        path: As it was written.
        what: What it is the path of, to begin a sentence.

    Raises:
        ValueError: The home folder of that user is not known.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        whose = "the user of this process" if str(path).partition("/")[0] == "~" else str(path).partition("/")[0]
        raise ValueError(f"{what}, {path}, has no place: {whose} has no home folder; write it without ~") from None


def absolute(path: Path, what: str) -> Path:
    """Make a path absolute, with `~` replaced and links followed; what is at its end need not exist.

    Args:
        path: As it was written.
        what: What it is the path of, to begin a sentence.

    Raises:
        ValueError: The home folder of a user is not known, the links lead in a circle, or the path is relative and the
            folder that it starts from is gone.
    """
    place = expanded(path, what)
    try:
        return place.resolve()
    except RuntimeError:
        raise ValueError(f"{what}, {path}, has no place: links lead in a circle") from None
    except FileNotFoundError:
        raise ValueError(f"{what}, {path}, has no place: the folder that this command runs in was removed") from None


def in_words(error: OSError) -> str:
    """What the operating system refused, without its number, behind the file it is about."""
    if not error.strerror:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
