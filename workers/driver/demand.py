"""What a search waits for, shown where an autoscaler looks for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ray.util.placement_group import placement_group, remove_placement_group

from nas.specs import Resources
from workers.trainables.process import share_of


@contextlib.contextmanager
def shown_demand(resources: Resources) -> Iterator[None]:
    """Ask the cluster for the room of one trial, so that a pool which has no node for it starts one.

    The demand is a placement group that cannot be placed yet: `ray status` lists it among the pending demands, and
    autoscalers start nodes for it. It belongs to the driver's job, so Ray withdraws it when the driver dies, whatever
    killed the driver, and the demands of several searches add up. `ray.autoscaler.sdk.request_resources` does neither:
    a cluster has one such request, each call replaces the request of whoever called before, and it outlives its caller.

    Leave the context as soon as there is room: a group that Ray has placed keeps its room from everybody else.

    Args:
        resources: What a trial takes.
    """
    group = placement_group(
        [share_of(resources)] * resources.workers, strategy="PACK", name="segnas: waiting for a node"
    )
    try:
        yield
    finally:
        remove_placement_group(group)
