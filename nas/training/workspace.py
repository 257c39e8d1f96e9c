"""Where a trainer finds data sets and pretrained weights, and where caches and artifacts are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nas.aids import reason_of
from nas.data.dataset import SegmentationDataset
from nas.data.entry import Registration
from nas.data.opened import Opened
from nas.specs import BackboneSpec, Fidelity
from nas.storage import StorageError, fetch_once
from nas.training.progress import Progress, silent
from nas.weights.entry import WeightsEntry

if TYPE_CHECKING:
    # Only for the types: the settings need pydantic-settings, which a machine that just trains may lack, and a search's
    # driver, which hands its workspace to processes that train, needs no torch.
    from nas.settings import Settings
    from nas.training.backbone.source import BackboneSource

_opened = Opened()
"""Of this process."""


@dataclass(frozen=True)
class Workspace:
    """Data sets and pretrained weights by their registered names, and folders for caches and artifacts.

    Attributes:
        cache: Content-addressed, shared by all trials of a node.
        artifacts: For the checkpoints of trials; functions of `nas.training` write to it only where a path names it.
        hub: Whether backbones may be fetched from Hugging Face's hub.
        storage: URL behind the caches of all nodes, from which missing entries are fetched; None without one.
        native: Whether native kernels may be built and used.
        look_again: Seconds for which a data set that this process has opened is used again before its files are looked
            at anew; 0 looks at them each time.
    """

    datasets: Mapping[str, Registration]
    weights: Mapping[str, WeightsEntry]
    cache: Path
    artifacts: Path
    hub: bool = False
    storage: str | None = None
    native: bool = True
    look_again: float = 0.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Workspace:
        """Make the workspace of a configured server, worker or command line, with what is registered now."""
        datasets, weights = settings.registered_datasets, settings.registered_weights
        return cls(
            datasets,
            weights,
            settings.cache,
            settings.artifacts,
            hub=settings.hub,
            storage=settings.storage,
            native=settings.native,
        )

    def dataset(self, name: str, progress: Progress = silent) -> SegmentationDataset:
        """Open a registered data set, after its folder was fetched where it has a URL and this machine lacks it.

        Args:
            name: The data set's.
            progress: Called with stage "fetching" and the files fetched.

        Raises:
            ValueError: The name is not registered, its registration file is broken, or it cannot be fetched.
            DatasetError: The folder is broken.
        """
        if name not in self.datasets:
            raise ValueError(f"data set {name!r} is not registered; known: {_listed(self.datasets)}")
        entry = self.datasets[name]
        _fetch(f"data set {name!r}", entry.root, entry.url, progress)
        return _opened.of(entry, self.cache, self.look_again)

    def backbone_source(self, spec: BackboneSpec) -> BackboneSource:
        """Find the weights that a backbone names; a backbone without has none yet.

        Those that have a URL, and that this machine lacks, are fetched.

        Raises:
            ValueError: A name is not registered, its registration file is broken, a file, folder or package is missing
                or cannot be fetched, or the hub is not allowed.
        """
        from nas.training.backbone.source import find_source

        for name in {spec.name.removeprefix("hf:"), spec.weights or ""} & self.weights.keys():
            _fetch(f"weights {name!r}", self.weights[name].path, self.weights[name].url)
        return find_source(spec, self.weights, hub=self.hub)


def _fetch(what: str, place: Path, url: str | None, progress: Progress = silent) -> None:
    if url is None:
        return
    try:
        fetch_once(place.expanduser().absolute(), url, partial(progress, "fetching"))
    except StorageError as error:
        raise ValueError(f"{what}: {error}") from None
    except OSError as error:
        raise ValueError(f"{what}: {url} cannot be fetched to {place}: {reason_of(error)}") from None


def named_weights(texts: Iterable[str], fidelity: Fidelity) -> dict[str, WeightsEntry]:
    """Read the options `--weights NAME=PATH`, which register the weights that a fidelity names.

    Args:
        texts: The options.
        fidelity: Names weights as `backbone.weights`.

    Raises:
        ValueError: An option is not NAME=PATH, or the fidelity uses other weights.
    """
    entries = {name: WeightsEntry(path=Path(path)) for name, path in (split_pair(text, "NAME=PATH") for text in texts)}
    used = fidelity.backbone.weights
    folder = fidelity.backbone.name.removeprefix("hf:")  # registered too, for its config.json
    if entries and not {used, folder} & entries.keys():
        instead = "trains the backbone itself" if used is None else f"uses the weights {used!r}"
        raise ValueError(
            f"--weights gives {_listed(entries)}, but the fidelity {instead}: "
            f"set its backbone.weights to {min(entries)}"
        )
    return entries


def split_pair(text: str, pattern: str) -> tuple[str, str]:
    """Split NAME=VALUE.

    Raises:
        ValueError: A part is missing; the message names the `pattern` that is needed.
    """
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise ValueError(f"{pattern} is needed, not {text!r}")
    return name, value


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names)) or "none"
