"""What the reconciler decides: by table, and by the properties that a lost driver's account must have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.decisions import LOST_SECONDS, Action, Loss, back_off, decide, explain_loss, setbacks_after
from nas.results.status import SearchStatus
from nas.specs import BlackBoxSpec, Fidelity
from nas.store import SearchRecord
from workers.cluster.jobs import JobEnd, JobState

GOING, OVER = ("pending", "running"), ("succeeded", "failed", "stopped")
SEARCH = SearchRecord(
    id="s0123456789ab",
    spec=BlackBoxSpec(name="a search", fidelity=Fidelity(dataset="scenes")),
    status=SearchStatus.QUEUED,
    attempt=1,
    stage=None,
    software=None,
    message=None,
    idempotency_key=None,
    request_key=None,
    parent=None,
    forecast=None,
    hold_seconds=None,
    setbacks=0,
    notes=None,
    tags=(),
    created_at=0.0,
    updated_at=0.0,
    started_at=None,
    finished_at=None,
)
JOBS = st.none() | st.sampled_from(JobState)
SECONDS = st.floats(0, 1e6)


def expected(status: str, job: str | None, lost_for: float) -> Action:
    """The table, written by cases."""
    if status in ("stopping", "pausing"):
        return Action.STOP_JOB if job in GOING else Action.MARK_STOPPED
    if job in GOING:
        return Action.WAIT
    if job == "lost" and lost_for < LOST_SECONDS:
        return Action.SUBMIT if status == "starting" else Action.WAIT
    return Action.REPLACE


@pytest.mark.parametrize("status", ["starting", "running", "stopping", "pausing"])
@pytest.mark.parametrize("job", [*GOING, *OVER, "lost"])
def test_decisions_about_a_search_with_a_driver(status, job):
    for lost_for in (0.0, LOST_SECONDS - 0.1, LOST_SECONDS):
        found = replace(SEARCH, status=SearchStatus(status))
        action = decide(found, JobState(job), queued_for=1e6, lost_for=lost_for)
        assert action is expected(status, job, lost_for), lost_for


@given(st.none() | SECONDS, SECONDS)
def test_a_queued_search_begins_when_it_was_seen_for_its_hold(hold, seen):
    action = decide(replace(SEARCH, hold_seconds=hold), None, queued_for=seen, lost_for=0.0)
    assert action is (Action.BEGIN if hold is None or seen >= hold else Action.WAIT)


@given(st.sampled_from(["completed", "failed", "stopped"]), JOBS, SECONDS, SECONDS)
def test_a_search_that_is_over_is_left_alone(status, job, queued_for, lost_for):
    found = replace(SEARCH, status=SearchStatus(status))
    assert decide(found, job, queued_for=queued_for, lost_for=lost_for) is Action.WAIT


@pytest.mark.parametrize(
    ("job", "end", "reason", "own_fault"),
    [
        ("lost", None, "was lost with its cluster", False),
        ("stopped", None, "was stopped from outside", False),
        ("succeeded", None, "ended without finishing the search", True),
        (
            "failed",
            JobEnd(None, "Job supervisor actor died: its node\nTrace"),
            "node (Job supervisor actor died",
            False,
        ),
        ("failed", JobEnd(None, ""), "was lost with its node", False),
        ("failed", JobEnd(143, ""), "was asked to end from outside", False),
        ("failed", JobEnd(78, ""), "found a database of another version of Segnas than its own node has", False),
        ("failed", JobEnd(79, ""), "cannot read the settings of its node", False),
        ("failed", JobEnd(74, ""), "gave up because the database was away", False),
        ("failed", JobEnd(75, ""), "gave up because Ray was away", False),
        ("failed", JobEnd(1, "ImportError"), "died (exit code 1)", True),
        ("failed", JobEnd(137, ""), "died (exit code 137)", True),
        ("failed", JobEnd(-9, ""), "died (exit code -9)", True),
    ],
)
def test_whose_fault_a_loss_is(job, end, reason, own_fault):
    loss = explain_loss(JobState(job), end)
    assert loss.own_fault is own_fault
    assert reason in loss.reason
    assert "\n" not in loss.reason


@given(st.lists(st.tuples(st.booleans(), st.booleans())))
def test_setbacks_are_the_own_faults_since_the_last_progress(history):
    """Against a count over the whole history: each entry says whose fault, and whether there was progress."""
    setbacks = 0
    for own_fault, progressed in history:
        setbacks = setbacks_after(Loss("died", own_fault), setbacks, progressed=progressed)
    last = max((index for index, (_, progressed) in enumerate(history) if progressed), default=-1)
    assert setbacks == sum(own_fault for own_fault, _ in history[last + 1 :])


def test_back_off_doubles_up_to_five_minutes():
    assert [back_off(losses) for losses in (1, 2, 3, 4, 8, 9, 100)] == [2, 4, 8, 16, 256, 300, 300]
