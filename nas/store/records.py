"""What the store gives out: frozen records. Times are seconds since the epoch, UTC.

A record's field has the name of its column and of the public model's field (`nas.schemas`), so that neither is copied
by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from nas.results.snapshot import Snapshot
from nas.results.standing import Standing, trial_standing
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import SearchSpec
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture, architecture_from_dict
from search_spaces.text import architecture_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stage:
    """What the driver is at, for a progress bar: `done` of `total` units of the stage `name`."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """One search. `attempt` counts its drivers; `not_before` holds back the next one (back-off).

    `software` maps packages to the versions that measure its trials, as the last driver found them. `parent` is the
    search whose trials this one measures again, `forecast` what it was expected to cost when it was created.
    `request_key` is the content hash of the request that created it, None where that is not known.
    """

    id: str
    spec: SearchSpec
    status: SearchStatus
    attempt: int
    stage: Stage | None
    software: dict[str, str] | None
    message: str | None
    idempotency_key: str | None
    request_key: str | None
    parent: str | None
    forecast: dict[str, Any] | None
    not_before: float | None
    created_at: float
    updated_at: float
    started_at: float | None
    finished_at: float | None

    @property
    def kind(self) -> str:
        """The spec's kind, "black_box" for instance."""
        return self.spec.kind

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.spec.name

    @property
    def planned(self) -> int:
        """How many trials the search will have, at most."""
        return self.spec.planned


@dataclass(frozen=True)
class TrialRecord:
    """One trial. `score`, `iteration`, `seconds`, `device_seconds` are those of the deepest rung measured.

    `attempt` counts the processes that worked on it, from 1. `parameters` and `multiply_adds` are those of what was
    trained, None where it is not known. `source`, as "SEARCH/NUMBER", is the trial from which this one was adopted,
    its numbers included: nothing was run for it. None for a trial that ran. The defaults are those of a new trial.
    """

    number: int
    architecture_key: str
    architecture_json: Mapping[str, Any]
    fidelity_key: str
    seed: int
    created_at: float
    updated_at: float
    attempt: int = 1
    status: TrialStatus = TrialStatus.RUNNING
    score: float | None = None
    iteration: int | None = None
    seconds: float | None = None
    device_seconds: float | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    source: str | None = None
    reason: str | None = None
    finished_at: float | None = None

    @cached_property
    def architecture(self) -> Architecture:
        """The architecture in its canonical form, validated when it is first asked for.

        Validation takes several times as long as reading the row, and of all trials of a search few are built.
        ValueError when it was stored by a version that knows more.
        """
        return architecture_from_dict(self.architecture_json)

    @property
    def text(self) -> str:
        """The architecture in one line."""
        return architecture_text(self.architecture)

    @property
    def standing(self) -> Standing | None:
        """The trial's sort key among the trials of its search, the greater the better; None where it has none."""
        return trial_standing(self.status, self.iteration, self.score)


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """What a differentiable run decoded to after one epoch; `run` counts the seeds of a search, from 0."""

    run: int
    snapshot: Snapshot
    created_at: float

    @property
    def architecture(self) -> AutoDeepLab:
        """The network that the snapshot decodes to."""
        return self.snapshot.architecture


@dataclass(frozen=True, slots=True)
class SearchCost:
    """What a search has cost: device-seconds, over `measured` trials that ran and measured something, and over its
    differentiable runs; the `adopted` trials cost nothing.
    """

    device_seconds: float
    measured: int
    adopted: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A search's trials at a glance: counted by status (zeros included), the best one so far, what all have cost."""

    trials: Mapping[TrialStatus, int]
    best: TrialRecord | None
    cost: SearchCost


@dataclass(frozen=True, slots=True)
class RungTime:
    """How long one search's trials of a fidelity took from the rung before (at the first: from the beginning) to the
    one at `iteration`: means over the `trials` trials that measured it.
    """

    search_id: str
    fidelity_key: str
    iteration: int
    trials: int
    mean_seconds: float
    mean_device_seconds: float


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing; `cursor` asks for the next one, None says that this is the last."""

    items: tuple[T, ...]
    cursor: str | None
