"""Sequential calibrations: draws agree with what is known, looks depend on scores alone, and what stops when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from benchmarks._recorded import generated
from benchmarks.calibration_replays import GENERATED, replay, true_rho
from nas.ranking.correlation import spearman
from nas.ranking.rho import draw_rho, inverse_wishart, normal_scores
from nas.ranking.sequential import Course, Rule, _choose, _widest_gap, follow, spread_out

ORDER = ("short", "middle", "long")
RULE = Rule(most=12, first=6, step=2, cheap=4)


def scores(
    loadings: Sequence[float], count: int = 48, noise: float = 0.1, seeds: int = 1, seed: int = 0
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Proxies with such correlations with the truth, and full-scale scores of it."""
    rng = np.random.default_rng(seed)
    true = rng.standard_normal(count)
    cheap = {
        name: loading * true + np.sqrt(1 - loading**2) * rng.standard_normal(count)
        for name, loading in zip(ORDER, loadings, strict=False)
    }
    return cheap, true[:, None] + noise * rng.standard_normal((count, seeds))


def run(cheap: Mapping[str, np.ndarray], full: np.ndarray, rule: Rule = RULE) -> Course:
    return follow(list(cheap), cheap, at(full), rule)


def at(full: np.ndarray) -> Callable[[Sequence[int]], np.ndarray]:
    """The full-scale scores of all architectures, as they are asked for."""
    return lambda chosen: full[list(chosen)]


def test_covariances_have_the_mean_of_their_distribution():
    scale = np.array([[4.0, 1.0], [1.0, 2.0]])
    drawn = inverse_wishart(scale, 30.0, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(axis=0), scale / (30 - 2 - 1), rtol=0.1)
    np.testing.assert_allclose(drawn[:, 0, 0].std(), 4 / 27 * np.sqrt(2 / 25), rtol=0.15)


def test_looks_end_with_the_most():
    assert Rule(most=12, first=6, step=2).looks() == [6, 8, 10, 12]
    assert Rule(most=11, first=6, step=2).looks() == [6, 8, 10, 11]
    assert Rule(most=6, first=6, step=2).looks() == [6]


def test_many_architectures_give_the_correlation_away():
    cheap, full = scores((0.5, 0.9), 2000)
    drawn = draw_rho(np.column_stack(list(cheap.values())), full, np.random.default_rng(0))
    seen = [spearman(proxy, full[:, 0]) for proxy in cheap.values()]
    assert drawn.mean(axis=0) == pytest.approx(seen, abs=0.03)
    assert (drawn.std(axis=0) < 0.03).all()


def test_architectures_without_a_full_scale_score_tell_how_proxies_are_related():
    """With the same dozen at full scale, more cheap scores make the cheap proxy's rho surer."""
    cheap, full = scores((0.6, 0.7, 0.99), 300)
    matrix = np.column_stack(list(cheap.values()))
    full[12:] = np.nan
    few, many = (draw_rho(matrix[:n], full[:n], np.random.default_rng(0)).std(axis=0)[0] for n in (12, 300))
    assert many < 0.7 * few


def test_noise_of_full_scale_is_corrected_by_its_seeds():
    """Each seed has a reliability of 0.8, so one seed's rho is about 0.89 of the true one."""
    cheap, full = scores((0.9,), 1000, noise=0.5, seeds=2)
    drawn = draw_rho(cheap["short"][:, None], full, np.random.default_rng(0))
    observed = spearman(cheap["short"], full.mean(axis=1))
    assert observed < 0.86
    assert drawn.mean() == pytest.approx(0.89, abs=0.02), "6 / pi asin(0.9 / 2)"


def test_the_cheapest_that_is_above_is_recommended_and_what_costs_more_is_not_needed():
    found = run(*scores((0.3, 0.99, 0.99), seed=1))
    assert found.over
    assert found.recommended == "middle"
    assert {name: of.state for name, of in found.judged.items()} == {
        "short": "below",
        "middle": "above",
        "long": "above",
    }
    assert found.full < 12, "it stopped when it knew"
    assert found.wanted == ()


