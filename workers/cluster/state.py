"""What a local cluster leaves in its folder about itself, readable without anything that runs a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from nas.state_files import read_state

STATE_FILE = "cluster.json"
"""In the cluster's folder: what `workers.cluster.local.LocalRay` is made of again by the next process."""


class ClusterState(BaseModel):
    """What `STATE_FILE` says of a cluster; the fields are those of `LocalRay`."""

    dashboard_url: Annotated[str, StringConstraints(pattern=r"^http://127\.0\.0\.1:\d+$")]
    address: str
    marker: Annotated[str, StringConstraints(min_length=1)]
    temp: Path
    fingerprint: str


def cluster_folder(home: Path) -> Path:
    """Return the folder of the local cluster of a home folder: its token, its state and its logs."""
    return home / "ray"


def read_cluster(folder: Path) -> ClusterState | None:
    """Read the state of the cluster of this folder; None where there is none, whether or not the cluster still runs."""
    return read_state(folder / STATE_FILE, ClusterState)
