"""Calls about what a search has found so far: its best architectures, and the results of each kind of search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from nas.client.calls import ServiceCalls
from nas.client.paths import path_of
from nas.schemas.comparisons import ComparisonPublic
from nas.schemas.pareto import ParetoPublic
from nas.schemas.references import ReferencePublic
from nas.schemas.snapshots import SnapshotDetail, SnapshotPublic


class ResultMethods(ServiceCalls):
    """The methods of `Client` about results."""

    def best(self, search_id: str, format: Literal["segnas", "deeplab", "darts"] = "segnas") -> Any:
        """The best architecture of a search so far.

        Args:
            search_id: The search.
            format: `segnas`: an architecture document; `deeplab`: TensorFlow DeepLab's format; `darts`: the format of
                Auto-DeepLab's PyTorch re-implementations.
        """
        return self._calls.get(path_of(search_id, "best"), format=format).json()

    def pareto(self, search_id: str) -> ParetoPublic:
        """The Pareto set of a search so far: its trials, and their values of the search's objectives."""
        return self._calls.get(path_of(search_id, "pareto")).model(ParetoPublic)

    def compare(self, search_ids: Sequence[str]) -> ComparisonPublic:
        """Compare searches: curves of the best score, settings that differ, best architectures.

        Args:
            search_ids: 2 to 8 different searches.
        """
        return self._calls.get("/v1/comparison", search=list(search_ids)).model(ComparisonPublic)

    def report(self, search_id: str) -> str:
        """The report of a search, an HTML document that needs no other file."""
        return self._calls.get(path_of(search_id, "report")).html

    def snapshots(self, search_id: str, run: int | None = None) -> list[SnapshotPublic]:
        """The architectures that a differentiable search decoded after each epoch, ordered by run and epoch.

        Args:
            search_id: The search.
            run: Only this run, counted from 0.
        """
        return self._calls.get(path_of(search_id, "snapshots"), run=run).models(SnapshotPublic)

    def snapshot(self, search_id: str, run: int, epoch: int) -> SnapshotDetail:
        """One snapshot, with alpha, beta and the architecture document."""
        return self._calls.get(path_of(search_id, "snapshots", run, epoch)).model(SnapshotDetail)

    def heads(self, search_id: str) -> list[ReferencePublic]:
        """The results of a reference search, one row for each head."""
        return self._calls.get(path_of(search_id, "heads")).models(ReferencePublic)
