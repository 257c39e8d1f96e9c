import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nas.training.loop.random_streams import rows_at

SEEDS = st.integers(0, 2**31 - 1)


@given(SEEDS, st.integers(1, 20), st.integers(0, 3))
def test_each_round_of_the_stream_is_a_shuffle_of_all_rows(seed, rows, epoch):
    part = rows_at(seed, rows, epoch * rows, (epoch + 1) * rows)
    assert sorted(part.tolist()) == list(range(rows))


@given(SEEDS, st.integers(1, 20), st.lists(st.integers(0, 60), min_size=2, max_size=5))
def test_a_stretch_does_not_depend_on_where_it_is_cut(seed, rows, cuts):
    cuts = sorted(cuts)
    whole = rows_at(seed, rows, cuts[0], cuts[-1])
    pieces = [rows_at(seed, rows, a, b) for a, b in itertools.pairwise(cuts)]
    assert np.array_equal(whole, np.concatenate(pieces))


def test_seeds_and_rounds_differ():
    assert not np.array_equal(rows_at(0, 50, 0, 50), rows_at(1, 50, 0, 50))
    assert not np.array_equal(rows_at(0, 50, 0, 50), rows_at(0, 50, 50, 100))
