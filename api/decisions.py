"""What the reconciler does about a search, and whether the loss of a driver counts against it: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from nas.results.status import SearchStatus
from nas.store import SearchRecord
from workers.cluster.jobs import JobEnd, JobState
from workers.driver.exit_codes import ExitCode

LOST_SECONDS = 10.0
"""How long a job must be unknown to a cluster that answers before its driver counts as lost."""

FIRST_BACK_OFF = 2.0
LONGEST_BACK_OFF = 300.0

ACTIVE_JOB = (JobState.pending, JobState.running)


class Action(Enum):
    """The next step of a search."""

    WAIT = auto()
    BEGIN = auto()
    SUBMIT = auto()
    REPLACE = auto()
    STOP_JOB = auto()
    MARK_STOPPED = auto()


def decide(search: SearchRecord, job: JobState | None, *, queued_for: float, lost_for: float) -> Action:
    """Choose the next step of a search.

    A driver writes the end of its search before the driver itself ends, so a job that is over beside a search that is
    not means that the driver was lost. This holds only if `search` was read after `job`.

    Args:
        search: The search.
        job: The state of its job; None where it has none.
        queued_for: For how many seconds the search has been seen in the queue.
        lost_for: For how many seconds the job has been unknown to the cluster.
    """
    if search.status is SearchStatus.QUEUED:
        return Action.BEGIN if queued_for >= (search.hold_seconds or 0.0) else Action.WAIT
    if search.status.ending:
        return Action.STOP_JOB if job in ACTIVE_JOB else Action.MARK_STOPPED
    if search.status.at_rest or job in ACTIVE_JOB:
        return Action.WAIT
    if job is JobState.lost and lost_for < LOST_SECONDS:
        # The driver has begun but the cluster does not know it (yet): the service died in between, or the submission
        # failed.
        return Action.SUBMIT if search.status is SearchStatus.STARTING else Action.WAIT
    return Action.REPLACE


@dataclass(frozen=True)
class Loss:
    """The loss of a driver.

    Attributes:
        reason: What happened to the driver, as the end of a sentence about it.
        own_fault: Whether the search may be the cause, so that the loss counts unless there was progress.
    """

    reason: str
    own_fault: bool


def explain_loss(job: JobState, end: JobEnd | None) -> Loss:
    """Explain the loss of a driver by what the cluster says of its job.

    Never the search's fault: a cluster that began anew, a node or a cluster that went down under the driver, a database
    or a Ray that stayed away, a node with other software or wrong settings, a request from outside to end.

    Args:
        job: The state of the job, which is over or lost.
        end: How a job that has failed ended; None for other states.
    """
    if job is JobState.lost:
        return Loss("was lost with its cluster", own_fault=False)
    if job is JobState.stopped:
        return Loss("was stopped from outside", own_fault=False)
    if job is JobState.succeeded or end is None:
        return Loss("ended without finishing the search", own_fault=True)
    if end.exit_code is None:
        first_line = end.message.strip().partition("\n")[0][:200]
        return Loss("was lost with its node" + (f" ({first_line})" if first_line else ""), own_fault=False)
    excused = {
        ExitCode.INTERRUPTED: "was asked to end from outside",
        ExitCode.DATABASE_AWAY: "gave up because the database was away",
        ExitCode.RAY_AWAY: "gave up because Ray was away",
        ExitCode.OTHER_VERSION: "found a database of another version of Segnas than its own node has: one version "
        "there and here, then a restart of the service",
        ExitCode.SETTINGS: "cannot read the settings of its node, of which the log of the search says more",
    }
    if end.exit_code in excused:
        return Loss(excused[ExitCode(end.exit_code)], own_fault=False)
    return Loss(f"died (exit code {end.exit_code})", own_fault=True)


def setbacks_after(loss: Loss, setbacks: int, *, progressed: bool) -> int:
    """Count the drivers in a row that were lost by their own fault without progress.

    Args:
        loss: The loss of the last driver.
        setbacks: The count before it.
        progressed: Whether that driver recorded anything.
    """
    return 0 if progressed else setbacks + loss.own_fault


def back_off(losses: int) -> float:
    """Compute the seconds to wait after so many losses in a row (from 1): 2, 4, 8, ..., 300."""
    return float(min(FIRST_BACK_OFF * 2 ** min(losses - 1, 16), LONGEST_BACK_OFF))
