"""The best of a search that another one starts from: the confirmed one, as it was when the other was created."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from nas.kinds.black_box import KIND
from nas.kinds.decided import decides
from nas.kinds.origin_best import best_at_creation, best_now
from nas.kinds.summaries import summary
from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import ConfirmationSpec
from nas.store import ConflictError, Store
from search_spaces import DenseCell, ReferenceHead
from tests.builders import black_box_spec, dense_cell, measured, scenes_fidelity

FIDELITY = scenes_fidelity(10, 30)
ASPP = ReferenceHead(name="aspp")


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("sqlite://") as opened:
        opened.migrate()
        yield opened


def searched(store: Store, scores: Sequence[float]) -> str:
    """A completed search whose trials 0, 1, ... have these scores; number n has the cell n."""
    search = store.create_search(black_box_spec(fidelity=FIDELITY, trials=len(scores)))[0].id
    attempt = store.begin_driver(search)
    store.driver_started(search, attempt)
    found(store, search, attempt, 0, scores)
    store.finish_search(search, attempt, SearchStatus.COMPLETED)
    return search


def found(store: Store, search: str, attempt: int, first: int, scores: Sequence[float]) -> None:
    for number, score in enumerate(scores, start=first):
        store.add_trial(search, attempt, Proposal(number, dense_cell(number), FIDELITY, 0))
        store.record_measurement(search, number, 1, measured(30, score))
        store.finish_trial(search, number, 1, TrialStatus.COMPLETED)


def confirmed(store: Store, search: str, scores: dict[int, tuple[float, float]], *, finish: bool = True) -> str:
    """A confirmation of some trials, each with the scores of two fresh seeds, beside a reference head that wins."""
    spec = ConfirmationSpec(
        name="c", of=search, trials=tuple(scores), references=(ASPP,), fidelity=FIDELITY, seeds=2, seed=1
    )
    child = store.create_search(spec, parent=search)[0].id
    attempt = store.begin_driver(child)
    store.driver_started(child, attempt)
    heads: list[tuple[DenseCell | ReferenceHead, tuple[float, float]]] = [
        *((dense_cell(number), of_seeds) for number, of_seeds in scores.items()),
        (ASPP, (0.98, 0.99)),
    ]
    for seed in (0, 1):
        for index, (architecture, of_seeds) in enumerate(heads):
            number = seed * len(heads) + index
            store.add_trial(child, attempt, Proposal(number, architecture, FIDELITY, 1 + seed))
            store.record_measurement(child, number, 1, measured(30, of_seeds[seed]))
            store.finish_trial(child, number, 1, TrialStatus.COMPLETED)
    if finish:
        store.finish_search(child, attempt, SearchStatus.COMPLETED)
    return child


def begun(store: Store, *start: str) -> str:
    """Create a search that starts from others, as the service does."""
    spec = black_box_spec(fidelity=FIDELITY, start=start)
    KIND.check(spec, store)
    return store.create_search(spec, besides=KIND.read_besides(spec, store))[0].id


def first_of(store: Store, search: str) -> int | None:
    """Which cell a driver that begins or takes over measures first."""
    spec = KIND.own(store.get_search(search).spec)
    assert spec is not None
    proposal = KIND.plan(spec, search, store).propose()
    assert proposal is not None
    return next((number for number in range(9) if dense_cell(number).canonical() == proposal.architecture), None)


def test_a_search_starts_from_the_confirmed_best(store):
    """Trial 1 is the leaderboard's first; with fresh seeds trial 0 has the higher mean."""
    source = searched(store, (0.5, 0.6, 0.4))
    before = begun(store, source)
    child = confirmed(store, source, {1: (0.5, 0.52), 0: (0.55, 0.56)})
    after = begun(store, source)
    assert (first_of(store, before), first_of(store, after)) == (1, 0)
    best = summary(store.get_search(source), store).best
    assert best is not None
    assert best.number == 0
    assert set(store.get_search(before).origins) == {source}
    assert set(store.get_search(after).origins) == {source, child}
    with pytest.raises(ConflictError, match=f"start from what it has measured: {after};"):
        store.delete_search(child)


def test_what_is_confirmed_later_changes_nothing_for_those_that_have_begun(store):
    source = searched(store, (0.5, 0.6, 0.4))
    unfinished = confirmed(store, source, {1: (0.5, 0.52), 0: (0.55, 0.56)}, finish=False)
    early = begun(store, source)
    store.finish_search(unfinished, 1, SearchStatus.COMPLETED)
    middle = begun(store, source)
    confirmed(store, source, {2: (0.7, 0.7), 1: (0.6, 0.6)})
    late = begun(store, source)
    assert [first_of(store, search) for search in (early, middle, late)] == [1, 0, 2]


def test_a_confirmation_of_another_objective_or_without_the_first_decides_nothing(store):
    source = searched(store, (0.5, 0.6, 0.4))
    confirmed(store, source, {2: (0.7, 0.7), 0: (0.6, 0.6)})
    assert first_of(store, begun(store, source)) == 1, "trial 1 stands first, and was not measured again"
    record, first = store.get_search(source), store.get_trial(source, 1)
    given = {"name": "c", "of": source, "trials": (1,), "references": (), "fidelity": FIDELITY}
    assert decides(record, first, ConfirmationSpec(**given), [])
    assert not decides(record, first, ConfirmationSpec(**given, objectives=("worst_class_iou",)), [])


def test_it_is_the_best_that_answers_name(store):
    """By chance: other trials are confirmed, by other means, or by none, with ties."""
    rng = random.Random(0)
    kinds = set()
    for _ in range(40):
        scores = [rng.randrange(4, 9) / 10 for _ in range(4)]
        source = searched(store, scores)
        if rng.random() < 0.9:
            chosen = rng.sample(range(4), rng.randint(1, 3))
            means = {number: (rng.randrange(4, 7) / 10, rng.randrange(4, 7) / 10) for number in chosen}
            confirmed(store, source, means, finish=rng.random() < 0.8)
        record = store.get_search(source)
        said, now = summary(record, store), best_now(record, store)
        assert said.best is not None
        assert now is not None
        assert now.number == said.best.number
        then = best_at_creation(store.get_search(begun(store, source)), source, store)
        assert then is not None
        assert then.number == said.best.number
        kinds.add((said.confirmed is not None, said.passed_over is not None))
    assert kinds == {(False, False), (True, False), (True, True)}, "all of them came up"
