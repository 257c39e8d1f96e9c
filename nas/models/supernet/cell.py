"""A cell of the supernet, computed for all its incoming levels and all target blocks of a source at once.

Written out, a cell is Cell(H^{l-1} of one level, H^{l-2}) for each incoming level, and in it every edge carries every
operator: some 20 edges x 8 operators x 3 levels of tiny calls. Here a *stage* is one source state (the first stage:
both input states) with all edges that leave it, and its tensors hold incoming levels, edges and channels side by side
in the channel axis, channels last in memory:

- the operators' weights are shared by the incoming levels, the statistics of normalisation are not;
- H^{l-2} is the same for all incoming levels, so its edges are computed once;
- pooling, its normalisation and skip do not depend on the edge: once per source, then one product with the weights;
- alpha is the scale of the last normalisation, so the weighted sum is a plain sum.
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
    """The operators' weights of one cell: for each operator one tensor over all edges.

    Edges stand by state (0 is H^{l-1}), in each state by target block: `edge(state, block)`. Pointwise weights are
    (operators, edges, in, out).
    """

    def __init__(self, kinds: Operators, blocks: int, channels: int) -> None:
        super().__init__()
        states = range(blocks + FIRST_BLOCK - 1)
        self.sizes = [len(targets(state, blocks)) for state in states]
        edges = sum(self.sizes)
        self.depthwise = nn.ParameterDict({op: _filters(edges, channels, KERNELS[op]) for op in kinds.convolutions})
        self.depthwise_again = nn.ParameterDict({op: _filters(edges, channels, KERNELS[op]) for op in kinds.separable})
        self.pointwise = _mixers(len(kinds.convolutions), edges, channels)
        self.pointwise_again = _mixers(len(kinds.separable), edges, channels)

    def edge(self, state: int, block: int) -> int:
        """Position of an edge in the weights."""
        return sum(self.sizes[:state]) + block - max(state - FIRST_BLOCK + 1, 0)

    def by_state(self) -> list[dict[str, Tensor]]:
        """The weights of the edges that leave each state."""
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


def _mixers(operators: int, edges: int, channels: int) -> nn.Parameter:
    weight = torch.empty(operators, edges, channels, channels)
    nn.init.normal_(weight, std=(2.0 / channels) ** 0.5)
    return nn.Parameter(weight)


def _shared_out(parts: list[dict[str, Tensor]], repeats: list[int]) -> dict[str, Tensor]:
    """Weights for several sources: those of each part as often as it has sources, side by side."""
    joined = {}
    for name in parts[0]:
        axis = 1 if name.startswith("pointwise") else 0
        joined[name] = torch.cat(
            [part[name] for part, times in zip(parts, repeats, strict=True) for _ in range(times)], axis
        )
    return joined


class Stage(nn.Module):
    """All edges from `sources` sources to `edges` blocks each; `channels` go through the operators.

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
        """The weighted sum of the operators on each edge."""
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
        halves = len(kinds.separable)
        parts = list(cells[:, :, :, halves:].unbind(3))
        if halves:
            filters = [_flat(weights[f"depthwise_again.{op}"]) for op in kinds.separable]
            z = parallel_pass(cells[:, :, :, :halves], filters, weights["pointwise_again"], rates[:halves])
            again = as_cells(self.second(as_maps(z.flatten(3)), mix.second)).view(z.shape)
            parts += again.unbind(3)
        return parts

    def _plain(self, x: Tensor, mix: StageWeights) -> list[Tensor]:
        """What pooled and skipped sources bring to all targets: one product."""
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
    """(edges, C, k, k) -> (edges * C, 1, k, k)."""
    return filters.flatten(0, 1)[:, None]


def _pool(operator: Operator, maps: Tensor) -> Tensor:
    if operator == "avg_pool_3x3":
        return F.avg_pool2d(maps, 3, 1, 1, count_include_pad=False)
    return F.max_pool2d(maps, 3, 1, 1)


class Cell(nn.Module):
    """The cell at one node: inputs already at its size, with C = filters * stride / 4 channels.

    `incoming` is how many levels feed it. Its output has blocks * C channels.
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
        """`x` (N, H, W, 1 + I, C): H^{l-2}, then H^{l-1} of each incoming level; `betas` (I,) weigh their cells.

        -> (N, H, W, blocks * C).
        """
        by_state = self.weights.by_state()
        # States 0 and 1 have the edges to all blocks; in `x` and so in the first stage H^{l-2} comes first.
        first = _shared_out([by_state[BEFORE_PREVIOUS], by_state[PREVIOUS]], [1, self.incoming])
        out = self._stage(0, x, first, mix[0])
        waiting = out[:, :, :, :1] + out[:, :, :, 1:]  # (N, H, W, I, targets still to be summed, C)
        blocks = [self._block(waiting)]
        for index in range(1, self.blocks):
            weights = _shared_out([by_state[index + FIRST_BLOCK - 1]], [self.incoming])
            out = self._stage(index, blocks[-1], weights, mix[index])
            waiting = waiting[:, :, :, :, 1:] + out
            blocks.append(self._block(waiting))
        cells = torch.cat(blocks, -1)
        return (cells * betas.to(cells.dtype)[:, None]).sum(3)

    def _stage(self, index: int, x: Tensor, weights: dict[str, Tensor], mix: StageWeights) -> Tensor:
        stage = self.stages[index]
        assert isinstance(stage, Stage)
        if self.parts == 1:
            y: Tensor = stage(x, weights, mix)
            return y
        active, rest = x[..., : self.active].contiguous(), x[..., self.active :]
        passed = rest[..., None, :].expand(*x.shape[:4], stage.edges, rest.shape[-1])
        return torch.cat([stage(active, weights, mix), passed], -1)

    def _block(self, waiting: Tensor) -> Tensor:
        """The first of the waiting sums; with partial channels shuffled, so that others are active further on."""
        block = waiting[:, :, :, :, 0]
        if self.parts > 1:
            block = block.reshape(*block.shape[:-1], self.parts, self.active).transpose(-1, -2).flatten(-2)
        return block.contiguous()
