"""Calls about measuring again: full-scale evaluations and rankings, confirmations, calibrations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nas.client.calls import ServiceCalls
from nas.client.paths import checked_id, path_of
from nas.schemas.calibrations import CalibrationPublic
from nas.schemas.confirmations import ConfirmationPublic
from nas.schemas.dry_runs import DryRunPublic
from nas.schemas.rankings import RankingPublic
from nas.schemas.searches import SearchPublic
from nas.specs import CalibrationSpec, ConfirmationRequest, FullScaleRequest


class EvaluationMethods(ServiceCalls):
    """The methods of `Client` about evaluations of architectures that a search has measured, and about proxies."""

    def full_scale(
        self, search_id: str, request: FullScaleRequest | Mapping[str, Any], idempotency_key: str | None = None
    ) -> SearchPublic:
        """Start a full-scale evaluation: measure architectures of a search again, at full scale.

        Args:
            search_id: The search whose architectures are measured.
            request: The full-scale fidelity, and the choice of architectures.
            idempotency_key: The same key again returns the same evaluation, and starts no other.

        Returns:
            The evaluation, which is a search too.
        """
        return self._calls.post(path_of(search_id, "full-scale"), request, idempotency_key).model(SearchPublic)

    def ranking(self, search_id: str, full_scale: str | None = None) -> RankingPublic:
        """How well a search's scores order its architectures by their full-scale scores.

        Args:
            search_id: The search.
            full_scale: Id of one full-scale evaluation; by default all evaluations at the fidelity of the newest.
        """
        return self._calls.get(path_of(search_id, "ranking"), full_scale=full_scale).model(RankingPublic)

    def confirm(
        self, search_id: str, request: ConfirmationRequest | Mapping[str, Any], idempotency_key: str | None = None
    ) -> SearchPublic:
        """Start a confirmation: measure a search's best again with fresh seeds, beside heads of the textbooks.

        Args:
            search_id: The search whose architectures are confirmed.
            request: Which architectures, reference heads, how many seeds; an empty mapping takes the defaults.
            idempotency_key: The same key again returns the same confirmation, and starts no other.

        Returns:
            The confirmation, which is a search too.
        """
        return self._calls.post(path_of(search_id, "confirmation"), request, idempotency_key).model(SearchPublic)

    def confirmation(self, search_id: str) -> ConfirmationPublic:
        """The answer so far of a confirmation, or of the newest confirmation of a search."""
        return self._calls.get(path_of(search_id, "confirmation")).model(ConfirmationPublic)

    def create_calibration(
        self, spec: CalibrationSpec | Mapping[str, Any], idempotency_key: str | None = None
    ) -> CalibrationPublic:
        """Start a calibration, which finds the cheapest proxy that orders architectures as full scale does.

        Args:
            spec: The calibration's spec, or its fields.
            idempotency_key: The same key again returns the same calibration, and starts no other.
        """
        return self._calls.post("/v1/calibrations", spec, idempotency_key).model(CalibrationPublic)

    def dry_run_calibration(self, spec: CalibrationSpec | Mapping[str, Any]) -> DryRunPublic:
        """Check a calibration's spec and say what it would do, as `dry_run` does; nothing is started."""
        return self._calls.post("/v1/calibrations", spec, None, changes=False, dry_run="true").model(DryRunPublic)

    def calibration(self, search_id: str) -> CalibrationPublic:
        """A calibration's answer so far."""
        return self._calls.get(f"/v1/calibrations/{checked_id(search_id)}").model(CalibrationPublic)

    def calibrations(self) -> Iterator[SearchPublic]:
        """All calibrations as searches, newest first."""
        return self._calls.pages("/v1/calibrations", SearchPublic, page=50)
