"""A store as a busy service has it after months: one large search, smaller ones, one search of every other kind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import insert

from nas.results.snapshot import Snapshot
from nas.specs import (
    AutoDeepLabSpec,
    BilevelSpec,
    BlackBoxSpec,
    CalibrationSpec,
    Fidelity,
    FullScaleSpec,
    ReferenceSpec,
    SearchSpec,
)
from nas.store import Store
from nas.store.tables import ArchitectureRow, FidelityRow, MeasurementRow, TrialRow
from search_spaces import REFERENCE_HEADS
from search_spaces.auto_deeplab.space import sample as sample_network
from search_spaces.auto_deeplab.trellis import Trellis
from search_spaces.dense_cell.space import sample as sample_cell
from search_spaces.document import Architecture, architecture_to_dict, canonical

PROXY = Fidelity(dataset="scenes", rungs=(100, 200, 300))
SHORT = Fidelity(dataset="scenes", rungs=(100,))
FULL = Fidelity(dataset="scenes", rungs=(3000,))
CLASSES = 19
SEARCHES_BESIDE = 150
"""Small finished searches that a forecast can compare with, so that the list of searches has more than one page."""

RANKED, EPOCHS, CALIBRATED = 48, 40, 24
SIZES = (8_000, 60_000)
"""Range of a trial's parameters."""

REASONS = ("the loss is not finite", "CUDA out of memory", "the process ended with signal 9")
BATCH = 200
"""Rows of one transaction."""

MAJORITY = 0.8
"""Of all trials, the share in the large search."""


@dataclass(frozen=True)
class Filled:
    """The ids of the searches to measure with, and how many trials and measurements the store has."""

    large: str
    full_scale: str
    calibration: str
    reference: str
    auto_deeplab: str
    trials: int
    measurements: int


