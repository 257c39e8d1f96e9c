"""Draws the pictures of pages in these docs: `python docs/draw_pages.py URL page_new=new page_trial=ID/3`.

Takes a running service and, for each picture, what stands behind `#/` in the address of its page.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
WIDTH, HEIGHT, MOST = 1100, 900, 2440
"""Of the window, and of a picture at most."""
QUIET = 3000
"""Milliseconds without a new element after which a page is complete."""
ELEMENTS = "document.body.innerText.includes('Checking ...') ? -1 : document.querySelectorAll('*').length"
"""The number of elements; -1 while the form of a new search waits for an answer."""


def main() -> None:
    """Take the pictures that the command line names."""
    from playwright.sync_api import sync_playwright

    url, *wanted = sys.argv[1:]
    with sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for name, place in (one.split("=", 1) for one in wanted):
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.goto(f"{url.rstrip('/')}/#/{place}")
            known, quiet = -1, 0
            while quiet < QUIET:
                page.wait_for_timeout(500)
                count = page.evaluate(ELEMENTS)
                known, quiet = count, quiet + 500 if count == known >= 0 else 0
            high = min(MOST, page.evaluate("document.documentElement.scrollHeight"))
            page.screenshot(
                path=IMAGES / f"{name}.png", full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": high}
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
