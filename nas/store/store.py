"""The record of every search, in SQL. Ray executes the work; only what is recorded here has happened.

The contract, which holds on every database (tests/nas/store runs on SQLite and PostgreSQL alike):

**Execution is at least once, recording exactly once.** A trial's process, a driver or the whole machine may die at any
point, and the work is then done again. The record does not double, because every row has a natural key: a search its
idempotency key (bound to the request that used the key first; to spec and parent where the request is not known), a
trial (search, number), a measurement (search, number, iteration), a snapshot (search, run, epoch), an architecture, a
fidelity and an environment the hash of their content, a training-free score (architecture, fidelity, seed, name).
Delivering the same event again finds the recorded row, which is no error. A search or a trial with *other* content
under a key that is taken is refused (ConflictError); of a measurement, a snapshot and a training-free score the first
delivery stays.

**Every writer names its attempt.** `begin_driver` gives a driver its attempt, `begin_attempt` gives a trial's process
its own. The statement that writes also compares the attempt, so nothing can happen between the check and the write: a
writer that was replaced, however long it slept, is refused (StaleAttemptError) and changes nothing.

**A status changes by compare-and-set** (UPDATE ... WHERE status = expected): of any number of callers that try the
same change, one succeeds. A terminal row (completed, failed, stopped; for a trial also pruned) never changes again:
every UPDATE is conditional on a status that is not terminal. The end of a search also ends its running trials, as
stopped, in the same transaction; so a search that is over has no running trials.

**A trial's score** is the score of the deepest rung measured. A late measurement of an earlier rung joins the learning
curve and leaves the score alone. Every measurement stays, also in a trial that failed or was stopped.

**Nothing needs to be measured twice.** A completed trial of the same (architecture, fidelity, seed, environment),
whichever search it belongs to, can be adopted: the new row is completed at once, with the numbers and the curve of the
other trial, which the row names as its source. No process ran for an adopted trial, so it adds nothing to a search's
cost and nothing to the mean times of rungs. The source of an adopted trial is always one that ran. Training-free scores
belong to no search.

**Transactions are short**: one per event, with at most two statements for a trial's event (plus one for a fidelity or
an environment that a process sends for the first time). Writers on SQLite take turns and wait up to 30 s; readers never
wait. A method either commits all of its writes or leaves nothing; StoreError means that the database is unreachable or
stayed locked, and since events can be delivered twice, a caller may try again.

**Reading a page takes a fixed number of statements**, however many searches or trials are on it. Counts, sums and
times of rungs are kept by triggers of the database in the transaction that writes a trial or a measurement
(`search_totals`, `rung_totals`), so they hold after any crash and need not be computed when they are read; `odd_totals`
compares them with the rows. The store returns the objects that it was given: an architecture, a `Snapshot`.

**Changes of trials are numbered** within their search in the order in which they become visible, whatever the clocks of
the writers say: `changed_trials` goes by these numbers.

**Who may call**: any number of threads and processes, each process with its own Store (a Store must not be shared
over a fork). Records are frozen copies. Times are seconds since the epoch by the caller's clock.
"""

from __future__ import annotations

import time
from typing import Self

from nas.store.adoption import Adoption
from nas.store.changes import Changes
from nas.store.chart import Chart
from nas.store.costs import Costs
from nas.store.drivers import Drivers
from nas.store.engine import Clock, make_engine
from nas.store.leaderboard import Leaderboard
from nas.store.overviews import Overviews
from nas.store.schema import Schema
from nas.store.snapshots import Snapshots
from nas.store.totals import Totals
from nas.store.training_free import TrainingFree


class Store(Schema, Drivers, Adoption, TrainingFree, Leaderboard, Overviews, Changes, Chart, Totals, Costs, Snapshots):
    """The record of all searches on one database: every method of this package, under the contract above."""

    @classmethod
    def open(cls, url: str, clock: Clock = time.time) -> Self:
        """Open a store, which connects on first use; call `migrate` before any other method.

        Args:
            url: `sqlite:///FILE` (the file is made when missing) or `postgresql://USER:PASSWORD@HOST/NAME`.
            clock: The time in seconds since the epoch.

        Raises:
            ValueError: The URL is of another form or names another kind of database.
            StoreError: The folder of the SQLite file cannot be made, or SQLite is too old.
        """
        return cls(make_engine(url), clock)

    def close(self) -> None:
        """Close the connections; using the store again opens new ones."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
