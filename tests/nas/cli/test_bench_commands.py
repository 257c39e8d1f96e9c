"""`segnas bench`: reading a table needs no service, and making one reads the trials of searches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nas.heads_bench import open as open_table
from nas.heads_bench import write_table
from nas.heads_bench.build import build
from nas.kinds.reference import reference_trials
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import ReferenceSpec
from nas.store import Store
from tests.builders import measured, scenes_fidelity
from tests.nas.heads_bench.tables import LATENCY, RUNGS, cells, latencies, trainings


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    heads = cells()
    path = tmp_path_factory.mktemp("bench") / "small.zip"
    write_table(path, *build(trainings(heads), name="small", latency=LATENCY, latencies=latencies(heads)))
    return path


@pytest.fixture
def bench(command_at):
    """Run `segnas bench ...` where no service answers."""
    run = command_at("http://127.0.0.1:9")
    return lambda *arguments: run("bench", *arguments)


def test_info_says_what_is_in_the_table(bench, path):
    code, out, _ = bench("info", path)
    assert code == 0
    assert "heads    4" in out
    assert open_table(path).hash in out
    assert "scenes: 3 classes, seeds 0, 1, rungs 100, 300" in out
    assert json.loads(bench("info", path, "--json")[1])["licence"] == "CC-BY-4.0"
    assert bench("info", path, "--card")[1].startswith("# small")


def test_query_shows_every_seed_and_class(bench, path):
    key = cells()[2].key
    code, out, _ = bench("query", path, key[:10])
    assert code == 0
    assert key in out
    assert "1,002 parameters, 10,002 multiply-adds, 3.50 ms" in out
    assert "road" in out
    found = json.loads(bench("query", path, key, "--seed", 1, "--rung", 100, "--json")[1])
    assert found["seeds"] == {
        "1": open_table(path).query(key, "scenes", 1, 100)._asdict()
        | {"class_iou": list(open_table(path).query(key, "scenes", 1, 100).class_iou)}
    }


def test_query_takes_the_file_of_an_architecture(bench, path, tmp_path):
    head = open_table(path).heads[1]
    (tmp_path / "best.json").write_text(json.dumps(head.document))
    assert head.key in bench("query", path, tmp_path / "best.json")[1]


def test_top_lists_the_best_first(bench, path):
    found = json.loads(bench("top", path, "-n", 2, "--json")[1])
    assert [row["key"] for row in found] == [cells()[3].key, cells()[2].key]
    assert cells()[3].key[:12] in bench("top", path)[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("query", "{path}", "zz"), "no head of the table has a key that begins with 'zz'"),
        (("top", "{path}", "--dataset", "streets"), "the table has no data set 'streets'; it has scenes"),
        (("top", "{path}", "--rung", "7"), "the table has no rung 7 on scenes; it has 100, 300"),
        (("info", "{other}"), "is no table of heads"),
    ],
)
def test_a_mistake_is_one_sentence(bench, path, tmp_path, arguments, sentence):
    other = tmp_path / "other.zip"
    other.write_text("else")
    code, _, error = bench(*(one.format(path=path, other=other) for one in arguments))
    assert code == 1
    assert sentence in error
    assert error.count("\n") == 1


def test_export_makes_a_table_of_the_trials_of_searches(segnas, service, tmp_path):
    search_id = measured_search(service.store)
    code, out, error = segnas("bench", "export", search_id, "-o", tmp_path / "heads.zip", "--name", "mine")
    assert (code, error) == (0, "")
    table = open_table(tmp_path / "heads.zip")
    assert f"3 heads, 1 left out, hash {table.hash}" in out
    assert table.about.name == "mine"
    assert [(out.text, out.seed, out.reason) for out in table.about.left_out] == [("1x1", 1, "the loss is not finite")]
    head = cells()[2]
    found = table.query(head, "scenes", 1, 300)
    assert (found.score, found.seconds, found.parameters, found.multiply_adds) == (0.75, 30.0, 123, 456)
    assert found.class_iou == (0.75, None)


def measured_search(store: Store) -> str:
    """Record a reference search of four heads with two seeds, of which one training has failed."""
    spec = ReferenceSpec(name="heads", heads=cells(), seeds=2, fidelity=scenes_fidelity(*RUNGS))
    search, _ = store.create_search(spec)
    attempt = store.begin_driver(search.id)
    store.driver_started(search.id, attempt)
    for proposal in reference_trials(spec):
        store.add_trial(search.id, attempt, proposal)
        if proposal.number == 4:
            store.finish_trial(search.id, 4, 1, TrialStatus.FAILED, "the loss is not finite")
            continue
        for rung in RUNGS:
            score = rung / 400
            result = measured(rung, score, rung / 10, class_iou=(score, None), parameters=123, multiply_adds=456)
            store.record_measurement(search.id, proposal.number, 1, result)
        store.finish_trial(search.id, proposal.number, 1, TrialStatus.COMPLETED)
    store.finish_search(search.id, attempt, SearchStatus.COMPLETED)
    return search.id