def fill(store: Store, trials: int) -> Filled:
    """Fill an empty, migrated store with about so many trials, as drivers would have written them."""
    writer = _Writer(store)
    writer.fidelities(PROXY, SHORT, FULL)
    cells = _cells()
    large = writer.started(BlackBoxSpec(name="large", trials=trials, fidelity=PROXY))
    drawn = [next(cells) for _ in range(int(MAJORITY * trials))]
    writer.trials(large, PROXY, drawn)
    beside = max(2, (trials - len(drawn)) // SEARCHES_BESIDE)
    for number in range(SEARCHES_BESIDE):
        other = writer.started(BlackBoxSpec(name=f"beside {number}", trials=beside, fidelity=PROXY))
        writer.trials(other, PROXY, [next(cells) for _ in range(beside)])
    filled = {
        "full_scale": _full_scale(writer, large, drawn),
        "calibration": _calibration(writer, drawn[:CALIBRATED]),
        "reference": _reference(writer),
        "auto_deeplab": _auto_deeplab(writer, store),
    }
    writer.analyze()
    return Filled(large, **filled, trials=writer.written[TrialRow], measurements=writer.written[MeasurementRow])


def _full_scale(writer: _Writer, parent: str, drawn: list[Architecture]) -> str:
    step = len(drawn) // RANKED
    numbers = tuple(step * index + 1 for index in range(RANKED))
    spec = FullScaleSpec(name="again", of=parent, sampling="stratified", trials=numbers, fidelity=FULL, seeds=2)
    search = writer.started(spec, parent)
    writer.trials(search, FULL, [drawn[number] for number in numbers] * 2, ends=("completed",))
    return search


def _calibration(writer: _Writer, cells: list[Architecture]) -> str:
    proxies = {"short": SHORT, "long": PROXY}
    spec = CalibrationSpec(name="which", architectures=len(cells), proxies=proxies, training_free=(), full_scale=FULL)
    search = writer.started(spec)
    for turn, fidelity in enumerate((SHORT, PROXY, FULL)):
        writer.trials(search, fidelity, cells, first=turn * len(cells), ends=("completed",))
    return search


def _reference(writer: _Writer) -> str:
    search = writer.started(ReferenceSpec(name="heads", seeds=5, fidelity=PROXY))
    for seed in range(5):
        first = seed * len(REFERENCE_HEADS)
        writer.trials(search, PROXY, list(REFERENCE_HEADS), first=first, seed=seed, ends=("completed",))
    return search


def _auto_deeplab(writer: _Writer, store: Store) -> str:
    bilevel = BilevelSpec(dataset="scenes", crop=(129, 129))
    search = writer.started(AutoDeepLabSpec(name="trellis", bilevel=bilevel, seeds=2, scoring=PROXY))
    for run in range(2):
        for epoch in range(1, EPOCHS + 1):
            store.add_snapshot(search, 1, run, _snapshot(run, epoch))
        writer.trials(search, PROXY, [_snapshot(run, EPOCHS).architecture], first=run, ends=("completed",))
    return search


def _snapshot(run: int, epoch: int) -> Snapshot:
    network = sample_network(5, 12, random.Random(100 * run + epoch))
    return Snapshot(
        epoch=epoch,
        step=10 * epoch,
        architecture=network,
        path=network.path,
        alpha=((0.125,) * 8,) * 20,
        beta=tuple((1 / len(edges),) * len(edges) for edges in Trellis(len(network.path), 4).groups),
        alpha_entropy=1 - 0.01 * epoch,
        beta_entropy=1 - 0.02 * epoch,
        supernet_miou=0.01 * epoch + 0.01 * run,
        train_loss=1.5,
        architecture_loss=None,
        device_seconds=40.0 * epoch,
        finished=epoch == EPOCHS,
    )


def _cells() -> Iterator[Architecture]:
    rng = random.Random(0)
    seen: set[str] = set()
    while True:
        cell = canonical(sample_cell(5, rng))
        if cell.key not in seen:
            seen.add(cell.key)
            yield cell


class _Writer:
    """Writes many rows at once. A driver's own calls, one transaction each, would take minutes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rng = random.Random(1)
        self._known: set[str] = set()
        self._clock = count(1_700_000_000)
        self.written: dict[type, int] = {TrialRow: 0, MeasurementRow: 0}

    def started(self, spec: SearchSpec, parent: str | None = None) -> str:
        record, _ = self._store.create_search(spec, parent=parent)
        self._store.driver_started(record.id, self._store.begin_driver(record.id), {"torch": "2.13.0"})
        return record.id

    def fidelities(self, *fidelities: Fidelity) -> None:
        rows = [{"key": f.key, "document": f.model_dump(mode="json"), "created_at": 1.0} for f in fidelities]
        self._insert(FidelityRow, rows)

    def analyze(self) -> None:
        """Let the database count its rows, as PostgreSQL's autovacuum does by itself."""
        with self._store._write() as connection:
            connection.exec_driver_sql("ANALYZE")

    def trials(  # noqa: PLR0917  what the trials share
        self,
        search: str,
        fidelity: Fidelity,
        architectures: list[Architecture],
        first: int = 0,
        seed: int = 0,
        ends: tuple[str, ...] = ("completed", "completed", "pruned", "pruned", "pruned", "pruned", "failed"),
    ) -> None:
        new = {a.key: a for a in architectures if a.key not in self._known}
        self._known |= new.keys()
        documents = [
            {"key": key, "kind": (found := architecture_to_dict(a))["kind"], "document": found, "created_at": 1.0}
            for key, a in new.items()
        ]
        self._insert(ArchitectureRow, documents)
        rows: dict[type, list[dict[str, Any]]] = {TrialRow: [], MeasurementRow: []}
        for number, architecture in enumerate(architectures, first):
            trial, curve = self._trial(search, number, architecture.key, fidelity, self._rng.choice(ends))
            rows[TrialRow].append(trial | {"seed": seed})
            rows[MeasurementRow] += curve
        for table, values in rows.items():
            self._insert(table, values)
            self.written[table] += len(values)

    def _trial(
        self, search: str, number: int, key: str, fidelity: Fidelity, end: str
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        reached = fidelity.rungs if end == "completed" else fidelity.rungs[: self._rng.randint(1, len(fidelity.rungs))]
        now, base = float(next(self._clock)), self._rng.betavariate(5, 5)
        curve = [self._point(search, number, rung, base * (rung / fidelity.rungs[-1]) ** 0.2, now) for rung in reached]
        last = {name: curve[-1][name] for name in ("score", "iteration", "seconds", "device_seconds")}
        trial = {
            "search_id": search,
            "number": number,
            "architecture_key": key,
            "fidelity_key": fidelity.key,
            "attempt": 1,
            "status": end,
            "reason": self._rng.choice(REASONS) if end == "failed" else None,
            "created_at": now,
            "updated_at": now + last["seconds"],
            "finished_at": now + last["seconds"],
            "parameters": (size := self._rng.randrange(*SIZES)),
            "multiply_adds": self._rng.randint(500, 900) * size,
            **last,
            "value": last["score"],
        }
        return trial, curve

    def _point(self, search: str, number: int, rung: int, score: float, now: float) -> dict[str, Any]:
        return {
            "search_id": search,
            "number": number,
            "iteration": rung,
            "attempt": 1,
            "score": score,
            "class_iou": [round(score * self._rng.random(), 6) for _ in range(CLASSES)],
            "train_loss": 1.0,
            "val_loss": 1.0,
            "seconds": rung / 50,
            "device_seconds": rung / 50,
            "created_at": now,
        }

    def _insert(self, table: type, rows: list[dict[str, Any]]) -> None:
        # In one long transaction PostgreSQL would keep every version of the totals that triggers update.
        for start in range(0, len(rows), BATCH):
            with self._store._write() as connection:
                connection.execute(insert(table), rows[start : start + BATCH])
