"""One definition of better: leaderboard, best trial, overview and ranking against a slow, literal reading of it."""

from __future__ import annotations

import itertools
import random

import pytest

from nas.ranking.candidates import choose, places, scored
from nas.results.standing import Standing, standing
from nas.results.status import TrialStatus as T
from nas.specs import Top
from nas.store import Store, TrialRecord

RUNGS = (100, 200, 300)


def record_all(
    store: Store, search: str, add, measured, number: int, scores: list[float], judged: list[bool | None]
) -> None:
    """A trial that measured these scores, one a rung; `judged` says how it passed each of them."""
    add(search, number)
    for rung, score, how in zip(RUNGS, scores, [*judged, None], strict=False):
        store.record_measurement(search, number, 1, measured(rung, score), how)


def by_definition(store: Store, search: str, flags: dict[int, Standing]) -> dict[int, Standing]:
    """Standings from the learning curves and from what the test knows of the trials; trials without one left out."""
    ranked = {t.number: t for t in store.all_trials(search) if t.score is not None and t.status is not T.FAILED}
    deepest = {number: store.curve(search, number)[-1] for number in ranked}
    found = {}
    for number, point in deepest.items():
        judged = [other.score for n, other in deepest.items() if n not in flags and other.iteration == point.iteration]
        found[number] = standing(point.iteration, point.score, flags.get(number), min(judged) if judged else None)
    return found


def test_an_early_arrival_does_not_stand_above_those_it_never_met(store: Store, driven: str, add, measured):
    """0 went on as the first at rung 100; 1 was judged and went on; 2, better than 0, was stopped there."""
    record_all(store, driven, add, measured, 0, [0.3, 0.35], [False])
    assert [t.number for t in store.list_trials(driven, "-score").items] == [0]
    record_all(store, driven, add, measured, 1, [0.6, 0.7], [True])
    record_all(store, driven, add, measured, 2, [0.5], [])
    store.finish_trial(driven, 2, 1, T.PRUNED)
    assert [t.number for t in store.list_trials(driven, "-score").items] == [1, 2, 0]
    assert [t.number for t in store.list_trials(driven, "score").items] == [0, 2, 1]
    assert store.get_trial(driven, 0).standing == (100, 0.3)
    assert store.get_trial(driven, 0).iteration == 200  # what was measured stays
    # A judged trial that does worse at rung 200 is one that 0 has met and beaten.
    record_all(store, driven, add, measured, 3, [0.65, 0.34], [True])
    assert [t.number for t in store.list_trials(driven, "-score").items] == [1, 0, 3, 2]


def test_with_nobody_judged_the_first_arrival_stands_at_its_first_rung(store: Store, driven: str, add, measured):
    record_all(store, driven, add, measured, 0, [0.3, 0.9], [False])
    record_all(store, driven, add, measured, 1, [0.4], [])
    best = store.best_trial(driven)
    assert best is not None
    assert best.number == 1


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        ([False], (100, 0.1)),
        ([False, False], (100, 0.1)),  # the first one of them
        ([False, True], None),  # judged at a later rung
        ([True, False], (200, 0.2)),
        ([True, True], None),
        ([None, None], None),  # a search in which nothing is ever stopped
    ],
)
def test_the_unjudged_rung_is_the_first_until_the_trial_is_judged(
    store: Store, driven: str, add, measured, passed, expected
):
    record_all(store, driven, add, measured, 0, [0.1, 0.2, 0.3], passed)
    assert store.get_trial(driven, 0).unjudged == expected
    store.record_measurement(driven, 0, 1, measured(100, 0.1), False)  # delivered twice
    assert store.get_trial(driven, 0).unjudged == expected


def random_history(store: Store, search: str, add, measured, rng: random.Random) -> dict[int, Standing]:
    """Trials of every length and status, few scores so that there are ties; returns who is unjudged, and where."""
    flags: dict[int, Standing] = {}
    for number in range(rng.randrange(1, 14)):
        scores = [rng.choice([0.25, 0.5, 0.75]) for _ in range(rng.randrange(4))]
        judged = [rng.random() < 0.6 for _ in scores[1:]]
        record_all(store, search, add, measured, number, scores, list(judged))
        for rung, score, passed in zip(RUNGS, scores, judged, strict=False):
            if passed:
                flags.pop(number, None)
            else:
                flags.setdefault(number, (rung, score))
        ends = [T.COMPLETED, T.PRUNED, T.FAILED, T.STOPPED] if scores else [T.FAILED, T.STOPPED]
        if rng.random() < 0.7:
            store.finish_trial(search, number, 1, rng.choice(ends))
    return flags


@pytest.mark.parametrize("seed", range(3))
def test_everybody_agrees_on_random_histories(store: Store, spec, add, measured, seed):
    rng = random.Random(seed)
    searches = []
    for _ in range(3):
        search = store.create_search(spec)[0].id
        store.begin_driver(search)
        flags = random_history(store, search, add, measured, rng)
        wanted = by_definition(store, search, flags)
        trials = store.all_trials(search)
        assert {t.number: t.standing for t in trials if t.standing is not None} == wanted
        best_first = sorted(wanted, key=lambda number: (-wanted[number][0], -wanted[number][1], number))
        worst_first = sorted(wanted, key=lambda number: (*wanted[number], number))
        others = [t.number for t in trials if t.number not in wanted]
        for order, ranked in (("-score", best_first), ("score", worst_first)):
            for limit in (1, 2, 5, 20):
                assert listed(store, search, order, limit) == ranked + others
        best = store.best_trial(search)
        assert (None if best is None else best.number) == (best_first[0] if best_first else None)
        agrees_with_the_ranking(trials, best_first)
        searches.append((search, best))
    overviews = store.overviews([search for search, _ in searches])
    assert [(search, overviews[search].best) for search, _ in searches] == searches


def listed(store: Store, search: str, order, limit: int) -> list[int]:
    page = store.list_trials(search, order, limit=limit)
    found = [page]
    while page.cursor is not None:
        page = store.list_trials(search, order, limit=limit, cursor=page.cursor)
        found.append(page)
    return [trial.number for trial in itertools.chain(*(page.items for page in found))]


def agrees_with_the_ranking(trials: list[TrialRecord], best_first: list[int]) -> None:
    """The ranking's order, and the choice of the top for full scale, are the leaderboard's, less what did not end."""
    candidates = scored(trials)
    ended = {candidate.trial for candidate in candidates}
    of_leaderboard = [number for number in best_first if number in ended]
    place = places(candidates)
    assert sorted(place, key=lambda number: (-place[number], number)) == of_leaderboard
    if candidates:
        assert choose(Top(count=len(candidates)), trials)[1] == tuple(of_leaderboard)
