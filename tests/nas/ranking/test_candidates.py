"""Which architectures a search has scored, their order, and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.ranking.candidates import choose, places, scored
from nas.results.status import TrialStatus
from nas.specs import Explicit, Stratified, Top
from nas.store.records import TrialRecord
from search_spaces.validation import InputError
from tests.builders import trial_record


def trial(number: int, score: float | None, iteration: int | None = 200, **changes: Any) -> TrialRecord:
    given = {"architecture_key": f"a{number:04}", "iteration": iteration, "device_seconds": 2.0}
    return trial_record(number, score, **given | changes)


def test_only_trials_that_ended_with_a_score_count():
    trials = [
        trial(0, 0.5),
        trial(1, 0.4, 100, status=TrialStatus.PRUNED),
        trial(2, 0.9, 100, status=TrialStatus.RUNNING),
        trial(3, 0.9, 100, status=TrialStatus.STOPPED),
        trial(4, 0.9, 100, status=TrialStatus.FAILED),
        trial(5, None, None, status=TrialStatus.FAILED),
    ]
    assert [candidate.trial for candidate in scored(trials)] == [0, 1]


def test_seeds_of_one_architecture_are_one_candidate():
    trials = [
        trial(3, 0.2, architecture_key="x", device_seconds=1.0),
        trial(1, 0.4, architecture_key="x", device_seconds=5.0),
        trial(0, 0.9, 100, architecture_key="x", status=TrialStatus.PRUNED),
        trial(2, 0.7, architecture_key="y"),
    ]
    first, second = scored(trials)
    assert (first.trials, first.trial) == ((0, 1, 3), 0)
    # The mean over those at the deepest rung.
    assert (first.score, first.iteration, first.device_seconds) == (pytest.approx(0.3), 200, 3.0)
    assert second.trials == (2,)


def test_places_put_the_deeper_rung_first_and_share_ties():
    candidates = scored([trial(0, 0.9, 100), trial(1, 0.2), trial(2, 0.3), trial(3, 0.2), trial(4, 0.1, 100)])
    assert places(candidates) == {4: 0.0, 0: 1.0, 1: 2.0, 3: 2.0, 2: 3.0}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.data())
def test_every_first_part_of_a_stratified_choice_covers_the_whole(scores: list[float], data: st.DataObject):
    trials = [trial(number, score) for number, score in enumerate(scores)]
    count = data.draw(st.integers(1, len(scores)))
    how, chosen = choose(Stratified(count=count), trials)
    assert how == "stratified"
    assert len(set(chosen)) == count
    best_first = sorted(range(count), key=lambda i: list(_order(trials)).index(chosen[i]))
    position = {chosen[i]: rank for rank, i in enumerate(best_first)}
    # With 2^k of them measured no gap is larger than the next power of two above count / 2^k.
    for done in (2, 4, 8, 16):
        if done < count:
            seen = sorted(position[number] for number in chosen[:done])
            width = (1 << count.bit_length()) // done
            assert all(b - a <= width for a, b in zip([0, *seen], [*seen, count - 1], strict=True))


def _order(trials: list[TrialRecord]) -> list[int]:
    place = places(scored(trials))
    return sorted(place, key=lambda number: -place[number])


def test_the_choices_by_hand():
    trials = [trial(number, score) for number, score in enumerate((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8))]
    assert choose(Top(count=3), trials) == ("top", (7, 6, 5))
    # Best first 7 6 | 5 4 | 3 2 | 1 0: the best of the first group, of the others the middle, here the lower one.
    assert sorted(choose(Stratified(count=4), trials)[1]) == [0, 2, 4, 7]
    assert choose(Stratified(count=4), trials)[1][0] == 7
    assert choose(Explicit(trials=(5, 0)), trials) == ("explicit", (5, 0))


def test_what_cannot_be_chosen_is_told():
    trials = [trial(0, 0.5), trial(1, None, None, status=TrialStatus.RUNNING), trial(2, 0.4, architecture_key="a0000")]
    with pytest.raises(InputError, match="2 architectures cannot be chosen: 1 has a score"):
        choose(Top(count=2), trials)
    with pytest.raises(InputError) as refused:
        choose(Explicit(trials=(0, 1, 2, 9)), trials)
    assert [problem.path for problem in refused.value.problems] == ["choose.trials"] * 3
    assert [problem.message.split(":")[0] for problem in refused.value.problems] == [
        "9",
        "1 (running)",
        "0 and 2 are the same architecture; name one of them",
    ]
