"""The cheapest network of Auto-DeepLab's space, found exactly without listing the space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, PREVIOUS, STRIDES, AutoDeepLab, Block, Edge, Operator
from search_spaces.auto_deeplab.cost import (
    NetworkSetting,
    early_layer,
    early_layer_cost,
    last_layer_cost,
    layer_cost,
    network_cost,
)
from search_spaces.auto_deeplab.space import START_LEVELS
from search_spaces.cost import Cost


class Price(NamedTuple):
    """What a parameter and what a multiply-add count for; not both 0, and none below 0."""

    parameter: int
    multiply_add: int

    def of(self, cost: Cost) -> int:
        """Return the price of a cost."""
        return self.parameter * cost.parameters + self.multiply_add * cost.multiply_adds


_POOLS = ("avg_pool_3x3", "max_pool_3x3")
"""Operators that cost nothing, wherever they stand."""

FEWEST_PARAMETERS, FEWEST_MULTIPLY_ADDS = Price(1, 0), Price(0, 1)


@dataclass(frozen=True)
class Networks:
    """The networks of a space, and what their cost depends on.

    Attributes:
        layers: Length of their paths.
        blocks: Of their cells.
        levels: Of the trellis, from stride 4 on.
        operators: That an edge may have.
        setting: Widths and crop.
    """

    layers: int
    blocks: int
    levels: int
    operators: tuple[Operator, ...]
    setting: NetworkSetting

    def least(self, price: Price) -> Cost:
        """Return the cost, without logits, of a network of the lowest price.

        A price is a sum over edges and over layers. On a given path, what an edge adds depends on its operator and on
        whether it reads an input of the cell, which is never cheaper than an earlier block. So some cheapest network
        has one operator on both edges of its first block, and one on all others, which read the first block; for each
        such cell the cheapest path is found layer by layer.
        """
        return _least(self, price)

    def none_within(self, parameters: int | None, multiply_adds: int | None) -> bool:
        """Return whether it is certain that no network keeps both bounds; None bounds nothing.

        One bound alone is always decided. Two are, unless they lie between the convex hull of all costs and the costs
        themselves: then the answer is False.
        """
        small, quick = self.least(FEWEST_PARAMETERS), self.least(FEWEST_MULTIPLY_ADDS)
        if parameters is not None and small.parameters > parameters:
            return True
        if multiply_adds is not None and quick.multiply_adds > multiply_adds:
            return True
        if parameters is None or multiply_adds is None:
            return False
        while not _within(small, parameters, multiply_adds) and not _within(quick, parameters, multiply_adds):
            # Between two corners of the hull: the corner that is farthest below the line through them.
            line = Price(small.multiply_adds - quick.multiply_adds, quick.parameters - small.parameters)
            corner = self.least(line)
            if line.of(corner) > line.of(Cost(parameters, multiply_adds)):
                return True
            if line.of(corner) == line.of(small):
                return False
            if corner.parameters <= parameters:
                small = corner
            else:
                quick = corner
        return False


def _within(cost: Cost, parameters: int, multiply_adds: int) -> bool:
    return cost.parameters <= parameters and cost.multiply_adds <= multiply_adds


@cache
def _least(space: Networks, price: Price) -> Cost:
    found = (_along_the_cheapest_path(space, cell, price) for cell in _cells(space))
    return min((network_cost(network, space.setting) for network in found), key=price.of)


def _cells(space: Networks) -> Iterator[tuple[Block, ...]]:
    """The cells with one operator on the edges of the first block, and one on all others, but not what costs more."""
    costless = [name for name in space.operators if name in _POOLS]
    inside = costless or [name for name in space.operators if name == "skip"]  # which costs only where it halves
    later: Sequence[Operator] = inside[:1] or (space.operators if space.blocks > 1 else space.operators[:1])
    for first in costless[:1] or space.operators:
        for other in later:
            yield (_block(PREVIOUS, first), *[_block(FIRST_BLOCK, other)] * (space.blocks - 1))


def _block(source: int, operator: Operator) -> Block:
    edge = Edge(input=source, operator=operator)
    return Block(edges=(edge, edge))


def _along_the_cheapest_path(space: Networks, cell: tuple[Block, ...], price: Price) -> AutoDeepLab:
    """The cell along the path of the lowest price: what a layer costs depends on its level and the two before."""
    # The same few levels in turn are met in every layer.
    layer_price = cache(lambda strides: price.of(layer_cost(cell, strides, space.setting)))
    best: dict[tuple[int, ...], tuple[int, tuple[int, ...]]] = {(): (0, ())}
    for layer in range(space.layers):
        longer: dict[tuple[int, ...], tuple[int, tuple[int, ...]]] = {}
        for paid, path in best.values():
            for level in _next(path, space.levels):
                reached = (*path, level)
                strides = tuple(STRIDES[level] for level in reached[-3:])
                own = layer_price(strides) + _price_of_readers(space, strides[-1], layer, price)
                candidate = (paid + own, reached)
                state = reached[-2:]
                longer[state] = min(longer.get(state, candidate), candidate)
        best = longer
    return AutoDeepLab(blocks=cell, path=min(best.values())[1])


def _next(path: tuple[int, ...], levels: int) -> list[int]:
    if not path:
        return [level for level in START_LEVELS if level < levels]
    return [level for level in (path[-1] - 1, path[-1], path[-1] + 1) if 0 <= level < levels]


def _price_of_readers(space: Networks, stride: int, layer: int, price: Price) -> int:
    """The price of what reads a layer beside the next ones: decoder and ASPP."""
    paid = 0
    if layer == early_layer(space.layers):
        paid += price.of(early_layer_cost(space.blocks, stride, space.setting))
    if layer == space.layers - 1:
        paid += price.of(last_layer_cost(space.blocks, stride, space.setting))
    return paid
