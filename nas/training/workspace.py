"""Where a trainer finds data sets and pretrained weights, and where caches and artifacts are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nas.data.dataset import SegmentationDataset
from nas.data.entry import Registration
from nas.data.registry import open_dataset
from nas.specs import BackboneSpec
from nas.training.backbone.source import BackboneSource, find_source
from nas.weights.entry import WeightsEntry
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
        hub: Whether backbones may be fetched from Hugging Face's hub.
    """

    datasets: Mapping[str, Registration]
    weights: Mapping[str, WeightsEntry]
    cache: Path
    artifacts: Path
    hub: bool = False

    @classmethod
    def from_settings(cls, settings: Settings) -> Workspace:
        """Make the workspace of a configured server, worker or command line, with what is registered now."""
        datasets, weights = settings.registered_datasets, settings.registered_weights
        return cls(datasets, weights, settings.cache, settings.artifacts, settings.hub)

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

    def backbone_source(self, spec: BackboneSpec) -> BackboneSource:
        """Find the weights that a backbone names; a backbone without has none yet.

        Raises:
            ValueError: A name is not registered, its registration file is broken, a file, folder or package is missing,
                or the hub is not allowed.
        """
        return find_source(spec, self.weights, hub=self.hub)


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"
