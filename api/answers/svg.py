"""The answer that is a drawing."""

from __future__ import annotations

from starlette.responses import Response


class SvgResponse(Response):
    """A response whose body is an SVG document."""

    media_type = "image/svg+xml"
