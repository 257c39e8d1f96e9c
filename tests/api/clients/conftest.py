"""A service with a token, what it holds, and what a generated client has to find there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

TOKEN = "a-secret-of-enough-length"
SCORES = (0.30, 0.50, 0.40, 0.60)
"""Of the trials 0 to 3 at the second rung; at the first one it is half of that."""

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """A service that others speak to, its document as a file, a search with scores, a calibration that runs."""

    service: Any
    document: Path
    search: str
    calibration: str


@pytest.fixture
def example(serving, home, tmp_path) -> Iterator[Example]:
    from nas.results.status import TrialStatus
    from nas.specs import CalibrationSpec

    with serving(home.model_copy(update={"token": SecretStr(TOKEN)})) as service:
        search = service.search(name="measured")
        for number, score in enumerate(SCORES):
            service.trial(search, number, score / 2, score, end=TrialStatus.COMPLETED)
        proxies = {"short": {"dataset": "scenes", "rungs": [70]}}
        spec = CalibrationSpec.model_validate(
            {"name": "proxies", "proxies": proxies, "full_scale": {"dataset": "scenes", "rungs": [700]}}
        )
        calibration = service.store.create_search(spec)[0].id
        document = tmp_path / "openapi.json"
        document.write_text(service.http.get("/openapi.json").text)
        yield Example(service, document, search, calibration)


@pytest.fixture
def generate() -> Callable[..., str]:
    """Run a generator that stands beside this Python; all that it prints."""
    path = {"PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}

    def run(command: str, *arguments: object) -> str:
        ended = subprocess.run(
            [str(Path(sys.executable).with_name(command)), *map(str, arguments)],
            env={**os.environ, **path},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        printed = ended.stdout + ended.stderr
        assert ended.returncode == 0, printed
        return printed

    return run


@pytest.fixture
def speak(example) -> Callable[[str, Path], dict[str, Any]]:
    """Run a script of this folder that uses the package generated in a folder; what it found, as JSON."""

    def run(script: str, folder: Path) -> dict[str, Any]:
        arguments = [example.service.url, TOKEN, example.search, example.calibration]
        ended = subprocess.run(
            [sys.executable, "-W", "error", str(HERE / script), *arguments],
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    return run


@pytest.fixture
def expect(example) -> Callable[[dict[str, Any]], None]:
    """Compare what a client found with what the service holds."""

    def compare(found: dict[str, Any]) -> None:
        service, search = example.service, example.search
        created = service.store.get_search(found["created"]["id"])
        assert found["created"] == {"id": created.id, "kind": "black_box", "status": "queued", "near_best": 0.25}
        assert (created.spec.name, created.spec.trials, created.spec.strategy.near_best) == ("generated", 7, 0.25)
        assert (created.spec.fidelity.crop, created.spec.fidelity.rungs) == ((129, 257), (10, 20))
        assert found["replayed"] == created.id
        assert service.store.get_search(found["by_name"]).spec.fidelity.rungs == (70,)
        listed = service.http.get("/v1/searches").json()["items"]
        assert found["listed"] == [[item["id"], item["kind"]] for item in listed if item["kind"] != "full_scale"]
        assert found["pages"] == [1, 1, 1, 1]
        assert found["got"] == {"id": search, "status": "running", "completed": 4, "best": SCORES[3]}
        assert found["leaderboard"] == [[3, 0.60], [1, 0.50], [2, 0.40], [0, 0.30]]
        assert found["curve"] == [[100, 0.30], [200, 0.60]]
        assert found["best"] == service.http.get(f"/v1/searches/{search}/best").json()
        assert found["best_of_deeplab"] == service.http.get(f"/v1/searches/{search}/best?format=deeplab").json()
        (child,) = service.store.children(search)
        assert found["full_scale"] == {"id": child.id, "of": search, "sampling": "top", "trials": [3, 1]}
        assert found["problems"] == {
            "missing": [404, "there is no search 's000000000000'", []],
            "wrong": [422, "seed: Input should be greater than or equal to 0", ["seed"]],
            "other request": [409, f"this Idempotency-Key was used for another request (search {created.id})", []],
            "no token": [401, "a bearer token is needed: send the header Authorization: Bearer <token>", []],
        }

    return compare
