"""What a page shows, beside what the service says."""

from __future__ import annotations

from typing import Any

KINDS = ("black_box", "auto_deeplab", "reference", "full_scale", "calibration")


def get(service: Any, path: str) -> Any:
    """What the service answers at a path."""
    reply = service.http.get(path)
    assert reply.status_code == 200, reply.text
    return reply.json()


def values(place: Any) -> list[str]:
    """The texts in the table below a chart, which is made when it is opened."""
    from playwright.sync_api import expect

    place.locator(".values summary").click()
    expect(place.locator(".values tbody")).to_be_attached()
    texts: list[str] = place.locator(".values tbody td:first-child").all_inner_texts()
    return texts
