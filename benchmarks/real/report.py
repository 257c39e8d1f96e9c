"""The report of the benchmark on real data: gain or no gain, by how much, at what size."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.real import protocol
from benchmarks.real.measure import Row
from nas.ranking.correlation import spearman
from nas.ranking.interval import jackknife_interval
from search_spaces.document import architecture_from_dict

NEAR = 1.5
"""A textbook head is size-matched to a found one if neither has more than this many times the other's multiply-adds."""


def written(found: Mapping[str, Any]) -> str:
    """Write the whole report in Markdown."""
    parts = [headline(found)]
    for kind, part in found.items():
        parts += [f"## {kind.capitalize()}", heads_table(part)]
        if part["proxies"] is not None:
            parts.append(proxies_table(part))
    return "\n\n".join(parts) + "\n"


def headline(found: Mapping[str, Any]) -> str:
    """Say in a sentence for each kind whether the search gained anything over size-matched textbook heads."""
    sentences = []
    for kind, part in found.items():
        winner = _winner(part)
        match = size_matched(winner, _textbook(part))
        difference = paired(winner, match)
        gain = difference.mean > 2 * difference.error
        deviations = difference.mean / math.sqrt((winner["spread"] ** 2 + match["spread"] ** 2) / 2)
        sentences.append(
            f"**{'Gain' if gain else 'No gain'}**, {kind}: {winner['head']} "
            f"({winner['multiply_adds'] / 1e6:.1f} M multiply-adds, {winner['parameters']:,} parameters) scores "
            f"{difference.mean:+.3f} ± {difference.error:.3f} mIoU ({deviations:.1f} seed deviations) "
            f"against {match['head']} ({match['multiply_adds'] / 1e6:.1f} M), the best textbook head of its size."
        )
    return "\n".join(sentences)


class Difference:
    """Difference in mIoU of two heads, paired by seed: its mean and the standard error of the mean."""

    def __init__(self, one: Sequence[float], other: Sequence[float]) -> None:
        differences = [a - b for a, b in zip(one, other, strict=True)]
        self.mean = statistics.fmean(differences)
        self.error = statistics.stdev(differences) / math.sqrt(len(differences))


def paired(one: Row, other: Row) -> Difference:
    """Compare two heads that were measured with the same seeds."""
    seeds = sorted(one["scores"])
    return Difference([one["scores"][seed] for seed in seeds], [other["scores"][seed] for seed in seeds])


def size_matched(head: Row, others: Sequence[Row]) -> Row:
    """Return the best of the heads that are about as large as `head`; the one nearest in size where there is none."""

    def ratio(row: Row) -> float:
        return math.exp(abs(math.log(row["multiply_adds"] / head["multiply_adds"])))

    fitting = [row for row in others if ratio(row) <= NEAR]
    return max(fitting, key=lambda row: float(row["mean"])) if fitting else min(others, key=ratio)


def heads_table(part: Mapping[str, Any]) -> str:
    """Tabulate the held-out scores, largest first, with the gain of each found head over its size-matched one."""
    winner = part["winner"]
    lines = [
        "| head | parameters | multiply-adds | rate | held-out mIoU | deviation |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(part["held_out"], key=lambda row: -row["mean"]):
        name = f"**{row['head']}** (found)" if row["key"] == winner else row["head"]
        lines.append(
            f"| {name} | {row['parameters'] / 1e3:.1f}k | {row['multiply_adds'] / 1e6:.1f} M | {row['rate']:g} "
            f"| {row['mean']:.3f} | {row['spread']:.3f} |"
        )
    return "\n".join(lines)


def proxies_table(part: Mapping[str, Any]) -> str:
    """Tabulate how well each length of training orders random cells, and the most that seed noise allows."""
    full = _by_cell(part["proxies"][protocol.FULL_STEPS])
    lines = [
        "| steps | Spearman's rho with full scale | 95 % interval | between two seeds | ceiling | seed deviation |",
        "|---|---|---|---|---|---|",
    ]
    reliability_of_full = _reliability(full)
    for steps in protocol.STEPS[:-1]:
        scores = _by_cell(part["proxies"][steps])
        one, mean = scores[:, 0], full.mean(1)
        interval = jackknife_interval(one, mean)
        reliability = _reliability(scores)
        # The mean of k seeds is more reliable than one seed (Spearman and Brown).
        k = full.shape[1]
        mean_reliability = k * reliability_of_full / (1 + (k - 1) * reliability_of_full)
        ceiling = math.sqrt(max(reliability, 0) * max(mean_reliability, 0))
        deviation = float(np.sqrt(scores.var(1, ddof=1).mean()))
        lines.append(
            f"| {steps} | {spearman(one, mean):.2f} | {interval.low:.2f} to {interval.high:.2f} | {reliability:.2f} "
            f"| {ceiling:.2f} | {deviation:.3f} |"
        )
    return "\n".join(lines)


def _by_cell(rows: Sequence[Row]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the scores (cells, seeds), cells in the order of their keys."""
    ordered = sorted(rows, key=lambda row: str(row["key"]))
    return np.array([[row["scores"][seed] for seed in sorted(row["scores"])] for row in ordered])


def _reliability(scores: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Return the mean of Spearman's rho between the scores of two seeds, over all pairs of seeds."""
    seeds = range(scores.shape[1])
    pairs = [spearman(scores[:, a], scores[:, b]) for a in seeds for b in seeds if a < b]
    return statistics.fmean(pairs)


def _winner(part: Mapping[str, Any]) -> Row:
    return next(row for row in part["held_out"] if row["key"] == part["winner"])


def _textbook(part: Mapping[str, Any]) -> list[Row]:
    keys = {architecture_from_dict(head).key for head in protocol.textbook_heads()}
    return [row for row in part["held_out"] if row["key"] in keys]
