"""Fidelities as they are read back."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from nas.results.proposal import Proposal
from nas.store import Store, StoreError


def test_a_fidelity_reads_back_under_its_key(store: Store, driven: str, spec, cells):
    other = spec.fidelity.model_copy(update={"rungs": (100, 300, 900), "crop": (128, 256)})
    assert store.fidelities() == {}
    for number, fidelity in enumerate((spec.fidelity, other, spec.fidelity)):
        store.add_trial(driven, 1, Proposal(number, cells[number], fidelity, 0))
    assert store.fidelities() == {spec.fidelity.key: spec.fidelity, other.key: other}


def test_a_fidelity_that_no_longer_validates_is_named(store: Store, driven: str, add):
    add(driven, 0)
    with store._write() as connection:
        connection.execute(text("""INSERT INTO fidelities VALUES ('old', '{"dataset": "scenes", "batch": 0}', 0)"""))
    with pytest.raises(StoreError, match=r"the stored fidelity old .* batch"):
        store.fidelities()
