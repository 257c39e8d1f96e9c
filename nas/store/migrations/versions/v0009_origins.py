"""Keep how far the searches had come that a search starts from: by their sequence of changes, not by the clock."""

import json
import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SEARCH_ID = re.compile(r"s[0-9a-f]{12}")


def upgrade() -> None:
    op.add_column("searches", sa.Column("origins", DOCUMENT))
    connection = op.get_bind()
    for search_id, created_at, named in list(_searches_with_origins(connection)):
        origins = {origin: _last_change(connection, origin, created_at) for origin in named}
        statement = sa.text("UPDATE searches SET origins = :origins WHERE id = :id").bindparams(
            sa.bindparam("origins", origins, DOCUMENT), sa.bindparam("id", search_id)
        )
        connection.execute(statement)


def _searches_with_origins(connection: sa.Connection) -> list[tuple[str, float, list[str]]]:
    searches = sa.table("searches", sa.column("id"), sa.column("created_at"), sa.column("spec", DOCUMENT))
    found = []
    for search_id, created_at, spec in connection.execute(sa.select(searches)):
        document = json.loads(spec) if isinstance(spec, str) else spec
        names = [*document.get("warm_start", ()), *document.get("start", ())]
        origins = [name for name in names if isinstance(name, str) and SEARCH_ID.fullmatch(name)]
        if origins:
            found.append((search_id, created_at, list(dict.fromkeys(origins))))
    return found


def _last_change(connection: sa.Connection, search_id: str, created_at: float) -> int:
    """The change up to which the older versions looked: they compared times."""
    statement = sa.text("SELECT max(sequence) FROM trials WHERE search_id = :id AND finished_at <= :time")
    return connection.execute(statement, {"id": search_id, "time": created_at}).scalar_one_or_none() or 0


def downgrade() -> None:
    op.drop_column("searches", "origins")
