"""The Pareto set on the command line."""

from __future__ import annotations

import json

import pytest

from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from search_spaces import read_architecture
from tests.builders import dense_cell, measured

POINTS = ((0.5, 1_000_000), (0.6, 30_000_000), (0.4, 2_000_000))


@pytest.fixture(scope="module")
def search(service):
    found = service.search(objectives=["miou", "multiply_adds"])
    fidelity = service.store.get_search(found).spec.fidelity
    for number, (score, count) in enumerate(POINTS):
        service.store.add_trial(found, 1, Proposal(number, dense_cell(number), fidelity, 0))
        service.store.record_measurement(found, number, 1, measured(fidelity.iterations, score, multiply_adds=count))
        service.store.finish_trial(found, number, 1, TrialStatus.COMPLETED)
    return found


def test_the_table(segnas, search):
    code, out, _ = segnas("pareto", search)
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [["#1", "0.6000", "30.0", "M"], ["#0", "0.5000", "1.0", "M"]]
    assert "mIoU (maximise)" in lines[0]
    assert [point["values"] for point in json.loads(segnas("pareto", search, "--json")[1])["items"]] == [
        [0.6, 30_000_000],
        [0.5, 1_000_000],
    ]


def test_export_writes_each_document(segnas, search, tmp_path):
    folder = tmp_path / "set"
    code, out, _ = segnas("export", search, "--pareto", "-o", folder)
    assert code == 0
    assert sorted(file.name for file in folder.iterdir()) == ["trial_0.json", "trial_1.json"]
    assert out.count("wrote") == 2
    document = read_architecture(folder / "trial_1.json")
    assert (document.provenance.search, document.provenance.trial) == (search, 1)
    assert document.architecture == dense_cell(1)
    code, out, _ = segnas("export", search, "--pareto", "-o", folder, "--json")
    assert (code, sorted(json.loads(out)["wrote"])) == (0, [str(folder / f"trial_{number}.json") for number in (0, 1)])


@pytest.mark.parametrize("options", [(), ("-o", "f", "--trial", "1"), ("-o", "f", "--format", "deeplab")])
def test_what_does_not_go_with_it_is_refused(segnas, search, options, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, err = segnas("export", search, "--pareto", *options)
    assert (code, out) == (2, "")
    assert "--pareto writes a file for each trial of the set: give a folder by -o, and nothing else" in err


def test_an_empty_set_is_one_sentence(segnas, service, tmp_path):
    empty = service.search()
    code, _, err = segnas("export", empty, "--pareto", "-o", tmp_path / "none")
    assert code == 1
    assert err == f"segnas: the Pareto set of search {empty} is empty: no trial is measured yet\n"
    assert not (tmp_path / "none").exists()


def test_latency_of_what_no_search_made_is_refused(segnas, tmp_path):
    file = tmp_path / "cell.json"
    file.write_text(json.dumps({"kind": "dense_cell", **dense_cell(0).model_dump(mode="json")}))
    code, _, err = segnas("latency", file)
    assert code == 1
    assert "does not say how the architecture was searched" in err
