"""The stages before the first trial: wait for a node that is large enough, then make backbones and feature banks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import ray
from ray.exceptions import LocalRayletDiedError, RayError, RaySystemError, RayTaskError, RpcError

from nas.kinds.plans import Need
from nas.specs import JobSpec, Resources
from workers.driver.demand import shown_demand
from workers.trainables.process import share_of, threads_of

if TYPE_CHECKING:
    from nas.training.workspace import Workspace

RAY_LOST = (LocalRayletDiedError, RaySystemError, RpcError)
"""Errors that mean that the driver has lost Ray itself, which is no fault of what it was doing."""

Show = Callable[[str, int, int], None]
"""Called with a stage's name, how much is done, and of how much."""

ShouldContinue = Callable[[], bool]
"""Asked about once a second; False ends the wait."""


Reached = Callable[[int], None]
"""Called with the number of steps that are done, by this driver or one before it."""


class PreparationError(Exception):
    """The search cannot begin. The message is a sentence for the user."""


def await_resources(resources: Resources, show: Show, should_continue: ShouldContinue) -> bool:
    """Wait until the cluster's nodes are large enough for a trial's processes, whatever else runs on them.

    Meanwhile the cluster is asked for what a trial takes, so that an autoscaler starts nodes. Later no such request is
    needed: tasks and trials that wait for room are demand by themselves.

    Args:
        resources: What a trial takes.
        show: Told what is waited for.
        should_continue: Ends the wait.

    Returns:
        False when `should_continue` ended the wait.
    """
    if _is_large_enough(resources):
        return True
    with shown_demand(resources):
        while not _is_large_enough(resources):
            if not should_continue():
                return False
            show(f"waiting for a node with {_resources_text(resources)}", 0, 1)
            time.sleep(1.0)
    return True


def _is_large_enough(resources: Resources) -> bool:
    share = share_of(resources)
    return sum(_capacity(node, share) for node in ray.nodes() if node["Alive"]) >= resources.workers


def prepare_all(  # noqa: PLR0917  what is made, where, and three ways to talk to the caller
    spec: JobSpec,
    needs: Iterable[Need],
    workspace: Workspace,
    show: Show,
    should_continue: ShouldContinue,
    reached: Reached,
) -> bool:
    """Make what the trials share, one fidelity after the other, as Ray tasks on the resources of one process.

    Nodes that these tasks do not run on make their own when their first trial asks for it.

    Args:
        spec: The search.
        needs: What has to be made.
        workspace: Where data sets and caches are.
        show: Told how far it is.
        should_continue: Ends the preparation.
        reached: Told how many of the needs are there.

    Returns:
        False when `should_continue` ended the preparation.

    Raises:
        PreparationError: Something cannot be made.
    """
    for index, need in enumerate(needs):
        if not _prepare_one(spec, need, workspace, show, should_continue):
            return False
        reached(index + 1)
    return True


def _prepare_one(spec: JobSpec, need: Need, workspace: Workspace, show: Show, should_continue: ShouldContinue) -> bool:
    share = share_of(spec.resources)
    task = ray.remote(_prepare).options(
        name=f"{spec.name[:60]}: prepare",
        num_cpus=share["CPU"],
        num_gpus=share.get("GPU", 0.0),
        max_retries=spec.retries,
        num_returns="streaming",
    )
    gpu, threads = "GPU" in share, threads_of(spec.resources)
    progress = task.remote(need, workspace, gpu, threads, 1 if gpu else _idle(spec.resources))
    try:
        while True:
            ready, _ = ray.wait([progress], timeout=1.0)
            if not should_continue():
                ray.cancel(progress, force=True)
                return False
            if ready:
                show(*ray.get(next(progress)))
    except StopIteration:
        return True
    except RayTaskError as error:
        raise PreparationError(_reason(error.cause)) from error
    except RAY_LOST:
        raise
    except RayError as error:
        raise PreparationError(f"the process that prepares the search died: {str(error).splitlines()[0]}") from error


def _prepare(
    need: Need, workspace: Workspace, gpu: bool, threads: int, parallel: int
) -> Iterator[tuple[str, int, int]]:
    """Runs on a node; yields its progress, at most once a second.

    The threads are those of a trial's process: a backbone's weights depend on them, and so do the trials' scores. What
    is read at once (`parallel`) changes nothing but the time.
    """
    from nas.cache.entries import let_go
    from nas.training.examples import find_examples
    from nas.training.loop.device import thread_count
    from nas.training.prepare import prepare  # torch: only where something is trained
    from nas.training.progress import show_remarks

    show_remarks()  # Ray brings them to the driver's log

    reports: queue.SimpleQueue[tuple[str, int, int]] = queue.SimpleQueue()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with thread_count(threads):
                prepared = prepare(
                    need.fidelity,
                    workspace,
                    whole_network=need.whole_network,
                    device=None if gpu else "cpu",
                    progress=lambda stage, done, total: reports.put((stage, done, total)),
                    parallel=parallel,
                )
                find_examples(prepared)
        except BaseException as error:
            failures.append(error)
        finally:
            let_go()  # what could not be written is of no use to others, and this process may live on

    thread = threading.Thread(target=work, name="prepare")
    thread.start()
    while thread.is_alive():
        thread.join(1.0)
        newest = None
        while not reports.empty():
            newest = reports.get()
        if newest is not None:
            yield newest
    if failures:
        raise failures[0]


def _idle(resources: Resources) -> int:
    """Count how many trial processes the idle CPUs of a node could hold, at most those of the search, at least one.

    Their time is used and not reserved: with all CPUs reserved, the task would wait for other searches to end.
    """
    share = share_of(resources)["CPU"]
    idle = int(ray.available_resources().get("CPU", 0.0) / share + 1e-9)
    largest = max((_capacity(node, {"CPU": share}) for node in ray.nodes() if node["Alive"]), default=1)
    return max(1, min(idle, largest, resources.concurrent * resources.workers))


def _capacity(node: dict[str, dict[str, float]], share: dict[str, float]) -> int:
    """How many processes with such a share an empty node could hold at once."""
    return min(int(node["Resources"].get(name, 0.0) / amount + 1e-9) for name, amount in share.items())


def _resources_text(resources: Resources) -> str:
    text = " and ".join(
        f"{amount:g} {name}{'s' if amount != 1 else ''}" for name, amount in share_of(resources).items()
    )
    return text if resources.workers == 1 else f"{text} for each of {resources.workers} processes"


def _reason(cause: BaseException) -> str:
    """The messages of ValueError and OSError (a missing file, a full disk) are for the user; others get their type."""
    text = str(cause).strip()
    return text if isinstance(cause, ValueError | OSError) and text else f"{type(cause).__name__}: {text}"
