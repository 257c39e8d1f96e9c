from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.workers.conftest import write_scenes


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", type=int, default=200, help="Faults of the long chaos test.")
    parser.addoption("--chaos-seed", type=int, default=None, help="Seed of the faults; without one it is drawn.")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    given = request.config.getoption("--chaos-seed")
    return random.SystemRandom().randrange(10**6) if given is None else int(given)
