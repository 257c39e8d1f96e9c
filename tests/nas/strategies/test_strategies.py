"""What every strategy promises, whichever it is."""

import random
import subprocess
import sys

import numpy
import pytest

from nas.specs import BlackBoxSpec, DenseCellSpace, DpcStrategy, RandomStrategy, Strategy, TpeStrategy
from nas.strategies import Observation, SearchStrategy, SpaceExhausted, build_strategy
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.space import cells, distinct
from search_spaces.document import architecture_from_dict, architecture_to_dict, canonical
from tests.builders import black_box_spec, scenes_fidelity

STRATEGIES: dict[str, Strategy] = {
    "random": RandomStrategy(),
    "dpc": DpcStrategy(near_best=0.6, pool=3, startup=4),
    "tpe": TpeStrategy(startup=4),
}


def spec(name: str, branches: int = 5, seed: int = 0) -> BlackBoxSpec:
    space = DenseCellSpace(branches=branches)
    return black_box_spec(STRATEGIES[name], space, fidelity=scenes_fidelity(10, 30, 90), seed=seed)


def ending(number: int, cell: DenseCell) -> Observation:
    """A made-up but repeatable end of a trial, of every kind."""
    rng = random.Random(number)
    status = rng.choice(["completed", "completed", "pruned", "failed", "stopped"])
    if status == "failed":
        return Observation(number, cell, status)
    return Observation(number, cell, status, rng.random(), 90 if status == "completed" else rng.choice([10, 30]))


def ask(strategy: SearchStrategy, number: int) -> DenseCell:
    """The cell that a strategy proposes."""
    cell = strategy.ask(number)
    assert isinstance(cell, DenseCell)
    return cell


@pytest.fixture(params=STRATEGIES)
def name(request):
    return request.param


def test_never_the_same_cell_twice(name):
    strategy = build_strategy(spec(name, branches=2))
    keys = set()
    for number in range(150):
        cell = ask(strategy, number)
        assert len(cell.branches) == 2
        keys.add(cell.key)
        strategy.tell(ending(number, cell))
    assert len(keys) == 150


def test_asked_again_the_same_number_has_the_same_cell(name):
    strategy = build_strategy(spec(name))
    first = ask(strategy, 0)
    ask(strategy, 1)
    assert ask(strategy, 0) is first


@pytest.mark.slow
def test_a_small_space_is_used_up_to_the_last_cell(name):
    strategy = build_strategy(spec(name, branches=1))
    found = set()
    for number in range(81):
        cell = ask(strategy, number)
        found.add(cell)
        strategy.tell(ending(number, cell))
    assert found == set(cells(1))
    with pytest.raises(SpaceExhausted, match="the space has only 81 architectures"):
        ask(strategy, 81)


@pytest.mark.slow
def test_the_last_cells_of_two_branches_are_found_and_another_order_is_a_repeat():
    everything = list(cells(2))
    random.Random(5).shuffle(everything)
    asked, left = everything[:-2], everything[-2:]
    strategy = build_strategy(spec("random", branches=2))
    strategy.restore(Observation(n, turned(cell), "running") for n, cell in enumerate(asked))
    assert {ask(strategy, len(asked)), ask(strategy, len(asked) + 1)} == set(left)
    with pytest.raises(SpaceExhausted):
        ask(strategy, distinct(2))


def turned(cell: DenseCell) -> DenseCell:
    """The other way to write a cell whose two branches both read F."""
    return DenseCell(branches=cell.branches[::-1]) if cell.branches[1].input < 0 else cell


def test_equal_histories_give_equal_answers_and_seeds_differ(name):
    def life(seed: int) -> list[DenseCell]:
        strategy = build_strategy(spec(name, seed=seed))
        found = []
        for number in range(30):
            found.append(ask(strategy, number))
            strategy.tell(ending(number, found[-1]))
        return found

    assert [c.branches for c in life(1)] == [c.branches for c in life(1)]
    assert not set(life(1)) & set(life(2))


def numpy_state() -> list[int]:
    state = numpy.random.get_state(legacy=False)
    assert isinstance(state, dict)
    keys: list[int] = state["state"]["key"].tolist()
    return keys


def test_global_generators_are_neither_read_nor_moved(name):
    strategy, twin = build_strategy(spec(name)), build_strategy(spec(name))
    before = random.getstate(), numpy_state()
    answers = [ask(strategy, number) for number in range(10)]
    assert (random.getstate(), numpy_state()) == before
    random.seed(1)
    numpy.random.seed(1)
    assert [ask(twin, number) for number in range(10)] == answers


def stored(cell: DenseCell) -> DenseCell:
    """The cell as a trial's record has it: in its canonical form, through JSON."""
    kept = architecture_from_dict(architecture_to_dict(canonical(cell)))
    assert isinstance(kept, DenseCell)
    return kept


@pytest.mark.parametrize(("seed", "outstanding"), [(0, 1), (1, 4), (2, 4), (3, 12), (4, 20)])
def test_restored_it_goes_on_as_if_it_had_lived_on(name, seed, outstanding):
    """Many trials in flight at a time, ended in any order and told as the store keeps them; the record is shuffled."""
    rng = random.Random(seed)
    lived = build_strategy(spec(name, seed=seed))
    in_flight: dict[int, DenseCell] = {}
    ended: list[Observation] = []
    for number in range(30):
        in_flight[number] = stored(ask(lived, number))
        if len(in_flight) == outstanding:
            ended.append(ending(done := rng.choice(sorted(in_flight)), in_flight.pop(done)))
            lived.tell(ended[-1])
    running = [Observation(number, cell, "running", 0.9, 10) for number, cell in in_flight.items()]
    restored = build_strategy(spec(name, seed=seed))
    restored.restore(rng.sample([*ended, *running], k=30))
    for number in range(30, 36):
        assert ask(restored, number).branches == ask(lived, number).branches
    for number, cell in in_flight.items():  # they end after all, in both lives
        lived.tell(ending(number, cell))
        restored.tell(ending(number, cell))
    assert ask(restored, 36).branches == ask(lived, 36).branches


def test_a_second_end_of_a_trial_is_ignored(name):
    once, twice = build_strategy(spec(name)), build_strategy(spec(name))
    for number in range(12):
        cell = ask(once, number)
        assert ask(twice, number) == cell
        for strategy in (once, twice):
            strategy.tell(Observation(number, cell, "completed", number / 12, 90))
        twice.tell(Observation(number, cell, "failed"))
        twice.tell(Observation(number, cell, "completed", 1.0, 90))
    assert [ask(once, n).branches for n in range(12, 18)] == [ask(twice, n).branches for n in range(12, 18)]


def test_the_common_path_imports_neither_torch_nor_ray_nor_optuna():
    code = "import sys, nas.strategies; print(sorted({'torch', 'ray', 'optuna', 'sqlalchemy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
