"""The names that a server has registered: data sets, weights, and the classes of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nas.settings import Settings
from nas.specs import JobSpec
from search_spaces.validation import FieldProblem, InputError


def check_names(spec: JobSpec, settings: Settings) -> None:
    """Check that the server has the data sets and weights that a spec names.

    Raises:
        InputError: Some are not registered here; the message lists those that are.
    """
    datasets, weights = settings.registered_datasets, settings.registered_weights
    problems = [
        problem for path, name in spec.datasets.items() for problem in _missing(path, "data set", name, datasets)
    ]
    for path, fidelity in spec.fidelities.items():
        if fidelity.backbone.weights is not None:
            problems += _missing(f"{path}.backbone.weights", "weights", fidelity.backbone.weights, weights)
    if problems:
        raise InputError(problems)


def class_names(settings: Settings, dataset: str) -> tuple[str, ...]:
    """Return the names of a data set's classes as it is registered now; none where it is not, or is broken."""
    from nas.data.registry import class_names as names_of  # imports numpy

    try:
        return names_of(settings.registered_datasets[dataset])
    except (KeyError, ValueError):
        return ()


def _missing(path: str, what: str, name: str, known: Mapping[str, object]) -> Iterator[FieldProblem]:
    if name not in known:
        have = ", ".join(sorted(known)) or "none"
        yield FieldProblem(path=path, message=f"{what} {name!r} is not registered here; known are: {have}")
        return
    try:
        known[name]
    except ValueError as error:
        yield FieldProblem(path=path, message=f"{what} {name!r} is registered by a broken file: {error}")
