"""The panels of an analysis from numbers that can be checked by hand."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.panels.choices import choices_of, choices_panel
from nas.panels.failures import failures_panel
from nas.panels.front import front_panels
from nas.panels.importance import FEWEST, importance_panel, importances
from nas.panels.rungs import rungs_panels
from nas.panels.sampling import SAMPLE, every, sample_text
from nas.panels.spending import spending_panel
from nas.panels.timeline import rows_of, timeline_panel
from nas.results.status import TrialStatus as T
from nas.schemas.panels import (
    BarsPanel,
    ChoicesPanel,
    LinesPanel,
    RowPanel,
    ScatterPanel,
    SpansPanel,
    TablePanel,
    TextPanel,
)
from nas.specs import AutoDeepLabSpace, DenseCellSpace
from nas.store.figures import Failure, RungCount, RungPoint, SizedScore, TrialSpan
from nas.store.records import TrialRecord
from search_spaces.auto_deeplab import space as networks
from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block, Edge
from search_spaces.dense_cell.architecture import EXTENDED_OPERATORS, Branch, DenseCell
from search_spaces.dense_cell.space import sample
from search_spaces.document import architecture_to_dict
from search_spaces.reference.architecture import ReferenceHead
from tests.builders import dense_cell, trial_record

GLORE = Branch(input=-1, operator=EXTENDED_OPERATORS[-1])
SKIPS = Block(edges=(Edge(input=0, operator="skip"), Edge(input=1, operator="skip")))


def test_charts_of_sizes():
    trials = [
        SizedScore(0, 0.5, 100, 7),
        SizedScore(1, 0.4, 50, 9),
        SizedScore(2, 0.3, 999, 8),
        SizedScore(3, 0.2, 60, 7),
    ]
    parameters, multiply_adds = front_panels(trials, "mIoU", 300, 2).panels
    assert isinstance(parameters, ScatterPanel)
    assert isinstance(multiply_adds, ScatterPanel)
    assert [(p.x, p.y, p.mark) for p in parameters.points] == [
        *((100, 0.5, "best"), (50, 0.4, "best")),
        (999, 0.3, "completed"),  # 3 is neither on the front nor a multiple of 2
    ]
    assert parameters.points[2].text == "trial 2: 0.3000, 999 parameters"
    assert parameters.lines[0].points == ((50, 0.4), (100, 0.5))
    assert parameters.x_log, "999 is more than 10 times 50"
    assert not multiply_adds.x_log
    assert [(p.x, p.mark) for p in multiply_adds.points] == [(7, "best"), (8, "completed")]
    assert parameters.title == "mIoU against parameters, at iteration 300"


def test_rungs_count_who_reached_them_and_how_scores_spread():
    counts = [
        RungCount(T.COMPLETED, 300, 4),
        RungCount(T.PRUNED, 100, 7),
        RungCount(T.PRUNED, 200, 2),
        RungCount(T.FAILED, 100, 1),
        RungCount(T.FAILED, None, 3),
        RungCount(T.RUNNING, 200, 1),
    ]
    points = {n: [RungPoint(100, score, 1.0)] for n, score in enumerate((0.1, 0.2, 0.3, 0.4, 0.5))}
    points[4].append(RungPoint(200, 0.6, 2.0))
    row, note = rungs_panels((100, 200, 300), counts, points, "which trials these are")
    assert isinstance(row, RowPanel)
    table, chart = row.panels
    assert isinstance(table, TablePanel)
    assert table.rows == (
        ("100", "15", "7", "1", "0.3000", "0.2000 to 0.4000", "0.5000"),
        ("200", "7", "2", "0", "0.6000", "0.6000 to 0.6000", "0.6000"),
        ("300", "4", "0", "0", "", "", ""),
    )
    assert isinstance(chart, LinesPanel)
    assert {line.text: line.points for line in chart.lines} == {
        "lower quartile": ((100, 0.2), (200, 0.6)),
        "median": ((100, 0.3), (200, 0.6)),
        "upper quartile": ((100, 0.4), (200, 0.6)),
        "best": ((100, 0.5), (200, 0.6)),
    }
    assert isinstance(note, TextPanel)
    assert note.lines == ("which trials these are",)


def test_one_rung_has_no_chart():
    (table, _) = rungs_panels((100,), [RungCount(T.COMPLETED, 100, 1)], {0: [RungPoint(100, 0.5, 1.0)]}, "")
    assert isinstance(table, TablePanel)
    assert table.rows[0][4:] == ("0.5000", "0.5000 to 0.5000", "0.5000")


def test_a_timeline():
    spans = [
        TrialSpan(3, T.COMPLETED, 1000.0, 1030.0, 1030.0),
        TrialSpan(4, T.FAILED, 1010.0, 1020.0, 1020.0),
        TrialSpan(5, T.RUNNING, 1020.0, 1025.0, None),
        TrialSpan(6, T.PRUNED, 1030.0, 1240.0, 1240.0),
    ]
    panel = timeline_panel(spans, 7)
    assert isinstance(panel, SpansPanel)
    assert [(s.start, s.end, s.row, s.mark) for s in panel.spans] == [
        (0.0, 0.5, 0, "completed"),
        (10 / 60, 20 / 60, 1, "failed"),
        (20 / 60, 4.0, 1, "running"),  # up to the last change of any trial
        (0.5, 4.0, 0, "pruned"),
    ]
    assert panel.spans[2].text == "trial 5: running, 3.7 min"
    assert panel.x_text == "minutes since trial 3 began"
    assert [entry.text for entry in panel.legend] == ["completed", "pruned", "failed", "running"]
    assert panel.notes == (
        "The newest 4 of 7 trials. A row is a place that one trial after the other took. Rows 1 to 2: of trials whose "
        "node is not known.",
    )


def test_each_node_has_rows_of_its_own_in_a_timeline():
    spans = [
        TrialSpan(0, T.COMPLETED, 0.0, 30.0, 30.0, "b"),
        TrialSpan(1, T.COMPLETED, 1.0, 20.0, 20.0, "a"),
        TrialSpan(2, T.FAILED, 2.0, 9.0, 9.0),
        TrialSpan(3, T.COMPLETED, 21.0, 30.0, 30.0, "a"),
        TrialSpan(4, T.RUNNING, 22.0, 22.0, None, "b"),
    ]
    panel = timeline_panel(spans, 5)
    assert isinstance(panel, SpansPanel)
    assert [span.row for span in panel.spans] == [1, 0, 3, 0, 2]
    assert panel.spans[0].text == "trial 0 on b: completed, 30 s"
    assert panel.notes == (
        "A row is a place that one trial after the other took. a: row 1; b: rows 2 to 3. Row 4: of trials whose node "
        "is not known.",
    )


@pytest.mark.parametrize(("seconds", "unit"), [(119, "seconds"), (120, "minutes"), (7200, "hours"), (172800, "days")])
def test_the_unit_of_a_timeline_suits(seconds, unit):
    panel = timeline_panel([TrialSpan(0, T.COMPLETED, 5.0, 5.0 + seconds, 5.0 + seconds)], 1)
    assert isinstance(panel, SpansPanel)
    assert panel.x_text.startswith(unit)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=12))
def test_rows_are_as_many_as_run_at_the_same_time(given_spans):
    spans = [(float(start), float(start + length)) for start, length in given_spans]
    rows = rows_of(spans)
    for a, first in enumerate(spans):
        for b in range(a):
            overlap = first[0] < spans[b][1] and spans[b][0] < first[1]
            assert not (overlap and rows[a] == rows[b])
    at_once = max((sum(s <= moment < e for s, e in spans) for moment, _ in spans), default=0)
    assert len(set(rows)) == at_once


def test_cost_beside_its_forecast():
    panel = spending_panel(50.0, ended=5, planned=20, forecast={"device_seconds": 100.0, "basis": "2 trials"})
    assert [(bar.text, bar.value, bar.value_text) for bar in panel.bars] == [
        ("so far", 0.25, "50 s"),
        ("all, at the mean so far", 1.0, "3.3 min"),
        ("all, by the forecast", 0.5, "1.7 min"),
    ]
    assert panel.notes == ("The forecast rests on 2 trials.",)
    over = spending_panel(50.0, ended=20, planned=20, forecast={"device_seconds": None, "reason": "nothing alike ran"})
    assert [bar.text for bar in over.bars] == ["so far"]
    assert over.notes == ("The forecast had no cost: nothing alike ran.",)
    assert spending_panel(0.0, 0, 9, None).bars[0].value == 0
    assert spending_panel(0.0, 0, 9, None).notes == ("No forecast was made when the search was created.",)


def test_failures_by_reason():
    panel = failures_panel([Failure("NaN", 1200, 3), Failure(None, 2, 7)], 1205)
    assert panel.title == "Failed trials: 1,205"
    assert panel.rows == (("NaN", "1,200", "#3"), ("no reason is known", "2", "#7"), ("other reasons", "3", ""))
    assert failures_panel([Failure("NaN", 2, 0)], 2).rows == (("NaN", "2", "#0"),)


def _trial(number: int, score: float, branches: int = 2, **changes: object) -> TrialRecord:
    cell = dense_cell(number, branches).canonical()
    return trial_record(
        number, score, architecture_json=architecture_to_dict(cell), architecture_key=cell.key, **changes
    )


def test_choices_of_trials():
    space = DenseCellSpace(branches=2)
    trials = [_trial(number, score) for number, score in ((0, 0.5), (1, 0.7), (2, 0.6))]
    panel = choices_panel(space, trials, "mIoU", 200, 1, ("a note",))
    assert isinstance(panel, ChoicesPanel)
    texts = ["input of branch 1", "kind of operator of branch 0", "operator of branch 0"]
    assert [choice.text for choice in panel.choices] == [*texts, *(t.replace("0", "1") for t in texts[1:])]
    assert panel.choices[0].values == ("F", "0")
    assert panel.choices[1].values == ("1x1", "sep", "pool")
    assert len(panel.choices[2].values) == 81
    assert [(trial.number, trial.mark) for trial in panel.trials] == [(0, "completed"), (2, "completed"), (1, "best")]
    for trial in panel.trials:
        named = [choice.values[value] for choice, value in zip(panel.choices, trial.values, strict=True)]
        # "0:sep6x3(F)  1:pool8x1(0)"
        first, second = trials[trial.number].text.split("  ")
        assert first == f"0:{named[2]}(F)"
        assert second == f"1:{named[4]}({named[0]})"
        assert named[2].startswith(named[1].replace("1x1", "conv"))


def test_choices_of_a_space_with_levels_and_widths():
    space = DenseCellSpace(branches=1, levels=(8, 16), channels=(16, 32))
    choices = choices_of(space)
    assert {choice.text: tuple(choice.values.values()) for choice in choices.all if len(choice.values) < 9} == {
        "input of branch 0": ("F16", "F8"),
        "kind of operator of branch 0": ("1x1", "sep", "pool"),
        "width": ("16", "32"),
    }


def test_what_decides_the_score_is_important_and_the_rest_is_not():
    rng = random.Random(1)
    space = DenseCellSpace(branches=2)
    trials: list[TrialRecord] = []
    for number in range(200):
        cell = sample(2, rng).canonical()
        reads_first = cell.branches[1].input == 0
        score = 0.5 * reads_first + 0.4 * rng.random()
        trials.append(
            trial_record(number, score, architecture_json=architecture_to_dict(cell), architecture_key=cell.key)
        )
    first, *others = importances(space, trials)
    assert first.text == "input of branch 1"
    assert first.value > 3 * first.chance
    assert all(other.above < first.above / 3 for other in others)
    assert sum(one.value for one in (first, *others)) == pytest.approx(1)
    panel = importance_panel(space, trials, ("which trials",))
    assert isinstance(panel, BarsPanel)
    assert panel.bars[0].value == 1
    assert panel.notes[-1] == "which trials"


def test_choices_of_networks_are_edges_and_strides_of_layers():
    space = AutoDeepLabSpace(layers=3, levels=2, blocks=1, operators=("sep_3x3", "skip"))
    choices = choices_of(space)
    assert {choice.name: list(choice.values.values()) for choice in choices.all} == {
        **{"input_0_0": ["H[l-1]", "H[l-2]"], "operator_0_0": ["sep_3x3", "skip"]},
        **{"input_0_1": ["H[l-1]", "H[l-2]"], "operator_0_1": ["sep_3x3", "skip"]},
        **{"layer_0": ["4", "8"], "layer_1": ["4", "8"], "layer_2": ["4", "8"]},
    }
    edges = (Edge(input=0, operator="skip"), Edge(input=1, operator="sep_3x3"))
    network = AutoDeepLab(blocks=(Block(edges=edges),), path=(0, 1, 0))
    assert choices.of(network) == {
        **{"input_0_0": 0, "operator_0_0": "skip", "input_0_1": 1, "operator_0_1": "sep_3x3"},
        **{"layer_0": 0, "layer_1": 1, "layer_2": 0},
    }
    trials = [trial_record(0, 0.5, architecture_json=network.model_dump(mode="json"))]
    panel = choices_panel(space, trials, "mIoU", 200, 0, ())
    assert isinstance(panel, ChoicesPanel)
    assert panel.trials[0].values == (0, 1, 0, 0, 1, 1, 0), "the layers first"
    assert [choice.group for choice in panel.choices] == [*3 * ["strides of the layers"], *4 * ["block 0 of the cell"]]


def test_strides_of_all_layers_are_drawn_on_one_scale():
    """A layer that cannot be at a stride has its place on the axis, and not among its values."""
    space = AutoDeepLabSpace(layers=2, levels=3, blocks=1)
    first, second, *_ = choices_of(space).all
    assert (list(first.values.values()), list(second.values.values())) == (["4", "8"], ["4", "8", "16"])
    block = Block(edges=(Edge(input=0, operator="skip"), Edge(input=1, operator="skip")))
    network = AutoDeepLab(blocks=(block,), path=(1, 2))
    trials = [trial_record(0, 0.5, architecture_json=network.model_dump(mode="json"))]
    panel = choices_panel(space, trials, "mIoU", 200, 0, ())
    assert isinstance(panel, ChoicesPanel)
    assert [choice.values for choice in panel.choices[:2]] == [("4", "8", "16")] * 2
    assert panel.trials[0].values[:2] == (1, 2)


def test_importance_of_trials_that_are_all_equal():
    found = importances(DenseCellSpace(branches=2), [_trial(number, 0.5) for number in range(FEWEST)])
    assert {one.text for one in found} >= {"input of branch 1", "operator of branch 0"}


def test_importance_needs_trials():
    panel = importance_panel(DenseCellSpace(branches=2), [_trial(n, 0.5) for n in range(FEWEST - 1)], ())
    assert isinstance(panel, TextPanel)
    assert panel.lines == ("importance needs 50 trials with a score; there are 49",)


@pytest.mark.parametrize(
    ("space", "foreign"),
    [
        (DenseCellSpace(branches=2), DenseCell(branches=(GLORE, GLORE))),
        (DenseCellSpace(branches=2), dense_cell(0).model_copy(update={"levels": (8, 16)})),
        (DenseCellSpace(branches=2), dense_cell(0)),
        (DenseCellSpace(branches=2), ReferenceHead(name="aspp")),
        (AutoDeepLabSpace(layers=2, levels=2, blocks=1), AutoDeepLab(blocks=(SKIPS,), path=(1, 2))),
        (AutoDeepLabSpace(layers=2, blocks=1, operators=("sep_3x3",)), AutoDeepLab(blocks=(SKIPS,), path=(0, 0))),
        (AutoDeepLabSpace(layers=3, blocks=1), AutoDeepLab(blocks=(SKIPS,), path=(0, 0))),
    ],
)
def test_architectures_outside_the_space_are_left_out_and_counted(space, foreign):
    """Another operator, level, number of branches or layers, a head: none has a place on an axis of the space."""

    def trials(outside: int) -> list[TrialRecord]:
        cells = isinstance(space, DenseCellSpace)
        own = (
            sample(2, random.Random(0)).canonical()
            if cells
            else networks.sample(space.blocks, space.layers, random.Random(0), space.levels, space.operators)
        )
        found = [own] * FEWEST + [foreign] * outside
        return [trial_record(n, n / 100, architecture_json=architecture_to_dict(one)) for n, one in enumerate(found)]

    plain = choices_panel(space, trials(0), "mIoU", 200, 0, ("a note",))
    for outside, words in ((1, "1 trial whose architecture is"), (2, "2 trials whose architectures are")):
        sentence = f"Left out: {words} not of the space."
        panel = choices_panel(space, trials(outside), "mIoU", 200, FEWEST, ("a note",))
        assert isinstance(plain, ChoicesPanel)
        assert isinstance(panel, ChoicesPanel)
        assert panel.notes == ("a note", sentence)
        assert [trial.number for trial in panel.trials] == [trial.number for trial in plain.trials]
        important = importance_panel(space, trials(outside), ())
        assert isinstance(important, BarsPanel)
        assert important.notes[-1] == sentence
        few = importance_panel(space, trials(outside)[1:], ())
        assert isinstance(few, TextPanel)
        assert few.lines == ("importance needs 50 trials with a score; there are 49", sentence)
    alone = choices_panel(space, trials(1)[-1:], "mIoU", 200, 0, ())
    assert isinstance(alone, TextPanel)
    assert alone.lines == ("Left out: 1 trial whose architecture is not of the space.",)


def test_samples():
    assert [every(n) for n in (0, 1, SAMPLE, SAMPLE + 1, 2 * SAMPLE, 28_000)] == [1, 1, 1, 2, 2, 128]
    assert sample_text(1) == "all trials"
    assert sample_text(1, "with a score") == "all trials with a score"
    assert sample_text(8, "with a score") == "those trials with a score whose number is a multiple of 8"
