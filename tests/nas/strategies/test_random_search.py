import collections

import pytest
from scipy.stats import chisquare

from nas.specs import DenseCellSpace
from nas.strategies.cells import CellSpace
from nas.strategies.random_search import RandomSearch
from search_spaces.dense_cell.architecture import operator_index


@pytest.mark.slow
def test_proposals_are_uniform_over_numbers_and_over_seeds():
    space = CellSpace(DenseCellSpace(branches=3))
    one_search = RandomSearch(space, seed=11)
    along = [one_search.ask(number) for number in range(6000)]
    across = [RandomSearch(space, seed=seed).ask(5) for seed in range(6000)]
    for proposals in (along, across):
        wirings = collections.Counter(tuple(branch.input for branch in cell.branches) for cell in proposals)
        operators = collections.Counter(operator_index(cell.branches[1].operator) for cell in proposals)
        assert (len(wirings), len(operators)) == (6, 81)
        assert chisquare(list(wirings.values())).pvalue > 0.001
        assert chisquare(list(operators.values())).pvalue > 0.001
