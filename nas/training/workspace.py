"""Where a trainer finds data sets and pretrained weights, and where caches and artifacts are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nas.data.dataset import SegmentationDataset
from nas.data.entry import Registration
from nas.data.registry import open_dataset
from search_spaces.base import content_key

if TYPE_CHECKING:
    # Only for the type: the settings need pydantic-settings, which a machine that just trains may lack.
    from nas.settings import Settings


@dataclass(frozen=True)
class Workspace:
    """Data sets and pretrained weights by their registered names, and folders for caches and artifacts.

    Attributes:
        cache: Content-addressed, shared by all trials of a node.
        artifacts: For the checkpoints of trials; functions of `nas.training` write to it only where a path names it.
    """

    datasets: Mapping[str, Registration]
    weights: Mapping[str, Path]
    cache: Path
    artifacts: Path

    @classmethod
    def from_settings(cls, settings: Settings) -> Workspace:
        """Make the workspace of a configured server, worker or command line, with what is registered now."""
        return cls(settings.registered_datasets, settings.registered_weights, settings.cache, settings.artifacts)

    def dataset(self, name: str) -> SegmentationDataset:
        """Open a registered data set.

        Raises:
            ValueError: The name is not registered, or its registration file is broken.
            DatasetError: The folder is broken.
        """
        if name not in self.datasets:
            raise ValueError(f"data set {name!r} is not registered; known: {_listed(self.datasets)}")
        entry = self.datasets[name]
        digests = self.cache / "digests" / f"{content_key(str(entry.root.expanduser().absolute()))}.json"
        return replace(open_dataset(entry), digests=digests)

    def weights_path(self, name: str) -> Path:
        """Find the file of registered weights.

        Raises:
            ValueError: The name is not registered, its registration file is broken, or the file is missing.
        """
        if name not in self.weights:
            raise ValueError(f"weights {name!r} are not registered; known: {_listed(self.weights)}")
        path = self.weights[name].expanduser()
        if not path.is_file():
            raise ValueError(f"weights {name!r}: there is no file {path} on this machine")
        return path


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"
