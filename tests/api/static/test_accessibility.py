"""Every page by the rules of axe-core, on a wide window and on a phone, in light and dark: no finding."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_finding(service, every_kind, browser, name):
    path, content = PAGES[name]
    for width, scheme in ((1280, "light"), (390, "dark")):
        # axe is run inside the page, which the page's own rules for scripts would forbid.
        with browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
        ) as window:
            page = window.new_page()
            page.goto(f"{service.url}/{path.format(**every_kind)}")
            expect(page.locator(content).first).to_be_attached()
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
