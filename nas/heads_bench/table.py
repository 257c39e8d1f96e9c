"""The table in memory: heads, and for each data set what was measured of every head with every seed at every rung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from search_spaces.base import StrictModel
from search_spaces.document import Architecture, read_architecture
from search_spaces.environment import Environment
from search_spaces.validation import shorten

if TYPE_CHECKING:
    from nas.specs import Fidelity


class Measured(NamedTuple):
    """What one training measured at one rung, and the size of its head.

    Attributes:
        score: Validation mIoU in [0, 1].
        class_iou: IoU of each class in [0, 1]; None for a class that neither occurs nor is predicted.
        seconds: Of training and validation since the training began.
        parameters: Trainable ones of the head and its logits.
        multiply_adds: Of one forward pass of head and logits for one crop.
        latency_ms: Median of the times of a forward pass, in milliseconds; None where it was not measured.
        latency_spread_ms: From the first to the third quartile of these times; None likewise.
    """

    score: float
    class_iou: tuple[float | None, ...]
    seconds: float
    parameters: int
    multiply_adds: int
    latency_ms: float | None
    latency_spread_ms: float | None


class Latency(StrictModel):
    """How latencies were measured: `runs` forward passes of head and logits for one crop, after `warmup` others."""

    device: str
    model: str
    threads: Annotated[int, Field(ge=1)] | None
    runs: Annotated[int, Field(ge=1)]
    warmup: Annotated[int, Field(ge=0)]
    batch: Annotated[int, Field(ge=1)] = 1


class LeftOut(StrictModel):
    """A head that is not in the table, since a training of it has no result."""

    key: str
    text: str
    dataset: str
    seed: int
    reason: str


class Setting(StrictModel):
    """What the trainings on one data set have in common.

    Attributes:
        dataset: Name of the data set.
        fidelity: How carefully heads were measured, as a document.
        fidelity_key: Content hash of the fidelity.
        classes: Names of the classes, in the order of `class_iou`.
        seeds: Of the trainings, ascending.
        rungs: Training iterations at which was measured, ascending.
        environments: Machines, software and data that were measured with.
    """

    dataset: str
    fidelity: dict[str, Any]
    fidelity_key: str
    classes: tuple[str, ...]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    rungs: Annotated[tuple[int, ...], Field(min_length=1)]
    environments: tuple[Environment, ...] = ()

    def read_fidelity(self) -> Fidelity:
        """Read the fidelity's document."""
        from nas.specs import Fidelity

        return Fidelity.model_validate(self.fidelity)


