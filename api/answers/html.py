"""The answer that is a page of its own."""

from __future__ import annotations

from starlette.responses import Response


class HtmlResponse(Response):
    """A response whose body is an HTML document that stands for itself, with a content security policy of its own."""

    media_type = "text/html"
