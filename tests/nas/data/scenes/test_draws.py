from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.scenes.draws import Draws


def test_the_sequence_is_pinned():
    draws = Draws(0, 1, 2)
    assert [draws.below(1000) for _ in range(6)] == [881, 289, 871, 125, 176, 317]
    assert draws.noise(5).tolist() == [21, 122, 146, 122, 15]


def test_below_takes_the_high_half_of_a_raw_word():
    words = np.random.PCG64(np.random.SeedSequence((7,))).random_raw(3)
    draws = Draws(7)
    assert [draws.below(10) for _ in range(3)] == [int(w) // 2**32 * 10 // 2**32 for w in words]


def test_noise_bytes_are_little_endian():
    draws, bits = Draws(3), np.random.PCG64(np.random.SeedSequence((3,)))
    word = int(bits.random_raw())
    assert draws.noise(3).tolist() == [word & 255, word >> 8 & 255, word >> 16 & 255]


@given(st.integers(0, 2**63), st.integers(-50, 50), st.integers(0, 50))
def test_between_includes_both_ends_only(seed, low, span):
    draws = Draws(seed)
    values = {draws.between(low, low + span) for _ in range(30)}
    assert values <= set(range(low, low + span + 1))


def test_frequencies():
    draws = Draws(0)
    picks = np.bincount([draws.weighted((50, 30, 20)) for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(picks, [0.5, 0.3, 0.2], atol=0.03)
    assert sum(draws.percent(65) for _ in range(4000)) / 4000 == pytest.approx(0.65, abs=0.03)
    assert {draws.below(6) for _ in range(200)} == set(range(6))


@given(st.integers(0, 2**32), st.lists(st.integers()))
def test_shuffled_is_a_permutation(seed, values):
    assert sorted(Draws(seed).shuffled(values)) == sorted(values)


def test_every_order_occurs():
    draws = Draws(1)
    assert len({tuple(draws.shuffled("abc")) for _ in range(200)}) == 6
