"""Read the trainings of a table from searches of a service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nas.heads_bench.build import Training
from nas.results.measurement import Measurement
from nas.results.status import TrialStatus
from search_spaces.document import architecture_from_dict

if TYPE_CHECKING:
    from nas.client import Client
    from nas.schemas.trials import TrialDetail


def collect(client: Client, search_ids: Sequence[str]) -> Iterator[Training]:
    """Read every trial of some searches, with its learning curve: one request for each trial.

    Trials that still run, or were stopped early, are trainings without a result.

    Args:
        client: The service.
        search_ids: Searches of any kind whose trials are heads.
    """
    for search_id in search_ids:
        spec = client.search(search_id).spec
        for trial in client.trials(search_id):
            detail = client.trial(search_id, trial.number)
            yield Training(
                architecture=architecture_from_dict(detail.architecture),
                fidelity=spec.fidelity_of(detail.fidelity_key),
                seed=detail.seed,
                curve=_curve(detail),
                classes=detail.class_names,
                reason=detail.reason or (None if detail.status is TrialStatus.COMPLETED else f"is {detail.status}"),
            )


def _curve(trial: TrialDetail) -> tuple[Measurement, ...]:
    sizes = {"parameters": trial.parameters, "multiply_adds": trial.multiply_adds}
    return tuple(Measurement(**(dict(point) | sizes)) for point in trial.curve)
