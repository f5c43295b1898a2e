"""No role can edit or delete a ledger row: the database itself refuses."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE = """
CREATE TRIGGER ledger_events_no_{verb} BEFORE {verb} ON ledger_events
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
"""
POSTGRESQL = """
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
"""
TRIGGER = """
CREATE TRIGGER ledger_events_no_{verb} BEFORE {verb} ON ledger_events
FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only()
"""


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(POSTGRESQL)
    for verb in ("update", "delete"):
        op.execute((SQLITE if sqlite else TRIGGER).format(verb=verb))


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER ledger_events_no_{verb}" + ("" if sqlite else " ON ledger_events"))
    if not sqlite:
        op.execute("DROP FUNCTION ledger_is_append_only()")
