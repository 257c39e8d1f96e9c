"""Mutation and crossover of Auto-DeepLab networks: another operator or input of an edge, another level of a layer."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, STRIDES, AutoDeepLab, Block, Edge, Operator
from search_spaces.auto_deeplab.space import DECODABLE, START_LEVELS
from search_spaces.changes import MutationKind

NETWORK_MUTATIONS: tuple[MutationKind, ...] = ("operator", "input", "path")
"""The kinds of change that a network has."""

_Change: TypeAlias = tuple[int, int, Edge] | tuple[int, int]
"""Block, side (0 or 1) and the new edge; or layer and its new level."""


def mutate(
    network: AutoDeepLab,
    rng: random.Random,
    kinds: Sequence[MutationKind] = NETWORK_MUTATIONS,
    operators: Sequence[Operator] = DECODABLE,
    levels: int = len(STRIDES),
) -> AutoDeepLab | None:
    """Make one change of one of these kinds, so that a different network results.

    The kind is drawn uniformly among those of which the network has a change, then the change uniformly among all of
    that kind. A change of the path is another level of one layer that both its neighbours can be a step away from; by
    such changes every path can be reached from every other one.

    Args:
        network: The network to mutate.
        rng: Source of all draws.
        kinds: At least one, each once; kinds that no network has are passed over.
        operators: The operators to draw from.
        levels: Levels of the trellis.

    Returns:
        The mutated network; None where it has no change of these kinds.
    """
    for kind in rng.sample(list(kinds), k=len(kinds)):
        changes = list(_changes(network, kind, operators, levels))
        while changes:
            # Where two blocks are equal, a new input can give the same network in another order.
            if (mutant := _changed(network, changes.pop(rng.randrange(len(changes))))) != network:
                return mutant
    return None


def mix(one: AutoDeepLab, other: AutoDeepLab, rng: random.Random) -> AutoDeepLab:
    """Make a network of two others: each block of one of them, drawn evenly, and a path that begins as one's.

    A block reads inputs of the cell or blocks before it, so it stays valid at its place whatever the others are. The
    path changes over to the other's at one layer, drawn evenly among those where the two are at most a step apart; at
    the first layer, so that it is all of the other's, or behind the last one, it can always.

    Args:
        one: A network.
        other: A network with as many blocks and layers.
        rng: Source of all draws.
    """
    blocks = tuple(rng.choice(pair) for pair in zip(one.blocks, other.blocks, strict=True))
    layers = len(one.path)
    over = [at for at in range(layers + 1) if at in (0, layers) or abs(one.path[at - 1] - other.path[at]) <= 1]
    at = rng.choice(over)
    return AutoDeepLab(blocks=blocks, path=one.path[:at] + other.path[at:])


def _changes(network: AutoDeepLab, kind: MutationKind, operators: Sequence[Operator], levels: int) -> Iterator[_Change]:
    if kind == "path":
        yield from _other_levels(network.path, levels)
        return
    for index, block in enumerate(network.blocks):
        for side, edge in enumerate(block.edges):
            for other in _other_edges(edge, kind, operators, states=index + FIRST_BLOCK):
                yield index, side, other


def _other_edges(edge: Edge, kind: MutationKind, operators: Sequence[Operator], states: int) -> list[Edge]:
    """List the edges that differ from one in its operator, or in which of the `states` before its block it reads.

    Of kinds that no network has there are none.
    """
    if kind == "operator":
        return [Edge(input=edge.input, operator=operator) for operator in operators if operator != edge.operator]
    if kind == "input":
        return [Edge(input=state, operator=edge.operator) for state in range(states) if state != edge.input]
    return []


def _other_levels(path: tuple[int, ...], levels: int) -> Iterator[tuple[int, int]]:
    for layer, old in enumerate(path):
        beside = path[max(0, layer - 1) : layer] + path[layer + 1 : layer + 2]
        first = START_LEVELS if layer == 0 else range(levels)
        for level in range(levels):
            if level != old and level in first and all(abs(level - near) <= 1 for near in beside):
                yield layer, level


def _changed(network: AutoDeepLab, change: _Change) -> AutoDeepLab:
    if len(change) == 2:
        layer, level = change
        return AutoDeepLab(blocks=network.blocks, path=(*network.path[:layer], level, *network.path[layer + 1 :]))
    index, side, edge = change
    edges = (edge, network.blocks[index].edges[1]) if side == 0 else (network.blocks[index].edges[0], edge)
    blocks = (*network.blocks[:index], Block(edges=edges), *network.blocks[index + 1 :])
    return AutoDeepLab(blocks=blocks, path=network.path)
