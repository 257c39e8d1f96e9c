"""The record of every search, in SQL. Ray executes the work; only what is recorded here has happened.

The contract, which holds on every database (tests/nas/store runs on SQLite and PostgreSQL alike):

**Execution is at least once, recording exactly once.** A trial's process, a driver or the whole machine may die at any
point, and the work is then done again. The record does not double, because every row has a natural key: a search its
idempotency key (bound to the request that used the key first; to spec and parent where the request is not known), a
trial (search, number), a measurement (search, number, iteration), a snapshot (search, run, epoch), an architecture, a
fidelity and an environment the hash of their content, a training-free score (architecture, fidelity, seed, name).
Delivering the same event again finds the recorded row, which is no error. A search or a trial with *other* content
under a key that is taken is refused (ConflictError); of a measurement, a snapshot and a training-free score the first
delivery stays. Predictions are no part of the record but an aid to look at: those of a deeper rung replace those of an
earlier one, a stale attempt's are ignored, and drivers delete those of trials that are not among the best.

**Every writer names its attempt.** `begin_driver` gives a driver its attempt, `begin_attempt` gives a trial's process
its own. The statement that writes also compares the attempt, so nothing can happen between the check and the write: a
writer that was replaced, however long it slept, is refused (StaleAttemptError) and changes nothing.

**A status changes by compare-and-set** (UPDATE ... WHERE status = expected): of any number of callers that try the
same change, one succeeds. The end of a search, and its pause, also end its running trials, as stopped, in the same
transaction; so a search that is over or paused has no running trials. The search that follows a completed one, such
as its confirmation, is queued in that transaction too, and no second time after the same result.

**What was measured never changes; what was broken off may go on.** A trial that is completed or pruned never changes
again, nor does any measurement: every UPDATE of a driver is conditional on a status that is not terminal. A search
that is over or paused changes in one way only, at a user's request: `resume_search` and `extend_search` put it back
into the queue, under the same id, with the same trials, and the next driver's attempt counts on. That driver
(`begin_attempt`) may continue the trials that were stopped with the search, each as a new attempt; it finds the
measurements of the attempts before. A failed trial stays failed, unless the user asked for another try: then resuming
makes it a stopped one. So it is with differentiable runs. The spec of a search changes when the search is extended,
which only adds trials to the plan, and in its name; both in one transaction with the status or the name.
`delete_search` removes a search that is over or paused with all of its rows, unless other searches need them; content
that searches share stays.

**Nothing waits for the clock.** Who attends to a search is told by a lease whose beat its owner increases; back-off is
a length that whoever waits measures. Times of day are recorded to be read by people, and decide nothing.

**A lost driver counts against its search only without progress.** `begin_driver` marks how much is recorded, and
`progressed` tells whether more is recorded since; `setbacks` are the drivers lost in a row that were not excused by
progress. The end of a search sets them to 0.

**A trial's score** is the score of the deepest rung measured. A late measurement of an earlier rung joins the learning
curve and leaves the score alone. Every measurement stays, also in a trial that failed or was stopped.

**Nothing needs to be measured twice.** A completed trial of the same (architecture, fidelity, seed, environment),
whichever search it belongs to, can be adopted: the new row is completed at once, with the numbers and the curve of the
other trial, which the row names as its source. No process ran for an adopted trial, so it adds nothing to a search's
cost and nothing to the mean times of rungs. The source of an adopted trial is always one that ran; its name stays
readable when its search is deleted. Training-free scores belong to no search.

**Transactions are short**: one per event, with at most two statements for a trial's event (plus one for a fidelity or
an environment that a process sends for the first time). Writers on SQLite take turns and wait up to 30 s; readers never
wait. A method either commits all of its writes or leaves nothing; StoreError means that the database is unreachable or
stayed locked, and since events can be delivered twice, a caller may try again.

**Reading a page takes a fixed number of statements**, however many searches or trials are on it. Counts, sums and
times of rungs are kept by triggers of the database in the transaction that writes a trial or a measurement
(`search_totals`, `rung_totals`), so they hold after any crash and need not be computed when they are read; `odd_totals`
compares them with the rows. The store returns the objects that it was given: an architecture, a `Snapshot`.

**Changes of trials are numbered** within their search in the order in which they become visible, whatever the clocks of
the writers say: `changed_trials` goes by these numbers. Searches and tokens are numbered, too, in the order of their
creation, and the newest one is told by that.

**Tokens are stored as hashes**, and revoked rather than deleted. A search keeps the name of the token that started it,
its owner; what an owner's searches have spent is summed over their kept totals, and stays spent when one is deleted.

**Who may call**: any number of threads and processes, each process with its own Store (a Store must not be shared
over a fork). Records are frozen copies. Times are seconds since the epoch by the caller's clock.
"""

from __future__ import annotations

import time
from typing import Self

from nas.store.adoption import Adoption
from nas.store.again import Again
from nas.store.census import Censuses
from nas.store.changes import Changes
from nas.store.chart import Chart
from nas.store.costs import Costs
from nas.store.drivers import Drivers
from nas.store.engine import Clock, make_engine
from nas.store.leaderboard import Leaderboard
from nas.store.leases import Leases
from nas.store.lifecycle import Lifecycle
from nas.store.overviews import Overviews
from nas.store.predictions import PredictionsOfTrials
from nas.store.runs import Runs
from nas.store.schema import Schema
from nas.store.snapshots import Snapshots
from nas.store.summaries import Summaries
from nas.store.tokens import Tokens
from nas.store.totals import Totals
from nas.store.training_free import TrainingFree


class Store(
    Schema,
    Drivers,
    Leases,
    Lifecycle,
    Adoption,
    TrainingFree,
    Leaderboard,
    Overviews,
    Again,
    Censuses,
    Changes,
    Chart,
    Summaries,
    Totals,
    Costs,
    Snapshots,
    Runs,
    PredictionsOfTrials,
    Tokens,
):
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
