"""Training-free scores beside a full-scale evaluation or a calibration: one Ray task for each architecture."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError, RayTaskError

from nas.kinds.protocol import Candidates
from nas.kinds.registry import kind_of
from nas.results.measurement import TrialError
from search_spaces.document import Architecture
from workers.driver.preparation import RAY_LOST, ShouldContinue
from workers.driver.record import DriverRecord, persist
from workers.trainables.process import share_of, threads_of

if TYPE_CHECKING:
    from nas.training.workspace import Workspace

log = logging.getLogger("segnas.driver")

STAGE = "training-free"


def score_training_free(
    driver: DriverRecord, workspace: Workspace, should_continue: ShouldContinue, steps_before: int
) -> bool:
    """Score the architectures that have no scores in the record yet.

    An architecture that cannot be scored is left out, with a line in the log: the ranking does without it.

    Args:
        driver: The search.
        workspace: Where data sets and caches are.
        should_continue: Ends the scoring.
        steps_before: The number of steps that are done before the first score; each score is one more.

    Returns:
        False when `should_continue` ended the scoring.
    """
    candidates = kind_of(driver.spec).training_free(driver.spec, driver.records)
    if candidates is None:
        return True
    left = deque(_left(driver, candidates))
    if not left:
        return True
    resources, total, done = driver.spec.resources, len(left), 0
    known = steps_before + len(candidates.architectures) - total
    share = share_of(resources)
    scorer = ray.remote(_score).options(
        name=f"{driver.spec.name[:60]}: training-free",
        num_cpus=share["CPU"],
        num_gpus=share.get("GPU", 0.0),
        max_retries=driver.spec.retries,
    )
    running: dict[Any, Architecture] = {}
    while left or running:
        while left and len(running) < resources.concurrent:
            architecture = left.popleft()
            reference = scorer.remote(candidates, architecture, workspace, threads_of(resources), "GPU" in share)
            running[reference] = architecture
        ready, _ = ray.wait(list(running), timeout=1.0)
        if not should_continue():
            for reference in running:
                ray.cancel(reference, force=True)
            return False
        for reference in ready:
            _take(driver, candidates, running.pop(reference), reference)
            done += 1
        driver.show(STAGE, done, total)
        if ready:
            driver.reached(known + done)
    return True


def _left(driver: DriverRecord, candidates: Candidates) -> list[Architecture]:
    keys = [architecture.key for architecture in candidates.architectures]
    known = persist(lambda: driver.store.training_free(keys, candidates.fidelity.key, candidates.seed))
    wanted = set(candidates.names)
    return [known_of for known_of in candidates.architectures if wanted - known.get(known_of.key, {}).keys()]


def _take(driver: DriverRecord, candidates: Candidates, architecture: Architecture, reference: Any) -> None:
    try:
        scores = ray.get(reference)
    except RayTaskError as error:
        log.warning("no training-free scores of %s: %s", architecture.key[:12], error.cause)
        return
    except RAY_LOST:
        raise
    except RayError as error:
        log.warning("no training-free scores of %s: %s", architecture.key[:12], str(error).splitlines()[0])
        return
    persist(
        lambda: driver.store.add_training_free(
            driver.search_id, driver.attempt, architecture, candidates.fidelity, candidates.seed, scores
        )
    )


def _score(
    candidates: Candidates, architecture: Architecture, workspace: Workspace, threads: int, gpu: bool
) -> dict[str, tuple[float, float]]:
    """Runs on a node: value and seconds of each score that there is."""
    from nas.training.training_free import score  # torch: only where something is computed

    scores: dict[str, tuple[float, float]] = {}
    for name in candidates.names:
        # One by one: what a proxy cannot say of an architecture (a value that is not finite) is no fault of the others.
        with contextlib.suppress(TrialError):
            scored = score(
                architecture,
                candidates.fidelity,
                candidates.seed,
                workspace=workspace,
                device=None if gpu else "cpu",
                names=(name,),
                threads=threads,
            )
            scores[name] = (scored[name].value, scored[name].seconds)
    return scores
