"""Results come in the order of the items, whatever the order in which the calls end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from nas.data.parallel import in_order


@pytest.mark.parametrize("parallel", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(parallel: int) -> None:
    def slower_first(item: int) -> int:
        time.sleep(0.01 * (4 - item))
        return item * item

    assert list(in_order(slower_first, range(5), parallel)) == [0, 1, 4, 9, 16]


def test_as_many_calls_run_at_once_as_are_allowed() -> None:
    together = threading.Barrier(3, timeout=10)  # breaks, which raises, unless three calls meet
    assert list(in_order(lambda _: together.wait() >= 0, range(6), 3)) == [True] * 6


def test_items_are_read_only_a_little_ahead() -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            read.append(item)
            yield item

    results = in_order(str, items(), 2)
    assert next(results) == "0"
    assert read == [0, 1, 2]
    results.close()  # type: ignore[attr-defined]  # a generator


@pytest.mark.parametrize("parallel", [1, 3])
def test_an_exception_comes_in_the_place_of_its_result(parallel: int) -> None:
    results = in_order(lambda item: 1 // (2 - item), range(5), parallel)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
