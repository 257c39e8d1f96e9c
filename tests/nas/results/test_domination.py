from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.results.domination import crowding, dominates, fronts, pareto_set

values = st.integers(-3, 3).map(float)


@st.composite
def results(draw):
    objectives = draw(st.integers(1, 4))
    return draw(st.lists(st.tuples(*[values] * objectives), max_size=25))


def test_by_hand():
    found = [(0.5, -10.0), (0.6, -20.0), (0.6, -30.0), (0.4, -10.0), (0.9, -90.0)]
    assert pareto_set(found) == [0, 1, 4]
    assert list(fronts(found)) == [[0, 1, 4], [2, 3]]
    assert pareto_set([]) == []


def test_of_equal_results_none_dominates():
    assert pareto_set([(1.0, 2.0), (1.0, 2.0), (1.0, 1.0), (0.5, 2.0)]) == [0, 1]
    assert not dominates((1.0,), (1.0,))


@given(results())
def test_the_set_is_what_none_dominates(found):
    literal = [place for place, own in enumerate(found) if not any(dominates(other, own) for other in found)]
    assert pareto_set(found) == literal


@given(results())
def test_fronts_have_each_result_once_and_the_earlier_dominates(found):
    listed = list(fronts(found))
    assert sorted(place for front in listed for place in front) == list(range(len(found)))
    for before, front in pairwise(listed):
        assert all(any(dominates(found[a], found[b]) for a in before) for b in front)


def test_crowding_by_hand():
    """Range 4 in the first objective, 8 in the second; the middle one has neighbours at 0 and 4, and at -8 and 0."""
    assert crowding([(0.0, 0.0), (4.0, -8.0), (1.0, -4.0)]) == [float("inf"), float("inf"), 2.0]
    assert crowding([(0.0, 0.0), (1.0, -2.0), (2.0, -6.0), (4.0, -8.0)]) == [
        float("inf"),
        pytest.approx(2 / 4 + 6 / 8),
        pytest.approx(3 / 4 + 6 / 8),
        float("inf"),
    ]
    assert crowding([]) == []
    assert crowding([(1.0, 1.0), (1.0, 1.0), (1.0, 1.0)])[1] == 0.0
