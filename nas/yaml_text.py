"""YAML as its version 1.2 reads plain words, which is how people read them, and each key once.

PyYAML follows version 1.1: there `010` is 8, `1:30` is 90, `1_000` is 1000, `no` is false and `1e-3` is a text.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

_MERGE, _NULL = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:null"
_BOOL, _INT, _FLOAT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"

_NUMBER = r"[-+]?(?:0|[1-9][0-9]*)"
_WITH_POINT_OR_EXPONENT = (
    rf"{_NUMBER}\.[0-9]*(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9]+(?:[eE][-+]?[0-9]+)?|{_NUMBER}[eE][-+]?[0-9]+"
)
_PLAIN_WORDS = (
    (_MERGE, r"<<", "<"),
    (_NULL, r"~|null|Null|NULL|", "~nN\0"),
    (_BOOL, r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (_INT, _NUMBER, "-+0123456789"),
    (_FLOAT, rf"{_WITH_POINT_OR_EXPONENT}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+.0123456789"),
)
"""Tag, pattern and possible first characters of the plain words that are no texts.

Source:
    YAML 1.2.2, section 10.3.2 (core schema). Octal and hexadecimal numbers and leading zeros are left out: `010` is a
    text, which no field that wants a number takes.
"""


class _Loader(yaml.SafeLoader):
    """A loader of plain words as above, which refuses a duplicate key, where PyYAML silently uses the last value."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's own name

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # refused by the base class
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands here twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """A dumper that quotes what either version of YAML would read as something else than a text."""

    yaml_implicit_resolvers = {key: [*found] for key, found in yaml.SafeDumper.yaml_implicit_resolvers.items()}  # noqa: RUF012


for _tag, _pattern, _first in _PLAIN_WORDS:
    _compiled, _starts = re.compile(rf"^(?:{_pattern})$"), ["" if mark == "\0" else mark for mark in _first]
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, _compiled, _starts)


def parse_yaml(text: str) -> Any:
    """Parse YAML.

    Raises:
        ValueError: The text is no YAML, or has a key twice in one mapping; the message begins with `not YAML` and says
            what and where.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise ValueError(f"not YAML{place}: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        remedy = "; text in UTF-16 has it: save the file as UTF-8" if error.character == 0 else ""
        raise ValueError(f"not YAML, line {line}: it has the character U+{error.character:04X}{remedy}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ValueError("not YAML that can be read: it is nested too deeply") from None


def dump_yaml(content: Any) -> str:
    """Write plain data as YAML, mappings in their order and short ones on one line."""
    text: str = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120
    )
    return text
