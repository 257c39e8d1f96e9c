"""The driver's access to its search's record: writes name the attempt, and wait for a database that is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from nas.forecast import stored_forecast
from nas.kinds.protocol import Records
from nas.kinds.registry import kind_of
from nas.results.software import software_versions
from nas.results.status import SearchStatus
from nas.store import FollowUp, SearchRecord, Stage, StaleAttemptError, Store, StoreError
from search_spaces.base import content_key

T = TypeVar("T")


log = logging.getLogger("segnas.driver")

PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between tries while the database is away; after them the driver gives up and the next one takes over."""


class DriverRecord:
    """One search's record, as one of its drivers reads and writes it.

    Every method raises `StaleAttemptError` when another driver has taken over, `SearchClosedError` when the search is
    stopping or over, and `StoreError` when the database stays away.

    Args:
        store: The database.
        search: The search, as it was when the driver began.
        attempt: The number of the driver.
    """

    def __init__(self, store: Store, search: SearchRecord, attempt: int) -> None:
        self.store = store
        self.records: Records = cast("Records", _PatientReads(store))
        self.search_id = search.id
        self.spec = search.spec
        self.attempt = attempt
        self._logged: tuple[str, int] | None = None

    def status(self) -> SearchStatus:
        """Read the search's status, whether it is over or not."""
        search = persist(lambda: self.store.get_search(self.search_id))
        if search.attempt != self.attempt:
            raise StaleAttemptError(f"driver {search.attempt} has taken over search {self.search_id}")
        return search.status

    def start(self) -> None:
        """Record that the search is running, and with which software."""
        persist(lambda: self.store.driver_started(self.search_id, self.attempt, software_versions()))

    def show(self, stage: str, done: int, total: int) -> None:
        """Record the search's stage, and that `done` of its `total` steps are done; log each tenth of them."""
        tenth = 10 * done // max(total, 1)
        if self._logged != (stage, tenth):
            self._logged = stage, tenth
            log.info("%s: %d of %d", stage, done, total)
        persist(lambda: self.store.set_stage(self.search_id, self.attempt, Stage(stage, done, total)))

    def reached(self, step: int) -> None:
        """Record that `step` steps before the first trial are done, whose results the next driver will find."""
        persist(lambda: self.store.record_reached(self.search_id, self.attempt, step))

    def finish(self, to: SearchStatus, message: str | None = None) -> SearchStatus:
        """Record the end of the search, with one sentence for the user, and return the status.

        A completed search is followed by another one where its kind says so: that is queued in the same transaction.
        """
        follow_up = None
        if to is SearchStatus.COMPLETED:
            try:
                follow_up = self._follow_up()
            except ValueError as error:
                log.warning("no search follows: %s", error)
                message = "; ".join(part for part in (message, f"what should follow it cannot: {error}") if part)
        persist(lambda: self.store.finish_search(self.search_id, self.attempt, to, message, follow_up))
        return to

    def _follow_up(self) -> FollowUp | None:
        search = self.records.get_search(self.search_id)
        spec = kind_of(search.spec).follow_up(search, self.records)
        if spec is None:
            return None
        # The same search after the same result is queued once, whatever it is called.
        same = content_key(spec.model_dump(mode="json", exclude={"name"}))
        log.info("search %s is followed by: %s", self.search_id, spec.name)
        return FollowUp(spec, f"after {self.search_id}: {same}", stored_forecast(spec, self.store))


def persist(write: Callable[[], T]) -> T:
    """Call `write`, again and again while the database is away; the same event may thus be written twice.

    Args:
        write: A read or a write of the store.

    Returns:
        What `write` returns.

    Raises:
        StoreError: The database stays away; a subclass at once when the store refuses.
    """
    for wait in PATIENCE:
        try:
            return write()
        except StoreError as error:
            if type(error) is not StoreError:  # the subclasses are answers, not failures
                raise
            log.warning("%s; trying again in %g s", error, wait)
            time.sleep(wait)
    return write()


class _PatientReads:
    """A store whose reads wait for an absent database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        read = getattr(self._store, name)
        return lambda *arguments, **named: persist(lambda: read(*arguments, **named))
