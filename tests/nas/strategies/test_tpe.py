import random

import optuna

from nas.specs import DenseCellSpace, TpeStrategy
from nas.strategies.base import Observation
from nas.strategies.cells import CellSpace
from nas.strategies.tpe import TpeSearch
from search_spaces.dense_cell.architecture import OPERATORS, Branch, DenseCell
from search_spaces.dense_cell.space import sample
from tests.nas.strategies.learning import deviations_above_chance

GOOD, LURE = OPERATORS[10], OPERATORS[70]


def search(branches=3, startup=4, seed=0) -> TpeSearch[DenseCell]:
    return TpeSearch(CellSpace(DenseCellSpace(branches=branches)), seed, TpeStrategy(startup=startup))


def share(cells: list[DenseCell], operator) -> int:
    return sum(branch.operator == operator for cell in cells for branch in cell.branches)


def with_operator(cell: DenseCell, operator) -> DenseCell:
    return DenseCell(
        branches=tuple(Branch(input=branch.input, operator=operator) for branch in cell.branches[:2])
        + cell.branches[2:]
    )


def test_it_learns_what_scores_well():
    """Later proposals beat uniform ones clearly."""
    assert deviations_above_chance(search(startup=10), 120) > 4


def history(lure_status: str) -> list[Observation]:
    """Cells with GOOD completed at 0.5; cells with LURE ended otherwise, with a higher score at a lower rung."""
    rng = random.Random(0)
    records = []
    for number in range(160):
        plain = sample(3, rng)
        if number % 4 == 0:
            records.append(Observation(number, with_operator(plain, GOOD), "completed", 0.5 + number / 1000, 90))
        elif number % 4 == 1:
            cell = with_operator(plain, LURE)
            records.append(Observation(number, cell, lure_status, 0.95, 10 if lure_status == "pruned" else 90))
        else:
            records.append(Observation(number, plain, "completed", 0.2, 90))
    return records


def test_a_pruned_trial_is_no_model_to_follow_whatever_its_score():
    strategy = search()
    strategy.restore(history("pruned"))
    proposals = [strategy.ask(number) for number in range(160, 190)]
    assert share(proposals, GOOD) > max(8, 3 * share(proposals, LURE))  # of 90 branches; by chance, one


def test_the_same_scores_of_completed_trials_are():
    strategy = search()
    strategy.restore(history("completed"))
    proposals = [strategy.ask(number) for number in range(160, 190)]
    assert share(proposals, LURE) > max(8, 3 * share(proposals, GOOD))


def test_a_cell_is_learnt_in_the_form_that_the_store_keeps():
    """Whatever the order of the branches in which it was drawn: proposed, or told."""
    strategy = search(branches=5, startup=2)
    written: dict[int, dict[str, int]] = {}
    for number in range(12):
        cell = strategy.ask(number)
        written[number] = strategy._trials[number].params
        strategy.tell(Observation(number, cell.canonical(), "completed", number / 12, 90))
    told = search(branches=5, startup=2)
    for number in range(12):
        told.tell(Observation(number, strategy._proposed[number], "running"))
        assert told._trials[number].params == written[number]
    assert any(cell.branches != cell.canonical().branches for cell in strategy._proposed.values())


def test_a_failed_trial_teaches_nothing():
    records = [
        Observation(o.number, o.architecture, o.status) if o.status == "failed" else o for o in history("failed")
    ]
    strategy, without = search(), search()
    strategy.restore(records)
    without.restore(o for o in records if o.status != "failed")
    assert strategy.ask(160).branches == without.ask(160).branches


def test_it_is_silent_and_leaves_optunas_verbosity_alone(capfd):
    optuna.logging.set_verbosity(optuna.logging.INFO)
    strategy = search()
    for number in range(8):
        cell = strategy.ask(number)
        strategy.tell(Observation(number, cell, "completed", 0.5, 90))
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert capfd.readouterr() == ("", "")
