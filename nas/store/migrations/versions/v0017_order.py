"""Number all searches, and all tokens, in the order of their creation: what is newest is asked of no clock.

Until now only the searches of one parent had a place, among themselves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    # The older versions went by the clock; searches of one parent keep the order in which they were created.
    op.execute(
        "UPDATE searches SET place = numbered.number FROM ("
        " SELECT id, ROW_NUMBER() OVER (ORDER BY stood, parent_id IS NOT NULL, place, id) AS number FROM ("
        "  SELECT id, place, parent_id, CASE WHEN parent_id IS NULL THEN created_at ELSE MAX(created_at)"
        "   OVER (PARTITION BY parent_id ORDER BY place, id ROWS UNBOUNDED PRECEDING) END AS stood FROM searches"
        " ) AS standing) AS numbered WHERE numbered.id = searches.id"
    )
    op.add_column("tokens", sa.Column("place", sa.Integer()))
    op.execute(
        "UPDATE tokens SET place = numbered.number FROM ("
        " SELECT id, ROW_NUMBER() OVER (ORDER BY created_at, id) AS number FROM tokens"
        ") AS numbered WHERE numbered.id = tokens.id"
    )
    _order_by(["created_at", "id"], ["place", "id"])
    op.drop_index("ix_tokens_name_created_at", "tokens")
    op.create_index("ix_tokens_name_place", "tokens", ["name", "place"])


def downgrade() -> None:
    op.drop_index("ix_tokens_name_place", "tokens")
    op.create_index("ix_tokens_name_created_at", "tokens", ["name", "created_at"])
    _order_by(["place", "id"], ["created_at", "id"])
    op.drop_column("tokens", "place")
    op.execute(
        "UPDATE searches SET place = numbered.number FROM ("
        " SELECT id, ROW_NUMBER() OVER (PARTITION BY parent_id ORDER BY place, id) AS number FROM searches"
        ") AS numbered WHERE numbered.id = searches.id"
    )
    op.execute("UPDATE searches SET place = NULL WHERE parent_id IS NULL")


def _order_by(before: list[str], after: list[str]) -> None:
    for first in (["status"], [], ["owner"]):
        op.drop_index("_".join(["ix_searches", *first, *before]), "searches")
        op.create_index("_".join(["ix_searches", *first, *after]), "searches", [*first, *after])
