"""`SEGNAS_LOG_FORMAT=json`: every line of a service or a driver, as processes of their own, is an object with ids."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from nas.client.address import SERVER_FILE, RunningServer
from nas.specs import BlackBoxSpec
from nas.state_files import read_state
from nas.store import Store
from tests.conftest import SPEC
from workers.driver.exit_codes import ExitCode

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """Of a process whose Ray cluster is away."""
    ours = {
        "SEGNAS_HOME": str(tmp_path),
        "SEGNAS_LOG_FORMAT": "json",
        "SEGNAS_RAY_DASHBOARD": "http://127.0.0.1:1",
        "SEGNAS_RECONCILE_SECONDS": "0.2",
        "PYTHONPATH": str(ROOT),
    }
    return {name: value for name, value in os.environ.items() if not name.startswith(("SEGNAS_", "RAY_"))} | ours


def parsed(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys(), line
    return lines


def test_a_service_logs_json_and_nothing_else(environment, tmp_path):
    command = [sys.executable, "-c", "import nas.cli; nas.cli.main()", "serve", "--port", "0"]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = _address(tmp_path)
        with Store.open(f"sqlite:///{tmp_path}/segnas.db") as store:
            search = store.create_search(BlackBoxSpec.model_validate(SPEC))[0].id
        with sqlite3.connect(tmp_path / "segnas.db") as database:
            database.execute("DROP TABLE trials")
        headers = {"X-Request-ID": "asked-by-a-test"}
        reply = httpx.get(f"{url}/v1/searches/{search}/trials/3", headers=headers)
        assert reply.status_code == 503, reply.text
        time.sleep(1.0)
        running.send_signal(signal.SIGTERM)
        out, errors = running.communicate(timeout=60)
    finally:
        running.kill()
    assert (out, running.returncode) == ("", 0)
    lines = parsed(errors)
    assert {"stdout", "uvicorn.error", "segnas.reconciler"} <= {line["logger"] for line in lines}
    assert any(line["message"].strip() == f"live page          {url}/" for line in lines)
    away = next(line for line in lines if line["message"].startswith("Ray cannot be used"))
    assert (away["level"], "search" in away) == ("WARNING", False)
    (failed,) = (line for line in lines if line["message"].startswith("the store failed"))
    assert (failed["request"], failed["search"], failed["trial"]) == ("asked-by-a-test", search, 3)


def test_a_mistake_in_the_settings_is_still_a_sentence(environment):
    command = [sys.executable, "-m", "api"]
    ended = subprocess.run(
        command, env=environment | {"SEGNAS_LOG_FORMAT": "yaml"}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "log_format" in ended.stderr
    assert "SEGNAS_LOG_FORMAT" in ended.stderr


DRIVER = """
import sys
from workers.driver import __main__ as driver

def away():
    print("(TrialProcess pid=7) a remark", file=sys.stderr)
    return False

driver._connect = away
sys.exit(driver.main(sys.argv[1:]))
"""
"""A driver whose Ray is away; another's might answer. What processes say, Ray's client prints on standard error."""


def test_a_driver_logs_json_and_nothing_else(environment, tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/segnas.db") as store:
        store.migrate()
        search = store.create_search(BlackBoxSpec.model_validate(SPEC))[0].id
    command = [sys.executable, "-c", DRIVER, search, "1"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.stderr, ended.returncode) == ("", ExitCode.RAY_AWAY)
    lines = parsed(ended.stdout)
    assert all((line["search"], line["driver"]) == (search, 1) for line in lines)
    assert [(line["logger"], line["level"], line["message"]) for line in lines] == [
        ("segnas.driver", "INFO", f"driver 1 of search {search}"),
        ("stderr", "WARNING", "(TrialProcess pid=7) a remark"),
    ]


def _address(home: Path) -> str:
    deadline = time.monotonic() + 120
    while (found := read_state(home / SERVER_FILE, RunningServer)) is None or not _answers(found.url):
        assert time.monotonic() < deadline, "the service did not start"
        time.sleep(0.1)
    return found.url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.HTTPError:
        return False
