"""The order of creation, which the clock does not decide."""

from __future__ import annotations

from nas.results.status import SearchStatus
from nas.specs import BlackBoxSpec
from nas.store import Store

S = SearchStatus


def test_the_newest_search_is_the_last_one_whatever_the_clock_said(store: Store, clock, spec: BlackBoxSpec):
    """`segnas show latest` shows the search that was just started, also where a wrong clock was set right before."""
    made = []
    for _ in range(6):
        made.append(store.create_search(spec)[0])
        clock.now -= 86_400
    newest_first = made[::-1]
    assert [found.created_at for found in newest_first] == sorted(found.created_at for found in made)
    assert list(store.list_searches().items) == newest_first
    assert list(store.list_searches(S.QUEUED).items) == newest_first
    assert store.due_searches() == made
    first = store.list_searches(limit=4)
    rest = store.list_searches(limit=4, cursor=first.cursor)
    assert [*first.items, *rest.items] == newest_first
    assert rest.cursor is None


def test_the_newest_child_is_the_last_one_whatever_the_clock_said(store: Store, clock, spec: BlackBoxSpec):
    parent, _ = store.create_search(spec)
    first, _ = store.create_search(spec, parent=parent.id)
    clock.now -= 86_400
    second, _ = store.create_search(spec, parent=parent.id)
    assert second.created_at < first.created_at
    assert store.children(parent.id) == [first, second]
    assert store.overview(parent.id).children == {"black_box": second.id}
    store.move_search(second.id, [S.QUEUED], S.STOPPED)
    store.delete_search(second.id)
    third, _ = store.create_search(spec, parent=parent.id)
    assert store.children(parent.id) == [first, third]


def test_places_of_older_rows_are_those_of_their_times(empty_url: str, clock, spec: BlackBoxSpec):
    with Store.open(empty_url, clock) as store:
        store.migrate()
        parent, other = (store.create_search(spec)[0] for _ in range(2))
        late = [store.create_search(spec, parent=parent.id)[0] for _ in range(2)]
        store.create_search(spec, parent=other.id)
        clock.now -= 86_400
        early, _ = store.create_search(spec, parent=parent.id)
        store.downgrade("0014")
        store.migrate()
        assert store.children(parent.id) == [early, *late]
        newest, _ = store.create_search(spec, parent=parent.id)
        assert store.children(parent.id) == [early, *late, newest]


def test_siblings_keep_their_order_when_all_searches_are_numbered(empty_url: str, clock, spec: BlackBoxSpec):
    """Of a database at 0016 whose clock was set back between two searches of one parent."""
    with Store.open(empty_url, clock) as store:
        store.migrate()
        parent, _ = store.create_search(spec)
        late, _ = store.create_search(spec, parent=parent.id)
        clock.now -= 86_400
        last, _ = store.create_search(spec, parent=parent.id)
        early, _ = store.create_search(spec)
        store.downgrade("0016")
        store.migrate()
        assert store.children(parent.id) == [late, last]
        assert list(store.list_searches().items) == [last, late, parent, early]
