"""The architectures that a black-box search measures first."""

from __future__ import annotations

from nas.kinds.origin_best import best_at_creation, best_now, completed_confirmation
from nas.kinds.protocol import Records
from nas.kinds.warm_start import find_search
from nas.specs import AutoDeepLabSpec, BlackBoxSpec
from nas.specs.start import is_search, starting_architecture
from search_spaces.document import Architecture
from search_spaces.validation import FieldProblem, InputError


def check_start(spec: BlackBoxSpec, records: Records) -> None:
    """Check the searches that a new search names in `start`.

    Raises:
        InputError: One does not exist, still runs, searches for no architecture, or its best is not of the space.
    """
    problems = []
    for index, start in enumerate(spec.start):
        if isinstance(start, str) and is_search(start):
            misfit = _misfit(start, spec, records)
            if misfit is not None:
                problems.append(FieldProblem(path=f"start.{index}", message=misfit))
    if problems:
        raise InputError(problems)


def start_architectures(spec: BlackBoxSpec, search_id: str, records: Records) -> list[Architecture]:
    """Make the architectures that a search measures first, in their order.

    The best of another search is what it was when this search was created, also as its confirmation had it then, so
    that a driver that takes over starts from the same, whatever has been resumed, extended or confirmed since.

    Raises:
        InputError: None of another search's trials had a score when this search was created.
    """
    found: list[Architecture] = []
    for index, start in enumerate(spec.start):
        architecture: Architecture | str | None = start
        if isinstance(start, str) and is_search(start):
            best = best_at_creation(records.get_search(search_id), start, records)
            if best is None:
                message = f"search {start} had no trial with a score when this search was created: name one that has"
                raise InputError([FieldProblem(path=f"start.{index}", message=message)])
            architecture = best.architecture
        assert architecture is not None
        found.append(starting_architecture(architecture, spec.space_at(spec.fidelity), spec.fidelity))
    return found


def deciding(spec: BlackBoxSpec, records: Records) -> tuple[str, ...]:
    """List the confirmations that decide which trial is the best of a search that a new one names in `start`."""
    named = (start for start in spec.start if isinstance(start, str) and is_search(start))
    found = (completed_confirmation(start, records) for start in named)
    return tuple(dict.fromkeys(confirmation for confirmation in found if confirmation is not None))


def _misfit(start: str, spec: BlackBoxSpec, records: Records) -> str | None:
    """Explain why a search cannot start from another one's best; None where it can."""
    source = find_search(start, records)
    if source is None:
        return f"there is no search {start}"
    if not isinstance(source.spec, BlackBoxSpec | AutoDeepLabSpec):
        return f"{start} is a search of the kind {source.kind}; name a black-box or a differentiable search"
    if not source.status.at_rest:
        return f"search {start} is {source.status}; wait for its end, or stop or pause it first"
    best = best_now(source, records)
    if best is None:
        return f"search {start} has no trial with a score; name one that has"
    try:
        starting_architecture(best.architecture, spec.space_at(spec.fidelity), spec.fidelity)
    except ValueError as error:
        return f"the best of search {start} does not fit: {error}"
    return None
