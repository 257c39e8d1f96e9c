"""Architectures, fidelities and environments, each stored once under the hash of its content."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, select

from nas.specs import Fidelity
from nas.store.engine import Clock, Database, in_parts
from nas.store.errors import StoreError
from nas.store.tables import ArchitectureRow, EnvironmentRow, FidelityRow
from search_spaces.document import Architecture, architecture_to_dict
from search_spaces.environment import Environment
from search_spaces.validation import explain


class Contents(Database):
    """Rows of `architectures`, `fidelities` and `environments`."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        super().__init__(engine, clock)
        self._known_fidelities: set[str] = set()
        self._fidelities: dict[str, Fidelity] = {}  # those that were read: what is under a key never changes
        self._known_environments: set[str] = set()

    def fidelities(self) -> dict[str, Fidelity]:
        """Read every stored fidelity.

        Returns:
            The fidelities by content key, oldest first.

        Raises:
            StoreError: A stored fidelity does not validate; the message names its key.
        """
        keys = select(FidelityRow.key).order_by(FidelityRow.created_at, FidelityRow.key)
        documents = select(FidelityRow.key, FidelityRow.document)
        with self._read() as connection:
            stored = connection.execute(keys).scalars().all()
            for part in in_parts(set(stored) - self._fidelities.keys()):
                for key, document in connection.execute(documents.where(FidelityRow.key.in_(part))):
                    self._fidelities[key] = _read_fidelity(key, document)
        return {key: self._fidelities[key] for key in stored}

    def _store_content(
        self, connection: Connection, architecture: Architecture, fidelity: Fidelity, fidelity_key: str, now: float
    ) -> None:
        """Insert the architecture and the fidelity unless they are stored; skip a fidelity this process has stored.

        The caller adds the fidelity's key to `_known_fidelities` only after the commit, since a rollback would undo
        the insert.
        """
        if fidelity_key not in self._known_fidelities:
            content = {"key": fidelity_key, "document": fidelity.model_dump(mode="json"), "created_at": now}
            connection.execute(self._insert(FidelityRow).on_conflict_do_nothing(), content)
        document = architecture_to_dict(architecture)
        content = {"key": architecture.key, "kind": document["kind"], "document": document, "created_at": now}
        connection.execute(self._insert(ArchitectureRow).on_conflict_do_nothing(), content)

    def _store_environment(self, connection: Connection, environment: Environment, now: float) -> None:
        """Insert the environment unless it is stored; skip one this process has stored.

        The caller adds the environment's key to `_known_environments` after the commit.
        """
        if environment.key not in self._known_environments:
            content = {"key": environment.key, "document": environment.model_dump(mode="json"), "created_at": now}
            connection.execute(self._insert(EnvironmentRow).on_conflict_do_nothing(), content)


def _read_fidelity(key: str, document: dict[str, Any]) -> Fidelity:
    try:
        return Fidelity.model_validate(document)
    except ValidationError as error:
        problems = explain(error, document, Fidelity)
        raise StoreError(f"the stored fidelity {key} is not one that this version reads: {problems}") from None
