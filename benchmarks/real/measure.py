"""The measurements of the benchmark on real data, all of them made by the service itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.real import protocol
from benchmarks.real.protocol import HELD_OUT_DATA, LEVELS, SEARCH_DATA, fidelity
from benchmarks.real.service import Bench
from search_spaces.document import architecture_from_dict

Row = dict[str, Any]
"""One head under one learning rate: `head` and `architecture`, `rate`, scores by seed, parameters, multiply-adds."""

RESOURCES = {"cpus": 1, "concurrent": 2}


def sweep(bench: Bench, kind: str, levels: Sequence[int]) -> list[Row]:
    """Measure the textbook heads at every width and some random cells, with every learning rate."""
    heads = protocol.textbook_heads() + protocol.random_cells(protocol.RANDOM_CELLS // 4, levels)
    rows: list[Row] = []
    for rate in protocol.RATES:
        at = fidelity(SEARCH_DATA, levels, rate, protocol.SEARCH_STEPS)
        rows += _heads(bench, f"{kind}: heads at rate {rate}", heads, at, protocol.SWEEP_SEEDS)
    return rows


def proxies(bench: Bench, kind: str, levels: Sequence[int], rate: float) -> dict[int, list[Row]]:
    """Measure random cells at every length of training, by the number of steps."""
    cells = protocol.random_cells(protocol.RANDOM_CELLS, levels)
    return {
        steps: _heads(
            bench,
            f"{kind}: random cells, {steps} steps",
            cells,
            fidelity(SEARCH_DATA, levels, rate, steps),
            protocol.RANKING_SEEDS,
        )
        for steps in protocol.STEPS
    }


def search(bench: Bench, kind: str, levels: Sequence[int], rate: float) -> list[Row]:
    """Search, and return the best trials, best first."""
    spec = {
        "kind": "black_box",
        "space": protocol.space(levels),
        "strategy": {"name": "dpc", "startup": protocol.TRIALS * 5 // 8, "near_best": 0.5},
        "fidelity": fidelity(SEARCH_DATA, levels, rate, protocol.SEARCH_STEPS),
        "trials": protocol.TRIALS,
        "early_stopping": None,
        "resources": RESOURCES,
    }
    found = bench.done(f"{kind}: search", spec)
    best: list[Row] = []
    for trial in bench.client.trials(found.id, order_by="-score"):
        if trial.score is None or len(best) == protocol.TOP:
            break
        if trial.architecture_key not in {row["key"] for row in best}:
            best.append(
                {"head": trial.text, "key": trial.architecture_key, "architecture": trial.architecture, "rate": rate}
            )
    return best


def compare(bench: Bench, kind: str, candidates: Sequence[Row], levels: Sequence[int], *, held_out: bool) -> list[Row]:
    """Train candidates fully with fresh seeds, each at its own learning rate, and score them.

    Args:
        bench: The service.
        kind: Part of the names of the searches.
        candidates: Heads with their learning rates.
        levels: Of the backbone.
        held_out: Score on the slices that no search has seen, else on those of the search.
    """
    data, seeds = (HELD_OUT_DATA, protocol.HELD_OUT_SEEDS) if held_out else (SEARCH_DATA, protocol.CHOICE_SEEDS)
    rows: list[Row] = []
    for rate in sorted({row["rate"] for row in candidates}):
        heads = [row["architecture"] for row in candidates if row["rate"] == rate]
        at = fidelity(data, levels, rate, protocol.FULL_STEPS)
        name = f"{kind}: {'held out' if held_out else 'choice'} at rate {rate}"
        rows += _heads(bench, name, heads, at, seeds)
    return rows


def best_rates(rows: Sequence[Row]) -> list[Row]:
    """Keep each head at the learning rate with its best mean score."""
    best: dict[str, Row] = {}
    for row in rows:
        if row["key"] not in best or row["mean"] > best[row["key"]]["mean"]:
            best[row["key"]] = row
    return list(best.values())


def rate_of_cells(rows: Sequence[Row], cells: Sequence[Mapping[str, Any]]) -> float:
    """Return the learning rate at which the mean score of some cells is best."""
    keys = _keys(cells)
    means = {
        rate: [row["mean"] for row in rows if row["rate"] == rate and row["key"] in keys] for rate in protocol.RATES
    }
    return max(means, key=lambda rate: sum(means[rate]))


def everything(bench: Bench) -> dict[str, Any]:
    """Measure all parts for one level and for two; what an earlier run measured is found again."""
    found: dict[str, Any] = {}
    for kind, levels in LEVELS.items():
        swept = sweep(bench, kind, levels)
        rate = rate_of_cells(swept, protocol.random_cells(protocol.RANDOM_CELLS // 4, levels))
        ranked = proxies(bench, kind, levels, rate) if len(levels) == 1 else None
        searched = search(bench, kind, levels, rate)
        by_hand: Row = {"architecture": protocol.BY_HAND.model_dump(mode="json", exclude_none=True), "rate": rate}
        names = _keys(protocol.textbook_heads())
        textbook = [row for row in best_rates(swept) if row["key"] in names]
        choice = compare(bench, kind, searched, levels, held_out=False)
        winner = max(choice, key=lambda row: float(row["mean"]))
        held_out = compare(bench, kind, _each_once([winner, *textbook, by_hand]), levels, held_out=True)
        found[kind] = {
            "levels": levels,
            "rate": rate,
            "sweep": swept,
            "proxies": ranked,
            "search": searched,
            "winner": winner["key"],
            "choice": choice,
            "held_out": held_out,
        }
    return found


def _keys(architectures: Sequence[Mapping[str, Any]]) -> set[str]:
    return {architecture_from_dict(architecture).key for architecture in architectures}


def _each_once(rows: Sequence[Row]) -> list[Row]:
    by_key = {architecture_from_dict(row["architecture"]).key: row for row in rows}
    return list(by_key.values())


def _heads(
    bench: Bench, name: str, heads: Sequence[Mapping[str, Any]], at: Mapping[str, Any], seeds: tuple[int, int]
) -> list[Row]:
    """Measure heads by a reference search; return a row for each head, in the order given."""
    spec = {"kind": "reference", "heads": heads, "fidelity": at, "seed": seeds[0], "seeds": seeds[1]}
    found = bench.done(name, {**spec, "resources": RESOURCES})
    architectures = {trial.architecture_key: trial.architecture for trial in bench.client.trials(found.id)}
    rows = []
    for answer in bench.client.heads(found.id):
        if answer.failed or answer.mean is None:
            raise RuntimeError(f"{name}: {answer.head} failed: {answer.failed}")
        rows.append(
            {
                "head": answer.head,
                "key": answer.architecture_key,
                "architecture": architectures[answer.architecture_key],
                "rate": at["optimizer"]["learning_rate"],
                "scores": answer.scores,
                "mean": answer.mean,
                "spread": answer.spread,
                "parameters": answer.parameters,
                "multiply_adds": answer.multiply_adds,
                "device_seconds": answer.device_seconds,
            }
        )
    return rows
