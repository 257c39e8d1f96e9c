"""The best trial of a search in words: its name, also where it measures one of another search again, and its worth."""

from __future__ import annotations

from nas.formatting import confirmed_text, worth_text
from nas.kinds.protocol import Origin
from nas.kinds.registry import kind_of
from nas.store import SearchRecord, TrialRecord
from search_spaces.document import Confirmed


def measured_again(search: SearchRecord, number: int) -> Origin | None:
    """Find the trial of its parent that a trial of a confirmation or a full-scale evaluation measures again.

    Args:
        search: Of the trial.
        number: Of the trial.

    Returns:
        The parent and the number there; None for a trial that measures no other again, such as a reference head's.
    """
    origins = kind_of(search.spec).origins(search, number)
    again = (origin for origin in origins if origin.number is not None and origin.search == search.parent)
    return next(again, None)


def trial_name(search: SearchRecord, number: int) -> str:
    """Name a trial: "trial 3"; "trial 3 of s0123456789ab, here trial 1" where it measures that one again."""
    again = measured_again(search, number)
    return f"trial {number}" if again is None else f"trial {again.number} of {again.search}, here trial {number}"


def trial_worth(search: SearchRecord, trial: TrialRecord, confirmed: Confirmed | None = None) -> str:
    """Say what a trial is worth: what it measured, and before that the mean over fresh seeds where it was confirmed.

    Args:
        search: Of the trial.
        trial: With a score.
        confirmed: What a confirmation measured of its architecture; None where none did.
    """
    objective = search.spec.goals.text
    worth = worth_text(objective, trial.value, trial.score)
    if confirmed is None:
        return worth
    # A confirmation's own trial is one of those whose mean that is.
    where = f"with seed {trial.seed}" if confirmed.search == search.id else "in the search"
    return confirmed_text(objective, confirmed.score, confirmed.seeds, worth, where)
