"""A network as values of named choices: the input and operator of each edge, each step of its path."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from nas.specs import AutoDeepLabSpace
from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, AutoDeepLab, Block, Edge
from search_spaces.auto_deeplab.space import START_LEVELS

FINER, STAY, COARSER = STEPS = (-1, 0, 1)
"""What the level of a layer is above that of the layer before."""


def network_choices(space: AutoDeepLabSpace) -> dict[str, Sequence[int]]:
    """List the choices of a space's networks, without those that leave no choice.

    - `input_<block>_<side>` and `operator_<block>_<side>`: the number of the state that an edge reads, and the place of
      its operator among those of the space. Each block has the sides 0 and 1.
    - `level_0`: the level of layer 0.
    - `step_<layer>`: the step to a later layer, to the next finer level, none, or to the next coarser one.
    """
    choices: dict[str, Sequence[int]] = {
        f"input_{block}_{side}": range(block + FIRST_BLOCK) for block in range(space.blocks) for side in (0, 1)
    }
    operators = range(len(space.operators))
    choices |= {f"operator_{block}_{side}": operators for block in range(space.blocks) for side in (0, 1)}
    choices["level_0"] = [level for level in START_LEVELS if level < space.levels]
    choices |= {f"step_{layer}": STEPS if space.levels > 1 else (STAY,) for layer in range(1, space.layers)}
    return {name: values for name, values in choices.items() if len(values) > 1}


def encode(network: AutoDeepLab, space: AutoDeepLabSpace) -> dict[str, int]:
    """Read the values of all choices off a network, with its blocks and edges in the order as written."""
    values: dict[str, int] = {}
    for block, found in enumerate(network.blocks):
        for side, edge in enumerate(found.edges):
            values[f"input_{block}_{side}"] = edge.input
            values[f"operator_{block}_{side}"] = space.operators.index(edge.operator)
    values["level_0"] = network.path[0]
    values |= {f"step_{at}": b - a for at, (a, b) in enumerate(itertools.pairwise(network.path), start=1)}
    return {name: values[name] for name in network_choices(space)}


def decode(values: Mapping[str, int], space: AutoDeepLabSpace) -> AutoDeepLab:
    """Make the network that has these values of the choices; a step over the border of the trellis is none."""
    path = [values.get("level_0", START_LEVELS[0])]
    for layer in range(1, space.layers):
        path.append(min(max(path[-1] + values.get(f"step_{layer}", STAY), 0), space.levels - 1))
    return AutoDeepLab(blocks=tuple(_block(values, block, space) for block in range(space.blocks)), path=tuple(path))


def _block(values: Mapping[str, int], block: int, space: AutoDeepLabSpace) -> Block:
    first, second = (
        Edge(input=values[f"input_{block}_{side}"], operator=space.operators[values.get(f"operator_{block}_{side}", 0)])
        for side in (0, 1)
    )
    return Block(edges=(first, second))
