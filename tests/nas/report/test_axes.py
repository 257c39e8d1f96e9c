"""Axes: round ticks around all values, coordinates at their ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.report.axes import linear_axis, log_axis, tick_text

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def test_ticks_are_round_and_enclose_the_values():
    axis = linear_axis([0.13, 0.47], 0, 100)
    assert axis.ticks == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert (axis(0.1), axis(0.5), axis(0.3)) == (0, 100, pytest.approx(50))


def test_an_axis_from_zero_and_one_upside_down():
    assert linear_axis([150, 300], 0, 1, zero=True).low == 0
    assert linear_axis([-1, 3], 0, 1, zero=True).low < 0
    axis = linear_axis([0, 10], 200, 0)
    assert (axis(0), axis(10)) == (200, 0)


def test_without_values_and_with_one_alone():
    assert linear_axis([], 0, 1).ticks[0] == 0
    alone = linear_axis([0.5], 0, 1)
    assert alone.low < 0.5 < alone.high


@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_every_value_lies_between_the_ends(values):
    axis = linear_axis(values, 0, 100)
    assert all(-1e-6 <= axis(value) <= 100 + 1e-6 for value in values)
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert 2 <= len(axis.ticks) <= 12


def test_a_logarithmic_axis_has_powers_of_ten():
    wide = log_axis([0.002, 24], 0, 100)
    assert wide.ticks == pytest.approx([0.01, 0.1, 1, 10])
    narrow = log_axis([3, 20], 0, 100)
    assert narrow.ticks == pytest.approx([2, 5, 10, 20])
    # A factor has the same length everywhere.
    assert narrow(8) - narrow(4) == pytest.approx(narrow(16) - narrow(8))


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=10))
def test_every_value_lies_within_a_logarithmic_axis(values):
    axis = log_axis(values, 0, 100)
    assert all(0 < axis(value) < 100 for value in values)


def test_ticks_have_as_many_decimals_as_they_need():
    assert [tick_text(tick, (0.6, 0.62, 0.64)) for tick in (0.6, 0.62)] == ["0.60", "0.62"]
    assert tick_text(1000, (0, 500, 1000)) == "1,000"
