"""Every strategy with every rule of early stopping, on cells and on networks: a lost driver changes nothing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from nas.specs import BlackBoxSpec
from nas.store import Store
from tests.builders import scenes_fidelity
from tests.workers.driver.toy import drive, replaced, rows, search

STRATEGIES: dict[str, dict[str, Any]] = {
    "random": {"name": "random"},
    "dpc": {"name": "dpc", "startup": 3},
    "evolution": {"name": "evolution", "population": 4, "sample": 2},
    "nsga2": {"name": "nsga2", "population": 4},
    "tpe": {"name": "tpe", "startup": 3},
    "conditional tpe": {"name": "tpe", "startup": 3, "conditional": True},
    "gp": {"name": "gp", "startup": 3},
    "reinforce": {"name": "reinforce"},
}
RULES: dict[str, dict[str, Any] | None] = {
    "none": None,
    "asha": {"reduction": 2},
    "median": {"name": "median", "startup": 2},
    "hyperband": {"name": "hyperband", "reduction": 2, "brackets": 2},
    "pasha": {"name": "pasha", "reduction": 2},
}
SPACES: dict[str, dict[str, Any]] = {
    "cells": {"branches": 3},
    "networks": {"kind": "auto_deeplab", "layers": 3, "blocks": 2},
}
RUNGS, TRIALS = (10, 20, 40), 10
ONE_OBJECTIVE_ONLY = ("median", "pasha")


def allowed(strategy: str, rule: str) -> bool:
    return strategy != "nsga2" or rule not in ONE_OBJECTIVE_ONLY


def died_and_resumed(store: Store, spec: BlackBoxSpec, event: int) -> str:
    """A search whose driver died at this event, or soon after it.

    Not between a trial's last measurement and its end: such a trial goes on as if it had passed, as is documented.
    """
    for die_at in itertools.count(event):
        resumed = search(store, spec)
        place = drive(store, resumed, die_at=die_at)
        assert place is not None, "it has not come to its end yet"
        if place != "recorded the end":
            break
    replaced(store, resumed)
    assert drive(store, resumed) is None
    return resumed


QUICK = ("random", "dpc", "evolution", "nsga2")
CASES = [
    pytest.param(strategy, rule, space, marks=() if strategy in QUICK and space == "cells" else pytest.mark.slow)
    for strategy, rule, space in itertools.product(STRATEGIES, RULES, SPACES)
    if allowed(strategy, rule)
]


@pytest.mark.parametrize(("strategy", "rule", "space"), CASES)
def test_a_lost_driver_changes_nothing(store, strategy, rule, space):
    """Proposals, scores, which trials were stopped and where, and who passed unjudged: all as if it had lived on."""
    spec = BlackBoxSpec(
        name="both",
        space=SPACES[space],
        strategy=STRATEGIES[strategy],
        early_stopping=RULES[rule],
        fidelity=scenes_fidelity(*RUNGS, crop=(64, 128)),
        objectives=("miou", "worst_class_iou") if strategy == "nsga2" else ("miou",),
        trials=TRIALS,
        seed=3,
    )
    straight = search(store, spec)
    assert drive(store, straight) is None
    expected = rows(store, straight)
    for event in (5, 13):
        assert rows(store, died_and_resumed(store, spec, event)) == expected
    assert len({key for _, key, *_ in expected}) == TRIALS
    stopped = [iteration for *_, iteration, _, _ in expected if iteration != RUNGS[-1]]
    assert bool(stopped) is (rule != "none"), "the rule stops some, and without one none is stopped"


@pytest.mark.parametrize("rule", ONE_OBJECTIVE_ONLY)
def test_what_judges_one_objective_is_refused_with_several(rule):
    with pytest.raises(ValueError, match=f"early_stopping {rule} "):
        BlackBoxSpec(
            name="both",
            fidelity=scenes_fidelity(*RUNGS),
            strategy=STRATEGIES["nsga2"],
            objectives=("miou", "parameters"),
            early_stopping=RULES[rule],
        )
