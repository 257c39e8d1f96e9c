"""Whether a search is worth it, before it starts: what its probe has said, or what it costs to ask."""

from __future__ import annotations

from nas.forecast import forecast_public
from nas.formatting import duration
from nas.kinds.reference import KIND as REFERENCE
from nas.ranking.reference_table import reference_table
from nas.results.status import SearchStatus
from nas.schemas.references import ReferencePublic
from nas.schemas.worth import WorthPublic
from nas.specs import JobSpec, ReferenceSpec
from nas.store import SearchRecord, Store
from search_spaces.validation import InputError


def known_worth(spec: JobSpec, store: Store) -> tuple[str | None, WorthPublic | None]:
    """Say what is known of a search's worth: in words, None where nobody can ask; and the answer, where there is one.

    Args:
        spec: The search, with its names resolved.
        store: Has the probes of earlier questions, and the times of earlier searches.
    """
    # Imported here, since it imports numpy: a third of the service's start time.
    from nas.worth import probe_key, worth_of, worth_probe

    try:
        probe = worth_probe(spec)
    except InputError:
        return None, None
    found = store.find_keyed(probe_key(probe))
    if found is None or REFERENCE.own(found.spec) is None:  # anybody may use any key
        return _question(probe, store), None
    if found.status is not SearchStatus.COMPLETED:
        return f"asked, and not answered yet: {found.id} is {found.status}", None
    try:
        answer = worth_of(spec, found.id, _rows(probe, found, store))
    except ValueError as error:
        return f"asked, and not answered by {found.id}: {error}", None
    return f"{answer.sentence} Measured by {found.id}.", answer


def _question(probe: ReferenceSpec, store: Store) -> str:
    seconds = forecast_public(probe, store).device_seconds
    cost = "its cost is not known" if seconds is None else f"{duration(seconds)} of device time"
    return (
        f"not asked yet; `segnas worth SPEC.yaml` measures {len(probe.heads)} heads to iteration "
        f"{probe.fidelity.iterations} with {probe.seeds} seeds: {cost}"
    )


def _rows(probe: ReferenceSpec, found: SearchRecord, store: Store) -> list[ReferencePublic]:
    rows = reference_table(probe, store.all_trials(found.id))
    return [ReferencePublic.model_validate(row, from_attributes=True) for row in rows]
