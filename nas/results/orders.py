"""The orders in which a search's trials are listed."""

from __future__ import annotations

from typing import Literal

TrialOrder = Literal[
    "number",
    "-number",
    "score",
    "-score",
    "miou",
    "-miou",
    "iteration",
    "-iteration",
    "seconds",
    "-seconds",
    "device_seconds",
    "-device_seconds",
    "parameters",
    "-parameters",
    "multiply_adds",
    "-multiply_adds",
    "latency",
    "-latency",
    "seed",
    "-seed",
    "attempt",
    "-attempt",
    "created_at",
    "-created_at",
]
"""By what, descending where "-" leads.

"-score" is the leaderboard, from better to worse by `nas.results.standing`: a deeper rung first, then a higher value of
the search's first objective. "miou" is the mIoU itself, of a deeper rung first too: scores at different rungs are not
comparable. What a trial does not have comes last in either direction, and equal trials are in the order of numbers.
"""
