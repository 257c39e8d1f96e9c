"""Makes the REST interface's answer of a confirmation."""

from __future__ import annotations

from api.answers.base import answer
from api.answers.objectives import objective_public
from nas.kinds.confirmation import found_trials
from nas.schemas.confirmations import ConfirmationPublic
from nas.specs import ConfirmationSpec
from nas.store import SearchRecord, Store


def confirmation_public(search: SearchRecord, spec: ConfirmationSpec, store: Store) -> ConfirmationPublic:
    """Make the answer of a confirmation with a spec, from its trials so far."""
    from nas.ranking.confirmation import confirmation  # imports SciPy, which would slow down the service's start

    result = confirmation(spec, found_trials(spec, store), store.all_trials(search.id))
    return answer(
        ConfirmationPublic,
        result,
        search=spec.of,
        confirmation=search.id,
        objective=objective_public(spec.goals.objectives[0]),
        kept_back=spec.kept_back,
    )
