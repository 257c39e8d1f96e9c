"""Which architectures to measure at full scale, chosen by their proxy scores."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from nas.formatting import counted

Key = TypeVar("Key", bound=Hashable)


def top(scores: Mapping[Key, float], k: int) -> list[Key]:
    """The k best keys, best first; equal scores in the order of `scores`.

    A sample of only the best says little about the correlation: the range of its scores is restricted, which lowers
    rho.

    Raises:
        ValueError: Fewer than k keys have a score, k is below 1, or a score is nan.
    """
    return _by_score(scores, k)[:k]


def stratified(scores: Mapping[Key, float], k: int) -> list[Key]:
    """Choose k keys spread evenly over the order of the scores, best first; the very best is among them.

    The order is cut into k equal groups: the first group gives its best key, every other group its middle key. The
    sample is even in rank, not in score, so that it represents the architectures that the search has seen: a few
    degenerate architectures far below the others do not fill half of the sample. Rho of the sample is then nearly rho
    of all (normal scores, rho 0.8, 24 of 200: mean 0.80; with both extremes included 0.82, of the top alone 0.4).

    Raises:
        ValueError: Fewer than k keys have a score, k is below 1, or a score is nan.
    """
    ordered = _by_score(scores, k)
    return ordered[:1] + [ordered[(2 * i + 1) * len(ordered) // (2 * k)] for i in range(1, k)]


def _by_score(scores: Mapping[Key, float], k: int) -> list[Key]:
    if not 1 <= k <= len(scores):
        raise ValueError(
            f"{counted(k, 'architecture')} cannot be chosen: {counted(len(scores), 'has', 'have')} a score"
        )
    for key, score in scores.items():
        if score != score:  # noqa: PLR0124  nan, whatever the number's type
            raise ValueError(f"{key} has the score nan")
    return sorted(scores, key=lambda key: -scores[key])
