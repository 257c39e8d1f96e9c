"""A real browser for the tests of the pages: Debian's Chromium without a window, driven by Playwright.

Playwright's Python package is in the `dev` extra; it downloads no browser of its own, it starts the system's
(`apt-get install --no-install-recommends chromium`). Without a Chromium on the PATH these tests are skipped and say so.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

# Only names: without Playwright the tests are skipped.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
"""Without a sandbox it starts as root too, as in a container; the others keep it from asking its maker for anything."""

PATIENCE = 20_000.0
"""Milliseconds until something must have appeared: what is slow is no failure."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'segnas[dev]'")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on the PATH: apt-get install --no-install-recommends chromium")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(FLAGS), timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address in a new window. When the test ends, no page has complained or asked another host."""
    with contextlib.ExitStack() as stack:

        def visit(url: str, complaints: tuple[str, ...] = ()) -> Page:
            """`complaints` are parts of console messages that are expected."""
            window = browser.new_context(viewport={"width": 1280, "height": 1000})
            window.set_default_timeout(PATIENCE)
            stack.callback(window.close)
            page = window.new_page()
            heard = _listen(page, urlsplit(url).netloc)
            stack.callback(_nothing_wrong, heard, complaints)
            page.goto(url)
            return page

        yield visit


def _listen(page: Page, host: str) -> list[str]:
    heard: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            heard.append(f"{message.location['url']}: {message.text}")

    def request(sent: Request) -> None:
        address = urlsplit(sent.url)
        if address.scheme not in ("data", "blob") and address.netloc != host:
            heard.append(f"asked another host: {sent.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", request)
    return heard


def _nothing_wrong(heard: list[str], complaints: tuple[str, ...]) -> None:
    expected = (*complaints, "/v1/readyz: Failed to load resource")  # without a cluster the service is not ready
    assert [text for text in heard if not any(part in text for part in expected)] == []
