"""`python -m workers.cluster.node ARGUMENTS`: the command `ray`, in the environment that all nodes of Segnas have.

The worker image has this under the name `ray`, so that whoever starts a node there (Compose, KubeRay, a person) starts
one like the local ones.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

RAY_COMMAND = ("-P", "-m", "ray.scripts.scripts")
"""Arguments of Python that run Ray's command line. `-P`: no folder of the current directory is imported in place of Ray
or of ours."""


def node_environment() -> dict[str, str]:
    """Read `node.env`: the variables that every node has unless they are set otherwise."""
    return {name: value or "" for name, value in dotenv_values(Path(__file__).with_name("node.env")).items()}


def leave_out_unused(params: Any, head: bool) -> None:  # noqa: ARG001  Ray's hook passes both
    """Start no process that nobody here uses.

    These are the server for Ray's remote client (90 MB and an open port), and the autoscaler's monitor (84 MB) of a
    cluster that has no pool of nodes in its configuration.

    Args:
        params: The `RayParams` of the node, which `ray start` hands over before it starts anything.
        head: Whether the node is a head.
    """
    params.ray_client_server_port = None
    params.no_monitor = params.no_monitor or not params.autoscaling_config


def main() -> None:
    """Become `ray` with the arguments of this process."""
    os.environ.update(node_environment() | os.environ)
    os.execv(sys.executable, [sys.executable, *RAY_COMMAND, *sys.argv[1:]])  # noqa: S606  our own command line


if __name__ == "__main__":
    main()
