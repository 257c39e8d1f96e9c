"""Every page of the service by a name: its address, and what is there once it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

# Only names: without Playwright the tests are skipped.
if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = {
    "list": ("", "tbody tr"),
    "new search": ("#/new", "pre"),
    "search": ("#/{black_box}", ".plane canvas"),
    "differentiable search": ("#/{auto_deeplab}", "svg.segnas-drawing"),
    "heads": ("#/{reference}", ".panel table"),
    "calibration": ("#/{calibration}", ".panel"),
    "trial": ("#/{black_box}/0", "table.bars"),
    "ranking": ("#/{full_scale}", ".panel .plane canvas"),
    "comparison": ("#/compare/{black_box},{reference},{calibration}", ".drawings svg"),
    "report": ("v1/searches/{black_box}/report", "svg.chart"),
    "API": ("docs", "details"),
}


def go_to(page: Page, url: str, address: tuple[str, str], searches: Mapping[str, str]) -> None:
    """Open an address and wait until what it shows is there.

    Args:
        page: The page of a browser.
        url: Of the service.
        address: The address below it, with fields for ids of searches, and a selector of what must be there.
        searches: The ids of searches, by kind.
    """
    from playwright.sync_api import expect

    path, content = address
    page.goto(f"{url}/{path.format(**searches)}")
    expect(page.locator(content).first).to_be_attached()
