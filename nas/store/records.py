"""The frozen records that the store returns. Times are seconds since the epoch.

A record's field has the same name as its column and as the field of the public model (`nas.schemas`), so that neither
is copied by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from nas.results.snapshot import Snapshot
from nas.results.standing import Standing, trial_standing
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import SearchSpec
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture, architecture_from_dict
from search_spaces.text import architecture_text, short_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stage:
    """The progress of the stage that a driver is in: `done` of `total` units of the stage `name`."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one service to attend to a search.

    Attributes:
        owner: The name of the service; None where nobody has the lease.
        beat: A number that the owner increases every few seconds; one that stays the same tells that the owner died.
    """

    owner: str | None
    beat: int


class FollowUp(NamedTuple):
    """A search to queue in the transaction in which another one is completed.

    Attributes:
        spec: Its spec.
        key: Its idempotency key: where a search has it already, no other one is queued.
        forecast: Its expected cost as a JSON mapping; None where that is not known.
    """

    spec: SearchSpec
    key: str
    forecast: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """One search.

    Attributes:
        attempt: How many drivers the search has had.
        stage: The progress of its driver.
        software: The versions, by package, that measure its trials, as the last driver has reported them.
        message: Why the search has its status, as a sentence for the user.
        request_key: The content hash of the request that created the search; None where that is not known.
        parent: The id of the search whose trials this one measures again.
        forecast: The cost that was expected when the search was created.
        hold_seconds: How long the search waits in the queue before its next driver starts; None does not wait.
        setbacks: How many drivers in a row were lost through a fault of their own and without progress.
        notes: A user's remarks.
        tags: A user's marks, by which searches are found; each once.
        origins: The searches that this one starts from, and the confirmations that decided which of their trials are
            the best, with the `sequence` of each one's last change at that time.
        owner: The name of the token that started the search; None without one.
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
    hold_seconds: float | None
    setbacks: int
    created_at: float
    updated_at: float
    started_at: float | None
    finished_at: float | None
    notes: str | None = None
    tags: tuple[str, ...] = ()
    origins: Mapping[str, int] = field(default_factory=dict)
    owner: str | None = None

    @property
    def kind(self) -> str:
        return self.spec.kind

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def planned(self) -> int:
        """The number of trials that the search will have, at most."""
        return self.spec.planned


MOST_TEXTS = 20_000
_TEXTS: dict[str, tuple[str, str]] = {}
"""Lines of architectures by content key, for pages that are read again and again: making a line takes longer than
reading the row."""


@dataclass(frozen=True)
class TrialRecord:
    """One trial; the defaults are those of a new trial.

    Attributes:
        number: Within the search, from 0.
        attempt: How many processes have worked on the trial.
        score: Validation mIoU at the deepest rung measured, in [0, 1].
        iteration: The deepest rung measured, in training iterations.
        seconds: Of training and validation up to that rung, over all processes of the trial.
        device_seconds: `seconds` times the devices that the trial held.
        parameters: Trainable ones of what the trial trains; None where the number is not known.
        multiply_adds: Of one forward pass of what the trial trains, for one crop; None where the number is not known.
        unjudged_iteration: The first rung that early stopping let the trial pass before there was anything to judge it
            by; None where there is none, or the trial was judged at a later rung.
        unjudged_score: The value at that rung.
        held_iteration: `unjudged_iteration` while the trial stands there (see `nas.results.standing`); else None.
        held_score: `unjudged_score` likewise.
        value: Of the first objective of the search at the deepest rung, by which trials are ordered: the score, unless
            the search has other objectives. None where there is no score.
        latency: The fields of `nas.results.measurement.Latency`; None where it was not measured.
        source: The trial from which this one was adopted with its numbers, as "SEARCH/NUMBER"; None for one that ran.
        reason: Why the trial ended as it did, as a sentence.
        node: The node from which its last result came; None before the first one, and for an adopted trial.
        deaths: How many attempts were replaced because their process died: retries are counted by this. An attempt that
            ends with its driver is none of them.
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
    unjudged_iteration: int | None = None
    unjudged_score: float | None = None
    held_iteration: int | None = None
    held_score: float | None = None
    value: float | None = None
    latency: Mapping[str, Any] | None = None
    node: str | None = None
    deaths: int = 0

    @cached_property
    def architecture(self) -> Architecture:
        """The architecture in its canonical form, validated when it is first read.

        Validation costs several times as much time as reading the row, and few trials of a search are ever built.

        Raises:
            ValueError: A newer version of the software stored an architecture that this version does not know.
        """
        return architecture_from_dict(self.architecture_json)

    @property
    def text(self) -> str:
        """The architecture in one line."""
        return self._texts[0]

    @property
    def short_text(self) -> str:
        """The architecture in few characters."""
        return self._texts[1]

    @property
    def _texts(self) -> tuple[str, str]:
        texts = _TEXTS.get(self.architecture_key)
        if texts is None:
            if len(_TEXTS) >= MOST_TEXTS:
                _TEXTS.clear()
            texts = architecture_text(self.architecture), short_text(self.architecture)
            _TEXTS[self.architecture_key] = texts
        return texts

    @property
    def standing(self) -> Standing | None:
        """The trial's sort key among the trials of its search: greater is better. None: it failed or has no score."""
        if self.held_iteration is not None:
            return trial_standing(self.status, self.held_iteration, self.held_score)
        return trial_standing(self.status, self.iteration, self.value)

    @property
    def unjudged(self) -> Standing | None:
        """The first rung that the trial passed unjudged, and its score there; None where it stands by being judged."""
        if self.unjudged_iteration is None or self.unjudged_score is None:
            return None
        return self.unjudged_iteration, self.unjudged_score


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """The snapshot of one epoch of a differentiable run; `run` counts the seeds of a search, from 0."""

    run: int
    snapshot: Snapshot
    created_at: float

    @property
    def architecture(self) -> AutoDeepLab:
        """The network that the snapshot decodes to."""
        return self.snapshot.architecture


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The setbacks of one differentiable run, over all drivers of its search.

    Attributes:
        run: Counts the seeds of the search, from 0.
        deaths: How many attempts were replaced because their process died: retries are counted by this.
        reason: Why the run has failed; None where it has not.
    """

    run: int
    deaths: int = 0
    reason: str | None = None


class Change(NamedTuple):
    """A trial as it is now, and the number of its last change within the search; numbers ascend from 1."""

    sequence: int
    trial: TrialRecord


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing; `cursor` requests the next page and is None on the last one."""

    items: tuple[T, ...]
    cursor: str | None
