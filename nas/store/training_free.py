"""Training-free scores of architectures, shared by all searches: each is stored once."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from sqlalchemy import select

from nas.specs import Fidelity
from nas.store.contents import Contents
from nas.store.engine import in_parts
from nas.store.tables import TrainingFreeRow
from nas.store.trials import require_driver
from search_spaces.document import Architecture, canonical


class TrainingFree(Contents):
    """Rows of `training_free`, written by a search's driver."""

    def add_training_free(  # noqa: PLR0917  the driver and what it writes, in the order of add_trial
        self,
        search_id: str,
        driver_attempt: int,
        architecture: Architecture,
        fidelity: Fidelity,
        seed: int,
        scores: Mapping[str, tuple[float, float]],
    ) -> None:
        """Record training-free scores of an architecture; a score that is recorded already stays as it is.

        Args:
            search_id: The search whose driver writes.
            driver_attempt: The driver's attempt.
            architecture: Stored in its canonical form.
            fidelity: The fidelity whose network and data were scored.
            seed: The seed of the trial: of the network's initial weights and the order of its data.
            scores: (value, seconds that computing the value took) by the score's name.

        Raises:
            ValueError: A value or a time is not a finite number.
            NotFoundError: There is no such search.
            SearchClosedError: The search is stopping or over.
            StaleAttemptError: The attempt no longer drives the search.
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
        rows = [
            {**shared, "name": name, "value": value, "seconds": seconds} for name, (value, seconds) in scores.items()
        ]
        with self._write() as connection:
            require_driver(connection, search_id, driver_attempt)
            self._store_content(connection, architecture, fidelity, fidelity_key, now)
            if rows:
                connection.execute(self._insert(TrainingFreeRow).on_conflict_do_nothing(), rows)
        self._known_fidelities.add(fidelity_key)

    def training_free(
        self, architecture_keys: Collection[str], fidelity_key: str, seed: int
    ) -> dict[str, dict[str, tuple[float, float]]]:
        """Read the training-free scores of architectures at one fidelity and seed.

        Returns:
            (value, seconds that computing the value took) by architecture key and the score's name. Architectures
            without a score are left out.
        """
        found: dict[str, dict[str, tuple[float, float]]] = {}
        row = TrainingFreeRow
        statement = select(row.architecture_key, row.name, row.value, row.seconds).where(
            row.fidelity_key == fidelity_key, row.seed == seed
        )
        with self._read() as connection:
            for keys in in_parts(architecture_keys):
                for key, name, value, seconds in connection.execute(statement.where(row.architecture_key.in_(keys))):
                    found.setdefault(key, {})[name] = (value, seconds)
        return found
