"""Replays: the measurement that an architecture document records, made again and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from nas.results.measurement import Measurement
from nas.specs import Fidelity
from nas.training.evaluate import evaluate
from nas.training.progress import Progress, silent
from nas.training.workspace import Workspace
from search_spaces.document import ArchitectureDocument, Provenance
from search_spaces.environment import Environment


@dataclass(frozen=True)
class Replayed:
    """A rung that was measured again.

    Attributes:
        recorded: The score in the document.
        measurement: The new measurement.
        differences: How the environments of the two differ, one sentence for each difference.
    """

    recorded: float
    measurement: Measurement
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the new score equals the recorded one to the last bit."""
        return self.measurement.score == self.recorded


def replay(
    document: ArchitectureDocument, fidelity: Fidelity, workspace: Workspace, *, progress: Progress = silent
) -> Iterator[Replayed]:
    """Measure an architecture again as its document says: seed, kind of device and number of threads.

    Args:
        document: Its provenance has the seed and the environment of the recorded scores.
        fidelity: That of the provenance, or a copy that names the same data set otherwise.
        workspace: Where data sets, weights and caches are.
        progress: Called with what `prepare` reports.

    Yields:
        Each recorded rung as it is measured; later ones, which a trial that was stopped early never reached, are left
        out. Where the environments are equal, so are the scores.

    Raises:
        ValueError: The document lacks seed, environment or scores, or records several processes, or has no such device
            here.
        TrialError: The architecture cannot be measured.
        DatasetError: The data set is broken.
    """
    seed, recorded = _recorded(document.provenance)
    scores = {score.iteration: score.score for score in document.provenance.scores}
    measurements = evaluate(
        document.architecture,
        fidelity,
        seed,
        workspace=workspace,
        device=torch.device(recorded.device),
        threads=recorded.threads,
        progress=progress,
    )
    for measurement in measurements:
        assert measurement.environment is not None, "it was measured just now"
        differences = tuple(_differences(recorded, measurement.environment))
        if measurement.iteration in scores:
            yield Replayed(scores[measurement.iteration], measurement, differences)
        if measurement.iteration >= max(scores):
            return


def _recorded(provenance: Provenance) -> tuple[int, Environment]:
    for name in ("seed", "environment", "scores"):
        if getattr(provenance, name) in (None, ()):
            raise ValueError(f"provenance.{name} is missing, so the measurement cannot be replayed; use evaluate")
    assert provenance.seed is not None
    assert provenance.environment is not None
    processes = provenance.environment.processes
    if processes > 1:
        raise ValueError(
            f"provenance.environment.processes is {processes}, and a replay is one process: search again with "
            f"resources.workers {processes}"
        )
    return provenance.seed, provenance.environment


def _differences(recorded: Environment, here: Environment) -> Iterator[str]:
    for name in ("model", "threads", "inputs"):
        before, now = getattr(recorded, name), getattr(here, name)
        if before != now:
            yield f"{name} was {before}, here it is {now}"
    for package in sorted(recorded.software.keys() | here.software.keys()):
        versions = recorded.software.get(package, "not there"), here.software.get(package, "not there")
        if versions[0] != versions[1]:
            yield f"{package} was {versions[0]}, here it is {versions[1]}"
