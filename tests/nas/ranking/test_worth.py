"""What a search is expected to gain: known truths, monotone in what helps, refused where nothing can be said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nas.ranking.worth import Planned, Relation, Sample, Worth, expected_gain

SURE = Relation(loss=0.0, growth=(0.0, 0.0, 0.0), family=0.0, decay=(0.0, 0.0), lead=(1.0, 1.0))
"""The last rung is as the first one."""

PLANNED = Planned(trials=100, keep=1.0, first=50, last=400)


def sample(
    count: int, mean: float = 0.5, spread: float = 0.05, noise: float = 0.01, size: float = 1e7, seed: int = 0
) -> Sample:
    rng = np.random.default_rng(seed)
    true = mean + spread * rng.standard_normal(count)
    return Sample(true[:, None] + noise * rng.standard_normal((count, 2)), np.full(count, size))


def gain(cells: Sample, references: Sample, relation: Relation = SURE, **changes: Any) -> Worth:
    return expected_gain(cells, references, replace(PLANNED, **changes), relation)


def test_the_best_of_many_normal_scores():
    """The best of 100 normal scores is 2.51 deviations above their mean."""
    found = gain(sample(400), sample(1, 0.5, 0.0))
    assert found.gain == pytest.approx(2.51 * 0.05, abs=0.02)
    assert found.low < found.gain < found.high
    assert found.answer == "worth it"
    assert found.spread == pytest.approx(0.05, rel=0.1)
    assert found.first_deviation == pytest.approx(0.01, rel=0.1)
    assert found.seed_deviation == pytest.approx(0.01, rel=0.1)
    assert found.reliability == pytest.approx(25 / 26, abs=0.01)


def test_references_beyond_the_best_of_the_space():
    found = gain(sample(18), sample(6, 0.8, 0.01))
    assert found.gain < -0.1
    assert found.answer == "not worth it"
    assert found.probability <= 0.1


def test_a_lead_that_no_cell_has_is_not_taken_for_the_last_rungs():
    """References ten spreads ahead: with nothing of that left, they are as good as the best of 40 cells."""
    cells, references = sample(400), sample(6, 1.0, 0.0001)
    left = {share: gain(cells, references, replace(SURE, lead=(share, share))).gain for share in (0.0, 0.5, 1.0)}
    assert left[1.0] == pytest.approx(0.5 - 1.0 + 2.51 * 0.05, abs=0.03)
    assert left[0.0] == pytest.approx((2.51 - 2.16) * 0.05, abs=0.02), "best of 100 normal scores less best of 40"
    assert left[0.5] == pytest.approx((left[0.0] + left[1.0]) / 2, abs=0.01)
    usual = gain(cells, references, replace(SURE, lead=(0.0, 1.0)))
    assert left[1.0] < usual.low < usual.high < left[0.0] + 0.05
    behind = sample(6, 0.4, 0.01)
    assert gain(cells, behind, replace(SURE, lead=(0.0, 0.0))).gain == pytest.approx(gain(cells, behind).gain)


def test_noise_is_no_gain():
    """Equal heads: the best of 100 noisy scores shows 0.1 more than the mean, and nothing is behind it."""
    found = [
        gain(sample(18, spread=0.0, noise=0.04, seed=seed), sample(6, spread=0.0, noise=0.04, seed=100 + seed))
        for seed in range(8)
    ]
    assert abs(np.mean([of.gain for of in found])) < 0.03
    assert np.mean([of.flattery for of in found]) > 0.005
    assert all(of.answer != "worth it" for of in found)
    assert all(of.low < 0 < of.high for of in found[:6])


def test_more_trials_gain_more_and_noisy_halving_gains_less():
    cells, references = sample(18, noise=0.04), sample(6, noise=0.04)
    precise = replace(SURE, decay=(1.0, 0.0))
    few, many, halved = (
        gain(cells, references, precise, **changes).gain
        for changes in ({"trials": 10}, {"trials": 100}, {"trials": 100, "keep": 0.05})
    )
    assert few < halved < many


def test_a_rung_that_says_less_of_the_last_one_widens_the_interval():
    cells, references = sample(18), sample(6)
    sure, usual = gain(cells, references), gain(cells, references, Relation())
    assert usual.high - usual.low > sure.high - sure.low


def test_only_references_of_the_found_ones_size_count():
    cells = sample(18)
    small, large = sample(1, 0.45, 0.0, size=1e7), sample(1, 0.9, 0.0, size=5e7)
    both = Sample(np.concatenate([small.scores, large.scores]), np.array([1e7, 5e7]))
    matched = gain(cells, both)
    assert matched.matched == 1
    assert matched.gain > 0.05
    assert matched.best == 1
    unmatched = gain(cells, large)
    assert unmatched.matched == 0
    assert unmatched.gain < -0.1


def test_where_the_first_rung_is_the_last_one_nothing_is_believed():
    cells, references = sample(18), sample(6)
    assert gain(cells, references, Relation(), first=400) == gain(cells, references, SURE, first=400)


def test_equal_questions_have_equal_answers():
    cells, references = sample(18), sample(6)
    assert gain(cells, references, Relation()) == gain(cells, references, Relation())


def test_the_scale_of_the_scores_does_not_matter():
    cells, references = sample(18), sample(6)
    whole = gain(cells, references, Relation())
    half = gain(
        Sample(cells.scores / 2, cells.multiply_adds),
        Sample(references.scores / 2, references.multiply_adds),
        Relation(),
    )
    assert half.gain == pytest.approx(whole.gain / 2)
    assert half.probability == whole.probability


def test_a_search_of_many_thousands_of_trials_needs_little():
    assert gain(sample(18), sample(6), Relation(), trials=28_000).gain > gain(sample(18), sample(6), Relation()).gain


@pytest.mark.parametrize(
    ("cells", "references", "sentence"),
    [
        (sample(5), sample(6), "5 random architectures have a score, and at least 6 are needed"),
        (sample(18), Sample(np.empty((0, 2)), np.empty(0)), "no reference head has a score"),
        (Sample(np.ones((18, 1)), np.ones(18)), sample(6), "measure two seeds"),
        (Sample(np.ones((18, 2)), np.ones(18)), Sample(np.ones((6, 2)), np.ones(6)), "all seeds have equal scores"),
    ],
)
def test_what_says_nothing_is_refused(cells, references, sentence):
    with pytest.raises(ValueError, match=sentence):
        gain(cells, references)
