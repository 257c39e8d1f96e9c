"""The resources that a group of processes has reserved, noted where the trial's next attempt finds them.

Ray frees a placement group when the actor that made it *and* its job are over: one whose Ray Train controller was
killed would keep its resources until the search ends, and the next attempt would wait for them for ever. So its id is
noted in the cluster's key-value store, and whoever begins the trial again, or ends it, gives it back first. (A
controller that dies between reserving and noting leaves it to the end of the job.)
"""

from __future__ import annotations

from ray._raylet import PlacementGroupID
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_exists, _internal_kv_get, _internal_kv_put
from ray.util.placement_group import PlacementGroup, remove_placement_group

from workers.trainables.task import Task


def note(task: Task, group: PlacementGroup) -> None:
    """Note that the task's processes run in the placement group `group`."""
    _internal_kv_put(_key(task), group.id.binary())


def is_noted(task: Task) -> bool:
    """Return whether an attempt of the task has noted what it has reserved, and nobody has given that back."""
    return bool(_internal_kv_exists(_key(task)))


def release(task: Task) -> None:
    """Give back what an earlier attempt of the task, or this one, has reserved; nothing where nothing is noted."""
    noted = _internal_kv_get(_key(task))
    if noted is not None:
        remove_placement_group(PlacementGroup(PlacementGroupID(noted)))  # that it is gone already is no error
        _internal_kv_del(_key(task))


def _key(task: Task) -> bytes:
    return f"segnas/group/{task.search_id}/{task.number}".encode()
