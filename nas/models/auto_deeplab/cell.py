"""The searched cell in one layer of the decoded network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas.models.auto_deeplab.drop_path import drop_path_factors
from nas.models.auto_deeplab.operators import ReLUConvBN, build_operator
from nas.models.layers.resampling import resize
from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, Block


class Cell(nn.Module):
    """Computes H^l from H^{l-1} and H^{l-2}: the concatenation of all blocks, each the sum of its two edges.

    H^{l-1} (N, in, H, W), H^{l-2} (N, before, any, any) -> H^l (N, blocks * filters, H', W'). Both inputs pass ReLU,
    a 1x1 convolution to `filters` and batch norm. With `halves`, H' = H / 2, rounded up, through stride 2 on the edges
    that read an input; earlier blocks have that size already. (The released code omits the 1x1 convolution on H^{l-2}
    where H^{l-2} has `filters` channels already, which never happens in the published network; here it is always
    there, as in the search.)
    """

    def __init__(
        self, blocks: Sequence[Block], in_channels: int, before_channels: int, filters: int, *, halves: bool,
        momentum: float,
    ) -> None:  # fmt: skip
        super().__init__()
        edges = [edge for block in blocks for edge in block.edges]
        self.out_channels = len(blocks) * filters
        self.sources = tuple(edge.input for edge in edges)
        self.can_drop = tuple(edge.operator != "skip" for edge in edges)
        self.project_previous = ReLUConvBN(in_channels, filters, momentum=momentum)
        self.project_before = ReLUConvBN(before_channels, filters, momentum=momentum)
        self.edges = nn.ModuleList(
            build_operator(
                edge.operator, filters, stride=2 if halves and edge.input < FIRST_BLOCK else 1, momentum=momentum
            )
            for edge in edges
        )

    def forward(self, previous: Tensor, before: Tensor, drop: Tensor | None = None) -> Tensor:
        """Compute H^l from `previous`, H^{l-1}, and `before`, H^{l-2}, which is resized to `previous` first.

        Each edge except a skip is dropped with probability `drop`; None for no dropped edges.
        """
        before = resize(before, (previous.shape[2], previous.shape[3]))
        states: list[Tensor] = [self.project_previous(previous), self.project_before(before)]
        factors = None if drop is None else drop_path_factors(len(self.edges), len(previous), drop)
        outputs: list[Tensor] = []
        for index, (source, operator) in enumerate(zip(self.sources, self.edges, strict=True)):
            value: Tensor = operator(states[source])
            if factors is not None and self.can_drop[index]:
                value = value * factors[index].to(value.dtype)
            outputs.append(value)
            if index % 2:
                states.append(outputs[-2] + outputs[-1])
        return torch.cat(states[FIRST_BLOCK:], 1)
