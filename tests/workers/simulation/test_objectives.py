"""Objectives, constraints and early stopping by name, from the plan through the driver's book to the record."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nas.kinds.black_box import StrategyPlan
from nas.kinds.registry import kind_of
from nas.kinds.warm_start import check_sources, warm_observations
from nas.ranking.pareto import pareto_of, pareto_set_of
from nas.results.domination import pareto_set
from nas.results.measurement import Measurement
from nas.results.status import TrialStatus
from nas.schemas.panels import TablePanel, TextPanel
from nas.specs import BlackBoxSpec, DenseCellSpace, EvolutionStrategy, Goals, Nsga2Strategy, Resources
from nas.store import Store
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.cost import cell_cost
from search_spaces.latency import Latency
from search_spaces.validation import InputError
from tests.builders import black_box_spec, measured, scenes_fidelity
from workers.simulation.simulate import VirtualClock, simulate
from workers.trainables.task import TrialTask

RUNGS = (10, 30, 90)
FIDELITY = scenes_fidelity(*RUNGS, backbone={"name": "mobilenet_v2", "width": 0.35}, head={"channels": 16})

LATENCY = Latency(what="head", median_ms=1, iqr_ms=0.1, runs=100, device="cpu", model="m", threads=1, torch="2")


def curve(task: TrialTask) -> list[Measurement]:
    """Made-up results that follow from the cell: larger cells score higher, and one of two classes lower."""
    rng = random.Random(task.architecture.key)
    assert task.goals.objectives, "a task knows what it is measured for"
    assert isinstance(task.architecture, DenseCell)
    cost = cell_cost(task.architecture, DenseCellSpace().setting(FIDELITY))
    best = min(0.95, 0.2 + cost.parameters / 60_000 + 0.2 * rng.random())
    milliseconds = cost.multiply_adds / 1e6
    latency = LATENCY.model_copy(update={"median_ms": milliseconds})
    return [
        measured(
            rung,
            (score := best * (0.7 + 0.1 * place)),
            10.0 * (place + 1),
            class_iou=(score, (1 - score) * rng.random(), None),
            parameters=cost.parameters,
            multiply_adds=cost.multiply_adds,
            latency=latency if task.goals.measure_latency else None,
        )
        for place, rung in enumerate(RUNGS)
    ]


def search(store: Store, clock: VirtualClock, trials: int = 40, **changes: Any) -> str:
    spec = black_box_spec(fidelity=FIDELITY, trials=trials, resources=Resources(concurrent=4), **changes)
    return simulate(store, clock, spec, StrategyPlan(spec), curve).search_id


def test_the_first_objective_orders_everything(store, clock):
    """By the IoU of the second class other trials are the better ones, and other trials are stopped."""
    by_miou = search(store, clock)
    by_class = search(store, clock, objectives=({"class_iou": "car", "number": 1},))
    for found, place in ((by_miou, 0), (by_class, 1)):
        curves, trials = store.measurements(found), store.list_trials(found, "-score", limit=1000).items
        assert all(trial.value == curves[trial.number][-1].class_iou[place] for trial in trials)
        keys = [trial.standing for trial in trials]
        assert keys == sorted(keys, reverse=True)
        best = store.best_trial(found)
        assert best is not None
        assert best.number == trials[0].number
    ends = [[trial.status for trial in store.all_trials(found)] for found in (by_miou, by_class)]
    assert ends[0] != ends[1]
    top = store.list_trials(by_class, "-score", limit=1).items[0]
    last = [(t.iteration, t.value, t.score) for t in store.all_trials(by_class) if t.status is TrialStatus.COMPLETED]
    assert top.value == max(value for _, value, _ in last)
    assert top.score != max(score for *_, score in last), "the draw tells the two apart"
    assert store.odd_totals() == []


@pytest.mark.parametrize("strategy", ["nsga2", "random"])
def test_the_pareto_set_is_of_the_last_rung_and_never_a_failed_trial(store, clock, strategy):
    found = search(store, clock, objectives=("miou", "parameters", "latency"), strategy={"name": strategy})
    record = store.get_search(found)
    chosen = pareto_set_of(record, store)
    assert chosen.iteration == RUNGS[-1]
    curves = store.measurements(found)
    completed = [trial for trial in store.all_trials(found) if trial.status is TrialStatus.COMPLETED]
    assert all(trial.latency is not None for trial in completed)
    goals = record.spec.goals
    values = [goals.values(curves[trial.number][-1]) for trial in completed]
    literal = [completed[place].number for place in pareto_set([value for value in values if value is not None])]
    assert list(chosen.values) == literal
    assert len(literal) > 1
    (table,) = kind_of(record.spec).panels(record, store)
    assert isinstance(table, TablePanel)
    assert [row[0] for row in table.rows] == [
        f"#{n}" for n in sorted(literal, key=lambda n: chosen.values[n], reverse=True)
    ]
    # Any other goals can be asked of what is recorded.
    sizes = pareto_of(store.deepest_results(found), Goals(objectives=("miou", "multiply_adds")))
    assert 0 < len(sizes.values) <= len(completed)


def test_of_one_objective_the_set_is_the_best_trial(store, clock):
    found = search(store, clock)
    record, best = store.get_search(found), store.best_trial(found)
    assert best is not None
    assert list(pareto_set_of(record, store).values) == [best.number]
    assert kind_of(record.spec).panels(record, store) == ()


def test_an_empty_search_has_an_empty_set(store):
    record, _ = store.create_search(black_box_spec(name="empty", objectives=("miou", "parameters")))
    assert pareto_set_of(record, store).values == {}
    (panel,) = kind_of(record.spec).panels(record, store)
    assert isinstance(panel, TextPanel)
    assert panel.lines == ("the Pareto set is empty: no trial is measured yet",)


def test_with_domination_small_heads_pass_the_rungs(store, clock):
    """Halving by mIoU alone completes large cells; with parameters among the objectives small ones too."""
    smallest = []
    for objectives in (("miou",), ("miou", "parameters")):
        found = search(store, clock, trials=80, objectives=objectives)
        completed = [t.parameters for t in store.all_trials(found) if t.status is TrialStatus.COMPLETED]
        smallest.append(min(number for number in completed if number is not None))
    assert smallest[1] < smallest[0]


@pytest.mark.parametrize("rule", [{"name": "median"}, {"name": "hyperband"}, {"reduction": 3}, None])
def test_rules_by_name(store, clock, rule):
    found = search(store, clock, trials=60, early_stopping=rule)
    trials = store.all_trials(found)
    pruned = [trial for trial in trials if trial.status is TrialStatus.PRUNED]
    assert bool(pruned) is (rule is not None)
    assert any(trial.status is TrialStatus.COMPLETED for trial in trials)
    assert store.odd_totals() == []


@pytest.mark.parametrize(
    ("rule", "objectives"),
    [
        ({"name": "median"}, ("miou",)),
        ({"name": "pasha"}, ("miou",)),
        ({"name": "hyperband"}, ("miou",)),
        ({"name": "hyperband"}, ("miou", "latency")),
        ({"reduction": 2}, ("miou", "latency")),
    ],
)
def test_a_restored_plan_proposes_and_stops_as_the_first(store, clock, rule, objectives):
    """After a search was recorded, a plan that is restored from it, and one that lived through it, answer the same."""
    several = len(objectives) > 1
    strategy = Nsga2Strategy(population=6) if several else EvolutionStrategy(population=6)
    spec = black_box_spec(strategy, fidelity=FIDELITY, trials=60, objectives=objectives, early_stopping=rule, seed=3)
    shorter = spec.model_copy(update={"trials": 40})
    lived = StrategyPlan(shorter)
    found = simulate(store, clock, shorter, lived, curve).search_id
    lived._spec = spec
    restored = StrategyPlan(spec)
    restored.restore(store.all_trials(found), store.measurements(found))
    for _ in range(5):
        one, other = lived.propose(), restored.propose()
        assert one is not None
        assert one == other
        for point in curve(task_of(spec, one)):
            assert lived.should_continue(one.number, point) == restored.should_continue(one.number, point)
            assert lived.judged(one.number, point) == restored.judged(one.number, point)


def task_of(spec: BlackBoxSpec, proposal: Any) -> TrialTask:
    return TrialTask(
        search_id="s",
        search_name="a search",
        number=proposal.number,
        resources=spec.resources,
        workspace=None,  # type: ignore[arg-type]  # nothing is run
        architecture=proposal.architecture,
        fidelity=spec.fidelity,
        seed=0,
        goals=spec.goals,
    )


def test_a_warm_start_needs_the_same_objectives(store, clock):
    found = search(store, clock, objectives=("miou", "parameters"))
    other = black_box_spec(fidelity=FIDELITY, warm_start=(found,))
    with pytest.raises(InputError, match="has other objectives; name a search of the same `objectives`"):
        check_sources(other, store)
    same = black_box_spec(fidelity=FIDELITY, warm_start=(found,), objectives=("miou", "parameters"))
    check_sources(same, store)
    record, _ = store.create_search(same)
    told = warm_observations(same, record.id, store)
    assert told
    assert all(len(seen.values) == 2 and seen.values[0] == seen.score for seen in told)
