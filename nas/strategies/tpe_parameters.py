"""How an architecture is told to Optuna's TPE: flat, or with parameters that exist only where others lead to them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeAlias

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from nas.specs import DenseCellSpace
from nas.strategies.cells import CellSpace
from nas.strategies.choices import cell_choices, decode, encode
from nas.strategies.networks import NetworkSpace
from nas.strategies.spaces import A, Space
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.auto_deeplab.trellis import Trellis
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


class Parameters(ABC, Generic[A]):
    """Parameters that describe the architectures of a space.

    Attributes:
        groups: The parameters by name; those of a group are modelled jointly, from the trials that have them all.
        even: Whether even draws of all parameters are a uniform draw from the space.
    """

    groups: tuple[Distributions, ...]
    even: bool

    @abstractmethod
    def ask(self, study: optuna.Study) -> tuple[optuna.Trial, A]:
        """Begin a trial of the study, and make the architecture that Optuna suggests in it."""

    @abstractmethod
    def encode(self, architecture: A) -> Mapping[str, Any]:
        """Describe an architecture, with its parts in the order as written."""


class FlatParameters(Parameters[A]):
    """One categorical parameter for each choice of a space."""

    def __init__(self, space: Space[A]) -> None:
        self._space = space
        self.distributions: Distributions = {
            name: CategoricalDistribution(values) for name, values in space.choices.items()
        }
        self.groups = (self.distributions,)
        self.even = space.even

    def ask(self, study: optuna.Study) -> tuple[optuna.Trial, A]:
        trial = study.ask(self.distributions)
        return trial, self._space.decode(trial.params)

    def encode(self, architecture: A) -> Mapping[str, Any]:
        return self._space.encode(architecture)


class ConditionalParameters(Parameters[DenseCell]):
    """As flat, but a branch's operator is its type and, apart for each type, its sizes; they and the width are ordered.

    A branch that convolves has no bins, and one that pools no rates: the sizes of a type are learnt from the trials in
    which the branch had that type. Even draws of types give 27 times too many 1x1 convolutions.
    """

    even = False

    def __init__(self, cells: CellSpace) -> None:
        self._space = space = cells.spec
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

    def encode(self, architecture: DenseCell) -> Mapping[str, Any]:
        described: dict[str, Any] = dict(encode(architecture, self._inputs))
        for i, branch in enumerate(architecture.branches):
            kind = described[f"type_{i}"] = branch.operator.op
            at = operator_index(branch.operator) - operator_index(self._types[kind][0])
            for name, count in reversed(list(self._sizes(i, kind))):
                at, described[name] = divmod(at, count)
        if self._widths:
            assert architecture.channels is not None
            described["channels"] = self._widths.index(architecture.channels)
        return described

    def _sizes(self, branch: int, kind: str) -> Iterator[tuple[str, int]]:
        """Name the sizes of a type in a branch, the slowest first, with the number of their values."""
        for axis, count in enumerate(_shape(self._types[kind])):
            yield f"{kind}_{branch}_{axis}", count


class TrellisParameters(Parameters[AutoDeepLab]):
    """As flat, but a path is the step that it takes at each node of the trellis that it comes through.

    A path has no step at the other nodes: the step at a node is learnt from the trials whose path came through it, as
    it is beta's in a supernet. Even draws would prefer paths along the border, where there are fewer steps to choose
    from.
    """

    even = False

    def __init__(self, networks: NetworkSpace) -> None:
        self._networks = networks
        spec = networks.spec
        trellis = Trellis(spec.layers, spec.levels)
        self._cell = {name: values for name, values in networks.choices.items() if not name.startswith("step")}
        self._nodes = {
            (layer, level): [target - level for target in trellis.outgoing(level)]
            for layer in range(1, spec.layers)
            for level in trellis.nodes(layer - 1)
            if len(trellis.outgoing(level)) > 1
        }
        first: Distributions = {name: CategoricalDistribution(values) for name, values in self._cell.items()}
        steps: Iterator[Distributions] = (
            {_node(*at): CategoricalDistribution(values)} for at, values in self._nodes.items()
        )
        self.groups = (first, *steps)

    def ask(self, study: optuna.Study) -> tuple[optuna.Trial, AutoDeepLab]:
        trial = study.ask()
        values = {name: trial.suggest_categorical(name, values) for name, values in self._cell.items()}
        level = values.get("level_0", 0)
        for layer in range(1, self._networks.spec.layers):
            if (layer, level) in self._nodes:
                step = trial.suggest_categorical(_node(layer, level), self._nodes[layer, level])
                values[f"step_{layer}"] = step
                level += step
        return trial, self._networks.decode(values)

    def encode(self, architecture: AutoDeepLab) -> Mapping[str, Any]:
        plain = self._networks.encode(architecture)
        described: dict[str, Any] = {name: plain[name] for name in self._cell}
        for layer, level in enumerate(architecture.path[:-1], start=1):
            if (layer, level) in self._nodes:
                described[_node(layer, level)] = plain[f"step_{layer}"]
        return described


def _node(layer: int, level: int) -> str:
    """Name the step to a layer from a level of the layer before it."""
    return f"step_{layer}_{level}"


def parameters_of(space: Space[A], *, conditional: bool) -> Parameters[A]:
    """Choose how the architectures of a space are described.

    Args:
        space: The space.
        conditional: Whether parameters may exist only where others lead to them.
    """
    described: Parameters[Any] = FlatParameters(space)
    if conditional and isinstance(space, CellSpace):
        described = ConditionalParameters(space)
    if conditional and isinstance(space, NetworkSpace):
        described = TrellisParameters(space)
    return described


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
