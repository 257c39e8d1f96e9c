"""A cell of the supernet, computed for all its incoming levels and all target blocks of a source at once.

By definition a cell is Cell(H^{l-1} of one level, H^{l-2}) for each incoming level, and each of its edges has every
operator: some 20 edges x 8 operators x 3 levels of tiny calls. Here a *stage* is one source state (the first stage:
both input states) with all edges that leave the state, and its tensors hold incoming levels, edges and channels side
by side in the channel axis, channels last in memory:

- the incoming levels share the operators' weights, but not the statistics of normalisation;
- H^{l-2} is the same for all incoming levels, so its edges are computed once;
- pooling, its normalisation and skip do not depend on the edge: they are computed once per source, and one product
  with the operators' weights yields all edges;
- alpha is the scale of the last normalisation, so the weighted sum of the operators is a sum of tensors.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.supernet.mixture import ATROUS, ATROUS_RATE, KERNELS, Operators, StageWeights, targets
from nas.models.supernet.normalise import Normalise
from nas.models.supernet.separable import as_cells, as_maps, parallel_pass, spread_pass
from nas.specs import SupernetSpec
from search_spaces.auto_deeplab.architecture import BEFORE_PREVIOUS, FIRST_BLOCK, PREVIOUS, Operator


class CellWeights(nn.Module):
    """The convolution weights of one cell, for each operator one tensor over all edges.

    Edges are ordered by state (0 is H^{l-1}), then by target block; see `edge`. Depthwise filters are
    (edges, C, k, k), pointwise weights (operators, edges, in, out).
    """

    def __init__(self, kinds: Operators, blocks: int, channels: int) -> None:
        super().__init__()
        states = range(blocks + FIRST_BLOCK - 1)
        self.sizes = [len(targets(state, blocks)) for state in states]
        edges = sum(self.sizes)
        self.depthwise = nn.ParameterDict({op: _filters(edges, channels, KERNELS[op]) for op in kinds.convolutions})
        self.depthwise_again = nn.ParameterDict({op: _filters(edges, channels, KERNELS[op]) for op in kinds.separable})
        self.pointwise = _pointwise_weights(len(kinds.convolutions), edges, channels)
        self.pointwise_again = _pointwise_weights(len(kinds.separable), edges, channels)

    def edge(self, state: int, block: int) -> int:
        """Return the index of an edge in the weights."""
        return sum(self.sizes[:state]) + block - max(state - FIRST_BLOCK + 1, 0)

    def by_state(self) -> list[dict[str, Tensor]]:
        """Return, for each state, the weights of the edges that leave it, by parameter name."""
        parts: list[dict[str, Tensor]] = [{} for _ in self.sizes]
        for name, weight in self.named_parameters():
            axis = 1 if name.startswith("pointwise") else 0
            for part, piece in zip(parts, torch.split(weight, self.sizes, axis), strict=True):
                part[name] = piece
        return parts


def _filters(edges: int, channels: int, kernel: int) -> nn.Parameter:
    weight = torch.empty(edges, channels, kernel, kernel)
    nn.init.normal_(weight, std=1.0 / kernel)
    return nn.Parameter(weight)


def _pointwise_weights(operators: int, edges: int, channels: int) -> nn.Parameter:
    weight = torch.empty(operators, edges, channels, channels)
    nn.init.normal_(weight, std=(2.0 / channels) ** 0.5)
    return nn.Parameter(weight)


def _repeat_weights(parts: list[dict[str, Tensor]], repeats: list[int]) -> dict[str, Tensor]:
    """Return the weights of several sources side by side: each part repeated for its number of sources."""
    joined = {}
    for name in parts[0]:
        axis = 1 if name.startswith("pointwise") else 0
        joined[name] = torch.cat(
            [part[name] for part, times in zip(parts, repeats, strict=True) for _ in range(times)], axis
        )
    return joined


class Stage(nn.Module):
    """All edges from `sources` sources to `edges` target blocks each; `channels` channels pass the operators.

    (N, H, W, S, C) -> (N, H, W, S, E, C).
    """

    def __init__(self, kinds: Operators, sources: int, edges: int, channels: int) -> None:
        super().__init__()
        self.kinds = kinds
        self.sources, self.edges, self.channels = sources, edges, channels
        wide = sources * edges * channels
        self.first = Normalise(len(kinds.convolutions) * wide)
        self.second = Normalise(len(kinds.separable) * wide)
        self.pooled = Normalise(len(kinds.pools) * sources * channels)

    def forward(self, x: Tensor, weights: dict[str, Tensor], mix: StageWeights) -> Tensor:
        """Compute the weighted sum of the operators on each edge."""
        parts = [*self._convolutions(x, weights, mix), *self._plain(x, mix)]
        total = parts[0] if parts else x.new_zeros(*x.shape[:3], self.sources * self.edges * self.channels)
        for part in parts[1:]:
            total = total + part
        return total.view(*x.shape[:3], self.sources, self.edges, self.channels)

    def _convolutions(self, x: Tensor, weights: dict[str, Tensor], mix: StageWeights) -> list[Tensor]:
        kinds = self.kinds
        if not kinds.convolutions:
            return []
        rates = [ATROUS_RATE if op in ATROUS else 1 for op in kinds.convolutions]
        filters = [_flat(weights[f"depthwise.{op}"]) for op in kinds.convolutions]
        y = spread_pass(x, self.edges, filters, weights["pointwise"], rates)
        cells = as_cells(self.first(as_maps(y.flatten(3)), mix.first)).view(y.shape)
        separable = len(kinds.separable)
        # A split, whose gradients are joined: those of two slices would be widened with zeros each, and added up.
        halfway, complete = torch.split(cells, [separable, len(rates) - separable], 3)
        parts = list(complete.unbind(3))
        if separable:
            filters = [_flat(weights[f"depthwise_again.{op}"]) for op in kinds.separable]
            z = parallel_pass(halfway, filters, weights["pointwise_again"], rates[:separable])
            again = as_cells(self.second(as_maps(z.flatten(3)), mix.second)).view(z.shape)
            parts += again.unbind(3)
        return parts

    def _plain(self, x: Tensor, mix: StageWeights) -> list[Tensor]:
        """Compute what pooling and skip contribute to all edges, in one product."""
        if mix.plain is None:
            return []
        n, height, width = x.shape[:3]
        terms = [x] if self.kinds.skip else []
        if self.kinds.pools:
            maps = as_maps(x.reshape(n, height, width, -1))
            pooled = self.pooled(torch.cat([_pool(op, maps) for op in self.kinds.pools], 1))
            terms = [*as_cells(pooled).view(n, height, width, -1, *x.shape[3:]).unbind(3), *terms]
        rows = torch.cat(terms, -1).view(n * height * width, self.sources, -1)
        mixed = torch.bmm(rows.transpose(0, 1), mix.plain.to(rows.dtype))
        return [mixed.transpose(0, 1).reshape(n, height, width, -1)]


def _flat(filters: Tensor) -> Tensor:
    """Return (edges, C, k, k) as (edges * C, 1, k, k)."""
    return filters.flatten(0, 1)[:, None]


def _pool(operator: Operator, maps: Tensor) -> Tensor:
    if operator == "avg_pool_3x3":
        return F.avg_pool2d(maps, 3, 1, 1, count_include_pad=False)
    return F.max_pool2d(maps, 3, 1, 1)


class Cell(nn.Module):
    """The cell at one node of the trellis, whose inputs have its size and C = filters * stride / 4 channels already.

    `incoming` is the number I of levels that lead to the node. The output has blocks * C channels.
    """

    def __init__(self, spec: SupernetSpec, incoming: int, channels: int) -> None:
        super().__init__()
        kinds = Operators.of(spec)
        self.blocks, self.incoming, self.channels = spec.blocks, incoming, channels
        self.parts = spec.partial_channels
        self.active = channels // self.parts
        self.weights = CellWeights(kinds, spec.blocks, self.active)
        self.stages = nn.ModuleList([Stage(kinds, 1 + incoming, spec.blocks, self.active)])
        for block in range(spec.blocks - 1):
            self.stages.append(Stage(kinds, incoming, spec.blocks - 1 - block, self.active))

    def forward(self, x: Tensor, mix: tuple[StageWeights, ...], betas: Tensor) -> Tensor:
        """Compute the sum of the incoming levels' cells, weighted by beta.

        Args:
            x: (N, H, W, 1 + I, C), H^{l-2} and then H^{l-1} of each incoming level.
            mix: The operators' weights in each stage.
            betas: (I,), the weight of each incoming level.

        Returns:
            (N, H, W, blocks * C).
        """
        by_state = self.weights.by_state()
        # Edges lead from states 0 and 1 to all blocks; in `x`, and so in the first stage, H^{l-2} comes first.
        first = _repeat_weights([by_state[BEFORE_PREVIOUS], by_state[PREVIOUS]], [1, self.incoming])
        out = self._stage(0, x, first, mix[0])
        sums = out[:, :, :, :1] + out[:, :, :, 1:]  # (N, H, W, I, blocks still incomplete, C)
        blocks = [self._first_block(sums)]
        for index in range(1, self.blocks):
            weights = _repeat_weights([by_state[index + FIRST_BLOCK - 1]], [self.incoming])
            out = self._stage(index, blocks[-1], weights, mix[index])
            sums = sums[:, :, :, :, 1:] + out
            blocks.append(self._first_block(sums))
        cells = torch.cat(blocks, -1)
        return (cells * betas.to(cells.dtype)[:, None]).sum(3)

    def _stage(self, index: int, x: Tensor, weights: dict[str, Tensor], mix: StageWeights) -> Tensor:
        stage = self.stages[index]
        assert isinstance(stage, Stage)
        if self.parts == 1:
            y: Tensor = stage(x, weights, mix)
            return y
        active, rest = x[..., : self.active].contiguous(), x[..., self.active :]
        bypass = rest[..., None, :].expand(*x.shape[:4], stage.edges, rest.shape[-1])
        return torch.cat([stage(active, weights, mix), bypass], -1)

    def _first_block(self, sums: Tensor) -> Tensor:
        """Return the first sum, a complete block, shuffled under partial channels so that later stages use others."""
        block = sums[:, :, :, :, 0]
        if self.parts > 1:
            block = block.reshape(*block.shape[:-1], self.parts, self.active).transpose(-1, -2).flatten(-2)
        return block.contiguous()
