"""Every strategy over several levels, with widths, and under a limit."""

import random

import pytest
from optuna.distributions import CategoricalDistribution

from nas.kinds.black_box import StrategyPlan
from nas.specs import (
    BackboneSpec,
    BlackBoxSpec,
    CellLimit,
    DenseCellSpace,
    DpcStrategy,
    RandomStrategy,
    Strategy,
    TpeStrategy,
)
from nas.strategies import CellSpace, Observation, SearchStrategy, SpaceExhausted, build_strategy
from nas.strategies import base as strategies_base
from nas.strategies.tpe import TpeSearch
from search_spaces.base import content_key
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.cost import cell_cost, smallest_cell
from search_spaces.document import architecture_from_dict, architecture_to_dict
from tests.builders import black_box_spec, scenes_fidelity

STRATEGIES: dict[str, Strategy] = {
    "random": RandomStrategy(),
    "dpc": DpcStrategy(near_best=0.6, pool=3, startup=4),
    "tpe": TpeStrategy(startup=4),
}
WIDTHS = (16, 24, 32, 48)
FIDELITY = scenes_fidelity(10, 30, backbone=BackboneSpec(output_stride=16, levels=(8, 16)), crop=(128, 256))


def spec(name: str, **space: object) -> BlackBoxSpec:
    chosen = DenseCellSpace.model_validate({"levels": (8, 16), "channels": WIDTHS, **space})
    return black_box_spec(STRATEGIES[name], chosen, fidelity=FIDELITY, seed=3)


def ask(strategy: SearchStrategy, number: int) -> DenseCell:
    cell = strategy.ask(number)
    assert isinstance(cell, DenseCell)
    return cell


def lived(strategy: SearchStrategy, trials: int) -> list[Observation]:
    """Ask and tell; narrow cells score better."""
    record = []
    for number in range(trials):
        cell = ask(strategy, number)
        score = 1 / (cell.channels or 1) + random.Random(number).random() / 100
        record.append(Observation(number, cell, "completed", score, 30))
        strategy.tell(record[-1])
    return record


@pytest.fixture(params=STRATEGIES)
def name(request):
    return request.param


def test_proposals_read_all_levels_at_all_widths_and_restored_it_continues(name):
    strategy = build_strategy(spec(name))
    record = lived(strategy, 60)
    proposed = [o.architecture for o in record if isinstance(o.architecture, DenseCell)]
    assert len({cell.key for cell in proposed}) == 60
    assert {cell.levels for cell in proposed} == {(8, 16)}
    assert {cell.channels for cell in proposed} == set(WIDTHS)
    assert {branch.input for cell in proposed for branch in cell.branches} == set(range(-2, 4))
    restored = build_strategy(spec(name))
    restored.restore(
        Observation(
            o.number, architecture_from_dict(architecture_to_dict(o.architecture)), o.status, o.score, o.iteration
        )
        for o in record
    )
    for number in range(60, 66):
        again, expected = ask(restored, number), ask(strategy, number)
        assert (again.branches, again.channels) == (expected.branches, expected.channels)


@pytest.mark.parametrize("name", ["dpc", "tpe"])
def test_widths_that_score_well_are_proposed_more(name):
    record = lived(build_strategy(spec(name)), 100)
    narrow = [isinstance(o.architecture, DenseCell) and o.architecture.channels == 16 for o in record[-40:]]
    assert sum(narrow) > 17  # by chance 10


def test_no_proposal_is_beyond_the_limit(name):
    limit = CellLimit(parameters=9_000, multiply_adds=4_000_000)
    limited = spec(name, limit=limit)
    free = [o.architecture for o in lived(build_strategy(spec(name)), 20)]
    assert not all(limited.space.admits(cell, limited.fidelity) for cell in free)
    proposed = [o.architecture for o in lived(build_strategy(limited), 30)]
    assert all(limited.space.admits(cell, limited.fidelity) for cell in proposed)
    assert len(set(proposed)) == 30


def test_a_small_space_under_a_limit_is_used_up_to_its_last_cell():
    """One branch on 320 channels, width 16: 1x1 and pooling 5,440 parameters, separable 8,960; width 24 above 7,680."""
    space = DenseCellSpace(branches=1, channels=(16, 24), limit=CellLimit(parameters=6_000))
    strategy = build_strategy(black_box_spec(RandomStrategy(), space, fidelity=scenes_fidelity(10, crop=(128, 256))))
    found = {ask(strategy, number) for number in range(17)}
    assert {cell.channels for cell in found} == {16}
    assert {cell.branches[0].operator.op for cell in found} == {"conv1x1", "pyramid_pooling"}
    assert len(found) == 17
    with pytest.raises(SpaceExhausted, match="the space has only 17 architectures"):
        strategy.ask(17)


def test_a_tight_limit_ends_the_search_with_a_sentence(name, monkeypatch):
    monkeypatch.setattr(strategies_base, "LIMITED_TRIES", 50)
    free = spec(name).space
    assert isinstance(free, DenseCellSpace)
    setting = free.setting(FIDELITY)
    least = cell_cost(smallest_cell(5, setting.in_channels, 16, (8, 16)), setting)
    strategy = build_strategy(spec(name, limit=CellLimit(parameters=least.parameters)))
    sentence = (
        r"none of 50 further random architectures is new and within space\.limit and the constraints: 0 architectures"
    )
    with pytest.raises(SpaceExhausted, match=sentence):
        strategy.ask(0)


def test_a_plan_notes_why_it_ended(monkeypatch):
    monkeypatch.setattr(strategies_base, "LIMITED_TRIES", 50)
    plan = StrategyPlan(spec("random", limit=CellLimit(parameters=3_100)))
    while plan.propose() is not None:
        pass
    assert plan.finished
    assert plan.note is not None
    assert "within space.limit" in plan.note


def test_parameters_of_tpe():
    search = TpeSearch(CellSpace(DenseCellSpace(branches=2, levels=(8, 16), channels=(16, 24))), 0, TpeStrategy())
    choices = {
        name: tuple(distribution.choices)
        for name, distribution in search._parameters.groups[0].items()
        if isinstance(distribution, CategoricalDistribution)
    }
    operators = tuple(range(81))
    assert choices == {
        "input_0": (-2, -1),
        "input_1": (-2, -1, 0),
        "operator_0": operators,
        "operator_1": operators,
        "channels": (16, 24),
    }
    one_width = TpeSearch(CellSpace(DenseCellSpace(branches=1, channels=(16,))), 0, TpeStrategy())
    assert list(one_width._parameters.groups[0]) == ["operator_0"]
    assert one_width.ask(0).channels == 16


def test_proposals_are_frozen():
    """Stored searches over levels and widths continue as they began; TPE's draws depend on Optuna's version."""
    keys = [
        content_key([architecture_to_dict(one.architecture) for one in lived(build_strategy(spec(name)), 30)])
        for name in ("random", "dpc")
    ]
    assert keys == [
        "f995d7dd2141123a338e1bff293fbbf3f4e10482fb990030a8e488ce9e1c11ac",
        "c875c92472cbb5d67c96ead5d5d63f18d8c4d2b6898a4ff0d8dbe6dd63c49c19",
    ]
