"""Data sets that a process has opened, used again for a while instead of looking at every file anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from nas.data.dataset import SegmentationDataset
from nas.data.entry import Registration
from nas.data.registry import open_dataset

MOST_KEPT = 8


class Opened:
    """Opened data sets by registration.

    A process that runs trials asks for its data set at the start of each: the names and states of all files, twice
    26,000 for ADE20K, are 0.7 s on a local disk and many seconds on a network's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, Path], tuple[float, SegmentationDataset]] = {}

    def of(self, entry: Registration, cache: Path, seconds: float) -> SegmentationDataset:
        """Return a data set that was opened at most so many seconds ago, with its key where that is known.

        Args:
            entry: The data set.
            cache: Where what is read for its key is remembered for other processes.
            seconds: With 0 it is opened anew.

        Raises:
            DatasetError: The root, a folder or a file is missing; the message names it.
        """
        name, now = (entry.model_dump_json(), cache), self._clock()
        kept = self._kept.get(name)
        if kept is not None and now - kept[0] < seconds:
            return kept[1]
        opened = open_dataset(entry, cache)
        if seconds:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[name] = (now, opened)
        return opened
