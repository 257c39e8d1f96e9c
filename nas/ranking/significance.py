"""Is there any association? Permutation tests of Spearman's rho."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from nas.ranking.correlation import Floats

EXACT_UP_TO = 8
"""8! = 40,320 orders are tried one by one; 9! would take a second."""

SAMPLED_UP_TO = 200
"""Beyond, Student's t with n - 2 degrees of freedom is as good as 19,999 random orders."""

SAMPLES = 19_999

_SLACK = 1e-9
"""Equal sums may differ by rounding."""

Method = Literal["exact permutation", "sampled permutation", "Student's t"]


@dataclass(frozen=True, slots=True)
class PValue:
    """Two-sided p-value of "no association" and how it was found."""

    value: float
    method: Method


def permutation_test(x: Floats, y: Floats, seed: int = 0) -> PValue:
    """How likely |rho| is at least as large by chance, for x and y of shape (n,), neither constant, n >= 3.

    All orders for n <= 8, else 19,999 random ones for n <= 200 with p = (hits + 1) / (samples + 1), which is never 0
    (Phipson and Smyth 2010), else Student's t with n - 2 degrees of freedom. Ties need no correction: permuting
    keeps them.
    """
    n = len(x)
    if n > SAMPLED_UP_TO:
        return PValue(float(stats.spearmanr(x, y).pvalue), "Student's t")
    a, b = stats.rankdata(x) - (n + 1) / 2, stats.rankdata(y) - (n + 1) / 2
    observed = abs(a @ b) - _SLACK
    if n <= EXACT_UP_TO:
        orders = np.array(list(itertools.permutations(range(n))))
        return PValue(float(np.mean(np.abs(b[orders] @ a) >= observed)), "exact permutation")
    orders = np.random.default_rng(seed).permuted(np.tile(b, (SAMPLES, 1)), axis=1)
    hits = int(np.sum(np.abs(orders @ a) >= observed))
    return PValue((hits + 1) / (SAMPLES + 1), "sampled permutation")
