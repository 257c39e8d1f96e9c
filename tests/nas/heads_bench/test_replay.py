"""Measurements of a table as those of simulated trials."""

from __future__ import annotations

import pytest

from nas.heads_bench.build import build
from nas.heads_bench.file import write_table
from nas.heads_bench.replay import Replay
from nas.specs import DenseCellSpace
from tests.builders import dense_cell, scenes_fidelity
from tests.nas.heads_bench.tables import RUNGS, SEEDS, cells, score, trainings


@pytest.fixture(scope="module")
def replay(tmp_path_factory) -> Replay:
    path = tmp_path_factory.mktemp("bench") / "table.zip"
    return Replay(write_table(path, *build(trainings(cells()), name="small")), "scenes")


def test_a_curve_is_that_of_one_recorded_seed(replay):
    head = cells()[2]
    seen = set()
    for seed in range(20):
        curve = replay.curve(head, scenes_fidelity(*RUNGS), seed)
        assert [point.iteration for point in curve] == list(RUNGS)
        assert [point.seconds for point in curve] == [100 / 4 + 2, 300 / 4 + 2]
        assert [point.device_seconds for point in curve] == [point.seconds for point in curve]
        recorded = next(one for one in SEEDS if score(2, one, 300) == curve[-1].score)
        assert curve[0].score == score(2, recorded, 100), "one seed for the whole curve"
        assert curve == replay.curve(head, scenes_fidelity(*RUNGS), seed)
        seen.add(recorded)
    assert seen == set(SEEDS)


def test_what_the_table_does_not_have_is_refused(replay):
    with pytest.raises(ValueError, match="measured at another fidelity"):
        replay.curve(cells()[1], scenes_fidelity(100), 0)
    with pytest.raises(ValueError, match="no head of the table has a key"):
        replay.curve(dense_cell(99), scenes_fidelity(*RUNGS), 0)


def test_the_space_has_the_cells_and_no_reference_head(replay):
    assert replay.space(DenseCellSpace()).listed == cells()[1:]
