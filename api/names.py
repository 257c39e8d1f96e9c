"""Whether this server has what a spec names: data sets and weights are registered in its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nas.settings import Settings
from nas.specs import JobSpec
from search_spaces.validation import FieldProblem, InputError


def check_names(spec: JobSpec, settings: Settings) -> None:
    """InputError for a data set or weights that this server does not have, listing those it has."""
    problems = [
        problem
        for path, name in spec.datasets.items()
        for problem in _missing(path, "data set", name, settings.datasets)
    ]
    for path, fidelity in spec.fidelities.items():
        if fidelity.backbone.weights is not None:
            problems += _missing(f"{path}.backbone.weights", "weights", fidelity.backbone.weights, settings.weights)
    if problems:
        raise InputError(problems)


def _missing(path: str, what: str, name: str, known: Mapping[str, object]) -> Iterator[FieldProblem]:
    if name not in known:
        have = ", ".join(sorted(known)) or "none"
        yield FieldProblem(path=path, message=f"{what} {name!r} is not registered here; known are: {have}")
