# ruff: noqa: S608  the SQL is put together from this file's own texts
"""Keep totals of trials and of rung times, and number the changes of trials, by triggers; index scores by status."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

STATUSES = ("running", "completed", "pruned", "failed", "stopped")

COLUMNS = (
    "attempt, status, score, iteration, seconds, device_seconds, reason, updated_at, finished_at, parameters, "
    "multiply_adds, source, unjudged_iteration, unjudged_score"
)
"""The columns of `trials` that may change, without the number of the change itself."""


def upgrade() -> None:
    op.add_column("trials", sa.Column("sequence", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    _create_tables()
    op.execute(NUMBER_CHANGES)
    op.execute(SUM_TRIALS)
    op.execute(SUM_RUNGS)
    op.create_index(
        "ix_trials_search_id_status_iteration_score_number",
        "trials",
        ["search_id", "status", "iteration", "score", "number"],
    )
    op.create_index("ix_trials_search_id_sequence", "trials", ["search_id", "sequence"])
    op.drop_index("ix_trials_search_id_updated_at", "trials")
    for statement in _triggers()[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        for name in ("trials_added", "trials_changed", "measurements_added"):
            op.execute(f"DROP TRIGGER {name}")
    else:
        for name in ("trial_numbered", "trial_renumbered", "trial_added", "trial_changed"):
            op.execute(f"DROP TRIGGER {name} ON trials")
        op.execute("DROP TRIGGER measurement_added ON measurements")
        for name in ("trial_numbered", "trial_added", "trial_changed", "measurement_added"):
            op.execute(f"DROP FUNCTION {name}()")
    op.create_index("ix_trials_search_id_updated_at", "trials", ["search_id", "updated_at"])
    op.drop_index("ix_trials_search_id_sequence", "trials")
    op.drop_index("ix_trials_search_id_status_iteration_score_number", "trials")
    op.drop_table("rung_totals")
    op.drop_table("search_totals")
    op.drop_column("trials", "sequence")


def _create_tables() -> None:
    def total(name: str, column_type: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
        return sa.Column(name, column_type(), nullable=False, server_default=sa.text("0"))

    def search(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
        name = op.f(f"fk_{table}_search_id")
        reference = sa.ForeignKeyConstraint(["search_id"], ["searches.id"], name=name, ondelete="CASCADE")
        return sa.Column("search_id", sa.String(32), nullable=False), reference

    op.create_table(
        "search_totals",
        *search("search_totals"),
        total("sequence", sa.BigInteger),
        *map(total, (*STATUSES, "measured", "adopted")),
        total("device_microseconds", sa.BigInteger),
        sa.PrimaryKeyConstraint("search_id", name=op.f("pk_search_totals")),
    )
    op.create_table(
        "rung_totals",
        *search("rung_totals"),
        sa.Column("fidelity_key", sa.String(64), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        total("trials"),
        total("microseconds", sa.BigInteger),
        total("device_microseconds", sa.BigInteger),
        sa.PrimaryKeyConstraint("search_id", "fidelity_key", "iteration", name=op.f("pk_rung_totals")),
    )
    op.create_index("ix_rung_totals_fidelity_key_search_id", "rung_totals", ["fidelity_key", "search_id"])


def _microseconds(seconds: str) -> str:
    return f"CAST(ROUND(COALESCE({seconds}, 0) * 1000000) AS BIGINT)"


def _if(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 1 ELSE 0 END"


def _parts(row: str) -> Mapping[str, str]:
    """What one trial adds to the totals of its search, by column."""
    seconds = _microseconds(f"{row}.device_seconds")
    return {
        **{status: _if(f"{row}.status = '{status}'") for status in STATUSES},
        "measured": _if(f"{row}.source IS NULL AND {row}.score IS NOT NULL"),
        "adopted": _if(f"{row}.source IS NOT NULL"),
        "device_microseconds": f"CASE WHEN {row}.source IS NULL THEN {seconds} ELSE 0 END",
    }


NUMBER_CHANGES = """
WITH places AS (
    SELECT search_id AS id, number AS n, ROW_NUMBER() OVER (PARTITION BY search_id ORDER BY updated_at, number) AS place
    FROM trials
)
UPDATE trials SET sequence = places.place FROM places WHERE places.id = trials.search_id AND places.n = trials.number
"""

SUM_TRIALS = f"""
INSERT INTO search_totals (search_id, sequence, {", ".join(_parts("trials"))})
SELECT search_id, MAX(sequence), {", ".join(f"SUM({part})" for part in _parts("trials").values())}
FROM trials GROUP BY search_id
"""

SUM_RUNGS = f"""
INSERT INTO rung_totals (search_id, fidelity_key, iteration, trials, microseconds, device_microseconds)
SELECT search_id, fidelity_key, iteration, COUNT(*), SUM(seconds), SUM(device_seconds) FROM (
    SELECT trials.search_id, trials.fidelity_key, measurements.iteration,
           {_microseconds("measurements.seconds")}
           - COALESCE(LAG({_microseconds("measurements.seconds")}) OVER trial, 0) AS seconds,
           {_microseconds("measurements.device_seconds")}
           - COALESCE(LAG({_microseconds("measurements.device_seconds")}) OVER trial, 0) AS device_seconds
    FROM measurements
    JOIN trials ON trials.search_id = measurements.search_id AND trials.number = measurements.number
    WHERE trials.source IS NULL
    WINDOW trial AS (PARTITION BY measurements.search_id, measurements.number ORDER BY measurements.iteration)
) AS steps GROUP BY search_id, fidelity_key, iteration
"""

# What the triggers do, in the SQL of both databases.

SET_TOTALS = ", ".join(f"{name} = search_totals.{name} + excluded.{name}" for name in _parts("NEW"))

ADD_TRIAL = f"""
INSERT INTO search_totals (search_id, sequence, {", ".join(_parts("NEW"))})
VALUES (NEW.search_id, 1, {", ".join(_parts("NEW").values())})
ON CONFLICT (search_id) DO UPDATE SET sequence = search_totals.sequence + {{step}}, {SET_TOTALS};
"""

CHANGE_TRIAL = f"""
UPDATE search_totals SET sequence = sequence + {{step}},
{", ".join(f"{name} = {name} + {part} - {_parts('OLD')[name]}" for name, part in _parts("NEW").items())}
WHERE search_id = NEW.search_id;
"""


def _since_rung_before(column: str) -> str:
    """The time of a new measurement since the rung before."""
    return f"""{_microseconds(f"NEW.{column}")} - COALESCE((
        SELECT {_microseconds(f"earlier.{column}")} FROM measurements AS earlier
        WHERE earlier.search_id = NEW.search_id AND earlier.number = NEW.number AND earlier.iteration < NEW.iteration
        ORDER BY earlier.iteration DESC LIMIT 1
    ), 0)"""


ADD_MEASUREMENT = f"""
INSERT INTO rung_totals (search_id, fidelity_key, iteration, trials, microseconds, device_microseconds)
SELECT NEW.search_id, trials.fidelity_key, NEW.iteration, 1, {_since_rung_before("seconds")},
       {_since_rung_before("device_seconds")}
