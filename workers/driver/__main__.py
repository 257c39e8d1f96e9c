"""The entrypoint of a search's Ray Job: `python -m workers.driver SEARCH_ID ATTEMPT`.

Exit code 0: the search is over, or another driver has it. Anything else: this driver is lost, and the service
submits the next one; `ExitCode` says which losses are no fault of the search.
"""

from __future__ import annotations

import logging
import signal
import sys

from nas.logs import configure
from nas.settings import Settings, read_settings
from nas.store import NotFoundError, SchemaError, StaleAttemptError, Store, StoreError
from workers.cluster.jobs import job_id
from workers.driver.exit_codes import ExitCode
from workers.driver.record import persist

log = logging.getLogger("segnas.driver")

LINES = "%(asctime)s %(levelname)s %(message)s"
"""Of the log, for people."""


def main(arguments: list[str]) -> int:
    """Run the driver that the arguments name.

    Args:
        arguments: The id of the search, and the number of the driver.

    Returns:
        The exit code of the job.

    Raises:
        SystemExit: The arguments are no such pair.
    """
    search_id, attempt = _parse(arguments)
    try:
        settings = read_settings()
    except ValueError as error:
        configure("text", LINES, sys.stdout, logging.WARNING, search=search_id, driver=attempt)
        log.error("%s; this driver ends, and the service starts the next one", error)
        return ExitCode.SETTINGS
    configure(settings.log_format, LINES, sys.stdout, logging.WARNING, search=search_id, driver=attempt)
    log.setLevel(logging.INFO)
    try:
        with Store.open(settings.store_url) as store:
            persist(store.check)
            return _drive(store, settings, search_id, attempt)
    except NotFoundError as error:
        log.warning("%s; this driver ends", error)
        return ExitCode.OVER
    except SchemaError as error:
        log.error("%s: the software of this node is not the service's; this driver ends", error)
        return ExitCode.OTHER_VERSION
    except StoreError as error:
        if type(error) is not StoreError:  # the subclasses are answers, and an unexpected one is a fault
            raise
        log.error("%s; this driver gives up, and the service starts the next one", error)
        return ExitCode.DATABASE_AWAY


def _drive(store: Store, settings: Settings, search_id: str, attempt: int) -> int:
    from nas.training.workspace import Workspace
    from workers.driver.preparation import RAY_LOST
    from workers.driver.run import Interrupted, run_search

    log.info("driver %d of search %s", attempt, search_id)
    if not _connect():
        return ExitCode.RAY_AWAY
    interrupted = _on_termination()  # after ray.init, which sets a handler of its own
    try:
        run_search(store, search_id, attempt, Workspace.from_settings(settings), interrupted=lambda: bool(interrupted))
    except (StaleAttemptError, NotFoundError) as error:  # replaced, or the search was deleted
        log.warning("%s; this driver ends", error)
    except Interrupted as error:
        log.warning("%s", error)
        return ExitCode.INTERRUPTED
    except RAY_LOST:
        log.exception("Ray is away; this driver gives up, and the service starts the next one")
        return ExitCode.RAY_AWAY
    return ExitCode.OVER


def _connect() -> bool:
    """Connect to the job's cluster, never to a new one; False when it cannot be reached, after Ray's own retries."""
    import ray

    try:
        ray.init(address="auto", logging_level=logging.WARNING)
    except (ConnectionError, RuntimeError, TimeoutError) as error:  # what ray.init raises in vain
        log.error("Ray cannot be reached: %s", error)
        return False
    return True


def _on_termination() -> list[int]:
    """A list that is filled when Ray asks the job to end, three seconds before it kills it."""
    received: list[int] = []

    def note(number: int, _frame: object) -> None:
        received.append(number)

    signal.signal(signal.SIGTERM, note)
    return received


def _parse(arguments: list[str]) -> tuple[str, int]:
    try:
        search_id, attempt = arguments[0], int(arguments[1])
        job_id(search_id, attempt)  # refuses what no store makes
    except (IndexError, ValueError) as error:
        raise SystemExit(f"usage: python -m workers.driver SEARCH_ID ATTEMPT ({error})") from None
    return search_id, attempt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
