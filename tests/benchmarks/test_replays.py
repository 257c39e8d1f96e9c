"""Replays on scores whose truth is known, and what is taken of a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nas.heads_bench
from benchmarks import calibration_replays, worth_replays
from benchmarks._recorded import Recorded, generated, recorded
from benchmarks.rung_relation import relate
from nas.heads_bench.build import build
from nas.heads_bench.file import write_table
from nas.ranking.worth import Planned
from nas.specs.confirmation import textbook_heads
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import Architecture
from search_spaces.reference.architecture import ReferenceHead
from tests.builders import dense_cell, scenes_fidelity
from tests.nas.heads_bench.tables import trainings


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """Two random cells, the published one, an ASPP of the fidelity's width, one of half of it, and a head without."""
    heads: list[Architecture] = [
        dense_cell(0),
        PUBLISHED_CELL,
        ReferenceHead(name="aspp"),
        ReferenceHead(name="aspp", channels=128),
        ReferenceHead(name="conv1x1"),
        dense_cell(1),
    ]
    path = tmp_path_factory.mktemp("table") / "heads.zip"
    write_table(path, *build(list(trainings(heads)), name="some heads"))
    return path


def test_a_width_that_is_left_to_the_fidelity_is_the_fidelitys(table):
    opened = nas.heads_bench.open(table)
    of = recorded(opened, "scenes")
    texts = {place: opened.heads[place].text for place in of.references}
    assert len(texts) == 3, texts
    assert not any("1x1" in text and "ASPP" not in text and "DPC" not in text for text in texts.values()), texts
    assert {opened.heads[place].key for place in of.cells} == {dense_cell(0).key, dense_cell(1).key}
    assert scenes_fidelity().head.channels == 256
    assert len(textbook_heads(scenes_fidelity(), 256)) == 6, "three are not in the table"


def test_the_relation_of_generated_rungs_is_the_one_that_they_were_drawn_with():
    of = generated(np.random.default_rng(0), cells=3000, references=100, family=0.0)
    found = relate(of, 0)
    assert found.rho == pytest.approx(0.8, abs=0.03)
    assert found.growth == pytest.approx(1, abs=0.05)
    assert found.noise == pytest.approx(0.035, rel=0.05)
    assert found.quieter == pytest.approx(0.008 / 0.035, rel=0.05)
    assert found.family == pytest.approx(0, abs=0.2)


def handmade(found: float, reference: float) -> Recorded:
    """Three cells and two heads, two seeds, one rung before the last; the last cell is best with seed 0 only."""
    scores = np.array(
        [
            [[0.1, 0.5], [0.1, 0.5]],
            [[0.2, 0.6], [0.2, found]],
            [[0.9, 0.1], [0.9, 0.1]],
            [[0.3, reference], [0.3, reference]],
            [[0.3, 0.9], [0.3, 0.9]],
        ]
    )
    sizes = np.array([1e7, 1e7, 1e7, 1.2e7, 9e7])
    return Recorded("by hand", (100, 200), scores, scores, sizes, np.arange(3), np.array([3, 4]))


def test_what_was_gained_by_hand():
    """Cell 1 is found with whichever seed it has, and judged by the other one, against the head of its size."""
    rng = np.random.default_rng(0)
    every = Planned(3, 1.0, 100, 200)
    gains = {round(worth_replays.search(handmade(0.7, 0.4), every, 0, rng), 6) for _ in range(20)}
    assert gains == {0.3, 0.2}, "0.7 - 0.4 with seed 0, 0.6 - 0.4 with seed 1"
    halved = Planned(3, 1 / 3, 100, 200)
    assert worth_replays.search(handmade(0.7, 0.4), halved, 0, rng) == pytest.approx(0.1 - 0.4), (
        "the first rung misleads"
    )
    alone = replace(handmade(0.7, 0.4), multiply_adds=np.array([1e7, 1e7, 1e7, 9e7, 9e7]))
    assert worth_replays.search(alone, every, 0, rng) < 0, "none is of its size, so the best of all counts"


def test_which_choices_are_right_by_hand():
    truth = {"25": 0.5, "50": 0.77, "100": 0.83}
    right = calibration_replays.acceptable
    assert right(truth, 0.8) == ("100",)
    assert right(truth, 0.8, 0.05) == ("50", "100", None), "each of the two may count as enough and as not enough"
    assert right({**truth, "100": 0.9}, 0.8, 0.05) == ("50", "100")
    assert right(truth, 0.5) == ("25",)
    assert right(truth, 0.9, 0.05) == (None,)


def test_settings_leave_out_what_the_table_cannot_give():
    of = generated(np.random.default_rng(0), cells=50)
    found = worth_replays.settings(of, [12, 60])
    assert list(found) == [50, 100, 200], "the last rung is no first one"
    assert [(planned.trials, planned.keep) for planned in found[50]] == [(12, 1.0), (12, 1 / 3)]


@pytest.mark.slow
def test_rows_of_replays(capsys):
    of = generated(np.random.default_rng(0), shape=0.0)
    (row,) = worth_replays.replay(of, 100, [Planned(60, 1.0, 100, 400)], 30)
    assert 0.5 <= row.covered <= 1
    assert row.no + row.yes <= 30
    assert "| 100 | 60 | all | +0." in worth_replays.line(row)
    assert "of 30 replays" in worth_replays.summary([row])
    assert worth_replays.totals([row, row]).splitlines()[-1].startswith("| generated | 100 | 60 | ")
    calibration_replays.main(["--replays", "3"])
    assert capsys.readouterr().out.count("\n") == 2 + len(calibration_replays.GENERATED)
