"""The names that a server has registered: data sets, weights, and the classes of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nas.data.registrations import Registered
from nas.settings import Settings
from nas.specs import ClassIou, JobSpec, Objective
from nas.weights.hub import hub_name, not_allowed
from nas.weights.names import needed_registrations
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
        for field, name in needed_registrations(fidelity.backbone).items():
            problems += _missing(f"{path}.backbone.{field}", "weights", name, weights)
        if (asked := hub_name(fidelity.backbone)) is not None and not settings.hub:
            problems.append(FieldProblem(path=f"{path}.backbone.name", message=not_allowed(asked)))
    if problems:
        raise InputError(problems)


def class_names(settings: Settings, dataset: str) -> tuple[str, ...]:
    """Return the names of a data set's classes as it is registered now; none where it is not, or is broken."""
    from nas.data.registry import class_names as names_of  # imports numpy

    try:
        return names_of(settings.registered_datasets[dataset])
    except (KeyError, ValueError):
        return ()


def number_classes(spec: JobSpec, settings: Settings) -> JobSpec:
    """Fill in which class of the data set each objective of a spec names; nothing where `check_names` refuses that.

    Raises:
        InputError: The data set has no such class, or its classes are not known here and the number is left out.
    """
    objectives = spec.goals.objectives
    if not any(isinstance(objective, ClassIou) for objective in objectives):
        return spec
    dataset = next(iter(spec.fidelities.values())).dataset
    if dataset not in settings.registered_datasets:
        return spec
    classes = class_names(settings, dataset)
    problems: list[FieldProblem] = []
    numbered: list[Objective] = []
    for place, objective in enumerate(objectives):
        if not isinstance(objective, ClassIou):
            numbered.append(objective)
        elif (problem := _misnamed(objective, dataset, classes)) is not None:
            problems.append(FieldProblem(path=f"objectives.{place}", message=problem))
        else:
            number = classes.index(objective.class_iou) if classes else objective.number
            numbered.append(objective.model_copy(update={"number": number}))
    if problems:
        raise InputError(problems)
    return spec.model_copy(update={"objectives": tuple(numbered)})


def _misnamed(objective: ClassIou, dataset: str, classes: tuple[str, ...]) -> str | None:
    name, number = objective.class_iou, objective.number
    if not classes:
        unknown = f"the classes of data set {dataset!r} are not known here: give number, the class's place from 0"
        return unknown if number is None else None
    if name not in classes:
        return f"data set {dataset!r} has no class {name!r}; it has: {', '.join(classes)}"
    if number not in (None, classes.index(name)):
        return f"class {name!r} of data set {dataset!r} is number {classes.index(name)}, not {number}; leave number out"
    return None


def _missing(path: str, what: str, name: str, known: Registered[Any]) -> Iterator[FieldProblem]:
    if name not in known:
        have = ", ".join(sorted(known)) or "none"
        more = "" if known.unread is None else f"; {known.unread}"
        yield FieldProblem(path=path, message=f"{what} {name!r} is not registered here; known are: {have}{more}")
        return
    try:
        known[name]
    except ValueError as error:
        yield FieldProblem(path=path, message=f"{what} {name!r} is registered by a broken file: {error}")
