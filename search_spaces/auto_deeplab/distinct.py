"""How many networks of Auto-DeepLab's space differ in more than the order in which they are written."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from functools import cache

from search_spaces.auto_deeplab.architecture import STRIDES
from search_spaces.auto_deeplab.space import DECODABLE, count_paths


def distinct(blocks: int, layers: int, levels: int = len(STRIDES), operators: int = len(DECODABLE)) -> int:
    """Count the different networks: different cells times paths. Two paths are never the same network."""
    return distinct_cells(blocks, operators) * count_paths(layers, levels)


def distinct_cells(blocks: int, operators: int = len(DECODABLE)) -> int:
    """Count the different cells, each once whatever the order of its blocks and of their edges.

    By Burnside's lemma that is the mean, over all permutations of B labels, of the number of labelled cells that the
    permutation leaves as they are. A labelled cell names its blocks in any order; only reading in a circle is
    forbidden. How many cells a permutation leaves depends on the lengths of its cycles alone.

    Args:
        blocks: B, the number of blocks.
        operators: The number of operators that an edge can have; none is not among them.
    """
    labels = math.factorial(blocks)
    found = 0
    for cycles in _partitions(blocks):
        found += labels // _symmetries(cycles) * _unchanged(cycles, operators)
    return found // labels


def _partitions(total: int, largest: int | None = None) -> Iterator[tuple[int, ...]]:
    if total == 0:
        yield ()
    for first in range(min(total, largest or total), 0, -1):
        for rest in _partitions(total - first, first):
            yield (first, *rest)


def _symmetries(cycles: tuple[int, ...]) -> int:
    # Of B! permutations, B! divided by this number have cycles of these lengths.
    return math.prod(length**times * math.factorial(times) for length, times in Counter(cycles).items())


@cache
def _unchanged(cycles: tuple[int, ...], operators: int) -> int:
    """Count the labelled cells that a permutation with cycles of these lengths leaves as they are.

    Blocks of one cycle cannot read each other, nor two cycles each other: following the permutation, the reading would
    close a circle. So the cycles are the nodes of a graph without circles, and it is counted by inclusion and exclusion
    over sets of cycles that no other one reads.
    """
    if not cycles:
        return 1
    found, counts = 0, Counter(cycles)
    for taken in itertools.product(*(range(times + 1) for times in counts.values())):
        unread = Counter(dict(zip(counts, taken, strict=True)))
        if not unread.total():
            continue
        rest = tuple(sorted((counts - unread).elements(), reverse=True))
        ways = math.prod(math.comb(counts[length], times) for length, times in unread.items())
        ways *= math.prod(_pairs(length, rest, operators) ** times for length, times in unread.items())
        found += (-1) ** (unread.total() + 1) * ways * _unchanged(rest, operators)
    return found


def _pairs(length: int, read: tuple[int, ...], operators: int) -> int:
    """Count the pairs of edges that a block may have in a cycle of this length, where it may read these cycles.

    The permutation, applied `length` times, brings the block back to its place and has to bring its pair of edges
    back: each edge by itself, or each to the other one, which then reads another block by the same operator.
    """
    each = operators * (2 + sum(other for other in read if length % other == 0))
    exchanged = operators * sum(other // 2 for other in read if length % other and 2 * length % other == 0)
    return each * (each + 1) // 2 + exchanged
