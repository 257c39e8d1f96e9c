"""The environments in which the trials of a search will be measured, which decide what may be adopted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import ray

from nas.escaping import one_line
from nas.kinds.plans import Need
from nas.specs import JobSpec
from workers.driver.preparation import ShouldContinue
from workers.trainables.process import share_of, threads_of

if TYPE_CHECKING:
    from nas.training.workspace import Workspace


class Environments:
    """Finds the key of the environment of a fidelity's trials: a Ray task asks a process like theirs, once.

    On a cluster with different devices this is the environment of one of the nodes on which the trials may run.

    Args:
        spec: The search.
        needs: The fidelities, which are prepared.
        workspace: Where data sets and caches are.
    """

    def __init__(self, spec: JobSpec, needs: Iterable[Need], workspace: Workspace) -> None:
        self._spec = spec
        self._needs = {need.fidelity.key: need for need in needs}
        self._workspace = workspace
        self._known: dict[str, str] = {}

    def find(self, should_continue: ShouldContinue) -> bool:
        """Find the environments of all fidelities, before trials reserve the room that the tasks need.

        Args:
            should_continue: Ends the wait.

        Returns:
            False when `should_continue` ended the wait.
        """
        resources, share = self._spec.resources, share_of(self._spec.resources)
        task = ray.remote(_environment_key).options(
            name=f"{one_line(self._spec.name[:60])}: environment",
            num_cpus=share["CPU"],
            num_gpus=share.get("GPU", 0.0),
            max_retries=self._spec.retries,
        )
        for key, need in self._needs.items():
            asked = task.remote(need, self._workspace, "GPU" in share, threads_of(resources), resources.workers)
            while not ray.wait([asked], timeout=1.0)[0]:
                if not should_continue():
                    ray.cancel(asked, force=True)
                    return False
            self._known[key] = ray.get(asked)
        return True

    def __call__(self, fidelity_key: str) -> str:
        """Return the environment's key for the fidelity of this key, which `find` has found."""
        return self._known[fidelity_key]


def _environment_key(need: Need, workspace: Workspace, gpu: bool, threads: int, processes: int) -> str:
    """Runs on a node."""
    from nas.training.environment import environment_of  # torch: only where something is trained
    from nas.training.loop.device import pick_device, thread_count
    from nas.training.prepare import prepare

    device = pick_device(None if gpu else "cpu")
    with thread_count(threads):
        prepared = prepare(need.fidelity, workspace, whole_network=need.whole_network, device=device)
        return environment_of(prepared, device, processes).key
