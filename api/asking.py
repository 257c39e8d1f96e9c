"""Asking whether a search is worth it: starts the probe that finds out, once for everybody who asks the same."""

from __future__ import annotations

from api.access import require_own
from api.answers.worth import question_about, way_on
from api.creation import Creation
from api.resuming import resume
from nas.results.actions import SearchAction
from nas.specs import JobSpec
from nas.store import SearchRecord


def ask_worth(spec: JobSpec, creation: Creation) -> SearchRecord:
    """Start the probe that finds out what a search is worth, or find the one that was started for the same question.

    A probe that has ended without an answer goes on: it is resumed or, where nothing else is left, tries again what
    failed.

    Args:
        spec: The search that is asked about, with its names resolved.
        creation: Of the request; its own idempotency key stays free for the search itself.

    Raises:
        ApiError: 403; the caller's budget is spent, or the probe that would have to go on is another one's.
        InputError: Nobody can ask that of such a search, or the probe cannot run.
        ConflictError: The key of the question was used for another search, or its probe is just being stopped.
    """
    question = question_about(spec, creation.store)
    if (asked := question.asked) is not None:
        way = way_on(question, creation.store)
        if way is not None:
            require_own(creation.caller, asked)
            retry = way is SearchAction.RETRY
            asked = resume(asked, creation.store, creation.settings, creation.reconciler, retry_failed=retry)
        return creation.found(asked)
    return creation.of_question(question.key).create(question.probe, question.probe)
