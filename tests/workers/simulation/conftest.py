"""A store in memory whose clock is virtual, for all simulated searches of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nas.store import Store
from workers.simulation.simulate import VirtualClock


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def store(clock) -> Iterator[Store]:
    with Store.open("sqlite://", clock) as store:
        store.migrate()
        yield store
