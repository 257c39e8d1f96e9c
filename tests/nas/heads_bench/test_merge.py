"""Tables that were recorded apart become one, and what cannot stand side by side is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nas.heads_bench import HeadsTable, write_table
from nas.heads_bench.build import build
from nas.heads_bench.merge import merge
from nas.specs import Fidelity
from search_spaces.document import Architecture
from tests.builders import scenes_fidelity
from tests.nas.heads_bench.tables import LATENCY, RUNGS, cells, latencies, score, trainings


@pytest.fixture
def table(tmp_path):
    """Make a table of some heads."""

    def make(heads: Sequence[Architecture], fidelity: Fidelity | None = None, **about: Any) -> HeadsTable:
        made = build(trainings(heads, fidelity), **{"name": "small", "latencies": latencies(heads), **about})
        return write_table(tmp_path / "table.zip", *made)

    return make


def test_heads_of_both_stand_in_the_order_in_which_they_come(table, tmp_path):
    every = cells(6)
    one, other = table(every[:4], latency=LATENCY), table(every[2:], latency=LATENCY, name="late")
    joined = write_table(tmp_path / "joined.zip", *merge([one, other]))
    assert [head.key for head in joined.heads] == [head.key for head in every]
    assert joined.about.name == "small"
    of = joined.numbers["scenes"]
    assert of.score[3, 1].tolist() == [score(3, 1, rung) for rung in RUNGS], "of the first table that has the head"
    assert of.score[5, 1].tolist() == [score(3, 1, rung) for rung in RUNGS], "the last of the second"
    assert of.parameters.tolist() == [1000, 1001, 1002, 1003, 1002, 1003]
    assert joined.query(every[4].key, "scenes", 0, RUNGS[0]).latency_ms == 3.5


def test_one_table_stays_what_it_is(table, tmp_path):
    one = table(cells(), latency=LATENCY)
    assert write_table(tmp_path / "same.zip", *merge([one])).hash == one.hash


def test_latencies_that_were_measured_otherwise_are_left_out(table):
    one, other = (
        table(cells(6)[:3], latency=LATENCY),
        table(cells(6)[3:], latency=LATENCY.model_copy(update={"model": "another processor"})),
    )
    about, _, numbers = merge([one, other], "both")
    assert (about.name, about.latency) == ("both", LATENCY)
    assert np.isnan(numbers["scenes"].latency_ms[:, 0]).tolist() == [False, False, True, True, True, True]


def test_a_first_table_without_latencies_takes_none_from_the_next(table):
    about, _, numbers = merge([table(cells(6)[:3], latencies={}), table(cells(6)[3:], latency=LATENCY)])
    assert about.latency == LATENCY
    assert np.isnan(numbers["scenes"].latency_ms[:, 0]).tolist() == [True, True, True, False, False, True]


def test_a_head_that_one_table_lacks_is_not_left_out_when_another_has_it(tmp_path, table):
    every = cells(4)
    lacking = [
        training for training in trainings(every[:3]) if not (training.seed and training.architecture == every[1])
    ]
    one = write_table(tmp_path / "one.zip", *build(lacking, name="one"))
    assert [out.key for out in one.about.left_out] == [every[1].key]
    assert merge([one, table(every[3:])])[0].left_out == one.about.left_out
    about, heads, _ = merge([one, table(every[1:])])
    assert about.left_out == ()
    assert {head.key for head in heads} == {head.key for head in every}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fidelity": scenes_fidelity(*RUNGS, batch=4)}, "on scenes its fidelity differ: [0-9a-f]{12} instead of"),
        ({"fidelity": scenes_fidelity(*RUNGS, dataset="brain")}, "it has the data sets brain, and table 1 has scenes"),
        ({"licence": "MIT"}, "its licence is MIT, and table 1 has CC-BY-4.0"),
    ],
)
def test_tables_of_different_settings_are_refused(table, change, sentence):
    one, other = table(cells()), table(cells(), name="odd", **change)
    with pytest.raises(ValueError, match=rf"table 2 \(odd\) cannot join table 1 \(small\): {sentence}"):
        merge([one, other])


def test_other_seeds_are_refused(table, tmp_path):
    other = write_table(tmp_path / "other.zip", *build(trainings(cells(), seeds=(0, 1, 2)), name="more"))
    with pytest.raises(ValueError, match="on scenes its seeds differ: 0, 1, 2 instead of 0, 1"):
        merge([table(cells()), other])
