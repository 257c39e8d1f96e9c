"""How are true scores at an early rung and at the last one related? `python -m benchmarks.rung_relation TABLE`.

Covariances are taken between different seeds, so that the noise that the rungs of one training share is not in them.
The last columns are for one doubling of the iterations, as `nas.ranking.worth.RELATION` believes them beforehand.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np

import nas.heads_bench
from benchmarks._recorded import BRANCHES, Recorded, recorded
from nas.ranking.correlation import Floats


@dataclass(frozen=True)
class Rungs:
    """How the true scores of random cells at a rung are related to those at the last one.

    Attributes:
        spread: Standard deviation of the true scores at the rung.
        noise: Standard deviation over seeds at the rung.
        rho: Correlation of the true scores with those at the last rung.
        growth: Spread at the last rung, as a multiple of that at the rung.
        quieter: Noise at the last rung, as a multiple of that at the rung.
        family: How much more the mean textbook head is ahead of the mean cell at the last rung than the rung's scores
            let expect, in spreads at the last rung.
    """

    spread: float
    noise: float
    rho: float
    growth: float
    quieter: float
    family: float


def relate(of: Recorded, place: int) -> Rungs:
    """Relate the rung at this place with the last one."""
    cells, heads = of.scores[of.cells], of.scores[of.references]
    spread, last = (math.sqrt(_covariance(cells, at, at)) for at in (place, -1))
    rho = _covariance(cells, place, -1) / spread / last
    noise, quiet = (math.sqrt(cells[:, :, at].var(axis=1, ddof=1).mean()) for at in (place, -1))
    ahead, ahead_last = (float(heads[:, :, at].mean() - cells[:, :, at].mean()) for at in (place, -1))
    return Rungs(spread, noise, rho, last / spread, quiet / noise, ahead_last / last - rho * ahead / spread)


def _covariance(scores: Floats, one: int, other: int) -> float:
    """Covariance over heads between a rung with one seed and a rung with another; scores are (heads, seeds, rungs)."""
    pairs = permutations(range(scores.shape[1]), 2)
    return float(np.mean([np.cov(scores[:, a, one], scores[:, b, other])[0, 1] for a, b in pairs]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row for each data set and rung."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rung_relation")
    parser.add_argument("table", type=Path)
    table = nas.heads_bench.open(parser.parse_args(arguments).table)
    print(
        "| data set | rung | spread | noise | rho with the last | spread grows | noise times | textbook gains "
        "| loss | growth | exponent of noise | family |\n" + "|---" * 12 + "|"
    )
    for dataset in table.datasets:
        for branches in BRANCHES:
            _print(recorded(table, dataset, branches=branches))


def _print(of: Recorded) -> None:
    for place, rung in enumerate(of.rungs[:-1]):
        found, doublings = relate(of, place), math.log2(of.rungs[-1] / rung)
        each = (
            -math.log(max(found.rho, 1e-3)) / doublings,
            math.log(found.growth) / doublings,
            -math.log(found.quieter) / doublings / math.log(2),
            found.family / math.sqrt(doublings),
        )
        cells = [of.name, rung, *(f"{value:.3f}" for value in (*vars(found).values(), *each))]
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
