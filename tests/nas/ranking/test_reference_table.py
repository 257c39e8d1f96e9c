"""The table of a reference search, from trials whose numbers can be checked by hand."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest

from nas.ranking.reference_table import reference_table
from nas.results.status import TrialStatus
from nas.specs import ReferenceSpec
from nas.store.records import TrialRecord
from search_spaces import REFERENCE_HEADS, DenseCell, ReferenceHead, architecture_to_dict, reference_heads
from tests.builders import scenes_fidelity, trial_record

ONE = ReferenceHead(name="conv1x1")
Head: TypeAlias = DenseCell | ReferenceHead
TRUNK = ReferenceHead(name="trunk", width=16)
UNIT = reference_heads(16)[-1]
FIDELITY = scenes_fidelity(10, 20)


def trial(number: int, head: Head, seed: int, score: float | None, **changes: Any) -> TrialRecord:
    fields: dict[str, Any] = {
        "architecture_key": head.key,
        "architecture_json": architecture_to_dict(head),
        "fidelity_key": FIDELITY.key,
        "seed": seed,
        "device_seconds": 2.0 + number,
        "parameters": 100,
        "multiply_adds": 1000,
        "reason": "the loss is NaN" if score is None else None,
    }
    return trial_record(number, score, **fields | changes)


def test_means_spreads_and_paired_differences():
    spec = ReferenceSpec(name="heads", heads=(ONE, TRUNK, UNIT), seeds=3, fidelity=FIDELITY)
    trials = [
        trial(0, ONE, 0, 0.30),
        trial(1, TRUNK, 0, 0.50),
        trial(2, UNIT, 0, 0.53),
        trial(3, ONE, 1, None),
        trial(4, TRUNK, 1, 0.54),
        trial(5, UNIT, 1, 0.59),
        trial(6, ONE, 2, 0.40, status=TrialStatus.RUNNING),
        trial(7, UNIT, 2, 0.99),
    ]
    one, trunk, unit = reference_table(spec, trials)
    assert (one.head, trunk.head) == ("1x1", "trunk of 16")
    assert (one.mean, one.spread, one.scores, one.failed) == (0.30, None, {0: 0.30}, {1: "the loss is NaN"})
    assert (trunk.mean, trunk.difference) == (pytest.approx(0.52), None)
    assert trunk.spread == pytest.approx(0.02 * 2**0.5)
    assert trunk.device_seconds == pytest.approx((3 + 6) / 2)
    assert (unit.parameters, unit.multiply_adds) == (100, 1000)
    difference = unit.difference
    assert difference is not None
    assert (difference.baseline, difference.seeds) == ("trunk of 16", 2)  # the third seed has no trunk beside it
    assert difference.mean == pytest.approx((0.03 + 0.05) / 2)
    assert difference.error == pytest.approx(0.01)
    assert one.difference is not None
    assert (one.difference.mean, one.difference.error) == (pytest.approx(-0.20), None)


def test_a_unit_is_compared_with_the_trunk_of_its_own_width():
    wide = reference_heads(32)
    spec = ReferenceSpec(name="heads", heads=(TRUNK, UNIT, ONE, wide[4], wide[-1]), seeds=1, fidelity=FIDELITY)
    trials = [trial(number, head, 0, number / 10) for number, head in enumerate(spec.heads)]
    rows = reference_table(spec, trials)
    assert [row.difference and row.difference.baseline for row in rows] == [
        None,
        "trunk of 16",
        None,
        None,
        "trunk of 32",
    ]


def test_a_trunk_with_channels_of_its_own_has_a_baseline_with_as_many():
    narrow, unit = (head.model_copy(update={"channels": 4}) for head in (TRUNK, UNIT))
    spec = ReferenceSpec(name="heads", heads=(TRUNK, UNIT, narrow, unit), seeds=1, fidelity=FIDELITY)
    rows = reference_table(spec, [trial(number, head, 0, number / 10) for number, head in enumerate(spec.heads)])
    baselines = [row.difference and row.difference.baseline for row in rows]
    assert baselines == [None, "trunk of 16", None, "trunk of 16, width 4"]


def test_nothing_measured_yet_and_no_trunk():
    assert [row.mean for row in reference_table(ReferenceSpec(name="all", fidelity=FIDELITY), [])] == [None] * len(
        REFERENCE_HEADS
    )
    spec = ReferenceSpec(name="heads", heads=(ONE, UNIT), seeds=1, fidelity=FIDELITY)
    assert [row.difference for row in reference_table(spec, [trial(0, ONE, 0, 0.5), trial(1, UNIT, 0, 0.6)])] == [
        None,
        None,
    ]


def test_a_head_named_twice_is_refused():
    with pytest.raises(ValueError, match="head 1 is the same as head 0"):
        ReferenceSpec(name="heads", heads=(ONE, ONE), fidelity=FIDELITY)
