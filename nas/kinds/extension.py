"""More trials or seeds for a search that exists, where its kind allows it."""

from __future__ import annotations

from collections.abc import Mapping

from nas.kinds.registry import kind_of
from nas.specs import JobSpec
from search_spaces.validation import FieldProblem, InputError, validate


def extended(spec: JobSpec, totals: Mapping[str, int]) -> JobSpec:
    """Make the spec of the same search with more trials or seeds.

    The plan of the new spec begins with the trials of the old one, with the same numbers.

    Args:
        spec: The search as it is.
        totals: The new totals by the name of the spec's field; one that is the old total changes nothing.

    Returns:
        The spec with these totals, validated as a new one is.

    Raises:
        InputError: Searches of this kind have no such field, or the new total is smaller than the old one.
    """
    grows = kind_of(spec).grows
    problems = []
    for name, total in totals.items():
        if name not in grows:
            can = f"can be given more {' and '.join(grows)}" if grows else "cannot be extended"
            problems.append(FieldProblem(path=name, message=f"a search of the kind {spec.kind} {can}, not more {name}"))
        elif total < (now := getattr(spec, name)):
            message = f"the search has {now} {name} already, and none is taken away: use a number above {now}"
            problems.append(FieldProblem(path=name, message=message))
    if problems:
        raise InputError(problems)
    longer: JobSpec = validate(type(spec), {**dict(spec), **totals})
    return longer
