"""Does a sequential calibration pick the right proxy? `python -m benchmarks.calibration_replays TABLE`.

The proxies are the rungs of a table of heads (docs/concepts/heads_bench.md) below its last one, which is full scale. A
replay takes the random cells in a random order, the proxies' scores with one seed of the table and full scale with
another, and follows the rule until it is over (`nas.ranking.sequential`). The true rho of a proxy is that over all
cells: its scores with one seed against the mean of the other seeds at full scale, corrected for the noise that this
mean still has. Without a table: generated scores of which the true values are far from the wanted rho, and near to it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

import nas.heads_bench
from benchmarks._recorded import BRANCHES, Recorded, generated, recorded
from nas.ranking.correlation import Floats, spearman
from nas.ranking.sequential import Course, Rule, follow

GENERATED: Mapping[str, Mapping[str, Any]] = {
    "only 200 orders well": {"noise": (0.06, 0.05, 0.01, 0.006)},
    "100 orders well": {"noise": (0.05, 0.012, 0.01, 0.005), "rho": (0.7, 0.97, 0.99)},
    "all order well": {"noise": (0.015, 0.013, 0.01, 0.006), "rho": (0.93, 0.96, 0.99)},
    "100 is just below": {"noise": (0.042, 0.04, 0.018, 0.008)},
    "50 is just below": {"noise": (0.03, 0.018, 0.01, 0.006), "rho": (0.85, 0.95, 0.99)},
}


@dataclass(frozen=True)
class Row:
    """What the replays on one data set say.

    Attributes:
        dataset: Name of the data set.
        rho: True rho of each proxy, by its iterations.
        wanted: The rho that a proxy must have.
        right: The cheapest proxy whose true rho is at least the wanted one; None without one.
        nearly: The choices that are right where a rho within `Rule.within` of the wanted one may count as either.
        replays: Number of replays.
        picked: How often each proxy was recommended; "none" where none was.
        share: Share of replays that recommend the right one.
        share_nearly: Share of replays that recommend one of `nearly`.
        too_cheap: Share of replays that recommend one whose true rho is below the wanted one.
        too_cheap_nearly: Share of replays that recommend one whose true rho is below it by more than `Rule.within`.
        said: Mean of the probabilities of being right, as the courses give them.
        full_scale: Quartiles of the number of full-scale trainings.
        cost: Mean of all device-seconds, in full-scale trainings.
        covered: Share of the intervals that have the true rho in them.
    """

    dataset: str
    rho: Mapping[str, float]
    wanted: float
    right: str | None
    nearly: tuple[str | None, ...]
    replays: int
    picked: Mapping[str, int]
    share: float
    share_nearly: float
    too_cheap: float
    too_cheap_nearly: float
    said: float
    full_scale: tuple[float, float, float]
    cost: float
    covered: float


def true_rho(of: Recorded) -> dict[str, float]:
    """Compute the rho of each rung but the last, over all cells, corrected for the noise of full scale."""
    scores = of.scores[of.cells]
    last = scores[:, :, -1]
    seeds = range(scores.shape[1])
    between = float(np.mean([spearman(last[:, one], last[:, other]) for one, other in combinations(seeds, 2)]))
    others = len(seeds) - 1
    reliability = others * between / (1 + (others - 1) * between)
    return {
        str(rung): float(np.mean([_against_others(scores[:, :, place], last, seed) for seed in seeds]))
        / reliability**0.5
        for place, rung in enumerate(of.rungs[:-1])
    }


def _against_others(proxy: Floats, full: Floats, seed: int) -> float:
    return spearman(proxy[:, seed], np.delete(full, seed, axis=1).mean(axis=1))


def replay(of: Recorded, rule: Rule, replays: int, seed: int = 0) -> Row:
    """Replay calibrations on one data set; the seed draws their architectures and seeds."""
    rng = np.random.default_rng(seed)
    rule = replace(rule, cheap=min(rule.cheap, len(of.cells) // rule.most))  # a small table has no more
    truth = true_rho(of)
    (right,) = acceptable(truth, rule.wanted)
    nearly = acceptable(truth, rule.wanted, rule.within)
    courses = [_course(of, rule, rng) for _ in range(replays)]
    names = [course.recommended for course in courses]
    intervals = [(truth[name], judged) for course in courses for name, judged in course.judged.items()]
    full = np.quantile([course.full for course in courses], [0.25, 0.5, 0.75])
    return Row(
        dataset=of.name,
        rho=truth,
        wanted=rule.wanted,
        right=right,
        nearly=nearly,
        replays=replays,
        picked={name or "none": names.count(name) for name in (*truth, None)},
        share=names.count(right) / replays,
        share_nearly=sum(name in nearly for name in names) / replays,
        too_cheap=_too_cheap(names, truth, rule.wanted),
        too_cheap_nearly=_too_cheap(names, truth, rule.wanted - rule.within),
        said=float(np.mean([course.right for course in courses if course.right is not None])),
        full_scale=(float(full[0]), float(full[1]), float(full[2])),
        cost=float(np.mean([_cost(of, course, rule) for course in courses])),
        covered=float(np.mean([judged.low <= rho <= judged.high for rho, judged in intervals])),
    )


def acceptable(truth: Mapping[str, float], wanted: float, within: float = 0.0) -> tuple[str | None, ...]:
    """List the choices that are right: proxies whose rho is enough while that of each cheaper one is not, or none.

    Args:
        truth: True rho of each proxy, the cheapest first.
        wanted: The rho that is enough.
        within: How near to it a rho counts as enough and as not enough.
    """
    right: list[str | None] = []
    for name, rho in truth.items():
        right += [name] if rho >= wanted - within else []
        if rho >= wanted + within:
            return tuple(right)
    return (*right, None)


def _too_cheap(names: Sequence[str | None], truth: Mapping[str, float], least: float) -> float:
    return sum(name is not None and truth[name] < least for name in names) / len(names)


def _course(of: Recorded, rule: Rule, rng: np.random.Generator) -> Course:
    cells = rng.permutation(of.cells)
    proxy, full = rng.permutation(of.scores.shape[1])[:2]
    cheap = {str(rung): of.scores[cells, proxy, place] for place, rung in enumerate(of.rungs[:-1])}
    return follow(list(cheap), cheap, lambda chosen: of.scores[cells[list(chosen)], full, -1:], rule)


def _cost(of: Recorded, course: Course, rule: Rule) -> float:
    """Device-seconds of all trainings of a calibration, in full-scale trainings."""
    seconds = of.seconds[of.cells].mean(axis=(0, 1))
    trained = {name: judged.architectures for name, judged in course.judged.items()}
    # One that could not be judged was measured to the end.
    cheap = sum(
        trained.get(str(rung), course.full * rule.cheap) * seconds[place] for place, rung in enumerate(of.rungs[:-1])
    )
    return course.full + float(cheap / seconds[-1])


HEADER = (
    "| data set | wanted | true rho | right | picked | right in | nearly right in | said | too cheap in "
    "| by more than the zone | full-scale trainings (quartiles) | all, in full-scale ones | intervals cover |\n"
    + "|---" * 13
    + "|"
)


def line(row: Row) -> str:
    """Format a row of the table."""
    cells = [
        row.dataset,
        f"{row.wanted:g}",
        ", ".join(f"{name}: {rho:.2f}" for name, rho in row.rho.items()),
        " ".join(f"({name or 'none'})" if name != row.right else name or "none" for name in row.nearly),
        ", ".join(f"{name}: {count}" for name, count in row.picked.items() if count),
        f"{row.share:.1%}",
        f"{row.share_nearly:.1%}",
        f"{row.said:.0%}",
        f"{row.too_cheap:.1%}",
        f"{row.too_cheap_nearly:.1%}",
        "{:.0f}, {:.0f}, {:.0f}".format(*row.full_scale),
        f"{row.cost:.1f}",
        f"{row.covered:.0%}",
    ]
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Replay on every data set and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration_replays")
    parser.add_argument("table", type=Path, nargs="?", help="without one: generated scores")
    parser.add_argument("--replays", type=int, default=1000)
    parser.add_argument("--wanted", type=float, nargs="+", default=[Rule.wanted])
    parser.add_argument("--within", type=float, default=Rule.within, help="how near to it makes no difference")
    parser.add_argument("--most", type=int, default=Rule.most, help="full-scale trainings")
    parser.add_argument("--cheap", type=int, default=Rule.cheap, help="architectures for each of them")
    parser.add_argument("--sure", type=float, default=Rule.sure)
    parser.add_argument("--seed", type=int, default=0, help="of what the replays draw")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    options = parser.parse_args(arguments)
    rules = [
        Rule(wanted, options.most, cheap=options.cheap, sure=options.sure, within=options.within)
        for wanted in options.wanted
    ]
    rows = []
    print(HEADER)
    for field in _generated() if options.table is None else _recorded(options.table):
        for rule in rules:
            rows.append(replay(field, rule, options.replays, options.seed))
            print(line(rows[-1]), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


def _recorded(path: Path) -> list[Recorded]:
    table = nas.heads_bench.open(path)
    return [recorded(table, dataset, branches=branches) for dataset in table.datasets for branches in BRANCHES]


def _generated() -> list[Recorded]:
    rng = np.random.default_rng(0)
    return [generated(rng, name=name, cells=2000, **settings) for name, settings in GENERATED.items()]


if __name__ == "__main__":
    main()
