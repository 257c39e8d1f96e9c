"""What a look at a data set's files tells before anything is trained: images of each split, and sizes of some."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nas.data.decode import image_size
from nas.data.entry import Registration
from nas.data.registry import open_dataset

SAMPLED = 8
"""Images of a split whose sizes are read."""

VALID_SECONDS = 30.0
"""How long a survey is used again; a large data set takes a second to list."""

MOST_KEPT = 64


@dataclass(frozen=True)
class SplitSurvey:
    """A split: the number of its images, and (height, width) in pixels of some of them."""

    images: int
    sizes: tuple[tuple[int, int], ...]


Survey = Mapping[str, SplitSurvey]
"""The splits of a data set by name."""


def survey(entry: Registration) -> Survey:
    """List the files of a data set, and read the headers of a few images.

    Raises:
        DatasetError: A folder or file is missing or broken; the message names it.
    """
    dataset = open_dataset(entry)
    return {
        name: SplitSurvey(len(split), tuple(map(image_size, _spread([item.image for item in split.items]))))
        for name, split in dataset.splits.items()
    }


def _spread(paths: Sequence[Path]) -> list[Path]:
    count = min(SAMPLED, len(paths))
    return [paths[index * len(paths) // count] for index in range(count)]


class Surveys:
    """Surveys by registration, each made again after `VALID_SECONDS`; what failed is tried again at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Survey]] = {}

    def of(self, entry: Registration) -> Survey:
        """Return a survey of a data set that is at most `VALID_SECONDS` old.

        Raises:
            DatasetError: A folder or file is missing or broken; the message names it.
        """
        key, now = entry.model_dump_json(), self._clock()
        made, found = self._kept.get(key, (-VALID_SECONDS, {}))
        if now - made < VALID_SECONDS and entry.root.expanduser().is_dir():
            return found
        found = survey(entry)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (now, found)
        return found
