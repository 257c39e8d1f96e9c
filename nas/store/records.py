"""What the store gives out: frozen records and their statuses. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nas.results.status import SearchStatus, TrialStatus
from nas.specs import SearchSpec

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
    """

    id: str
    spec: SearchSpec
    status: SearchStatus
    attempt: int
    stage: Stage | None
    software: dict[str, str] | None
    message: str | None
    idempotency_key: str | None
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


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial. `score`, `iteration`, `seconds`, `device_seconds` are those of the deepest rung measured.

    `attempt` counts the processes that worked on it, from 1. `parameters` and `multiply_adds` are those of what was
    trained, None where it is not known. `source`, as "SEARCH/NUMBER", is the trial from which this one was adopted,
    its numbers included: nothing was run for it. None for a trial that ran.
    """

    number: int
    architecture_key: str
    architecture: dict[str, Any]
    fidelity_key: str
    seed: int
    attempt: int
    status: TrialStatus
    score: float | None
    iteration: int | None
    seconds: float | None
    device_seconds: float | None
    parameters: int | None
    multiply_adds: int | None
    source: str | None
    reason: str | None
    created_at: float
    updated_at: float
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """What a differentiable run decoded to after one epoch; `run` counts the seeds of a search."""

    run: int
    epoch: int
    payload: dict[str, Any]
    created_at: float


@dataclass(frozen=True, slots=True)
class SearchCost:
    """What a search has cost: device-seconds, over `measured` trials that ran and measured something, and over its
    differentiable runs; the `adopted` trials cost nothing.
    """

    device_seconds: float
    measured: int
    adopted: int


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
class TokenRecord:
    """An API token. Only the digest of its secret is known."""

    name: str
    digest: str
    scopes: tuple[str, ...]
    created_at: float
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing; `cursor` asks for the next one, None says that this is the last."""

    items: tuple[T, ...]
    cursor: str | None
