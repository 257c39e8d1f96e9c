"""What Prometheus asks for: counters of this service, and what is recorded, in its text format."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from api.deps import MetricsDep

router = APIRouter(tags=["health"])


@router.get("/metrics", include_in_schema=False)
def metrics(metrics: MetricsDep) -> Response:
    """Answer with all metrics in Prometheus' text format, which every version of Prometheus reads."""
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
