"""Files that name the classes of a folder of images, in the forms in which people have them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nas.data.errors import DatasetError
from nas.data.folder.description import LONGEST_NAME, Label, as_colour
from nas.data.names import read_text
from nas.yaml_text import parse_yaml
from search_spaces.json_text import parse_json

CLASS_FILES = tuple(
    f"{stem}{suffix}"
    for stem in ("classes", "class_names", "class_dict", "labels", "label_names", "palette", "colormap")
    for suffix in (".txt", ".csv", ".json", ".yaml", ".yml")
)
"""Names by which a file of classes is recognised in a data set's folder."""

_NAME_FIELDS = ("name", "class", "label", "class_name")
_COLOUR_FIELDS = ("colour", "color", "rgb", "palette")
_VALUE_FIELDS = ("value", "id", "index", "pixel_value")


class NamedClass(NamedTuple):
    """A class as a file gives it: its name, and the colour and the mask's value where the file says them."""

    name: str
    colour: str | None = None
    value: int | None = None


def read_classes(path: Path) -> tuple[NamedClass, ...]:
    """Read the classes of a file, in its order.

    A .txt file has a name on each line. A .csv file has `name`, `name,#rrggbb` or `name,r,g,b` on each line, in other
    columns where a header says so. A .json, .yaml or .yml file is a list of names or of mappings with `name`, `colour`
    and `value`, or a mapping from names to colours or values, or from values or colours to names.

    Raises:
        DatasetError: The file cannot be read or is none of these; the message names the file and the place.
    """
    text = read_text(path, "file of classes")
    kind = path.suffix.lower()
    try:
        if kind in (".json", ".yaml", ".yml"):
            classes = _from_data(parse_json(text) if kind == ".json" else parse_yaml(text))
        elif kind == ".csv":
            classes = _from_rows(text)
        else:
            classes = [NamedClass(line.strip()) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise DatasetError(f"{path}: {' '.join(str(error).split())}") from error
    _check(path, classes)
    return tuple(classes)


def _check(path: Path, classes: Sequence[NamedClass]) -> None:
    if len(classes) < 2:
        raise DatasetError(f"{path} names {len(classes)} class; two are the least (the background is one of them)")
    if long := [item.name for item in classes if len(item.name) > LONGEST_NAME]:
        raise DatasetError(f"{path}: a class's name has at most {LONGEST_NAME} characters, not as {long[0][:40]}...")
    for field in NamedClass._fields:
        given = [value for item in classes if (value := getattr(item, field)) is not None]
        if given and len(given) < len(classes):
            raise DatasetError(f"{path} gives a {field} for {len(given)} of {len(classes)} classes; give all or none")
        if len(set(given)) < len(given):
            double = next(value for value in given if given.count(value) > 1)
            raise DatasetError(f"{path}: two classes have the {field} {double}")


def _from_rows(text: str) -> list[NamedClass]:
    rows = [
        [cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)
    ]
    if rows and (columns := _columns(rows[0])) is not None:
        return [_from_mapping(_by_header(columns, row, number)) for number, row in enumerate(rows[1:], 2)]
    return [_from_row(row, number) for number, row in enumerate(rows, 1)]


def _columns(header: list[str]) -> list[str] | None:
    """The columns that a header names; None where the first row is none."""
    lowered = [cell.lower() for cell in header]
    known = {*_NAME_FIELDS, *_COLOUR_FIELDS, *_VALUE_FIELDS, "r", "g", "b", "red", "green", "blue"}
    return lowered if set(lowered) & set(_NAME_FIELDS) and len(set(lowered) & known) == len(lowered) else None


def _by_header(columns: list[str], row: list[str], number: int) -> dict[str, Any]:
    if len(row) != len(columns):
        raise ValueError(f"line {number} has {len(row)} columns, but the header names {len(columns)}")
    fields: dict[str, Any] = dict(zip(columns, row, strict=True))
    channels = [
        fields.pop(name) for names in (("r", "red"), ("g", "green"), ("b", "blue")) for name in names if name in fields
    ]
    return fields | ({"colour": ",".join(channels)} if channels else {})


def _from_row(row: list[str], number: int) -> NamedClass:
    name, *colour = row
    if not colour:
        return NamedClass(name)
    if len(colour) in (1, 3):
        return NamedClass(name, parse_colour(",".join(colour)))
    raise ValueError(f"line {number}: `name`, `name,#rrggbb` or `name,r,g,b` is needed, not {','.join(row)!r}")


def _from_data(data: Any) -> list[NamedClass]:
    if isinstance(data, dict) and isinstance(data.get("classes"), list | dict):
        data = data["classes"]
    if isinstance(data, list):
        return [_from_mapping(item) if isinstance(item, dict) else NamedClass(_text(item)) for item in data]
    if isinstance(data, dict) and data:
        return [_from_pair(str(key), value) for key, value in data.items()]
    raise ValueError("a list or a mapping of classes is needed")


def _from_pair(key: str, value: Any) -> NamedClass:
    """Read an entry of a mapping: a name with its colour or value, or a value or colour with its name."""
    if isinstance(value, str) and _is_label(key):
        label = parse_label(key)
        return NamedClass(value, label, None) if isinstance(label, str) else NamedClass(value, None, label)
    if isinstance(value, dict):
        return _from_mapping({"name": key, **value})
    if isinstance(value, int) and not isinstance(value, bool):
        return NamedClass(key, None, _value(value))
    return NamedClass(key, parse_colour(value))


def _from_mapping(item: Mapping[str, Any]) -> NamedClass:
    fields = {str(name).lower(): value for name, value in item.items()}
    name, colour, value = (
        next((fields[field] for field in names if fields.get(field) not in (None, "")), None)
        for names in (_NAME_FIELDS, _COLOUR_FIELDS, _VALUE_FIELDS)
    )
    if name is None:
        raise ValueError(f"a class has no `name`: {dict(item)}")
    return NamedClass(
        _text(name), None if colour is None else parse_colour(colour), None if value is None else _value(value)
    )


def parse_colour(value: Any) -> str:
    """Read a colour as #rrggbb from `#rrggbb`, `r,g,b`, `r g b` or three numbers.

    Raises:
        ValueError: The value is no colour.
    """
    if isinstance(value, str) and re.fullmatch(r"#?[0-9a-fA-F]{6}", value.strip()):
        return "#" + value.strip().lstrip("#").lower()
    parts = re.split(r"[\s,;]+", value.strip(" ()[]")) if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and len(parts) == 3:
        numbers = [int(part) for part in map(str, parts) if re.fullmatch(r"\d{1,3}", part)]
        if len(numbers) == 3 and max(numbers) <= 255:
            return as_colour(*numbers)
    raise ValueError(f"a colour is #rrggbb or three numbers from 0 to 255, not {value!r}")


def parse_label(text: str) -> Label:
    """Read what a mask holds: a number from 0 to 255, or a colour.

    Raises:
        ValueError: The text is neither.
    """
    return _value(text) if re.fullmatch(r"\d{1,3}", text.strip()) else parse_colour(text)


def _is_label(text: str) -> bool:
    try:
        parse_label(text)
    except ValueError:
        return False
    return True


def _value(value: Any) -> int:
    if not re.fullmatch(r"\d{1,3}", str(value).strip()) or int(value) > 255:
        raise ValueError(f"a mask's value is a number from 0 to 255, not {value!r}")
    return int(value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise ValueError(f"a class needs a name, not {value!r}")
    return str(value).strip()
