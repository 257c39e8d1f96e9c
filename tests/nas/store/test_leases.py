"""Leases: compare-and-set of owner and beat; no clock takes part."""

from __future__ import annotations

from nas.results.status import SearchStatus
from nas.store import Lease, Store

S = SearchStatus


def test_a_lease_goes_to_who_has_seen_it_last(store: Store, spec):
    search = store.create_search(spec)[0].id
    free = store.leases()[search]
    assert free == Lease(None, 0)
    assert store.take_lease(search, "a", free)
    assert not store.take_lease(search, "b", free)
    seen = store.leases()[search]
    assert seen == Lease("a", 1)
    store.beat_leases("a")
    assert not store.take_lease(search, "b", seen)
    seen = store.leases()[search]
    assert seen == Lease("a", 2)
    assert store.take_lease(search, "b", seen)
    assert not store.take_lease(search, "c", seen)
    store.beat_leases("a")  # not its own any more
    assert store.leases()[search] == Lease("b", 3)


def test_a_beat_and_a_release_are_for_all_leases_of_the_owner(store: Store, spec):
    mine, other, own, over = (store.create_search(spec)[0].id for _ in range(4))
    for search in (mine, own, over):
        assert store.take_lease(search, "a", Lease(None, 0))
    assert store.take_lease(other, "b", Lease(None, 0))
    store.move_search(over, [S.QUEUED], S.STOPPED)
    store.beat_leases("a")
    assert store.leases() == {mine: Lease("a", 2), own: Lease("a", 2), other: Lease("b", 1)}
    store.release_leases("a")
    assert store.leases() == {mine: Lease(None, 2), own: Lease(None, 2), other: Lease("b", 1)}


def test_a_search_that_is_over_is_not_leased(store: Store, driven: str):
    store.finish_search(driven, 1, S.COMPLETED)
    assert store.leases() == {}
    assert not store.take_lease(driven, "a", Lease(None, 0))
    assert not store.take_lease("s0", "a", Lease(None, 0))


def test_the_clock_of_the_store_is_not_read(store: Store, spec, clock):
    search = store.create_search(spec)[0].id
    before = clock.now
    assert store.take_lease(search, "a", store.leases()[search])
    store.beat_leases("a")
    store.release_leases("a")
    assert clock.now == before
