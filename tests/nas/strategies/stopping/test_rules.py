"""The other rules by hand, and what all rules promise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.specs import AshaStopping, HyperbandStopping, MedianStopping, PashaStopping
from nas.strategies import early_stopper
from nas.strategies.stopping.asha import SuccessiveHalving
from nas.strategies.stopping.base import EarlyStopper
from nas.strategies.stopping.hyperband import Hyperband, bracket_shares
from nas.strategies.stopping.median import MedianStopping as MedianRule
from nas.strategies.stopping.pareto import ParetoHalving
from nas.strategies.stopping.pasha import ProgressiveHalving
from tests.builders import black_box_spec, scenes_fidelity

RUNGS = (1, 2, 4, 8)


def hyperband(rungs=RUNGS, brackets=3, reduction=2.0) -> Hyperband:
    return Hyperband(rungs, [SuccessiveHalving(rungs, reduction) for _ in range(brackets)], reduction)


BUILD = {
    "asha": lambda: SuccessiveHalving(RUNGS, 2.0),
    "pareto": lambda: ParetoHalving(RUNGS, 2.0),
    "median": lambda: MedianRule(RUNGS, 2),
    "hyperband": hyperband,
    "pasha": lambda: ProgressiveHalving(RUNGS, 2.0),
    "pasha with an epsilon": lambda: ProgressiveHalving(RUNGS, 2.0, 0.2),
}


@given(st.data(), st.sampled_from(sorted(BUILD)))
def test_replayed_every_rule_decides_as_if_it_had_lived_on(data, name):
    """The record comes in any order of the trials, with who is unjudged."""
    lived, replayed = BUILD[name](), BUILD[name]()
    objectives = 2 if name == "pareto" else 1
    point = st.tuples(*[st.integers(0, 5).map(lambda i: i / 5)] * objectives)
    curves: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
    next_rung: dict[int, int] = {}
    for _ in range(data.draw(st.integers(0, 30))):
        number = data.draw(st.sampled_from([*(n for n, r in next_rung.items() if r < 4), len(next_rung)]))
        rung = next_rung.setdefault(number, 0)
        values = data.draw(point)
        curves.setdefault(number, []).append((RUNGS[rung], values))
        next_rung[number] = rung + 1 if lived.record(number, RUNGS[rung], *values) else 4
    unjudged = {number: at for number in curves if (at := lived.unjudged(number)) is not None}
    replayed.replay(dict(data.draw(st.permutations(list(curves.items())))), unjudged)
    assert [replayed.unjudged(number) for number in curves] == [lived.unjudged(number) for number in curves]
    for number in range(len(next_rung), len(next_rung) + 4):
        for rung in RUNGS:
            values = data.draw(point)
            assert replayed.record(number, rung, *values) == lived.record(number, rung, *values)
            assert replayed.unjudged(number) == lived.unjudged(number)


@pytest.mark.parametrize("name", sorted(BUILD))
def test_the_last_rung_stops_nobody_and_an_answer_stays(name):
    rule: EarlyStopper = BUILD[name]()
    for number in range(12):
        assert rule.record(number, 8, -number)
        answers = [rule.record(number, 1, -number) for _ in range(2)]
        assert answers[0] == answers[1]


def test_median_by_hand():
    rule = MedianRule((10, 20, 40), startup=2)
    assert rule.record(0, 10, 0.4)
    assert rule.record(1, 10, 0.6)
    assert [rule.unjudged(number) for number in (0, 1)] == [(10, 0.4), (10, 0.6)]
    assert not rule.record(2, 10, 0.49)  # the median of 0.4 and 0.6 is 0.5
    assert rule.record(3, 10, 0.5)  # the median of 0.4, 0.49 and 0.6
    assert rule.record(0, 20, 0.8)  # mean of 0.4 and 0.8: 0.6
    assert rule.record(1, 20, 0.8)  # mean of 0.6 and 0.8: 0.7; the second at this rung is not judged
    # Its best is that of the rung before, 0.5; the median of the means is 0.65.
    assert not rule.record(3, 20, 0.3)


def test_a_best_of_earlier_counts_for_the_median():
    rule = MedianRule((10, 20), startup=1)
    rule = MedianRule((10, 20, 40), startup=1)
    rule.record(0, 10, 0.2)
    rule.record(0, 20, 0.6)  # mean 0.4
    assert rule.record(1, 10, 0.45)
    assert rule.record(1, 20, 0.1)  # its best, 0.45, is above 0.4


def test_pareto_halving_of_one_objective_is_by_rank():
    """At a rung with five scores the one that two are above continues where the best third is asked for."""
    rule = ParetoHalving((1, 2), reduction=3)
    for number, score in enumerate((0.1, 0.2, 0.3, 0.4, 0.5)):
        rule.record(number, 1, score)
    # Ranks among themselves 4, 3, 2, 1, 0; a third of the way up from 0 is 4/3.
    assert rule.record(5, 1, 0.45)
    assert not rule.record(6, 1, 0.25)


def test_pareto_halving_spares_the_small_head_with_the_low_score():
    rule = ParetoHalving((1, 2), reduction=2)
    assert rule.record(0, 1, 0.9, -100.0)
    assert rule.record(1, 1, 0.8, -50.0)
    assert rule.record(2, 1, 0.2, -10.0), "the smallest is dominated by none"
    assert not rule.record(3, 1, 0.7, -60.0), "one dominates it, and none dominates the others"
    alone = SuccessiveHalving((1, 2), reduction=2)
    assert [alone.record(number, 1, score) for number, score in enumerate((0.9, 0.8, 0.2))] == [True, False, False]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=80))
def test_domination_is_counted_as_it_is_defined(found):
    from nas.results.domination import dominates

    rule = ParetoHalving((1, 2), reduction=2)
    for number, values in enumerate(found):
        rule.record(number, 1, *map(float, values))
    literal = [sum(dominates(other, own) for other in found) for own in found]
    assert rule._seen[1].counts == literal


def test_brackets_of_hyperband_cost_the_same():
    """Rungs 1, 3, 9 and a reduction of 3. In bracket 0 a trial costs 1 + 2/3 + 6/9 = 7/3, in 1 3 + 6/3 = 5, in 2 9."""
    shares = bracket_shares((1, 3, 9), 3, 3)
    costs = [share * cost for share, cost in zip(shares, (7 / 3, 5, 9), strict=True)]
    assert costs == pytest.approx([costs[0]] * 3)
    assert sum(shares) == pytest.approx(1)
    rule = hyperband((1, 3, 9), 3, 3.0)
    sizes = [[rule.bracket(number) for number in range(300)].count(bracket) for bracket in range(3)]
    assert sizes == pytest.approx([300 * share for share in shares], abs=1)


def test_a_bracket_begins_later_and_compares_with_its_own():
    rule = hyperband((1, 2, 4), 2, 2.0)
    early, late = ([number for number in range(20) if rule.bracket(number) == bracket] for bracket in (0, 1))
    assert rule.record(early[0], 1, 0.9)
    assert not rule.record(early[1], 1, 0.5)
    assert rule.record(late[0], 1, 0.1), "nothing is stopped at the rung that it skips"
    assert rule.unjudged(late[0]) == (1, 0.1)
    assert rule.record(late[0], 2, 0.2)
    assert rule.record(late[1], 1, 0.0)
    assert not rule.record(late[1], 2, 0.1)
    assert rule.record(early[2], 1, 0.7), "the median of its own bracket is 0.7; of all trials it is 0.5"
    assert not rule.record(early[3], 1, 0.69)


def test_more_brackets_than_rungs_are_refused():
    with pytest.raises(ValueError, match="brackets must be 1 to 2, one for each rung at most, not 3"):
        hyperband((1, 2), 3)


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        (None, type(None)),
        (AshaStopping(), SuccessiveHalving),
        (MedianStopping(name="median"), MedianRule),
        (HyperbandStopping(name="hyperband", brackets=9), Hyperband),
        (PashaStopping(name="pasha"), ProgressiveHalving),
    ],
)
def test_rules_are_built_by_name(spec, rule):
    assert isinstance(early_stopper(black_box_spec(early_stopping=spec, fidelity=scenes_fidelity(1, 2, 4))), rule)


def test_several_objectives_are_halved_by_domination():
    spec = black_box_spec(objectives=("miou", "parameters"))
    assert isinstance(early_stopper(spec), ParetoHalving)


def test_where_the_first_rung_misleads_hyperband_keeps_the_best():
    """300 trials whose first rung says nothing: halving keeps few of the best tenth, hyperband more."""
    rng = random.Random(0)
    quality = [rng.random() for _ in range(300)]
    noise = [rng.random() for _ in range(300)]
    reached = {}
    for name, rule in (("asha", SuccessiveHalving((1, 3, 9), 3)), ("hyperband", hyperband((1, 3, 9), 3, 3.0))):
        reached[name] = 0
        for number in range(300):
            values = (noise[number], quality[number])
            if all(rule.record(number, rung, value) for rung, value in zip((1, 3), values, strict=True)):
                reached[name] += quality[number] > 0.9
    assert reached["hyperband"] > reached["asha"]
