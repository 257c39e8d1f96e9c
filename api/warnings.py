"""What a service sees in a search that it would accept, and that is perhaps not meant so."""

from __future__ import annotations

import os
from collections.abc import Iterator

from api.feasibility import trains_here
from api.reconciler import JobCluster
from nas.formatting import counted
from nas.kinds.registry import kind_of
from nas.settings import Settings
from nas.specs import JobSpec
from search_spaces.validation import FieldProblem


def find_warnings(spec: JobSpec, settings: Settings, cluster: JobCluster | None) -> tuple[FieldProblem, ...]:
    """Find what is odd about a search: with the path of the field, or an empty path.

    Args:
        spec: The search.
        settings: Of the service.
        cluster: Where searches run; None without one.
    """
    return (*kind_of(spec).warnings(spec), *_machine(spec, settings), *_cluster(cluster))


def _machine(spec: JobSpec, settings: Settings) -> Iterator[FieldProblem]:
    cpus, resources = os.cpu_count() or 1, spec.resources
    if not trains_here(settings) or resources.gpus or resources.concurrent <= (room := int(cpus / resources.cpus)):
        return
    running = f"{max(room, 1)} of {resources.concurrent} trials run at a time"
    message = f"this machine has {counted(cpus, 'CPU')}, so that {running}"
    yield FieldProblem(path="resources.concurrent", message=message)


def _cluster(cluster: JobCluster | None) -> Iterator[FieldProblem]:
    if cluster is None:
        yield FieldProblem(path="", message="this service has no Ray cluster: the search would wait in the queue")
    elif problems := cluster.problems():
        message = f"the search would wait for the Ray cluster: {next(iter(problems.values()))}"
        yield FieldProblem(path="", message=message)
