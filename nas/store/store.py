"""The record of every search, in SQL. Ray executes; what is not here did not happen.

The contract, which holds on every database (tests/nas/store runs on SQLite and PostgreSQL alike):

**Execution is at least once, recording exactly once.** A trial's process, a driver or the whole machine may die at
any point and its work be done again. The record does not double: a search is known by its idempotency key (bound to
its request; to its spec and parent where the request is not known), a trial by (search, number), a measurement by
(search, number, iteration), a snapshot by (search, run, epoch), an architecture and a fidelity by their content, a
training-free score by (architecture, fidelity, seed, name). Whoever delivers the same event again meets the recorded
one, and that is no error; whoever delivers *another* content under the same name is told so (ConflictError).

**Every writer names its attempt.** `begin_driver` gives a driver its attempt, `begin_attempt` a trial's process its
own. The attempt is compared in the statement that writes, so there is no gap between the question and the write: a
writer that was replaced, however long it slept, is refused (StaleAttemptError) and changes nothing.

**A status moves by compare-and-set** (UPDATE ... WHERE status = expected): of any number of callers that try the same
move, one succeeds. A terminal row (completed, failed, stopped; for a trial also pruned) never changes again: every
UPDATE is conditional on a status that is not terminal. A search that ends takes its trials in flight with it, as
stopped, in the same transaction; so a search that is over has no running trials.

**A trial's score** is that of the deepest rung measured. A late measurement of an earlier rung joins the learning
curve and leaves the score alone. Whatever was measured stays, also in a trial that failed or was stopped.

**Nothing need be measured twice.** A completed trial of the same (architecture, fidelity, seed), whichever search it
belongs to, can be adopted: the new row is completed at once, with the numbers and the curve of the other, which it
names as its source. Nothing was run for it, so it adds nothing to a search's cost nor to what rungs take. The source
of an adopted trial is always one that ran. Training-free scores belong to no search: the first one stays.

**Transactions are short**: one per event, at most two statements for a trial's (plus one for a fidelity that a
process sends for the first time). Writers on SQLite take turns and wait up to 30 s; readers never wait. A method
either commits as a whole or leaves nothing; StoreError means that the database is away or stayed locked, and since
events can be delivered twice, a caller may try again.

**Reading a page takes a fixed number of statements**, however many searches or trials are on it: `overviews` counts,
sums and ranks for all searches of a page at once. The store gives back what it took: an architecture, a `Snapshot`.

**Who may call**: any number of threads and processes, each process with its own Store (do not share one over a
fork). Records are frozen copies. Times are seconds since the epoch by the caller's clock.
"""

from __future__ import annotations

import time
from typing import Self

from nas.store.adoption import Adoption
from nas.store.costs import Costs
from nas.store.drivers import Drivers
from nas.store.engine import Clock, make_engine
from nas.store.leaderboard import Leaderboard
from nas.store.overviews import Overviews
from nas.store.schema import Schema
from nas.store.snapshots import Snapshots
from nas.store.training_free import TrainingFree


class Store(Schema, Drivers, Adoption, TrainingFree, Leaderboard, Overviews, Costs, Snapshots):
    """All of the above on one database."""

    @classmethod
    def open(cls, url: str, clock: Clock = time.time) -> Self:
        """A store on `sqlite:///FILE` (made when missing) or `postgresql://USER:PASSWORD@HOST/NAME`.

        Connects on first use; call `migrate` before it. ValueError on another kind of URL.
        """
        return cls(make_engine(url), clock)

    def close(self) -> None:
        """Close the connections; the store can be used again, which opens new ones."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
