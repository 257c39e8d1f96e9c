"""Domination between results of several objectives: fronts, the Pareto set, crowding distance.

A result is a tuple of values of which the greater one is better. One dominates another where it is nowhere worse and
somewhere better. None of a Pareto set is dominated by any result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas.specs import Vector


def dominates(one: Vector, other: Vector) -> bool:
    """Return whether one result is nowhere worse than another and somewhere better."""
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def pareto_set(results: Sequence[Vector]) -> list[int]:
    """Find the places of the results that no other dominates, ascending; equal results are all in it.

    With two objectives it takes the time of a sort; with more, that of comparing each result with the set found so far.
    """
    # In descending order a result is dominated by earlier ones only.
    found: list[int] = []
    highest: float | None = None
    for place in sorted(range(len(results)), key=lambda place: results[place], reverse=True):
        result = results[place]
        if len(result) == 2:
            # What comes earlier has at least this first value: only the second one is left to compare.
            beaten = highest is not None and (
                result[1] < highest or (result[1] == highest and result != results[found[-1]])
            )
            highest = result[1] if highest is None else max(highest, result[1])
        else:
            beaten = any(dominates(results[other], result) for other in found)
        if not beaten:
            found.append(place)
    return sorted(found)


def fronts(results: Sequence[Vector]) -> Iterator[list[int]]:
    """Yield the places of the results in the first front, which nothing dominates, then in the next, and so on.

    A front is the Pareto set of what the fronts before it leave.
    """
    left = list(range(len(results)))
    while left:
        front = [left[place] for place in pareto_set([results[place] for place in left])]
        yield front
        chosen = set(front)
        left = [place for place in left if place not in chosen]


def crowding(front: Sequence[Vector]) -> list[float]:
    """Compute the crowding distance of each result of a front (Deb et al. 2002, section III-B).

    For each objective: the difference of its two neighbours in that objective, as a share of the front's range; summed.
    It is infinite for the ends of the range.
    """
    distances = [0.0] * len(front)
    for objective in range(len(front[0]) if front else 0):
        order = sorted(range(len(front)), key=lambda place: front[place][objective])
        low, high = front[order[0]][objective], front[order[-1]][objective]
        distances[order[0]] = distances[order[-1]] = float("inf")
        if high == low:
            continue
        for before, place, after in zip(order, order[1:], order[2:], strict=False):
            distances[place] += (front[after][objective] - front[before][objective]) / (high - low)
    return distances