def test_at_the_end_a_likely_one_is_recommended_where_none_is_known():
    for seed in range(12):
        found = run(*scores((0.2, 0.9), seed=seed), Rule(most=6, sure=0.99))
        judged = found.judged["middle"]
        assert found.over
        assert found.right is not None
        assert found.right >= 1 / 3, "the most probable of three choices"
        if judged.state == "open" and found.recommended == "middle":
            assert judged.above > 0.3
            assert found.right < 0.99
    early = follow(ORDER, {name: np.empty(0) for name in ORDER}, at(np.empty((0, 1))), RULE)
    assert (early.recommended, early.over, early.right, early.chosen) == (None, False, None, ())


def test_nothing_is_recommended_where_all_are_below():
    found = run(*scores((0.0, 0.1, 0.2)))
    assert (found.over, found.recommended) == (True, None)
    assert {of.state for of in found.judged.values()} == {"below"}


def test_before_a_look_is_complete_it_waits_for_what_is_wanted():
    cheap, full = scores((0.3, 0.99, 0.99), seed=1)
    first = {name: values[:24] for name, values in cheap.items()}
    waiting = follow(ORDER, first, lambda chosen: full[chosen[:5]], RULE)
    assert (waiting.over, waiting.looks, waiting.full, waiting.wanted) == (False, 0, 6, ORDER)
    assert list(waiting.chosen) == spread_out(first["long"], [], 6)
    short = {name: values[: 23 if name == "long" else 24] for name, values in cheap.items()}
    waiting = follow(ORDER, short, at(full), RULE)
    assert (waiting.looks, waiting.chosen) == (0, ()), "who goes on is chosen when all scores are there"


def test_later_scores_change_no_look_that_was_taken():
    cheap, full = scores((0.6, 0.9, 0.95), seed=3)
    before = follow(ORDER, {name: values[:32] for name, values in cheap.items()}, at(full), RULE)
    after = run(cheap, full)
    assert before.looks == 2
    assert after.chosen[: len(before.chosen)] == before.chosen
    for name, of in before.judged.items():
        if of.state in ("above", "below"):
            assert after.judged[name] == of


def test_one_that_is_above_goes_on_while_cheaper_ones_are_open():
    for seed in range(20):
        cheap, full = scores((0.75, 0.99), seed=seed)
        found = follow(ORDER[:2], {name: values[:24] for name, values in cheap.items()}, at(full), RULE)
        if found.judged["middle"].state == "above" and found.judged["short"].state == "open":
            assert found.wanted == ("short", "middle")
            assert found.recommended == "middle"
            assert not found.over
            return
    pytest.fail("no sample has such a first look")


def test_failed_trials_are_left_out():
    cheap, full = scores((0.3, 0.99, 0.99), seed=1)
    cheap["middle"][[0, 7]] = np.nan
    full[run(cheap, full).chosen[3]] = np.nan
    found = run(cheap, full)
    assert found.recommended == "middle"
    judged = found.judged["middle"]
    assert judged.architectures == 4 * found.full - 2
    assert judged.full == found.full - 1


def test_where_nothing_can_be_said_everything_stays_unjudged():
    cheap, full = scores((0.9, 0.9))
    constant = run({name: np.ones(48) for name in cheap}, full)
    assert (constant.over, constant.judged, constant.recommended) == (True, {}, None)
    failed = run(cheap, np.full((48, 1), np.nan))
    assert (failed.over, failed.judged) == (True, {})


def test_a_proxy_whose_scores_are_all_equal_is_in_nobodys_way():
    """At an early rung nothing may have been learned yet: the same score for every architecture."""
    cheap, full = scores((0.3, 0.99, 0.99), seed=1)
    found = run({"constant": np.full(48, 0.1), **cheap}, full)
    assert found.recommended == "middle"
    assert "constant" not in found.judged


