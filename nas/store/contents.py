"""Architectures and fidelities: stored once under their content keys, and fidelities read back."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, select

from nas.specs import Fidelity
from nas.store.engine import Clock, Database
from nas.store.errors import StoreError
from nas.store.tables import ArchitectureRow, FidelityRow
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture, architecture_to_dict
from search_spaces.validation import explain


class Contents(Database):
    """Rows of `architectures` and `fidelities`."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        super().__init__(engine, clock)
        self._known_fidelities: set[str] = set()

    def fidelities(self) -> dict[str, Fidelity]:
        """Every fidelity that a trial was measured at, by key. StoreError, with the key, when one does not validate."""
        statement = select(FidelityRow.key, FidelityRow.document).order_by(FidelityRow.created_at, FidelityRow.key)
        with self._read() as connection:
            return {key: _read_fidelity(key, document) for key, document in connection.execute(statement)}

    def _store_content(
        self, connection: Connection, architecture: Architecture, fidelity: Fidelity, fidelity_key: str, now: float
    ) -> None:
        """Architecture and fidelity under their keys, once; a fidelity this process has stored is not sent again.

        The caller adds the fidelity's key to `_known_fidelities` after the commit: a rolled back insert is not there.
        """
        if fidelity_key not in self._known_fidelities:
            content = {"key": fidelity_key, "document": fidelity.model_dump(mode="json"), "created_at": now}
            connection.execute(self._insert(FidelityRow).on_conflict_do_nothing(), content)
        document = architecture_to_dict(architecture)
        content = {"key": architecture.key, "kind": document["kind"], "document": document, "created_at": now}
        connection.execute(self._insert(ArchitectureRow).on_conflict_do_nothing(), content)


def canonical(architecture: Architecture) -> Architecture:
    """The form in which an architecture is stored and measured; its key is that of every equal one."""
    return architecture.canonical() if isinstance(architecture, DenseCell) else architecture


def _read_fidelity(key: str, document: dict[str, Any]) -> Fidelity:
    try:
        return Fidelity.model_validate(document)
    except ValidationError as error:
        problems = explain(error, document, Fidelity)
        raise StoreError(f"the stored fidelity {key} is not one that this version reads: {problems}") from None
