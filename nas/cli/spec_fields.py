"""The fields of a spec in words, as `segnas show` prints them: those that are not defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas.cli.layout import Column, cell, print_table

if TYPE_CHECKING:
    from pydantic import BaseModel

MOST_ITEMS = 24
"""Entries of a list that are shown; the start cells of a search can be a thousand."""


def spec_fields(spec: BaseModel) -> Iterator[tuple[str, str]]:
    """Say in words what was asked for: the fields of a spec without its name, its kind, and those that are defaults.

    A field that holds several models by name, such as the proxies of a calibration, says how many they are and what
    they have in common; `print_variants` prints the rest.
    """
    from nas.specs.given import given_fields

    variants = _variants(spec)
    for name, value in given_fields(spec).items():
        if name in variants:
            shared, _ = _settings(variants[name])
            yield name, f"{len(variants[name])}" + (f", all with {in_words(shared)}" if shared else "")
        elif name not in ("name", "kind"):
            yield name, in_words(value)


def print_variants(spec: BaseModel) -> None:
    """Print a table for each field of a spec that holds several models by name: in what each differs from others."""
    for name, models in _variants(spec).items():
        _, own = _settings(models)
        print()
        columns = (Column(name.capitalize(), wraps=True), Column("Settings", wraps=True))
        print_table(columns, ((cell(one), cell(in_words(settings))) for one, settings in own.items()))


def in_words(value: Any) -> str:
    """Write plain data of a spec for people: `rungs 100, 200; backbone.frozen yes`, an architecture in its line."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            from nas.comparison.settings import leaves

            return (
                "; ".join(f"{path} {in_words(leaf)}" for path, leaf in leaves(value)) if value else "with its defaults"
            )
        case list() | tuple():
            return _items(value)
        case _:
            return str(value)


def _items(values: Sequence[Any]) -> str:
    more = len(values) - MOST_ITEMS
    shown = ", ".join(_item(value) for value in values[:MOST_ITEMS])
    return (f"{shown} and {more} more" if more > 0 else shown) or "none"


def _item(value: Any) -> str:
    from search_spaces.document import architecture_from_dict
    from search_spaces.text import architecture_text

    if isinstance(value, Mapping):
        try:
            return architecture_text(architecture_from_dict(value))
        except ValueError:  # a mapping of something else, such as an objective
            pass
    return in_words(value)


def _variants(spec: BaseModel) -> dict[str, Mapping[str, BaseModel]]:
    """The fields of a spec that hold several models by name."""
    from pydantic import BaseModel

    values = ((name, getattr(spec, name)) for name in type(spec).model_fields)
    return {
        name: value
        for name, value in values
        if isinstance(value, Mapping) and value and all(isinstance(one, BaseModel) for one in value.values())
    }


def _settings(models: Mapping[str, BaseModel]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The settings that all models share, and those of each that not all share, by their path.

    A setting that is a default in every model is left out; one alone shares nothing.
    """
    from nas.comparison.settings import leaves
    from nas.specs.given import given_fields

    paths = dict.fromkeys(path for model in models.values() for path, _ in leaves(given_fields(model)))
    full = {name: dict(leaves(model.model_dump(mode="json"))) for name, model in models.items()}
    first, *others = full.values()
    shared = {
        path: first[path]
        for path in paths
        if others and path in first and all(path in other and other[path] == first[path] for other in others)
    }
    own = {
        name: {path: found[path] for path in paths if path in found and path not in shared}
        for name, found in full.items()
    }
    return shared, own
