"""Every strategy over the extended operators: 92 instead of 81."""

import random

import pytest

from nas.specs import BlackBoxSpec, DenseCellSpace, DpcStrategy, RandomStrategy, Strategy, TpeStrategy
from nas.strategies import Observation, SearchStrategy, SpaceExhausted, build_strategy
from search_spaces.base import content_key
from search_spaces.dense_cell.architecture import DenseCell, operator_index
from search_spaces.dense_cell.space import cells
from search_spaces.document import architecture_from_dict, architecture_to_dict
from tests.builders import black_box_spec, scenes_fidelity

STRATEGIES: dict[str, Strategy] = {
    "random": RandomStrategy(),
    "dpc": DpcStrategy(near_best=0.6, pool=3, startup=4),
    "tpe": TpeStrategy(startup=4),
}


def spec(name: str, branches: int = 5, **space: str) -> BlackBoxSpec:
    chosen = DenseCellSpace(branches=branches, **{"operators": "extended", **space})
    return black_box_spec(STRATEGIES[name], chosen, fidelity=scenes_fidelity(10, 30, 90), seed=3)


def ask(strategy: SearchStrategy, number: int) -> DenseCell:
    """The cell that a strategy proposes."""
    cell = strategy.ask(number)
    assert isinstance(cell, DenseCell)
    return cell


@pytest.fixture(params=STRATEGIES)
def name(request):
    return request.param


def test_a_spec_without_the_word_keeps_its_json_and_key():
    assert DenseCellSpace().model_dump(mode="json") == {"kind": "dense_cell", "branches": 5}
    assert DenseCellSpace(operators="plain").model_dump(mode="json") == {"kind": "dense_cell", "branches": 5}
    assert content_key(DenseCellSpace().model_dump(mode="json")) == (
        "12b2db4642f7e41135e085583d7e1200dc8c936bfa70ca726bc948b4bca9fc5f"
    )
    extended = DenseCellSpace(operators="extended")
    assert extended.model_dump(mode="json") == {"kind": "dense_cell", "branches": 5, "operators": "extended"}
    assert DenseCellSpace.model_validate(extended.model_dump(mode="json")) == extended
    assert spec("random").key != spec("random", operators="plain").key


@pytest.mark.slow
def test_all_92_cells_of_one_branch_and_no_more(name):
    strategy = build_strategy(spec(name, branches=1))
    found = set()
    for number in range(92):
        found.add(cell := ask(strategy, number))
        strategy.tell(Observation(number, cell, "completed", random.Random(number).random(), 90))
    assert found == set(cells(1, "extended"))
    with pytest.raises(SpaceExhausted, match="the space has only 92 architectures"):
        ask(strategy, 92)


def test_proposals_hold_units_and_restored_it_goes_on(name):
    lived = build_strategy(spec(name))
    record: list[Observation] = []
    for number in range(40):
        cell = ask(lived, number)
        record.append(Observation(number, cell, "completed", random.Random(number).random(), 90))
        lived.tell(record[-1])
    units = sum(len(cell.units) for cell in cells_of(record))
    assert 5 < units < 80  # of 200 branches; by chance 24
    restored = build_strategy(spec(name))
    restored.restore(
        Observation(
            o.number, architecture_from_dict(architecture_to_dict(o.architecture)), o.status, o.score, o.iteration
        )
        for o in record
    )
    for number in range(40, 46):
        assert ask(restored, number).branches == ask(lived, number).branches


def cells_of(record: list[Observation]) -> list[DenseCell]:
    return [o.architecture for o in record if isinstance(o.architecture, DenseCell)]


@pytest.mark.parametrize("name", ["dpc", "tpe"])
def test_units_that_score_well_are_proposed_more(name):
    """Score: the share of branches that are units."""
    strategy = build_strategy(spec(name))
    shares = []
    for number in range(120):
        cell = ask(strategy, number)
        shares.append(sum(operator_index(branch.operator) >= 81 for branch in cell.branches) / 5)
        strategy.tell(Observation(number, cell, "completed", shares[-1], 90))
    assert sum(shares[-40:]) / 40 > 2 * 11 / 92
