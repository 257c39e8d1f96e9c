import random

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.samplers import RandomSampler

from nas.specs import DenseCellSpace, TpeStrategy
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.optuna_logs import without_logs
from nas.strategies.random_search import RandomSearch
from nas.strategies.tpe import TpeSearch
from nas.strategies.tpe_parameters import ConditionalParameters, FlatParameters, Parameters
from search_spaces.dense_cell.architecture import (
    EXTENDED_OPERATORS,
    AtrousSeparable,
    Branch,
    Conv1x1,
    DenseCell,
)
from tests.nas.strategies.learning import deviations_above_chance

LEVELS = DenseCellSpace(branches=4, operators="extended", levels=(8, 16), channels=(16, 24, 40))


@pytest.fixture
def study() -> optuna.Study:
    with without_logs():
        return optuna.create_study(sampler=RandomSampler(seed=0))


def again(parameters: Parameters[DenseCell], study: optuna.Study, cell: DenseCell) -> DenseCell:
    """The cell that Optuna suggests where it is told to suggest this one."""
    study.enqueue_trial(dict(parameters.encode(cell)))
    trial, found = parameters.ask(study)
    assert trial.params == parameters.encode(cell)
    return found


@pytest.mark.parametrize("kind", [FlatParameters, ConditionalParameters])
def test_a_cell_and_its_description_are_the_same(kind, study):
    space = DenseCellSpace(branches=1, operators="extended")
    parameters = kind(CellSpace(space))
    for operator in EXTENDED_OPERATORS:
        cell = DenseCell(branches=(Branch(input=-1, operator=operator),))
        assert again(parameters, study, cell) == cell
    cells = CellSpace(LEVELS)
    parameters = kind(cells)
    for number in range(20):
        cell = cells.sample(random.Random(number))
        assert again(parameters, study, cell).model_dump() == cell.model_dump()


def test_conditional_parameters_of_two_branches():
    """Types and inputs together, then the sizes of each type in each branch, which exist for that type only."""
    parameters = ConditionalParameters(CellSpace(DenseCellSpace(branches=2)))
    types = CategoricalDistribution(("conv1x1", "atrous_separable", "pyramid_pooling"))
    rate, bins = IntDistribution(0, 7), IntDistribution(0, 3)
    assert parameters.groups == (
        {"input_1": CategoricalDistribution((-1, 0)), "type_0": types, "type_1": types},
        {"atrous_separable_0_0": rate, "atrous_separable_0_1": rate},
        {"pyramid_pooling_0_0": bins, "pyramid_pooling_0_1": bins},
        {"atrous_separable_1_0": rate, "atrous_separable_1_1": rate},
        {"pyramid_pooling_1_0": bins, "pyramid_pooling_1_1": bins},
    )
    convolution = Branch(input=-1, operator=Conv1x1())
    atrous = Branch(input=0, operator=AtrousSeparable(rate=(18, 3)))
    assert parameters.encode(DenseCell(branches=(convolution, atrous))) == {
        "input_1": 0,
        "type_0": "conv1x1",
        "type_1": "atrous_separable",
        "atrous_separable_1_0": 6,
        "atrous_separable_1_1": 1,
    }


def test_the_start_of_conditional_tpe_is_uniform_over_cells():
    space = CellSpace(DenseCellSpace())
    strategy, uniform = TpeSearch(space, 0, TpeStrategy(startup=5, conditional=True)), RandomSearch(space, 0)
    for number in range(5):
        cell = strategy.ask(number)
        assert cell == uniform.ask(number)
        strategy.tell(Observation(number, cell, "completed", number / 5, 90))


def test_default_options_leave_no_trace_in_a_spec():
    assert TpeStrategy().model_dump(mode="json") == {"name": "tpe", "startup": 10}
    changed = TpeStrategy(multivariate=False, constant_liar=False, conditional=True).model_dump(mode="json")
    assert changed == {
        "name": "tpe",
        "startup": 10,
        "multivariate": False,
        "constant_liar": False,
        "conditional": True,
    }


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"conditional": True}, {"multivariate": False}])
def test_it_learns_what_scores_well(options):
    strategy = TpeSearch(CellSpace(DenseCellSpace(branches=3)), 0, TpeStrategy.model_validate(options))
    assert deviations_above_chance(strategy, 120) > 2


def test_without_the_liar_trials_in_flight_are_ignored():
    """Two strategies know the same results; one has trials in flight beside. Only the liar minds them."""
    space = CellSpace(DenseCellSpace())
    results = [
        Observation(number, space.sample(random.Random(number)), "completed", number / 20, 90) for number in range(20)
    ]
    in_flight = [Observation(number, space.sample(random.Random(number)), "running") for number in range(20, 40)]

    def next_cells(liar: bool, running: list[Observation]) -> list[DenseCell]:
        strategy = TpeSearch(space, 0, TpeStrategy(startup=4, constant_liar=liar))
        strategy.restore([*results, *running])
        return [strategy.ask(number) for number in range(50, 53)]

    assert next_cells(False, in_flight)[0] == next_cells(False, [])[0]
    assert next_cells(True, in_flight) != next_cells(True, [])
