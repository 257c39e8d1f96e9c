"""Asking a table: what was written is what is answered, and what is not in it is said in one sentence."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import numpy as np
import pytest

import nas.heads_bench
from nas.heads_bench import HeadsTable
from nas.heads_bench.build import build
from tests.nas.heads_bench.tables import LATENCY, RUNGS, SEEDS, cells, latencies, score, trainings


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> HeadsTable:
    heads = cells()
    made = build(trainings(heads), name="small", latency=LATENCY, latencies=latencies(heads))
    path = tmp_path_factory.mktemp("bench") / "small.zip"
    nas.heads_bench.write_table(path, *made)
    return nas.heads_bench.open(path)


def test_every_entry_is_what_was_measured(table):
    heads = cells()
    assert [head.key for head in table.heads] == [head.key for head in heads]
    for index, head in enumerate(heads):
        for seed in SEEDS:
            for rung in RUNGS:
                found = table.query(head.key, "scenes", seed, rung)
                assert found.score == score(index, seed, rung)
                assert found.seconds == rung / 4 + index
                assert found.class_iou == (found.score + 1 / 16, found.score - 1 / 16, None)
                assert (found.parameters, found.multiply_adds) == (1000 + index, 10_000 + index)
                known = index < len(heads) - 1
                assert found.latency_ms == (1.5 + index if known else None)
                assert found.latency_spread_ms == (0.25 if known else None)


def test_a_head_is_named_by_its_key_the_beginning_of_it_or_itself(table):
    head = cells()[2]
    expected = table.query(head.key, "scenes", 1, 300)
    assert table.query(head, "scenes", 1, 300) == expected
    assert table.query(head.key[:16], "scenes", 1, 300) == expected
    assert table.query(head.key, "scenes", 1) == expected, "the last rung"
    assert table.head(head.key).architecture == head


def test_top_is_by_the_mean_over_the_seeds(table):
    assert [(head.key, mean) for head, mean in table.top("scenes", 2)] == [
        (cells()[3].key, (score(3, 0, 300) + score(3, 1, 300)) / 2),
        (cells()[2].key, (score(2, 0, 300) + score(2, 1, 300)) / 2),
    ]
    assert table.means("scenes", 100).tolist() == [
        (score(index, 0, 100) + score(index, 1, 100)) / 2 for index in range(4)
    ]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("zz", "scenes", 0, 100), "no head of the table has a key that begins with 'zz'"),
        (("", "scenes", 0, 100), "no head of the table has a key that begins with ''"),
        ((None, "streets", 0, 100), "the table has no data set 'streets'; it has scenes"),
        ((None, "scenes", 7, 100), "the table has no seed 7 on scenes; it has 0, 1"),
        ((None, "scenes", 0, 150), "the table has no rung 150 on scenes; it has 100, 300"),
    ],
)
def test_what_is_not_there_is_said(table, asked, sentence):
    head, *rest = asked
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        table.query(table.heads[0].key if head is None else head, *rest)


def test_numbers_cannot_be_changed(table):
    with pytest.raises(ValueError, match="read-only"):
        table.numbers["scenes"].score[0, 0, 0] = 1


def test_a_query_takes_microseconds(table):
    keys = [head.key for head in table.heads]
    best = np.inf
    for _ in range(20):
        begun = time.perf_counter()
        for key in keys:
            table.query(key, "scenes", 1, 300)
        best = min(best, (time.perf_counter() - begun) / len(keys))
    assert best < 50e-6


def test_reading_needs_no_torch():
    code = "import sys, nas.heads_bench; sys.exit('torch' in sys.modules or 'optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
