"""How a cell is told to Optuna's TPE: flat, or with sizes that exist for their type of operator only."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from nas.specs import DenseCellSpace
from nas.strategies.choices import cell_choices, decode, encode
from search_spaces.dense_cell.architecture import (
    GRIDS,
    OPERATOR_SETS,
    RATES,
    AtrousSeparable,
    DenseCell,
    Operator,
    PyramidPooling,
    operator_index,
)

Distributions: TypeAlias = dict[str, BaseDistribution]


class Parameters(ABC):
    """Parameters that describe the cells of a space.

    Attributes:
        groups: The parameters by name; those of a group are modelled jointly, from the trials that have them all.
    """

    groups: tuple[Distributions, ...]

    @abstractmethod
    def ask(self, study: optuna.Study) -> tuple[optuna.Trial, DenseCell]:
        """Begin a trial of the study, and make the cell that Optuna suggests in it."""

    @abstractmethod
    def encode(self, cell: DenseCell) -> Mapping[str, Any]:
        """Describe a cell, with its branches in the order as written."""


class FlatParameters(Parameters):
    """One categorical parameter for each branch's input, each branch's operator, and the width."""

    def __init__(self, space: DenseCellSpace) -> None:
        self._space = space
        self._choices = cell_choices(space)
        self.distributions: Distributions = {
            name: CategoricalDistribution(values) for name, values in self._choices.items()
        }
        self.groups = (self.distributions,)

    def ask(self, study: optuna.Study) -> tuple[optuna.Trial, DenseCell]:
        trial = study.ask(self.distributions)
        return trial, decode(trial.params, self._space)

    def encode(self, cell: DenseCell) -> Mapping[str, Any]:
        return encode(cell, self._choices)


class ConditionalParameters(Parameters):
    """As flat, but a branch's operator is its type and, apart for each type, its sizes; they and the width are ordered.

    A branch that convolves has no bins, and one that pools no rates: the sizes of a type are learnt from the trials in
    which the branch had that type.
    """

    def __init__(self, space: DenseCellSpace) -> None:
        self._space = space
        self._types = _types(space)
        self._inputs = {name: values for name, values in cell_choices(space).items() if name.startswith("input")}
        self._widths = space.channels if space.channels is not None and len(space.channels) > 1 else None
        first: Distributions = {name: CategoricalDistribution(values) for name, values in self._inputs.items()}
        first |= {f"type_{i}": CategoricalDistribution(tuple(self._types)) for i in range(space.branches)}
        first |= {"channels": IntDistribution(0, len(self._widths) - 1)} if self._widths else {}
        sizes: Iterator[Distributions] = (
            {name: IntDistribution(0, count - 1) for name, count in self._sizes(i, kind)}
            for i in range(space.branches)
            for kind in self._types
        )
        self.groups = (first, *(group for group in sizes if group))

    def ask(self, study: optuna.Study) -> tuple[optuna.Trial, DenseCell]:
        trial = study.ask()
        values = {name: trial.suggest_categorical(name, values) for name, values in self._inputs.items()}
        for i in range(self._space.branches):
            kind = trial.suggest_categorical(f"type_{i}", tuple(self._types))
            at = 0
            for name, count in self._sizes(i, kind):
                at = at * count + trial.suggest_int(name, 0, count - 1)
            values[f"operator_{i}"] = operator_index(self._types[kind][at])
        if self._widths:
            values["channels"] = self._widths[trial.suggest_int("channels", 0, len(self._widths) - 1)]
        return trial, decode(values, self._space)

    def encode(self, cell: DenseCell) -> Mapping[str, Any]:
        described: dict[str, Any] = dict(encode(cell, self._inputs))
        for i, branch in enumerate(cell.branches):
            kind = described[f"type_{i}"] = branch.operator.op
            at = operator_index(branch.operator) - operator_index(self._types[kind][0])
            for name, count in reversed(list(self._sizes(i, kind))):
                at, described[name] = divmod(at, count)
        if self._widths:
            assert cell.channels is not None
            described["channels"] = self._widths.index(cell.channels)
        return described

    def _sizes(self, branch: int, kind: str) -> Iterator[tuple[str, int]]:
        """Name the sizes of a type in a branch, the slowest first, with the number of their values."""
        for axis, count in enumerate(_shape(self._types[kind])):
            yield f"{kind}_{branch}_{axis}", count


def _types(space: DenseCellSpace) -> dict[str, list[Operator]]:
    types: dict[str, list[Operator]] = {}
    for operator in OPERATOR_SETS[space.operators]:
        types.setdefault(operator.op, []).append(operator)
    return types


def _shape(operators: list[Operator]) -> tuple[int, ...]:
    """Count the values of each size of the operators of one type, which stand in the order of the last size first."""
    match operators[0]:
        case AtrousSeparable():
            shape: tuple[int, ...] = (len(RATES), len(RATES))
        case PyramidPooling():
            shape = (len(GRIDS), len(GRIDS))
        case _:
            shape = (len(operators),) if len(operators) > 1 else ()
    assert math.prod(shape) == len(operators)
    return shape
