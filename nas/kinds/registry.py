"""All kinds of search by name: the modules of `nas.kinds`, and plugins of installed packages."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

import nas.kinds
from nas.kinds.protocol import Kind
from nas.specs import JobSpec
from nas.specs.plugins import plugged_in
from nas.specs.search import stored_specs


@cache
def kinds() -> Mapping[str, Kind[Any]]:
    """Load every kind of search, by name, in the order of the union of specs.

    A built-in kind is a module of `nas.kinds` with an instance called `KIND`.

    Raises:
        AssertionError: Two kinds have the same name, or a kind has a spec that no search can be stored with.
    """
    modules = [importlib.import_module(f"nas.kinds.{file.name}") for file in pkgutil.iter_modules(nas.kinds.__path__)]
    every: list[Kind[Any]] = [*(module.KIND for module in modules if hasattr(module, "KIND")), *plugged_in()]
    by_spec = {kind.spec: kind for kind in every}
    assert set(by_spec) == set(stored_specs()), "each kind of search has a spec that can be stored, and the reverse"
    named = {by_spec[spec].name: by_spec[spec] for spec in stored_specs()}
    assert len(named) == len(every), f"two kinds of search have one name: {[kind.name for kind in every]}"
    return named


def kind_of(spec: JobSpec) -> Kind[Any]:
    """Return the kind of search that a spec describes."""
    return kinds()[spec.kind]
