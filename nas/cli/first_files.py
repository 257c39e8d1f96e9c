"""What `segnas init` writes: a configuration in which every line is a comment, and a small search."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml
from pydantic import SecretStr

from nas.settings import Settings
from nas.yaml_text import dump_yaml

_HEAD = """\
# The configuration of Segnas: of the service, of workers and of the command line.
# Each line is a default: take its `#` off to change it. A variable SEGNAS_<NAME> of the environment wins over this
# file. Relative paths are below the folder of this file. A restart of the service takes up what was changed.
"""

_SPEC = """\
# A first search: dense prediction cells on a small backbone, some minutes on two CPU cores.
#   segnas submit {file} --dry-run     checks this file, and says what the search would cost
#   segnas submit {file} --watch       starts the search and follows it
"""

_REMARKS = {
    "strategy": "or random, dpc, evolution, tpe, reinforce",
    "early_stopping": "the worse half ends at the first rung",
    "confirm": "at the end: the best 2 and textbook heads with fresh seeds",
    "fidelity": "how carefully an architecture is measured",
    "fidelity.dataset": "a registered name: segnas data list",
    "fidelity.crop": "no larger than the images",
    "fidelity.backbone": "stays as it is: heads train on its features",
    "fidelity.class_weighting": "rare classes count more, so that they are learnt early",
    "fidelity.rungs": "iterations after which it is scored",
    "fidelity.holdout": "half of the validation images select; on the others the best are confirmed",
}
"""What is said of a field of the first spec, by its path."""

_REMARKS_AT = 40
"""The column of the remarks, where the line leaves room."""


def config_text() -> str:
    """Make the text of a `config.yaml` that sets nothing and shows every setting."""
    return "\n".join([_HEAD, *_settings()])


def _settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name == "home":
            continue  # the folder of the file itself
        described = textwrap.wrap(" ".join((field.description or "").split()), 112)
        lines = [f"# {line}" for line in described]
        yield "\n".join([*lines, f"#{name}: {_default(field.get_default())}", ""])


def _default(value: Any) -> str:
    shown = value.get_secret_value() if isinstance(value, SecretStr) else value
    return yaml.safe_dump(shown, default_flow_style=True).removesuffix("\n...\n").strip()


def first_spec(request: Mapping[str, Any], file: str = "search.yaml") -> str:
    """Make the text of the first spec, with remarks beside its fields.

    Args:
        request: The search, as `nas.first_search` makes it.
        file: The name of the spec's file, for its comments.
    """
    return _SPEC.format(file=file) + "\n".join(_remarked(dump_yaml(request).splitlines())) + "\n"


def _remarked(lines: Iterable[str]) -> Iterator[str]:
    parent = ""
    for line in lines:
        field = line.strip().partition(":")[0]
        if not line.startswith(" "):
            parent = field
        remark = _REMARKS.get(field if field == parent else f"{parent}.{field}")
        yield line if remark is None else f"{line.ljust(_REMARKS_AT - 1)} # {remark}"
