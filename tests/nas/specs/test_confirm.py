"""Whether and how a search is confirmed at its end: what is asked for, and what is right where nothing is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from nas.forecast import MeasuredTimes, forecast
from nas.kinds.registry import kind_of
from nas.specs import AutoDeepLabSpec, BilevelSpec, Confirm
from nas.specs.given import given_fields
from nas.specs.requests import BlackBoxRequest, resolve
from nas.store import RungTime
from search_spaces import ReferenceHead
from tests.builders import black_box_spec, scenes_fidelity

KEEPS: dict[str, Any] = {"fidelity": scenes_fidelity(100, 300, holdout={})}
DIFFERENTIABLE: dict[str, Any] = {"name": "x", "bilevel": BilevelSpec(dataset="scenes", crop=(129, 129))}


def test_what_is_right_where_nothing_is_asked_for():
    assert black_box_spec().confirming is None
    assert black_box_spec(**KEEPS).confirming == Confirm(top=3, seeds=4)
    assert black_box_spec(**KEEPS, objectives=("worst_class_iou",)).confirming == Confirm()
    kept_back = scenes_fidelity(100, holdout={"measure_on": "kept_back"})
    assert black_box_spec(fidelity=kept_back).confirming is None
    assert AutoDeepLabSpec(**DIFFERENTIABLE).confirming is None
    assert AutoDeepLabSpec(**DIFFERENTIABLE, scoring=KEEPS["fidelity"]).confirming == Confirm()


def test_what_is_asked_for():
    assert black_box_spec(**KEEPS, confirm=False).confirming is None
    assert black_box_spec(confirm=True).confirming == Confirm()
    found = black_box_spec(confirm={"top": 5, "seeds": 3, "references": ["aspp"]}).confirming
    assert found == Confirm(top=5, seeds=3, references=(ReferenceHead(name="aspp"),))


def test_specs_that_say_nothing_keep_their_keys_and_what_is_said_is_asked_for_again():
    assert "confirm" not in black_box_spec(**KEEPS).model_dump(mode="json")
    for confirm in (None, False, True, {"top": 5}):
        spec = black_box_spec(**KEEPS, confirm=confirm)
        again = BlackBoxRequest.model_validate(given_fields(spec))
        assert resolve(again, pytest.fail) == spec


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"confirm": True, "fidelity": scenes_fidelity(holdout={"measure_on": "kept_back"})},
            "use measure_on",
        ),
        ({"confirm": {"references": ["fpn"]}}, "confirm.references.0"),
        (
            {"confirm": {"references": ["aspp", "aspp"]}},
            "references.1 is the same head as confirm.references.0",
        ),
        ({"confirm": {"seeds": 1}}, "greater than or equal to 2"),
    ],
)
def test_what_cannot_be_confirmed_is_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        black_box_spec(**changes)


def test_entire_networks_are_confirmed_without_heads_and_only_where_they_are_measured():
    with pytest.raises(ValidationError, match="give a scoring fidelity"):
        AutoDeepLabSpec(**DIFFERENTIABLE, confirm=True)
    with pytest.raises(ValidationError, match="leave them out"):
        AutoDeepLabSpec(**DIFFERENTIABLE, scoring=scenes_fidelity(), confirm={"references": ["aspp"]})
    spec = AutoDeepLabSpec(**DIFFERENTIABLE, scoring=scenes_fidelity(), confirm={"top": 9, "seeds": 2})
    after = kind_of(spec).expected_follow_up(spec)
    assert after is not None
    assert after.trials == 2 * spec.planned == 8, "four snapshots of one run, which are fewer than nine"


def test_a_probe_is_not_confirmed():
    for spec in (black_box_spec(**KEEPS), AutoDeepLabSpec(**DIFFERENTIABLE, scoring=KEEPS["fidelity"])):
        probe = kind_of(spec).probe(spec)
        assert probe is not None
        assert probe.confirming is None


def test_a_forecast_has_it_beside_the_search_itself():
    """20 trials of 1 s to 100 and 2 s more to 300; a confirmation of (3 + 6) x 4 trials, all to the end."""
    spec = black_box_spec(**KEEPS, trials=20, early_stopping=None)
    key = spec.fidelity.key
    times = [RungTime("s", key, rung, 10, float(second), float(second)) for rung, second in ((100, 1), (300, 2))]
    found = forecast(spec, MeasuredTimes(times, {key: spec.fidelity}))
    assert found.device_seconds == pytest.approx(20 * 3)
    assert found.trials == 20
    assert found.follow_up is not None
    assert (found.follow_up.trials, found.follow_up.device_seconds) == (36, pytest.approx(36 * 3))
    assert forecast(black_box_spec(), MeasuredTimes()).follow_up is None
    few = forecast(black_box_spec(**KEEPS, trials=1), MeasuredTimes()).follow_up
    assert few is not None
    assert (few.trials, few.device_seconds) == ((1 + 6) * 4, None)
