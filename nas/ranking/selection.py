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
    """K keys spread evenly over the proxy's order, best first; the best and (k > 1) the worst are among them.

    Even in rank, not in score, so that the sample stands for the architectures the search has seen: a few
    degenerate ones far below do not fill half of it. ValueError unless 1 <= k <= number of scores.
    """
    ordered = _by_score(scores, k)
    if k == 1:
        return ordered[:1]
    last = len(ordered) - 1
    return [ordered[(2 * i * last + k - 1) // (2 * (k - 1))] for i in range(k)]


def _by_score(scores: Mapping[Key, float], k: int) -> list[Key]:
    if not 1 <= k <= len(scores):
        raise ValueError(f"{k} architectures cannot be chosen: {len(scores)} have a score")
    for key, score in scores.items():
        if score != score:  # noqa: PLR0124  nan, whatever the number's type
            raise ValueError(f"{key} has the score nan")
    return sorted(scores, key=lambda key: -scores[key])
