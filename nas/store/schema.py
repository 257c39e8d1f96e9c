"""The version of the database schema: runs the Alembic migrations and checks that they have run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from nas.store.engine import Database, store_errors
from nas.store.errors import SchemaError, StoreError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

ADVISORY_LOCK = 1_584_210_597
"""Key of the PostgreSQL advisory lock that makes migrating processes take turns; an arbitrary number."""

_ALEMBIC = threading.Lock()
"""Alembic has one context per process, so threads take turns too."""


class Schema(Database):
    """Creates, upgrades and checks the tables."""

    def migrate(self) -> None:
        """Upgrade the tables to the schema of this version, in one transaction.

        Any number of processes may call this at once: one migrates, the others wait and find nothing left to do.

        Raises:
            StoreError: The database cannot be reached.
            SchemaError: A newer version of the software has migrated it.
        """
        from alembic import command

        with self._migration() as connection:
            found = _revision(connection)
            if found is not None and found not in revisions():
                raise SchemaError(f"the database is at revision {found}, which only a newer version knows")
            command.upgrade(_configuration(connection), "head")

    def downgrade(self, revision: str = "base") -> None:
        """Downgrade the tables to an older revision; "base" drops them all."""
        from alembic import command

        with self._migration() as connection:
            command.downgrade(_configuration(connection), revision)

    def check(self) -> None:
        """Check that the database can be used by this version.

        Raises:
            StoreError: The database cannot be reached, or has no tables yet.
            SchemaError: Its tables are not of this version.
        """
        with self._read() as connection:
            found = _revision(connection)
        if found is None:
            raise StoreError("the database has no tables yet; migrate it first")
        if found != revisions()[0]:
            raise SchemaError(f"the database is at revision {found}, this version needs {revisions()[0]}; migrate it")

    @contextmanager
    def _migration(self) -> Iterator[Connection]:
        """Open a transaction in which no other process migrates."""
        with _ALEMBIC, store_errors(), self._engine.connect() as connection:
            sqlite = connection.dialect.name == "sqlite"
            driver = connection.connection.dbapi_connection
            assert driver is not None, "the connection is open"
            try:
                if sqlite:
                    # Altering a table on SQLite means copying and dropping it, which foreign keys forbid. They can be
                    # switched off only outside a transaction.
                    driver.cursor().execute("PRAGMA foreign_keys = OFF")
                with connection.begin():  # BEGIN IMMEDIATE: the others wait here
                    if not sqlite:
                        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                    yield connection
                    if sqlite and connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
                        raise StoreError("the migration would leave rows that refer to nothing; nothing was changed")
            finally:
                if sqlite:
                    driver.cursor().execute("PRAGMA foreign_keys = ON")


@cache
def revisions() -> tuple[str, ...]:
    """List the schema revisions that this version of the software knows, newest first."""
    from alembic.script import ScriptDirectory

    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def _configuration(connection: Connection) -> Config:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration


def _revision(connection: Connection) -> str | None:
    """Read the revision of the database; None where there are no tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