FROM trials WHERE trials.search_id = NEW.search_id AND trials.number = NEW.number AND trials.source IS NULL
ON CONFLICT (search_id, fidelity_key, iteration) DO UPDATE SET
    trials = rung_totals.trials + 1,
    microseconds = rung_totals.microseconds + excluded.microseconds,
    device_microseconds = rung_totals.device_microseconds + excluded.device_microseconds;
"""

# A late measurement of an earlier rung shortens the way to the rung behind it, which is recorded already.
SHORTEN_NEXT = f"""
UPDATE rung_totals SET
    microseconds = microseconds - ({_since_rung_before("seconds")}),
    device_microseconds = device_microseconds - ({_since_rung_before("device_seconds")})
WHERE search_id = NEW.search_id
    AND fidelity_key = (
        SELECT trials.fidelity_key FROM trials
        WHERE trials.search_id = NEW.search_id AND trials.number = NEW.number AND trials.source IS NULL
    )
    AND iteration = (
        SELECT MIN(later.iteration) FROM measurements AS later
        WHERE later.search_id = NEW.search_id AND later.number = NEW.number AND later.iteration > NEW.iteration
    );
"""

NUMBER_TRIAL = """
UPDATE trials SET sequence = (SELECT sequence FROM search_totals WHERE search_id = NEW.search_id)
WHERE search_id = NEW.search_id AND number = NEW.number;
"""


def _triggers() -> Mapping[str, tuple[str, ...]]:
    return {"sqlite": tuple(_of_sqlite()), "postgresql": tuple(_of_postgresql())}


def _of_sqlite() -> Iterator[str]:
    def row(name: str) -> str:
        return ", ".join(f"{name}.{column}" for column in COLUMNS.split(", "))

    add, change = ADD_TRIAL.format(step=1), CHANGE_TRIAL.format(step=1)
    yield f"CREATE TRIGGER trials_added AFTER INSERT ON trials BEGIN {add} {NUMBER_TRIAL} END"
    # NUMBER_TRIAL sets none of these columns, so it does not fire the trigger again.
    yield (
        f"CREATE TRIGGER trials_changed AFTER UPDATE OF {COLUMNS} ON trials "
        f"WHEN ({row('OLD')}) IS NOT ({row('NEW')}) BEGIN {change} {NUMBER_TRIAL} END"
    )
    yield f"CREATE TRIGGER measurements_added AFTER INSERT ON measurements BEGIN {ADD_MEASUREMENT} {SHORTEN_NEXT} END"


def _of_postgresql() -> Iterator[str]:
    # The number must be in the row before the row is written. An insert that is skipped afterwards, since the trial is
    # recorded, leaves a gap, which does no harm; so the totals are counted behind the write.
    number = """
    INSERT INTO search_totals (search_id, sequence) VALUES (NEW.search_id, 1)
    ON CONFLICT (search_id) DO UPDATE SET sequence = search_totals.sequence + 1
    RETURNING sequence INTO NEW.sequence;
    """
    yield _function("trial_numbered", f"{number} RETURN NEW;")
    yield _function("trial_added", f"{ADD_TRIAL.format(step=0)} RETURN NULL;")
    yield _function("trial_changed", f"{CHANGE_TRIAL.format(step=0)} RETURN NULL;")
    yield _function("measurement_added", f"{ADD_MEASUREMENT} {SHORTEN_NEXT} RETURN NULL;")
    changed = "FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)"
    yield "CREATE TRIGGER trial_numbered BEFORE INSERT ON trials FOR EACH ROW EXECUTE FUNCTION trial_numbered()"
    yield f"CREATE TRIGGER trial_renumbered BEFORE UPDATE ON trials {changed} EXECUTE FUNCTION trial_numbered()"
    yield "CREATE TRIGGER trial_added AFTER INSERT ON trials FOR EACH ROW EXECUTE FUNCTION trial_added()"
    yield f"CREATE TRIGGER trial_changed AFTER UPDATE ON trials {changed} EXECUTE FUNCTION trial_changed()"
    yield (
        "CREATE TRIGGER measurement_added AFTER INSERT ON measurements FOR EACH ROW "
        "EXECUTE FUNCTION measurement_added()"
    )


def _function(name: str, body: str) -> str:
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN {body} END $body$"
