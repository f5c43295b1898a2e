"""When a meeting's recording was deleted; at most one broadcast of a meeting on air."""

import sqlalchemy as sa
from alembic import op

import station.base.database

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ON_AIR = sa.text("state = 'live'")
# Of two that two clerks once started at the same moment the later one is what viewers saw.
END_EARLIER = """
UPDATE broadcasts SET state = 'ended', ended_at = started_at WHERE state = 'live' AND EXISTS (
  SELECT 1 FROM broadcasts AS later WHERE later.state = 'live' AND later.meeting_id = broadcasts.meeting_id
  AND (later.started_at > broadcasts.started_at OR (later.started_at = broadcasts.started_at AND later.id > broadcasts.id))
)
"""


def upgrade() -> None:
    op.add_column("meetings", sa.Column("expired_at", station.base.database.UtcDateTime(timezone=True), nullable=True))
    op.execute(END_EARLIER)
    op.create_index(
        "uq_broadcasts_on_air", "broadcasts", ["meeting_id"], unique=True, sqlite_where=ON_AIR, postgresql_where=ON_AIR
    )


def downgrade() -> None:
    op.drop_index("uq_broadcasts_on_air", "broadcasts")
    op.drop_column("meetings", "expired_at")
