"""Arranges the softmax of alpha as scales and matrices for the grouped tensors of a cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nas.specs import SupernetSpec
from search_spaces.auto_deeplab.architecture import BEFORE_PREVIOUS, FIRST_BLOCK, PREVIOUS, Operator

KERNELS: dict[Operator, int] = {"sep_3x3": 3, "sep_5x5": 5, "atrous_3x3": 3, "atrous_5x5": 5}
SEPARABLE: tuple[Operator, ...] = ("sep_3x3", "sep_5x5")
ATROUS: tuple[Operator, ...] = ("atrous_3x3", "atrous_5x5")
ATROUS_RATE = 2


def row(block: int, state: int) -> int:
    """Return the row of alpha for the edge from a state to a block: rows go by block, then by state."""
    return block * (block + 3) // 2 + state


def targets(state: int, blocks: int) -> range:
    """Return the blocks that read a state."""
    return range(max(state - FIRST_BLOCK + 1, 0), blocks)


@dataclass(frozen=True)
class Operators:
    """A supernet's operators by how they are computed: two separable passes, one atrous pass, pooling, identity."""

    separable: tuple[Operator, ...]
    atrous: tuple[Operator, ...]
    pools: tuple[Operator, ...]
    skip: bool

    @classmethod
    def of(cls, spec: SupernetSpec) -> Operators:
        """Group the operators of `spec`, in an order that does not depend on theirs in the spec."""
        chosen = spec.operators
        return cls(
            separable=tuple(operator for operator in SEPARABLE if operator in chosen),
            atrous=tuple(operator for operator in ATROUS if operator in chosen),
            pools=tuple(operator for operator in ("avg_pool_3x3", "max_pool_3x3") if operator in chosen),
            skip="skip" in chosen or spec.auxiliary_skip,
        )

    @property
    def convolutions(self) -> tuple[Operator, ...]:
        return self.separable + self.atrous


@dataclass(frozen=True)
class StageWeights:
    """The operators' weights on the edges from S sources to E target blocks, in the layout of a stage's tensors.

    Each is None where the supernet has no such operator.

    Attributes:
        first: (convolutions * S * E * C,), the scale of the first normalisation: 1 for separable operators, whose
            weight is in `second`.
        second: (separable * S * E * C,), the scale of the second normalisation of separable operators.
        plain: (S, K * C, E * C), the matrix from the K operators without parameters (pooling, skip) to all edges.
    """

    first: Tensor | None
    second: Tensor | None
    plain: Tensor | None


class StageRows(nn.Module):
    """The rows of alpha that each stage of a cell reads, (S, E), on the device of the supernet.

    A forward pass that made them would copy them from the host, which no captured step may do.
    """

    def __init__(self, blocks: int, incoming: Iterable[int]) -> None:
        super().__init__()
        self._stages = blocks
        for levels in sorted(set(incoming)):
            first = [BEFORE_PREVIOUS] + [PREVIOUS] * levels
            later = [[state] * levels for state in range(FIRST_BLOCK, blocks + FIRST_BLOCK - 1)]
            for stage, sources in enumerate((first, *later)):
                rows = [[row(block, state) for block in targets(sources[0], blocks)] for state in sources]
                self.register_buffer(f"rows_{levels}_{stage}", torch.tensor(rows), persistent=False)

    def of(self, incoming: int) -> list[Tensor]:
        """Return the rows of each stage of a cell with `incoming` levels."""
        return [self.get_buffer(f"rows_{incoming}_{stage}") for stage in range(self._stages)]


class Mixture:
    """The operators' probabilities in one forward pass, arranged once per shape of cell and shared by such cells."""

    def __init__(self, spec: SupernetSpec, rows: StageRows, probabilities: Tensor, auxiliary: Tensor) -> None:
        self._rows = rows
        self._kinds = Operators.of(spec)
        self._column = {operator: index for index, operator in enumerate(spec.operators)}
        self._probabilities = probabilities
        self._auxiliary = auxiliary
        self._cache: dict[tuple[int, int], tuple[StageWeights, ...]] = {}

    def stages(self, channels: int, incoming: int) -> tuple[StageWeights, ...]:
        """Return the weights of each stage of a cell with `incoming` levels and operators of `channels` channels."""
        key = (channels, incoming)
        if key not in self._cache:
            self._cache[key] = tuple(self._stage(rows, channels) for rows in self._rows.of(incoming))
        return self._cache[key]

    def _stage(self, rows: Tensor, channels: int) -> StageWeights:
        table = self._probabilities[rows]  # (S, E, operators)
        return StageWeights(self._first(table, channels), self._second(table, channels), self._plain(table, channels))

    def _per_channel(self, table: Tensor, operators: tuple[Operator, ...], channels: int) -> Tensor:
        picked = torch.stack([table[..., self._column[operator]] for operator in operators])
        # Copied even if it is a single value: batch norm's backward pass on a CPU misreads an expanded scale.
        return picked[..., None].expand(*picked.shape, channels).contiguous().view(-1)

    def _first(self, table: Tensor, channels: int) -> Tensor | None:
        if not self._kinds.convolutions:
            return None
        count = len(self._kinds.separable) * table.shape[0] * table.shape[1] * channels
        parts = [torch.ones(count, device=table.device, dtype=table.dtype)]
        if self._kinds.atrous:
            parts.append(self._per_channel(table, self._kinds.atrous, channels))
        return torch.cat(parts)

    def _second(self, table: Tensor, channels: int) -> Tensor | None:
        return self._per_channel(table, self._kinds.separable, channels) if self._kinds.separable else None

    def _plain(self, table: Tensor, channels: int) -> Tensor | None:
        weights = [table[..., self._column[operator]] for operator in self._kinds.pools]
        if self._kinds.skip:
            skip = table[..., self._column["skip"]] if "skip" in self._column else torch.zeros_like(table[..., 0])
            weights.append(skip + self._auxiliary)
        if not weights:
            return None
        mixed = torch.stack(weights, 1)  # (S, K, E)
        identity = torch.eye(channels, device=table.device, dtype=table.dtype)
        shape = (mixed.shape[0], mixed.shape[1] * channels, mixed.shape[2] * channels)
        return torch.einsum("ske,cd->skced", mixed, identity).reshape(shape)
