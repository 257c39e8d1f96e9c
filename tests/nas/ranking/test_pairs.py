"""Two fidelities side by side, on cases worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nas.ranking.candidates import Candidate
from nas.ranking.pairs import FullScore, full_scores, join, rank_pairs, rank_rungs, rank_training_free
from nas.ranking.search_ranking import rank_search
from nas.results.status import TrialStatus
from nas.specs import FullScaleSpec
from nas.store.records import TrialRecord
from tests.builders import measured, trial_record


def candidate(number: int, score: float, iteration: int = 200, trials: tuple[int, ...] = ()) -> Candidate:
    numbers = trials or (number,)
    first = trial(numbers[0], f"a{number}", 0, score)
    return Candidate(numbers, first, iteration, score, device_seconds=4.0)


def full(*scores: float) -> FullScore:
    return FullScore(tuple(range(len(scores))), scores, device_seconds=80.0)


def trial(number: int, key: str, seed: int, score: float, status: TrialStatus = TrialStatus.COMPLETED) -> TrialRecord:
    return trial_record(
        number, score, architecture_key=key, seed=seed, status=status, device_seconds=10.0 * (number + 1)
    )


def test_full_scores_are_means_over_seeds_each_once():
    found = full_scores(
        [
            trial(0, "a", 0, 0.5),
            trial(1, "a", 1, 0.7),
            trial(2, "a", 1, 0.9),  # adopted by another evaluation, or measured twice: counts once
            trial(3, "a", 2, 0.1, TrialStatus.RUNNING),
            trial(4, "b", 0, 0.4),
            trial(5, "b", 1, 0.4, TrialStatus.FAILED),
        ]
    )
    assert found.keys() == {"a", "b"}
    assert (found["a"].seeds, found["a"].scores) == ((0, 1), (0.5, 0.7))
    assert found["a"].score == pytest.approx(0.6)
    assert found["a"].spread == pytest.approx(0.02**0.5)  # deviations of 0.1 each, n - 1 = 1
    assert found["a"].device_seconds == 15.0
    assert found["b"].spread is None


def test_pairs_with_ties_by_hand():
    candidates = [candidate(0, 0.5), candidate(1, 0.5), candidate(2, 0.9, 100), candidate(3, 0.7), candidate(4, 0.6)]
    scores = {"a0": full(0.4), "a1": full(0.6), "a2": full(0.1), "a3": full(0.6)}
    pairs = join(candidates, scores)
    # Trial 4 was not measured; trial 2 stopped at an earlier rung, so it is last.
    assert [(pair.candidate.trial, pair.proxy_rank, pair.full_rank) for pair in pairs] == [
        (1, 2.5, 1.5),
        (3, 1.0, 1.5),
        (0, 2.5, 3.0),
        (2, 4.0, 4.0),
    ]
    ranking = rank_pairs(pairs, "explicit")
    assert ranking.spearman == pytest.approx(stats.spearmanr([2.5, 1, 2.5, 4], [1.5, 1.5, 3, 4]).statistic)
    assert ranking.device_seconds == 4.0


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4]), max_size=12))
def test_ranks_count_the_better_ones_and_share_ties(scores):
    pairs = join([candidate(n, 0.5) for n in range(len(scores))], {f"a{n}": full(s) for n, s in enumerate(scores)})
    assert [pair.full.score for pair in pairs] == sorted(scores, reverse=True)
    for pair in pairs:
        better = sum(score > pair.full.score for score in scores)
        assert pair.full_rank == better + (scores.count(pair.full.score) + 1) / 2
        assert pair.proxy_rank == (len(scores) + 1) / 2


def test_rungs_count_those_that_reached_them():
    pairs = join([candidate(number, number / 10) for number in range(5)], {f"a{n}": full(n / 7) for n in range(5)})
    curves = {number: [measured(100, (5 - number) / 10, 2.0)] for number in range(5)}
    curves[0].append(measured(200, 0.3, 6.0))
    rungs = rank_rungs(pairs, curves, (100, 200, 300), "all")
    assert rungs[100].spearman == pytest.approx(-1.0)
    assert (rungs[100].n, rungs[100].device_seconds) == (5, 2.0)
    assert (rungs[200].n, rungs[200].spearman, rungs[200].device_seconds) == (1, None, 6.0)
    assert (rungs[300].n, rungs[300].device_seconds) == (0, None)
    reason = rungs[300].reason
    assert reason is not None
    assert "needs at least 4" in reason


def test_a_rung_of_several_seeds_is_their_mean():
    pairs = join(
        [candidate(0, 0.5, trials=(0, 7))] + [candidate(n, n / 10) for n in (1, 2, 3)],
        {f"a{n}": full(n / 7) for n in range(4)},
    )
    curves = {0: [measured(100, 0.1, 1.0)], 7: [measured(100, 0.5, 3.0)]} | {
        n: [measured(100, n / 10, 2.0)] for n in (1, 2, 3)
    }
    rung = rank_rungs(pairs, curves, (100,), "all")[100]
    # Means .3 .1 .2 .3 against full scale 0 < 1 < 2 < 3.
    assert rung.spearman == pytest.approx(stats.spearmanr([0.3, 0.1, 0.2, 0.3], [0, 1, 2, 3]).statistic)
    assert rung.device_seconds == 2.0


def test_a_training_free_score_is_not_turned_round():
    scores = {f"a{n}": {"synflow": (-float(n), 0.5), "snip": (1.0, 0.25)} for n in range(6)}
    found = rank_training_free({f"a{n}": n / 10 for n in range(5)}, scores, ["synflow", "snip", "zico"], "all")
    assert found["synflow"].spearman == pytest.approx(-1.0)
    assert (found["synflow"].n, found["synflow"].device_seconds) == (5, 0.5)
    assert found["snip"].reason == "all proxy scores are equal, so they order nothing"
    assert found["zico"].n == 0


def spec(sampling: str, *trials: int) -> FullScaleSpec:
    return FullScaleSpec(name="x", of="s0123456789ab", sampling=sampling, trials=trials, fidelity={"dataset": "scenes"})


@pytest.mark.parametrize(
    ("specs", "sampling"),
    [
        ([spec("top", 0, 1)], "top"),
        ([spec("top", 0, 1, 2)], "all"),
        ([spec("stratified", 0), spec("stratified", 1)], "stratified"),
        ([spec("stratified", 0), spec("top", 1)], "explicit"),
        ([spec("explicit", 2), spec("top", 0, 1)], "all"),
    ],
)
def test_what_a_joined_sample_is(specs, sampling):
    trials = [trial(number, f"a{number}", 0, number / 10) for number in range(3)]
    found = rank_search(trials, {}, (1000,), [(one, []) for one in specs], {})
    assert (found.ranking.sampling, found.ranking.n, found.share) == (sampling, 0, None)
    chosen = len({number for one in specs for number in one.trials})
    assert found.chosen == chosen
    assert found.ranking.reason == f"nothing is measured at full scale yet, of {chosen} chosen architectures"
