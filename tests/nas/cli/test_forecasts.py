"""`segnas submit --dry-run` and `show`: what a search would cost, on the terminal and from Python."""

from __future__ import annotations

import contextlib
import json
import threading
import time

import pytest
import yaml

from nas.cli.forecasts import lines
from nas.client import Client
from nas.results.status import SearchStatus, TrialStatus
from nas.schemas.forecasts import ForecastPublic

pytestmark = pytest.mark.slow


@pytest.fixture
def own(serve, home):
    return serve(home)


@pytest.fixture
def spec(own, tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_text(yaml.safe_dump({**own.spec, "early_stopping": None}))
    return file


@pytest.fixture
def segnas(command_at, own):
    """Run a command against the service of this test: (exit code, standard output, standard error)."""
    return command_at(own.url)


def measure(service):
    search = service.search()
    service.trial(search, 0, 0.25, 0.5, end=TrialStatus.COMPLETED)


def test_a_dry_run_says_what_it_would_cost_beside_the_spec(segnas, own, spec):
    code, out, err = segnas("submit", spec, "--dry-run")
    assert code == 0
    assert json.loads(out)["trials"] == 20
    assert "fidelity: 20 trials: 20 to iteration 100, 20 to iteration 200" in err
    assert "forecast: none: nothing has been measured" in err
    measure(own)
    code, out, err = segnas("submit", spec, "--dry-run")
    assert (code, json.loads(out)["trials"]) == (0, 20)
    # 20 trials of 2 s on two devices, two at a time.
    assert "forecast: 80 s of device time, 20 s from first to last (1 trial at the same fidelity)" in err


def test_no_service_is_no_failure(segnas, spec, monkeypatch):
    monkeypatch.setenv("SEGNAS_URL", "http://127.0.0.1:9")
    code, out, err = segnas("submit", spec, "--dry-run")
    assert (code, json.loads(out)["trials"]) == (0, 20)
    assert err.startswith("no forecast: no service answers at http://127.0.0.1:9")
    code, _, err = segnas("submit", spec, "--dry-run", "--measure")
    assert (code, err.startswith("segnas: no service answers")) == (1, True)


def test_what_the_service_refuses_is_told(segnas, tmp_path):
    file = tmp_path / "other.yaml"
    file.write_text("name: x\nfidelity: {dataset: other}")
    code, _, err = segnas("submit", file, "--dry-run")
    assert (code, "known are: scenes" in err) == (2, True)


def test_measure_needs_a_dry_run(segnas, own, spec):
    code, _, err = segnas("submit", spec, "--measure")
    assert (code, err) == (1, "segnas: --measure goes with --dry-run: a search that is started measures itself\n")
    assert own.store.list_searches().items == ()


@contextlib.contextmanager
def driver(service, end):
    """Plays the driver of the first search that comes, in a thread."""

    def drive() -> None:
        while not (found := service.store.list_searches().items):
            time.sleep(0.02)
        search = found[0].id
        service.store.driver_started(search, service.store.begin_driver(search))
        for number in range(2):
            service.trial(search, number, 0.1, 0.2, 0.3, end=TrialStatus.COMPLETED)
        service.store.finish_search(search, 1, end, "as it was")

    thread = threading.Thread(target=drive)
    thread.start()
    yield
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_a_probe_is_run_first(segnas, own, spec):
    with driver(own, SearchStatus.COMPLETED):
        code, out, err = segnas("submit", spec, "--dry-run", "--measure")
    assert (code, json.loads(out)["trials"]) == (0, 20)
    probe = own.store.list_searches().items[0]
    assert probe.spec.name == "probe of a search"
    assert f"probe {probe.id} measures what steps cost" in err
    assert "forecast: 80 s of device time, 20 s from first to last (2 trials at a fidelity of the same cost" in err


def test_a_probe_that_fails_is_told(segnas, own, spec):
    with driver(own, SearchStatus.FAILED):
        code, _, err = segnas("submit", spec, "--dry-run", "--measure")
    assert code == 1
    assert "failed: as it was" in err


def test_show_has_the_forecast_beside_the_cost(segnas, own, spec):
    measure(own)
    search = segnas("submit", spec)[1].strip()
    shown = [line.strip() for line in segnas("show", search)[1].splitlines()]
    place = shown.index("cost  0.0 s of device time")
    assert shown[place + 1] == ("forecast  80 s of device time, 20 s from first to last (1 trial at the same fidelity)")


def test_the_client(own):
    with Client(own.url) as client:
        assert client.forecast(own.spec).device_seconds is None
        probe = client.measure(own.spec)
        assert (probe.name, probe.forecast) == ("probe of a search", None)
        measure(own)
        expected = client.forecast(own.spec)
        assert client.create_search(own.spec).forecast == expected


def test_parts_and_runs_have_lines_of_their_own():
    rungs = [{"iteration": 10, "trials": 12.0, "seconds": None, "measured": 0}]
    rungs += [{"iteration": 1000, "trials": 5.44, "seconds": None, "measured": 0}]
    part = {"path": "scoring", "trials": 12, "rungs": rungs, "basis": None, "measured": 0, "measured_to": None}
    runs = {"runs": 2, "epochs": 40, "device_seconds": None, "measured": 0}
    nothing = {"trials": 12, "device_seconds": None, "seconds": None, "basis": None, "reason": "why"}
    found = ForecastPublic.model_validate(
        {**nothing, "parts": [{**part, "seconds": None, "device_seconds": None}], "runs": runs}
    )
    assert list(lines(found)) == [
        "scoring: 12 trials: 12 to iteration 10, 5.4 to iteration 1000",
        "2 runs of 40 epochs",
        "forecast: none: why",
    ]
