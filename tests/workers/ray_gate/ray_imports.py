"""Everything that the product imports from Ray, found in its source."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]

UNDOCUMENTED = ("ray.tune.execution", "ray.air.execution", "ray.experimental", "ray.train.v2", "ray.scripts")
"""Private although no part of the name begins with an underscore."""

HOMES_OF_PRIVATE_RAY = ("workers/tune/", "workers/trainables/")


def imports_of_ray() -> Iterator[tuple[str, str, str]]:
    """(file, module, name) of everything that the product imports from Ray; the name is empty for `import ray`."""
    for package in ("api", "nas", "search_spaces", "workers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                file = path.relative_to(ROOT).as_posix()
                if isinstance(node, ast.Import):
                    yield from ((file, alias.name, "") for alias in node.names if alias.name.split(".")[0] == "ray")
                elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ray":
                    yield from ((file, str(node.module), alias.name) for alias in node.names)


IMPORTS = sorted(set(imports_of_ray()))


def is_private(module: str, name: str) -> bool:
    return module.startswith(UNDOCUMENTED) or any(part.startswith("_") for part in [*module.split("."), name])


def parameters(function: Callable[..., Any]) -> str:
    """A signature in one line, without annotations and defaults."""
    words: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
        words.append(stars + parameter.name)
    return ", ".join(words)
