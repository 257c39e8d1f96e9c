"""Training-free scores of architectures: computed once, whichever search asked."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from sqlalchemy import select

from nas.specs import Fidelity
from nas.store.contents import Contents, canonical
from nas.store.engine import in_parts
from nas.store.tables import TrainingFreeRow
from nas.store.trials import require_driver
from search_spaces.document import Architecture


class TrainingFree(Contents):
    """Rows of `training_free`, written by a search's driver."""

    def add_training_free(  # noqa: PLR0917  who writes, and what: in the order of add_trial
        self,
        search_id: str,
        driver_attempt: int,
        architecture: Architecture,
        fidelity: Fidelity,
        seed: int,
        scores: Mapping[str, tuple[float, float]],
    ) -> None:
        """Scores by name as (value, seconds it took), with their architecture and fidelity; the first of a name stays.

        ValueError when a value or a time is no finite number; StaleAttemptError when another driver took over,
        SearchClosedError when the search is stopping or over, NotFoundError.
        """
        for name, numbers in scores.items():
            if not all(map(math.isfinite, numbers)):
                raise ValueError(f"{name} and the seconds it took must be finite numbers, not {numbers}")
        architecture = canonical(architecture)
        now, fidelity_key = self._clock(), fidelity.key
        shared = {
            "architecture_key": architecture.key,
            "fidelity_key": fidelity_key,
            "seed": seed,
            "created_at": now,
        }
        rows = [{**shared, "name": name, "value": value, "seconds": took} for name, (value, took) in scores.items()]
        with self._write() as connection:
            require_driver(connection, search_id, driver_attempt)
            self._store_content(connection, architecture, fidelity, fidelity_key, now)
            if rows:
                connection.execute(self._insert(TrainingFreeRow).on_conflict_do_nothing(), rows)
        self._known_fidelities.add(fidelity_key)

    def training_free(
        self, architecture_keys: Collection[str], fidelity_key: str, seed: int
    ) -> dict[str, dict[str, tuple[float, float]]]:
        """(value, seconds) by architecture key and name; architectures without a score are left out."""
        found: dict[str, dict[str, tuple[float, float]]] = {}
        row = TrainingFreeRow
        statement = select(row.architecture_key, row.name, row.value, row.seconds).where(
            row.fidelity_key == fidelity_key, row.seed == seed
        )
        with self._read() as connection:
            for keys in in_parts(architecture_keys):
                for key, name, value, took in connection.execute(statement.where(row.architecture_key.in_(keys))):
                    found.setdefault(key, {})[name] = (value, took)
        return found
