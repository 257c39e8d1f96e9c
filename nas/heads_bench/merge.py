"""Merge tables that were recorded apart, on other machines or days, into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

import numpy as np

from nas.heads_bench.table import About, Head, HeadsTable, Latency, LeftOut, Numbers, Setting

_ALIKE = ("fidelity_key", "classes", "seeds", "rungs")
"""What two tables must have in common on a data set, so that their trainings can stand side by side."""


def merge(tables: Sequence[HeadsTable], name: str | None = None) -> tuple[About, tuple[Head, ...], dict[str, Numbers]]:
    """Join the heads of several tables; `nas.heads_bench.write_table` writes the result.

    Heads stand in the order in which they first come, and a head that several tables have is taken from the first of
    these. Latencies are comparable only where they were measured in the same way on the same model of processor: those
    that were measured otherwise than the first table's, or the first's that has any, are left out.

    Args:
        tables: At least one.
        name: Of the new table; None takes the first table's. Its description and licence are the first table's.

    Raises:
        ValueError: The tables have other data sets, licences, fidelities, classes, seeds or rungs.
    """
    first = tables[0]
    for number, table in enumerate(tables[1:], start=2):
        _require_alike(first, table, number)
    taken = list(_first_of_each(tables))
    heads = tuple(tables[table].heads[row] for table, row in taken)
    latency = next((table.about.latency for table in tables if table.about.latency is not None), None)
    numbers = {dataset: _numbers(tables, taken, dataset, latency) for dataset in first.datasets}
    about = first.about.model_copy(
        update={
            "name": name or first.about.name,
            "settings": tuple(_setting(tables, dataset) for dataset in first.datasets),
            "software": _software(tables),
            "latency": latency,
            "left_out": tuple(_left_out(tables, {head.key for head in heads})),
        }
    )
    return about, heads, numbers


def _require_alike(first: HeadsTable, other: HeadsTable, number: int) -> None:
    which = f"table {number} ({other.about.name}) cannot join table 1 ({first.about.name})"
    if set(first.datasets) != set(other.datasets):
        raise ValueError(
            f"{which}: it has the data sets {', '.join(other.datasets)}, and table 1 has {', '.join(first.datasets)}"
        )
    if first.about.licence != other.about.licence:
        raise ValueError(f"{which}: its licence is {other.about.licence}, and table 1 has {first.about.licence}")
    for setting in first.about.settings:
        there = other.setting(setting.dataset)
        for field in _ALIKE:
            if getattr(setting, field) != getattr(there, field):
                raise ValueError(
                    f"{which}: on {setting.dataset} its {field.removesuffix('_key')} differ: "
                    f"{_shown(getattr(there, field))} instead of {_shown(getattr(setting, field))}"
                )


def _shown(value: str | Sequence[object]) -> str:
    return value[:12] if isinstance(value, str) else ", ".join(map(str, value))


def _first_of_each(tables: Sequence[HeadsTable]) -> Iterator[tuple[int, int]]:
    """Yield table and row of every head, where it first comes."""
    seen = set()
    for number, table in enumerate(tables):
        for row, head in enumerate(table.heads):
            if head.key not in seen:
                seen.add(head.key)
                yield number, row


def _numbers(
    tables: Sequence[HeadsTable], taken: Sequence[tuple[int, int]], dataset: str, latency: Latency | None
) -> Numbers:
    rows = {
        field.name: np.stack([getattr(tables[table].numbers[dataset], field.name)[row] for table, row in taken])
        for field in fields(Numbers)
    }
    otherwise = [tables[table].about.latency != latency for table, _ in taken]
    rows["latency_ms"][otherwise] = np.nan
    return Numbers(**rows)


def _setting(tables: Sequence[HeadsTable], dataset: str) -> Setting:
    environments = {
        environment.key: environment for table in tables for environment in table.setting(dataset).environments
    }
    return tables[0].setting(dataset).model_copy(update={"environments": tuple(environments.values())})


def _software(tables: Sequence[HeadsTable]) -> dict[str, tuple[str, ...]]:
    packages = sorted({package for table in tables for package in table.about.software})
    return {
        package: tuple(sorted({version for table in tables for version in table.about.software.get(package, ())}))
        for package in packages
    }


def _left_out(tables: Sequence[HeadsTable], kept: set[str]) -> Iterator[LeftOut]:
    """Yield what was left out of every table that has it, unless another table has the head."""
    seen = set()
    for table in tables:
        for one in table.about.left_out:
            if one.key not in kept and (place := (one.key, one.dataset, one.seed)) not in seen:
                seen.add(place)
                yield one
