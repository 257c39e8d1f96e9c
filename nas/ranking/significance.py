"""Permutation tests of Spearman's rho: whether two score vectors are associated at all."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import stats

from nas.ranking.correlation import Floats
from nas.results.association import PValue

EXACT_UP_TO = 8
"""Pairs up to which all orders are tried: 8! = 40,320; 9! would take a second."""

SAMPLED_UP_TO = 200
"""Pairs up to which random orders are drawn; beyond, Student's t with n - 2 degrees of freedom is as good."""

SAMPLES = 19_999
"""Random orders of a sampled permutation test."""

_SLACK = 1e-9
"""Tolerance of the comparison of rank sums: equal sums may differ by rounding."""


def permutation_test(x: Floats, y: Floats, seed: int = 0) -> PValue:
    """Probability that |rho| is at least as large by chance.

    All orders are tried for n <= 8. For n <= 200, 19,999 random orders give p = (hits + 1) / (samples + 1), which is
    never 0. Beyond, p comes from Student's t with n - 2 degrees of freedom. Ties need no correction: permuting keeps
    them.

    Args:
        x: Scores of one side, (n,), not constant, n >= 3.
        y: Scores of the other side, (n,), not constant.
        seed: Of the random orders.

    Source:
        Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology, 2010.
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
