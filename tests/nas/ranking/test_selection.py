"""Which architectures are measured at full scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.ranking.selection import stratified, top

SCORES = dict(enumerate([0.3, 0.9, 0.1, 0.5, 0.7, 0.2, 0.8, 0.4, 0.6]))
DESCENDING = [1, 6, 4, 8, 3, 7, 0, 5, 2]


def test_top():
    assert top(SCORES, 3) == [1, 6, 4]
    assert top(SCORES, 9) == DESCENDING
    assert top({"a": 0.5, "b": 0.7, "c": 0.5}, 2) == ["b", "a"]


def test_stratified_is_even_in_rank():
    """Nine in order: the best, then the middle of each of the other groups."""
    assert stratified(SCORES, 1) == [1]
    assert stratified(SCORES, 2) == [DESCENDING[0], DESCENDING[6]]
    assert stratified(SCORES, 3) == [DESCENDING[0], DESCENDING[4], DESCENDING[7]]
    assert stratified(SCORES, 9) == DESCENDING


def test_degenerate_architectures_do_not_fill_the_sample():
    scores = dict.fromkeys(range(2), 0.0) | {number: 0.5 + number / 100 for number in range(2, 20)}
    assert sum(scores[number] == 0.0 for number in stratified(scores, 7)) == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.data())
def test_a_sample_is_distinct_ordered_and_spread(scores, data):
    named = dict(enumerate(scores))
    k = data.draw(st.integers(1, len(scores)))
    chosen = stratified(named, k)
    ordered = top(named, len(named))
    places = [ordered.index(number) for number in chosen]
    assert len(set(chosen)) == k
    assert places == sorted(places)
    assert places[0] == 0
    size = len(scores) / k
    assert all(group * size - 1 < place < (group + 1) * size for group, place in enumerate(places))


@pytest.mark.parametrize("choose", [top, stratified])
def test_what_cannot_be_chosen_is_the_callers_mistake(choose):
    for k in (0, -1, 10):
        with pytest.raises(ValueError, match=f"{k} architectures cannot be chosen: 9 have a score"):
            choose(SCORES, k)
    with pytest.raises(ValueError, match="7 has the score nan"):
        choose(SCORES | {7: float("nan")}, 2)
