"""Add the place of a search among those of its parent: which of two is the newer one, whatever the clock said."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("searches", sa.Column("place", sa.Integer()))
    # The older versions went by the clock; of two equal times by the id.
    op.execute(
        "UPDATE searches SET place = (SELECT count(*) FROM searches AS other WHERE other.parent_id = searches.parent_id"
        " AND (other.created_at < searches.created_at"
        " OR (other.created_at = searches.created_at AND other.id <= searches.id)))"
        " WHERE parent_id IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_column("searches", "place")
