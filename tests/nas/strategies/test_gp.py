import random

import pytest
import torch
from optuna.trial import TrialState
from scipy.stats import norm

from nas.specs import DenseCellSpace, GpStrategy
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.gp import GpSearch
from nas.strategies.random_search import RandomSearch
from search_spaces.dense_cell.architecture import DenseCell, operator_index
from tests.builders import black_box_spec

pytestmark = pytest.mark.slow  # torch

SPACE = CellSpace(DenseCellSpace(branches=3))


def test_optuna_is_told_quantiles_of_ranks_and_what_runs():
    strategy = GpSearch(SPACE, 0, GpStrategy())
    ends = [("completed", 0.2, 90), ("pruned", 0.9, 10), ("completed", 0.3, 90), ("failed", 0.9, 90)]
    ends += [("running", 0.9, 90), ("pruned", 0.9, 10), ("stopped", 0.9, 90)]
    for number, end in enumerate(ends):
        strategy.tell(Observation(number, SPACE.sample(random.Random(number)), *end))
    trials = list(strategy._trials())
    assert [trial.state for trial in trials].count(TrialState.RUNNING) == 1
    assert trials[3].state is TrialState.RUNNING
    # Of four: ranks 3, then twice the mean of 1 and 2, and 4.
    ranks = [trial.value for trial in trials if trial.state is TrialState.COMPLETE]
    assert ranks == pytest.approx([norm.ppf(2.5 / 4), norm.ppf(0.25), norm.ppf(3.5 / 4), norm.ppf(0.25)])


def test_the_first_proposals_are_uniform():
    strategy, uniform = GpSearch(SPACE, 0, GpStrategy(startup=3)), RandomSearch(SPACE, 0)
    for number in range(3):
        cell = strategy.ask(number)
        assert cell == uniform.ask(number)
        strategy.tell(Observation(number, cell, "completed", 0.5, 90))


def test_a_long_search_is_refused():
    assert black_box_spec(GpStrategy(), trials=1000).trials == 1000
    with pytest.raises(ValueError, match=r"strategy gp proposes at most 1000 trials.*trials is 1001"):
        black_box_spec(GpStrategy(), trials=1001)


def score(cell: DenseCell) -> float:
    """How many branches have a vertical rate of at least 12."""
    return sum(32 < operator_index(branch.operator) <= 64 for branch in cell.branches) / 3


def test_it_learns_what_scores_well_without_torch_s_generator():
    strategy = GpSearch(SPACE, 0, GpStrategy())
    before = torch.get_rng_state()
    scores = []
    for number in range(45):
        cell = strategy.ask(number)
        scores.append(score(cell))
        strategy.tell(Observation(number, cell, "completed", scores[-1], 90))
    assert torch.equal(torch.get_rng_state(), before)
    chance, deviation = 32 / 81, (32 / 81 * 49 / 81 / 60) ** 0.5  # of 60 branches
    assert sum(scores[-20:]) / 20 > chance + 4 * deviation
