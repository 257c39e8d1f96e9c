"""Trials in the order of a column, page by page, against the order's definition."""

from __future__ import annotations

import itertools
import random
from typing import Any, get_args

import pytest

from nas.results.orders import TrialOrder
from nas.results.status import TrialStatus
from nas.store import Store, TrialRecord
from nas.store.sorting import SORTABLE
from search_spaces.latency import Latency
from tests.builders import measured

LATENCY = Latency(what="head", median_ms=2.5, iqr_ms=0.1, runs=100, device="cpu", model="m", threads=1, torch="2")
ORDERS = [order for order in get_args(TrialOrder) if order.removeprefix("-") in SORTABLE]


def fill(store: Store, search_id: str, add, trials: int) -> None:
    """Trials of few different values, so that many are equal; some lack a size, a latency, or any measurement."""
    rng = random.Random(5)
    for number in range(trials):
        add(search_id, number)
        for rung in (100, 200, 300)[: rng.randrange(4)]:
            size, ms = rng.choice([None, 100, 2**40]), rng.choice([None, 0.1, 2.5, 12.0])
            latency = None if ms is None else LATENCY.model_copy(update={"median_ms": ms})
            sizes = {"parameters": size, "multiply_adds": size and 3 * size, "latency": latency}
            point = measured(rung, rng.choice([0.25, 0.5, 0.75]), rng.choice([1.5, 2.5]) * rung, **sizes)
            store.record_measurement(search_id, number, 1, point)
        if number % 5 == 0:
            store.finish_trial(search_id, number, 1, TrialStatus.FAILED, "by chance")


def key(trial: TrialRecord, name: str) -> tuple[Any, ...] | None:
    if name == "miou":
        return None if trial.score is None else (trial.iteration, trial.score)
    value = trial.latency and trial.latency["median_ms"] if name == "latency" else getattr(trial, name)
    return None if value is None else (value,)


def expected(trials: list[TrialRecord], order: str) -> list[int]:
    """The order by its definition: what is not known last, ties by number."""
    keys = {trial.number: key(trial, order.removeprefix("-")) for trial in trials}
    known = sorted((found, number) for number, found in keys.items() if found is not None)
    if order.startswith("-"):
        known = sorted(known, key=lambda entry: entry[0], reverse=True)  # keeps the order of equal ones
    return [*(number for _, number in known), *sorted(number for number, found in keys.items() if found is None)]


def numbers(store: Store, search_id: str, limit: int, **query: Any) -> list[int]:
    page = store.list_trials(search_id, limit=limit, **query)
    found = [[trial.number for trial in page.items]]
    while page.cursor is not None:
        page = store.list_trials(search_id, limit=limit, cursor=page.cursor, **query)
        assert page.items, "no empty page"
        found.append([trial.number for trial in page.items])
    assert all(len(numbers) == limit for numbers in found[:-1])
    return list(itertools.chain(*found))


def test_every_order_has_both_directions():
    names = {order.removeprefix("-") for order in get_args(TrialOrder)}
    assert set(get_args(TrialOrder)) == names | {f"-{name}" for name in names}
    assert names == {"number", "score", *SORTABLE}


def test_pages_of_any_size_hold_every_trial_once_in_order(store: Store, driven: str, add):
    fill(store, driven, add, 40)
    trials = store.all_trials(driven)
    assert {trial.iteration for trial in trials} == {None, 100, 200, 300}
    for order in ORDERS:
        wanted = expected(trials, order)
        for limit in (1, 7, 40, 41):
            assert numbers(store, driven, limit, order_by=order) == wanted, (order, limit)
        for status in (TrialStatus.FAILED, TrialStatus.RUNNING):
            of_status = [trial for trial in trials if trial.status is status]
            assert numbers(store, driven, 3, order_by=order, status=status) == expected(of_status, order), order
    assert store.list_trials("s0", "miou").items == ()


def test_a_cursor_is_that_of_its_own_order(store: Store, driven: str, add):
    fill(store, driven, add, 9)
    cursor = store.list_trials(driven, "parameters", limit=1).cursor
    assert cursor is not None
    for order in ("-parameters", "miou", "number"):
        with pytest.raises(ValueError, match="cursor is not one"):
            store.list_trials(driven, order, cursor=cursor)
    with pytest.raises(ValueError, match=r"order_by must be one of number, score, miou, .*, or that with a leading -"):
        store.list_trials(driven, "text")  # type: ignore[arg-type]  # what the test is about
