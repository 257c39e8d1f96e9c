"""What a black-box search learns from earlier searches before its first proposal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nas.kinds.observations import scored_at_creation
from nas.kinds.protocol import Records
from nas.specs import BlackBoxSpec
from nas.store import NotFoundError, SearchRecord
from nas.strategies import Observation
from search_spaces.validation import FieldProblem, InputError


def check_sources(spec: BlackBoxSpec, records: Records) -> None:
    """Check the searches that a new search names in `warm_start` and `adopt`.

    Raises:
        InputError: One does not exist; or one of `warm_start` still runs, or has another space or fidelity.
    """
    problems = []
    named = {} if isinstance(spec.adopt, bool) else {f"adopt.{i}": source for i, source in enumerate(spec.adopt)}
    for path, source in named.items():
        if find_search(source, records) is None:
            problems.append(FieldProblem(path=path, message=f"there is no search {source}"))
    for index, source in enumerate(spec.warm_start):
        found = find_search(source, records)
        misfit = f"there is no search {source}" if found is None else _misfit(found, spec)
        if misfit is not None:
            problems.append(FieldProblem(path=f"warm_start.{index}", message=misfit))
    if problems:
        raise InputError(problems)


def warm_observations(spec: BlackBoxSpec, search_id: str, records: Records) -> list[Observation]:
    """Read the scored trials of the searches that a spec names in `warm_start`, each architecture once.

    Only trials that had ended when the search was created count, so that a driver that takes over learns the same,
    whatever has been resumed or extended since. Their numbers are negative, in the order of the searches and of their
    trials: no number of the search's own.
    """
    found: dict[str, Observation] = {}
    for source in spec.warm_start:
        for observation in scored_at_creation(search_id, source, records):
            found.setdefault(observation.architecture.key, observation)
    return list(_numbered(found))


def _numbered(found: Mapping[str, Observation]) -> Iterator[Observation]:
    for number, observation in enumerate(found.values(), start=-len(found)):
        yield replace(observation, number=number)


def find_search(search_id: str, records: Records) -> SearchRecord | None:
    """Read a search; None where there is none of that id."""
    try:
        return records.get_search(search_id)
    except NotFoundError:
        return None


def _misfit(source: SearchRecord, spec: BlackBoxSpec) -> str | None:
    """Explain why a search cannot start from another; None where it can."""
    other = source.spec
    if not isinstance(other, BlackBoxSpec):
        return f"{source.id} is a search of the kind {source.kind}; name a black-box search"
    if not source.status.at_rest:
        return f"search {source.id} is {source.status}; wait for its end, or stop or pause it first"
    if other.space != spec.space:
        return f"search {source.id} has another space; name a search of the same `space`"
    if other.objectives != spec.objectives:
        return f"search {source.id} has other objectives; name a search of the same `objectives`"
    if other.fidelity.key != spec.fidelity.key:
        return (
            f"search {source.id} measures at another fidelity, whose scores do not compare; name a search of the same "
            "`fidelity`"
        )
    return None
