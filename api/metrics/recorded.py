"""What the record and the cache say when Prometheus asks, which is the same whichever service is asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from nas.cache.tally import read_tally
from nas.store import Store, StoreError

log = logging.getLogger("segnas.api")

ENTRIES = {"banks": "feature_bank", "backbones": "backbone", "statistics": "statistics"}
"""What the folders of a cache hold, as the label `entry` has it."""


class Recorded(Collector):
    """Reads aggregates that are kept: the answer is as long, and as quick, for a million trials as for none.

    While the store is away, `segnas_store_up` is 0 and what it would say is left out.

    Args:
        store: The record.
        cache: The cache folder, whose counts are left out where this machine does not have it.
    """

    def __init__(self, store: Store, cache: Path) -> None:
        self._store = store
        self._cache = cache

    def describe(self) -> list[Metric]:
        """Announce nothing, so that to register this collector asks the store nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._of_store()
        yield from self._of_cache()

    def _of_store(self) -> Iterator[Metric]:
        try:
            census = self._store.census()
        except StoreError as error:
            log.warning("the store does not say what is recorded: %s", error)
            yield GaugeMetricFamily("segnas_store_up", "1 when the database answered.", value=0)
            return
        yield GaugeMetricFamily("segnas_store_up", "1 when the database answered.", value=1)
        searches = GaugeMetricFamily("segnas_searches", "Recorded searches by status.", labels=["status"])
        for search_status, number in census.searches.items():
            searches.add_metric([search_status], number)
        yield searches
        trials = GaugeMetricFamily("segnas_trials", "Recorded trials by status.", labels=["status"])
        for trial_status, number in census.trials.items():
            trials.add_metric([trial_status], number)
        yield trials
        yield GaugeMetricFamily(
            "segnas_trials_adopted",
            "Recorded trials whose numbers were taken from an equal trial measured before.",
            value=census.adopted,
        )
        yield GaugeMetricFamily(
            "segnas_device_seconds",
            "Device time of all recorded trials and differentiable runs; less when a search is deleted.",
            value=census.device_seconds,
        )

    def _of_cache(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "segnas_cache_reads",
            "Times that cache entries of this home folder were asked for, by what became of it.",
            labels=["entry", "outcome"],
        )
        for (folder, outcome), number in (read_tally(self._cache) or {}).items():
            family.add_metric([ENTRIES[folder], outcome], number)
        yield family
