"""Schemathesis calls the running service as its OpenAPI document allows and forbids, with all of its checks.

It reads the document, so that it calls new routes too. `schemathesis.toml` says what is expected.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.told_cluster import ToldCluster
from workers.cluster.jobs import JobState

if TYPE_CHECKING:
    from tests.conftest import Service

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"


class BusyCluster(ToldCluster):
    """A cluster that takes every job; from a moment on all jobs have failed, so that no search stays without an end."""

    def __init__(self) -> None:
        super().__init__()
        self.job_state = JobState.running

    def state(self, job: str, /) -> JobState:
        return self.job_state

    def logs(self, job: str, /) -> str:
        return "the first line\n"


@pytest.fixture(scope="module")
def cluster() -> BusyCluster:
    return BusyCluster()


@pytest.fixture(scope="module")
def service(tmp_path_factory, cluster) -> Iterator[Service]:
    from nas.settings import Settings
    from tests.conftest import serving

    folder = tmp_path_factory.mktemp("home")
    settings = Settings(
        home=folder,
        port=0,
        datasets={"scenes": {"layout": "cityscapes", "root": folder / "none"}},
        reconcile_seconds=0.05,
    )
    with serving(settings, cluster) as running:
        yield running


@pytest.fixture(scope="module")
def answering(service, every_kind, cluster) -> Service:
    """A service with a search of every kind, whose drivers have ended."""
    cluster.job_state = JobState.failed
    return service


def called(service: Service, *options: str) -> subprocess.CompletedProcess[str]:
    """The end of a run of Schemathesis against the service."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
    patience = ["--request-timeout", "60", "--max-response-time", "60"]  # a busy machine is no failure
    return subprocess.run(
        [*command, f"{service.url}/openapi.json", "--checks", "all", "--no-color", *patience, *options],
        cwd=service.settings.folder,  # it keeps what it found
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_operation_keeps_to_its_description(answering):
    done = called(answering, "--phases", "examples,fuzzing,stateful", "-n", "4", "--seed", "12")
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_every_operation_keeps_to_its_description_for_long(answering):
    done = called(answering, "-n", "200")
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr[-2_000:]
