"""full-scale, rank, calibrate, calibration against a real service; plots are pictures of some size."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from nas.cli.specs import read_model
from nas.client import Client, ClientError
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec, CalibrationSpec, FullScaleRequest
from tests.builders import dense_cell, measured

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[3] / "examples"

FULL = {"dataset": "scenes", "backbone": {"frozen": False}, "rungs": [1000]}
PROXY = (0.30, 0.50, 0.40, 0.60, 0.20, 0.70)
AT_FULL = (0.35, 0.52, 0.55, 0.62, 0.31, 0.60)
"""rho is 1 - 24 / 210 = 0.886: see tests/api/routes/test_rankings.py."""


@pytest.fixture
def file(tmp_path):
    """Write a mapping as YAML."""

    def write(content: dict[str, Any], name: str = "file.yaml") -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def search(service) -> str:
    """Six trials that completed, and one that was stopped early."""
    made = service.search()
    for number, score in enumerate(PROXY):
        service.trial(made, number, score / 2, score, end=TrialStatus.COMPLETED)
    service.trial(made, 6, 0.05, end=TrialStatus.PRUNED)
    return made


def measure(service, child: str, scores) -> None:
    """As the driver does, to the end."""
    attempt = service.store.begin_driver(child)
    service.store.driver_started(child, attempt)
    spec = service.store.get_search(child).spec
    for index, number in enumerate(spec.trials):
        architecture = service.store.get_trial(spec.of, number).architecture
        service.store.add_trial(child, attempt, Proposal(index, architecture, spec.fidelity, spec.seed))
        service.store.record_measurement(child, index, 1, measured(1000, scores[number], 80.0))
        service.store.finish_trial(child, index, 1, TrialStatus.COMPLETED)
    service.store.finish_search(child, attempt, SearchStatus.COMPLETED)


def calibrated(service, search: str) -> None:
    """Ten architectures at all fidelities; the short proxy swaps neighbours."""
    attempt = service.store.begin_driver(search)
    service.store.driver_started(search, attempt)
    spec = service.store.get_search(search).spec
    full = [n / 20 for n in range(10)]
    scores = {"long": full, "short": [full[n ^ 1] for n in range(10)], "full_scale": full}
    for turn, (name, values) in enumerate(scores.items()):
        fidelity = {**spec.proxies, "full_scale": spec.full_scale}[name]
        for index, score in enumerate(values):
            number, cell = turn * 10 + index, dense_cell(index)
            service.store.add_trial(search, attempt, Proposal(number, cell, fidelity, spec.seed))
            service.store.record_measurement(
                search, number, 1, measured(fidelity.iterations, score, fidelity.iterations / 10)
            )
            service.store.finish_trial(search, number, 1, TrialStatus.COMPLETED)
    first = next(iter(spec.proxies.values()))
    for index in range(10):
        synflow = {"synflow": (float(index % 4), 0.5)}
        service.store.add_training_free(search, attempt, dense_cell(index), first, spec.seed, synflow)
    service.store.finish_search(search, attempt, SearchStatus.COMPLETED)


CALIBRATION = {
    "name": "which",
    "architectures": 10,
    "proxies": {"long": {"dataset": "scenes", "rungs": [400]}, "short": {"dataset": "scenes", "rungs": [200]}},
    "full_scale": {"dataset": "scenes", "rungs": [4000]},
    "training_free": ["synflow"],
}


def sentence(result, code: int) -> str:
    ended, out, err = result
    assert (ended, out) == (code, ""), err
    assert err.startswith("segnas: ")
    assert len(err.strip().splitlines()) == 1
    return err


def test_full_scale_then_rank(segnas, service, file, search, tmp_path):
    code, out, _ = segnas("full-scale", search, "--fidelity", file(FULL), "--trials", "0,1, 2,3,#4,5")
    assert code == 0
    child = out.strip()
    assert "nothing is measured at full scale yet" in segnas("rank", search)[1]
    assert "nothing to draw" in segnas("rank", search, "--json", "--plot", tmp_path / "none.png")[2]
    measure(service, child, AT_FULL)
    plot = tmp_path / "ranking.png"
    code, out, err = segnas("rank", search[:9], "--full-scale", child, "--plot", plot)
    assert code == 0, err
    assert "Spearman  0.886, 95 % interval " in out
    assert "regret  0.0200 mIoU; the best at full scale has rank 2 in the search" in out
    assert "4.0 s of device time against 80 s: 5.0%" in out
    assert out.index("#3") < out.index("#5") < out.index("#2")
    assert f"wrote {plot}" in out
    with Image.open(plot) as picture:
        assert picture.size == (1440, 720)
        assert len(set(picture.convert("L").tobytes())) > 50
    as_json = json.loads(segnas("rank", search, "--json")[1])
    assert as_json["spearman"] == pytest.approx(1 - 24 / 210)


def test_the_ways_to_ask_for_full_scale(segnas, service, file, search):
    def asked(*options: object) -> Any:
        return service.store.get_search(segnas("full-scale", search, *options)[1].strip()).spec

    top = asked("--fidelity", file(FULL), "--top", 2, "--seeds", 3, "--name", "best")
    assert (top.trials, top.seeds, top.name) == ((5, 3), 3, "best")
    assert asked("--fidelity", file(FULL), "--stratified", 7).sampling == "stratified"
    request = {"fidelity": FULL, "choose": {"how": "top", "count": 3}, "resources": {"cpus": 2}, "seed": 9}
    whole = asked("--fidelity", file(request))
    assert (whole.trials, whole.resources.cpus, whole.seed) == ((5, 3, 1), 2, 9)
    assert asked("--fidelity", file(request), "--top", 1).trials == (5,)
    first, second = (segnas("full-scale", search, "--fidelity", file(request), "--key", "mine")[1] for _ in range(2))
    assert first == second


def test_full_scale_watched_to_its_end_says_the_ranking(segnas, service, file, search):
    def drive() -> None:
        while not (queued := service.store.children(search)):
            time.sleep(0.02)
        measure(service, queued[0].id, AT_FULL)

    driver = threading.Thread(target=drive)
    driver.start()
    code, out, err = segnas("full-scale", search, "--fidelity", file(FULL), "--trials", "0,1,2,3,4,5", "--watch")
    driver.join()
    assert code == 0, err
    assert "Spearman  0.886, 95 % interval " in out


def test_mistakes(segnas, file, search, service):
    fidelity = file(FULL)
    two = segnas("full-scale", search, "--fidelity", fidelity, "--top", 2, "--trials", "1")
    assert "take one of --stratified, --top and --trials" in sentence(two, 2)
    assert "numbers with commas" in sentence(segnas("full-scale", search, "--fidelity", fidelity, "--trials", "a"), 2)
    assert "7 have a score" in sentence(segnas("full-scale", search, "--fidelity", fidelity), 2)
    wrong = file({"dataset": "scenes", "rung": [3]}, "wrong.yaml")
    assert "fidelity.rung: unknown field; did you mean rungs?" in sentence(
        segnas("full-scale", search, "--fidelity", wrong), 2
    )
    assert f"segnas full-scale {search}" in sentence(segnas("rank", search), 1)
    assert "is no calibration" in sentence(segnas("calibration", search), 1)
    assert "proxies.long.rung" in sentence(
        segnas("calibrate", file({**CALIBRATION, "proxies": {"long": {"dataset": "scenes", "rung": 3}}}, "c.yaml")), 2
    )


def test_calibrate_watch_and_take_the_recommended(segnas, service, file, tmp_path):
    def drive() -> None:
        while not (queued := service.store.list_searches(kind="calibration", status=SearchStatus.QUEUED).items):
            time.sleep(0.02)
        calibrated(service, queued[0].id)

    dry = segnas("calibrate", file(CALIBRATION), "--dry-run", "--json")
    assert json.loads(dry[1])["spec"]["least_rho"] == 0.5
    driver = threading.Thread(target=drive)
    driver.start()
    code, out, err = segnas("calibrate", file(CALIBRATION), "--watch")
    driver.join()
    assert code == 0, err
    search = next(iter(service.store.list_searches(kind="calibration").items)).id
    assert f"take  short: fidelity: {search}" in out
    assert "short is the cheapest proxy" in out
    plot = tmp_path / "calibration.png"
    code, out, err = segnas("calibration", search, "--plot", plot)
    assert code == 0, err
    assert "synflow (training-free)" in out
    with Image.open(plot) as picture:
        assert picture.size == (1350, 780)
    assert json.loads(segnas("calibration", search, "--json")[1])["recommended"]["name"] == "short"
    # A spec by name goes to the server as it is; what can be checked here is.
    spec = file({"name": "named", "trials": 3, "fidelity": search}, "named.yaml")
    assert yaml.safe_load(json.loads(segnas("submit", spec, "--dry-run", "--json")[1])["yaml"])["fidelity"] == search
    named = segnas("submit", spec)[1].strip()
    assert service.store.get_search(named).spec.fidelity.rungs == (200,)
    assert "trails: unknown field" in sentence(
        segnas("submit", file({"name": "x", "trails": 3, "fidelity": search}, "w.yaml")), 2
    )
    assert "has no proxy 'none'" in sentence(
        segnas("submit", file({"name": "x", "fidelity": f"{search}/none"}, "n.yaml")), 2
    )


def test_nothing_to_draw_of_a_new_calibration(segnas, file, tmp_path):
    search = segnas("calibrate", file(CALIBRATION))[1].strip()
    code, out, err = segnas("calibration", search, "--plot", tmp_path / "c.png")
    assert (code, "none" in out) == (1, True)
    assert "there is nothing to draw: no correlation can be computed" in err


def test_the_python_client(service, search):
    with Client(service.url) as client:
        request = FullScaleRequest.model_validate({"fidelity": FULL, "choose": {"how": "top", "count": 6}})
        child = client.full_scale(search, request, "client")
        assert client.full_scale(search, request.model_dump(mode="json"), "client").id == child.id
        assert client.ranking(search).n == 0
        measure(service, child.id, AT_FULL)
        assert client.ranking(search, child.id) == client.ranking(search)
        assert client.ranking(search).spearman == pytest.approx(1 - 24 / 210)
        with pytest.raises(ClientError, match="is no full-scale evaluation"):
            client.ranking(search, search)
        made = client.create_calibration(CalibrationSpec.model_validate(CALIBRATION))
        calibrated(service, made.id)
        recommended = client.calibration(made.id).recommended
        assert recommended is not None
        assert recommended.name == "short"
        assert next(client.calibrations()).id == made.id
        assert client.create_search({"name": "x", "fidelity": f"{made.id}/long"}).spec.fidelities["fidelity"].rungs == (
            400,
        )


def test_the_examples_belong_together():
    calibration = read_model(CalibrationSpec, EXAMPLES / "calibration.yaml")
    full_scale = read_model(FullScaleRequest, EXAMPLES / "full_scale.yaml")
    scenes = read_model(BlackBoxSpec, EXAMPLES / "scenes.yaml")
    assert calibration.full_scale == full_scale.fidelity
    assert calibration.proxies["base"] == scenes.fidelity
    assert len(calibration.proxies) >= 4
    assert calibration.architectures >= 12
    assert not full_scale.fidelity.backbone.frozen
