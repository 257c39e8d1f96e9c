"""Regret curves and costs of simulated searches, by hand."""

from __future__ import annotations

import math

import pytest

from benchmarks.strategies.regret import band, ratio, reached
from benchmarks.strategies.runs import Arena, Job, Run, Step, Track, _statements, run_all
from nas.heads_bench.build import build
from nas.heads_bench.file import write_table
from nas.specs import DenseCellSpace
from tests.nas.heads_bench.tables import cells, score, trainings

NEVER = (math.inf, math.inf)


def run_of(*steps: tuple[int, float, float]) -> Run:
    return Run(tuple(Step(trials, seconds, seconds, regret) for trials, seconds, regret in steps), NEVER, NEVER)


def test_a_band_has_the_quartiles_at_every_trial():
    runs = [
        run_of((1, 10.0, 0.4), (3, 30.0, 0.0), (4, 40.0, 0.0)),
        run_of((1, 10.0, 0.2), (4, 40.0, 0.1)),
        run_of((2, 10.0, 0.3), (4, 40.0, 0.3)),
    ]
    found = band(runs, "trials")
    assert found.at == [2, 3, 4], "from where all have a regret"
    assert found.median == [0.3, 0.2, 0.1]
    assert found.low == pytest.approx([0.25, 0.1, 0.05])
    assert found.high == pytest.approx([0.35, 0.25, 0.2])


def test_a_band_over_seconds_ends_with_the_first_run_that_ends():
    found = band([run_of((1, 1.0, 0.5), (2, 100.0, 0.0)), run_of((1, 4.0, 0.5), (2, 64.0, 0.25))], "device_seconds")
    assert (found.at[0], found.at[-1]) == pytest.approx((4.0, 64.0))
    assert found.median[0] == 0.5
    assert found.median[-2] == 0.5, "a step holds until the next"


def test_ratios_of_mean_costs():
    found = ratio([1.0] * 50, [4.0] * 50)
    assert found == (0.25, 0.25, 0.25)
    spread = ratio([float(cost) for cost in range(1, 51)], [float(cost) for cost in range(1, 51)])
    assert spread.value == 1
    assert spread.low is not None
    assert spread.high is not None
    assert 0.7 < spread.low < 1 < spread.high < 1.4
    assert ratio([1.0, math.inf], [4.0, 4.0]) == (None, None, None)


def test_costs_of_runs_that_did_not_get_there_are_not_averaged():
    found = reached([3.0, 1.0, math.inf, 2.0])
    assert found == {"runs": 4, "reached": 3, "mean": None, "quartile_1": 2.0, "median": 3.0, "quartile_3": None}
    assert reached([1.0, 3.0])["mean"] == 2


@pytest.mark.slow
def test_a_run_on_a_table_ends_without_regret_and_is_found_again(tmp_path, capfd):
    heads = cells(7)  # the 1x1 head and six cells, the later the better
    table = tmp_path / "table.zip"
    write_table(table, *build(trainings(heads), name="small"))
    arena = Arena(str(table), "scenes", DenseCellSpace(), None)
    track = Track(arena)
    job = Job("random", {"strategy": {"name": "random"}, "early_stopping": None}, 2, 5)
    run = track.run(job)
    means = {head.key: (score(index, 0, 300) + score(index, 1, 300)) / 2 for index, head in enumerate(heads)}
    assert track.means == {head.key: means[head.key] for head in heads[1:]}
    assert track.best == track.good == means[heads[-1].key]
    assert run.steps[-1].trials == 6
    assert run.steps[-1].regret == 0
    assert run.steps[-1].device_seconds == sum(300 / 4 + index for index in range(1, 7))
    assert run.measured == run.returned, "the best cell is the best with either seed"
    assert 1 <= run.measured[0] <= 6
    assert track.run(job) == run
    file = tmp_path / "runs.jsonl"
    assert run_all(arena, [job], file, 1) == {job.identity: run}
    lines = file.read_text()
    file.write_text(lines + '\n{"key": "cut o')
    assert run_all(arena, [job], file, 1) == {job.identity: run}
    assert file.read_text() == lines + '\n{"key": "cut o'


def test_runs_are_found_again_until_a_statement_changes():
    source = '"""What it is."""\n\ndef half(x: float) -> float:\n    """Half."""\n    return x / 2  # exactly\n'
    assert _statements(source) == _statements("def half(x: float) -> float:\n    return x / 2\n")
    assert _statements(source) != _statements(source.replace("/ 2", "/ 3"))
    assert _statements('def nothing():\n    """Does nothing."""\n') == "def nothing():\n    pass"
