"""The settings in which searches differ, by their path in the spec."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nas.specs import SearchSpec

MOST_SETTINGS = 100
LONGEST_VALUE = 160
"""Characters of a value that are shown; lists of start cells can be very long."""


_NOTHING = {None, "null"}
"""Where one spec has null and another has fields below, these say it."""


class Setting(NamedTuple):
    """A setting in which searches differ.

    Attributes:
        path: Of the field in the spec, such as `fidelity.optimizer.learning_rate`.
        values: For each search the value as JSON without quotes around texts; None where its spec has no such field.
    """

    path: str
    values: tuple[str | None, ...]


def differing_settings(specs: Sequence[SearchSpec]) -> list[Setting]:
    """List the settings in which specs differ, with defaults filled in: the kind, then the fields in their order.

    Names are left out: they are for people, and nothing depends on them.
    """
    dumps = [spec.model_dump(mode="json", exclude={"name"}) for spec in specs]
    flat = [dict(leaves({"kind": dump["kind"], **dump})) for dump in dumps]
    paths = dict.fromkeys(path for fields in flat for path in fields)
    settings = (Setting(path, tuple(map(_at(path), flat))) for path in paths)
    return [setting for setting in settings if len(set(setting.values)) > 1 and not set(setting.values) <= _NOTHING]


def differing_paths(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """List the paths of the fields in which two dumped models differ."""
    first, second = dict(leaves(one)), dict(leaves(other))
    missing = object()
    return [path for path in {**first, **second} if first.get(path, missing) != second.get(path, missing)]


def shown_value(value: str | None) -> str:
    """Shorten a value to what fits beside others; a dash for a field that a spec does not have."""
    if value is None:
        return "–"
    return value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 2]} …"


def _at(path: str) -> Any:
    def value(fields: Mapping[str, Any]) -> str | None:
        if path not in fields:
            return None
        found = fields[path]
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    return value


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings by their path, such as `optimizer.name`; a list is a leaf."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, value
