"""Does "is a search worth it?" keep its promise? `python -m benchmarks.worth_replays TABLE`.

A replay draws from a table of heads (docs/concepts/heads_bench.md) what `segnas worth` measures: the heads of the
textbooks and random cells, 24 together, at an early rung with two of the table's seeds. Then it draws a search of N
other random cells, with early stopping or without, whose trials have a seed each. The search's best is compared with
the best reference head of its size by the mean of the seeds that did not select it: that is what was gained. A row is a
first rung, a number of trials and a rule; without a table, of generated scores.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import nas.heads_bench
from benchmarks._recorded import BRANCHES, Places, Recorded, generated, recorded
from nas.heads_bench import HeadsTable
from nas.ranking.confirmation import SIZE_RATIO
from nas.ranking.worth import Learned, Planned, Sample, Worth, foresee, learn

HEADS = 24
SEEDS = 2
KEEP = 1 / 3


@dataclass(frozen=True)
class Row:
    """What the replays of one setting say.

    Attributes:
        dataset: Name of the data set.
        planned: The search that was asked about.
        replays: Number of replays.
        gained: Mean of what searches gained.
        estimate: Mean of the expected gains.
        width: Mean width of the interval.
        covered: Share of replays whose interval has what the search gained.
        covered_mean: Share whose interval has the mean of what searches gained.
        deviation: Standard deviation over seeds at the last rung, in the table.
        no: Number of replays that say "not worth it".
        no_right: Number of these in which the search gained less than one deviation.
        yes: Number of replays that say "worth it".
        yes_right: Number of these in which the search gained at least one deviation.
        at_least: Share of all replays in which the search gained at least one deviation.
    """

    dataset: str
    planned: Planned
    replays: int
    gained: float
    estimate: float
    width: float
    covered: float
    covered_mean: float
    deviation: float
    no: int
    no_right: int
    yes: int
    yes_right: int
    at_least: float


def replay(of: Recorded, first: int, plans: Sequence[Planned], replays: int, seed: int = 0) -> list[Row]:
    """Replay settings with one first rung: each probe is asked about every search, which is then carried out.

    Args:
        of: The heads.
        first: Iterations of the first rung.
        plans: The searches, which begin at that rung.
        replays: Number of probes.
        seed: Of what the probes and the searches draw.
    """
    rng = np.random.default_rng([zlib.crc32(f"{of.name}/{first}".encode()), *([seed] if seed else [])])
    place = of.rungs.index(first)
    said: dict[Planned, list[tuple[Worth, float]]] = {planned: [] for planned in plans}
    for number in range(replays):
        learned = probe(of, place, rng, number)
        for planned, found in said.items():
            found.append((foresee(learned, planned, seed=number), search(of, planned, place, rng)))
    deviation = float(np.sqrt(of.scores[of.cells][:, :, -1].var(axis=1, ddof=1).mean()))
    return [_row(of.name, planned, found, deviation) for planned, found in said.items()]


def _row(name: str, planned: Planned, found: Sequence[tuple[Worth, float]], deviation: float) -> Row:
    gains = np.array([gained for _, gained in found])
    low, high = np.array([(worth.low, worth.high) for worth, _ in found]).T
    no = np.array([worth.answer == "not worth it" for worth, _ in found])
    yes = np.array([worth.answer == "worth it" for worth, _ in found])
    mean = float(gains.mean())
    return Row(
        dataset=name,
        planned=planned,
        replays=len(found),
        gained=mean,
        estimate=float(np.mean([worth.gain for worth, _ in found])),
        width=float((high - low).mean()),
        covered=float(np.mean((low <= gains) & (gains <= high))),
        covered_mean=float(np.mean((low <= mean) & (mean <= high))),
        deviation=deviation,
        no=int(no.sum()),
        no_right=int((no & (gains < deviation)).sum()),
        yes=int(yes.sum()),
        yes_right=int((yes & (gains >= deviation)).sum()),
        at_least=float(np.mean(gains >= deviation)),
    )


def probe(of: Recorded, first: int, rng: np.random.Generator, seed: int) -> Learned:
    """Measure what `segnas worth` would, at the rung of this place."""
    seeds = rng.permutation(of.scores.shape[1])[:SEEDS]
    cells = rng.choice(of.cells, HEADS - len(of.references), replace=False)

    def sample(heads: Places) -> Sample:
        return Sample(of.scores[heads][:, seeds, first], of.multiply_adds[heads])

    return learn(sample(cells), sample(of.references), seed=seed)


def search(of: Recorded, planned: Planned, first: int, rng: np.random.Generator) -> float:
    """Search, and return what was gained over the best reference head of the found one's size."""
    chosen = rng.choice(of.cells, planned.trials, replace=False)
    seeds = rng.integers(of.scores.shape[1], size=planned.trials)
    going_on = np.arange(planned.trials)
    for rung in range(first, len(of.rungs) - 1):
        left = max(1, int(np.ceil(planned.keep * len(going_on))))
        shown = of.scores[chosen[going_on], seeds[going_on], rung]
        going_on = going_on[np.argsort(-shown)[:left]]
    best = going_on[of.scores[chosen[going_on], seeds[going_on], -1].argmax()]
    others = np.delete(of.scores[:, :, -1], seeds[best], axis=1).mean(axis=1)
    size = of.multiply_adds[of.references] / of.multiply_adds[chosen[best]]
    matched = of.references[(size >= 1 / SIZE_RATIO) & (size <= SIZE_RATIO)]
    opponents = matched if len(matched) else of.references
    against = opponents[of.scores[opponents, :, -1].mean(axis=1).argmax()]
    return float(others[chosen[best]] - others[against])


