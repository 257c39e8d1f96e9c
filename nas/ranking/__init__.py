"""How far a proxy can be trusted: rank correlation with its uncertainty, and how to choose what to re-measure."""

from nas.ranking.correlation import kendall, spearman
from nas.ranking.interval import Interval, bootstrap_interval, jackknife_interval
from nas.ranking.report import Pair, Ranking, Sampling, rank
from nas.ranking.selection import stratified, top
from nas.ranking.significance import PValue, permutation_test
from nas.ranking.top import TopOverlap, overlap, regret, winner_rank

__all__ = [
    "Interval",
    "PValue",
    "Pair",
    "Ranking",
    "Sampling",
    "TopOverlap",
    "bootstrap_interval",
    "jackknife_interval",
    "kendall",
    "overlap",
    "permutation_test",
    "rank",
    "regret",
    "spearman",
    "stratified",
    "top",
    "winner_rank",
]
