"""Which of several architectures that were measured again is the best: the one with the highest mean."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from statistics import fmean
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def best_confirmed(scores: Mapping[Key, Collection[float]]) -> Key | None:
    """Choose the key whose scores have the highest mean, of equal ones the first; None where none has a score.

    Args:
        scores: Of each key, one score for each fresh seed that was measured.
    """
    means = {key: fmean(values) for key, values in scores.items() if values}
    return max(means, key=means.__getitem__, default=None)
