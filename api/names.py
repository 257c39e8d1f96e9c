"""Whether this server has what a spec names: data sets and weights are registered in its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nas.settings import Settings
from nas.specs import AutoDeepLabSpec, Fidelity, JobSpec
from search_spaces.validation import FieldProblem, InputError


def check_names(spec: JobSpec, settings: Settings) -> None:
    """InputError for a data set or weights that this server does not have, listing those it has."""
    problems = list(_unknown(spec.fidelities, settings))
    if isinstance(spec, AutoDeepLabSpec):
        problems += _missing("bilevel.dataset", "data set", spec.bilevel.dataset, settings.datasets)
    if problems:
        raise InputError(problems)


def _unknown(fidelities: Mapping[str, Fidelity], settings: Settings) -> Iterator[FieldProblem]:
    for path, fidelity in fidelities.items():
        yield from _missing(f"{path}.dataset", "data set", fidelity.dataset, settings.datasets)
        if fidelity.backbone.weights is not None:
            yield from _missing(f"{path}.backbone.weights", "weights", fidelity.backbone.weights, settings.weights)


def _missing(path: str, what: str, name: str, known: Mapping[str, object]) -> Iterator[FieldProblem]:
    if name not in known:
        have = ", ".join(sorted(known)) or "none"
        yield FieldProblem(path=path, message=f"{what} {name!r} is not registered here; known are: {have}")
