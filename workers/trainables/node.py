"""The name of the node that a process runs on, as records and logs show it."""

from __future__ import annotations

import socket

import ray


def node_name() -> str | None:
    """Name the node of this process: the host's name, and the beginning of Ray's id of the node.

    The host's name is what people look for (of a container its id, on Kubernetes the pod's name); the id tells apart
    two nodes of one host, and the node that came back under the name of a lost one.

    Returns:
        For example `worker-3 (9134d6fc)`; None outside of Ray.
    """
    if not ray.is_initialized():
        return None
    return f"{socket.gethostname()[:200]} ({ray.get_runtime_context().get_node_id()[:8]})"
