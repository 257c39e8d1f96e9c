"""What the strategies proposed in the plain space before it had an extension, and how TPE wrote a cell."""

import random

import pytest
from optuna.distributions import CategoricalDistribution

from nas.specs import DenseCellSpace, DpcStrategy, TpeStrategy
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.dpc import NearBestSearch
from nas.strategies.random_search import RandomSearch
from nas.strategies.tpe import TpeSearch
from search_spaces.base import content_key
from search_spaces.dense_cell.architecture import PUBLISHED_CELL

PLAIN = CellSpace(DenseCellSpace(branches=5))


@pytest.mark.parametrize(
    ("strategy", "key"),
    [
        (RandomSearch(PLAIN, 7), "9c4ef4212e81b78c41cd5d5f1d04ef7c4c68d2cfa32e225663a925169e26ddbe"),
        (
            NearBestSearch(PLAIN, 7, DpcStrategy(startup=4)),
            "5de6adaa516de989e326551f13274fd024052898e1d977ec651e85c523b24bf0",
        ),
    ],
    ids=["random", "dpc"],
)
def test_proposals(strategy, key):
    cells = []
    for number in range(40):
        cells.append(strategy.ask(number))
        ended, rung = ("completed", 90) if number % 3 else ("pruned", 30)
        strategy.tell(Observation(number, cells[-1], ended, random.Random(number).random(), rung))
    assert content_key([cell.model_dump(mode="json") for cell in cells]) == key


def test_tpe_parameters():
    """Its proposals depend on Optuna's version; names, order and values of its parameters are ours."""
    search = TpeSearch(CellSpace(DenseCellSpace(branches=3)), 0, TpeStrategy())
    choices = {
        name: tuple(distribution.choices)
        for name, distribution in search._parameters.groups[0].items()
        if isinstance(distribution, CategoricalDistribution)
    }
    operators = tuple(range(81))
    assert list(choices.items()) == [
        ("input_1", (-1, 0)),
        ("input_2", (-1, 0, 1)),
        ("operator_0", operators),
        ("operator_1", operators),
        ("operator_2", operators),
    ]
    search = TpeSearch(PLAIN, 0, TpeStrategy())
    search.tell(Observation(0, PUBLISHED_CELL, "completed", 0.5, 90))
    (trial,) = search._study.trials
    # Of the canonical form, in which the branch that reads another one comes last: rates 1x6, 1x1, 6x21, 18x15, 6x3.
    inputs = {"input_1": 0, "input_2": 0, "input_3": 0, "input_4": 3}
    assert trial.params == {
        **inputs,
        "operator_0": 3,
        "operator_1": 1,
        "operator_2": 24,
        "operator_3": 54,
        "operator_4": 18,
    }
