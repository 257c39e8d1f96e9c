"""What broken-off work has left on the nodes of a cluster, whose home folders may be their own: found and removed."""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from nas.results.status import SearchStatus
from nas.store import Store, StoreError

T = TypeVar("T")

log = logging.getLogger("segnas.driver")

WAIT_SECONDS = 60.0
"""For the answers of all nodes together; what a node that does not answer has left waits for the next search."""

FORGOTTEN_SECONDS = 7 * 86400.0
"""The folder of a search that is not on record is removed when it was left alone for so long: the search was deleted,
unless another installation shares the folder."""

_SEARCH_ID = re.compile(r"s[0-9a-f]{12}")


def clear_leftovers(store: Store, artifacts: Path) -> None:
    """Remove the folders of searches that are completed or deleted, on this node and on all others that live.

    The work of a trial whose node was cut off goes on elsewhere, and its checkpoint stays behind; and the service,
    which removes the folder of a deleted search, sees its own disk alone. A folder that cannot be removed costs disk
    space, and is no reason to fail.

    Args:
        store: Knows the searches.
        artifacts: The folder of artifacts, by its path on every node.
    """
    try:
        nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        found = _on_nodes(dict.fromkeys(nodes, partial(idle_folders, artifacts)))
        over = {node: _over(store, folders) for node, folders in found.items()}
        removed = _on_nodes({node: partial(remove_folders, artifacts, names) for node, names in over.items() if names})
    except (RayError, StoreError, OSError) as error:
        log.info("what is left on the nodes was not looked at: %s", error)
        return
    if count := sum(removed.values()):
        log.info("removed %d folders of searches that are over", count)


def idle_folders(artifacts: Path) -> dict[str, float]:
    """Find the folders of searches on this machine.

    Args:
        artifacts: The folder of artifacts.

    Returns:
        For how many seconds nothing was written to each, by the id of the search.
    """
    if not artifacts.is_dir():
        return {}
    now = time.time()
    folders = (folder for folder in artifacts.iterdir() if _SEARCH_ID.fullmatch(folder.name))
    return {folder.name: now - _last_written(folder) for folder in folders}


def remove_folders(artifacts: Path, searches: Collection[str]) -> int:
    """Remove the folders of searches on this machine, and count those that are gone.

    Args:
        artifacts: The folder of artifacts.
        searches: Their ids.
    """
    for search_id in searches:
        shutil.rmtree(artifacts / search_id, ignore_errors=True)
    return sum(not (artifacts / search_id).exists() for search_id in searches)


def _last_written(folder: Path) -> float:
    times = [folder.stat().st_mtime]
    for path in folder.rglob("*"):
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:  # the trial that it belongs to has just ended
            continue
    return max(times)


def _over(store: Store, folders: dict[str, float]) -> list[str]:
    known = store.find_searches(folders)
    return [
        search_id
        for search_id, idle in folders.items()
        if (idle >= FORGOTTEN_SECONDS if search_id not in known else known[search_id].status is SearchStatus.COMPLETED)
    ]


def _on_nodes(work: Mapping[str, partial[T]]) -> dict[str, T]:
    """Call functions on nodes, given by node; a node that does not answer has no result."""
    here = ray.get_runtime_context().get_node_id()
    results = {here: work[here]()} if here in work else {}
    asked = {_ask(node, function): node for node, function in work.items() if node != here}
    if not asked:
        return results
    ready, late = ray.wait(list(asked), num_returns=len(asked), timeout=WAIT_SECONDS)
    for reference in late:
        ray.cancel(reference, force=True)
    for reference in ready:
        try:
            results[asked[reference]] = ray.get(reference)
        except RayError as error:  # the node went meanwhile
            log.info("a node did not say what is left on it: %s", error)
    return results


def _ask(node: str, function: partial[Any]) -> Any:
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    task = ray.remote(_call).options(num_cpus=0, max_retries=0, name="leftovers", scheduling_strategy=there)
    return task.remote(function)


def _call(function: partial[T]) -> T:
    """Runs on a node."""
    return function()
