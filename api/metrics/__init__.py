"""What the service counts of itself and reads of the record, for Prometheus."""

from api.metrics.counts import Metrics
from api.metrics.recorded import Recorded

__all__ = ["Metrics", "Recorded"]
