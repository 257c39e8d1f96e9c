"""What can happen to a service: each fault is done to a running world at a random moment, to a random member."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator

import psutil

from tests.chaos.world import World

Fault = Callable[[World, random.Random], bool]
"""Does the fault; False when there is nothing that it could be done to at the moment."""

DAYS = 2 * 86_400.0

SHORT, LONG = 0.5, 4.0
"""Seconds that something is frozen, away or full."""


def _titles(world: World, *parts: str) -> list[psutil.Process]:
    """Processes whose command line has all parts."""
    found = []
    for process in world.processes():
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            if all(part in line for part in parts):
                found.append(process)
    return found


def _named(world: World, name: str) -> list[psutil.Process]:
    found = []
    for process in world.processes():
        with contextlib.suppress(psutil.Error):
            if process.name() == name:
                found.append(process)
    return found


def _kill(processes: Iterable[psutil.Process], rng: random.Random) -> bool:
    candidates = sorted(processes, key=lambda process: process.pid)
    if not candidates:
        return False
    with contextlib.suppress(psutil.Error):
        rng.choice(candidates).kill()
        return True
    return False


def trial(world: World, rng: random.Random) -> bool:
    """Kill a process that trains."""
    return _kill(_titles(world, "ray::", ": trial ", ".train"), rng)


def idle(world: World, rng: random.Random) -> bool:
    """Kill a warm process between two trials, or one that waits for work."""
    busy = set(_titles(world, ".train"))
    return _kill([p for p in _titles(world, "ray::") if p not in busy and not _is_ours(p)], rng)


def _is_ours(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(part in " ".join(process.cmdline()) for part in ("JobSupervisor", "DashboardAgent", "RuntimeEnv"))
    return True


def driver(world: World, rng: random.Random) -> bool:
    """Kill the driver of a search."""
    return _kill(_titles(world, "-m workers.driver"), rng)


def supervisor(world: World, rng: random.Random) -> bool:
    """Kill the process of Ray that watches over a driver."""
    return _kill(_titles(world, "ray::JobSupervisor"), rng)


def service(world: World, rng: random.Random) -> bool:
    """Kill the service."""
    process = world.service()
    return process is not None and _kill([process], rng)


def raylet(world: World, rng: random.Random) -> bool:
    """Kill Ray's daemon of the node."""
    return _kill(_named(world, "raylet"), rng)


def control_store(world: World, rng: random.Random) -> bool:
    """Kill Ray's control store, the GCS."""
    return _kill(_named(world, "gcs_server"), rng)


def job_server(world: World, rng: random.Random) -> bool:
    """Kill the dashboard, which serves jobs."""
    return _kill(_titles(world, "dashboard/dashboard.py"), rng)


def freeze(world: World, rng: random.Random) -> bool:
    """Stop a process of the service for some seconds, as a laptop's sleep or a busy machine would."""
    candidates = sorted(world.processes(), key=lambda process: process.pid)
    if not candidates:
        return False
    process = rng.choice(candidates)
    with contextlib.suppress(psutil.Error):
        process.suspend()
        time.sleep(rng.uniform(SHORT, LONG))
        process.resume()
        return True
    return False


def full_disk(world: World, rng: random.Random) -> bool:
    """Let a process write nothing to any file for some seconds: a limit that can be put on a running process."""
    candidates = _titles(world, "-m workers.driver") + _titles(world, "ray::", ": trial ")
    if (own := world.service()) is not None:
        candidates.append(own)
    if not candidates:
        return False
    process = rng.choice(sorted(candidates, key=lambda process: process.pid))
    with contextlib.suppress(psutil.Error):
        before = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (1, before[1]))
        time.sleep(rng.uniform(SHORT, LONG))
        process.rlimit(psutil.RLIMIT_FSIZE, before)
        return True
    return False


def clock(world: World, rng: random.Random) -> bool:
    """Set the time of day by up to two days, back as often as forward."""
    world.set_clock(rng.uniform(-DAYS, DAYS))
    return True


def lost_folder(world: World, rng: random.Random) -> bool:
    """Remove a folder that only helps: checkpoints or logs."""
    folder = world.home / rng.choice(["artifacts", "logs"])
    if not folder.is_dir():
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


def damaged_cache(world: World, rng: random.Random) -> bool:
    """Overwrite the middle of a file of the cache with zeros, or cut it."""
    files = sorted(path for path in (world.home / "cache").rglob("*") if path.is_file() and path.stat().st_size > 64)
    if not files:
        return False
    path = rng.choice(files)
    with contextlib.suppress(OSError):
        size = path.stat().st_size
        with path.open("r+b") as file:
            if rng.random() < 0.5:
                file.truncate(size // 2)
            else:
                file.seek(size // 3)
                file.write(bytes(size // 3))
        return True
    return False


def database(world: World, rng: random.Random) -> bool:
    """Kill PostgreSQL and start it again some seconds later."""
    if world.postgres is None:
        return False
    world.postgres.kill()
    time.sleep(rng.uniform(SHORT, LONG))
    world.postgres.start()
    return True


def connections(world: World, rng: random.Random) -> bool:
    """End all connections to PostgreSQL."""
    if world.postgres is None:
        return False
    world.postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    return True


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        trial,
        idle,
        driver,
        supervisor,
        service,
        raylet,
        control_store,
        job_server,
        freeze,
        full_disk,
        clock,
        lost_folder,
        damaged_cache,
        database,
        connections,
    )
}


def sequence(world: World, rng: random.Random) -> Iterator[str]:
    """Yield names of faults without end: each once in every round, in an order drawn anew for the round.

    Faults of PostgreSQL are left out where there is none.
    """
    while True:
        names = [name for name, fault in FAULTS.items() if world.postgres or fault not in (database, connections)]
        rng.shuffle(names)
        yield from names


def resume_all(world: World) -> None:
    """Let every frozen process go on."""
    for process in world.processes():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_STOPPED:
                process.send_signal(signal.SIGCONT)
