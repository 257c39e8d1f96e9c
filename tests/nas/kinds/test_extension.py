"""More trials or seeds: which kinds take which, and that the longer plan begins with the shorter one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from nas.kinds.auto_deeplab import scored_snapshots
from nas.kinds.calibration import calibration_trials
from nas.kinds.extension import extended
from nas.kinds.full_scale import full_scale_trials
from nas.kinds.reference import reference_trials
from nas.kinds.registry import kinds
from nas.specs import (
    AutoDeepLabSpec,
    BilevelSpec,
    CalibrationSpec,
    EditRequest,
    ExtendRequest,
    FullScaleSpec,
    ReferenceSpec,
)
from nas.store import SnapshotRecord
from search_spaces.validation import InputError
from tests.builders import black_box_spec, dense_cell, scenes_fidelity

PROXY = scenes_fidelity()
REFERENCE = ReferenceSpec(name="heads", seeds=2, fidelity=PROXY)
FULL_SCALE = FullScaleSpec(
    name="again", of="s0123456789ab", sampling="top", trials=(3, 1), seeds=1, fidelity=scenes_fidelity(900)
)
CALIBRATION = CalibrationSpec(
    name="which",
    architectures=4,
    proxies={"short": scenes_fidelity(100), "long": PROXY},
    full_scale=FULL_SCALE.fidelity,
)
DIFFERENTIABLE = AutoDeepLabSpec(name="trellis", bilevel=BilevelSpec(dataset="scenes", crop=(129, 129)), scoring=PROXY)


@pytest.mark.parametrize(
    ("spec", "totals"),
    [(black_box_spec(trials=10), {"trials": 30}), (REFERENCE, {"seeds": 5}), (DIFFERENTIABLE, {"seeds": 3})],
)
def test_only_the_number_changes(spec, totals):
    longer = extended(spec, totals)
    assert longer == spec.model_copy(update=totals)
    assert longer.planned > spec.planned
    assert extended(spec, {name: getattr(spec, name) for name in totals}) == spec


@pytest.mark.parametrize(
    ("spec", "plan"),
    [
        (REFERENCE, reference_trials),
        (FULL_SCALE, lambda spec: full_scale_trials(spec, [dense_cell(3), dense_cell(1)])),
        (CALIBRATION, calibration_trials),
    ],
)
def test_a_longer_plan_begins_with_the_shorter_one(spec, plan):
    short, long = list(plan(spec)), list(plan(extended(spec, {"seeds": 4})))
    assert long[: len(short)] == short
    assert len(long) > len(short)
    assert [proposal.number for proposal in long] == list(range(len(long)))


@pytest.mark.parametrize(
    ("spec", "totals", "sentence"),
    [
        (
            black_box_spec(trials=10),
            {"seeds": 2},
            "seeds: .* kind black_box can be given more trials, not",
        ),
        (REFERENCE, {"trials": 50}, "trials: a search of the kind reference can be given more seeds, not more trials"),
        (black_box_spec(trials=10), {"trials": 9}, "trials: the search has 10 trials already, .* above 10"),
        (DIFFERENTIABLE.model_copy(update={"seeds": 4}), {"seeds": 1}, "seeds: the search has 4 seeds already"),
    ],
)
def test_what_cannot_grow_is_refused_with_a_sentence(spec, totals, sentence):
    with pytest.raises(InputError, match=sentence):
        extended(spec, totals)


def test_every_kind_grows_in_numbers_of_its_spec():
    for kind in kinds().values():
        for name in kind.grows:
            assert kind.spec.model_fields[name].annotation is int, (kind.name, name)


@pytest.mark.parametrize("field", ["rungs", "fidelity", "epochs", "iterations"])
def test_longer_training_is_another_measurement(field):
    with pytest.raises(ValidationError, match=f"{field} cannot be extended: .*segnas full-scale"):
        ExtendRequest.model_validate({field: [1, 2]})


def test_requests_say_what_is_missing_or_wrong():
    for model, body, sentence in (
        (ExtendRequest, {}, "trials or seeds"),
        (ExtendRequest, {"trials": 0}, "greater than or equal to 1"),
        (EditRequest, {}, "name, notes or tags"),
        (EditRequest, {"name": "two\nlines"}, "match pattern"),
        (EditRequest, {"notes": "a\x00b"}, "without NUL"),
        (EditRequest, {"notes": "\ud800"}, "unicode"),
        (EditRequest, {"notes": "x" * 10_001}, "10000"),
        (EditRequest, {"tags": ["two words"]}, "match pattern"),
        (EditRequest, {"tags": ["a,b"]}, "match pattern"),
        (EditRequest, {"tags": [""]}, "at least 1"),
        (EditRequest, {"tags": ["x" * 41]}, "at most 40"),
        (EditRequest, {"tags": ["\u202ebidi"]}, "match pattern"),
        (EditRequest, {"tags": [str(n) for n in range(21)]}, "at most 20"),
    ):
        with pytest.raises(ValidationError, match=sentence):
            model.model_validate(body)
    assert EditRequest(tags=("b", "a", "b")).tags == ("b", "a")


def test_a_network_with_a_trial_on_record_keeps_its_number(snapshot_at):
    """Run 0 failed after its first scored epoch and goes on: its second network is that of run 1, which is measured."""
    spec = DIFFERENTIABLE.model_copy(update={"score_every": 20, "seeds": 2})
    first, twin = snapshot_at(20), snapshot_at(40)
    epochs = [SnapshotRecord(0, first, 0.0), SnapshotRecord(1, twin, 0.0)]
    before = {trial.number: trial.architecture for trial in scored_snapshots(spec, epochs)}
    assert before == {0: first.architecture, 3: twin.architecture}
    later = [SnapshotRecord(0, first, 0.0), SnapshotRecord(0, twin, 1.0), SnapshotRecord(1, twin, 0.0)]
    assert {trial.number for trial in scored_snapshots(spec, later)} == {0, 1}
    after = {trial.number: trial.architecture for trial in scored_snapshots(spec, later, before.keys())}
    assert after == before