def settings(of: Recorded, trials: Sequence[int]) -> dict[int, list[Planned]]:
    """List the settings by their first rung: every rung but the last, each number of trials, both rules."""
    counts = [count for count in trials if count <= len(of.cells)]
    return {
        first: [Planned(count, keep, first, of.rungs[-1]) for count in counts for keep in (1.0, KEEP)]
        for first in of.rungs[:-1]
    }


HEADER = (
    "| data set | first rung | trials | goes on | gained | expected | interval's width | covers | covers the mean "
    "| seed deviation | at least one | worth it (right) | not worth it (right) |\n" + "|---" * 13 + "|"
)


def line(row: Row) -> str:
    """Format a row of the table."""
    planned = row.planned
    cells = [
        row.dataset,
        planned.first,
        planned.trials,
        "all" if planned.keep == 1 else "a third",
        f"{row.gained:+.3f}",
        f"{row.estimate:+.3f}",
        f"{row.width:.3f}",
        f"{row.covered:.0%}",
        f"{row.covered_mean:.0%}",
        f"{row.deviation:.4f}",
        f"{row.at_least:.0%}",
        f"{row.yes} ({row.yes_right})",
        f"{row.no} ({row.no_right})",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Replay all settings and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worth_replays")
    parser.add_argument("table", type=Path, nargs="?", help="without one: generated scores")
    parser.add_argument("--replays", type=int, default=300)
    parser.add_argument("--trials", type=int, nargs="+", help="of the searches; with a table 4, 12, 60 and 150")
    parser.add_argument("--after", type=int, default=0, help="take no random cell of the table's leading so many heads")
    parser.add_argument("--seed", type=int, default=0, help="of what the replays draw")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    options = parser.parse_args(arguments)
    if options.table is None:
        rng = np.random.default_rng(0)
        trials = options.trials or [60]
        fields = [
            generated(rng, name="a ceiling", shape=-0.9),
            generated(rng, name="normal", shape=0.0),
            generated(rng, name="strong references", advantage=2.0),
        ]
    else:
        trials = options.trials or [4, 12, 60, 150]
        fields = _recorded(nas.heads_bench.open(options.table), options.after)
    rows = []
    print(HEADER)
    for field in fields:
        for first, plans in settings(field, trials).items():
            rows += replay(field, first, plans, options.replays, options.seed)
            print(*map(line, rows[-len(plans) :]), sep="\n", flush=True)
    print(totals(rows), summary(rows), sep="\n\n")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


def _recorded(table: HeadsTable, after: int) -> list[Recorded]:
    """Take each data set and space, against the textbook's heads of the cells' width and of twice that width."""
    return [
        recorded(table, dataset, branches=branches, times=times, after=after)
        for dataset in table.datasets
        for branches in BRANCHES
        for times in (1, 2)
    ]


TOTALS = (
    "| data set | first rung | replays | covers | interval's width | too much by | worth it (right) "
    "| not worth it (right) |\n" + "|---" * 8 + "|"
)


def totals(rows: Sequence[Row]) -> str:
    """Sum the rows up by data set and first rung, as a table."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.dataset, row.planned.first), []).append(row)
    lines = [TOTALS]
    for (dataset, first), own in groups.items():
        replays = sum(row.replays for row in own)
        cells = [
            dataset,
            first,
            replays,
            f"{sum(row.covered * row.replays for row in own) / replays:.0%}",
            f"{np.mean([row.width for row in own]):.3f}",
            f"{np.mean([row.estimate - row.gained for row in own]):+.3f}",
            f"{sum(row.yes for row in own)} ({sum(row.yes_right for row in own)})",
            f"{sum(row.no for row in own)} ({sum(row.no_right for row in own)})",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    """Say in how many replays the interval covers, and how often each answer is right."""
    replays = sum(row.replays for row in rows)
    covered = sum(row.covered * row.replays for row in rows) / replays
    no, no_right = sum(row.no for row in rows), sum(row.no_right for row in rows)
    yes, yes_right = sum(row.yes for row in rows), sum(row.yes_right for row in rows)
    within = sum(0.7 <= row.covered <= 0.9 for row in rows)
    return (
        f"covers in {covered:.0%} of {replays} replays, in 70 to 90 % in {within} of {len(rows)} settings; "
        f"not worth it: {no_right} of {no} right; worth it: {yes_right} of {yes} right"
    )


if __name__ == "__main__":
    main()
