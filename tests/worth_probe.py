"""The probe of a search's worth as its driver measures it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import ReferenceSpec
from tests.builders import measured
from tests.conftest import start_driver

if TYPE_CHECKING:
    from tests.conftest import Service


def measure_probe(service: Service, search: str, heads: int | None = None, first: int = 0) -> None:
    """Measure a probe as its driver does, and leave it running.

    Args:
        service: The service that has it.
        search: Its id.
        heads: Those before this one are measured; None measures all.
        first: Those from this one on are measured; the scores are the same, however they are measured.
    """
    store, rng = service.store, random.Random(0)
    if store.get_search(search).status is SearchStatus.QUEUED:
        start_driver(store, search)
    probe = store.get_search(search).spec
    assert isinstance(probe, ReferenceSpec)
    attempt = store.get_search(search).attempt
    for index, head in enumerate(probe.heads[:heads]):
        true, noise = rng.gauss(0.5, 0.05), [rng.gauss(0, 0.01) for _ in range(probe.seeds)]
        if index < first:
            continue
        for seed in range(probe.seeds):
            number = seed * len(probe.heads) + index
            store.add_trial(search, attempt, Proposal(number, head, probe.fidelity, seed))
            score, iteration = true + noise[seed], probe.fidelity.iterations
            found = measured(iteration, score, 4.0, parameters=1000, multiply_adds=10_000_000)
            store.record_measurement(search, number, 1, found)
            store.finish_trial(search, number, 1, TrialStatus.COMPLETED)
