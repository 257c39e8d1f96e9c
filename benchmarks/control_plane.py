"""How fast the service answers over a store of 28,000 trials: every GET route, live events, 64 polling clients.

    python -m benchmarks.control_plane --trials 28000
    python -m benchmarks.control_plane --store postgresql://USER@HOST/EMPTY_DATABASE

The service runs in a process of its own without a cluster; nothing is trained. The database must be empty, by default
it is an SQLite file in a temporary folder. The routes are asked one after the other over one connection that is kept
open. Then 64 clients poll for some seconds, each twice a second, beside event streams and a driver that writes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import httpx
import numpy as np

from benchmarks._filled_store import PROXY, Filled, fill
from nas.results.measurement import Measurement
from nas.results.proposal import Proposal
from nas.results.status import TrialStatus
from nas.settings import Settings
from nas.store import Store
from search_spaces.dense_cell.space import sample

REQUESTS, PATIENCE = 40, 10.0
"""Requests of a route, or as many as fit into so many seconds."""

CLIENTS, STREAMS, POLLING_SECONDS, PAUSE = 64, 16, 20.0, 0.5
QUERY = "?drawn=true"
QUIET = 0.4
"""An event stream that sends nothing for so many seconds has sent its first picture."""


def main() -> None:
    """Fill the store, run the service, print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=28_000, help="trials in the store")
    parser.add_argument("--store", help="URL of an empty database; default: an SQLite file in a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="segnas-control-plane-") as folder:
        url = arguments.store or f"sqlite:///{folder}/store.db"
        with Store.open(url) as store:
            store.migrate()
            filled = fill(store, arguments.trials)
            print(f"{url.split(':')[0]}: {filled.trials:,} trials, {filled.measurements:,} measurements\n")
            with _service(Path(folder), url) as (base, pid):
                _measure(base, pid, store, filled)


def _measure(base: str, pid: int, store: Store, filled: Filled) -> None:
    print("| route | first ms | p50 ms | p95 ms | CPU ms | kB |\n| --- | --- | --- | --- | --- | --- |")
    with httpx.Client(base_url=base, timeout=120.0) as http:
        start = _resident(pid)
        for path in _routes(http, filled):
            _row(pid, f"GET {path}", partial(http.get, path))
        body = {"name": "forecast", "trials": 100, "fidelity": PROXY.model_dump(mode="json")}
        _row(pid, "POST /v1/searches?dry_run=true", lambda: http.post("/v1/searches?dry_run=true", json=body))
        _row(pid, "POST /v1/searches", lambda: http.post("/v1/searches", json=body))
        events = f"/v1/searches/{filled.large}/events{QUERY}"
        _row(pid, f"GET {events}, first picture", lambda: _first_picture(base, events), requests=5)
    print("\n| resident MB of the service | |\n| --- | --- |")
    print(f"| at the start | {start:.0f} |\n| after every route | {_resident(pid):.0f} |")
    _poll(base, pid, store, filled)


def _routes(http: httpx.Client, filled: Filled) -> list[str]:
    large, search = f"/v1/searches/{filled.large}", "/v1/searches"
    middle = None
    for _ in range(int(0.5 * filled.trials / 500)):
        params = {"order_by": "-score", "limit": "500", **({"cursor": middle} if middle else {})}
        middle = http.get(f"{large}/trials", params=params).json()["next_cursor"] or middle
    return [
        "/v1/healthz",
        "/metrics",
        "/v1/spaces",
        "/v1/datasets",
        f"{search}?limit=100",
        f"{search}?limit=100&status=running&kind=black_box",
        "/v1/calibrations",
        large,
        f"{large}/trials?limit=50",
        f"{large}/trials?limit=500",
        f"{large}/trials?order_by=-score",
        f"{large}/trials?order_by=-score&scores=true",
        f"{large}/trials?order_by=-score&cursor={middle}",
        f"{large}/trials?order_by=-score&status=pruned",
        f"{large}/trials?order_by=-score&status=failed",
        f"{large}/trials?order_by=-score&status=running",
        f"{large}/trials/77",
        f"{large}/best",
        f"{large}/panels",
        f"{large}/report",
        f"/v1/comparison?search={filled.large}&search={filled.auto_deeplab}",
        f"{large}/ranking",
        f"{search}/{filled.full_scale}/panels",
        f"/v1/calibrations/{filled.calibration}",
        f"{search}/{filled.calibration}/panels",
        f"{search}/{filled.reference}/heads",
        f"{search}/{filled.auto_deeplab}/snapshots",
        f"{search}/{filled.auto_deeplab}/snapshots/0/7",
        f"{search}/{filled.auto_deeplab}/panels",
    ]


def _row(pid: int, name: str, ask: Callable[[], httpx.Response | int], requests: int = REQUESTS) -> None:
    """Print the times and the size of one route: by the clock, and the service's own, which other work on the machine
    does not lengthen much.
    """
    begun = time.perf_counter()
    ask()
    first = time.perf_counter() - begun
    seconds: list[float] = []
    size, end, cpu = 0, time.monotonic() + PATIENCE, _cpu(pid)
    while len(seconds) < requests and time.monotonic() < end:
        begun = time.perf_counter()
        answer = ask()
        seconds.append(time.perf_counter() - begun)
        if isinstance(answer, httpx.Response):
            answer.raise_for_status()
            size = len(answer.content)
        else:
            size, seconds[-1] = answer, seconds[-1] - QUIET
    p50, p95 = (1000 * float(np.percentile(seconds, part)) for part in (50, 95))
    cpu = 1000 * (_cpu(pid) - cpu) / len(seconds)
    name = re.sub("&cursor=.*", ", a page from the middle", re.sub("s[0-9a-f]{12}", "ID", name))
    print(f"| `{name}` | {1000 * first:,.0f} | {p50:,.1f} | {p95:,.1f} | {cpu:,.1f} | {size / 1000:,.1f} |", flush=True)


def _first_picture(base: str, path: str) -> int:
    """Read an event stream until it pauses; return the bytes read."""
    address = urlsplit(base)
    assert address.hostname is not None, base
    with socket.create_connection((address.hostname, address.port or 80)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        size = 0
        with contextlib.suppress(TimeoutError):
            while chunk := connection.recv(1 << 20):
                size += len(chunk)
                if b"event: " in chunk:  # before the first event there may be long pauses
                    connection.settimeout(QUIET)
    return size


def _poll(base: str, pid: int, store: Store, filled: Filled) -> None:
    done = threading.Event()
    events: list[float] = []
    driver = threading.Thread(target=_drive, args=(store, filled.large, done, events))
    driver.start()
    seconds, errors, streamed = asyncio.run(_clients(base, filled))
    done.set()
    driver.join()
    p50, p95 = (1000 * float(np.percentile(seconds, part)) for part in (50, 95))
    print(f"| after {CLIENTS} clients and {STREAMS} streams | {_resident(pid):.0f} |")
    print(
        f"\n{CLIENTS} clients, {len(seconds):,} answers in {POLLING_SECONDS:.0f} s: p50 {p50:.0f} ms, "
        f"p95 {p95:.0f} ms, {errors} errors; {STREAMS} streams: {streamed / 1000:,.0f} kB; "
        f"a driver's {len(events):,} writes meanwhile: {1000 * float(np.mean(events)):.1f} ms each"
    )


async def _clients(base: str, filled: Filled) -> tuple[list[float], int, int]:
    seconds: list[float] = []
    errors = streamed = 0
    end = time.monotonic() + POLLING_SECONDS
    large = f"/v1/searches/{filled.large}"
    paths = (large, "/v1/searches?limit=100", f"{large}/trials?order_by=-score&limit=50")

    async def poll(http: httpx.AsyncClient, number: int) -> None:
        nonlocal errors
        await asyncio.sleep(PAUSE * number / CLIENTS)
        while time.monotonic() < end:
            begun = time.perf_counter()
            try:
                reply = await http.get(paths[number % len(paths)])
                errors += reply.is_error
            except httpx.HTTPError:
                errors += 1
            seconds.append(time.perf_counter() - begun)
            await asyncio.sleep(PAUSE)

    async def follow(http: httpx.AsyncClient) -> None:
        nonlocal streamed
        async with http.stream("GET", f"{large}/events{QUERY}") as reply:
            async for chunk in reply.aiter_raw():
                streamed += len(chunk)
                if time.monotonic() > end:
                    return

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=base, timeout=60.0, limits=limits) as http:
        await asyncio.gather(*(poll(http, n) for n in range(CLIENTS)), *(follow(http) for _ in range(STREAMS)))
    return seconds, errors, streamed


def _drive(store: Store, search: str, done: threading.Event, seconds: list[float]) -> None:
    """Write trials into a search as its driver, until `done`; the seconds of each write go into the list."""
    rng, number = Random(5), 10_000_000

    def write(event: Callable[[], object]) -> None:
        begun = time.perf_counter()
        event()
        seconds.append(time.perf_counter() - begun)

    while not done.wait(0.1):
        write(partial(store.add_trial, search, 1, Proposal(number, sample(5, rng), PROXY, 0)))
        for rung in PROXY.rungs:
            point = Measurement(
                iteration=rung,
                score=rng.random(),
                class_iou=(0.5,),
                train_loss=1.0,
                val_loss=1.0,
                seconds=rung / 50,
                device_seconds=rung / 50,
            )
            write(partial(store.record_measurement, search, number, 1, point))
        write(partial(store.finish_trial, search, number, 1, TrialStatus.COMPLETED))
        number += 1


@contextmanager
def _service(home: Path, url: str) -> Iterator[tuple[str, int]]:
    """Run the service on a free port; yield its address and its process id."""
    # With its protocol named, a socket makes asyncio switch Nagle's algorithm off.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_serve, args=(home, url, listener), daemon=True)
        process.start()
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            _await(base)
            assert process.pid is not None, "the process was started"
            yield base, process.pid
        finally:
            process.terminate()
            process.join()


def _serve(home: Path, url: str, listener: socket.socket) -> None:
    import uvicorn

    from api.app import create_app

    settings = Settings(
        home=home, port=0, database_url=url, datasets={"scenes": {"layout": "cityscapes", "root": home}}
    )
    config = uvicorn.Config(create_app(settings), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


def _await(base: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            httpx.get(f"{base}/healthz", timeout=5.0).raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the service did not start within a minute")


def _cpu(pid: int) -> float:
    """The CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
