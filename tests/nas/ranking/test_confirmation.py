"""The answer of a confirmation, from trials whose numbers can be checked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from scipy import stats

from nas.ranking.confirmation import Confirmation, confirmation
from nas.specs import ClassIou, ConfirmationSpec
from nas.store.records import TrialRecord
from search_spaces import Architecture, ReferenceHead, architecture_to_dict
from tests.builders import dense_cell, scenes_fidelity, trial_record

FIDELITY = scenes_fidelity(10, 20)
CELLS = (dense_cell(1), dense_cell(2))
SMALL, LARGE = ReferenceHead(name="aspp", channels=16), ReferenceHead(name="ppm", channels=64)
MULTIPLY_ADDS = {CELLS[0].key: 1000, CELLS[1].key: 1200, SMALL.key: 1500, LARGE.key: 1801}


def trial(number: int, architecture: Architecture, seed: int, score: float | None, **changes: Any) -> TrialRecord:
    fields: dict[str, Any] = {
        "architecture_key": architecture.key,
        "architecture_json": architecture_to_dict(architecture),
        "fidelity_key": FIDELITY.key,
        "seed": seed,
        "parameters": 100,
        "multiply_adds": MULTIPLY_ADDS[architecture.key],
        "reason": "the loss is NaN" if score is None else None,
    }
    return trial_record(number, score, **fields | changes)


FOUND = [trial(7, CELLS[0], 0, 0.70), trial(9, CELLS[1], 0, 0.72)]


def answer(*scores: Sequence[float | None]) -> Confirmation:
    """The answer when the cells, then the reference heads have these scores with seeds 1, 2, ..."""
    spec = ConfirmationSpec(
        name="c", of="s0123456789ab", trials=(7, 9), references=(SMALL, LARGE), fidelity=FIDELITY, seeds=4, seed=1
    )
    architectures: tuple[Architecture, ...] = (*CELLS, SMALL, LARGE)
    trials = [
        trial(10 * seed + index, architecture, seed, score)
        for index, (architecture, row) in enumerate(zip(architectures, scores, strict=False))
        for seed, score in enumerate(row, start=1)
    ]
    return confirmation(spec, FOUND, trials)


def test_the_best_mean_wins_and_is_compared_with_the_best_reference_of_its_size():
    found = answer((0.70, 0.68, 0.69), (0.60, 0.62, 0.58), (0.64, 0.65, 0.63), (0.90, 0.90, 0.90))
    assert [row.trial for row in found.rows] == [7, 9, None, None]
    assert [row.found_score for row in found.rows] == [0.70, 0.72, None, None]
    assert found.rows[0].mean == pytest.approx(0.69)
    assert found.rows[0].spread == pytest.approx(0.01)
    assert found.winner == CELLS[0].key
    small, large = found.gains
    assert small.mean == pytest.approx((0.06 + 0.03 + 0.06) / 3)
    assert small.error == pytest.approx(0.01)  # deviations 0.01, -0.02, 0.01: sqrt(0.0006 / 2 / 3)
    low, high = stats.t.interval(0.95, df=2, loc=0.05, scale=0.01)
    assert (small.low, small.high) == (pytest.approx(low), pytest.approx(high))
    assert (small.size, small.matched, large.size, large.matched) == (1.5, True, 1.801, False)
    assert (found.against, found.verdict) == (SMALL.key, "gain")
    assert found.sentence.startswith("Gain: trial 7 of s0123456789ab scores +0.050 ± 0.010 mIoU against ASPP")
    assert "1.50 times its multiply-adds (the best reference head of its size; 3 seeds" in found.sentence


@pytest.mark.parametrize(
    ("reference", "verdict"),
    [((0.70, 0.66, 0.70), "no gain"), ((0.80, 0.781, 0.79), "loss"), ((0.6, 0.58, 0.5901), "gain")],
)
def test_the_verdict_is_what_the_interval_says(reference, verdict):
    found = answer((0.70, 0.68, 0.69), (0.5, 0.5, 0.5), reference)
    assert found.verdict == verdict


def test_where_no_reference_is_of_its_size_the_sentence_says_so():
    found = answer((0.70, 0.68), (0.1, 0.1), (), (0.6, 0.59))
    assert found.against == LARGE.key
    assert "none is of its size" in found.sentence


def test_only_seeds_that_both_have_are_compared_and_failures_are_kept():
    found = answer((0.70, 0.68, None), (0.1, 0.1, 0.1), (0.60, None, 0.2))
    assert found.rows[0].failed == {3: "the loss is NaN"}
    assert found.gains == ()
    assert (found.against, found.verdict) == (None, "unknown")
    assert "no reference head has two seeds beside it yet" in found.sentence


def test_before_anything_is_measured_there_is_no_winner():
    found = answer()
    assert (found.winner, found.verdict, found.gains) == (None, "unknown", ())
    assert [row.mean for row in found.rows] == [None] * 4
    assert found.sentence == "Nothing of the search has been confirmed yet."


def test_it_goes_by_the_objective_of_the_search_and_not_by_the_miou():
    """By the IoU of a class the second cell is the best; by the mIoU, which says the opposite, the first one is."""
    objective = ClassIou(class_iou="person", number=3)
    spec = ConfirmationSpec(
        name="c",
        of="s0123456789ab",
        trials=(7, 9),
        references=(SMALL,),
        fidelity=FIDELITY,
        seeds=2,
        seed=1,
        objectives=(objective,),
    )
    found = [trial(7, CELLS[0], 0, 0.70, value=0.30), trial(9, CELLS[1], 0, 0.65, value=0.25)]
    architectures: tuple[Architecture, ...] = (CELLS[0], CELLS[1], SMALL)
    measured = ((0.9, (0.20, 0.22)), (0.5, (0.40, 0.44)), (0.8, (0.10, 0.12)))
    trials = [
        trial(10 * seed + index, architectures[index], seed, miou, value=value)
        for index, (miou, values) in enumerate(measured)
        for seed, value in enumerate(values, start=1)
    ]
    answered = confirmation(spec, found, trials)
    assert answered.winner == CELLS[1].key
    assert [row.found_score for row in answered.rows] == [0.30, 0.25, None]
    assert [row.mean for row in answered.rows] == [pytest.approx(mean) for mean in (0.21, 0.42, 0.11)]
    (gain,) = answered.gains
    assert (gain.mean, gain.error) == (pytest.approx((0.30 + 0.32) / 2), pytest.approx(0.01))
    assert answered.sentence.startswith(
        "Gain: trial 9 of s0123456789ab scores +0.310 ± 0.010 IoU of person against ASPP"
    )
    assert confirmation(spec, found, []).sentence == "Nothing of the search has been confirmed yet."


def at_rates(**scores: Sequence[Sequence[float]]) -> Confirmation:
    """The answer where the first cell has 0.70, 0.68, 0.69 at 0.01, and the heads have these at 0.01 and 0.02."""
    spec = ConfirmationSpec(
        name="c",
        of="s0123456789ab",
        trials=(7,),
        references=(SMALL, LARGE),
        fidelity=FIDELITY,
        seeds=3,
        seed=1,
        learning_rates=(0.02, 0.01),
    )
    (_, own), (_, other) = spec.at_rates.items()
    assert own.key == FIDELITY.key
    trials = [trial(seed, CELLS[0], seed, score) for seed, score in enumerate((0.70, 0.68, 0.69), start=1)]
    for head, name in ((SMALL, "small"), (LARGE, "large")):
        for fidelity, row in zip((own, other), scores.get(name, ()), strict=False):
            trials += [trial(9, head, n, score, fidelity_key=fidelity.key) for n, score in enumerate(row, start=1)]
    return confirmation(spec, FOUND[:1], trials)


def test_a_reference_counts_at_its_best_learning_rate_and_the_verdict_says_what_that_changes():
    found = at_rates(small=[(0.60, 0.62, 0.58), (0.695, 0.68, 0.684)], large=[(0.5, 0.5, 0.5)])
    _, small, large = found.rows
    assert (small.learning_rate, small.scores) == (0.02, {1: 0.695, 2: 0.68, 3: 0.684})
    assert small.rates == {0.01: pytest.approx(0.60), 0.02: pytest.approx(0.6863333)}
    assert (large.learning_rate, large.rates) == (0.01, {0.01: pytest.approx(0.5), 0.02: None})
    assert (found.verdict, found.at_own_rate, found.against) == ("no gain", "gain", SMALL.key)
    assert found.gains[0].mean == pytest.approx((0.005 + 0 + 0.006) / 3)
    assert found.sentence.endswith(
        "The best learning rate of this head is 0.02. With all heads at the search's own, 0.01: gain, +0.090 ± 0.015 "
        "against ASPP (6, 12, 18), width 16, another verdict."
    )


def test_where_the_own_rate_is_the_best_the_verdict_stays():
    found = at_rates(small=[(0.60, 0.62, 0.58), (0.5, 0.5, 0.5)])
    assert (found.verdict, found.at_own_rate, found.rows[1].learning_rate) == ("gain", "gain", 0.01)
    assert found.sentence.endswith("the same verdict.")


def test_without_learning_rates_the_sentence_says_nothing_of_them():
    found = answer((0.70, 0.68, 0.69), (0.60, 0.62, 0.58), (0.64, 0.65, 0.63))
    assert "learning rate" not in found.sentence
    assert found.at_own_rate == found.verdict
    assert found.rows[0].rates == {0.01: found.rows[0].mean}
