"""What one service counts while it runs: requests, events, actions of its reconciler. A restart begins at zero."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from api.decisions import Action

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""In seconds. Most answers take single milliseconds; submitting a search and reports take more."""

DELAY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 15.0, 60.0)
"""In seconds. The record is looked at every half second."""

PASS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 20.0)
"""In seconds."""

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""Others, which anybody may make up, count as `other`."""

NO_ROUTE = "none"
"""The route of a request that reached none: refused before, or to a path that there is not."""


class Metrics:
    """The counters of one service.

    Attributes:
        registry: Of these counters, of the process, and of what `register` adds.
        actions: Steps of the reconciler, by the name of the action.
        passes: How long passes of the reconciler take, in seconds.
        failed_passes: Passes that ended with an error.
        lost_drivers: Drivers that were replaced or ended their search, by whether the loss counts against the search.
        ray_up: 1 when the cluster answered at the reconciler's last pass, else 0.
        event_delay: Seconds from the recording of a change to the moment when its event was sent to a watcher.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # each would be a time series of its own
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        Info("segnas_build", "Version of the service.", registry=registry).info({"version": version("segnas")})
        self._requests = Counter(
            "segnas_http_requests",
            "Answered HTTP requests; streams of events count when they end.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "segnas_http_request_duration_seconds",
            "Time from a request to the beginning of its answer.",
            ["method", "route"],
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self._streams = Gauge("segnas_event_streams", "Open streams of live events.", registry=registry)
        self.event_delay = Histogram(
            "segnas_event_delay_seconds",
            "Time from the recording of a trial's change to its event being sent to a watcher, by both hosts' clocks.",
            buckets=DELAY_BUCKETS,
            registry=registry,
        )
        self.actions = Counter(
            "segnas_reconciler_actions", "Steps that the reconciler took.", ["action"], registry=registry
        )
        for action in Action:
            if action is not Action.WAIT:
                self.actions.labels(action.name.lower())
        self.passes = Histogram(
            "segnas_reconciler_pass_duration_seconds",
            "Duration of the reconciler's passes over all searches.",
            buckets=PASS_BUCKETS,
            registry=registry,
        )
        self.failed_passes = Counter(
            "segnas_reconciler_failed_passes", "Passes that ended with an error.", registry=registry
        )
        self.lost_drivers = Counter(
            "segnas_drivers_lost",
            "Drivers that ended before their search; fault: whether the loss may be the search's own.",
            ["fault"],
            registry=registry,
        )
        for fault in ("search", "outside"):
            self.lost_drivers.labels(fault)
        self.ray_up = Gauge("segnas_ray_up", "1 when the Ray cluster answered at the last pass.", registry=registry)

    def count_streams_by(self, number: Callable[[], int]) -> None:
        """Let a function say how many streams of events are open."""
        self._streams.set_function(number)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Args:
            method: As it was sent.
            route: The template of the route's path, such as `/v1/searches/{search_id}`; or `NO_ROUTE`.
            status: Of the answer.
            seconds: From the request to the beginning of the answer.
        """
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def sent(self, recorded_at: float, now: float) -> None:
        """Count an event that was sent to a watcher; clocks that differ make no delay negative.

        Args:
            recorded_at: When its change was recorded, in seconds since the epoch.
            now: The time.
        """
        self.event_delay.observe(max(0.0, now - recorded_at))
