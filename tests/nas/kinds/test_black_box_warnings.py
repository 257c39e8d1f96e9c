"""What a black-box search is warned of."""

from __future__ import annotations

import pytest

from nas.kinds.black_box import KIND
from nas.specs import EvolutionStrategy, Nsga2Strategy, RandomStrategy, TpeStrategy
from tests.builders import black_box_spec


@pytest.mark.parametrize("strategy", [EvolutionStrategy(population=5), TpeStrategy()])
def test_a_strategy_that_learns_from_one_of_several_objectives_says_so(strategy):
    (problem,) = KIND.warnings(black_box_spec(strategy, objectives=("worst_class_iou", "parameters")))
    assert problem.path == "strategy"
    assert problem.message == (
        f"{strategy.name} learns from worst class's IoU alone, the first of the objectives; nsga2 looks for "
        "architectures that are good in all of them"
    )


@pytest.mark.parametrize(
    ("strategy", "objectives"),
    [
        (Nsga2Strategy(population=5), ("miou", "parameters")),
        (RandomStrategy(), ("miou", "parameters")),
        (TpeStrategy(), ("miou",)),
    ],
)
def test_others_do_not(strategy, objectives):
    assert KIND.warnings(black_box_spec(strategy, objectives=objectives)) == ()