def test_the_most_probable_choice_by_hand():
    """Of four draws: the short one is enough in one; not enough, and the long one is, in two; neither is in one."""
    rule = Rule(wanted=0.8, within=0.05)
    short, long = np.array([0.86, 0.7, 0.7, 0.7]), np.array([0.9, 0.9, 0.76, 0.74])
    assert _choose({"short": short, "long": long}, rule) == ("long", 0.5)
    assert _choose({"short": short}, rule) == (None, 0.75)
    near = np.array([0.82, 0.81, 0.79, 0.78])
    assert _choose({"short": near, "long": near}, rule) == ("short", 1.0), "all are right, so the cheapest"
    assert _choose({}, rule) == (None, None)


def test_near_the_wanted_rho_the_zone_decides_sooner():
    """A proxy of 0.8: with a zone it is known early that it may be taken or not."""
    wide, strict = Rule(most=40, within=0.1), Rule(most=40, within=0.0)
    counts = []
    for seed in range(6):
        cheap, full = scores((0.8,), count=160, seed=seed)
        counts.append((run(cheap, full, wide).full, run(cheap, full, strict).full))
    assert sum(one for one, _ in counts) < sum(other for _, other in counts)


def test_architectures_are_spread_over_the_order():
    """Twelve by score: the middles of three groups; then the widest gaps, of which an end counts twice."""
    places = np.arange(12.0)
    assert spread_out(places, [], 3) == [2, 6, 10]
    assert spread_out(places[::-1].copy(), [], 3) == [9, 5, 1]
    assert spread_out(places, [5, 6], 1) == [10], "beyond 6 there are 6, half a gap"
    assert spread_out(places, [2, 10], 1) == [6]
    assert spread_out(np.array([np.nan, 0.1, np.nan, 0.3]), [], 3) == [1, 3, 0], "without a score: last"
    assert sorted(spread_out(places, [0, 4, 7], 9)) == [1, 2, 3, 5, 6, 8, 9, 10, 11]
    assert _widest_gap([], 9) == 4


def test_normal_scores_of_ties_by_hand():
    found = normal_scores(np.array([5.0, 5.0, 7.0]))
    assert found == pytest.approx([-1 / np.sqrt(2), -1 / np.sqrt(2), np.sqrt(2)])


def test_intervals_cover_what_scores_were_drawn_with():
    """Of 90 % intervals, with a dozen at full scale that were chosen by the longer proxy's scores."""
    inside = []
    for seed in range(60):
        cheap, full = scores((0.5, 0.8), seed=seed)
        chosen = spread_out(cheap["middle"], [], 12)
        measured = np.full((48, 1), np.nan)
        measured[chosen] = full[chosen]
        drawn = draw_rho(np.column_stack(list(cheap.values())), measured, np.random.default_rng(seed))
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        true = 6 / np.pi * np.arcsin(np.array([0.5, 0.8]) / 2)
        inside.append((low <= true) & (true <= high))
    assert (np.mean(inside, axis=0) >= 0.8).all()


def test_equal_scores_have_equal_courses():
    cheap, full = scores((0.6, 0.9, 0.95))
    assert run(cheap, full) == run(cheap, full)


def test_true_rho_of_generated_scores_is_the_one_that_they_were_drawn_with():
    """Reliability of one seed at 50: 0.06^2 / (0.06^2 + 0.06^2); times 0.8, then Spearman's for normal scores."""
    of = generated(np.random.default_rng(0), cells=4000, shape=0.0, noise=(0.06, 0.05, 0.01, 0.006))
    found = true_rho(of)
    r = 0.8 * np.sqrt(0.5)
    assert found["50"] == pytest.approx(6 / np.pi * np.arcsin(r / 2), abs=0.03)


@pytest.mark.slow
def test_replays_pick_the_right_proxy_where_the_others_are_a_tenth_away():
    rng = np.random.default_rng(0)
    of = generated(rng, name="far", cells=2000, **GENERATED["only 200 orders well"])
    row = replay(of, Rule(), 100)
    assert row.right == "200"
    assert row.share >= 0.9
    assert row.full_scale[1] <= 12
    assert 0.8 <= row.covered <= 1
