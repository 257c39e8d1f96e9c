"""Names of image files: which files of a folder are images, what their stems are, and lists that name them."""

from __future__ import annotations

import codecs
import os
import unicodedata
from collections.abc import Container, Mapping
from pathlib import Path

from nas.data.decode import SUFFIXES
from nas.data.errors import DatasetError


def subfolders(folder: Path) -> list[str]:
    """Return the sorted names of the folders in a folder, without hidden ones.

    Raises:
        DatasetError: The folder is missing or unreadable.
    """
    return sorted(entry.name for entry in _entries(folder) if entry.is_dir() and not entry.name.startswith("."))


def image_files(folder: Path) -> dict[str, Path]:
    """List the image files of a folder by stem, in the order of the stems; the stem of `scan.1.png` is `scan.1`.

    Hidden files, which some systems leave behind (`._a.png`, `.DS_Store`), and files of other kinds are passed over.

    Raises:
        DatasetError: The folder is missing or unreadable, or two files have the same stem.
    """
    found: dict[str, Path] = {}
    for entry in sorted(_entries(folder), key=lambda entry: entry.name):
        # A link to nowhere is a file, too: reading it says what is missing.
        if entry.name.startswith(".") or not _has_image_suffix(entry.name) or entry.is_dir():
            continue
        stem = stem_of(entry.name)
        if stem in found:
            raise DatasetError(f"{folder} has both {found[stem].name} and {entry.name}; one image must have one file")
        found[stem] = folder / entry.name
    return dict(sorted(found.items()))


def nested_image_files(folder: Path, *, without: Path | None = None) -> dict[str, Path]:
    """List the image files of a folder and of all folders below it, by path and stem: `city/scan.1` for `scan.1.png`.

    Args:
        folder: The folder.
        without: A folder below it that is passed over, with all that is in it. Hidden folders always are.

    Raises:
        DatasetError: A folder is missing or unreadable, or two files of one folder have the same stem.
    """
    found: dict[str, Path] = {}
    waiting, seen = [(folder, "")], {folder.resolve()}  # links may lead in circles
    while waiting:
        here, prefix = waiting.pop()
        found |= {prefix + stem: path for stem, path in image_files(here).items()}
        for name in subfolders(here):
            below = here / name
            if below.resolve() not in seen and below != without:
                seen.add(below.resolve())
                waiting.append((below, f"{prefix}{unicodedata.normalize('NFC', name)}/"))
    return dict(sorted(found.items()))


def find_named(path: str, names: Container[str]) -> str | None:
    """Find which of some names a path ends in: with all of its folders, else with fewer and fewer of them.

    Args:
        path: The path of an image, with or without folders, with or without an image's suffix.
        names: Stems, or paths ending in a stem, with `/` between.
    """
    stem = stem_of(path.replace("\\", "/"))
    while stem not in names:
        _, slash, stem = stem.partition("/")
        if not slash:
            return None
    return stem


def stem_of(name: str) -> str:
    """Return a file name without the suffix of an image; composed (NFC), as macOS takes letters and accents apart."""
    return unicodedata.normalize("NFC", os.path.splitext(name)[0] if _has_image_suffix(name) else name)  # noqa: PTH122


def label_of(stem: str, image: Path, labels: Mapping[str, Path], folder: Path) -> Path:
    """Find the label map of an image among the files of a folder.

    Args:
        stem: Of the label map.
        image: The image, for the message.
        labels: The label maps by stem.
        folder: Of the label maps, for the message.

    Raises:
        DatasetError: There is none; the message says so where a name differs in capitals alone.
    """
    if stem in labels:
        return labels[stem]
    near = _in_other_case(stem, labels)
    raise DatasetError(f"label map {folder / stem}.png is missing{near}; add it, or take image {image} away")


def read_names(path: Path, images: Mapping[str, Path], folder: Path) -> list[str]:
    """Read a list of images, one a line, and return the stems of those files; repeated ones count once.

    A line is a stem, a file name, or the path of an image and then, after a blank, the path of its label map. Empty
    lines, a byte order mark, blanks at the ends and the line ends of other systems are no part of a name.

    Args:
        path: The list.
        images: The images by stem.
        folder: Of the images, for the message.

    Raises:
        DatasetError: The list cannot be read, is not UTF-8, lists no image, or names one that is not there.
    """
    lines = [unicodedata.normalize("NFC", line.strip()) for line in read_text(path, "list of images").splitlines()]
    names = list(dict.fromkeys(_listed(line, path, images, folder) for line in lines if line))
    if not names:
        raise DatasetError(f"{path} lists no image")
    return names


def read_text(path: Path, what: str) -> str:
    """Read a text file of a data set in UTF-8, or in UTF-16 where it begins with a byte order mark.

    Args:
        path: The file.
        what: What it is, for messages.

    Raises:
        DatasetError: The file cannot be read or has another encoding.
    """
    try:
        content = path.read_bytes()
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{what} {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{what} {path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _listed(line: str, path: Path, images: Mapping[str, Path], folder: Path) -> str:
    if line in images:
        return line
    paths = line.split()
    if len(paths) == 2 and all(map(_has_image_suffix, paths)):
        line, label = paths
        if _last_stem(line) != _last_stem(label):
            raise DatasetError(f"{path} pairs {line} with {label}, but an image and its label map must have one name")
    if (stem := find_named(line, images)) is not None:
        return stem
    suffix = "" if _has_image_suffix(line) else ".jpg"
    name = line.replace("\\", "/").rsplit("/", 1)[-1]
    near = _in_other_case(_last_stem(line), images)
    raise DatasetError(f"{folder / name}{suffix} is missing{near}; add it, or take it out of {path}, which lists it")


def _last_stem(path: str) -> str:
    return stem_of(path.replace("\\", "/").rsplit("/", 1)[-1])


def _in_other_case(stem: str, files: Mapping[str, Path]) -> str:
    near = next((file.name for other, file in files.items() if other.casefold() == stem.casefold()), None)
    return "" if near is None else f" ({near} differs in capital letters)"


def _has_image_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  unlike Path.suffix, for any string


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DatasetError(f"{folder} is not a readable folder ({error.strerror})") from error
