"""What a driver gives back to the operating system, and when."""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path

import pytest

from workers.driver.free_memory import SECONDS, FreeMemory

BLOCKS, BYTES = 40_000, 1000
LIBRARY = ctypes.CDLL(None)


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_free_memory_is_given_back_after_each_pause_and_not_between():
    clock = Clock()
    given: list[float] = []
    memory = FreeMemory(lambda: given.append(clock.now), clock)
    for now in (1000.0, 1000.0 + SECONDS / 2, 1000.0 + SECONDS, 1000.1 + SECONDS, 1000.0 + 5 * SECONDS):
        clock.now = now
        memory.give_back_sometimes()
    assert given == [1000.0 + SECONDS, 1000.0 + 5 * SECONDS]


def test_the_pause_begins_when_a_return_is_over():
    clock = Clock()
    given: list[float] = []

    def slow() -> None:
        given.append(clock.now)
        clock.now += 3.0

    memory = FreeMemory(slow, clock)
    for now in (1010.0, 1022.0, 1023.0):
        clock.now = max(clock.now, now)
        memory.give_back_sometimes()
    assert given == [1010.0, 1023.0]


def test_a_c_library_without_such_a_function_is_left_alone():
    clock = Clock()
    memory = FreeMemory(None, clock)
    clock.now += 5 * SECONDS
    memory.give_back_sometimes()


@pytest.mark.skipif(not hasattr(LIBRARY, "malloc_trim"), reason="the C library is not glibc")
def test_what_a_thread_freed_leaves_the_process():
    """One block that is still used, at the end, keeps all that were freed before it in the thread's arena."""
    clock = Clock()
    memory = FreeMemory.of_this_process(clock)
    LIBRARY.malloc.restype = ctypes.c_void_p
    LIBRARY.free.argtypes = [ctypes.c_void_p]
    kept: list[int] = []

    def work() -> None:
        blocks = [LIBRARY.malloc(BYTES) for _ in range(BLOCKS)]
        for block in blocks:
            ctypes.memset(block, 1, BYTES)
        kept.append(blocks.pop())
        for block in blocks:
            LIBRARY.free(block)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    freed = BLOCKS * BYTES
    before = _resident()
    clock.now += 5 * SECONDS
    memory.give_back_sometimes()
    assert before - _resident() > 0.9 * freed
    LIBRARY.free(kept[0])


def _resident() -> int:
    """The bytes of this process that lie in memory and are its own."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
