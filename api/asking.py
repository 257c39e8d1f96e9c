"""Asking whether a search is worth it: starts the probe that finds out, once for everybody who asks the same."""

from __future__ import annotations

from api.answers.worth import question_about
from api.creation import Creation
from nas.specs import JobSpec
from nas.store import SearchRecord


def ask_worth(spec: JobSpec, creation: Creation) -> SearchRecord:
    """Start the probe that finds out what a search is worth, or find the one that was started for the same question.

    Args:
        spec: The search that is asked about, with its names resolved.
        creation: Of the request; its own idempotency key stays free for the search itself.

    Raises:
        ApiError: 403; the caller's budget is spent.
        InputError: Nobody can ask that of such a search, or the probe cannot run.
        ConflictError: The key of the question was used for another search.
    """
    question = question_about(spec, creation.store)
    if question.asked is not None:
        return creation.found(question.asked)
    return creation.of_question(question.key).create(question.probe, question.probe)
