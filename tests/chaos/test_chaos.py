"""Random faults in a service that works: no search is lost, none stands still, nothing is measured twice or otherwise.

    make chaos                                         200 faults, seed drawn and printed
    pytest -m chaos tests/chaos --faults 50 --chaos-seed 7

The order and the targets of the faults follow from the seed; what they meet depends on the machine's speed.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nas.store import Store
from tests.chaos import faults, record
from tests.chaos.world import SPEC, World
from tests.postgres import PostgresServer, candidates

TRIALS = 24
RUNGS = tuple(SPEC["fidelity"]["rungs"])
PATIENCE = 600.0
"""Seconds within which a search must be over once nothing happens any more."""

PAUSE = 5.0
"""Seconds between two faults, in the mean."""

APPEARANCE = 60.0
"""Seconds that a fault waits for something to happen to, such as a trial while Ray starts."""


class Run:
    """Searches in a world, disturbed until the faults are used up.

    Args:
        world: Runs.
        store: Its record.
        seed: Of the faults.
        searches: Seeds of the searches, which are repeated: those of equal seeds must measure the same.
    """

    def __init__(self, world: World, store: Store, seed: int, searches: Sequence[int]) -> None:
        self._world = world
        self._store = store
        self._searches = searches
        self._rng = random.Random(seed)
        self._names = faults.sequence(world, self._rng)
        self._undisturbed: dict[int, record.Scores] = {}
        self.done = Counter[str]()
        self.rows: list[dict[str, Any]] = []

    def undisturbed(self) -> None:
        """Measure what the searches of each seed find when nothing happens."""
        for seed in self._searches:
            search_id = self._world.submit(f"undisturbed {seed}", TRIALS, seed)
            self._world.finish(search_id, PATIENCE)
            self._undisturbed[seed] = record.scores(self._store, search_id)

    def disturbed(self, count: int, per_search: int) -> None:
        """Run searches, each of which meets at most `per_search` faults, until there were `count`."""
        for number in itertools.count():
            left = count - sum(self.done.values())
            if left <= 0:
                return
            seed = self._searches[number % len(self._searches)]
            search_id = self._world.submit(f"disturbed {number}", TRIALS, seed)
            started, before = time.monotonic(), sum(self.done.values())
            for _ in range(min(per_search, left)):
                if self._world.over(search_id):
                    break
                self._one_fault()
            faults.resume_all(self._world)
            self._world.finish(search_id, PATIENCE)
            record.check(self._store, search_id, TRIALS, RUNGS, self._undisturbed[seed])
            self._note(search_id, sum(self.done.values()) - before, time.monotonic() - started)

    def _one_fault(self) -> None:
        time.sleep(self._rng.expovariate(1 / PAUSE))
        name = next(self._names)
        deadline = time.monotonic() + APPEARANCE
        while not (met := faults.FAULTS[name](self._world, self._rng)) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.done[name if met else f"{name}: nothing there"] += 1

    def _note(self, search_id: str, met: int, seconds: float) -> None:
        drivers = self._store.get_search(search_id).attempt
        self.rows.append({"faults": met, "drivers": drivers, "seconds": round(seconds)})
        print(self.rows[-1], dict(self.done), flush=True)


def report(world: World, seed: int, count: int, per_search: int, searches: Sequence[int]) -> dict[str, Any]:
    """Run the service with faults, and say what happened.

    Raises:
        AssertionError: A search stands still, or its record is not what it would have been without faults.
    """
    with world.running(), Store.open(world.store_url) as store:
        run = Run(world, store, seed, searches)
        run.undisturbed()
        run.disturbed(count, per_search)
    return {"seed": seed, "services": world.starts, "faults": dict(run.done), "searches": run.rows}


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(900)
def test_a_few_faults(tmp_path: Path, tiny: Path, seed: int) -> None:
    found = report(World(tmp_path, tiny), seed, count=6, per_search=6, searches=[0])
    assert sum(found["faults"].values()) == 6, found


@pytest.mark.chaos
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_many_faults(*, tmp_path: Path, tiny: Path, seed: int, database: str, request: pytest.FixtureRequest) -> None:
    count = request.config.getoption("--faults") // 2
    print(f"seed {seed}", flush=True)
    server = PostgresServer(next(candidates())) if database == "postgresql" else None
    try:
        found = report(World(tmp_path, tiny, server), seed, count, per_search=12, searches=range(3))
    finally:
        if server is not None:
            server.stop()
    print(json.dumps({"database": database, **found}, indent=1), flush=True)
