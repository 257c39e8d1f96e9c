"""What strategies do at the ends of a space, and what they import; the contract is in test_contract.py."""

import random
import subprocess
import sys

import pytest

from nas.specs import DenseCellSpace, DpcStrategy, RandomStrategy, Strategy, TpeStrategy
from nas.strategies import Observation, SearchStrategy, SpaceExhausted, build_strategy
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.space import cells, distinct
from tests.builders import black_box_spec, scenes_fidelity

STRATEGIES: dict[str, Strategy] = {
    "random": RandomStrategy(),
    "dpc": DpcStrategy(near_best=0.6, pool=3, startup=4),
    "tpe": TpeStrategy(startup=4),
}


def build(name: str, branches: int) -> SearchStrategy:
    space = DenseCellSpace(branches=branches)
    return build_strategy(black_box_spec(STRATEGIES[name], space, fidelity=scenes_fidelity(10, 30, 90)))


def ask(strategy: SearchStrategy, number: int) -> DenseCell:
    cell = strategy.ask(number)
    assert isinstance(cell, DenseCell)
    return cell


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_small_space_is_used_up_to_the_last_cell(name):
    strategy = build(name, branches=1)
    found = set()
    for number in range(81):
        cell = ask(strategy, number)
        found.add(cell)
        strategy.tell(Observation(number, cell, "completed", random.Random(number).random(), 90))
    assert found == set(cells(1))
    with pytest.raises(SpaceExhausted, match="the space has only 81 architectures"):
        ask(strategy, 81)


@pytest.mark.slow
def test_the_last_cells_of_two_branches_are_found_and_another_order_is_a_repeat():
    everything = list(cells(2))
    random.Random(5).shuffle(everything)
    asked, left = everything[:-2], everything[-2:]
    strategy = build("random", branches=2)
    strategy.restore(Observation(n, turned(cell), "running") for n, cell in enumerate(asked))
    assert {ask(strategy, len(asked)), ask(strategy, len(asked) + 1)} == set(left)
    with pytest.raises(SpaceExhausted):
        ask(strategy, distinct(2))


def turned(cell: DenseCell) -> DenseCell:
    """The other way to write a cell whose two branches both read F."""
    return DenseCell(branches=cell.branches[::-1]) if cell.branches[1].input < 0 else cell


def test_the_common_path_imports_neither_torch_nor_ray_nor_optuna_nor_pytest():
    code = (
        "import sys, nas.strategies, nas.strategies.contract; "
        "print(sorted({'torch', 'ray', 'optuna', 'sqlalchemy', 'pytest'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
