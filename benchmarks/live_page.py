"""How fast the page of a large search is in a browser: to open, from a measurement to its row, under the mouse.

    python -m benchmarks.live_page --trials 28000

The service runs in a process of its own over a filled store (`benchmarks._filled_store`), the page in the system's
Chromium. A trial that becomes the best one is written as a driver writes it; the time is that until its row and its
curve are on the page. The service looks for changes twice a second, and the page draws at most four times a second: the
mean of both is 0.4 s.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from random import Random

from benchmarks._filled_store import PROXY, fill
from benchmarks.control_plane import _service
from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.store import Store
from search_spaces.dense_cell.space import sample

EVENTS, PATIENCE = 10, 60_000
"""Trials that are written, and milliseconds until something must have appeared."""

LISTEN = """
window.long = [];
new PerformanceObserver(list => window.long.push(...list.getEntries().map(entry => Math.round(entry.duration))))
    .observe({ type: "longtask", buffered: true });
"""
"""Collects the tasks of the page that take longer than 50 ms, during which it does not react."""

SHOWN = """number => document.querySelector("tr.chosen")?.textContent.includes(`#${number}`)
    && document.querySelector(".plane").chart.places.some(({ text }) => text.includes(`trial ${number}`))"""

UNDER_THE_MOUSE = """() => {
    const charts = [...document.querySelectorAll(".plane")].map(plane => plane.chart).filter(chart => chart.plot);
    return Math.max(...charts.map(chart => {
        chart.hover(50, 50);
        const begun = performance.now();
        for (let at = 0; at < 20; at += 1) chart.hover(50 + at, 50);
        return (performance.now() - begun) / 20;
    }));
}"""


def main() -> None:
    """Fill a store, run the service, open the page, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=28_000, help="trials in the store; four of five in the search")
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory(prefix="segnas-live-page-") as folder:
        url = f"sqlite:///{folder}/store.db"
        with Store.open(url) as store:
            store.migrate()
            search_id = fill(store, trials).large
            with _service(Path(folder), url) as (base, _):
                _measure(f"{base}/#/{search_id}", store, search_id)


def _measure(url: str, store: Store, search_id: str) -> None:
    from playwright.sync_api import sync_playwright

    print("| the page of a large search | |\n| --- | --- |")
    with sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(LISTEN)
        begun = time.perf_counter()
        page.goto(url)
        page.locator("tbody tr td a").first.wait_for(timeout=PATIENCE)
        print(f"| until the first rows | {time.perf_counter() - begun:.2f} s |")
        page.locator(".panel.choices canvas").first.wait_for(timeout=PATIENCE)
        print(f"| until all charts but importance | {time.perf_counter() - begun:.2f} s |")
        page.wait_for_timeout(5000)
        print(f"| longest task meanwhile | {max(page.evaluate('window.long.splice(0)'), default=0)} ms |")
        seconds = []
        for event in range(EVENTS):
            number = _best(store, search_id, event)
            begun = time.perf_counter()
            page.wait_for_function(SHOWN, arg=number, polling=10, timeout=PATIENCE)
            seconds.append(time.perf_counter() - begun)
            store.finish_trial(search_id, number, 1, TrialStatus.COMPLETED)
        mean, most = sum(seconds) / len(seconds), max(seconds)
        print(f"| from a measurement to its row and curve | {1000 * mean:.0f} ms, at most {1000 * most:.0f} ms |")
        print(f"| longest task meanwhile | {max(page.evaluate('window.long'), default=0)} ms |")
        print(f"| one move of the mouse, slowest chart | {page.evaluate(UNDER_THE_MOUSE):.2f} ms |")
        browser.close()


def _best(store: Store, search_id: str, event: int) -> int:
    """Write a trial that scores higher than all before; return its number."""
    best = store.best_trial(search_id)
    assert best is not None
    assert best.score is not None
    number = 10_000_000 + event
    store.add_trial(search_id, 1, Proposal(number, sample(5, Random(number)), PROXY, 0))
    for rung in PROXY.rungs:
        point = Measurement(
            iteration=rung,
            score=best.score + (1 - best.score) / 10,
            class_iou=(0.5,),
            train_loss=1.0,
            val_loss=1.0,
            seconds=rung / 50,
            device_seconds=rung / 50,
        )
        store.record_measurement(search_id, number, 1, point)
    return number


if __name__ == "__main__":
    main()
