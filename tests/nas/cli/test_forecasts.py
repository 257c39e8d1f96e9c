"""`segnas submit --dry-run` and `show`: what a search would cost, on the terminal and from Python."""

from __future__ import annotations

import contextlib
import json
import threading
import time

import pytest
import yaml

from nas.client import Client
from nas.results.status import SearchStatus, TrialStatus

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


def test_a_dry_run_is_a_few_lines(segnas, own, spec):
    code, out, err = segnas("submit", spec, "--dry-run")
    assert (code, err) == (0, "")
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == "search  a search: random on scenes"
    assert lines[1] == "trials  20, 2 at a time"
    at = "scenes, efficientnet_lite0 at stride 16, crop 513x513, batch 8"
    assert lines[2] == f"fidelity  {at}; 20 trials to iteration 100, 20 to 200"
    assert lines[3] == "cost  not known: nothing has been measured at a fidelity that costs the same"
    assert lines[4] == f"`segnas submit {spec} --dry-run --measure` measures the cost by a small probe"
    probe = "`segnas worth SPEC.yaml` measures 24 heads to iteration 100 with 2 seeds"
    assert lines[5] == f"worth it?  not asked yet; {probe}: its cost is not known"
    assert lines[6] == "warning  this service has no Ray cluster: the search would wait in the queue"
    assert lines[7] == "nothing was started; --json prints the whole spec"
    measure(own)
    code, out, err = segnas("submit", spec, "--dry-run")
    # 20 trials of 2 s on two devices, two at a time.
    expected = "80 s of device time, 20 s from the first trial to the last, preparation not counted"
    assert f"cost  {expected} (1 trial at the same fidelity)" in out
    assert "--measure" not in out
    assert own.store.list_searches().items[0].spec.name == "a search"
    assert len(own.store.list_searches().items) == 1


def test_a_dry_run_as_json_is_one_document(segnas, own, spec):
    code, out, err = segnas("submit", spec, "--dry-run", "--json")
    found = json.loads(out)
    assert (code, err, found["spec"]["trials"], found["trials"]) == (0, "", 20, 20)
    assert [fact["name"] for fact in found["facts"]] == ["search", "trials", "fidelity", "cost", "worth it?"]
    assert yaml.safe_load(found["yaml"])["fidelity"]["rungs"] == [100, 200]
    assert [problem["path"] for problem in found["warnings"]] == [""]


def test_no_service_is_no_failure(segnas, spec, monkeypatch):
    monkeypatch.setenv("SEGNAS_URL", "http://127.0.0.1:9")
    code, out, err = segnas("submit", spec, "--dry-run")
    assert (code, err) == (0, "")
    assert "fields  right" in out
    assert "not checked: no service answers at http://127.0.0.1:9" in out
    found = json.loads(segnas("submit", spec, "--dry-run", "--json")[1])
    assert found["spec"]["trials"] == 20
    assert "no service answers" in found["unchecked"]
    code, out, err = segnas("submit", spec, "--dry-run", "--measure")
    assert (code, out, err.startswith("segnas: no service answers")) == (1, "", True)


def test_what_the_service_refuses_is_told(segnas, tmp_path):
    file = tmp_path / "other.yaml"
    file.write_text("name: x\nfidelity: {dataset: other}")
    code, _, err = segnas("submit", file, "--dry-run")
    assert (code, "known are: scenes" in err) == (2, True)


def test_measure_needs_a_dry_run(segnas, own, spec):
    code, _, err = segnas("submit", spec, "--measure")
    assert (code, err) == (2, "segnas: --measure goes with --dry-run: a search that is started measures itself\n")
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
    assert code == 0
    probe = own.store.list_searches().items[0]
    assert probe.spec.name == "probe of a search"
    assert f"probe {probe.id} measures what steps cost" in err
    assert (
        "cost  80 s of device time, 20 s from the first trial to the last, preparation not counted "
        "(2 trials at a fidelity of the same cost" in out
    )


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
    assert shown[place + 1] == (
        "forecast  80 s of device time, 20 s from the first trial to the last, preparation not counted "
        "(1 trial at the same fidelity)"
    )


def test_the_client(own):
    with Client(own.url) as client:
        assert client.forecast(own.spec).device_seconds is None
        probe = client.measure(own.spec)
        assert (probe.name, probe.forecast) == ("probe of a search", None)
        measure(own)
        expected = client.forecast(own.spec)
        assert client.create_search(own.spec).forecast == expected
