"""Training-free scores: kept once each, whichever search computed them."""

from __future__ import annotations

import math

import pytest

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus
from nas.store import NotFoundError, SearchClosedError, StaleAttemptError, Store

SCORES = {"parameters": (1234.0, 0.0), "synflow": (-1e300, 0.25)}


def test_scores_read_back_by_architecture_and_name(store: Store, driven: str, spec, cells):
    store.add_training_free(driven, 1, cells[0], spec.fidelity, 7, SCORES)
    store.add_training_free(driven, 1, cells[1], spec.fidelity, 7, {"naswot": (0.5, 1.5)})
    keys = [cell.key for cell in cells[:3]]
    assert store.training_free(keys, spec.fidelity.key, 7) == {keys[0]: SCORES, keys[1]: {"naswot": (0.5, 1.5)}}
    assert store.training_free(keys[1:], spec.fidelity.key, 7) == {keys[1]: {"naswot": (0.5, 1.5)}}
    assert store.training_free(keys, spec.fidelity.key, 8) == {}
    assert store.training_free(keys, "0" * 64, 7) == {}
    assert store.training_free([], spec.fidelity.key, 7) == {}


def test_architecture_and_fidelity_are_stored_with_them(store: Store, driven: str, spec, cells):
    store.add_training_free(driven, 1, cells[0], spec.fidelity, 7, SCORES)
    assert store.fidelities() == {spec.fidelity.key: spec.fidelity}
    assert store.add_trial(driven, 1, Proposal(0, cells[0], spec.fidelity, 7)).architecture_key == cells[0].key


def test_the_first_score_of_a_name_stays(store: Store, driven: str, spec, cells):
    other, _ = store.create_search(spec)
    store.begin_driver(other.id)
    store.add_training_free(driven, 1, cells[0], spec.fidelity, 7, SCORES)
    store.add_training_free(other.id, 1, cells[0], spec.fidelity, 7, {"synflow": (3.0, 9.0), "snip": (4.0, 1.0)})
    found = store.training_free([cells[0].key], spec.fidelity.key, 7)
    assert found == {cells[0].key: {**SCORES, "snip": (4.0, 1.0)}}


def test_more_architectures_than_a_statement_takes(store: Store, driven: str, spec, cells):
    """SQLite bounds a statement at 32,766 parameters, PostgreSQL at 65,535."""
    for cell in cells[:3]:
        store.add_training_free(driven, 1, cell, spec.fidelity, 7, {"snip": (1.0, 0.0)})
    wanted = [f"{number:064d}" for number in range(70_000)] + [cell.key for cell in cells[:3]] * 2
    assert store.training_free(wanted, spec.fidelity.key, 7).keys() == {cell.key for cell in cells[:3]}


def test_no_scores_are_no_error(store: Store, driven: str, spec, cells):
    store.add_training_free(driven, 1, cells[0], spec.fidelity, 7, {})
    assert store.training_free([cells[0].key], spec.fidelity.key, 7) == {}


@pytest.mark.parametrize("bad", [(math.nan, 0.0), (math.inf, 0.0), (0.0, math.nan)])
def test_what_is_no_number_is_not_stored(store: Store, driven: str, spec, cells, bad: tuple[float, float]):
    with pytest.raises(ValueError, match=r"synflow .* must be finite numbers"):
        store.add_training_free(driven, 1, cells[0], spec.fidelity, 7, {"snip": (1.0, 0.0), "synflow": bad})
    assert store.training_free([cells[0].key], spec.fidelity.key, 7) == {}


def test_a_replaced_driver_stores_nothing(store: Store, driven: str, spec, cells):
    store.requeue_search(driven, 1, 0.0, "lost")
    assert store.begin_driver(driven) == 2
    with pytest.raises(StaleAttemptError):
        store.add_training_free(driven, 1, cells[0], spec.fidelity, 7, SCORES)
    assert store.training_free([cells[0].key], spec.fidelity.key, 7) == {}
    assert store.fidelities() == {}
    store.add_training_free(driven, 2, cells[0], spec.fidelity, 7, SCORES)
    store.finish_search(driven, 2, SearchStatus.COMPLETED)
    with pytest.raises(SearchClosedError):
        store.add_training_free(driven, 2, cells[1], spec.fidelity, 7, SCORES)
    with pytest.raises(NotFoundError):
        store.add_training_free("s0", 1, cells[1], spec.fidelity, 7, SCORES)
    assert store.training_free([cell.key for cell in cells], spec.fidelity.key, 7).keys() == {cells[0].key}