class About(StrictModel):
    """All that a table says beside its heads and numbers.

    Attributes:
        name: Of the table.
        licence: SPDX identifier of the licence of the table.
        description: Paragraphs of the data card about where the data come from and what the table is good for.
        settings: One for each data set.
        software: Version of each package that has measured.
        latency: How latencies were measured; None where none was.
        left_out: Heads with a training that has no result.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    licence: Annotated[str, Field(min_length=1, max_length=100)]
    description: str = ""
    settings: Annotated[tuple[Setting, ...], Field(min_length=1)]
    software: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    latency: Latency | None = None
    left_out: tuple[LeftOut, ...] = ()

    @model_validator(mode="after")
    def _each_data_set_once(self) -> Self:
        names = [setting.dataset for setting in self.settings]
        if len(set(names)) != len(names):
            raise ValueError(f"a table has each data set once, and here are {', '.join(names)}")
        return self


class Head(NamedTuple):
    """A head of the table: its content key, its kind in words, its text in one line, and its architecture document."""

    key: str
    family: str
    text: str
    document: dict[str, Any]

    @property
    def architecture(self) -> Architecture:
        """The architecture that the document describes."""
        return read_architecture(self.document).architecture


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of one data set; axes are heads, seeds, rungs and classes.

    Attributes:
        score: (heads, seeds, rungs).
        class_iou: (heads, seeds, rungs, classes); NaN for a class that neither occurs nor is predicted.
        seconds: (heads, seeds, rungs).
        parameters: (heads,).
        multiply_adds: (heads,).
        latency_ms: Median and spread (heads, 2); NaN where not measured.
    """

    score: NDArray[np.float64]
    class_iou: NDArray[np.float32]
    seconds: NDArray[np.float64]
    parameters: NDArray[np.int64]
    multiply_adds: NDArray[np.int64]
    latency_ms: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeadsTable:
    """Heads and their measurements.

    Attributes:
        about: Name, licence, settings, software.
        heads: In the order of the arrays' first axis.
        numbers: Of each data set, by its name.
        hash: Content hash (sha256 hex) of the whole table.
    """

    about: About
    heads: tuple[Head, ...]
    numbers: Mapping[str, Numbers]
    hash: str
    _rows: dict[str, int] = field(init=False, repr=False)
    _places: dict[str, tuple[Numbers, dict[int, int], dict[int, int]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", {head.key: row for row, head in enumerate(self.heads)})
        places = {
            setting.dataset: (
                self.numbers[setting.dataset],
                {seed: index for index, seed in enumerate(setting.seeds)},
                {rung: index for index, rung in enumerate(setting.rungs)},
            )
            for setting in self.about.settings
        }
        object.__setattr__(self, "_places", places)

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets."""
        return tuple(setting.dataset for setting in self.about.settings)

    def setting(self, dataset: str) -> Setting:
        """Return what the trainings on a data set have in common.

        Raises:
            ValueError: The table does not have the data set.
        """
        for setting in self.about.settings:
            if setting.dataset == dataset:
                return setting
        raise ValueError(f"the table has no data set {shorten(dataset)}; it has {', '.join(self.datasets)}")

    def head(self, key: str) -> Head:
        """Return the head with a content key, of which the first characters suffice.

        Raises:
            ValueError: No head, or more than one, has a key that begins so.
        """
        if key in self._rows:
            return self.heads[self._rows[key]]
        found = [head for head in self.heads if key and head.key.startswith(key)]
        if len(found) != 1:
            many = f"{len(found)} heads of the table have" if found else "no head of the table has"
            raise ValueError(f"{many} a key that begins with {shorten(key)}; give more of one that `top` lists")
        return found[0]

    def query(self, head: str | Architecture, dataset: str, seed: int, rung: int | None = None) -> Measured:
        """Return what was measured of a head.

        A query by the whole content key takes microseconds; the key of an architecture is computed first, which takes
        longer.

        Args:
            head: The content key of a head (its first characters suffice), or an architecture.
            dataset: Name of the data set.
            seed: Of the training.
            rung: Training iterations; None for the last rung.

        Raises:
            ValueError: The table does not have the head, the data set, the seed or the rung.
        """
        row = self._rows.get(head) if isinstance(head, str) else self._rows.get(head.key)
        if row is None:
            row = self._rows[self.head(head if isinstance(head, str) else head.key).key]
        if dataset not in self._places:
            self.setting(dataset)
        numbers, seeds, rungs = self._places[dataset]
        if seed not in seeds:
            raise ValueError(f"the table has no seed {seed} on {dataset}; it has {_listed(seeds)}")
        if rung is None:
            depth = len(rungs) - 1
        elif rung in rungs:
            depth = rungs[rung]
        else:
            raise ValueError(f"the table has no rung {rung} on {dataset}; it has {_listed(rungs)}")
        place = (row, seeds[seed], depth)
        median, spread = numbers.latency_ms[row].tolist()
        return Measured(
            score=float(numbers.score[place]),
            # NaN is the only number that differs from itself.
            class_iou=tuple([iou if iou == iou else None for iou in numbers.class_iou[place].tolist()]),  # noqa: PLR0124
            seconds=float(numbers.seconds[place]),
            parameters=int(numbers.parameters[row]),
            multiply_adds=int(numbers.multiply_adds[row]),
            latency_ms=median if median == median else None,  # noqa: PLR0124
            latency_spread_ms=spread if spread == spread else None,  # noqa: PLR0124
        )

    def means(self, dataset: str, rung: int | None = None) -> NDArray[np.float64]:
        """Return the mean score over the seeds of every head.

        Args:
            dataset: Name of the data set.
            rung: Training iterations; None for the last rung.

        Raises:
            ValueError: The table does not have the data set or the rung.
        """
        setting = self.setting(dataset)
        if rung is not None and rung not in setting.rungs:
            raise ValueError(f"the table has no rung {rung} on {dataset}; it has {_listed(setting.rungs)}")
        depth = -1 if rung is None else setting.rungs.index(rung)
        means: NDArray[np.float64] = self.numbers[dataset].score[:, :, depth].mean(axis=1)
        return means

    def top(self, dataset: str, count: int = 10, rung: int | None = None) -> list[tuple[Head, float]]:
        """Return the heads with the highest mean score over the seeds, and these means; best first.

        Args:
            dataset: Name of the data set.
            count: How many heads.
            rung: Training iterations; None for the last rung.

        Raises:
            ValueError: The table does not have the data set or the rung.
        """
        means = self.means(dataset, rung)
        order = np.argsort(-means, kind="stable")[:count]
        return [(self.heads[row], float(means[row])) for row in order]


def _listed(values: Sequence[int] | Mapping[int, int]) -> str:
    return ", ".join(map(str, values))
