"""Calls a function on several items at once, in threads, and gives the results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Iterable[Item], parallel: int) -> Iterator[Result]:
    """Yield `function(item)` of each item, in the order of the items.

    Args:
        function: Called in `parallel` threads, in the caller's own where that is 1.
        items: Read as far as `parallel` items ahead of the results.
        parallel: Calls at once, from 1.

    Raises:
        Exception: What `function` or `items` raises, in the place of its result.
    """
    if parallel == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(parallel, thread_name_prefix="parallel") as pool:
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > parallel:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
